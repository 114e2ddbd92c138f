//! Texts with pictures (S0-16, S0-17): a document is HTML of a few elements, made clean before it is kept. What was written as Markdown or as
//! plain lines stays what it was until the editor changes it.

mod write;

pub use write::{plain, to_markdown};

use crate::{problem, text, text::Form};
use ammonia::{Builder, UrlRelative};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// How a form says that a field holds a document.
pub const OPENS: &str = "<!doctype html>";
/// How a kept document begins: a character that cleaned text cannot hold, so that no older text passes for one.
const KEPT: char = '\u{1}';
/// Deepest nesting of a document: lists in quotes in tables, and then some.
const DEPTH_MAX: usize = 24;
/// Largest document that is looked at, in bytes for each character that the field takes: an editor sends far less.
const SENT_FACTOR: usize = 12;
/// Largest document that is kept, in bytes for each character that the field takes: as much as that many Chinese characters, and something
/// for the formatting of short ones.
const KEPT_FACTOR: usize = 3;
const KEPT_MORE: usize = 1_000;
/// How often what was made clean is made clean again until it stays as it is.
const PASSES: usize = 4;
/// Largest document that is shown again in a form, in bytes.
const SHOWN_MAX: usize = 1 << 20;

/// A kept text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rich<'a> {
    /// Clean HTML.
    Document(&'a str),
    /// What somebody typed into a plain field: Markdown, or lines.
    Text(&'a str),
}

impl<'a> Rich<'a> {
    /// What a kept text is.
    pub fn of(kept: &'a str) -> Self {
        kept.strip_prefix(KEPT).map_or(Self::Text(kept), Self::Document)
    }
}

/// A kept text as a form takes it.
pub fn typed(kept: &str) -> String {
    match Rich::of(kept) {
        Rich::Document(html) => format!("{OPENS}{html}"),
        Rich::Text(text) => text.to_owned(),
    }
}

/// The clean document that a field of a form holds; none when it holds text.
pub fn document(typed: &str) -> Option<String> {
    let html = typed.trim_start().strip_prefix(OPENS)?;
    Some(if html.len() > SHOWN_MAX { String::new() } else { clean(html) })
}

/// What is meant by a form in which a document was shown as Markdown: the document itself, unless the Markdown was changed.
pub fn meant(typed: &str, was: &str) -> String {
    match document(was) {
        Some(html) if text::block(typed) == text::block(&to_markdown(&html)) => format!("{OPENS}{html}"),
        _ => typed.to_owned(),
    }
}

/// A picture at the end of a text as a form takes it.
pub fn add_picture(typed: &mut String, alt: &str, number: u64) {
    let alt: String = alt.chars().filter(|c| c.is_alphanumeric()).take(30).collect();
    match document(typed) {
        Some(html) => *typed = format!("{OPENS}{html}<p><img src=\"/picture/{number}\" alt=\"{alt}\"></p>"),
        None => typed.push_str(&format!("\n\n![{alt}](/picture/{number})\n")),
    }
}

/// Reads a field that takes a document or text of at most `max` characters; answers what is kept.
pub fn take(form: &mut Form, field: &str, typed: &str, max: usize) -> String {
    let Some(sent) = typed.trim_start().strip_prefix(OPENS) else { return form.block(field, typed, max) };
    let wrong = problem!(
        field,
        "This is more formatting than can be kept. Paste the text without formatting, or take parts of it away."
    );
    if sent.len() > max * SENT_FACTOR {
        form.wrong(wrong);
        return String::new();
    }
    let html = clean(sent);
    let words = plain(&html);
    form.at_most(field, &words, max);
    if html.len() > max * KEPT_FACTOR + KEPT_MORE || write::depth(&html) > DEPTH_MAX {
        form.wrong(wrong);
    }
    if words.is_empty() && !html.contains("<img") {
        return String::new();
    }
    format!("{KEPT}{html}")
}

/// Whether a link may lead there: the web, mail, phone, or a page of this box.
pub fn may_lead(url: &str) -> bool {
    let lower = url.trim().to_ascii_lowercase();
    let own = lower.starts_with('/') && !lower.starts_with("//") && !lower.starts_with("/\\");
    own || ["https://", "http://", "mailto:", "tel:"].iter().any(|start| lower.starts_with(start))
}

/// Whether it is the address of a picture of this box.
pub fn is_picture(url: &str) -> bool {
    let number = url.strip_prefix("/picture/").unwrap_or("");
    (1..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

const TAGS: &[&str] = &[
    "p",
    "br",
    "h2",
    "h3",
    "h4",
    "strong",
    "b",
    "em",
    "i",
    "u",
    "s",
    "del",
    "a",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "code",
    "hr",
    "img",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
];
/// Elements that go away with all that is in them.
const DROPPED: &[&str] = &[
    "script", "style", "svg", "math", "iframe", "object", "embed", "template", "noscript", "title", "head", "textarea",
    "select", "button", "audio", "video", "canvas",
];

fn filter<'u>(element: &str, attribute: &str, value: &'u str) -> Option<Cow<'u, str>> {
    let fits = match (element, attribute) {
        ("a", "href") => may_lead(value) && value.len() <= 2_000,
        ("img", "src") => is_picture(value),
        ("img", "alt") => value.chars().count() <= 200,
        (_, "colspan" | "rowspan") => value.parse::<u8>().is_ok_and(|span| (1..=20).contains(&span)),
        _ => false,
    };
    fits.then_some(Cow::Borrowed(value))
}

fn cleaner() -> &'static Builder<'static> {
    static CLEANER: OnceLock<Builder<'static>> = OnceLock::new();
    CLEANER.get_or_init(|| {
        let of = |names: &[&'static str]| names.iter().copied().collect::<HashSet<_>>();
        let attributes: HashMap<&str, HashSet<&str>> = [
            ("a", of(&["href"])),
            ("img", of(&["src", "alt"])),
            ("td", of(&["colspan", "rowspan"])),
            ("th", of(&["colspan", "rowspan"])),
        ]
        .into();
        let mut builder = Builder::empty();
        builder
            .tags(of(TAGS))
            .clean_content_tags(of(DROPPED))
            .tag_attributes(attributes)
            .url_schemes(of(&["https", "http", "mailto", "tel"]))
            .url_relative(UrlRelative::PassThrough)
            .link_rel(None)
            .attribute_filter(filter);
        builder
    })
}

/// The document with nothing in it but what may stand in one, written in one way only.
pub fn clean(html: &str) -> String {
    let mut out = cleaned(html);
    // What strayed into a table is written where it is read otherwise than it was built.
    for _ in 0..PASSES {
        let again = cleaned(&out);
        if again == out {
            return out;
        }
        out = again;
    }
    // Nothing that an editor makes: its words alone.
    cleaned(&plain(&out).replace('&', "&amp;").replace('<', "&lt;"))
}

/// Cleaned once. What cannot be seen goes before and after: it may be written by its number, too.
fn cleaned(html: &str) -> String {
    let visible = |text: &str| -> String {
        text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || text::is_unseen(*c))).collect()
    };
    let clean = cleaner().clean(&visible(html)).to_string();
    write::without_empty_pictures(&visible(&clean)).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_documents_come_out_harmless() {
        let cases = [
            ("<p onclick=\"x()\">a</p>", "<p>a</p>"),
            ("<script>alert(1)</script><p>a</p>", "<p>a</p>"),
            ("<style>*{}</style><p style=\"position:fixed\" class=\"bar\" id=\"content\">a</p>", "<p>a</p>"),
            ("<a href=\"javascript:alert(1)\">a</a>", "<a>a</a>"),
            ("<a href=\" JaVaScRiPt:alert(1)\">a</a>", "<a>a</a>"),
            ("<a href=\"java\nscript:alert(1)\">a</a>", "<a>a</a>"),
            ("<a href=\"data:text/html,x\">a</a>", "<a>a</a>"),
            ("<a href=\"//evil.example\">a</a>", "<a>a</a>"),
            ("<a href=\"/\\evil.example\">a</a>", "<a>a</a>"),
            ("<a href=\"https://example.org/?a=1&b=2\">a</a>", "<a href=\"https://example.org/?a=1&amp;b=2\">a</a>"),
            ("<a href=\"/event/7\" target=\"_blank\">a</a>", "<a href=\"/event/7\">a</a>"),
            ("<img src=x onerror=alert(1)>", ""),
            ("<img src=\"https://evil.example/pixel.png\">", ""),
            ("<img src=\"/picture/7\" alt=\"a\" onload=\"x()\">", "<img src=\"/picture/7\" alt=\"a\">"),
            ("<img src=\"/picture/../admin\">", ""),
            ("<svg><a xlink:href=\"javascript:x\"><text>a</text></a></svg><p>b</p>", "<p>b</p>"),
            ("<svg><script>alert(1)</script></svg>b", "b"),
            ("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>b", "b"),
            ("<iframe src=\"/admin\">x</iframe><form action=\"/admin\"><input name=a>b</form>", "b"),
            ("<p>a<!-- comment --></p>", "<p>a</p>"),
            ("<p>a\u{202e}b\u{1}</p>", "<p>ab</p>"),
            ("<p>a&#x202e;b&#1;&#8203;</p>", "<p>ab</p>"),
            ("<a href=\"java&#x202e;script:alert(1)\">a</a>", "<a>a</a>"),
            ("<a href=\"java&#1;script:alert(1)\">a</a>", "<a>a</a>"),
            ("<a href=\"https&#x202e;://example.org\">a</a>", "<a>a</a>"),
            ("<b>a", "<b>a</b>"),
            ("a<li>b<table>c<li>d", "a<li>bc</li><li>d</li><table></table>"),
            ("<p>1 < 2 & 3</p>", "<p>1 &lt; 2 &amp; 3</p>"),
            (
                "<table><tr><td colspan=\"2\">a</td><td colspan=\"9999\">b</td></tr></table>",
                "<table><tbody><tr><td colspan=\"2\">a</td><td>b</td></tr></tbody></table>",
            ),
        ];
        for (sent, expected) in cases {
            assert_eq!(clean(sent), expected, "{sent}");
            assert_eq!(clean(&clean(sent)), expected, "cleaning twice changes nothing: {sent}");
        }
    }

    #[test]
    fn what_is_huge_or_nested_without_end_is_refused() {
        let read = |typed: &str, max: usize| {
            let mut form = Form::default();
            let kept = take(&mut form, "intro", typed, max);
            (kept, form.problems.len())
        };
        let of = |html: &str| format!("{OPENS}{html}");
        assert_eq!(read(&of("<p>你好</p>"), 2), ("\u{1}<p>你好</p>".to_owned(), 0));
        assert_eq!(read(&of("<p>你好</p>"), 1).1, 1, "a character too many");
        assert_eq!(read(&of(&"<b>".repeat(100_000)), 20_000).1, 1, "far more than an editor sends");
        let nested = |times: usize| of(&format!("{}a{}", "<blockquote>".repeat(times), "</blockquote>".repeat(times)));
        assert_eq!((read(&nested(24), 2_000).1, read(&nested(25), 2_000).1, read(&nested(900), 2_000).1), (0, 1, 1));
        assert_eq!(read(&of(&"<p></p>".repeat(2_000)), 2_000).1, 1, "nothing but formatting");
        assert_eq!(read(&of("<p><br></p><p> </p>"), 20).0, "", "an emptied editor leaves nothing");
        assert!(read(&of("<p><img src=\"/picture/3\"></p>"), 20).0.contains("/picture/3"));
    }

    #[test]
    fn markdown_and_lines_stay_what_they_are_and_never_pass_for_a_document() {
        let mut form = Form::default();
        for typed in ["# 标题\n\n**粗**", "\u{1}<script>x</script>", "<p>a</p>"] {
            let kept = take(&mut form, "intro", typed, 100);
            assert!(matches!(Rich::of(&kept), Rich::Text(_)), "{typed:?}");
        }
        assert!(form.problems.is_empty());
        let kept = take(&mut form, "intro", &format!("{OPENS}<p>a</p>"), 100);
        assert_eq!(Rich::of(&kept), Rich::Document("<p>a</p>"));
        assert_eq!(typed(&kept), format!("{OPENS}<p>a</p>"));
    }

    #[test]
    fn a_document_shown_as_markdown_stays_whole_until_the_markdown_is_changed() {
        let was = format!("{OPENS}<table><tbody><tr><td colspan=\"2\">a</td></tr></tbody></table><p><u>b</u></p>");
        let shown = to_markdown(&document(&was).unwrap());
        assert_eq!(meant(&shown.replace('\n', "\r\n"), &was), was);
        assert_eq!(meant("c", &was), "c");
        assert_eq!(meant("c", ""), "c");
        let mut typed = was.clone();
        add_picture(&mut typed, "海报\"<1>", 9);
        assert!(document(&typed).unwrap().ends_with("<p><img src=\"/picture/9\" alt=\"海报1\"></p>"));
        let mut text = "a".to_owned();
        add_picture(&mut text, "海报", 9);
        assert!(text.contains("![海报](/picture/9)"));
    }
}
