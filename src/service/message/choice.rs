//! What a person chose about messages: opened by the link of one of their tickets, or left by the address in a mail.

use super::{choice_of, given_mail, leave_text, setting};
use crate::{Ctx, Error, token};
use domain::{
    MessageChoice, PersonId, Refusal, SpaceId, Ticket,
    message::{ChoiceInput, check_choice},
};
use store::Read;
use store::catalogue::TICKET_BY_LINK;

/// What the page of a person's choices shows.
pub struct Page {
    /// What was chosen.
    pub choice: MessageChoice,
    /// The ways that the association uses, in its order.
    pub ways: Vec<String>,
    /// The mail address that was given with the registration.
    pub given: Option<String>,
    /// The ticket's phone, masked.
    pub phone: Option<String>,
    /// Name of whoever holds the ticket.
    pub name: String,
    /// The language of messages.
    pub lang: String,
    /// Their messages of the last days, newest first.
    pub log: Vec<super::person::Row>,
}

fn ticket(view: &impl Read, link: &str) -> Result<Ticket, Error> {
    let missing = || Refusal::missing("ticket");
    let link = token::read_link(link).ok_or_else(missing)?;
    Ok(view.find::<Ticket, _>(&TICKET_BY_LINK, &link)?.ok_or_else(missing)?)
}

/// The choices of a ticket's holder.
pub fn get(ctx: &Ctx, space: SpaceId, link: &str) -> Result<Page, Error> {
    let registered = ctx.ways.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    ctx.read(&ctx.own(space), |view| {
        let ticket = ticket(view, link)?;
        let kept = setting(view)?;
        let ways = kept.ways().into_iter().filter(|way| registered.channel(way).is_some()).map(str::to_owned);
        Ok(Page {
            choice: choice_of(view, ticket.person)?,
            ways: ways.collect(),
            given: given_mail(view, &ticket)?,
            phone: ticket.phone.as_deref().map(domain::phone::masked),
            lang: super::template::lang_of(view, Some(ticket.person))?,
            log: super::person::own(view, ticket.person, ctx.now())?,
            name: ticket.name,
        })
    })
}

/// Keeps the choices of a ticket's holder.
pub async fn save(ctx: &Ctx, space: SpaceId, link: &str, input: &ChoiceInput) -> Result<(), Error> {
    let (link, checked) = (link.to_owned(), check_choice(input)?);
    let lang = domain::message::template::known_lang(&input.lang);
    ctx.write(&ctx.own(space), move |work| {
        let person = ticket(work.read(), &link)?.person;
        let before = choice_of(work.read(), person)?;
        let after = MessageChoice { person, ..checked.clone() };
        work.put(&after)?;
        if let Some(lang) = lang {
            work.put(&domain::PersonLang { person, lang: lang.to_owned() })?;
        }
        let text =
            |of: &MessageChoice| format!("off {} | {} | {} {}", of.off.join(","), of.first, of.no_reminder, of.no_news);
        work.audit("message.choice", format!("person/{person}"), &text(&before), &text(&after))
    })
    .await
}

/// The person whom a signed address of leaving is for.
pub fn leaver(ctx: &Ctx, code: &str) -> Result<(SpaceId, PersonId), Error> {
    let missing = || Refusal::missing("page");
    let text = ctx.sealer.signed(code).ok_or_else(missing)?;
    let mut parts = text.split('.');
    let (Some("leave"), Some(space), Some(person)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(missing().into());
    };
    let (space, person) = (space.parse().map_err(|_| missing())?, person.parse().map_err(|_| missing())?);
    if leave_text(space, person) == text { Ok((space, person)) } else { Err(missing().into()) }
}

/// Leaves what goes to many, by the address in a mail.
pub async fn leave(ctx: &Ctx, code: &str) -> Result<(), Error> {
    let (space, person) = leaver(ctx, code)?;
    ctx.write(&ctx.own(space), move |work| {
        let before = choice_of(work.read(), person)?;
        work.put(&MessageChoice { no_news: true, no_reminder: true, ..before })?;
        work.audit("message.leave", format!("person/{person}"), "", "left what goes to many")
    })
    .await
}
