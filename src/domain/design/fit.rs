//! How a text fits its frame: on one line made smaller, or broken into lines, by measured widths. Whoever has the font measures; where
//! there is none, [`estimate`] does.

/// Height of a line by height of type.
pub const LEADING: f32 = 1.25;
/// Type is made at most this much smaller; then the text is cut.
const LEAST: f32 = 0.3;
/// As long as one line leaves this much of the wanted height, it is not broken.
const ONE_LINE: f32 = 0.6;

/// A text as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Laid {
    /// Height of type, in the unit of the frame.
    pub size: f32,
    /// Its lines.
    pub lines: Vec<String>,
}

/// Whether a text stays on one line where it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// A name: smaller rather than broken.
    Line,
    /// A paragraph: broken rather than smaller.
    Paragraph,
}

/// About how wide a text is, by height of type: Chinese is a square, Latin about half of one.
pub fn estimate(text: &str) -> f32 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | '\'' | '!' | '|' | ':' => 0.3,
            'm' | 'w' | 'M' | 'W' | '@' => 0.9,
            'A'..='Z' => 0.68,
            _ if (c as u32) < 0x1100 => 0.56,
            _ => 1.0,
        })
        .sum()
}

/// Puts `text` into a frame of `width` and `height` with type of `size` at most. `measure` tells the width of a text by height of type.
pub fn lay(text: &str, (width, height): (f32, f32), size: f32, flow: Flow, measure: &dyn Fn(&str) -> f32) -> Laid {
    let (width, height, size) = (width.max(1.0), height.max(1.0), size.max(1.0));
    let tallest = size.min(height / LEADING);
    let single = !text.contains('\n');
    let one = if single { tallest.min(width / measure(text).max(f32::EPSILON)) } else { 0.0 };
    if single && (one >= tallest || flow == Flow::Line && one >= tallest * ONE_LINE) {
        return Laid { size: one, lines: vec![text.to_owned()] };
    }
    let mut try_size = tallest;
    loop {
        let (lines, whole) = broken(text, width / try_size, measure);
        if whole && lines.len() as f32 * LEADING * try_size <= height + 0.01 {
            return Laid { size: try_size, lines };
        }
        if single && one >= try_size {
            return Laid { size: one, lines: vec![text.to_owned()] };
        }
        if try_size <= size * LEAST {
            return cut(lines, try_size, width, height, measure);
        }
        try_size = (try_size * 0.94).max(size * LEAST);
    }
}

/// Lines no wider than `width` heights of type, and whether no word had to be torn.
fn broken(text: &str, width: f32, measure: &dyn Fn(&str) -> f32) -> (Vec<String>, bool) {
    let (mut lines, mut whole) = (Vec::new(), true);
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for piece in pieces(paragraph) {
            if measure(&format!("{line}{}", piece.trim_end())) <= width {
                line.push_str(piece);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            line.push_str(piece.trim_start());
            while measure(line.trim_end()) > width && line.chars().count() > 1 {
                whole = false;
                let head = prefix(&line, width, measure);
                lines.push(head.clone());
                line = line.chars().skip(head.chars().count()).collect();
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    (lines, whole)
}

/// What is not torn: runs of Latin with the blank behind them, and single characters of scripts without blanks, each with the closing
/// signs that may not begin a line.
fn pieces(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let joins = match before {
            None => false,
            Some(before) => closes(c) || opens(before) || joins(before) && joins(c) || c == ' ',
        };
        if !joins {
            starts.push(at);
        }
        before = Some(c);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(from, to)| text.get(*from..to)).collect()
}

fn joins(c: char) -> bool {
    (c as u32) < 0x1100 && c != ' '
}

fn closes(c: char) -> bool {
    "，。、；：？！）》」』】”’%,.;:?!)]}…".contains(c)
}

fn opens(c: char) -> bool {
    "（《「『【“‘([{".contains(c)
}

/// The longest beginning that is no wider than `width`, at least one character.
fn prefix(text: &str, width: f32, measure: &dyn Fn(&str) -> f32) -> String {
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if measure(&out) > width {
            if out.chars().count() > 1 {
                out.pop();
            }
            break;
        }
    }
    out
}

fn cut(mut lines: Vec<String>, size: f32, width: f32, height: f32, measure: &dyn Fn(&str) -> f32) -> Laid {
    let room = ((height / (LEADING * size)) + 0.01).floor().max(1.0) as usize;
    if lines.len() > room {
        lines.truncate(room);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && measure(&format!("{last}…")) > width / size {
                last.pop();
            }
            last.push('…');
        }
    }
    Laid { size, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(text: &str, width: f32, height: f32, flow: Flow) -> Laid {
        lay(text, (width, height), 100.0, flow, &estimate)
    }

    #[test]
    fn a_long_name_becomes_smaller_until_it_fits() {
        let cases = [
            ("张三", 600.0, 100.0),
            ("欧阳若曦", 600.0, 100.0),
            ("欧阳若曦", 300.0, 75.0),
            ("阿依古丽买买提", 500.0, 500.0 / 7.0),
        ];
        for (name, width, size) in cases {
            let laid = laid(name, width, 130.0, Flow::Line);
            assert_eq!(laid.lines, [name]);
            assert!((laid.size - size).abs() < 0.1, "{name} in {width}: {}", laid.size);
        }
    }

    #[test]
    fn type_is_never_taller_than_its_frame() {
        assert!(laid("张三", 900.0, 50.0, Flow::Line).size <= 40.0);
    }

    #[test]
    fn paragraphs_are_broken_between_words_and_never_before_a_closing_sign() {
        let text = "兹证明张三同志参加了年会，特发此证。";
        let broken = laid(text, 500.0, 700.0, Flow::Paragraph);
        assert_eq!(broken.size, 100.0);
        assert!(broken.lines.len() > 2);
        assert!(broken.lines.iter().all(|line| estimate(line) <= 5.0 && !line.starts_with(['，', '。'])), "{broken:?}");
        assert_eq!(broken.lines.concat(), text);
        let english = laid("certificate of attendance", 750.0, 500.0, Flow::Paragraph);
        assert_eq!(english.lines, ["certificate of", "attendance"]);
        assert_eq!(laid("a\nb", 500.0, 400.0, Flow::Paragraph).lines, ["a", "b"]);
    }

    #[test]
    fn whatever_is_laid_stays_in_its_frame() {
        let long = "长".repeat(400);
        let mixed = "Supercalifragilistic 超长的 word ".repeat(20);
        for text in [long.as_str(), mixed.as_str(), "", " ", "一", "W"] {
            for (width, height) in [(1.0, 1.0), (50.0, 300.0), (300.0, 50.0), (900.0, 900.0)] {
                for flow in [Flow::Line, Flow::Paragraph] {
                    let laid = laid(text, width, height, flow);
                    assert!(laid.size > 0.0 && !laid.lines.is_empty());
                    let high = laid.lines.len() as f32 * LEADING * laid.size;
                    assert!(high <= height + 0.1 || laid.lines.len() == 1, "{width}×{height}: {high}");
                    for line in &laid.lines {
                        let one = line.chars().count() <= 1;
                        assert!(one || estimate(line) * laid.size <= width * 1.001 + 0.1, "{width}×{height}: {line}");
                    }
                }
            }
        }
    }
}
