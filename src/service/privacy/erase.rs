//! Erasing a person: what is theirs is removed, what others or the law need stays with initials. It goes in small transactions, goes on
//! where it stopped, and may be done twice; the person's own record, by which everything else is found, comes last.

use super::trace::Traces;
use crate::{Ctx, Error, Permit, Work, archive, checkin, feedback, order, pay, registration};
use domain::{
    Account, Certificate, Device, Dispatch, Erasure, Event, FeedbackAnswer, Grant, Identity, Import, Invoice,
    KnownBrowser, LoginLine, Member, MessageChoice, MessageTrail, Notice, Order, Outgoing, Passkey, PasswordLink,
    Person, PersonId, PersonLang, PersonSession, Portrait, SavedSearch, SecondStep, Session, SmsLine, SpaceId,
    TalkChoice, Ticket, TicketState, Time, Waiter, WechatCredit, WechatLink, WechatPush,
    archive::{
        freeze_certificate, freeze_entrant, freeze_feedback, freeze_invoice, freeze_order, freeze_person,
        freeze_ticket, freeze_win, initials,
    },
    checkin::DoorAnswers,
    device::Role,
    draw::{Entrant, Face, FaceCheck, Message, Win},
    identity::{LoginCode, PersonMerge, PersonMoved, PersonOrder, PersonTicket},
    import::{ImportState, RefusedRow},
    privacy::{ErasureState, Hindrance, is_open, is_paid_ahead},
};
use store::catalogue::ERASURE_OPEN;
use store::{Order as Sort, Read, Record};

/// Records that change in one transaction.
const STEP: usize = 200;
/// Erasures that the clock goes on with at a time.
const DUE_MAX: usize = 100;

pub(super) fn subject(person: PersonId) -> String {
    format!("person/{person}")
}

/// What stands in the way.
pub(super) fn hindrances(of: &Traces, now: Time) -> Vec<Hindrance> {
    let mut found = Vec::new();
    for order in &of.orders {
        if is_open(order) {
            found.push(Hindrance::Order(order.event, order.id, order.number.clone()));
        }
    }
    for ticket in of.tickets.iter().filter(|ticket| ticket.state == TicketState::Active) {
        let order = of.orders.iter().find(|order| (Some(order.id), order.event) == (ticket.order, ticket.event));
        if let (Some(order), Some(event)) = (order, of.events.get(&ticket.event))
            && is_paid_ahead(order, event, now)
        {
            found.push(Hindrance::Upcoming(event.id, ticket.id, event.name.clone()));
        }
    }
    if of.accounts.iter().any(|kept| !kept.account.disabled) {
        found.push(Hindrance::Account);
    }
    found
}

/// Goes on with every erasure that was begun; answers how many. Called by the clock.
pub async fn erase_due(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let begun = ctx.read(&ctx.own(space), |view| {
        let mut begun = Vec::new();
        for key in view.scan_index(&ERASURE_OPEN, &(), None, Sort::Ascending).take(DUE_MAX) {
            let key = key?;
            if view.get::<Erasure>(&key)?.is_some_and(|kept| kept.state == ErasureState::Begun) {
                begun.push(key);
            }
        }
        Ok(begun)
    })?;
    for person in &begun {
        run(ctx, space, *person).await?;
    }
    Ok(begun.len())
}

/// Does the work for one person whose erasure was begun, to its end.
pub(super) async fn run(ctx: &Ctx, space: SpaceId, person: PersonId) -> Result<(), Error> {
    let own = ctx.own(space);
    let begun = ctx.read(&own, |view| Ok(view.get::<Erasure>(&person)?))?;
    if begun.is_none_or(|kept| kept.state != ErasureState::Begun) {
        return Ok(());
    }
    let (reader, permit) = (ctx.clone(), own.clone());
    let of = crate::aside(move || reader.read(&permit, |view| Traces::find(view, person))).await?;
    let go = Going { ctx, permit: &own, person, of: &of };
    go.note_files().await?;
    go.places().await?;
    go.money().await?;
    go.draws().await?;
    go.messages().await?;
    go.staff().await?;
    go.proofs().await?;
    let files = ctx.read(&own, |view| Ok(view.get::<Erasure>(&person)?.map(|kept| kept.files)))?.unwrap_or_default();
    archive::remove_alone(ctx, files).await?;
    ctx.write(&own, move |work| {
        let Some(kept) = work.read().get::<Erasure>(&person)?.filter(|kept| kept.state == ErasureState::Begun) else {
            return Ok(());
        };
        work.put(&Erasure { state: ErasureState::Done, changed_at: work.now, files: Vec::new(), ..kept })?;
        work.audit("privacy.erased", subject(person), "", "")
    })
    .await
}

/// What one run works with.
struct Going<'a> {
    ctx: &'a Ctx,
    permit: &'a Permit,
    person: PersonId,
    of: &'a Traces,
}

impl Going<'_> {
    /// Changes the records of these keys by a rule.
    async fn rule<R: Record + PartialEq>(&self, keys: Vec<R::Key>, rule: fn(&R) -> R) -> Result<(), Error>
    where
        R::Key: Clone + Send + Sync + 'static,
    {
        let said = |changed: usize| format!("{changed} of {}", R::TABLE.name);
        archive::change_all(self.ctx, self.permit, &keys, rule, ("privacy.freeze", subject(self.person)), said).await
    }

    /// Removes the records of these keys.
    async fn gone<R: Record>(&self, keys: Vec<R::Key>) -> Result<(), Error>
    where
        R::Key: Clone + Send + Sync + 'static,
    {
        for step in keys.chunks(STEP) {
            let (step, person) = (step.to_vec(), self.person);
            self.ctx
                .write(self.permit, move |work| {
                    let mut removed = 0;
                    for key in &step {
                        if work.read().get::<R>(key)?.is_some() {
                            work.remove::<R>(key)?;
                            removed += 1;
                        }
                    }
                    if removed == 0 {
                        return Ok(());
                    }
                    work.audit("privacy.remove", subject(person), &format!("{removed} of {}", R::TABLE.name), "")
                })
                .await?;
        }
        Ok(())
    }

    /// Takes down which files are the person's before the records that name them go.
    async fn note_files(&self) -> Result<(), Error> {
        let (person, mut files) = (self.person, super::files_of(self.of));
        files.extend(self.of.imports.iter().filter(|import| is_over(import)).map(|import| import.file));
        self.ctx
            .write(self.permit, move |work| {
                let Some(mut kept) = work.read().get::<Erasure>(&person)? else { return Ok(()) };
                let new: Vec<_> = files.iter().filter(|file| !kept.files.contains(file)).copied().collect();
                if new.is_empty() {
                    return Ok(());
                }
                kept.files.extend(&new);
                work.put(&kept)?;
                work.audit("privacy.files", subject(person), "", &format!("{} files", new.len()))
            })
            .await
    }

    async fn places(&self) -> Result<(), Error> {
        let of = self.of;
        for ticket in &of.tickets {
            let ahead = of.events.get(&ticket.event).is_some_and(|event| self.ctx.now() < event.time.to);
            if ahead && ticket.state.holds_place() {
                let key = (ticket.event, ticket.id);
                self.ctx.write(self.permit, move |work| give_up(work, key)).await?;
            }
        }
        let keys: Vec<_> = of.ticket_keys().into_iter().collect();
        self.rule::<Ticket>(keys.clone(), freeze_ticket).await?;
        self.gone::<DoorAnswers>(of.door_answers.iter().map(|of| (of.event, of.list, of.ticket)).collect()).await?;
        self.gone::<TalkChoice>(keys.clone()).await?;
        self.gone::<Portrait>(keys).await?;
        self.rule::<Certificate>(of.certificates.iter().map(|of| (of.event, of.id)).collect(), freeze_certificate)
            .await?;
        self.gone::<Waiter>(of.waiters.iter().map(|of| (of.event, of.id)).collect()).await?;
        let answers: Vec<_> = of.feedback.iter().map(|of| (of.event, of.id)).collect();
        let person = self.person;
        self.ctx
            .write(self.permit, move |work| {
                let mut changed = 0;
                for key in &answers {
                    let Some(kept) = work.read().get::<FeedbackAnswer>(key)? else { continue };
                    let frozen = freeze_feedback(&feedback::form_in(work.read(), key.0)?, &kept);
                    if frozen != kept {
                        work.put(&frozen)?;
                        changed += 1;
                    }
                }
                if changed == 0 {
                    return Ok(());
                }
                work.audit("privacy.freeze", subject(person), &format!("{changed} feedback answers"), "")
            })
            .await?;
        self.rule::<Device>(of.helpers.iter().map(|of| of.id).collect(), freeze_helper).await?;
        self.ctx.devices.forget();
        self.imports().await
    }

    /// Lists whose import is over go as a whole: a row of a file cannot be taken out of it.
    async fn imports(&self) -> Result<(), Error> {
        for import in self.of.imports.iter().filter(|import| is_over(import)) {
            let id = import.id;
            let rows = self.ctx.read(self.permit, |view| {
                let rows = view.scan_keys::<RefusedRow>(&id, None, Sort::Ascending);
                Ok(rows.collect::<Result<Vec<_>, store::Error>>()?)
            })?;
            self.gone::<RefusedRow>(rows).await?;
            self.gone::<Import>(vec![id]).await?;
        }
        Ok(())
    }

    async fn money(&self) -> Result<(), Error> {
        let of = self.of;
        self.rule::<Order>(of.order_keys().into_iter().collect(), freeze_order).await?;
        self.rule::<Invoice>(of.invoices.iter().map(|of| (of.event, of.id)).collect(), freeze_invoice).await?;
        for (event, id) in of.order_keys() {
            pay::freeze(self.ctx, self.permit, event, &[id]).await?;
        }
        Ok(())
    }

    async fn draws(&self) -> Result<(), Error> {
        let of = self.of;
        self.rule::<Win>(of.wins.iter().map(|of| (of.draw, of.number)).collect(), freeze_win).await?;
        self.rule::<Entrant>(of.entrants.iter().map(|of| (of.draw, of.id)).collect(), freeze_entrant).await?;
        self.gone::<Message>(of.messages.iter().map(|of| (of.draw, of.id)).collect()).await?;
        self.gone::<Face>(of.faces.iter().map(Record::key).collect()).await?;
        self.gone::<FaceCheck>(of.face_checks.iter().map(Record::key).collect()).await
    }

    async fn messages(&self) -> Result<(), Error> {
        let of = self.of;
        self.gone::<Outgoing>(of.outgoing.iter().map(|of| of.id).collect()).await?;
        self.gone::<SmsLine>(of.texts.iter().map(|of| of.id).collect()).await?;
        self.gone::<MessageTrail>(of.trails.iter().map(Record::key).collect()).await?;
        self.gone::<Dispatch>(of.dispatches.iter().map(|of| of.notice).collect()).await?;
        self.gone::<Notice>(of.notices.iter().map(|of| of.id).collect()).await?;
        self.gone::<MessageChoice>(of.choices.iter().map(|of| of.person).collect()).await?;
        self.gone::<PersonLang>(of.langs.iter().map(|of| of.person).collect()).await?;
        self.gone::<LoginCode>(of.codes.iter().map(Record::key).collect()).await?;
        self.gone::<Member>(of.members.iter().map(Record::key).collect()).await?;
        self.gone::<WechatPush>(of.pushes.iter().map(Record::key).collect()).await
    }

    /// A staff account that cannot log in any more: who did what stays in the audit log under its number.
    async fn staff(&self) -> Result<(), Error> {
        for kept in &self.of.accounts {
            let id = kept.account.id;
            self.gone::<Session>(kept.sessions.iter().map(|of| of.token).collect()).await?;
            self.gone::<Grant>(kept.grants.iter().map(|of| of.id).collect()).await?;
            self.gone::<SecondStep>(vec![id]).await?;
            self.gone::<KnownBrowser>(kept.browsers.iter().map(Record::key).collect()).await?;
            self.gone::<LoginLine>(kept.logins.iter().map(Record::key).collect()).await?;
            self.gone::<PasswordLink>(kept.links.iter().map(Record::key).collect()).await?;
            self.gone::<Passkey>(kept.passkeys.iter().map(Record::key).collect()).await?;
            self.gone::<SavedSearch>(kept.searches.iter().map(|of| of.id).collect()).await?;
            self.rule::<Account>(vec![id], freeze_account).await?;
        }
        Ok(())
    }

    /// What proves the person, and at last the person.
    async fn proofs(&self) -> Result<(), Error> {
        let of = self.of;
        self.gone::<PersonSession>(of.sessions.iter().map(|of| of.token).collect()).await?;
        self.ctx.sessions.forget();
        self.gone::<PersonTicket>(of.own_tickets.iter().map(Record::key).collect()).await?;
        self.gone::<PersonOrder>(of.own_orders.iter().map(Record::key).collect()).await?;
        self.gone::<WechatCredit>(of.credits.iter().map(Record::key).collect()).await?;
        self.gone::<WechatLink>(of.links.iter().map(|of| of.id).collect()).await?;
        self.gone::<Identity>(of.identities.iter().map(Record::key).collect()).await?;
        let others: Vec<PersonId> = of.persons.iter().skip(1).map(|person| person.id).collect();
        self.rule::<Person>(others, freeze_person).await?;
        self.gone::<PersonMoved>(of.moved.iter().map(|of| of.from).collect()).await?;
        self.gone::<PersonMerge>(of.merges.iter().map(|of| of.from).collect()).await?;
        self.rule::<Person>(vec![self.person], freeze_person).await
    }
}

fn is_over(import: &Import) -> bool {
    matches!(import.state, ImportState::Finished | ImportState::Dropped)
}

/// Gives a place up that nobody paid for, so that somebody else can have it.
fn give_up(work: &mut Work<'_, '_>, (event, id): (domain::EventId, domain::TicketId)) -> Result<(), Error> {
    let Some(mut ticket) = work.read().get::<Ticket>(&(event, id))? else { return Ok(()) };
    let came = checkin::is_admitted_anywhere(work, event, id)?;
    let shut = work.read().get::<Event>(&event)?.is_none_or(|event| work.now >= event.time.to);
    let archived = work.read().get::<domain::EventArchive>(&event)?.is_some_and(|kept| kept.begun.is_some());
    if !ticket.state.holds_place() || came || shut || archived {
        return Ok(());
    }
    let before = ticket.state.code();
    ticket.state = TicketState::Canceled;
    ticket.revision += 1;
    registration::change(work, &ticket, "registration.cancel", before)?;
    order::left(work, &ticket)
}

fn freeze_helper(device: &Device) -> Device {
    // Whoever holds the helper's phone is nobody's helper any more.
    let revoked_at = Some(device.revoked_at.unwrap_or(device.created_at));
    Device { name: initials(&device.name), role: Role::Helper(None), revoked_at, pairing: None, ..device.clone() }
}

fn freeze_account(account: &Account) -> Account {
    Account {
        name: initials(&account.name),
        login: format!("erased-{}", account.id),
        password: String::new(),
        disabled: true,
        ..account.clone()
    }
}
