//! Permissions, the scopes they are given at, and the question whether somebody may. What nobody granted is denied.

use crate::{AccountId, DepartmentId, EventId};
use rkyv::{Archive, Deserialize, Serialize};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $label:literal;)*) => {
        /// What somebody may do. The code is stable; the label is the English source text.
        #[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $name),* }

        impl Permission {
            /// Every permission there is, in the order the permission page shows them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Stable code such as `registration.manage`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// English source text of what it allows.
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label),* }
            }

            /// The permission of that code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

permissions! {
    /// Name and zone of the association, departments.
    SpaceManage = "space.manage", "Change the association's settings and departments";
    /// Staff accounts and what they may do.
    AccountManage = "account.manage", "Manage staff accounts and permissions";
    /// The audit log.
    AuditView = "audit.view", "Read the audit log";
    /// See events and their figures.
    EventView = "event.view", "See events and their figures";
    /// Create, change, copy, publish and withdraw events and their ticket types.
    EventManage = "event.manage", "Create, change and publish events and ticket types";
    /// See who is registered.
    RegistrationView = "registration.view", "See registrations";
    /// Add, change, import and cancel registrations.
    RegistrationManage = "registration.manage", "Add, change, import and cancel registrations";
    /// Take registrations away as a file.
    RegistrationExport = "registration.export", "Export registrations";
    /// Phone numbers and identity cards in full.
    PersonSensitive = "person.sensitive", "See phone numbers and identity cards in full";
    /// Admit people at the door.
    CheckinScan = "checkin.scan", "Check people in at the door";
    /// Mark people as checked in or not, afterwards too.
    CheckinMark = "checkin.mark", "Mark people as checked in or not checked in";
    /// Pair and revoke check-in terminals.
    DeviceManage = "device.manage", "Pair and revoke check-in terminals";
    /// Approve and refuse what waits for review.
    OrderReview = "order.review", "Approve and refuse registrations";
    /// Record payments and refunds, cancel and reopen orders, vouchers.
    OrderManage = "order.manage", "Manage orders, payments and codes";
    /// Write to people.
    NoticeSend = "notice.send", "Write messages to registered people";
    /// Set draws up: rounds, prizes, who takes part.
    DrawManage = "draw.manage", "Set draws up";
    /// Run draws on the stage, void, hand prizes out, moderate messages.
    DrawRun = "draw.run", "Run draws and hand prizes out";
    /// Name winners beforehand; they are published as assigned, not drawn.
    DrawDesignate = "draw.designate", "Assign prizes without drawing (published as assigned)";
    /// Design posters, badges and seat cards, and print them.
    PrintManage = "print.manage", "Design posters, badges and certificates, and print badges";
    /// Issue and revoke certificates.
    CertificateIssue = "certificate.issue", "Issue and revoke certificates";
    /// See documents and what is in them.
    DocumentView = "document.view", "See documents";
    /// Upload and remove documents.
    DocumentManage = "document.manage", "Upload and remove documents";
    /// See how the search index is and have it built anew.
    SearchManage = "search.manage", "Look after the search index";
    /// Keep the list of members that prices go by.
    MemberManage = "member.manage", "Keep the list of members";
    /// See what leaves the box, send again, drop.
    OutboxManage = "outbox.manage", "See what leaves the box, send it again or drop it";
    /// Add, review, freeze and delete merchants; the platform's alone.
    MerchantManage = "merchant.manage", "Look after merchants";
    /// Set backups up, see the recovery key; the platform's alone.
    BackupManage = "backup.manage", "Back the box up and see the recovery key";
    /// What people ask about their data: export, erase, how long things are kept.
    PersonPrivacy = "person.privacy", "Export and erase people's data, answer their requests";
    /// The log of who saw phone numbers and identity cards in full.
    AccessView = "access.view", "See who saw phone numbers and identity cards in full";
    /// Programs that ask the API: their secrets, scopes and ends.
    ClientManage = "client.manage", "Make and revoke API clients";
    /// See the pages as another account does.
    AccountSee = "account.see", "See the pages as another account does";
}

/// Where a permission holds.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere in the space.
    Space,
    /// A department and all below it.
    Department(DepartmentId),
    /// One event.
    Event(EventId),
    /// Only what the actor made.
    Own,
}

/// The place that a verb touches, with what is needed to tell whether a scope covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The event, if one is touched.
    pub event: Option<EventId>,
    /// The department that the touched record belongs to.
    pub department: Option<DepartmentId>,
    /// The account that made the touched record.
    pub owner: Option<AccountId>,
}

impl Place {
    /// The space as a whole: only a space-wide grant covers it.
    pub const SPACE: Self = Self { event: None, department: None, owner: None };
}

/// A permission held at a scope, with department scopes already spread over the tree below them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What may be done.
    pub permission: Permission,
    /// Where.
    pub scope: Scope,
}

impl Held {
    /// Whether this covers `permission` at `place` for the account `own`.
    pub fn covers(&self, permission: Permission, place: &Place, own: Option<AccountId>) -> bool {
        self.permission == permission
            && match self.scope {
                Scope::Space => true,
                Scope::Department(department) => place.department == Some(department),
                Scope::Event(event) => place.event == Some(event),
                Scope::Own => place.owner.is_some() && place.owner == own,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_lies_in_it_and_nothing_else() {
        let place = Place { event: Some(EventId(7)), department: Some(DepartmentId(3)), owner: Some(AccountId(9)) };
        let own = Some(AccountId(9));
        let cases = [
            (Scope::Space, &place, own, true),
            (Scope::Space, &Place::SPACE, None, true),
            (Scope::Department(DepartmentId(3)), &place, own, true),
            (Scope::Department(DepartmentId(4)), &place, own, false),
            (Scope::Department(DepartmentId(3)), &Place::SPACE, own, false),
            (Scope::Event(EventId(7)), &place, own, true),
            (Scope::Event(EventId(8)), &place, own, false),
            (Scope::Event(EventId(7)), &Place::SPACE, own, false),
            (Scope::Own, &place, own, true),
            (Scope::Own, &place, Some(AccountId(1)), false),
            (Scope::Own, &Place::SPACE, None, false),
        ];
        for (scope, place, own, covered) in cases {
            let held = Held { permission: Permission::EventView, scope };
            assert_eq!(held.covers(Permission::EventView, place, own), covered, "{scope:?} {place:?}");
            assert!(!held.covers(Permission::EventManage, place, own), "another permission is never covered");
        }
    }

    #[test]
    fn codes_name_one_permission_each() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.code()), Some(*permission));
        }
        assert_eq!(Permission::parse("root"), None);
    }
}
