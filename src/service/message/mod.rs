//! The message centre (S0-94, S0-95, S1-59): a notice that was written once goes to its reader by the ways that the reader allows and that work, one
//! after the other, until one of them takes it. What goes out is in the outbox; here is which way is taken, and when nobody is disturbed.

pub mod choice;
mod dispatch;
pub mod mail;
pub mod person;
pub mod setting;
pub mod sms;
pub mod template;

pub use dispatch::{dispatch, log};
pub(crate) use dispatch::{fitting, settled, withdraw};

use crate::{Ctx, Error, Work};
use domain::{
    EventId, MessageSetting, Notice, Person, PersonId, SpaceId, Ticket, Time,
    field::{AnswerValue, FieldKind},
    message::MessageChoice,
    notice::{About, Purpose},
};
use jiff::tz::TimeZone;
use std::sync::{Arc, PoisonError};
use store::catalogue::{IDENTITY_BY_PERSON, PERSON_BY_PHONE};
use store::{Read, SpaceView};

/// What the texts of messages need from the rooms that know languages and addresses.
pub trait Wording: Send + Sync + 'static {
    /// What a notice says in a language, by the hall's own words.
    fn words(&self, notice: &Notice, zone: &TimeZone, lang: &str) -> String;
    /// The name of an occasion, for subjects.
    fn subject(&self, notice: &Notice, lang: &str) -> String;
    /// A text of the catalogue in a language.
    fn said(&self, english: &'static str, lang: &str) -> String;
    /// Scheme and host that links begin with; none when nobody set one, and then there are no links.
    fn base(&self) -> Option<String>;
}

/// A way to reach people. Registered at boot; what carries its entries is registered with the outbox under the same name.
pub trait Channel: Send + Sync + 'static {
    /// The way, as entries of the outbox name it.
    fn way(&self) -> &'static str;

    /// What is handed to the outbox so that this notice reaches its reader, or why this way cannot reach them now: it is not set up, has no
    /// template for the occasion, or knows no address. Called in a transaction, so it must be deterministic.
    fn prepare(&self, work: &Work<'_, '_>, of: &Reading<'_>) -> Result<Ready, Error>;

    /// The same without a transaction: what would come of it now.
    fn estimate(&self, view: &SpaceView, of: &Reading<'_>) -> Result<Ready, Error>;
}

/// Whether a way can reach somebody.
pub enum Ready {
    /// What is handed to the outbox.
    Yes(Prepared),
    /// Why not: English source text.
    No(&'static str),
}

/// Why a way cannot reach somebody, where several ways say the same.
pub(crate) const OFF: &str = "It is not set up.";
/// See [`OFF`].
pub(crate) const NO_TEMPLATE: &str = "There is no template for this occasion.";

/// A notice with everything that ways need to know of it and of its reader.
pub struct Reading<'a> {
    /// The notice.
    pub notice: &'a Notice,
    /// Its reader, where known as a person.
    pub person: Option<PersonId>,
    /// The reader's mail address, as chosen or as given with the registration.
    pub mail: Option<&'a str>,
    /// The language that its reader reads.
    pub lang: &'a str,
    /// What it says: the association's own words for the occasion, or the hall's.
    pub words: &'a str,
    /// A subject.
    pub subject: &'a str,
    /// Values for templates, by our names.
    pub values: &'a [(String, String)],
    /// Where the reader leaves what goes to many; for those notices alone.
    pub leave: Option<&'a str>,
}

/// What a way hands to the outbox.
pub struct Prepared {
    /// Whom it is for, masked.
    pub target: String,
    /// What the carrier needs.
    pub payload: Vec<u8>,
}

/// The ways that are registered, and the wording.
#[derive(Default)]
pub(crate) struct Ways {
    channels: Vec<Arc<dyn Channel>>,
    wording: Option<Arc<dyn Wording>>,
}

/// Registers a way, in place of one of the same name. Called at boot.
pub fn register(ctx: &Ctx, channel: Arc<dyn Channel>) {
    let mut ways = ctx.ways.write().unwrap_or_else(PoisonError::into_inner);
    ways.channels.retain(|kept| kept.way() != channel.way());
    ways.channels.push(channel);
}

/// The ways that this hall has.
pub fn ways(ctx: &Ctx) -> Vec<&'static str> {
    let ways = ctx.ways.read().unwrap_or_else(PoisonError::into_inner);
    ways.channels.iter().map(|channel| channel.way()).collect()
}

/// Scheme and host by which the box is reached from outside; none when nobody set one.
pub(crate) fn base(ctx: &Ctx) -> Option<String> {
    ctx.ways.read().unwrap_or_else(PoisonError::into_inner).wording.as_ref().and_then(|wording| wording.base())
}

/// A text of the catalogue in a language; as it stands before the centre has its words.
pub(crate) fn said(ctx: &Ctx, english: &'static str, lang: &str) -> String {
    let ways = ctx.ways.read().unwrap_or_else(PoisonError::into_inner);
    ways.wording.as_ref().map_or_else(|| english.to_owned(), |wording| wording.said(english, lang))
}

/// Gives the centre its words. Called at boot.
pub fn set_wording(ctx: &Ctx, wording: Arc<dyn Wording>) {
    ctx.ways.write().unwrap_or_else(PoisonError::into_inner).wording = Some(wording);
}

/// Registers the ways that need nothing but their settings: text messages and mail. Called at boot.
pub fn register_own(ctx: &Ctx) {
    crate::outbox::register(ctx, Arc::new(sms::Texts));
    crate::outbox::register(ctx, Arc::new(mail::Mails));
    register(ctx, Arc::new(sms::Texts));
    register(ctx, Arc::new(mail::Mails));
}

impl Ways {
    fn channel(&self, way: &str) -> Option<&Arc<dyn Channel>> {
        self.channels.iter().find(|channel| channel.way() == way)
    }

    /// The words.
    pub(crate) fn wording(&self) -> Option<&Arc<dyn Wording>> {
        self.wording.as_ref()
    }

    /// What a way would do; none where this box does not have it.
    pub(crate) fn estimate(&self, way: &str, view: &SpaceView, of: &Reading<'_>) -> Result<Option<Ready>, Error> {
        self.channel(way).map(|channel| channel.estimate(view, of)).transpose()
    }
}

/// The general settings.
pub(crate) fn setting(view: &impl Read) -> Result<MessageSetting, Error> {
    Ok(view.get::<MessageSetting>(&())?.unwrap_or_default())
}

/// A notice's reader: the person, and the mail address that was given with the registration.
pub(crate) fn reader(view: &impl Read, notice: &Notice) -> Result<(Option<PersonId>, Option<String>), Error> {
    if let About::Ticket(event, id) = notice.about {
        let Some(ticket) = view.get::<Ticket>(&(event, id))? else { return Ok((None, None)) };
        let given = match given_mail(view, &ticket)? {
            Some(mail) => Some(mail),
            None => proven_mail(view, ticket.person)?,
        };
        return Ok((Some(ticket.person), given));
    }
    if let About::Person(person) = notice.about {
        return Ok((Some(person), proven_mail(view, person)?));
    }
    let person = match &notice.phone {
        Some(phone) => view.find_key::<Person, _>(&PERSON_BY_PHONE, phone)?,
        None => None,
    };
    let About::Order(event, id) = notice.about else { return Ok((person, None)) };
    let Some(order) = view.get::<domain::Order>(&(event, id))? else { return Ok((person, None)) };
    let of_invoice =
        matches!(notice.purpose, Purpose::InvoiceIssued | Purpose::InvoiceRefused | Purpose::InvoiceVoided);
    if of_invoice && let Some(mail) = crate::invoice::mail(view, event, id)? {
        return Ok((person, Some(mail)));
    }
    for (ticket, ..) in order.tickets() {
        let Some(ticket) = view.get::<Ticket>(&(event, ticket))? else { continue };
        // One address for all of an order: the buyer's, who gave it first.
        if let Some(mail) = given_mail(view, &ticket)? {
            return Ok((person, Some(mail)));
        }
    }
    Ok((person, None))
}

/// The mail address that somebody proved to be theirs.
fn proven_mail(view: &impl Read, person: PersonId) -> Result<Option<String>, Error> {
    for key in view.scan_index(&IDENTITY_BY_PERSON, &person, None, store::Order::Ascending) {
        let identity = view.get::<domain::Identity>(&key?)?;
        if let Some(identity) = identity.filter(|one| one.kind == domain::identity::IdentityKind::Email) {
            return Ok(Some(identity.value));
        }
    }
    Ok(None)
}

/// The first mail address among the answers of a registration.
pub(crate) fn given_mail(view: &impl Read, ticket: &Ticket) -> Result<Option<String>, Error> {
    let Some(event) = view.get::<domain::Event>(&ticket.event)? else { return Ok(None) };
    for field in event.fields.iter().filter(|field| field.kind == FieldKind::Email) {
        let answer = ticket.answers.iter().find(|answer| answer.field == field.id);
        if let Some(AnswerValue::Plain(mail)) = answer.map(|answer| &answer.value)
            && !mail.is_empty()
        {
            return Ok(Some(mail.clone()));
        }
    }
    Ok(None)
}

/// Values that templates are filled with; times as messages of that language have them.
fn values(view: &impl Read, notice: &Notice, zone: &TimeZone, lang: &str) -> Result<Vec<(String, String)>, Error> {
    let mut values = vec![("name".to_owned(), notice.name.clone()), ("text".to_owned(), notice.text.clone())];
    for (name, value) in &notice.values {
        let value = match (name.as_str(), value.parse::<i64>()) {
            ("time" | "until", Ok(millis)) => template::when(Time(millis), zone, lang),
            _ => value.clone(),
        };
        values.push((name.clone(), value));
    }
    if let About::Ticket(event, id) = notice.about
        && let Some(ticket) = view.get::<Ticket>(&(event, id))?
    {
        values.push(("attend".to_owned(), ticket.attend));
    }
    Ok(values)
}

/// The value of that name.
pub(crate) fn value<'a>(values: &'a [(String, String)], name: &str) -> &'a str {
    values.iter().find(|(kept, _)| kept == name).map_or("", |(_, value)| value.as_str())
}

/// What is signed in the address of a page where a person leaves what goes to many.
pub(crate) fn leave_text(space: SpaceId, person: PersonId) -> String {
    format!("leave.{space}.{person}")
}

/// The local day as a number, by which limits count.
pub(crate) fn day(at: Time, zone: &TimeZone) -> i64 {
    let zoned = at.zoned(zone);
    let offset = i64::from(zoned.offset().seconds()) * domain::time::SECOND;
    at.plus(offset).0.div_euclid(domain::time::DAY)
}

/// What somebody chose, or nothing.
pub(crate) fn choice_of(view: &impl Read, person: PersonId) -> Result<MessageChoice, Error> {
    Ok(view.get::<MessageChoice>(&person)?.unwrap_or_else(|| MessageChoice::of(person)))
}

/// Removes what is kept of an event's messages when it is archived.
pub(crate) async fn forget_event(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<(), Error> {
    person::forget_event(ctx, space, event).await?;
    sms::forget_event(ctx, space, event).await
}

#[cfg(test)]
mod test;
