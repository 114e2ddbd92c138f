//! Seeing pages with other eyes: as another account, or as somebody who holds certain permissions. Nobody sees more than themselves, and nothing is
//! changed meanwhile.

use crate::{AccountId, Permission, Refusal, Scope, Time, permission::Held, refuse, time::MINUTE};
use rkyv::{Archive, Deserialize, Serialize};

/// A session that sees with other eyes.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Eyes {
    /// SHA-256 of the session's token.
    pub session: [u8; 32],
    /// Whose session it is.
    pub seer: AccountId,
    /// Whose eyes they are.
    pub of: EyesOf,
    /// When it began.
    pub began: Time,
    /// When it ends whatever happens.
    pub until: Time,
}

/// Whose eyes they are.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum EyesOf {
    /// Another account's.
    Account(AccountId),
    /// Those of somebody who holds these permissions for the whole space.
    Role(Vec<Permission>),
}

/// How long it lasts.
pub const EYES_MILLIS: i64 = 30 * MINUTE;

/// Whether somebody who holds `mine` holds `theirs` too. What others may at what they made themselves covers only who may it everywhere.
pub fn covers(mine: &[Held], theirs: &Held) -> bool {
    mine.iter().any(|held| {
        held.permission == theirs.permission
            && (held.scope == Scope::Space || held.scope == theirs.scope && theirs.scope != Scope::Own)
    })
}

/// What is seen: what they hold, as far as the seer holds it too.
pub fn clipped(mine: &[Held], theirs: Vec<Held>) -> Vec<Held> {
    theirs.into_iter().filter(|held| covers(mine, held)).collect()
}

/// The refusal of whoever wants to see as somebody who may more.
pub fn above() -> Refusal {
    refuse!(Denied, "eyes.above", "This account may more than you do. You can only see as somebody who may no more.")
}

/// The refusal of whatever would change something meanwhile.
pub fn read_only() -> Refusal {
    refuse!(Denied, "eyes.read_only", "You are seeing as somebody else and can change nothing. End it first.")
}

/// The refusal of the page of an account that is not one's own.
pub fn own_page() -> Refusal {
    refuse!(Denied, "eyes.own_page", "The page of an account is its owner's alone. End seeing as somebody else first.")
}

/// The refusal of what would leave the box meanwhile.
pub fn no_download() -> Refusal {
    refuse!(Denied, "eyes.no_download", "You are seeing as somebody else and can take nothing along. End it first.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DepartmentId, EventId};

    #[test]
    fn nobody_sees_more_than_themselves() {
        let held = |permission, scope| Held { permission, scope };
        let (view, manage) = (Permission::EventView, Permission::EventManage);
        let (event, other) = (Scope::Event(EventId(1)), Scope::Event(EventId(2)));
        let department = Scope::Department(DepartmentId(1));
        let cases = [
            (vec![held(view, Scope::Space)], held(view, Scope::Space), true),
            (vec![held(view, Scope::Space)], held(view, event), true),
            (vec![held(view, Scope::Space)], held(view, Scope::Own), true),
            (vec![held(view, Scope::Space)], held(manage, event), false),
            (vec![held(view, event)], held(view, event), true),
            (vec![held(view, event)], held(view, other), false),
            (vec![held(view, event)], held(view, Scope::Space), false),
            (vec![held(view, department)], held(view, department), true),
            (vec![held(view, department)], held(view, event), false),
            (vec![held(view, Scope::Own)], held(view, Scope::Own), false),
            (vec![], held(view, event), false),
            (vec![held(manage, Scope::Space), held(view, other)], held(view, other), true),
        ];
        for (mine, theirs, covered) in cases {
            assert_eq!(covers(&mine, &theirs), covered, "{mine:?} {theirs:?}");
            assert_eq!(clipped(&mine, vec![theirs]).len(), usize::from(covered));
        }
    }
}
