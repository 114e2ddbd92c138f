//! Who may win a round's prizes, and which of its prizes are open.

use super::{Draw, Mode, Round, Win};
use crate::{EntrantId, GroupId, RoundId, TicketId, TicketTypeId};
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Who takes part.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The holder of a ticket.
    Ticket(TicketId),
    /// Somebody without one.
    Extra(EntrantId),
}

/// Somebody who may take part, with what the rules ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub who: Who,
    /// Has a place at the event; canceled ones have not.
    pub registered: bool,
    /// Is checked in.
    pub entered: bool,
    /// Joined by the draw's code, or was put on its list.
    pub joined: bool,
    /// Ticket type.
    pub kind: Option<TicketTypeId>,
    /// Group.
    pub group: Option<GroupId>,
    /// Table.
    pub table: Option<u32>,
}

/// What earlier wins forbid, in one round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Barred {
    /// Standing wins of each person that count.
    wins: HashMap<Who, u32>,
    /// People whose win of this round was taken back: who was absent is not drawn for the same prize again.
    absent: HashSet<Who>,
    /// Tables that won anything in this draw, or whose win of this round was taken back.
    tables: HashSet<u32>,
}

impl Barred {
    /// Reads a draw's wins; `same` says who is the same person, such as a ticket that was registered later with the same phone.
    pub fn of<'a>(wins: impl IntoIterator<Item = &'a Win>, round: RoundId, same: impl Fn(Who) -> Who) -> Self {
        let mut barred = Self::default();
        for win in wins {
            let stands = win.void.is_none();
            match win.who.map(&same) {
                Some(who) if stands && win.counts => *barred.wins.entry(who).or_default() += 1,
                Some(who) if !stands && win.round == round => {
                    barred.absent.insert(who);
                }
                _ => {}
            }
            if let Some(table) = win.table
                && (stands || win.round == round)
            {
                barred.tables.insert(table);
            }
        }
        barred
    }
}

/// Whether somebody may win in a round: in an allowed state, of an allowed type and group (both filters hold), not at the most wins
/// already, and not taken back from the same prize. On the spot, earlier wins do not matter.
pub fn may_win(draw: &Draw, round: &Round, barred: &Barred, of: &Candidate) -> bool {
    let state = draw.registered && of.registered || draw.entered && of.entered || draw.joined && of.joined;
    let extra = matches!(of.who, Who::Extra(_));
    let there = if extra { of.joined } else { of.registered && state };
    let kind = draw.kinds.is_empty() || of.kind.is_some_and(|kind| draw.kinds.contains(&kind));
    let in_groups = |groups: &[GroupId]| groups.is_empty() || of.group.is_some_and(|group| groups.contains(&group));
    let wins = barred.wins.get(&of.who).copied().unwrap_or(0);
    there
        && kind
        && in_groups(&draw.groups)
        && in_groups(&round.groups)
        && !barred.absent.contains(&of.who)
        && (round.mode == Mode::Random || wins < draw.wins)
}

/// What one entry of a list stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The table, when tables are drawn.
    pub table: Option<u32>,
    /// The one person, or the people of the table who may win.
    pub people: Vec<Who>,
}

/// The list of a round before it is hashed and ordered: each person once, or each table of the range at which somebody may win. A table
/// wins once in a draw.
pub fn pool(draw: &Draw, round: &Round, barred: &Barred, candidates: impl IntoIterator<Item = Candidate>) -> Vec<Unit> {
    let open = candidates.into_iter().filter(|of| may_win(draw, round, barred, of));
    if !round.mode.is_tables() {
        let mut seen = HashSet::new();
        return open.filter(|of| seen.insert(of.who)).map(|of| Unit { table: None, people: vec![of.who] }).collect();
    }
    let mut tables: BTreeMap<u32, Vec<Who>> = BTreeMap::new();
    let (first, last) = round.tables;
    for of in open {
        if let Some(table) = of.table.filter(|table| (first..=last).contains(table) && !barred.tables.contains(table)) {
            tables.entry(table).or_default().push(of.who);
        }
    }
    tables.into_iter().map(|(table, people)| Unit { table: Some(table), people }).collect()
}

/// The prizes of a round that the next turn is for: those never drawn, or with `again` those whose winners were all taken back.
pub fn open_places<'a>(round: &Round, wins: impl IntoIterator<Item = &'a Win>, again: bool) -> Vec<u32> {
    let mut drawn = HashSet::new();
    let mut held = HashSet::new();
    for win in wins.into_iter().filter(|win| win.round == round.id) {
        drawn.insert(win.place);
        if win.void.is_none() {
            held.insert(win.place);
        }
    }
    let most = usize::try_from(round.per_turn).unwrap_or(1);
    // Without a limit there is always a next prize.
    let last = if round.quantity == 0 {
        drawn.iter().max().copied().unwrap_or(0).saturating_add(round.per_turn)
    } else {
        round.quantity
    };
    let open =
        |place: &u32| if again { drawn.contains(place) && !held.contains(place) } else { !drawn.contains(place) };
    (1..=last).filter(open).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Void, method};
    use crate::{DrawId, EventId, Time};
    use proptest::prelude::*;

    fn draw(wins: u32) -> Draw {
        Draw { name: "抽奖".into(), wins, ..Draw::blank(DrawId(1), EventId(1), Time(0)) }
    }

    fn round(id: u64, mode: Mode, quantity: u32, per_turn: u32) -> Round {
        Round {
            id: RoundId(id),
            draw: DrawId(1),
            order: 0,
            prize: "奖".into(),
            level: String::new(),
            picture: None,
            quantity,
            per_turn,
            mode,
            tables: (1, 20),
            groups: Vec::new(),
            designated: Vec::new(),
            revision: 0,
        }
    }

    fn candidate(id: u64) -> Candidate {
        Candidate {
            who: Who::Ticket(TicketId(id)),
            registered: true,
            entered: true,
            joined: false,
            kind: Some(TicketTypeId(1)),
            group: None,
            table: None,
        }
    }

    #[test]
    fn both_filters_and_the_state_decide_who_takes_part() {
        let (kind, group, other) = (TicketTypeId(1), GroupId(1), GroupId(2));
        let base = draw(1);
        let people = round(1, Mode::People, 1, 1);
        let here = Candidate { group: Some(group), ..candidate(1) };
        let absent = Candidate { entered: false, ..here.clone() };
        let extra = Candidate {
            who: Who::Extra(EntrantId(1)),
            registered: false,
            entered: false,
            joined: true,
            kind: None,
            ..here.clone()
        };
        let registered = Draw { registered: true, entered: false, ..base.clone() };
        let joined = Draw { entered: false, joined: true, ..base.clone() };
        let kinds = Draw { kinds: vec![kind], ..base.clone() };
        let groups = Draw { groups: vec![other], ..base.clone() };
        let narrow = Round { groups: vec![other], ..people.clone() };
        let cases = [
            ("checked in", &base, &people, &here, true),
            ("not checked in", &base, &people, &absent, false),
            ("registered is enough", &registered, &people, &absent, true),
            ("canceled", &registered, &people, &Candidate { registered: false, ..here.clone() }, false),
            ("did not join", &joined, &people, &here, false),
            ("joined", &joined, &people, &Candidate { joined: true, ..absent.clone() }, true),
            ("on the list without a ticket", &base, &people, &extra, true),
            ("taken off the list", &base, &people, &Candidate { joined: false, ..extra.clone() }, false),
            ("of the type", &kinds, &people, &here, true),
            ("without a ticket there is no type", &kinds, &people, &extra, false),
            ("of another group than the draw's", &groups, &people, &here, false),
            ("of another group than the round's", &base, &narrow, &here, false),
        ];
        for (what, draw, round, of, may) in cases {
            assert_eq!(may_win(draw, round, &Barred::default(), of), may, "{what}");
        }
    }

    /// Draws a whole evening: rounds of any kind, some winners taken back and drawn again; answers the wins.
    fn evening(draw: &Draw, rounds: &[Round], people: &[Candidate], voids: &[bool]) -> Vec<Win> {
        let mut wins: Vec<Win> = Vec::new();
        let mut turn = 0;
        for round in rounds {
            for step in 0..12u32 {
                let again = step % 3 == 2;
                let places = open_places(round, &wins, again);
                let barred = Barred::of(&wins, round.id, |who| who);
                let units = pool(draw, round, &barred, people.iter().cloned());
                turn += 1;
                let seed = method::seed(&[turn as u8; 32], &[2; 32], &[3; 32], turn);
                let picked = method::pick(&seed, units.len() as u32, places.len() as u32);
                for (place, at) in places.iter().zip(picked) {
                    let unit = &units[at as usize];
                    let holders: Vec<Option<Who>> = match round.mode {
                        Mode::Table => vec![None],
                        _ => unit.people.iter().copied().map(Some).collect(),
                    };
                    for who in holders {
                        let number = wins.len() as u32;
                        let gone = voids.get(wins.len() % voids.len().max(1)).copied().unwrap_or(false);
                        wins.push(Win {
                            draw: draw.id,
                            number,
                            round: round.id,
                            place: *place,
                            turn,
                            who,
                            table: unit.table,
                            lucky: String::new(),
                            name: String::new(),
                            company: String::new(),
                            phone: None,
                            assigned: false,
                            counts: !matches!(round.mode, Mode::Random | Mode::Table),
                            at: Time(0),
                            void: gone.then(|| Void { reason: "缺席".into(), by: String::new(), at: Time(0) }),
                            claim: None,
                        });
                    }
                }
            }
        }
        wins
    }

    fn modes() -> impl Strategy<Value = Mode> {
        prop::sample::select(vec![Mode::People, Mode::Random, Mode::Table, Mode::TablePeople])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn nobody_wins_more_than_allowed_only_the_eligible_win_and_no_quantity_is_exceeded(
            most in 1u32..4,
            shape in prop::collection::vec((modes(), 1u32..12, 1u32..6), 1..5),
            crowd in prop::collection::vec((any::<bool>(), any::<bool>(), prop::option::of(1u32..25)), 1..60),
            voids in prop::collection::vec(any::<bool>(), 1..9),
        ) {
            let draw = draw(most);
            let rounds: Vec<Round> =
                (1..).zip(&shape).map(|(id, (mode, quantity, per))| round(id, *mode, *quantity, *per)).collect();
            let people: Vec<Candidate> = (1..).zip(&crowd).map(|(id, (registered, entered, table))| {
                Candidate { registered: *registered, entered: *registered && *entered, table: *table, ..candidate(id) }
            }).collect();
            let wins = evening(&draw, &rounds, &people, &voids);
            let mut counted: HashMap<Who, u32> = HashMap::new();
            for win in wins.iter().filter(|win| win.void.is_none()) {
                if let Some(who) = win.who.filter(|_| win.counts) {
                    *counted.entry(who).or_default() += 1;
                }
            }
            prop_assert!(counted.values().all(|count| *count <= most), "more wins than allowed");
            for win in &wins {
                if let Some(who) = win.who {
                    let of = people.iter().find(|of| of.who == who).unwrap();
                    prop_assert!(of.registered && of.entered, "somebody won who does not take part");
                }
            }
            for round in &rounds {
                let standing = wins.iter().filter(|win| win.round == round.id && win.void.is_none());
                let places: HashSet<u32> = standing.clone().map(|win| win.place).collect();
                prop_assert!(places.len() <= round.quantity as usize, "more prizes than there are");
                prop_assert!(places.iter().all(|place| (1..=round.quantity).contains(place)));
                if !round.mode.is_tables() {
                    prop_assert_eq!(standing.count(), places.len(), "a prize has one winner");
                }
                // Whoever was taken back is not drawn for the same prize again.
                for gone in wins.iter().filter(|win| win.round == round.id && win.void.is_some()) {
                    let later = wins.iter().filter(|win| win.number > gone.number && win.turn > gone.turn && win.round == round.id);
                    let holder = |win: &Win| win.who.ok_or(win.table);
                    prop_assert!(later.clone().all(|win| holder(win) != holder(gone)), "drawn again for the same prize");
                }
            }
        }

        #[test]
        fn on_the_spot_winners_win_again_without_end(most in 1u32..3, people in 1u64..4) {
            let draw = draw(most);
            let people: Vec<Candidate> = (1..=people).map(candidate).collect();
            let unlimited = Round { quantity: 0, ..round(1, Mode::Random, 0, 1) };
            let wins = evening(&draw, std::slice::from_ref(&unlimited), &people, &[false]);
            // Two of three steps draw a new prize, the third finds none that was taken back.
            prop_assert_eq!(wins.len(), 8, "there is always a next prize and a next winner");
            let after = Barred::of(&wins, RoundId(2), |who| who);
            let counting = round(2, Mode::People, 1, 1);
            prop_assert!(people.iter().all(|of| may_win(&draw, &counting, &after, of)), "and none of it counts");
        }
    }

    #[test]
    fn only_prizes_that_were_taken_back_are_drawn_again() {
        let round = round(1, Mode::People, 5, 2);
        let people: Vec<Candidate> = (1..=9).map(candidate).collect();
        let mut wins: Vec<Win> = evening(&draw(1), std::slice::from_ref(&round), &people, &[false]);
        assert_eq!(wins.len(), 5);
        assert!(open_places(&round, &wins, false).is_empty() && open_places(&round, &wins, true).is_empty());
        wins[3].void = Some(Void { reason: "缺席".into(), by: String::new(), at: Time(0) });
        let place = wins[3].place;
        assert_eq!((open_places(&round, &wins, true), open_places(&round, &wins, false)), (vec![place], vec![]));
        let fresh = open_places(&round, [], false);
        assert_eq!(fresh, [1, 2], "as many as are drawn at a time");
    }

    #[test]
    fn one_person_with_two_names_is_one_person() {
        let of = |who| Win {
            who: Some(who),
            ..evening(&draw(1), &[round(1, Mode::People, 1, 1)], &[candidate(1)], &[false])[0].clone()
        };
        let extra = Who::Extra(EntrantId(5));
        let ticket = Who::Ticket(TicketId(7));
        let barred = Barred::of(&[of(extra)], RoundId(2), |who| if who == extra { ticket } else { who });
        assert!(!may_win(&draw(1), &round(2, Mode::People, 1, 1), &barred, &candidate(7)));
        assert!(may_win(&draw(2), &round(2, Mode::People, 1, 1), &barred, &candidate(7)));
    }
}
