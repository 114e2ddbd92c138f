//! What the form of a design takes, as typed, and the check that makes a design of it.

use super::{
    Align, CodeOf, Color, Design, ELEMENTS_MAX, Element, ElementKind, Frame, GROUNDS, Ground, NAME_MAX, Purpose, Rule,
    SIDE_MAX, SIDE_MIN, Sheet, TEXT_MAX, TYPE, Word,
    sheet::{mm, tenths},
};
use crate::{ListId, PictureId, Problem, Refusal, problem, text::Form};

/// One element as typed; lengths in millimetres, type in points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ElementInput {
    pub id: u16,
    pub kind: String,
    pub x: String,
    pub y: String,
    pub w: String,
    pub h: String,
    pub color: String,
    pub size: String,
    pub bold: bool,
    pub align: String,
    pub text: String,
    pub picture: Option<PictureId>,
}

/// A design as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct DesignInput {
    pub name: String,
    pub width: String,
    pub height: String,
    /// `plain`, `t3` or `p17`.
    pub ground: String,
    pub ground_color: String,
    pub elements: Vec<ElementInput>,
    pub paper_width: String,
    pub paper_height: String,
    pub columns: String,
    pub rows: String,
    pub left: String,
    pub top: String,
    pub gap_x: String,
    pub gap_y: String,
    pub fold: bool,
    pub marks: bool,
    pub list: String,
    pub masked: bool,
    pub shown: bool,
}

/// The checked parts of a [`DesignInput`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct DesignDetails {
    pub name: String,
    pub width: i32,
    pub height: i32,
    pub ground: Ground,
    pub elements: Vec<Element>,
    pub sheet: Sheet,
    pub rule: Rule,
}

/// The value of a ground in the form.
pub fn ground_value(ground: Ground) -> String {
    match ground {
        Ground::Plain(_) => "plain".to_owned(),
        Ground::Template(number) => format!("t{number}"),
        Ground::Picture(id) => format!("p{id}"),
    }
}

impl ElementInput {
    /// A kept element as the form shows it.
    pub fn of(element: &Element) -> Self {
        Self {
            id: element.id,
            kind: element.kind.code(),
            x: mm(element.frame.x),
            y: mm(element.frame.y),
            w: mm(element.frame.w),
            h: mm(element.frame.h),
            color: element.color.to_string(),
            size: mm(i32::from(element.size)),
            bold: element.bold,
            align: element.align.code().to_owned(),
            text: element.text.clone(),
            picture: element.picture,
        }
    }
}

impl DesignInput {
    /// A kept design as the form shows it.
    pub fn of(design: &Design) -> Self {
        let color = if let Ground::Plain(color) = design.ground { color } else { Color(0x00ff_ffff) };
        let sheet = &design.sheet;
        Self {
            name: design.name.clone(),
            width: mm(design.width),
            height: mm(design.height),
            ground: ground_value(design.ground),
            ground_color: color.to_string(),
            elements: design.elements.iter().map(ElementInput::of).collect(),
            paper_width: mm(sheet.width),
            paper_height: mm(sheet.height),
            columns: sheet.columns.to_string(),
            rows: sheet.rows.to_string(),
            left: mm(sheet.left),
            top: mm(sheet.top),
            gap_x: mm(sheet.gap_x),
            gap_y: mm(sheet.gap_y),
            fold: sheet.fold,
            marks: sheet.marks,
            list: design.rule.list.to_string(),
            masked: design.rule.masked,
            shown: design.rule.shown,
        }
    }
}

impl Design {
    /// The design with what was checked.
    pub fn apply(&mut self, details: DesignDetails) {
        self.next_element =
            details.elements.iter().map(|element| element.id + 1).max().unwrap_or(1).max(self.next_element);
        self.name = details.name;
        (self.width, self.height) = (details.width, details.height);
        (self.ground, self.elements, self.sheet, self.rule) =
            (details.ground, details.elements, details.sheet, details.rule);
    }
}

/// A length or size between bounds, both in tenths; the lower bound when a problem was noted.
fn length(form: &mut Form, field: &str, text: &str, bounds: std::ops::RangeInclusive<i32>) -> i32 {
    match tenths(text).filter(|value| bounds.contains(value)) {
        Some(value) => value,
        None => {
            let (from, to) = (mm(*bounds.start()), mm(*bounds.end()));
            form.wrong(problem!(field, "Give a number from {from} to {to}, such as 12 or 12.5.", from = from, to = to));
            *bounds.start()
        }
    }
}

fn color(form: &mut Form, field: &str, text: &str) -> Color {
    Color::parse(text).unwrap_or_else(|| {
        form.wrong(problem!(field, "Give a colour such as #a83a26."));
        Color::default()
    })
}

fn ground(form: &mut Form, input: &DesignInput) -> Ground {
    let numbered = input.ground.split_at_checked(1);
    let read = match numbered {
        _ if input.ground == "plain" => Some(Ground::Plain(color(form, "ground_color", &input.ground_color))),
        Some(("t", number)) => number.parse().ok().filter(|number| *number < GROUNDS).map(Ground::Template),
        Some(("p", number)) => number.parse().ok().map(|id| Ground::Picture(PictureId(id))),
        _ => None,
    };
    read.unwrap_or_else(|| {
        form.wrong(problem!("ground", "Choose one of the given answers."));
        Ground::Plain(Color::default())
    })
}

/// Whether a design of that purpose may have elements of that kind.
fn fits(kind: ElementKind, purpose: Purpose) -> bool {
    matches!(kind, ElementKind::Text(Word::Answer(_))) && purpose != Purpose::Poster
        || ElementKind::offered(purpose).any(|offered| offered == kind)
}

fn element(form: &mut Form, input: &ElementInput, purpose: Purpose, (width, height): (i32, i32)) -> Option<Element> {
    let at = |part: &str| format!("e{}-{part}", input.id);
    let kind = ElementKind::parse(&input.kind).filter(|kind| fits(*kind, purpose));
    if kind.is_none() {
        form.wrong(problem!(at("kind"), "Choose one of the given answers."));
    }
    let before = form.problems.len();
    let frame = Frame {
        x: length(form, &at("x"), &input.x, -width..=width),
        y: length(form, &at("y"), &input.y, -height..=height),
        w: length(form, &at("w"), &input.w, 1..=2 * SIDE_MAX),
        h: length(form, &at("h"), &input.h, 1..=2 * SIDE_MAX),
    };
    let outside = frame.x >= width || frame.y >= height || frame.x + frame.w <= 0 || frame.y + frame.h <= 0;
    if outside && form.problems.len() == before {
        form.wrong(problem!(at("x"), "This element lies outside the card."));
    }
    let bounds = if matches!(kind, Some(ElementKind::Text(_))) { TYPE } else { 1..=*TYPE.end() };
    let size = length(form, &at("size"), &input.size, bounds);
    let element = Element {
        id: input.id,
        kind: kind?,
        frame,
        color: color(form, &at("color"), &input.color),
        size: u16::try_from(size).unwrap_or(u16::MAX),
        bold: input.bold,
        align: Align::ALL.into_iter().find(|align| align.code() == input.align).unwrap_or_default(),
        text: form.block(&at("text"), &input.text, TEXT_MAX),
        picture: input.picture,
    };
    Some(element)
}

fn elements(form: &mut Form, input: &DesignInput, purpose: Purpose, card: (i32, i32)) -> Vec<Element> {
    if input.elements.len() > ELEMENTS_MAX {
        form.wrong(problem!("add", "A design has at most {max} elements.", max = ELEMENTS_MAX));
        return Vec::new();
    }
    let mut all: Vec<Element> = Vec::with_capacity(input.elements.len());
    for typed in &input.elements {
        let repeated = typed.id == 0 || typed.id == u16::MAX || all.iter().any(|kept| kept.id == typed.id);
        if repeated {
            form.wrong(problem!("add", "The form could not be read. Send it again."));
            return all;
        }
        all.extend(element(form, typed, purpose, card));
    }
    all
}

fn sheet(form: &mut Form, input: &DesignInput, purpose: Purpose, card: (i32, i32)) -> Sheet {
    if !purpose.is_printed() {
        return Sheet::single(card.0, card.1);
    }
    let mut side = |field, text| length(form, field, text, SIDE_MIN..=SIDE_MAX);
    let (width, height) = (side("paper_width", &input.paper_width), side("paper_height", &input.paper_height));
    let mut room = |field, text| length(form, field, text, 0..=SIDE_MAX);
    let (left, top) = (room("left", &input.left), room("top", &input.top));
    let (gap_x, gap_y) = (room("gap_x", &input.gap_x), room("gap_y", &input.gap_y));
    let count = |text: &str| text.trim().parse::<u8>().unwrap_or(0);
    let sheet = Sheet {
        width,
        height,
        columns: count(&input.columns),
        rows: count(&input.rows),
        left,
        top,
        gap_x,
        gap_y,
        fold: input.fold,
        marks: input.marks,
    };
    let problems: Vec<Problem> = sheet.problems(card);
    problems.into_iter().for_each(|problem| form.wrong(problem));
    sheet
}

/// Checks the form of a design.
pub fn check_design(input: &DesignInput, purpose: Purpose) -> Result<DesignDetails, Refusal> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, NAME_MAX);
    let width = length(&mut form, "width", &input.width, SIDE_MIN..=SIDE_MAX);
    let height = length(&mut form, "height", &input.height, SIDE_MIN..=SIDE_MAX);
    let ground = ground(&mut form, input);
    let elements = elements(&mut form, input, purpose, (width, height));
    let sheet = sheet(&mut form, input, purpose, (width, height));
    let rule = match purpose {
        Purpose::Certificate => {
            let list = input.list.trim().parse().map(ListId);
            if list.is_err() {
                form.wrong(problem!("list", "Choose one of the given answers."));
            }
            Rule { list: list.unwrap_or_default(), masked: input.masked, shown: input.shown }
        }
        _ => Rule::default(),
    };
    form.done(DesignDetails { name, width, height, ground, elements, sheet, rule })
}

/// What the preview of a form that is being filled is drawn from: what can be read of it.
pub fn sketch(design: &Design, input: &DesignInput) -> Design {
    let mut form = Form::default();
    let side = |text: &str, kept: i32| tenths(text).filter(|side| (SIDE_MIN..=SIDE_MAX).contains(side)).unwrap_or(kept);
    let (width, height) = (side(&input.width, design.width), side(&input.height, design.height));
    let mut elements = Vec::new();
    for typed in input.elements.iter().take(ELEMENTS_MAX) {
        let before = form.problems.len();
        let read = element(&mut form, typed, design.purpose, (width, height));
        let kept = || design.elements.iter().find(|kept| kept.id == typed.id).cloned();
        elements.extend(if form.problems.len() == before { read } else { kept() });
    }
    let before = form.problems.len();
    let ground = ground(&mut form, input);
    let ground = if form.problems.len() == before { ground } else { design.ground };
    Design { width, height, elements, ground, ..design.clone() }
}

/// A new element of that kind, in the middle of the card.
pub fn fresh(design: &Design, kind: ElementKind, number: u16) -> ElementInput {
    let (width, height) = (design.width, design.height);
    let short = width.min(height);
    let (w, h) = match kind {
        ElementKind::Code(_) | ElementKind::Portrait | ElementKind::Picture => (short / 3, short / 3),
        ElementKind::Line => (width * 3 / 4, 2),
        ElementKind::Box | ElementKind::Outline => (width / 2, height / 4),
        ElementKind::Text(_) => (width * 4 / 5, short / 7),
    };
    let (w, h) = (w.max(10), h.max(1));
    let size = match kind {
        // Nearly as high as the frame: a point is 3.53 tenths of a millimetre.
        ElementKind::Text(_) => (h * 8 * 100 / (353 * 10)).clamp(6, 60) * 10,
        _ => 5,
    };
    ElementInput {
        id: number,
        kind: kind.code(),
        x: mm((width - w) / 2),
        y: mm((height - h) / 2),
        w: mm(w),
        h: mm(h),
        color: if matches!(kind, ElementKind::Box) { "#a83a26".into() } else { "#2a241e".into() },
        size: mm(size),
        align: Align::Middle.code().to_owned(),
        ..ElementInput::default()
    }
}

/// Whether a code of that kind is among the elements.
pub fn has_code(elements: &[Element], of: CodeOf) -> bool {
    elements.iter().any(|element| element.kind == ElementKind::Code(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DesignId, EventId, Time, design::preset};

    fn kept(code: &str) -> Design {
        let say = |text: &str| text.to_owned();
        let plan = preset::ALL.iter().find(|plan| plan.code == code).unwrap();
        preset::design(plan, DesignId(1), EventId(1), Time(0), &say)
    }

    #[test]
    fn a_kept_design_goes_through_its_form_and_back() {
        for plan in preset::ALL {
            let design = kept(plan.code);
            let details = check_design(&DesignInput::of(&design), design.purpose)
                .unwrap_or_else(|r| panic!("{}: {r}", plan.code));
            let mut again = design.clone();
            again.apply(details);
            assert_eq!(again, design, "{}", plan.code);
        }
    }

    #[test]
    fn a_form_says_what_is_wrong_by_its_fields() {
        let sound = DesignInput::of(&kept("badge_sheet"));
        let wrong = |change: &dyn Fn(&mut DesignInput)| {
            let mut input = sound.clone();
            change(&mut input);
            let refusal = check_design(&input, Purpose::Badge).unwrap_err();
            refusal.problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        let first = sound.elements[0].id;
        let field = |part: &str| format!("e{first}-{part}");
        assert_eq!(wrong(&|input| input.name = " ".into()), ["name"]);
        assert_eq!(wrong(&|input| input.width = "0".into())[0], "width");
        assert_eq!(wrong(&|input| input.ground = "t99".into()), ["ground"]);
        assert_eq!(wrong(&|input| input.ground = "é".into()), ["ground"]);
        assert_eq!(wrong(&|input| input.elements[0].kind = "script".into()), [field("kind")]);
        assert_eq!(wrong(&|input| input.elements[0].x = "900".into()), [field("x")]);
        assert_eq!(
            wrong(&|input| {
                input.elements[0].x = "-50".into();
                input.elements[0].w = "10".into()
            }),
            [field("x")]
        );
        assert_eq!(wrong(&|input| input.elements[0].w = "-1".into()), [field("w")]);
        assert_eq!(wrong(&|input| input.elements[0].color = "red".into()), [field("color")]);
        assert_eq!(wrong(&|input| input.elements[0].text = "x".repeat(401)), [field("text")]);
        assert_eq!(wrong(&|input| input.columns = "3".into()), ["columns"]);
        assert_eq!(wrong(&|input| input.elements = vec![sound.elements[0].clone(); 2]), ["add"]);
        let many = (1..=41u16).map(|id| ElementInput { id, ..sound.elements[0].clone() });
        assert_eq!(wrong(&|input| input.elements = many.clone().collect()), ["add"]);
        let ticket = ElementInput { kind: "code_ticket".into(), ..sound.elements[0].clone() };
        let poster = DesignInput { elements: vec![ticket], ..sound.clone() };
        let refusal = check_design(&poster, Purpose::Poster).unwrap_err();
        assert_eq!(refusal.problems[0].field, field("kind"), "a poster is for everybody's eyes");
    }

    #[test]
    fn a_preview_shows_what_can_be_read_and_else_what_was_kept() {
        let design = kept("badge_sheet");
        let mut input = DesignInput::of(&design);
        input.elements[0].x = "abc".into();
        input.elements[1].x = "1".into();
        input.height = "5".into();
        let drawn = sketch(&design, &input);
        assert_eq!(drawn.elements[0], design.elements[0]);
        assert_eq!(drawn.elements[1].frame.x, 10);
        assert_eq!(drawn.height, design.height);
    }

    #[test]
    fn every_kind_that_is_offered_can_be_added() {
        for plan in preset::ALL {
            let design = kept(plan.code);
            for kind in ElementKind::offered(design.purpose) {
                let mut input = DesignInput::of(&design);
                input.elements.push(fresh(&design, kind, design.next_element));
                check_design(&input, design.purpose).unwrap_or_else(|r| panic!("{} {kind:?}: {r}", plan.code));
            }
        }
    }
}
