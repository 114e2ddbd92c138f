//! A design filled with somebody's values as SVG: lengths in tenths of a millimetre, no style attribute and no script, so that it stands in
//! pages under the strict policy.

use super::{Fonts, ground};
use domain::{
    Design, PictureId,
    design::{
        Color, Element, ElementKind, Ground, Values, Word, fill,
        fit::{Flow, LEADING, Laid, lay},
        initials,
        sheet::mm,
    },
};

/// A picture on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Href {
    /// An uploaded one.
    Picture(PictureId),
    /// The person's.
    Portrait,
}

/// Where pictures are found: an address, data, or a name for [`super::png`]. None: there is no such picture.
pub type Links<'a> = &'a dyn Fn(Href) -> Option<String>;

/// A card to draw.
pub struct Card<'a> {
    /// What it is filled with.
    pub values: &'a Values,
    /// Where its pictures are.
    pub links: Links<'a>,
}

/// Fonts of whoever shows the page, behind the one that texts were measured by.
const FONTS: &str = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, WenQuanYi Micro Hei, sans-serif";
/// Tenths of a millimetre of a tenth of a point.
const POINT: f32 = 0.352_778;

/// Text as XML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no place for other control characters and non-characters.
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

macro_rules! put {
    ($out:expr, $($part:tt)*) => { $out.push_str(&format!($($part)*)) };
}

struct Pen<'a> {
    out: String,
    fonts: &'a Fonts,
    /// Sets drawings on one page apart.
    page: usize,
    /// Whether a picture behind cards is left out, since it lies there already.
    bare: bool,
}

impl Pen<'_> {
    fn text(&mut self, element: &Element, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let frame = &element.frame;
        let paragraph =
            matches!(element.kind, ElementKind::Text(Word::Free | Word::Place | Word::Event | Word::Answer(_)));
        let flow = if paragraph { Flow::Paragraph } else { Flow::Line };
        let room = (frame.w as f32, frame.h as f32);
        let Laid { size, lines } =
            lay(text, room, f32::from(element.size) * POINT, flow, &|text| self.fonts.measure(text));
        let x = match element.align {
            domain::design::Align::Start => frame.x as f32,
            domain::design::Align::Middle => frame.x as f32 + frame.w as f32 / 2.0,
            domain::design::Align::End => (frame.x + frame.w) as f32,
        };
        let top = frame.y as f32 + (frame.h as f32 - lines.len() as f32 * LEADING * size) / 2.0;
        let color = element.color;
        put!(self.out, "<g font-size=\"{size:.1}\" text-anchor=\"{}\" fill=\"{color}\"", element.align.code());
        if element.bold {
            // A stroke makes every font heavier, also one that has no heavy face.
            put!(self.out, " stroke=\"{color}\" stroke-width=\"{:.2}\" stroke-linejoin=\"round\"", size * 0.032);
        }
        self.out.push('>');
        for (at, line) in lines.iter().enumerate() {
            let baseline = top + (at as f32 + 0.5) * LEADING * size + 0.35 * size;
            put!(self.out, "<text x=\"{x:.1}\" y=\"{baseline:.1}\">{}</text>", escape(line));
        }
        self.out.push_str("</g>");
    }

    fn code(&mut self, element: &Element, content: &str) {
        let code = qrcode::QrCode::with_error_correction_level(content, qrcode::EcLevel::M);
        let (Ok(code), false) = (code, content.is_empty()) else { return };
        const QUIET: usize = 2;
        let (width, frame) = (code.width(), &element.frame);
        let mut path = String::new();
        for (row, line) in code.to_colors().chunks(width).enumerate() {
            let mut column = 0;
            for run in line.chunk_by(|a, b| a == b) {
                if run.first() == Some(&qrcode::Color::Dark) {
                    put!(path, "M{} {}h{}v1h-{}z", column + QUIET, row + QUIET, run.len(), run.len());
                }
                column += run.len();
            }
        }
        let side = frame.w.min(frame.h) as f32;
        let scale = side / (width + 2 * QUIET) as f32;
        let (x, y) = (frame.x as f32 + (frame.w as f32 - side) / 2.0, frame.y as f32 + (frame.h as f32 - side) / 2.0);
        put!(
            self.out,
            "<g transform=\"translate({x:.1} {y:.1}) scale({scale:.4})\" shape-rendering=\"crispEdges\"><rect width=\"{0}\" height=\"{0}\" fill=\"#ffffff\"/><path d=\"{path}\" fill=\"{1}\"/></g>",
            width + 2 * QUIET,
            dark(element.color)
        );
    }

    fn portrait(&mut self, element: &Element, card: &Card<'_>) {
        let frame = &element.frame;
        let (x, y) = (frame.x as f32 + frame.w as f32 / 2.0, frame.y as f32 + frame.h as f32 / 2.0);
        let radius = frame.w.min(frame.h) as f32 / 2.0;
        match (card.links)(Href::Portrait) {
            Some(href) => {
                let id = format!("p{}-{}", self.page, element.id);
                put!(
                    self.out,
                    "<clipPath id=\"{id}\"><circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/></clipPath><image clip-path=\"url(#{id})\" x=\"{:.1}\" y=\"{:.1}\" width=\"{2:.1}\" height=\"{2:.1}\" preserveAspectRatio=\"xMidYMid slice\" href=\"{3}\"/>",
                    x - radius,
                    y - radius,
                    radius * 2.0,
                    escape(&href)
                );
            }
            None => {
                let short = initials(&card.values.name);
                put!(self.out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{}\"/>", element.color);
                let size = if short.chars().count() > 1 { radius * 0.72 } else { radius };
                put!(
                    self.out,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{size:.1}\" text-anchor=\"middle\" fill=\"{}\">{}</text>",
                    y + size * 0.35,
                    contrast(element.color),
                    escape(&short)
                );
            }
        }
    }

    fn element(&mut self, element: &Element, card: &Card<'_>) {
        let (frame, color) = (&element.frame, element.color);
        match element.kind {
            ElementKind::Text(Word::Free) => self.text(element, &fill(&element.text, card.values)),
            ElementKind::Text(word) => {
                let value = card.values.word(word);
                // What stands in front of or behind a value goes with it.
                match element.text.split_once("{}") {
                    _ if value.is_empty() => {}
                    Some((before, behind)) => self.text(element, &format!("{before}{value}{behind}")),
                    None => self.text(element, &format!("{}{value}", element.text)),
                }
            }
            ElementKind::Code(of) => self.code(element, card.values.code(of)),
            ElementKind::Portrait => self.portrait(element, card),
            ElementKind::Picture => {
                if let Some(href) = element.picture.and_then(|id| (card.links)(Href::Picture(id))) {
                    put!(
                        self.out,
                        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" href=\"{}\"/>",
                        frame.x,
                        frame.y,
                        frame.w,
                        frame.h,
                        escape(&href)
                    );
                }
            }
            ElementKind::Line if frame.h <= i32::from(element.size).max(10) => put!(
                self.out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{color}\"/>",
                frame.x,
                frame.y,
                frame.w,
                frame.h
            ),
            ElementKind::Line => put!(
                self.out,
                "<path d=\"M{} {}l{} {}\" stroke=\"{color}\" stroke-width=\"{}\"/>",
                frame.x,
                frame.y,
                frame.w,
                frame.h,
                element.size
            ),
            ElementKind::Box => put!(
                self.out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{color}\"/>",
                frame.x,
                frame.y,
                frame.w,
                frame.h
            ),
            ElementKind::Outline => put!(
                self.out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\"/>",
                frame.x,
                frame.y,
                frame.w,
                frame.h,
                element.size
            ),
        }
    }

    /// The card with its left upper corner at that point; what lies beyond its edges is cut.
    fn card(&mut self, design: &Design, card: &Card<'_>, (x, y): (i32, i32)) {
        let (width, height) = (design.width, design.height);
        put!(
            self.out,
            "<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">"
        );
        match design.ground {
            Ground::Plain(color) => put!(self.out, "<rect width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>"),
            Ground::Template(number) => ground::draw(&mut self.out, number, width, height),
            Ground::Picture(_) if self.bare => {}
            Ground::Picture(id) => match (card.links)(Href::Picture(id)) {
                Some(href) => put!(
                    self.out,
                    "<image width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"xMidYMid slice\" href=\"{}\"/>",
                    escape(&href)
                ),
                None => put!(self.out, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"),
            },
        }
        for element in &design.elements {
            self.element(element, card);
        }
        self.out.push_str("</svg>");
        self.page += 1;
    }

    fn open(&mut self, (width, height): (i32, i32)) {
        let family = self.fonts.family().map_or(FONTS.to_owned(), |family| format!("{family}, {FONTS}"));
        put!(
            self.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}mm\" height=\"{}mm\" viewBox=\"0 0 {width} {height}\" font-family=\"{}\">",
            mm(width),
            mm(height),
            escape(&family)
        );
    }
}

/// Whether a colour is light.
fn is_light(color: Color) -> bool {
    let part = |shift: u32| f64::from((color.0 >> shift) & 0xff);
    part(16) * 0.299 + part(8) * 0.587 + part(0) * 0.114 > 150.0
}

/// A colour to write on that one with.
fn contrast(color: Color) -> Color {
    if is_light(color) { Color(0x2a_241e) } else { Color(0xff_ffff) }
}

/// A colour that a code can be scanned in: the given one when it is dark.
fn dark(color: Color) -> Color {
    if is_light(color) { Color(0) } else { color }
}

/// One card as a drawing of its own.
pub fn card(fonts: &Fonts, design: &Design, of: &Card<'_>) -> String {
    alone(fonts, design, of, false)
}

/// As [`card`], to be drawn over a picture that lies behind it already.
pub(super) fn overlay(fonts: &Fonts, design: &Design, of: &Card<'_>) -> String {
    alone(fonts, design, of, true)
}

fn alone(fonts: &Fonts, design: &Design, of: &Card<'_>, bare: bool) -> String {
    let mut pen = Pen { out: String::with_capacity(8 << 10), fonts, page: 0, bare };
    pen.open((design.width, design.height));
    pen.card(design, of, (0, 0));
    pen.out.push_str("</svg>");
    pen.out
}

/// A QR code alone, 60 mm wide.
pub fn code(fonts: &Fonts, content: &str) -> String {
    const SIDE: i32 = 600;
    let element = Element {
        id: 1,
        kind: ElementKind::Code(domain::design::CodeOf::Event),
        frame: domain::design::Frame { x: 0, y: 0, w: SIDE, h: SIDE },
        color: Color(0),
        size: 1,
        bold: false,
        align: domain::design::Align::Middle,
        text: String::new(),
        picture: None,
    };
    let mut pen = Pen { out: String::with_capacity(4 << 10), fonts, page: 0, bare: false };
    pen.open((SIDE, SIDE));
    pen.code(&element, content);
    pen.out.push_str("</svg>");
    pen.out
}

/// One sheet of cards; `number` sets sheets on one page apart. Cards beyond the sheet's places are left out.
pub fn sheet(fonts: &Fonts, design: &Design, cards: &[Card<'_>], number: usize) -> String {
    let (paper, size) = (&design.sheet, (design.width, design.height));
    let mut pen =
        Pen { out: String::with_capacity(cards.len() * (4 << 10) + 512), fonts, page: number * 1_000, bare: false };
    pen.open((paper.width, paper.height));
    let mut marks = String::new();
    for ((x, y), of) in paper.cells(size).into_iter().zip(cards) {
        let tall = if paper.fold { size.1 * 2 } else { size.1 };
        if paper.fold {
            put!(pen.out, "<g transform=\"translate({} {}) rotate(180)\">", x + size.0, y + size.1);
            pen.card(design, of, (0, 0));
            pen.out.push_str("</g>");
            put!(marks, "M{x} {}h{}", y + size.1, size.0);
        }
        pen.card(design, of, (x, y + tall - size.1));
        if paper.marks {
            put!(marks, "M{x} {y}h{}v{tall}h-{}z", size.0, size.0);
        }
    }
    if !marks.is_empty() {
        put!(
            pen.out,
            "<path d=\"{marks}\" fill=\"none\" stroke=\"#999999\" stroke-width=\"1\" stroke-dasharray=\"12 12\"/>"
        );
    }
    pen.out.push_str("</svg>");
    pen.out
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{DesignId, EventId, Time, design::preset};

    fn design(code: &str) -> Design {
        preset::design(preset::find(code).unwrap(), DesignId(1), EventId(1), Time(0), &|text| text.to_owned())
    }

    fn nothing(_: Href) -> Option<String> {
        None
    }

    fn drawn(design: &Design, values: &Values) -> String {
        card(Fonts::system(), design, &Card { values, links: &nothing })
    }

    #[test]
    fn what_people_typed_is_text_and_nothing_else() {
        let evil = "</text><script>alert(1)</script>\u{1}\u{ffff}\"'&";
        let values = Values {
            name: evil.into(),
            company: evil.into(),
            event: evil.into(),
            number: evil.into(),
            ticket_code: evil.into(),
            ..Values::default()
        };
        let links = |_: Href| Some("x\"/><script>".to_owned());
        for plan in preset::ALL {
            let mut design = design(plan.code);
            for element in &mut design.elements {
                element.text.push_str("<b onload=x>{name}");
            }
            let svg = card(Fonts::system(), &design, &Card { values: &values, links: &links });
            assert!(!svg.contains("<script") && !svg.contains("<b ") && !svg.contains('\u{1}'), "{svg}");
            let options = resvg::usvg::Options::default();
            resvg::usvg::Tree::from_str(&svg, &options).unwrap_or_else(|error| panic!("{}: {error}", plan.code));
        }
        assert!(!drawn(&design("poster"), &values).contains("style="), "the strict policy forbids inline style");
    }

    #[test]
    fn sheets_hold_their_cards_in_their_places() {
        let values = Values { name: "张三".into(), ticket_code: "100000000007".into(), ..Values::default() };
        let cards: Vec<Card<'_>> = (0..12).map(|_| Card { values: &values, links: &nothing }).collect();
        let svg = sheet(Fonts::system(), &design("badge_sheet"), &cards, 0);
        assert_eq!(svg.matches(">张三<").count(), 10, "ten places, ten cards");
        assert!(svg.contains("width=\"210mm\" height=\"297mm\"") && svg.contains("<svg x=\"1050\" y=\"675\""));
        let tent = sheet(Fonts::system(), &design("seat_tent"), &cards[..1], 0);
        assert_eq!(tent.matches(">张三<").count(), 2, "to be read from both sides");
        assert!(tent.contains("rotate(180)"));
    }

    #[test]
    fn a_value_that_is_not_there_leaves_no_trace_and_its_words_go_with_it() {
        let mut design = design("badge_sheet");
        for element in &mut design.elements {
            if element.kind == ElementKind::Text(Word::Seat) {
                element.text = "座位 {} 号".into();
            }
        }
        let seated = Values { seat: "12".into(), ..Values::default() };
        assert!(drawn(&design, &seated).contains(">座位 12 号<"));
        assert!(!drawn(&design, &Values::default()).contains("座位"));
    }
}
