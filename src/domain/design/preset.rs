//! Designs to begin with, one for each usual paper: drawn by us, in the reader's language.

use super::{Align, CodeOf, Color, Design, Element, ElementKind, Frame, Ground, Purpose, Rule, Sheet, Word, sheet::A4};
use crate::{DesignId, EventId, ListId, Time};

/// A design to begin with.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Stable code.
    pub code: &'static str,
    /// English source text.
    pub label: &'static str,
    /// What it is for.
    pub purpose: Purpose,
    card: (i32, i32),
    ground: Ground,
    sheet: Sheet,
    parts: &'static [Part],
}

/// Kind, frame, type in tenths of a point, colour, heavier, align, English source text.
type Part = (ElementKind, (i32, i32, i32, i32), u16, u32, bool, Align, &'static str);

const INK: u32 = 0x2a_241e;
const DIM: u32 = 0x65_5a4e;
const RED: u32 = 0xa8_3a26;
const WHITE: u32 = 0xff_ffff;
const CREAM: u32 = 0xf6_e3c8;
const PAPER: Ground = Ground::Plain(Color(WHITE));

const fn text(word: Word) -> ElementKind {
    ElementKind::Text(word)
}

const fn code(of: CodeOf) -> ElementKind {
    ElementKind::Code(of)
}

const POSTER: &[Part] = &[
    (text(Word::Association), (80, 90, 740, 60), 110, CREAM, false, Align::Middle, ""),
    (text(Word::Event), (60, 210, 780, 300), 300, WHITE, true, Align::Middle, ""),
    (ElementKind::Line, (380, 540, 140, 8), 8, CREAM, false, Align::Middle, ""),
    (text(Word::Time), (60, 590, 780, 60), 120, WHITE, false, Align::Middle, ""),
    (text(Word::Place), (60, 660, 780, 90), 120, WHITE, false, Align::Middle, ""),
    (ElementKind::Portrait, (360, 830, 180, 180), 5, CREAM, false, Align::Middle, ""),
    (text(Word::Name), (100, 1_025, 700, 80), 170, WHITE, true, Align::Middle, ""),
    (text(Word::Free), (100, 1_105, 700, 50), 100, CREAM, false, Align::Middle, "invites you to come along"),
    (ElementKind::Box, (300, 1_200, 300, 300), 5, WHITE, false, Align::Middle, ""),
    (code(CodeOf::Event), (310, 1_210, 280, 280), 5, INK, false, Align::Middle, ""),
    (text(Word::Free), (100, 1_515, 700, 45), 90, CREAM, false, Align::Middle, "Scan to register"),
];

const BADGE: &[Part] = &[
    (ElementKind::Box, (0, 0, 900, 120), 5, RED, false, Align::Middle, ""),
    (text(Word::Event), (40, 20, 820, 80), 120, WHITE, true, Align::Middle, ""),
    (text(Word::Name), (40, 150, 590, 170), 360, INK, true, Align::Start, ""),
    (text(Word::Company), (40, 325, 590, 90), 120, DIM, false, Align::Start, ""),
    (text(Word::Group), (40, 430, 300, 80), 130, RED, true, Align::Start, ""),
    (text(Word::Seat), (350, 430, 280, 80), 120, INK, false, Align::Start, ""),
    (code(CodeOf::Ticket), (650, 190, 220, 220), 5, INK, false, Align::Middle, ""),
    (text(Word::Number), (650, 420, 220, 45), 80, DIM, false, Align::Middle, ""),
];

const TALL_BADGE: &[Part] = &[
    (text(Word::Event), (60, 110, 880, 150), 200, WHITE, true, Align::Middle, ""),
    (ElementKind::Portrait, (350, 400, 300, 300), 5, RED, false, Align::Middle, ""),
    (text(Word::Name), (60, 730, 880, 200), 480, INK, true, Align::Middle, ""),
    (text(Word::Company), (60, 940, 880, 100), 160, DIM, false, Align::Middle, ""),
    (text(Word::Group), (60, 1_060, 880, 100), 200, RED, true, Align::Middle, ""),
    (code(CodeOf::Ticket), (375, 1_190, 250, 250), 5, INK, false, Align::Middle, ""),
];

const A6_BADGE: &[Part] = &[
    (text(Word::Event), (60, 110, 930, 150), 210, WHITE, true, Align::Middle, ""),
    (text(Word::Name), (60, 480, 930, 240), 560, INK, true, Align::Middle, ""),
    (text(Word::Company), (60, 730, 930, 110), 170, DIM, false, Align::Middle, ""),
    (text(Word::Group), (60, 860, 930, 110), 220, RED, true, Align::Middle, ""),
    (text(Word::Seat), (60, 980, 930, 90), 160, INK, false, Align::Middle, ""),
    (code(CodeOf::Ticket), (395, 1_120, 260, 260), 5, INK, false, Align::Middle, ""),
];

const TENT: &[Part] = &[
    (ElementKind::Box, (0, 840, 2_000, 60), 5, RED, false, Align::Middle, ""),
    (text(Word::Name), (100, 150, 1_800, 480), 1_200, INK, true, Align::Middle, ""),
    (text(Word::Company), (100, 660, 1_800, 130), 280, DIM, false, Align::Middle, ""),
];

const SEAT: &[Part] = &[
    (ElementKind::Outline, (20, 20, 860, 500), 4, RED, false, Align::Middle, ""),
    (text(Word::Seat), (60, 60, 780, 110), 240, RED, true, Align::Middle, ""),
    (text(Word::Name), (60, 185, 780, 190), 440, INK, true, Align::Middle, ""),
    (text(Word::Company), (60, 390, 780, 90), 130, DIM, false, Align::Middle, ""),
];

const CERTIFICATE: &[Part] = &[
    (text(Word::Free), (400, 260, 2_170, 220), 540, RED, true, Align::Middle, "Certificate of attendance"),
    (text(Word::Name), (400, 560, 2_170, 220), 480, INK, true, Align::Middle, ""),
    (ElementKind::Line, (985, 790, 1_000, 4), 4, 0x8a_6410, false, Align::Middle, ""),
    (
        text(Word::Free),
        (500, 840, 1_970, 380),
        220,
        INK,
        false,
        Align::Middle,
        "has attended “{event}” ({time}), which is hereby certified.",
    ),
    (text(Word::Serial), (300, 1_570, 1_000, 80), 120, DIM, false, Align::Start, ""),
    (code(CodeOf::Check), (300, 1_290, 270, 270), 5, INK, false, Align::Middle, ""),
    (text(Word::Association), (1_500, 1_400, 1_150, 120), 220, INK, true, Align::End, ""),
    (text(Word::Issued), (1_500, 1_530, 1_150, 90), 160, DIM, false, Align::End, ""),
];

const fn grid(columns: u8, rows: u8, left: i32, top: i32) -> Sheet {
    Sheet { width: A4.0, height: A4.1, columns, rows, left, top, gap_x: 0, gap_y: 0, fold: false, marks: true }
}

/// All of them, in the order they are offered.
pub const ALL: &[Preset] = &[
    Preset {
        code: "poster",
        label: "Poster for phones, 90 × 160",
        purpose: Purpose::Poster,
        card: (900, 1_600),
        ground: Ground::Template(0),
        sheet: Sheet::single(900, 1_600),
        parts: POSTER,
    },
    Preset {
        code: "badge_sheet",
        label: "Badges 90 × 54 mm, ten on A4",
        purpose: Purpose::Badge,
        card: (900, 540),
        ground: PAPER,
        sheet: grid(2, 5, 150, 135),
        parts: BADGE,
    },
    Preset {
        code: "badge_card",
        label: "Badge 90 × 54 mm, one a page",
        purpose: Purpose::Badge,
        card: (900, 540),
        ground: PAPER,
        sheet: Sheet::single(900, 540),
        parts: BADGE,
    },
    Preset {
        code: "badge_label",
        label: "Label 100 × 150 mm",
        purpose: Purpose::Badge,
        card: (1_000, 1_500),
        ground: Ground::Template(4),
        sheet: Sheet::single(1_000, 1_500),
        parts: TALL_BADGE,
    },
    Preset {
        code: "badge_a6",
        label: "Badge A6, four on A4",
        purpose: Purpose::Badge,
        card: (1_050, 1_480),
        ground: Ground::Template(4),
        sheet: grid(2, 2, 0, 0),
        parts: A6_BADGE,
    },
    Preset {
        code: "seat_tent",
        label: "Table tent 200 × 90 mm, folded, on A4",
        purpose: Purpose::SeatCard,
        card: (2_000, 900),
        ground: PAPER,
        sheet: Sheet { fold: true, ..grid(1, 1, 50, 300) },
        parts: TENT,
    },
    Preset {
        code: "seat_sheet",
        label: "Seat cards 90 × 54 mm, ten on A4",
        purpose: Purpose::SeatCard,
        card: (900, 540),
        ground: PAPER,
        sheet: grid(2, 5, 150, 135),
        parts: SEAT,
    },
    Preset {
        code: "certificate",
        label: "Certificate A4, landscape",
        purpose: Purpose::Certificate,
        card: (2_970, 2_100),
        ground: Ground::Template(5),
        sheet: Sheet::single(2_970, 2_100),
        parts: CERTIFICATE,
    },
];

/// The preset of that code.
pub fn find(code: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.code == code)
}

/// A design from a preset; `say` turns English source texts into the reader's language.
pub fn design(of: &Preset, id: DesignId, event: EventId, now: Time, say: &dyn Fn(&str) -> String) -> Design {
    let element = |(number, part): (u16, &Part)| {
        let (kind, (x, y, w, h), size, color, bold, align, words) = *part;
        Element {
            id: number,
            kind,
            frame: Frame { x, y, w, h },
            color: Color(color),
            size,
            bold,
            align,
            text: if words.is_empty() { String::new() } else { say(words) },
            picture: None,
        }
    };
    let elements: Vec<Element> = (1..).zip(of.parts).map(element).collect();
    let rule = match of.purpose {
        Purpose::Certificate => Rule { list: ListId::MAIN, masked: true, shown: true },
        _ => Rule::default(),
    };
    Design {
        id,
        event,
        purpose: of.purpose,
        name: say(of.label),
        width: of.card.0,
        height: of.card.1,
        ground: of.ground,
        next_element: u16::try_from(elements.len()).unwrap_or(u16::MAX - 1) + 1,
        elements,
        sheet: of.sheet,
        rule,
        created_at: now,
        revision: 0,
    }
}
