//! May the holder of this ticket pass this door now? The checks, in their order.

use super::{CheckinList, Direction, Facts, Moment, MultiEntry, Reason, Standing, Test, Verdict};
use crate::{
    EventId, GateId, GroupId, Ticket, TicketId, TicketState, TicketTypeId, Time, Window, event::EventState, time::Place,
};
use jiff::tz::TimeZone;

/// What a door knows of its event and list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The event that people are admitted to.
    pub event: EventId,
    /// The event was taken back: nobody is admitted.
    pub withdrawn: bool,
    /// When entries are taken; none while no check-in time is set.
    pub entries: Option<Window>,
    /// The list's settings.
    pub list: CheckinList,
}

impl Door {
    /// A list's door: entries inside the list's window or else the event's check-in time, which the event's end cuts off (S0-12).
    pub fn of(event: EventId, state: EventState, checkin: Option<Window>, ends: Time, list: CheckinList) -> Self {
        let window = list.window.or(checkin);
        let entries = window.map(|window| Window { from: window.from, to: window.to.min(ends) });
        Self { event, withdrawn: state == EventState::Withdrawn, entries, list }
    }
}

/// What a door needs to know of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The ticket.
    pub ticket: TicketId,
    /// Its event.
    pub event: EventId,
    /// Its type.
    pub kind: TicketTypeId,
    /// The holder's group.
    pub group: Option<GroupId>,
    /// Why its holder does not come in whatever the list says; none for a place that stands.
    pub barred: Option<Reason>,
    /// Its holder has seen it.
    pub collected: bool,
}

impl Pass {
    /// What a ticket lets its holder do.
    pub fn of(ticket: &Ticket) -> Self {
        Self {
            ticket: ticket.id,
            event: ticket.event,
            kind: ticket.kind,
            group: ticket.group,
            barred: ticket.state.bars(),
            collected: ticket.collected,
        }
    }
}

impl TicketState {
    /// Why nobody comes in with a ticket in this state; none when the list decides.
    pub fn bars(self) -> Option<Reason> {
        match self {
            Self::Active => None,
            Self::Canceled => Some(Reason::Canceled),
            Self::Unapproved => Some(Reason::Unapproved),
            Self::Unpaid => Some(Reason::Unpaid),
            Self::Refunded => Some(Reason::Refunded),
            Self::Blocked => Some(Reason::Blocked),
        }
    }
}

/// One attempt to pass.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Entry or exit.
    pub direction: Direction,
    /// When.
    pub at: Time,
    /// Where the terminal stands.
    pub gate: Option<GateId>,
    /// Numbers of the list's questions that were answered, now or before.
    pub answered: &'a [u16],
    /// People inside; looked at only where the list has a capacity.
    pub inside: i64,
    /// Admit whatever time, rules, questions, capacity and earlier entries say.
    pub force: bool,
}

/// What is said to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The nearest condition that failed, for [`Reason::Rule`].
    pub failed: Option<Test>,
    /// Questions that are still open, for [`Verdict::Incomplete`].
    pub open: Vec<u16>,
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, failed: None, open: Vec::new() }
    }
}

impl From<Reason> for Decision {
    fn from(reason: Reason) -> Self {
        Verdict::Refused(reason).into()
    }
}

/// May the holder of this ticket pass? `pass` is none when no ticket of the space has the code.
pub fn decide(
    pass: Option<&Pass>,
    standing: &Standing,
    door: &Door,
    attempt: &Attempt<'_>,
    zone: &TimeZone,
) -> Decision {
    let Some(pass) = pass else { return Reason::Unknown.into() };
    if pass.event != door.event {
        return Reason::WrongEvent.into();
    }
    let list = &door.list;
    if !list.kinds.is_empty() && !list.kinds.contains(&pass.kind) {
        return Reason::WrongList.into();
    }
    if door.withdrawn {
        return Reason::Canceled.into();
    }
    if let Some(reason) = pass.barred {
        return reason.into();
    }
    if list.collected && !pass.collected && !attempt.force {
        return Reason::NotCollected.into();
    }
    let now = Moment::new(attempt.at, zone);
    match attempt.direction {
        Direction::Exit if attempt.force || standing.is_inside(&now, list.exit_hour) => Verdict::Admitted.into(),
        Direction::Exit => Reason::NotIn.into(),
        Direction::Entry if attempt.force => Verdict::Admitted.into(),
        Direction::Entry => enter(pass, standing, door, attempt, &now),
    }
}

fn enter(pass: &Pass, standing: &Standing, door: &Door, attempt: &Attempt<'_>, now: &Moment<'_>) -> Decision {
    let list = &door.list;
    match door.entries.map(|window| window.place(attempt.at)) {
        None | Some(Place::Before) => return Reason::NotYet.into(),
        Some(Place::After) => return Reason::TooLate.into(),
        Some(Place::Inside) => {}
    }
    if let Some(rules) = &list.rules {
        let facts = Facts { kind: pass.kind, group: pass.group, gate: attempt.gate, standing, now };
        if let Err(failed) = rules.check(&facts) {
            return Decision { failed: failed.test.cloned(), ..Reason::Rule.into() };
        }
    }
    let open = list.questions.iter().filter(|question| question.required && !attempt.answered.contains(&question.id));
    let open: Vec<u16> = open.map(|question| question.id).collect();
    if !open.is_empty() {
        return Decision { open, ..Verdict::Incomplete.into() };
    }
    let again = match list.multi {
        MultiEntry::Once => standing.is_admitted(),
        MultiEntry::OncePerDay => standing.times().any(|time| now.is_same_day(time)),
        MultiEntry::AfterExit => standing.is_inside(now, list.exit_hour),
        MultiEntry::Unlimited => false,
    };
    if again {
        return Reason::AlreadyIn.into();
    }
    let full = list.capacity.is_some_and(|capacity| attempt.inside >= i64::from(capacity));
    if full && !standing.is_inside(now, list.exit_hour) { Reason::EventFull.into() } else { Verdict::Admitted.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ListId, ScanId,
        checkin::{Entry, Rule},
        field::{Field, FieldKind},
        time::{DAY, HOUR},
    };

    /// Wednesday 2026-11-25, 09:30 in Shanghai.
    const AT: i64 = 1_795_570_200_000;

    fn pass() -> Pass {
        Pass {
            ticket: TicketId(5),
            event: EventId(1),
            kind: TicketTypeId(1),
            group: None,
            barred: None,
            collected: false,
        }
    }

    fn door(list: CheckinList) -> Door {
        let window = Window { from: Time(AT - DAY), to: Time(AT + DAY) };
        Door::of(EventId(1), EventState::Published, Some(window), Time(AT + 2 * DAY), list)
    }

    fn main() -> CheckinList {
        CheckinList::main(EventId(1))
    }

    fn attempt(direction: Direction, at: i64) -> Attempt<'static> {
        Attempt { direction, at: Time(at), gate: None, answered: &[], inside: 0, force: false }
    }

    fn after(moves: &[(Direction, i64)]) -> Standing {
        let mut standing = Standing::default();
        for (n, (direction, at)) in moves.iter().enumerate() {
            let entry = Entry { at: Time(*at), scan: ScanId(n as u64 + 1) };
            match direction {
                Direction::Entry => standing.enter(entry),
                Direction::Exit => standing.leave(entry),
            }
        }
        standing
    }

    fn verdict(pass: Option<&Pass>, standing: &Standing, door: &Door, attempt: &Attempt<'_>) -> Verdict {
        decide(pass, standing, door, attempt, &crate::time::zone("Asia/Shanghai").unwrap()).verdict
    }

    use Direction::{Entry as In, Exit as Out};

    #[test]
    fn the_checks_come_in_their_order() {
        let refused = Verdict::Refused;
        let never = Rule::Is(Test::Weekday(vec![1]));
        let question = Field {
            id: 1,
            label: "尺码".into(),
            kind: FieldKind::Text,
            required: true,
            help: String::new(),
            choices: Vec::new(),
            ..Field::default()
        };
        // Each step adds what would refuse one check earlier; the earlier always wins.
        let mut list = CheckinList { capacity: Some(0), ..main() };
        let mut pass = pass();
        let inside = after(&[(In, AT - HOUR)]);
        let mut expect = Vec::new();
        let mut see = |pass: Option<&Pass>, list: &CheckinList, at: i64, said: Verdict| {
            expect.push((verdict(pass, &inside, &door(list.clone()), &attempt(In, at)), said));
        };
        see(Some(&pass), &list, AT, refused(Reason::AlreadyIn));
        list.questions = vec![question];
        see(Some(&pass), &list, AT, Verdict::Incomplete);
        list.rules = Some(never);
        see(Some(&pass), &list, AT, refused(Reason::Rule));
        see(Some(&pass), &list, AT + DAY, refused(Reason::TooLate));
        see(Some(&pass), &list, AT - DAY - 1, refused(Reason::NotYet));
        list.collected = true;
        see(Some(&pass), &list, AT + DAY, refused(Reason::NotCollected));
        pass.barred = Some(Reason::Canceled);
        see(Some(&pass), &list, AT, refused(Reason::Canceled));
        list.kinds = vec![TicketTypeId(2)];
        see(Some(&pass), &list, AT, refused(Reason::WrongList));
        pass.event = EventId(2);
        see(Some(&pass), &list, AT, refused(Reason::WrongEvent));
        see(None, &list, AT, refused(Reason::Unknown));
        for (step, (got, said)) in expect.into_iter().enumerate() {
            assert_eq!(got, said, "step {step}");
        }
    }

    #[test]
    fn each_mode_lets_a_ticket_in_as_often_as_it_says() {
        let cases = [
            (MultiEntry::Once, vec![(In, AT - HOUR), (Out, AT - 1)], false),
            (MultiEntry::OncePerDay, vec![(In, AT - HOUR), (Out, AT - 1)], false),
            (MultiEntry::OncePerDay, vec![(In, AT - 10 * HOUR)], true),
            (MultiEntry::AfterExit, vec![(In, AT - HOUR)], false),
            (MultiEntry::AfterExit, vec![(In, AT - HOUR), (Out, AT - 1)], true),
            (MultiEntry::Unlimited, vec![(In, AT - HOUR)], true),
        ];
        for (multi, moves, admitted) in cases {
            let said = verdict(Some(&pass()), &after(&moves), &door(CheckinList { multi, ..main() }), &attempt(In, AT));
            assert_eq!(said == Verdict::Admitted, admitted, "{multi:?} after {moves:?}");
            assert!(admitted || said == Verdict::Refused(Reason::AlreadyIn));
        }
    }

    #[test]
    fn everybody_is_out_when_the_hour_strikes() {
        let list = CheckinList { multi: MultiEntry::AfterExit, exit_hour: Some(4), ..main() };
        let yesterday = after(&[(In, AT - 10 * HOUR)]);
        let today = after(&[(In, AT - 5 * HOUR)]);
        let door = door(list);
        let cases = [
            (&yesterday, In, Verdict::Admitted),
            (&yesterday, Out, Verdict::Refused(Reason::NotIn)),
            (&today, In, Verdict::Refused(Reason::AlreadyIn)),
            (&today, Out, Verdict::Admitted),
        ];
        for (standing, direction, said) in cases {
            assert_eq!(verdict(Some(&pass()), standing, &door, &attempt(direction, AT)), said, "{direction:?}");
        }
    }

    #[test]
    fn a_full_place_takes_nobody_more_but_who_is_in_it() {
        let list = CheckinList { capacity: Some(10), multi: MultiEntry::Unlimited, ..main() };
        let (out, inside) = (Standing::default(), after(&[(In, AT - 1)]));
        for (standing, people, said) in [
            (&out, 9, Verdict::Admitted),
            (&out, 10, Verdict::Refused(Reason::EventFull)),
            (&inside, 10, Verdict::Admitted),
        ] {
            let attempt = Attempt { inside: people, ..attempt(In, AT) };
            assert_eq!(verdict(Some(&pass()), standing, &door(list.clone()), &attempt), said, "{people} inside");
        }
    }

    #[test]
    fn force_opens_what_may_be_opened() {
        let list = CheckinList {
            rules: Some(Rule::Any(vec![])),
            collected: true,
            capacity: Some(1),
            kinds: vec![TicketTypeId(1)],
            ..main()
        };
        let forced = Attempt { force: true, inside: 5, ..attempt(In, AT + 3 * DAY) };
        let inside = after(&[(In, AT - 1)]);
        let door = door(list);
        assert_eq!(verdict(Some(&pass()), &inside, &door, &forced), Verdict::Admitted);
        let canceled = Pass { barred: Some(Reason::Canceled), ..pass() };
        assert_eq!(verdict(Some(&canceled), &inside, &door, &forced), Verdict::Refused(Reason::Canceled));
        let other = Pass { kind: TicketTypeId(3), ..pass() };
        assert_eq!(verdict(Some(&other), &inside, &door, &forced), Verdict::Refused(Reason::WrongList));
        assert_eq!(verdict(None, &inside, &door, &forced), Verdict::Refused(Reason::Unknown));
    }

    #[test]
    fn a_lists_window_ends_with_the_event_and_none_means_not_yet() {
        let own =
            CheckinList { id: ListId(2), window: Some(Window { from: Time(AT), to: Time(AT + 9 * DAY) }), ..main() };
        let cases = [
            (None, main(), AT, Verdict::Refused(Reason::NotYet)),
            (None, own.clone(), AT, Verdict::Admitted),
            (None, own.clone(), AT - 1, Verdict::Refused(Reason::NotYet)),
            (None, own.clone(), AT + DAY - 1, Verdict::Admitted),
            (None, own, AT + DAY, Verdict::Refused(Reason::TooLate)),
        ];
        for (checkin, list, at, said) in cases {
            let door = Door::of(EventId(1), EventState::Published, checkin, Time(AT + DAY), list);
            assert_eq!(verdict(Some(&pass()), &Standing::default(), &door, &attempt(In, at)), said, "at {at}");
        }
        let gone = Door { withdrawn: true, ..door(main()) };
        let said = verdict(Some(&pass()), &Standing::default(), &gone, &attempt(In, AT));
        assert_eq!(said, Verdict::Refused(Reason::Canceled));
    }
}
