//! People's data: requests to erase, finding somebody, one person with what is kept of them, exporting and erasing.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice, post,
    },
    format::phone,
    layout::{Tone, admin},
};
use domain::{
    Erasure, Event, Identity, Person, Refusal, Ticket, Time,
    identity::{IdentityKind, masked_email},
    privacy::{
        ErasureState, Hindrance, REASON_MAX,
        consent::{Consent, NOTICE_MAX, PrivacyNotice},
        retention::Sort,
    },
};
use maud::{Markup, html};

fn state(shell: &Shell, of: &ErasureState) -> Markup {
    let tone = match of {
        ErasureState::Asked => Tone::Warn,
        ErasureState::Begun => Tone::Info,
        ErasureState::Done => Tone::Good,
        ErasureState::Withdrawn | ErasureState::Declined(_) => Tone::Info,
    };
    badge(tone, shell.text().t(of.label()))
}

/// The list of requests, and the way to one person.
pub struct List<'a> {
    /// Requests that wait, with the person's name.
    pub asked: &'a [(Erasure, Option<Person>)],
    /// Now.
    pub now: Time,
    /// What was typed to find somebody.
    pub q: &'a str,
    /// What was wrong with it.
    pub refusal: Option<&'a Refusal>,
    /// The reader sees the list of merged records.
    pub merges: bool,
    /// The reader sees the log of who saw numbers.
    pub access: bool,
}

/// Requests, and finding somebody.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let heads = [
        Head::plain(text.t("Name")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Asked for")),
        Head::plain(text.t("To be answered by")),
    ];
    let rows: Vec<Row> = of
        .asked
        .iter()
        .map(|(erasure, person)| {
            let name = person.as_ref().map_or_else(|| erasure.person.to_string(), |person| person.name.clone());
            Row {
                id: None,
                cells: vec![
                    html! { a href={ "/admin/privacy/" (erasure.person) } { (name) } },
                    state(shell, &erasure.state),
                    html! { (shell.format.time(erasure.asked_at)) },
                    html! { (shell.format.date(erasure.due())) @if erasure.due() < of.now { " " (badge(Tone::Bad, text.t("Overdue"))) } },
                ],
                name,
            }
        })
        .collect();
    let actions = html! {
        a class="button" href="/admin/privacy/notice" { (icon(Icon::Edit)) (text.t("Privacy notice")) }
        a class="button" href="/admin/privacy/retention" { (icon(Icon::Settings)) (text.t("How long data is kept")) }
        @if of.access { a class="button" href="/admin/access" { (icon(Icon::Log)) (text.t("Who saw numbers in full")) } }
        @if of.merges { a class="button" href="/admin/person" { (icon(Icon::People)) (text.t("Merged records")) } }
    };
    let content = html! {
        (heading(text.t("People's data"), &actions))
        p class="dim" { (text.t("Whoever wants a copy of their data or wants it erased asks on their phone, or asks you. The law sets a time for the answer.")) }
        section class="panel" {
            h2 { (text.t("Find somebody")) }
            (form.summary())
            form method="get" action="/admin/privacy" class="filter" {
                (form.input(&Input { name: "q", label: text.t("Phone number or proved e-mail address"), value: of.q, max: 254, autocomplete: "off", ..Input::default() }))
                button { (icon(Icon::Search)) (text.t("Find")) }
            }
            p class="dim" { (text.t("Somebody without a phone number is found on the page of their registration.")) }
        }
        h2 { (text.t("Requests")) }
        @if rows.is_empty() { (empty(text.t("Nobody waits for an answer"), text.t("Requests to erase appear here with the day by which they are to be answered."), None)) }
        @else { (table(text, text.t("Requests"), &heads, &rows, false)) }
    };
    admin(shell, text.t("People's data"), &[], &[], &content)
}

/// One person.
pub struct Page<'a> {
    /// The person.
    pub person: &'a Person,
    /// What proves them.
    pub identities: &'a [Identity],
    /// How many records there are of what.
    pub held: &'a [(&'static str, usize)],
    /// Registrations.
    pub tickets: &'a [(Event, Ticket)],
    /// What they agreed to.
    pub consents: &'a [Consent],
    /// The version of the privacy notice that holds.
    pub notice: Option<u32>,
    /// The request.
    pub erasure: Option<&'a Erasure>,
    /// What stands in the way.
    pub hindrances: &'a [Hindrance],
    /// Why tables stay.
    pub kept: &'a [&'static str],
    /// What else stays, and why.
    pub beside: &'a [(&'static str, &'static str)],
    /// Numbers may be seen in full.
    pub full: bool,
    /// The log of who saw numbers may be read.
    pub access: bool,
    /// Typed reason.
    pub reason: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// One person with what is kept of them.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let base = format!("/admin/privacy/{}", of.person.id);
    let under_way = of.erasure.is_some_and(Erasure::is_under_way);
    let actions = html! {
        @if of.access { a class="button" href={ "/admin/access?person=" (of.person.id) } { (icon(Icon::Log)) (text.t("Who saw numbers in full")) } }
    };
    let content = html! {
        (heading(&of.person.name, &actions))
        (form.summary())
        (asked(shell, of, &base, &form))
        (facts(shell, of))
        (consents(shell, of, &base))
        @if !under_way {
            section class="panel" {
                h2 { (text.t("A copy of everything")) }
                p { (text.t("A ZIP file with a page to read, a file for programs, and the person's own files. Hand it to the person alone: identity cards are in it in full.")) }
                @if of.full {
                    form method="post" action={ (base) "/export" } { button { (icon(Icon::Export)) (text.t("Download everything")) } }
                } @else { p class="dim" { (text.t("For this you need the permission to see phone numbers and identity cards in full.")) } }
            }
            (erasing(shell, of, &base, &form))
        }
    };
    admin(shell, &of.person.name, &[(text.t("People's data"), "/admin/privacy".into())], &[], &content)
}

/// The request, and saying no to it.
fn asked(shell: &Shell, of: &Page<'_>, base: &str, form: &Form<'_>) -> Markup {
    let text = shell.text();
    html! {
        @if let Some(erasure) = of.erasure {
            section class="panel" {
                h2 { (text.t("Request to erase")) }
                p { (state(shell, &erasure.state)) " " (shell.format.time(erasure.asked_at)) }
                @match &erasure.state {
                    ErasureState::Declined(reason) => p { (reason) },
                    ErasureState::Begun => (notice(Tone::Info, text.t("The data is being erased. This goes on if you close the page."))),
                    ErasureState::Done => (notice(Tone::Good, &text.f("Erased: {time}. What stays is named below.", &[("time", &shell.format.time(erasure.changed_at))]))),
                    ErasureState::Asked => {
                        p class="dim" { (text.f("To be answered by {date}: erase below, or decline with a reason that the person reads.", &[("date", &shell.format.date(erasure.due()))])) }
                        form method="post" action={ (base) "/decline" } class="form" {
                            (form.input(&Input { name: "reason", label: text.t("Reason, for the person"), value: of.reason, required: true, max: REASON_MAX, ..Input::default() }))
                            button { (text.t("Decline the request")) }
                        }
                    }
                    ErasureState::Withdrawn => "",
                }
            }
        }
    }
}

fn facts(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("What is kept")) }
            dl class="facts" {
                @if let Some(number) = &of.person.phone { dt { (text.t("Phone")) } dd { (phone(number, of.full)) } }
                @if !of.person.company.is_empty() { dt { (text.t("Company")) } dd { (of.person.company) } }
                dt { (text.t("On record since")) } dd { (shell.format.time(of.person.created_at)) }
                @for proof in of.identities.iter().filter(|proof| matches!(proof.kind, IdentityKind::Email)) {
                    dt { (text.t("E-mail")) }
                    dd { @if of.full { (proof.value) } @else { (masked_email(&proof.value)) } }
                }
                @for (label, count) in of.held { dt { (text.t(label)) } dd { (count) } }
            }
            @if !of.tickets.is_empty() {
                h3 { (text.t("Registered for")) }
                ul {
                    @for (event, ticket) in of.tickets {
                        li { a href={ "/admin/event/" (event.id) "/registration/" (ticket.id) } { (event.name) } " · " (shell.format.date(event.time.from)) " · " (text.t(ticket.state.label())) }
                    }
                }
            }
        }
    }
}

/// What somebody agreed to, taking it down on paper, taking it back.
fn consents(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let stands = |consent: &&Consent| consent.withdrawn.is_none();
    let agreed = of.consents.iter().filter(stands).any(|consent| Some(consent.version) == of.notice);
    html! {
        @if of.notice.is_some() || !of.consents.is_empty() {
            section class="panel" {
                h2 { (text.t("Agreed to the privacy notice")) }
                (agreements(shell, of.consents))
                div class="actions" {
                    @if of.notice.is_some() && !agreed { (post(&format!("{base}/consent"), "", text.t("Agreed on paper"), Icon::Check)) }
                    @if of.consents.iter().any(|consent| stands(&consent)) { (post(&format!("{base}/consent/withdraw"), "", text.t("Take the consent back for the person"), Icon::Cross)) }
                }
            }
        }
    }
}

/// A list of what somebody agreed to.
pub fn agreements(shell: &Shell, all: &[Consent]) -> Markup {
    let text = shell.text();
    html! {
        @if all.is_empty() { p class="dim" { (text.t("Not yet.")) } }
        ul {
            @for consent in all {
                li {
                    a href={ "/privacy/" (consent.version) } { (text.f("Version {number}", &[("number", &consent.version)])) }
                    " · " (text.t(consent.way.label())) " · " (shell.format.time(consent.at))
                    @if let Some(at) = consent.withdrawn { " · " (text.f("taken back: {time}", &[("time", &shell.format.time(at))])) }
                }
            }
        }
    }
}

/// The privacy notice and its versions.
pub struct Words<'a> {
    /// The text as typed or kept.
    pub text: &'a str,
    /// Versions, the newest in front, with how many agreed to each.
    pub versions: &'a [(PrivacyNotice, usize)],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The privacy notice and its versions.
pub fn words(shell: &Shell, of: &Words<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let heads = [
        Head::number(text.t("Version")),
        Head::plain(text.t("In effect since")),
        Head::number(text.t("Agreed")),
        Head::plain(text.t("Fingerprint of the text (SHA-256)")),
    ];
    let row = |(notice, agreed): &(PrivacyNotice, usize)| Row {
        id: None,
        name: notice.version.to_string(),
        cells: vec![
            html! { a href={ "/privacy/" (notice.version) } { (notice.version) } @if notice.text.is_empty() { " " span class="dim" { (text.t("nothing is asked")) } } },
            html! { (shell.format.time(notice.at)) },
            html! { (agreed) },
            html! { code { (notice.hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>()) "…" } },
        ],
    };
    let rows: Vec<Row> = of.versions.iter().map(row).collect();
    let content = html! {
        h1 { (text.t("Privacy notice")) }
        p class="dim" { (text.t("Whoever registers reads this and agrees to it. Every change is a new version; it is kept which version somebody agreed to. Empty: nothing is asked.")) }
        (form.summary())
        form method="post" action="/admin/privacy/notice" class="form panel" {
            (form.textarea(&Input { name: "text", label: text.t("Text"), value: of.text, max: NOTICE_MAX, ..Input::default() }, 16))
            button class="primary" { (text.t("Put the new version in effect")) }
        }
        @if !rows.is_empty() { (table(text, text.t("Versions"), &heads, &rows, false)) }
    };
    admin(shell, text.t("Privacy notice"), &[(text.t("People's data"), "/admin/privacy".into())], &[], &content)
}

fn erasing(shell: &Shell, of: &Page<'_>, base: &str, form: &Form<'_>) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("Erase for good")) }
            p { (text.t("Registrations keep the initials and their figures, and places that nobody paid for become free. Phone numbers, answers, identity cards, files, portraits, messages, membership, log-ins and links to WeChat are removed. Paid orders, invoices and payments stay on the books without name and number.")) }
            details {
                summary { (text.t("What stays, and why")) }
                ul {
                    @for (what, why) in of.beside { li { strong { (text.t(what)) } ": " (text.t(why)) } }
                    @for why in of.kept { li { (text.t(why)) } }
                }
            }
            @if of.hindrances.is_empty() {
                p { (icon(Icon::Warn)) " " (text.t("This cannot be undone.")) " " strong { (of.person.name) } }
                form method="post" action={ (base) "/erase" } class="form" {
                    (form.input(&Input { name: "confirm", label: text.t("Type the name to confirm"), required: true, max: 60, autocomplete: "off", ..Input::default() }))
                    button class="danger" { (text.t("Erase this person for good")) }
                }
            } @else {
                p { (text.t("This stands in the way:")) }
                ul {
                    @for of in of.hindrances {
                        li {
                            @match of {
                                Hindrance::Upcoming(event, ticket, _) => a href={ "/admin/event/" (event) "/registration/" (ticket) } { (text.f(of.label(), &[("what", &of.what())])) },
                                Hindrance::Order(event, order, _) => a href={ "/admin/event/" (event) "/order/" (order) } { (text.f(of.label(), &[("what", &of.what())])) },
                                Hindrance::Account => a href="/admin/account" { (text.t(of.label())) },
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How long data is kept.
pub struct Keeping<'a> {
    /// The days as typed or kept, for each kind.
    pub days: &'a [(Sort, String)],
    /// How many records would go now, where somebody asked.
    pub counted: &'a [(Sort, usize)],
    /// Where counting stops.
    pub most: usize,
    /// State of the settings when the form was opened.
    pub revision: u32,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// How long data is kept.
pub fn retention(shell: &Shell, of: &Keeping<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let count = |sort: Sort| of.counted.iter().find(|(counted, _)| *counted == sort).map(|(_, count)| *count);
    let content = html! {
        h1 { (text.t("How long data is kept")) }
        p class="dim" { (text.t("What has no number stays until somebody removes it. What has one goes by itself, a few records at a time, and the audit log says how many. The scan log of a door is never changed; it loses its names when its event is archived.")) }
        (form.summary())
        form method="post" action="/admin/privacy/retention" class="form panel" {
            input type="hidden" name="revision" value=(of.revision);
            @for (sort, days) in of.days {
                @let help = match count(*sort) {
                    Some(count) if count >= of.most => text.f("Now {count} records or more would go.", &[("count", &count)]),
                    Some(count) => text.f("Now {count} records would go.", &[("count", &count)]),
                    None => text.f("Days; proposed: {days}", &[("days", &sort.proposed())]),
                };
                (form.input(&Input { name: sort.code(), label: text.t(sort.label()), value: days, kind: "number", max: 5, help: &help, ..Input::default() }))
            }
            div class="actions" {
                button class="primary" name="act" value="save" { (text.t("Save")) }
                button name="act" value="look" { (text.t("Only look how much would go")) }
            }
        }
    };
    admin(shell, text.t("How long data is kept"), &[(text.t("People's data"), "/admin/privacy".into())], &[], &content)
}
