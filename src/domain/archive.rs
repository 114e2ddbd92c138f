//! The archive of an event: after a set time, or by hand, personal data is taken out of its records by a set rule; figures stay.

use crate::{
    Certificate, Event, EventId, FeedbackAnswer, FeedbackForm, Invoice, Order, Person, Refusal, Ticket, Time, Voucher,
    draw::{Entrant, Win},
    event::{Cover, EventState},
    field::FieldKind,
    invoice::InvoiceState,
    problem, refuse,
    text::Form,
};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// How far an event is on its way into the archive; an event that nobody planned to archive has no such record.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct EventArchive {
    /// The event.
    pub event: EventId,
    /// When it is archived by itself; none: by hand only.
    pub due: Option<Time>,
    /// When the freezing began; from then on nothing of the event's people changes any more.
    pub begun: Option<Time>,
    /// When it was done.
    pub done: Option<Time>,
}

impl EventArchive {
    /// Nothing planned.
    pub fn of(event: EventId) -> Self {
        Self { event, due: None, begun: None, done: None }
    }

    /// Whether the box has to do something about it now: its time has come, or it began and was not finished.
    pub fn is_due(&self, now: Time) -> bool {
        self.done.is_none() && (self.begun.is_some() || self.due.is_some_and(|due| now >= due))
    }
}

/// Checks the time that was typed; empty takes the plan back.
pub fn check_due(typed: &str, kept: &EventArchive, event: &Event, zone: &TimeZone) -> Result<Option<Time>, Refusal> {
    if kept.begun.is_some() {
        return Err(already());
    }
    let mut form = Form::default();
    let due = match typed.trim() {
        "" => None,
        text => {
            let read = Time::from_local(text, zone);
            match read {
                None => form.wrong(problem!("due", "Give date and time, such as 2026-11-25 09:00.")),
                Some(due) if due < event.time.to => {
                    form.wrong(problem!("due", "An event is archived after its end."));
                }
                Some(_) => {}
            }
            read
        }
    };
    form.done(due)
}

fn already() -> Refusal {
    refuse!(Conflict, "archive.begun", "This event is archived already, or is just being archived.")
}

/// Whether the event may be archived by hand: it is over or does not take place, and its name was typed.
pub fn check_begin(typed: &str, kept: &EventArchive, event: &Event, now: Time) -> Result<(), Refusal> {
    if kept.begun.is_some() {
        return Err(already());
    }
    if now < event.time.to && event.state != EventState::Withdrawn {
        return Err(refuse!(Conflict, "archive.not_over", "This event is not over yet."));
    }
    if crate::text::line(typed) != event.name {
        return Err(Refusal::invalid(vec![problem!(
            "confirm",
            "Type the name of the event exactly as it stands above."
        )]));
    }
    Ok(())
}

/// Whether the people of an event may still change.
pub fn check_open(kept: Option<&EventArchive>) -> Result<(), Refusal> {
    if kept.is_some_and(|kept| kept.begun.is_some()) {
        return Err(refuse!(
            Conflict,
            "event.archived",
            "This event is archived: its people cannot be changed any more."
        ));
    }
    Ok(())
}

/// What stays of a name: `J. S.` of `John Smith`, `张*` of `张三`. The same again when it is done twice.
pub fn initials(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let Some(first) = letters.next() else { return String::new() };
        if first.is_ascii_alphabetic() {
            return format!("{}.", first.to_ascii_uppercase());
        }
        format!("{first}{}", "*".repeat(letters.count().min(3)))
    };
    name.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// A registration without what is personal; group, seat, type, state and times stay, and so do the figures.
pub fn freeze_ticket(ticket: &Ticket) -> Ticket {
    Ticket {
        name: initials(&ticket.name),
        phone: None,
        company: String::new(),
        note: String::new(),
        door_note: String::new(),
        answers: Vec::new(),
        ..ticket.clone()
    }
}

/// A person without what is personal.
pub fn freeze_person(person: &Person) -> Person {
    Person { name: initials(&person.name), phone: None, company: String::new(), ..person.clone() }
}

/// An order without what is personal; what was sold and what was paid stays.
pub fn freeze_order(order: &Order) -> Order {
    let mut frozen = order.clone();
    frozen.buyer.name = initials(&order.buyer.name);
    frozen.buyer.phone = None;
    frozen.reason.clear();
    for entry in &mut frozen.entries {
        entry.slip = None;
        entry.note.clear();
        entry.reference.clear();
    }
    frozen
}

/// An invoice without what is personal; the title and tax number of an organisation, and what was made, stay.
pub fn freeze_invoice(invoice: &Invoice) -> Invoice {
    let mut frozen = invoice.clone();
    if frozen.details.tax_number.is_empty() {
        frozen.details.title = initials(&invoice.details.title);
    }
    frozen.details.email.clear();
    frozen.details.note.clear();
    if let InvoiceState::Void(_, reason) = &mut frozen.state {
        reason.clear();
    }
    frozen
}

/// Somebody on the list of a draw, without what is personal.
pub fn freeze_entrant(entrant: &Entrant) -> Entrant {
    Entrant { name: initials(&entrant.name), phone: None, company: String::new(), token: None, ..entrant.clone() }
}

/// A win without what is personal; the prize, the lucky number and how it was handed out stay.
pub fn freeze_win(win: &Win) -> Win {
    // A table that won as one has a name that is nobody's.
    let name = if win.who.is_none() { win.name.clone() } else { initials(&win.name) };
    Win { name, company: String::new(), phone: None, ..win.clone() }
}

/// A certificate without what is personal; number, serial and state stay, so that it can be checked.
pub fn freeze_certificate(certificate: &Certificate) -> Certificate {
    Certificate { name: initials(&certificate.name), ..certificate.clone() }
}

/// A code without the note that may say whom it was for.
pub fn freeze_voucher(voucher: &Voucher) -> Voucher {
    Voucher { note: String::new(), ..voucher.clone() }
}

/// An event of which name, time and place stay: texts may name people, and pictures are gone.
pub fn bare_event(event: &Event) -> Event {
    Event { intro: String::new(), notice: String::new(), cover: Cover::Template(0), main: None, ..event.clone() }
}

/// An answer to the feedback form without whose it is and without own words; ratings and choices stay.
pub fn freeze_feedback(form: &FeedbackForm, answer: &FeedbackAnswer) -> FeedbackAnswer {
    let counted = |id: u16| {
        let question = form.questions.iter().find(|question| question.field.id == id);
        question.is_some_and(|question| question.rating || question.field.kind == FieldKind::Choice)
    };
    let answers = answer.answers.iter().filter(|(id, _)| counted(*id)).cloned().collect();
    FeedbackAnswer { ticket: None, answers, ..answer.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::event;

    #[test]
    fn of_a_name_its_initials_stay() {
        let cases = [
            ("张三", "张*"),
            ("欧阳锋", "欧**"),
            ("John Smith", "J. S."),
            ("  ann  lee ", "A. L."),
            ("王 Wang", "王 W."),
            ("很长很长很长的名字", "很***"),
            ("", ""),
        ];
        for (name, kept) in cases {
            assert_eq!(initials(name), kept, "{name}");
            assert_eq!(initials(kept), kept, "twice is the same");
        }
    }

    #[test]
    fn an_event_is_archived_after_its_end_when_its_name_was_typed() {
        let open = EventArchive::of(EventId(1));
        let begun = EventArchive { begun: Some(Time(1)), ..open.clone() };
        let withdrawn = Event { state: EventState::Withdrawn, ..event() };
        let cases = [
            (&event(), &open, "年会", 2_000, None),
            (&event(), &open, " 年会 ", 2_000, None),
            (&event(), &open, "年会", 1_999, Some("archive.not_over")),
            (&withdrawn, &open, "年会", 0, None),
            (&event(), &open, "年", 2_000, Some("input.invalid")),
            (&event(), &begun, "年会", 2_000, Some("archive.begun")),
        ];
        for (event, kept, typed, now, refused) in cases {
            let said = check_begin(typed, kept, event, Time(now));
            assert_eq!(said.err().map(|refusal| refusal.code), refused, "{typed} at {now}");
        }
        assert!(check_open(None).is_ok() && check_open(Some(&open)).is_ok() && check_open(Some(&begun)).is_err());
    }

    #[test]
    fn its_time_has_come_when_it_is_due_or_was_not_finished() {
        let open = EventArchive::of(EventId(1));
        let due = EventArchive { due: Some(Time(10)), ..open.clone() };
        let begun = EventArchive { begun: Some(Time(10)), ..open.clone() };
        let done = EventArchive { done: Some(Time(11)), ..begun.clone() };
        for (kept, now, is) in
            [(&open, 99, false), (&due, 9, false), (&due, 10, true), (&begun, 0, true), (&done, 99, false)]
        {
            assert_eq!(kept.is_due(Time(now)), is, "{kept:?} at {now}");
        }
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let of = |typed: &str, kept| check_due(typed, kept, &event(), &zone);
        assert_eq!(of("", &due).unwrap(), None);
        assert!(of("2026-11-25T09:00", &open).unwrap().is_some());
        assert!(of("x", &open).is_err() && of("2026-11-25T09:00", &begun).is_err());
        let later = Event { time: crate::Window { from: Time(0), to: Time(i64::MAX) }, ..event() };
        assert!(check_due("2026-11-25T09:00", &open, &later, &zone).is_err());
    }

    #[test]
    fn of_a_draw_prizes_and_numbers_stay_and_of_a_table_its_name() {
        let win = Win {
            draw: crate::DrawId(1),
            number: 1,
            round: crate::RoundId(1),
            place: 1,
            turn: 1,
            who: Some(crate::draw::Who::Ticket(crate::TicketId(1))),
            table: None,
            lucky: "0317".into(),
            name: "欧阳锋".into(),
            company: "白驼山庄".into(),
            phone: Some("+8613812345678".into()),
            assigned: false,
            counts: true,
            at: Time(1),
            void: None,
            claim: None,
        };
        let frozen = freeze_win(&win);
        assert_eq!((frozen.name.as_str(), frozen.company.as_str(), &frozen.phone), ("欧**", "", &None));
        assert_eq!((frozen.lucky.as_str(), freeze_win(&frozen)), ("0317", frozen.clone()));
        let table = Win { who: None, table: Some(3), name: "3 号桌".into(), ..win };
        assert_eq!(freeze_win(&table).name, "3 号桌");
        let told = Event { intro: "联系张三".into(), main: Some(Cover::Template(1)), ..event() };
        let bare = bare_event(&told);
        assert_eq!((bare.intro.as_str(), bare.main.is_none(), bare.name), ("", true, event().name));
    }
}
