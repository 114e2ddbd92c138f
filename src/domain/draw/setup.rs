//! The forms of a draw and of its rounds.

use super::{Draw, LEVEL_MAX, Look, Masking, Mode, NAME_MAX, PER_TURN_MAX, QUANTITY_MAX, Round, TABLE_MAX, Theme};
use crate::{GroupId, PictureId, Problem, Refusal, SoundId, TicketTypeId, problem, text::Form};

/// What the form of a draw takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct DrawInput {
    pub name: String,
    pub wins: String,
    pub registered: bool,
    pub entered: bool,
    pub joined: bool,
    pub strangers: bool,
    pub kinds: Vec<TicketTypeId>,
    pub groups: Vec<GroupId>,
    pub show_number: bool,
    pub background: Option<PictureId>,
    pub music: Option<SoundId>,
    pub theme: String,
    pub look: String,
    pub masking: String,
    pub photos: bool,
    pub messages: bool,
    pub moderated: bool,
}

/// What the form of a round takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RoundInput {
    pub prize: String,
    pub level: String,
    pub picture: Option<PictureId>,
    pub quantity: String,
    pub per_turn: String,
    pub mode: String,
    pub first_table: String,
    pub last_table: String,
    pub groups: Vec<GroupId>,
}

/// A whole number within its ends.
fn number(form: &mut Form, field: &str, text: &str, ends: (u32, u32)) -> u32 {
    let digits: String = text.trim().chars().map(crate::text::half_width).collect();
    let read = digits.parse().ok().filter(|number| (ends.0..=ends.1).contains(number));
    if read.is_none() {
        form.wrong(problem!(field, "Give a number from {min} to {max}.", min = ends.0, max = ends.1));
    }
    read.unwrap_or(ends.0)
}

fn chosen<T>(form: &mut Form, field: &str, read: Option<T>) -> Option<T> {
    if read.is_none() {
        form.wrong(problem!(field, "Choose one of the given answers."));
    }
    read
}

/// Checks the form of a draw against the draw as it was.
pub fn check_draw(input: &DrawInput, old: &Draw) -> Result<Draw, Refusal> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, NAME_MAX);
    let wins = number(&mut form, "wins", &input.wins, (1, 100));
    if !(input.registered || input.entered || input.joined) {
        form.wrong(problem!("registered", "Choose at least one way to take part."));
    }
    let theme = chosen(&mut form, "theme", Theme::parse(&input.theme));
    let look = chosen(&mut form, "look", Look::parse(&input.look));
    let masking = chosen(&mut form, "masking", Masking::parse(&input.masking));
    form.done(())?;
    Ok(Draw {
        name,
        wins,
        registered: input.registered,
        entered: input.entered,
        joined: input.joined,
        strangers: input.strangers && input.joined,
        kinds: input.kinds.clone(),
        groups: input.groups.clone(),
        show_number: input.show_number,
        background: input.background,
        music: input.music,
        theme: theme.unwrap_or_default(),
        look: look.unwrap_or_default(),
        masking: masking.unwrap_or_default(),
        photos: input.photos,
        messages: input.messages,
        moderated: input.moderated,
        revision: old.revision + 1,
        ..old.clone()
    })
}

/// Checks the form of a round against the round as it was; `begun` when something of it was drawn or assigned already: then only prize,
/// level and picture change, and the quantity only upwards.
pub fn check_round(input: &RoundInput, old: &Round, begun: bool) -> Result<Round, Refusal> {
    let mut form = Form::default();
    let prize = form.required("prize", &input.prize, NAME_MAX);
    let level = form.optional("level", &input.level, LEVEL_MAX);
    let mode = chosen(&mut form, "mode", Mode::parse(&input.mode)).unwrap_or_default();
    let quantity = match (mode, input.quantity.trim()) {
        (Mode::Random, "" | "0") => 0,
        (_, text) => number(&mut form, "quantity", text, (1, QUANTITY_MAX)),
    };
    let per_turn = match mode {
        Mode::Designated => PER_TURN_MAX,
        _ => number(&mut form, "per_turn", &input.per_turn, (1, PER_TURN_MAX)),
    };
    let tables = if mode.is_tables() {
        let first = number(&mut form, "first_table", &input.first_table, (1, TABLE_MAX));
        let last = number(&mut form, "last_table", &input.last_table, (1, TABLE_MAX));
        if first > last {
            form.wrong(problem!("last_table", "The last table must not be before the first."));
        }
        (first, last)
    } else {
        (1, 1)
    };
    let mut round = Round {
        prize,
        level,
        picture: input.picture,
        quantity,
        per_turn,
        mode,
        tables,
        groups: input.groups.clone(),
        revision: old.revision + 1,
        ..old.clone()
    };
    if begun {
        check_begun(&mut form.problems, &round, old);
        round = Round { mode: old.mode, tables: old.tables, groups: old.groups.clone(), ..round };
    }
    form.done(round)
}

fn check_begun(problems: &mut Vec<Problem>, new: &Round, old: &Round) {
    if new.mode != old.mode || new.tables != old.tables || new.groups != old.groups {
        problems.push(problem!("mode", "This round has begun: who is drawn in it stays. Add another round."));
    }
    let fewer = match (new.quantity, old.quantity) {
        (0, _) => false,
        (_, 0) => true,
        (new, old) => new < old,
    };
    if fewer {
        problems.push(problem!("quantity", "This round has begun: there can only be more prizes, not fewer."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DrawId, RoundId};

    fn old() -> Round {
        Round {
            id: RoundId(1),
            draw: DrawId(1),
            order: 0,
            prize: "手机".into(),
            level: String::new(),
            picture: None,
            quantity: 3,
            per_turn: 1,
            mode: Mode::People,
            tables: (1, 1),
            groups: Vec::new(),
            designated: Vec::new(),
            revision: 4,
        }
    }

    fn input() -> RoundInput {
        RoundInput {
            prize: "手机".into(),
            quantity: "３".into(),
            per_turn: "1".into(),
            mode: "people".into(),
            ..RoundInput::default()
        }
    }

    #[test]
    fn a_round_says_everything_that_is_wrong_at_once() {
        let wrong = |input: RoundInput, begun| {
            let refusal = check_round(&input, &old(), begun).unwrap_err();
            refusal.problems.iter().map(|problem| problem.field.clone()).collect::<Vec<_>>()
        };
        assert_eq!(check_round(&input(), &old(), true).unwrap(), Round { revision: 5, ..old() });
        let all = RoundInput {
            mode: "table".into(),
            quantity: "1001".into(),
            per_turn: "101".into(),
            ..RoundInput::default()
        };
        assert_eq!(wrong(all, false), ["prize", "quantity", "per_turn", "first_table", "last_table"]);
        let crossed = RoundInput { mode: "table".into(), first_table: "9".into(), last_table: "2".into(), ..input() };
        assert_eq!(wrong(crossed, false), ["last_table"]);
        assert_eq!(wrong(RoundInput { quantity: "2".into(), ..input() }, true), ["quantity"]);
        assert_eq!(wrong(RoundInput { mode: "random".into(), ..input() }, true), ["mode"]);
        assert_eq!(wrong(RoundInput { quantity: String::new(), ..input() }, false), ["quantity"], "only on the spot");
        let spot =
            check_round(&RoundInput { quantity: String::new(), mode: "random".into(), ..input() }, &old(), false);
        assert_eq!(spot.unwrap().quantity, 0);
    }
}
