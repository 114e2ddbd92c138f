//! Merchants (S0-85 … S0-93): other companies that the platform lets use the house. Each is a space of its own; here is what the platform knows of
//! it, which states follow each other, and what the platform decides for all of them.

use crate::{
    MerchantId, PictureId, Problem, Refusal, SpaceId, Time,
    account::check_login,
    password::check_password,
    person, phone, problem, refuse,
    text::{Form, half_width},
    time::DAY,
};
use rkyv::{Archive, Deserialize, Serialize};

/// Where a merchant stands.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MerchantState {
    /// Somebody applied; nothing exists yet but the application.
    Applied,
    /// The application was turned down.
    Rejected,
    /// In effect (生效中).
    Active,
    /// Nobody of it can log in, and its pages are closed.
    Frozen,
    /// Deleted: as frozen, and its login is free again. Its data are kept.
    Closed,
}

impl MerchantState {
    /// Every state.
    pub const ALL: &[Self] = &[Self::Applied, Self::Active, Self::Frozen, Self::Rejected, Self::Closed];

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Applied => "Waiting for review",
            Self::Rejected => "Turned down",
            Self::Active => "In effect",
            Self::Frozen => "Frozen",
            Self::Closed => "Deleted",
        }
    }

    /// Name in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }

    /// The state of that name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.code() == code)
    }

    /// Whether its login name is taken.
    pub fn holds_login(self) -> bool {
        matches!(self, Self::Active | Self::Frozen)
    }
}

/// What the platform does with a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Takes the application: the space is made.
    Approve,
    /// Turns the application down.
    Reject,
    /// Shuts it out for the time being.
    Freeze,
    /// Lets it take effect again (生效).
    Restore,
    /// Deletes it.
    Close,
}

impl Act {
    /// Every act.
    pub const ALL: &[Self] = &[Self::Approve, Self::Reject, Self::Freeze, Self::Restore, Self::Close];
}

/// The state behind an act; the only place that says which states follow each other.
pub fn next(state: MerchantState, act: Act) -> Result<MerchantState, Refusal> {
    use MerchantState as S;
    match (state, act) {
        (S::Applied, Act::Approve) | (S::Frozen, Act::Restore) => Ok(S::Active),
        (S::Applied, Act::Reject) => Ok(S::Rejected),
        (S::Active, Act::Freeze) => Ok(S::Frozen),
        // What was deleted comes back shut, so that somebody looks at it before it is open again.
        (S::Closed, Act::Restore) => Ok(S::Frozen),
        (S::Active | S::Frozen, Act::Close) => Ok(S::Closed),
        _ => Err(refuse!(
            Conflict,
            "merchant.state",
            "This cannot be done with a merchant in its present state. Somebody else may have been faster: load the page again."
        )),
    }
}

/// A merchant as the platform knows it; a record of the association's space.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Number.
    pub id: MerchantId,
    /// Its space, once there is one.
    pub space: Option<SpaceId>,
    /// Name of the company, 1–60 characters.
    pub name: String,
    /// Whom to ask for.
    pub contact: String,
    /// Phone number in E.164.
    pub phone: String,
    /// Login of its first account.
    pub login: String,
    /// Hash of the password that the applicant chose; empty once there is an account.
    pub password: String,
    /// What the applicant wrote, or the platform noted.
    pub note: String,
    /// Where it stands.
    pub state: MerchantState,
    /// Why it was turned down or frozen.
    pub reason: String,
    /// It came by the registration page.
    pub applied: bool,
    /// Whether it may charge (decision A5).
    pub charging: bool,
    /// End of the address of the application's page.
    pub link: [u8; 16],
    /// When it was added or applied.
    pub created_at: Time,
    /// When its state last changed.
    pub changed_at: Time,
    /// Counts changes of the form.
    pub revision: u32,
}

/// What the platform grants a merchant; one record of the merchant's own space. The association has none.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// In effect: people may log in, and pages are open.
    pub open: bool,
    /// Tickets may have a price.
    pub charging: bool,
}

/// How far the personal data of a deleted merchant are on their way out; a record of the association's space.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct MerchantPurge {
    /// The merchant.
    pub merchant: MerchantId,
    /// When it began; from then on the merchant does not come back.
    pub begun: Time,
    /// When nothing personal was left.
    pub done: Option<Time>,
}

fn purged() -> Refusal {
    refuse!(
        Conflict,
        "merchant.purged",
        "The personal data of this merchant were removed, or are just being removed. It cannot be changed or brought back any more."
    )
}

/// Refuses to change or bring back a merchant whose data go.
pub fn check_unpurged(purge: Option<&MerchantPurge>) -> Result<(), Refusal> {
    if purge.is_some() { Err(purged()) } else { Ok(()) }
}

/// Whether the personal data of a merchant may be removed by hand: it is deleted, and its name was typed.
pub fn check_purge(typed: &str, merchant: &Merchant, purge: Option<&MerchantPurge>) -> Result<(), Refusal> {
    check_unpurged(purge)?;
    if merchant.state != MerchantState::Closed {
        return Err(refuse!(Conflict, "merchant.not_deleted", "Delete the merchant first."));
    }
    check_typed("purge", typed, merchant)
}

/// Checks that the merchant's name was typed.
pub fn check_typed(field: &str, typed: &str, merchant: &Merchant) -> Result<(), Refusal> {
    if crate::text::line(typed) == merchant.name {
        return Ok(());
    }
    Err(Refusal::invalid(vec![problem!(field, "Type the name exactly as it stands above.")]))
}

/// When the personal data of a deleted merchant go by themselves; none: by hand only.
pub fn purge_at(merchant: &Merchant, setting: &MerchantSetting) -> Option<Time> {
    let days = setting.purge_days.filter(|_| merchant.state == MerchantState::Closed)?;
    Some(merchant.changed_at.plus(i64::from(days) * DAY))
}

/// Whether the box has to do something about it now: its time has come, or it was begun and not finished.
pub fn is_purge_due(merchant: &Merchant, setting: &MerchantSetting, purge: Option<&MerchantPurge>, now: Time) -> bool {
    match purge {
        Some(purge) => purge.done.is_none(),
        None => purge_at(merchant, setting).is_some_and(|due| now >= due),
    }
}

/// What the platform keeps of a merchant whose data are gone: the company, and when it was there.
pub fn bare_merchant(merchant: &Merchant) -> Merchant {
    Merchant {
        contact: crate::archive::initials(&merchant.contact),
        phone: String::new(),
        login: format!("deleted-{}", merchant.id),
        password: String::new(),
        note: String::new(),
        reason: String::new(),
        ..merchant.clone()
    }
}

/// What the platform decides for all merchants; one record of the association's space.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct MerchantSetting {
    /// Merchants' events stand on the platform's home page (S0-86).
    pub auto_public: bool,
    /// Anybody may apply (S0-87).
    pub open: bool,
    /// Title of the login page; empty: the application's name.
    pub title: String,
    /// Logo of the login page; none: the application's.
    pub logo: Option<PictureId>,
    /// Picture behind the login page.
    pub background: Option<PictureId>,
    /// Agreement in Markdown, which applicants accept (S0-90).
    pub agreement: String,
    /// Days after which the personal data of a deleted merchant are removed; none: by hand only.
    pub purge_days: Option<u16>,
    /// Counts changes.
    pub revision: u32,
}

/// The settings as they were kept before data of deleted merchants went.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MerchantSettingV1 {
    /// Merchants' events stand on the platform's home page.
    pub auto_public: bool,
    /// Anybody may apply.
    pub open: bool,
    /// Title of the login page.
    pub title: String,
    /// Logo of the login page.
    pub logo: Option<PictureId>,
    /// Picture behind the login page.
    pub background: Option<PictureId>,
    /// Agreement.
    pub agreement: String,
    /// Counts changes.
    pub revision: u32,
}

impl From<MerchantSettingV1> for MerchantSetting {
    fn from(old: MerchantSettingV1) -> Self {
        let MerchantSettingV1 { auto_public, open, title, logo, background, agreement, revision } = old;
        Self { auto_public, open, title, logo, background, agreement, purge_days: None, revision }
    }
}

/// Most merchants, applications and deleted ones included.
pub const MERCHANTS_MAX: usize = 2_000;
/// Most applications that wait; more are not taken, so that nobody fills the box.
pub const WAITING_MAX: i64 = 200;
/// Longest note in characters.
pub const NOTE_MAX: usize = 500;
/// Longest reason in characters.
pub const REASON_MAX: usize = 200;
/// Most days between deleting a merchant and removing its personal data by the clock.
pub const PURGE_DAYS_MAX: u16 = 3_650;
/// Longest title of the login page in characters.
pub const TITLE_MAX: usize = 40;
/// Longest agreement in characters.
pub const AGREEMENT_MAX: usize = 20_000;

/// What the forms of a merchant take.
#[derive(Clone, Default)]
pub struct MerchantInput {
    /// Name of the company.
    pub name: String,
    /// Whom to ask for.
    pub contact: String,
    /// Phone number as typed.
    pub phone: String,
    /// Login of the first account.
    pub login: String,
    /// Password of the first account.
    pub password: String,
    /// Note.
    pub note: String,
    /// Whether it may charge.
    pub charging: bool,
}

/// What a form says of a merchant, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Name of the company.
    pub name: String,
    /// Whom to ask for.
    pub contact: String,
    /// Phone number in E.164.
    pub phone: String,
    /// Note.
    pub note: String,
}

/// Checks all but login and password.
pub fn check_details(form: &mut Form, input: &MerchantInput) -> Details {
    let name = form.required("name", &input.name, 60);
    let contact = form.required("contact", &input.contact, person::NAME_MAX);
    let number = phone::normalise(&input.phone);
    if number.is_none() {
        let text = "This is not a phone number. Give 11 digits, or + and the country code.";
        form.wrong(Problem { field: "phone".to_owned(), text, args: Vec::new() });
    }
    let note = form.block("note", &input.note, NOTE_MAX);
    Details { name, contact, phone: number.unwrap_or_default(), note }
}

/// Checks a new merchant's form, login and password included; the login comes back in lower case.
pub fn check_new(input: &MerchantInput) -> Result<(Details, String), Refusal> {
    let mut form = Form::default();
    let details = check_details(&mut form, input);
    let login = check_login(&input.login, &mut form.problems);
    check_password(&input.password, &[&login, &details.name, &details.contact], &mut form.problems);
    form.done((details, login))
}

/// Checks the reason of an act that needs one.
pub fn check_reason(reason: &str) -> Result<String, Refusal> {
    let mut form = Form::default();
    let reason = form.required("reason", reason, REASON_MAX);
    form.done(reason)
}

/// What the form of the settings takes.
#[derive(Debug, Clone, Default)]
pub struct SettingInput {
    /// Merchants' events stand on the platform's home page.
    pub auto_public: bool,
    /// Anybody may apply.
    pub open: bool,
    /// Title of the login page.
    pub title: String,
    /// Agreement.
    pub agreement: String,
    /// Days after which data of deleted merchants go; empty: by hand only.
    pub purge_days: String,
}

/// Checks the settings; pictures stay as they are.
pub fn check_setting(input: &SettingInput, kept: &MerchantSetting) -> Result<MerchantSetting, Refusal> {
    let mut form = Form::default();
    let title = form.optional("title", &input.title, TITLE_MAX);
    let agreement = form.block("agreement", &input.agreement, AGREEMENT_MAX);
    if input.open && agreement.is_empty() {
        form.wrong(problem!("agreement", "Write the agreement first: applicants have to accept one."));
    }
    let typed: String = input.purge_days.trim().chars().map(half_width).collect();
    let purge_days = typed.parse().ok().filter(|days| (1..=PURGE_DAYS_MAX).contains(days));
    if purge_days.is_none() && !typed.is_empty() {
        form.wrong(problem!("purge_days", "Give a number from {from} to {to}.", from = 1, to = PURGE_DAYS_MAX));
    }
    form.done(MerchantSetting {
        auto_public: input.auto_public,
        open: input.open,
        title,
        agreement,
        purge_days,
        revision: kept.revision.saturating_add(1),
        ..kept.clone()
    })
}

/// The refusal where something would cost money and the platform did not grant charging.
pub fn no_charging() -> Refusal {
    refuse!(
        Conflict,
        "merchant.no_charging",
        "Charging is not granted to this merchant. Take payments outside of this system, or ask the platform."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_follow_each_other_as_the_table_says() {
        use MerchantState::{Active, Applied, Closed, Frozen, Rejected};
        let allowed = [
            (Applied, Act::Approve, Active),
            (Applied, Act::Reject, Rejected),
            (Active, Act::Freeze, Frozen),
            (Frozen, Act::Restore, Active),
            (Active, Act::Close, Closed),
            (Frozen, Act::Close, Closed),
            (Closed, Act::Restore, Frozen),
        ];
        for state in MerchantState::ALL {
            for act in Act::ALL {
                let expected = allowed.iter().find(|(from, by, _)| from == state && by == act).map(|(.., to)| *to);
                let code = next(*state, *act).map_err(|refusal| refusal.code);
                assert_eq!(code, expected.ok_or("merchant.state"), "{state:?} {act:?}");
            }
            assert_eq!(MerchantState::parse(state.code()), Some(*state));
        }
        assert_eq!(MerchantState::parse("gone"), None);
    }

    #[test]
    fn data_of_a_deleted_merchant_go_at_their_time_or_by_hand() {
        let merchant = |state| Merchant {
            id: MerchantId(7),
            space: Some(SpaceId(2)),
            name: "青松文化".into(),
            contact: "李经理".into(),
            phone: "+8613800000001".into(),
            login: "limanager".into(),
            password: String::new(),
            note: "同学介绍".into(),
            state,
            reason: String::new(),
            applied: true,
            charging: false,
            link: [0; 16],
            created_at: Time(0),
            changed_at: Time(DAY),
            revision: 3,
        };
        let closed = merchant(MerchantState::Closed);
        let begun = MerchantPurge { merchant: MerchantId(7), begun: Time(0), done: None };
        let done = MerchantPurge { done: Some(Time(1)), ..begun };
        let after = |days| MerchantSetting { purge_days: days, ..MerchantSetting::default() };
        let cases = [
            (MerchantState::Closed, None, None, 99 * DAY, false),
            (MerchantState::Closed, Some(30), None, 31 * DAY - 1, false),
            (MerchantState::Closed, Some(30), None, 31 * DAY, true),
            (MerchantState::Frozen, Some(30), None, 99 * DAY, false),
            (MerchantState::Closed, None, Some(begun), 0, true),
            (MerchantState::Closed, Some(30), Some(done), 99 * DAY, false),
        ];
        for (state, days, purge, now, due) in cases {
            let is = is_purge_due(&merchant(state), &after(days), purge.as_ref(), Time(now));
            assert_eq!(is, due, "{state:?} {days:?} {purge:?} at {now}");
        }
        let code = |state, typed: &str, purge: Option<&MerchantPurge>| {
            check_purge(typed, &merchant(state), purge).err().map(|refusal| refusal.code)
        };
        assert_eq!(code(MerchantState::Closed, " 青松文化 ", None), None);
        assert_eq!(code(MerchantState::Closed, "青松", None), Some("input.invalid"));
        assert_eq!(code(MerchantState::Frozen, "青松文化", None), Some("merchant.not_deleted"));
        assert_eq!(code(MerchantState::Closed, "青松文化", Some(&begun)), Some("merchant.purged"));
        let bare = bare_merchant(&closed);
        assert_eq!((bare.contact.as_str(), bare.phone.as_str(), bare.note.as_str()), ("李**", "", ""));
        assert_eq!((bare.login.as_str(), bare.name.as_str()), ("deleted-7", "青松文化"));
        assert_eq!(bare_merchant(&bare), bare, "twice is the same");
    }

    #[test]
    fn a_merchants_form_is_checked_as_a_whole() {
        let good = MerchantInput {
            name: " 青松 文化 ".into(),
            contact: "李经理".into(),
            phone: "138 0000 0001".into(),
            login: "QingSong".into(),
            password: "correct horse battery".into(),
            ..MerchantInput::default()
        };
        let (details, login) = check_new(&good).unwrap();
        assert_eq!(
            (details.name.as_str(), details.phone.as_str(), login.as_str()),
            ("青松 文化", "+8613800000001", "qingsong")
        );
        let fields = |input: &MerchantInput| {
            let problems = check_new(input).unwrap_err().problems;
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(&MerchantInput::default()), ["name", "contact", "phone", "login", "password"]);
        let long = MerchantInput { name: "长".repeat(61), note: "长".repeat(NOTE_MAX + 1), ..good.clone() };
        assert_eq!(fields(&long), ["name", "note"]);
        assert_eq!(fields(&MerchantInput { password: "qingsong123".into(), ..good }), ["password"]);
        assert_eq!(check_reason(" ").unwrap_err().code, "input.invalid");
    }

    #[test]
    fn registration_opens_with_an_agreement_only() {
        let kept = MerchantSetting { logo: Some(PictureId(4)), revision: 7, ..MerchantSetting::default() };
        let open = SettingInput { open: true, ..SettingInput::default() };
        assert_eq!(check_setting(&open, &kept).unwrap_err().code, "input.invalid");
        let input = SettingInput { agreement: "请遵守会场规则".into(), ..open };
        let saved = check_setting(&input, &kept).unwrap();
        assert_eq!((saved.open, saved.logo, saved.revision), (true, Some(PictureId(4)), 8));
        let days = |typed: &str| {
            let input = SettingInput { purge_days: typed.into(), ..SettingInput::default() };
            check_setting(&input, &kept).ok().map(|saved| saved.purge_days)
        };
        assert_eq!((days(""), days(" ９０ "), days("3650")), (Some(None), Some(Some(90)), Some(Some(3_650))));
        assert_eq!((days("0"), days("3651"), days("x")), (None, None, None));
        let long = SettingInput {
            title: "长".repeat(41),
            agreement: "长".repeat(AGREEMENT_MAX + 1),
            ..SettingInput::default()
        };
        assert_eq!(check_setting(&long, &kept).unwrap_err().problems.len(), 2);
    }
}
