//! Talks and workshops within an event: the agenda, and choosing: never more people than places, never two at one time.

use crate::{EventId, ListId, Refusal, TalkId, TicketId, Time, Window, event::window, problem, refuse, text::Form};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// A talk or workshop.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// Number.
    pub id: TalkId,
    /// The event.
    pub event: EventId,
    /// Title, 1–60 characters.
    pub title: String,
    /// Who speaks.
    pub speaker: String,
    /// Where.
    pub room: String,
    /// When.
    pub time: Window,
    /// People choose it beforehand; otherwise everybody may come.
    pub chosen: bool,
    /// Most people who choose it; none: as many as like.
    pub capacity: Option<u32>,
    /// What it is about.
    pub intro: String,
    /// The check-in list of its door.
    pub list: Option<ListId>,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// What the holder of a ticket chose.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct TalkChoice {
    /// The event.
    pub event: EventId,
    /// The ticket.
    pub ticket: TicketId,
    /// Chosen talks, ascending.
    pub talks: Vec<TalkId>,
}

/// Most talks of an event.
pub const TALKS_MAX: usize = 200;
/// Longest title in characters.
pub const TITLE_MAX: usize = 60;
/// Most people of one talk.
pub const CAPACITY_MAX: u32 = 100_000;

impl Talk {
    /// A talk that nobody wrote yet.
    pub fn fresh(event: EventId, id: TalkId) -> Self {
        let time = Window { from: Time(0), to: Time(0) };
        Self {
            id,
            event,
            title: String::new(),
            speaker: String::new(),
            room: String::new(),
            time,
            chosen: false,
            capacity: None,
            intro: String::new(),
            list: None,
            revision: 0,
        }
    }

    fn meets(&self, other: &Self) -> bool {
        self.time.from < other.time.to && other.time.from < self.time.to
    }
}

/// What the form takes; times as local text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TalkInput {
    /// Title.
    pub title: String,
    /// Who speaks.
    pub speaker: String,
    /// Where.
    pub room: String,
    /// Begin.
    pub from: String,
    /// End.
    pub to: String,
    /// People choose it beforehand.
    pub chosen: bool,
    /// Number of people, empty for no limit.
    pub capacity: String,
    /// What it is about.
    pub intro: String,
    /// The check-in list, none for none.
    pub list: Option<ListId>,
}

/// Checks the form against the talk as it was. `taken` is how many chose it already.
pub fn check_talk(input: &TalkInput, old: &Talk, event: &Window, taken: i64, zone: &TimeZone) -> Result<Talk, Refusal> {
    let mut form = Form::default();
    let title = form.required("title", &input.title, TITLE_MAX);
    let speaker = form.optional("speaker", &input.speaker, 60);
    let room = form.optional("room", &input.room, 40);
    let intro = form.block("intro", &input.intro, 2_000);
    let time = window(&mut form, ("from", &input.from), ("to", &input.to), zone);
    if time.is_some_and(|time| time.from < event.from || time.to > event.to) {
        form.wrong(problem!("from", "A talk lies within the time of its event."));
    }
    let typed: String = input.capacity.trim().chars().map(crate::text::half_width).collect();
    let capacity = typed.parse().ok().filter(|most| (1..=CAPACITY_MAX).contains(most));
    if capacity.is_none() && !typed.is_empty() {
        form.wrong(problem!("capacity", "Give a number from {from} to {to}.", from = 1, to = CAPACITY_MAX));
    }
    if capacity.is_some_and(|most| i64::from(most) < taken) {
        form.wrong(problem!("capacity", "{taken} people chose this already.", taken = taken));
    }
    if !input.chosen && taken > 0 {
        form.wrong(problem!("chosen", "{taken} people chose this already.", taken = taken));
    }
    let time = time.unwrap_or(old.time);
    form.done(Talk {
        title,
        speaker,
        room,
        time,
        chosen: input.chosen,
        capacity,
        intro,
        list: input.list,
        revision: old.revision + 1,
        ..old.clone()
    })
}

/// How many more people fit; none: as many as like.
pub fn left(talk: &Talk, taken: i64) -> Option<i64> {
    talk.capacity.map(|most| (i64::from(most) - taken).max(0))
}

/// Checks a choice among all talks of the event; `before` is what the ticket had chosen, `taken` how many chose a talk, this ticket included.
/// Who has a place in a talk keeps it whatever became of the talk; a place is given up only before the talk begins.
pub fn check_choice(
    all: &[Talk],
    wanted: &[TalkId],
    before: &[TalkId],
    now: Time,
    taken: impl Fn(TalkId) -> i64,
) -> Result<Vec<TalkId>, Refusal> {
    let mut talks: Vec<&Talk> = Vec::new();
    for id in wanted {
        let talk = all.iter().find(|talk| talk.id == *id).ok_or_else(|| Refusal::missing("talk"))?;
        if !talks.iter().any(|other| other.id == *id) {
            talks.push(talk);
        }
    }
    talks.sort_by_key(|talk| (talk.time.from, talk.id));
    for (at, talk) in talks.iter().enumerate() {
        if let Some(other) = talks.iter().skip(at + 1).find(|other| talk.meets(other)) {
            return Err(refuse!(
                Conflict,
                "talk.conflict",
                "“{one}” and “{other}” take place at the same time. Choose one of them.",
                one = talk.title,
                other = other.title
            ));
        }
        if before.contains(&talk.id) {
            continue;
        }
        if !talk.chosen {
            return Err(Refusal::missing("talk"));
        }
        if now >= talk.time.from {
            return Err(refuse!(Conflict, "talk.begun", "“{title}” has begun.", title = talk.title));
        }
        if left(talk, taken(talk.id)) == Some(0) {
            return Err(refuse!(Conflict, "talk.full", "“{title}” is full. Choose another one.", title = talk.title));
        }
    }
    let dropped = all.iter().filter(|talk| before.contains(&talk.id) && !talks.iter().any(|kept| kept.id == talk.id));
    if let Some(talk) = dropped.into_iter().find(|talk| now >= talk.time.from) {
        return Err(refuse!(Conflict, "talk.begun", "“{title}” has begun.", title = talk.title));
    }
    let mut ids: Vec<TalkId> = talks.into_iter().map(|talk| talk.id).collect();
    ids.sort_unstable();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    fn talk(id: u64, from: i64, to: i64, capacity: Option<u32>) -> Talk {
        Talk {
            title: format!("T{id}"),
            time: Window { from: Time(from), to: Time(to) },
            chosen: true,
            capacity,
            ..Talk::fresh(EventId(1), TalkId(id))
        }
    }

    #[test]
    fn a_choice_has_no_two_at_one_time_and_no_full_ones() {
        let open = Talk { chosen: false, ..talk(5, 0, 400, None) };
        let all = [
            talk(1, 100, 200, Some(2)),
            talk(2, 150, 250, None),
            talk(3, 200, 300, Some(1)),
            talk(4, 50, 90, None),
            open,
        ];
        // Wanted, chosen before, now, how many chose each, what is said.
        type Case = (&'static [u64], &'static [u64], i64, i64, Result<&'static [u64], &'static str>);
        let cases: [Case; 13] = [
            (&[1], &[], 0, 0, Ok(&[1])),
            (&[3, 1], &[], 0, 0, Ok(&[1, 3])),
            (&[1, 1], &[], 0, 0, Ok(&[1])),
            (&[1, 2], &[], 0, 0, Err("talk.conflict")),
            (&[2, 3], &[], 0, 0, Err("talk.conflict")),
            (&[3], &[], 0, 1, Err("talk.full")),
            (&[3], &[3], 0, 1, Ok(&[3])),
            (&[1], &[], 0, 2, Err("talk.full")),
            (&[2], &[], 0, 9_999, Ok(&[2])),
            (&[1], &[], 100, 0, Err("talk.begun")),
            (&[], &[1], 100, 0, Err("talk.begun")),
            (&[], &[1], 99, 0, Ok(&[])),
            (&[5], &[], 0, 0, Err("record.missing")),
        ];
        for (wanted, before, now, taken, expected) in cases {
            let ids = |all: &[u64]| all.iter().map(|id| TalkId(*id)).collect::<Vec<_>>();
            let said = check_choice(&all, &ids(wanted), &ids(before), Time(now), |_| taken);
            let said = said.map_err(|refusal| refusal.code);
            assert_eq!(said, expected.map(ids), "{wanted:?} after {before:?} at {now}");
        }
        assert!(check_choice(&all, &[TalkId(9)], &[], Time(0), |_| 0).is_err());
    }

    #[test]
    fn a_talk_lies_within_its_event_and_holds_who_chose_it() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let from = Time::from_local("2026-11-25T09:00", &zone).unwrap();
        let event = Window { from, to: from.plus(8 * HOUR) };
        let old = Talk::fresh(EventId(1), TalkId(1));
        let input = |from: &str, to: &str, capacity: &str| TalkInput {
            title: "主旨演讲".into(),
            from: format!("2026-11-25T{from}"),
            to: format!("2026-11-25T{to}"),
            chosen: true,
            capacity: capacity.into(),
            ..TalkInput::default()
        };
        let cases = [
            (input("09:00", "10:00", ""), 0, None),
            (input("09:00", "17:00", "５"), 5, None),
            (input("08:59", "10:00", ""), 0, Some("from")),
            (input("16:00", "17:01", ""), 0, Some("from")),
            (input("10:00", "10:00", ""), 0, Some("to")),
            (input("09:00", "10:00", "0"), 0, Some("capacity")),
            (input("09:00", "10:00", "4"), 5, Some("capacity")),
            (TalkInput { chosen: false, ..input("09:00", "10:00", "") }, 1, Some("chosen")),
            (TalkInput { title: " ".into(), ..input("09:00", "10:00", "") }, 0, Some("title")),
        ];
        for (input, taken, wrong) in cases {
            let said = check_talk(&input, &old, &event, taken, &zone);
            let field = said.err().map(|refusal| refusal.problems[0].field.clone());
            assert_eq!(field.as_deref(), wrong, "{input:?}");
        }
    }
}
