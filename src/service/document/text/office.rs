//! Word, PowerPoint and OpenDocument files: packed XML, of which only the text and where pages end is of interest.

use super::{PART_MAX, TEXT_MAX, is_locked};
use domain::document::Why;
use quick_xml::{Reader, events::Event};
use std::io::{Cursor, Read};
use zip::ZipArchive;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

fn unpack(bytes: &[u8]) -> Result<Archive<'_>, Why> {
    if is_locked(bytes) {
        return Err(Why::Locked);
    }
    ZipArchive::new(Cursor::new(bytes)).map_err(|_| Why::Damaged)
}

fn part(archive: &mut Archive<'_>, name: &str) -> Result<String, Why> {
    let part = archive.by_name(name).map_err(|_| Why::Damaged)?;
    let mut text = String::new();
    part.take(PART_MAX).read_to_string(&mut text).map_err(|_| Why::Damaged)?;
    Ok(text)
}

/// What an element means for the text.
enum Meaning {
    /// Text stands in it.
    Text,
    /// A line ends with it.
    Line,
    /// A blank.
    Blank,
    /// A page ends here.
    Page,
    Nothing,
}

/// Reads XML into pages. Text counts where `meaning` says so, or everywhere with `all`.
fn pages(xml: &str, all: bool, meaning: impl Fn(&str, &[(String, String)]) -> Meaning) -> Result<Vec<String>, Why> {
    let mut reader = Reader::from_str(xml);
    let mut pages = vec![String::new()];
    let (mut inside, mut length, mut depth) = (0usize, 0usize, 0usize);
    loop {
        let event = reader.read_event().map_err(|_| Why::Damaged)?;
        let (name, attributes, empty) = match &event {
            Event::Start(start) => {
                depth += 1;
                (name_of(start), attributes_of(start), false)
            }
            Event::Empty(start) => (name_of(start), attributes_of(start), true),
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                let name = local(end.name().as_ref());
                match meaning(&name, &[]) {
                    Meaning::Text => inside = inside.saturating_sub(1),
                    Meaning::Line => push(&mut pages, "\n"),
                    Meaning::Blank | Meaning::Page | Meaning::Nothing => {}
                }
                continue;
            }
            Event::Text(text) if all || inside > 0 => {
                length += text.len();
                push(&mut pages, text);
                if length > TEXT_MAX * 3 {
                    return Ok(pages);
                }
                continue;
            }
            Event::GeneralRef(reference) if all || inside > 0 => {
                push(&mut pages, &resolved(reference));
                continue;
            }
            // A file that was cut off ends inside of something.
            Event::Eof => return if depth == 0 { Ok(pages) } else { Err(Why::Damaged) },
            _ => continue,
        };
        match meaning(&name, &attributes) {
            Meaning::Text => inside += usize::from(!empty),
            Meaning::Blank => push(&mut pages, " "),
            Meaning::Line if empty => push(&mut pages, "\n"),
            Meaning::Page if pages.last().is_some_and(|page| !page.trim().is_empty()) => pages.push(String::new()),
            Meaning::Line | Meaning::Page | Meaning::Nothing => {}
        }
    }
}

fn push(pages: &mut [String], text: &str) {
    if let Some(page) = pages.last_mut() {
        page.push_str(text);
    }
}

fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let known = match reference.as_ref() {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => " ",
    };
    known.to_owned()
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

fn name_of(start: &quick_xml::events::BytesStart<'_>) -> String {
    local(start.name().as_ref())
}

fn attributes_of(start: &quick_xml::events::BytesStart<'_>) -> Vec<(String, String)> {
    let found = start.attributes().take(20).flatten();
    found.map(|attribute| (local(attribute.key.as_ref()), attribute.value.as_ref().to_owned())).collect()
}

/// Word: pages end where Word last saw them end, or where a break was set.
pub fn docx(bytes: &[u8]) -> Result<Vec<String>, Why> {
    let xml = part(&mut unpack(bytes)?, "word/document.xml")?;
    pages(&xml, false, |name, attributes| match name {
        "t" => Meaning::Text,
        "p" | "tr" => Meaning::Line,
        "tab" | "cr" => Meaning::Blank,
        "lastRenderedPageBreak" => Meaning::Page,
        "br" if attributes.iter().any(|(key, value)| key == "type" && value == "page") => Meaning::Page,
        "br" => Meaning::Blank,
        _ => Meaning::Nothing,
    })
}

/// Most slides.
const SLIDES_MAX: usize = 2_000;

/// PowerPoint: a slide is a page.
pub fn pptx(bytes: &[u8]) -> Result<Vec<String>, Why> {
    let mut archive = unpack(bytes)?;
    let number = |name: &str| name.strip_prefix("ppt/slides/slide")?.strip_suffix(".xml")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = archive.file_names().flatten().filter_map(|name| number(&name)).collect();
    numbers.sort_unstable();
    let mut out = Vec::new();
    for number in numbers.into_iter().take(SLIDES_MAX) {
        let xml = part(&mut archive, &format!("ppt/slides/slide{number}.xml"))?;
        let slide = pages(&xml, false, |name, _| match name {
            "t" => Meaning::Text,
            "p" => Meaning::Line,
            "br" | "tab" => Meaning::Blank,
            _ => Meaning::Nothing,
        })?;
        out.push(slide.concat());
    }
    if out.is_empty() { Err(Why::Damaged) } else { Ok(out) }
}

/// OpenDocument text.
pub fn odt(bytes: &[u8]) -> Result<Vec<String>, Why> {
    let xml = part(&mut unpack(bytes)?, "content.xml")?;
    let body = xml.find("<office:body").and_then(|at| xml.get(at..)).unwrap_or(&xml);
    let body = body.split_once("</office:body>").map_or(body, |(body, _)| body);
    pages(&format!("{body}</office:body>"), true, |name, _| match name {
        "p" | "h" | "table-row" => Meaning::Line,
        "s" | "tab" | "line-break" => Meaning::Blank,
        "soft-page-break" => Meaning::Page,
        _ => Meaning::Nothing,
    })
}
