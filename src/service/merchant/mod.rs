//! Merchants as the platform sees them: its settings for all of them, the list, what it does with one, and what their events are to visitors of
//! the platform (S0-85 … S0-93). A merchant is a space of its own; every verb here acts in the association's.

mod apply;
mod login;
mod purge;
mod settings;

pub use apply::{Application, application, apply};
pub use login::{by_passkey, closed_pages, log_in};
pub use purge::{begin_purge, purge, purge_due, purge_of};
pub use settings::{Face, Picture, face, save_setting, setting};

use crate::{Actor, At, Ctx, Error, Permit, Work, account, category, event};
use domain::{
    Account, Event, Grant, GrantId, Merchant, MerchantId, MerchantPurge, Permission, Person, PersonId, Refusal, Scope,
    Session, Space, SpaceId,
    merchant::{
        self, Act, MERCHANTS_MAX, MerchantInput, MerchantState, Terms, check_details, check_new, check_reason,
        check_typed, check_unpurged,
    },
    refuse,
    text::Form,
};
use store::catalogue::{ACCOUNT_BY_LOGIN, MERCHANT_BY_LOGIN, MERCHANTS};
use store::{Order, Read};

/// What only the platform's own staff may hold: it reaches beyond one space.
pub const PLATFORM_ONLY: &[Permission] =
    &[Permission::MerchantManage, Permission::SearchManage, Permission::BackupManage];

/// Checks that somebody looks after merchants; only in the association can anybody.
fn may(ctx: &Ctx, actor: &Actor) -> Result<Permit, Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::missing("page").into());
    }
    ctx.permit(actor, Permission::MerchantManage, At::Space)
}

pub(crate) fn load(view: &impl Read, id: MerchantId) -> Result<Merchant, Error> {
    view.get::<Merchant>(&id)?.ok_or_else(|| Refusal::missing("merchant").into())
}

fn all(view: &impl Read) -> Result<Vec<Merchant>, Error> {
    let kept = view.scan::<Merchant>(&(), None, Order::Descending).take(MERCHANTS_MAX);
    kept.map(|kept| Ok(kept?.1)).collect()
}

/// All merchants, the newest first; of one state only when it is named.
pub fn list(ctx: &Ctx, actor: &Actor, state: Option<MerchantState>) -> Result<Vec<Merchant>, Error> {
    let permit = may(ctx, actor)?;
    ctx.read(&permit, |view| {
        let mut found = all(view)?;
        found.retain(|merchant| state.is_none_or(|state| merchant.state == state));
        Ok(found)
    })
}

/// How many merchants are in each state.
pub fn counts(ctx: &Ctx, actor: &Actor) -> Result<Vec<(MerchantState, i64)>, Error> {
    let permit = may(ctx, actor)?;
    ctx.read(&permit, |view| {
        MerchantState::ALL.iter().map(|state| Ok((*state, view.count(&MERCHANTS, &(*state as u8))?))).collect()
    })
}

/// How many merchants are in effect (S0-97), for those who look after them; none for everybody else.
pub fn in_effect(ctx: &Ctx, actor: &Actor) -> Result<Option<i64>, Error> {
    match may(ctx, actor) {
        Ok(permit) => ctx.read(&permit, |view| Ok(Some(view.count(&MERCHANTS, &(MerchantState::Active as u8))?))),
        Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A merchant with figures of its space.
#[derive(Debug, Clone)]
pub struct MerchantPage {
    /// The merchant.
    pub merchant: Merchant,
    /// How many events it has.
    pub events: usize,
    /// How many accounts it has.
    pub accounts: usize,
}

/// One merchant. Of what lies in its space the platform sees figures alone.
pub fn get(ctx: &Ctx, actor: &Actor, id: MerchantId) -> Result<MerchantPage, Error> {
    let permit = may(ctx, actor)?;
    let merchant = ctx.read(&permit, |view| load(view, id))?;
    let (events, accounts) = match merchant.space {
        Some(space) => ctx.read(&ctx.own(space), |view| {
            let events = view.scan_keys::<Event>(&(), None, Order::Ascending).count();
            Ok((events, view.scan_keys::<Account>(&(), None, Order::Ascending).count()))
        })?,
        None => (0, 0),
    };
    Ok(MerchantPage { merchant, events, accounts })
}

/// The end of an address that nobody guesses.
fn new_link(ctx: &Ctx) -> [u8; 16] {
    let mut link = [0; 16];
    ctx.random.fill(&mut link);
    link
}

fn login_taken() -> Error {
    Refusal::invalid(vec![domain::problem!("login", "This login is taken.")]).into()
}

fn check_room(view: &impl Read) -> Result<(), Error> {
    if view.scan_keys::<Merchant>(&(), None, Order::Ascending).count() >= MERCHANTS_MAX {
        return Err(refuse!(
            Conflict,
            "merchant.too_many",
            "There can be at most {max} merchants, applications and deleted ones included.",
            max = MERCHANTS_MAX
        )
        .into());
    }
    Ok(())
}

/// Who chose a merchant's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// The merchant itself, when it applied.
    ByItself,
    /// The secretariat; the merchant has to change it.
    ByOthers,
}

/// Makes the space of a merchant: its record, its first account with every permission that a merchant can hold, and its terms.
fn open_space(
    tx: &mut store::Tx<'_>,
    now: domain::Time,
    merchant: &Merchant,
    (password, chosen): (&str, Chosen),
) -> Result<SpaceId, Error> {
    let mut hall = tx.space(SpaceId::BOX);
    let zone = hall.get::<Space>(&SpaceId::ASSOCIATION)?.ok_or_else(|| Refusal::missing("association"))?.zone;
    let last = hall.scan_keys::<Space>(&(), None, Order::Descending).next().transpose()?;
    let id = SpaceId(last.map_or(SpaceId::ASSOCIATION.0, |last| last.0) + 1);
    hall.insert(&Space { id, name: merchant.name.clone(), zone, created_at: now })?;
    let permit = Permit { space: id, by: domain::By::Box, account: None, reads: false };
    let mut work = Work::new(tx.space(id), &permit, now);
    let person = Person {
        id: PersonId(work.next_id::<Person>()?),
        name: merchant.contact.clone(),
        phone: Some(merchant.phone.clone()),
        company: merchant.name.clone(),
        created_at: now,
    };
    work.insert(&person)?;
    let account = account::new_account(&mut work, &person, &merchant.login, password)?;
    if chosen == Chosen::ByOthers {
        account::first::mark(&mut work, account)?;
    }
    for permission in Permission::ALL.iter().filter(|permission| !PLATFORM_ONLY.contains(permission)) {
        let grant = GrantId(work.next_id::<Grant>()?);
        work.insert(&Grant { id: grant, account, permission: *permission, scope: Scope::Space })?;
    }
    work.put(&Terms { open: true, charging: merchant.charging })?;
    work.audit("space.set_up", format!("space/{id}"), "", &merchant.name)?;
    Ok(id)
}

/// Sets a merchant's terms in its space, and ends every session there when it is not open any more.
fn set_terms(tx: &mut store::Tx<'_>, now: domain::Time, space: SpaceId, terms: Terms) -> Result<(), Error> {
    let permit = Permit { space, by: domain::By::Box, account: None, reads: false };
    let mut work = Work::new(tx.space(space), &permit, now);
    let before = work.read().get::<Terms>(&())?;
    if !terms.open {
        let sessions = work.read().scan_keys::<Session>(&(), None, Order::Ascending).collect::<Result<Vec<_>, _>>()?;
        for session in sessions {
            work.remove::<Session>(&session)?;
        }
    }
    work.put(&terms)?;
    work.audit("merchant.terms", format!("space/{space}"), &format!("{before:?}"), &format!("{terms:?}"))
}

fn said(merchant: &Merchant) -> String {
    let Merchant { name, login, state, charging, reason, .. } = merchant;
    format!("{name} | {login} | {state:?} | charging {charging} | {reason}")
}

fn subject(id: MerchantId) -> String {
    format!("merchant/{id}")
}

/// Adds a merchant, which is in effect at once.
pub async fn add(ctx: &Ctx, actor: &Actor, input: &MerchantInput) -> Result<MerchantId, Error> {
    let permit = may(ctx, actor)?;
    let (details, login) = check_new(input)?;
    let hash = account::hash_password(ctx, &input.password).await?;
    let (now, link, charging) = (ctx.now(), new_link(ctx), input.charging);
    let added = ctx
        .store()
        .write(move |tx| {
            let id = {
                let mut work = Work::new(tx.space(permit.space), &permit, now);
                check_room(work.read())?;
                if work.read().find_key::<Merchant, _>(&MERCHANT_BY_LOGIN, &login)?.is_some() {
                    return Err(login_taken());
                }
                MerchantId(work.next_id::<Merchant>()?)
            };
            let mut merchant = Merchant {
                id,
                space: None,
                name: details.name.clone(),
                contact: details.contact.clone(),
                phone: details.phone.clone(),
                login: login.clone(),
                password: String::new(),
                note: details.note.clone(),
                state: MerchantState::Active,
                reason: String::new(),
                applied: false,
                charging,
                link,
                created_at: now,
                changed_at: now,
                revision: 0,
            };
            let space = open_space(tx, now, &merchant, (&hash, Chosen::ByOthers))?;
            merchant.space = Some(space);
            let mut work = Work::new(tx.space(permit.space), &permit, now);
            work.insert(&merchant)?;
            work.audit("merchant.add", subject(id), "", &said(&merchant))?;
            Ok::<_, Error>((id, space))
        })
        .await;
    let (id, space) = added?;
    crate::search::add_space(ctx, space);
    Ok(id)
}

/// Changes what the platform knows of a merchant, and whether it may charge.
pub async fn save(ctx: &Ctx, actor: &Actor, id: MerchantId, revision: u32, input: &MerchantInput) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let mut form = Form::default();
    let details = check_details(&mut form, input);
    form.done(())?;
    let (now, charging) = (ctx.now(), input.charging);
    let saved = ctx
        .store()
        .write(move |tx| {
            let before = load(&tx.space(permit.space), id)?;
            event::check_revision(before.revision, revision)?;
            check_unpurged(tx.space(permit.space).get::<MerchantPurge>(&id)?.as_ref())?;
            let after = Merchant {
                name: details.name.clone(),
                contact: details.contact.clone(),
                phone: details.phone.clone(),
                note: details.note.clone(),
                charging,
                revision: before.revision.saturating_add(1),
                ..before.clone()
            };
            if let Some(space) = after.space.filter(|_| after.charging != before.charging) {
                set_terms(tx, now, space, Terms { open: after.state == MerchantState::Active, charging })?;
            }
            let mut work = Work::new(tx.space(permit.space), &permit, now);
            work.put(&after)?;
            work.audit("merchant.save", subject(id), &said(&before), &said(&after))?;
            Ok::<_, Error>(after.space)
        })
        .await;
    changed(ctx, saved)
}

/// Forgets what was known of a space that a write touched.
fn changed(ctx: &Ctx, written: Result<Option<SpaceId>, Error>) -> Result<(), Error> {
    if let Some(space) = written? {
        ctx.space_changed(space);
    }
    Ok(())
}

/// What is done with a merchant, with what the act needs.
#[derive(Debug, Clone)]
pub enum Decision {
    /// Takes the application; under another login when the one asked for is taken.
    Approve(String),
    /// Turns the application down, with the reason that the applicant reads.
    Reject(String),
    /// Freezes it, with the reason.
    Freeze(String),
    /// Lets it take effect again.
    Restore,
    /// Deletes it; its name has to be typed.
    Close(String),
}

impl Decision {
    fn act(&self) -> Act {
        match self {
            Self::Approve(_) => Act::Approve,
            Self::Reject(_) => Act::Reject,
            Self::Freeze(_) => Act::Freeze,
            Self::Restore => Act::Restore,
            Self::Close(_) => Act::Close,
        }
    }

    /// Checks what was typed, and gives the reason that is kept.
    fn reason(&self) -> Result<String, Refusal> {
        match self {
            Self::Reject(reason) | Self::Freeze(reason) => check_reason(reason),
            Self::Approve(_) | Self::Restore | Self::Close(_) => Ok(String::new()),
        }
    }
}

/// Decides about a merchant. Its pages, sessions and terminals follow at once.
pub async fn decide(ctx: &Ctx, actor: &Actor, id: MerchantId, decision: Decision) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let (now, reason) = (ctx.now(), decision.reason()?);
    let written = ctx
        .store()
        .write(move |tx| {
            let before = load(&tx.space(permit.space), id)?;
            let mut after = before.clone();
            after.state = merchant::next(before.state, decision.act())?;
            (after.reason, after.changed_at) = (reason.clone(), now);
            check_unpurged(tx.space(permit.space).get::<MerchantPurge>(&id)?.as_ref())?;
            if let Decision::Close(typed) = &decision {
                check_typed("typed", typed, &before)?;
            }
            if let Decision::Approve(login) = &decision {
                let mut problems = Vec::new();
                after.login = domain::account::check_login(login, &mut problems);
                Refusal::unless_clean(problems)?;
            }
            if after.state.holds_login() && (!before.state.holds_login() || after.login != before.login) {
                let held = tx.space(permit.space).find_key::<Merchant, _>(&MERCHANT_BY_LOGIN, &after.login)?;
                if held.is_some_and(|other| other != id) {
                    return Err(login_taken());
                }
            }
            after.password.clear();
            match after.space {
                Some(space) => {
                    let open = after.state == MerchantState::Active;
                    set_terms(tx, now, space, Terms { open, charging: after.charging })?;
                }
                None if after.state == MerchantState::Active => {
                    after.space = Some(open_space(tx, now, &after, (&before.password, Chosen::ByItself))?);
                }
                None => {}
            }
            let mut work = Work::new(tx.space(permit.space), &permit, now);
            work.put(&after)?;
            let action = format!("merchant.{}", format!("{:?}", decision.act()).to_lowercase());
            work.audit(&action, subject(id), &said(&before), &said(&after))?;
            Ok::<_, Error>((after.space, before.space.is_none()))
        })
        .await;
    let (space, is_new) = written?;
    if let Some(space) = space {
        ctx.space_changed(space);
        if is_new {
            crate::search::add_space(ctx, space);
        }
    }
    Ok(())
}

/// Gives the merchant's first account a new password; all its sessions end.
pub async fn reset_password(ctx: &Ctx, actor: &Actor, id: MerchantId, password: &str) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let merchant = ctx.read(&permit, |view| load(view, id))?;
    let space = merchant.space.ok_or_else(|| Refusal::missing("merchant"))?;
    let mut problems = Vec::new();
    account::check_new_password(
        ctx,
        space,
        &[&merchant.login, &merchant.name, &merchant.contact],
        password,
        &mut problems,
    )?;
    Refusal::unless_clean(problems)?;
    let hash = account::hash_password(ctx, password).await?;
    let now = ctx.now();
    ctx.store()
        .write(move |tx| {
            let inside = Permit { space, by: domain::By::Box, account: None, reads: false };
            let mut work = Work::new(tx.space(space), &inside, now);
            let found = work.read().find::<Account, _>(&ACCOUNT_BY_LOGIN, &merchant.login)?;
            let mut kept = found.ok_or_else(|| Refusal::missing("account"))?;
            kept.password.clone_from(&hash);
            // Whoever asks for a new password cannot get in otherwise.
            kept.disabled = false;
            work.put(&kept)?;
            account::drop_sessions(&mut work, kept.id)?;
            account::reset::drop_passkeys(&mut work, kept.id)?;
            account::first::mark(&mut work, kept.id)?;
            work.audit("account.reset_password", format!("account/{}", kept.id), "", "by the platform")?;
            let mut work = Work::new(tx.space(permit.space), &permit, now);
            work.audit("merchant.reset_password", subject(id), "", "")
        })
        .await
}

/// Whether tickets of a space may have a price: always at the platform, at a merchant's when it is granted.
pub(crate) fn may_charge(view: &impl Read) -> Result<bool, Error> {
    Ok(view.get::<Terms>(&())?.is_none_or(|terms| terms.charging))
}

/// Refuses what would cost money where charging is not granted.
pub(crate) fn check_charging(view: &impl Read, costs: bool) -> Result<(), Error> {
    if costs && !may_charge(view)? {
        return Err(merchant::no_charging().into());
    }
    Ok(())
}

/// A merchant's event as visitors of the platform see it.
#[derive(Debug, Clone)]
pub struct PublicEvent {
    /// The space where it is.
    pub space: SpaceId,
    /// Name of the merchant.
    pub merchant: String,
    /// Name of its category there.
    pub category: Option<String>,
    /// The event.
    pub event: Event,
}

/// Most events of merchants on the platform's home page.
const PUBLIC_MAX: usize = 200;

/// Events of merchants in effect, the next one first, when the platform shows them (S0-86). There are none within a merchant's own space.
pub fn public_events(ctx: &Ctx, actor: &Actor) -> Result<Vec<PublicEvent>, Error> {
    let setting = ctx.read(&ctx.public(actor), settings::kept)?;
    if actor.space != SpaceId::ASSOCIATION || !setting.auto_public {
        return Ok(Vec::new());
    }
    let merchants = ctx.read(&ctx.public(actor), all)?;
    let mut found = Vec::new();
    for merchant in merchants.into_iter().filter(|merchant| merchant.state == MerchantState::Active) {
        let Some(space) = merchant.space else { continue };
        let name = ctx.known(space)?.map_or(merchant.name, |known| known.space.name.clone());
        let visitor = Actor::visitor(space);
        for event in event::public_list(ctx, &visitor)? {
            let category = ctx.read(&ctx.public(&visitor), |view| category::name_of(view, event.id))?;
            found.push(PublicEvent { space, merchant: name.clone(), category, event });
        }
    }
    found.sort_by_key(|of| (of.event.time.from, of.space, of.event.id));
    found.truncate(PUBLIC_MAX);
    Ok(found)
}

#[cfg(test)]
pub(crate) mod test;
