//! Designs of posters, badges, seat cards and certificates (S0-33 … S0-35): one model of elements on a card, measured in tenths of a
//! millimetre, what a form of it takes, and what it is filled with. How text fits and how cards lie on a sheet is in the files beside this one.

pub mod fit;
pub mod input;
pub mod preset;
pub mod sheet;

use crate::{DesignId, EventId, ListId, PictureId, Time};
use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

pub use input::{DesignDetails, DesignInput, ElementInput, check_design};
pub use sheet::Sheet;

/// What a design is for.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A picture that is shared on a phone.
    Poster,
    /// A badge or label that somebody wears.
    Badge,
    /// A card on a table or seat.
    SeatCard,
    /// A certificate of attendance.
    Certificate,
}

impl Purpose {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Poster, Self::Badge, Self::SeatCard, Self::Certificate];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Poster => "poster",
            Self::Badge => "badge",
            Self::SeatCard => "seat_card",
            Self::Certificate => "certificate",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Poster => "Poster",
            Self::Badge => "Badge",
            Self::SeatCard => "Seat card",
            Self::Certificate => "Certificate",
        }
    }

    /// Whether it is printed for people from the list of registrations.
    pub fn is_printed(self) -> bool {
        matches!(self, Self::Badge | Self::SeatCard)
    }
}

/// A colour: red, green and blue of eight bits each.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Color(pub u32);

impl Color {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        let sound = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| sound).map(Self)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0 & 0x00ff_ffff)
    }
}

/// What lies behind the elements.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// One colour.
    Plain(Color),
    /// A pattern drawn by us, 0 to [`GROUNDS`] − 1.
    Template(u8),
    /// An uploaded picture that covers the card.
    Picture(PictureId),
}

/// How many patterns there are.
pub const GROUNDS: u8 = 6;

/// Where an element lies, in tenths of a millimetre from the card's left upper corner.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Frame {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

/// What a text says of whom.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Name on the ticket.
    Name,
    /// Company.
    Company,
    /// Name of the group.
    Group,
    /// Seat.
    Seat,
    /// Name of the ticket type.
    Kind,
    /// Ticket number.
    Number,
    /// The answer to a question of the registration form.
    Answer(u16),
    /// Name of the event.
    Event,
    /// When it is.
    Time,
    /// Where it is.
    Place,
    /// Name of the association.
    Association,
    /// Readable number of a certificate.
    Serial,
    /// When a certificate was issued.
    Issued,
    /// Text of its own, with placeholders.
    Free,
}

/// What a QR code leads to.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOf {
    /// The ticket: what a door scans.
    Ticket,
    /// The event's invitation, with where the visitor comes from.
    Event,
    /// The page that says whether a certificate is valid.
    Check,
}

/// What an element is.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementKind {
    /// A text.
    Text(Word),
    /// A QR code.
    Code(CodeOf),
    /// The person's picture, or the initials where there is none.
    Portrait,
    /// An uploaded picture.
    Picture,
    /// A line from corner to corner of the frame; a low frame is a level line.
    Line,
    /// A box, filled.
    Box,
    /// A box, outlined.
    Outline,
}

/// Kinds that need no number, with their codes and English labels, in the order they are offered.
const KINDS: &[(ElementKind, &str, &str)] = &[
    (ElementKind::Text(Word::Name), "name", "Name"),
    (ElementKind::Text(Word::Company), "company", "Company"),
    (ElementKind::Text(Word::Group), "group", "Group"),
    (ElementKind::Text(Word::Seat), "seat", "Seat"),
    (ElementKind::Text(Word::Kind), "kind", "Ticket type"),
    (ElementKind::Text(Word::Number), "number", "Ticket number"),
    (ElementKind::Text(Word::Event), "event", "Event name"),
    (ElementKind::Text(Word::Time), "time", "Time of the event"),
    (ElementKind::Text(Word::Place), "place", "Place"),
    (ElementKind::Text(Word::Association), "association", "Name of the association"),
    (ElementKind::Text(Word::Free), "free", "Own text"),
    (ElementKind::Code(CodeOf::Ticket), "code_ticket", "QR code of the ticket"),
    (ElementKind::Code(CodeOf::Event), "code_event", "QR code of the invitation"),
    (ElementKind::Portrait, "portrait", "Picture of the person"),
    (ElementKind::Picture, "picture", "Picture"),
    (ElementKind::Line, "line", "Line"),
    (ElementKind::Box, "box", "Filled box"),
    (ElementKind::Outline, "outline", "Outlined box"),
    (ElementKind::Text(Word::Serial), "serial", "Certificate number"),
    (ElementKind::Text(Word::Issued), "issued", "Date of issue"),
    (ElementKind::Code(CodeOf::Check), "code_check", "QR code of the check page"),
];

impl ElementKind {
    /// The kinds that a design of that purpose can have, but for answers to questions.
    pub fn offered(purpose: Purpose) -> impl Iterator<Item = Self> {
        let fits = move |kind: &Self| match kind {
            Self::Text(Word::Serial | Word::Issued) | Self::Code(CodeOf::Check) => purpose == Purpose::Certificate,
            Self::Code(CodeOf::Ticket) | Self::Text(Word::Number | Word::Seat) => purpose != Purpose::Poster,
            _ => true,
        };
        KINDS.iter().map(|(kind, ..)| *kind).filter(fits)
    }

    /// Stable code, such as `name` or `answer-3`.
    pub fn code(self) -> String {
        match self {
            Self::Text(Word::Answer(question)) => format!("answer-{question}"),
            kind => KINDS.iter().find(|(known, ..)| *known == kind).map_or("", |(_, code, _)| code).to_owned(),
        }
    }

    /// English source text; an answer is called by its question instead.
    pub fn label(self) -> &'static str {
        KINDS.iter().find(|(known, ..)| *known == self).map_or("Answer to a question", |(.., label)| label)
    }

    /// The kind of that code.
    pub fn parse(code: &str) -> Option<Self> {
        if let Some(question) = code.strip_prefix("answer-") {
            return question.parse().ok().map(|question| Self::Text(Word::Answer(question)));
        }
        KINDS.iter().find(|(_, known, _)| *known == code).map(|(kind, ..)| *kind)
    }

    /// Whether it says something of one person.
    pub fn is_personal(self) -> bool {
        match self {
            Self::Text(word) => {
                !matches!(word, Word::Event | Word::Time | Word::Place | Word::Association | Word::Free)
            }
            Self::Code(of) => of != CodeOf::Event,
            Self::Portrait => true,
            Self::Picture | Self::Line | Self::Box | Self::Outline => false,
        }
    }
}

/// Where a text stands in its frame.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// At the left.
    Start,
    /// In the middle.
    #[default]
    Middle,
    /// At the right.
    End,
}

impl Align {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Start, Self::Middle, Self::End];

    /// Stable code, and the value of SVG's `text-anchor`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Start => "Left",
            Self::Middle => "Centre",
            Self::End => "Right",
        }
    }
}

/// One thing on a card.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Number within the design.
    pub id: u16,
    /// What it is.
    pub kind: ElementKind,
    /// Where it lies.
    pub frame: Frame,
    /// Colour of text, code, line or box.
    pub color: Color,
    /// Height of type in tenths of a point; thickness of a line or outline in tenths of a millimetre.
    pub size: u16,
    /// Heavier type.
    pub bold: bool,
    /// Where text stands.
    pub align: Align,
    /// Text of its own; placeholders as [`fill`] knows them.
    pub text: String,
    /// The picture.
    pub picture: Option<PictureId>,
}

/// Who gets a certificate and who sees it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rule {
    /// The check-in list at which somebody must have been let in.
    pub list: ListId,
    /// Whether the public check page masks the name.
    pub masked: bool,
    /// Whether the holder's ticket page shows it.
    pub shown: bool,
}

/// A design of an event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Design {
    /// Number.
    pub id: DesignId,
    /// The event.
    pub event: EventId,
    /// What it is for.
    pub purpose: Purpose,
    /// Name, 1–40 characters.
    pub name: String,
    /// Width of the card in tenths of a millimetre.
    pub width: i32,
    /// Height.
    pub height: i32,
    /// What lies behind.
    pub ground: Ground,
    /// From the back to the front.
    pub elements: Vec<Element>,
    /// The number the next element gets.
    pub next_element: u16,
    /// How cards lie on paper.
    pub sheet: Sheet,
    /// For certificates.
    pub rule: Rule,
    /// When it was made.
    pub created_at: Time,
    /// Raised by each change.
    pub revision: u32,
}

/// The most designs of one event.
pub const DESIGNS_MAX: usize = 40;
/// The most elements of one design.
pub const ELEMENTS_MAX: usize = 40;
/// Longest name of a design in characters.
pub const NAME_MAX: usize = 40;
/// Longest text of an element in characters.
pub const TEXT_MAX: usize = 400;
/// Smallest side of a card in tenths of a millimetre.
pub const SIDE_MIN: i32 = 200;
/// Largest side: A3.
pub const SIDE_MAX: i32 = 4_200;
/// Smallest and largest type in tenths of a point.
pub const TYPE: std::ops::RangeInclusive<i32> = 40..=3_000;

/// What a card is filled with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Values {
    pub name: String,
    pub company: String,
    pub group: String,
    pub seat: String,
    pub kind: String,
    pub number: String,
    pub answers: Vec<(u16, String)>,
    pub event: String,
    pub time: String,
    pub place: String,
    pub association: String,
    pub serial: String,
    pub issued: String,
    /// Content of the code that a door scans.
    pub ticket_code: String,
    /// Address of the invitation.
    pub event_code: String,
    /// Address of the certificate's check page.
    pub check_code: String,
}

impl Values {
    /// What a word says.
    pub fn word(&self, word: Word) -> &str {
        match word {
            Word::Name => &self.name,
            Word::Company => &self.company,
            Word::Group => &self.group,
            Word::Seat => &self.seat,
            Word::Kind => &self.kind,
            Word::Number => &self.number,
            Word::Answer(question) => {
                self.answers.iter().find(|(id, _)| *id == question).map_or("", |(_, text)| text.as_str())
            }
            Word::Event => &self.event,
            Word::Time => &self.time,
            Word::Place => &self.place,
            Word::Association => &self.association,
            Word::Serial => &self.serial,
            Word::Issued => &self.issued,
            Word::Free => "",
        }
    }

    /// What a code holds.
    pub fn code(&self, of: CodeOf) -> &str {
        match of {
            CodeOf::Ticket => &self.ticket_code,
            CodeOf::Event => &self.event_code,
            CodeOf::Check => &self.check_code,
        }
    }
}

/// Placeholders of free texts, in Chinese and English.
pub const PLACEHOLDERS: &[(&str, &str, Word)] = &[
    ("姓名", "name", Word::Name),
    ("单位", "company", Word::Company),
    ("分组", "group", Word::Group),
    ("座位", "seat", Word::Seat),
    ("票种", "ticket", Word::Kind),
    ("会议", "event", Word::Event),
    ("时间", "time", Word::Time),
    ("地点", "place", Word::Place),
    ("协会", "association", Word::Association),
    ("证书编号", "serial", Word::Serial),
    ("颁发日期", "issued", Word::Issued),
];

/// A free text with its `{placeholders}` filled; what is none stays as it is.
pub fn fill(text: &str, values: &Values) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let found = behind.split_once('}').and_then(|(name, after)| {
            let name = name.trim();
            let (.., word) = PLACEHOLDERS.iter().find(|(chinese, english, _)| *chinese == name || *english == name)?;
            Some((values.word(*word), after))
        });
        match found {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What stands for a person without a picture: the last two characters of a Chinese name, the first letters of up to two words of another.
pub fn initials(name: &str) -> String {
    let chinese: Vec<char> =
        name.chars().filter(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')).collect();
    if !chinese.is_empty() {
        let given = name.split(['·', ' ']).next().unwrap_or(name);
        let given: Vec<char> = given.chars().filter(|c| chinese.contains(c)).collect();
        return given.iter().skip(given.len().saturating_sub(2)).collect();
    }
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(2).filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_others_stay() {
        let values = Values { name: "{event}".into(), event: "年会".into(), ..Values::default() };
        let cases = [
            ("{姓名}参加{会议}", "{event}参加年会"),
            ("{ name }", "{event}"),
            ("{nobody} {", "{nobody} {"),
            ("{{event}}", "{年会}"),
            ("", ""),
        ];
        for (text, filled) in cases {
            assert_eq!(fill(text, &values), filled, "{text}");
        }
    }

    #[test]
    fn initials_read_as_people_write_them() {
        let cases = [
            ("张三", "张三"),
            ("欧阳若曦", "若曦"),
            ("王", "王"),
            ("阿依古丽·买买提", "古丽"),
            ("Ada Lovelace King", "AL"),
            ("élan", "É"),
            ("", ""),
            ("·", ""),
        ];
        for (name, short) in cases {
            assert_eq!(initials(name), short, "{name}");
        }
    }

    #[test]
    fn kinds_have_one_code_each_and_posters_carry_no_ticket() {
        for purpose in Purpose::ALL {
            for kind in ElementKind::offered(purpose) {
                assert_eq!(ElementKind::parse(&kind.code()), Some(kind));
                let shows_ticket = matches!(kind, ElementKind::Code(CodeOf::Ticket) | ElementKind::Text(Word::Number));
                assert!(purpose != Purpose::Poster || !shows_ticket, "a poster is for everybody's eyes");
            }
        }
        assert_eq!(ElementKind::parse("answer-7"), Some(ElementKind::Text(Word::Answer(7))));
        assert_eq!(ElementKind::parse("answer-x"), None);
        assert_eq!(ElementKind::parse("script"), None);
    }

    #[test]
    fn colours_are_six_hex_digits() {
        for (text, read) in
            [("#a83a26", Some(0xa8_3a26)), ("#FFF", None), ("a83a26", None), ("#+83a26", None), ("#a83a2é", None)]
        {
            assert_eq!(Color::parse(text).map(|color| color.0), read, "{text}");
        }
        assert_eq!(Color(0x00_00ff).to_string(), "#0000ff");
    }
}
