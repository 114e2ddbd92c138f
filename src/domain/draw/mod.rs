//! The draw (S0-31, S0-63 … S0-73, S0-83, S0-84, S1-51, S1-52): what is set up, who takes part, how winners are picked, and the
//! record that anybody can check.

pub mod method;
mod number;
mod phase;
mod pool;
mod record;
mod setup;
mod verify;

pub use number::{lucky_number, lucky_of_extra, masked_name, table_of};
pub use phase::{Act, Frozen, Phase, Running, Wand, next, reason};
pub use pool::{Barred, Candidate, Unit, Who, may_win, open_places, pool};
pub use record::{Assigned, Drawn, Line, Said, TapSaid, body, masked, say};
pub use setup::{DrawInput, RoundInput, check_draw, check_round};
pub use verify::{Checked, File, FileLine, Report, verify};

use crate::{
    DrawId, EntrantId, EventId, GroupId, MessageId, PictureId, RoundId, SoundId, TicketId, TicketTypeId, Time,
};
use method::Hash;
use rkyv::{Archive, Deserialize, Serialize};

/// How a screen looks while names roll.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// Names on a sphere.
    #[default]
    Sphere,
    /// Names on a wall.
    Grid,
    /// Nothing moves.
    Calm,
}

/// Colours of the screen.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Vermilion and gold.
    #[default]
    Red,
    /// Night blue and gold.
    Blue,
    /// Ink and paper.
    Ink,
}

/// How names stand on the screen and in the published record.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Masking {
    /// 王**
    #[default]
    Masked,
    /// In full.
    Full,
}

macro_rules! codes {
    ($name:ident { $($variant:ident = $code:literal, $label:literal;)* }) => {
        impl $name {
            /// Every choice.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// English source text.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }

            /// The choice of that code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.code() == code)
            }
        }
    };
}

codes!(Look { Sphere = "sphere", "Names on a sphere"; Grid = "grid", "Names on a wall"; Calm = "calm", "Calm: nothing moves"; });
codes!(Theme { Red = "red", "Vermilion and gold"; Blue = "blue", "Night blue and gold"; Ink = "ink", "Ink and paper"; });
codes!(Masking { Masked = "masked", "Masked: 王**, 138****1234"; Full = "full", "Full names, phones masked"; });

/// A draw of an event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// Number.
    pub id: DrawId,
    /// The event.
    pub event: EventId,
    /// Name, 1–40 characters.
    pub name: String,
    /// How often one person may win over all rounds; prizes drawn on the spot do not count (S0-64).
    pub wins: u32,
    /// Everybody registered takes part (S0-65).
    pub registered: bool,
    /// Everybody checked in takes part.
    pub entered: bool,
    /// Whoever scanned the draw's code takes part (S1-51).
    pub joined: bool,
    /// Somebody without a ticket may join by the code.
    pub strangers: bool,
    /// Only these ticket types; none: all.
    pub kinds: Vec<TicketTypeId>,
    /// Only these groups; none: all.
    pub groups: Vec<GroupId>,
    /// The lucky number stands on the ticket (S0-31).
    pub show_number: bool,
    /// Background of the screen (S0-66).
    pub background: Option<PictureId>,
    /// Music while names roll.
    pub music: Option<SoundId>,
    /// Colours.
    pub theme: Theme,
    /// What moves.
    pub look: Look,
    /// How names stand on the screen.
    pub masking: Masking,
    /// Pictures that people gave of themselves stand beside their names, once they were approved.
    pub photos: bool,
    /// People may send messages to the wall.
    pub messages: bool,
    /// Messages and pictures wait until somebody approves them.
    pub moderated: bool,
    /// Raised to make the codes for joining worthless.
    pub code_series: u32,
    /// When it was made.
    pub created_at: Time,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

impl Draw {
    /// A draw that nothing was said about yet.
    pub fn blank(id: DrawId, event: EventId, now: Time) -> Self {
        Self {
            id,
            event,
            name: String::new(),
            wins: 1,
            registered: false,
            entered: true,
            joined: false,
            strangers: false,
            kinds: Vec::new(),
            groups: Vec::new(),
            show_number: true,
            background: None,
            music: None,
            theme: Default::default(),
            look: Default::default(),
            masking: Default::default(),
            photos: false,
            messages: false,
            moderated: true,
            code_series: 0,
            created_at: now,
            revision: 0,
        }
    }
}

/// What is drawn in a round.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// People (S0-70).
    #[default]
    People,
    /// A table, which wins as one (S0-71).
    Table,
    /// A table, whose people all win.
    TablePeople,
    /// People, on the spot: winners may win again, and nothing counts (S0-72).
    Random,
    /// Nobody is drawn: the winners were named beforehand (S0-69).
    Designated,
}

codes!(Mode {
    People = "people", "People, one by one";
    Table = "table", "Tables: the table wins as one";
    TablePeople = "table_people", "Tables: everybody at the table wins";
    Random = "random", "On the spot: winners may win again";
    Designated = "designated", "Assigned beforehand, not drawn";
});

impl Mode {
    /// Tables are drawn.
    pub fn is_tables(self) -> bool {
        matches!(self, Self::Table | Self::TablePeople)
    }
}

/// A round: one prize.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Number.
    pub id: RoundId,
    /// The draw.
    pub draw: DrawId,
    /// Place in the order of rounds.
    pub order: u32,
    /// The prize, 1–40 characters.
    pub prize: String,
    /// Level, such as 一等奖; at most 20 characters.
    pub level: String,
    /// Picture of the prize.
    pub picture: Option<PictureId>,
    /// How many there are; 0 for no limit, on the spot only.
    pub quantity: u32,
    /// How many are drawn at a time, 1 to 100.
    pub per_turn: u32,
    /// What is drawn.
    pub mode: Mode,
    /// First and last table.
    pub tables: (u32, u32),
    /// Only these groups; none: all that the draw takes.
    pub groups: Vec<GroupId>,
    /// Who was named beforehand.
    pub designated: Vec<Who>,
    /// Raised by each change.
    pub revision: u32,
}

/// Most draws of one event.
pub const DRAWS_MAX: usize = 20;
/// Most rounds of one draw.
pub const ROUNDS_MAX: usize = 100;
/// Most prizes of one round.
pub const QUANTITY_MAX: u32 = 1_000;
/// Most prizes drawn at a time.
pub const PER_TURN_MAX: u32 = 100;
/// Highest number of a table.
pub const TABLE_MAX: u32 = 9_999;
/// Most people without a ticket in one draw.
pub const EXTRAS_MAX: usize = 10_000;
/// Longest name of a draw, in characters.
pub const NAME_MAX: usize = 40;
/// Longest level, in characters.
pub const LEVEL_MAX: usize = 20;
/// Longest message, in characters.
pub const MESSAGE_MAX: usize = 60;
/// Most messages of one draw.
pub const MESSAGES_MAX: u64 = 20_000;
/// Longest reason of a void, in characters.
pub const REASON_MAX: usize = 60;

/// Somebody who joined a draw by its code, or was put on its list: with a ticket or without.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// Number.
    pub id: EntrantId,
    /// The draw.
    pub draw: DrawId,
    /// The ticket, when there is one: then the rest is the ticket's.
    pub ticket: Option<TicketId>,
    /// Name.
    pub name: String,
    /// Phone in E.164.
    pub phone: Option<String>,
    /// Company.
    pub company: String,
    /// Group of the event.
    pub group: Option<GroupId>,
    /// Seat, as a ticket's.
    pub seat: String,
    /// SHA-256 of what the phone keeps to show who it is; none for those of a list.
    pub token: Option<[u8; 32]>,
    /// Taken off the list.
    pub removed: bool,
    /// When.
    pub created_at: Time,
}

/// A prize that somebody holds, or held.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Win {
    /// The draw.
    pub draw: DrawId,
    /// Number within the draw, ascending.
    pub number: u32,
    /// The round.
    pub round: RoundId,
    /// Which of the round's prizes, from 1.
    pub place: u32,
    /// The turn it was drawn in; 0 when it was assigned.
    pub turn: u32,
    /// Who; none when a table won as one.
    pub who: Option<Who>,
    /// The table, when tables were drawn.
    pub table: Option<u32>,
    /// Lucky number, or the table's.
    pub lucky: String,
    /// Name at the time, in full.
    pub name: String,
    /// Company at the time.
    pub company: String,
    /// Phone in E.164.
    pub phone: Option<String>,
    /// Assigned, not drawn.
    pub assigned: bool,
    /// Counts towards the wins of a person.
    pub counts: bool,
    /// When.
    pub at: Time,
    /// Taken back.
    pub void: Option<Void>,
    /// Handed out.
    pub claim: Option<Claim>,
}

/// Why a win was taken back.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Void {
    /// The reason.
    pub reason: String,
    /// Name of whoever did it.
    pub by: String,
    /// When.
    pub at: Time,
}

/// How a prize was handed out.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Name of whoever handed it out.
    pub by: String,
    /// What the winner showed, as an English source text.
    pub shown: Shown,
    /// When.
    pub at: Time,
}

/// What a winner showed to get a prize.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The ticket's code.
    Ticket,
    /// The phone number.
    Phone,
    /// The lucky number.
    Lucky,
    /// Chosen from the list.
    List,
}

impl Shown {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ticket => "Ticket scanned",
            Self::Phone => "Phone number",
            Self::Lucky => "Lucky number",
            Self::List => "From the list",
        }
    }
}

/// What a message, or a picture of oneself, has come to.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moderation {
    /// Nobody looked yet.
    Waiting,
    /// It is on the wall.
    Shown,
    /// It is not.
    Hidden,
}

/// A message for the wall.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Number.
    pub id: MessageId,
    /// The draw.
    pub draw: DrawId,
    /// Who sent it.
    pub who: Who,
    /// Name at the time.
    pub name: String,
    /// The text.
    pub text: String,
    /// Whether it is on the wall.
    pub state: Moderation,
    /// When.
    pub at: Time,
}

/// The picture somebody gave of themselves.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// The draw.
    pub draw: DrawId,
    /// Who.
    pub who: Who,
    /// Name at the time.
    pub name: String,
    /// SHA-256 of the stored file.
    pub file: Hash,
    /// Whether it is shown.
    pub state: Moderation,
    /// When.
    pub at: Time,
}

/// A look at a picture that WeChat was asked for, or its verdict that came before the answer to the asking.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct FaceCheck {
    /// WeChat's number of it.
    pub trace: String,
    /// Whose picture in which draw, and its file; none: only the verdict is known yet.
    pub of: Option<(DrawId, Who, Hash)>,
    /// `pass`, `review` or `risky`; empty: not known yet.
    pub suggest: String,
    /// When it was noted.
    pub at: Time,
}

/// The secrets of a draw, sealed with the box's key.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct DrawSecret {
    /// The draw.
    pub draw: DrawId,
    /// What the turns' secrets and the salts come from, sealed.
    pub sealed: Vec<u8>,
}
