//! Texts with pictures: how a kept one is shown, and the field that takes one, with the editor's module or as plain text without it.

use super::{
    form::{Form, Input},
    markdown, safe,
};
use domain::rich::{OPENS, Rich, document, to_markdown};
use maud::{Markup, html};

/// What stands in a field that holds no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Markdown.
    Markdown,
    /// Lines as they were typed.
    Lines,
}

/// A kept text as a part of a page.
pub fn rich(kept: &str, written: Written) -> Markup {
    match Rich::of(kept) {
        Rich::Document(html) => html! { div class="prose" { (safe(html.to_owned())) } },
        Rich::Text(text) => shown(text, written),
    }
}

fn shown(text: &str, written: Written) -> Markup {
    match written {
        Written::Markdown => markdown(text),
        Written::Lines => {
            let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
            html! {
                div class="prose" {
                    @for paragraph in paragraphs {
                        p { @for (at, line) in paragraph.lines().enumerate() { @if at > 0 { br; } (line) } }
                    }
                }
            }
        }
    }
}

/// Names of the editor's buttons, by what they do.
const BUTTONS: &[(&str, &str)] = &[
    ("p", "Body text"),
    ("h2", "Heading"),
    ("h3", "Subheading"),
    ("bold", "Bold"),
    ("italic", "Italic"),
    ("underline", "Underlined"),
    ("ul", "Bulleted list"),
    ("ol", "Numbered list"),
    ("quote", "Quotation"),
    ("link", "Link"),
    ("picture", "Picture"),
    ("table", "Insert table"),
    ("clear", "Without formatting"),
    ("undo", "Undo"),
    ("redo", "Redo"),
    ("row_add", "Add row"),
    ("row_remove", "Remove row"),
    ("column_add", "Add column"),
    ("column_remove", "Remove column"),
    ("column", "Column"),
    ("toolbar", "Formatting"),
    ("address", "Address of the link"),
    ("file", "Picture from this device"),
    ("alt", "What the picture shows"),
    ("set", "Put in"),
    ("unlink", "Remove the link"),
    ("cancel", "Cancel"),
    ("sending", "The picture is being uploaded…"),
    ("failed", "The picture could not be uploaded. Try again."),
    (
        "help",
        "Alt+F10 leads to the buttons, arrow keys from one to the next, Escape back to the text. Pictures can be pasted too.",
    ),
];

fn labels(form: &Form<'_>) -> String {
    let all = BUTTONS.iter().map(|(name, label)| ((*name).to_owned(), serde_json::Value::from(form.text.t(label))));
    serde_json::Value::Object(all.collect()).to_string()
}

impl Form<'_> {
    /// A text with pictures. Without the editor's module (`rich.js`) it is a field for text: a kept document stands in it as Markdown and stays
    /// what it was unless that is changed.
    pub fn rich(&self, of: &Input<'_>, rows: u8, written: Written) -> Markup {
        let kept = document(of.value);
        let plain = kept.as_deref().map_or_else(|| of.value.to_owned(), to_markdown);
        let start = match &kept {
            Some(html) => html! { div class="prose" { (safe(html.clone())) } },
            None => shown(of.value, written),
        };
        let field = self.wrap(of.name, of.label, of.help, of.required, |described, wrong| {
            html! {
                textarea id={ "f-" (of.name) } name=(of.name) rows=(rows) aria-describedby=[described] aria-invalid=[wrong.then_some("true")] { (plain) }
            }
        });
        html! {
            div data-rich=(labels(self)) data-max=(of.max) data-at="/admin/picture" data-markdown[written == Written::Markdown] {
                (field)
                @if let Some(html) = &kept { input type="hidden" name={ (of.name) "_was" } value={ (OPENS) (html) }; }
                div hidden data-rich-start { (start) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Lang, Text};
    use domain::rich::clean;

    /// The document that Markdown makes.
    fn made(markdown_text: &str) -> String {
        let html = markdown(markdown_text).into_string();
        let inner = html.strip_prefix("<div class=\"prose\">").and_then(|rest| rest.strip_suffix("</div>")).unwrap();
        clean(inner).replace('\n', "")
    }

    #[test]
    fn a_document_written_as_markdown_reads_as_the_same_document() {
        let documents = [
            "<h2>议程</h2><p>a <strong>b</strong> <em>c</em> <del>d</del></p>",
            "<ul><li>一</li><li>二<ul><li>三</li></ul></li></ul><p>四</p>",
            "<ol><li>a</li><li>b</li></ol>",
            "<blockquote><p>a</p><p>b</p></blockquote><p>c</p>",
            "<p>1. 不是列表</p><p># 不是标题</p><p>- 也不是</p><p>2*3*4_5_6 [a](b) `c` ~~d~~ | &lt;script&gt; &amp;lt;</p>",
            "<p><a href=\"https://example.org/?a=1&amp;b=2\">x</a> <img src=\"/picture/7\" alt=\"海报\"></p>",
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>c</td><td>d</td></tr></tbody></table>",
            "<p>a<br>b</p><hr><p>c</p>",
        ];
        for document in documents {
            assert_eq!(made(&to_markdown(document)), document, "{}", to_markdown(document));
        }
    }

    #[test]
    fn a_field_holds_the_document_beside_its_markdown() {
        let form = Form::new(Text(Lang::En), None);
        let field = |value: &str| {
            let input = Input { name: "intro", label: "Intro", value, max: 20, ..Input::default() };
            form.rich(&input, 5, Written::Lines).into_string()
        };
        let html = field("<!doctype html><h2>a</h2><script>x</script><p onclick=\"x\">b</p>");
        assert!(html.contains("## a\n\nb</textarea>") && html.contains("name=\"intro_was\""), "{html}");
        assert!(!html.contains("onclick") && !html.contains("<script"));
        let html = field("a\nb\n\n<c>");
        assert!(html.contains("<p>a<br>b</p><p>&lt;c&gt;</p>") && !html.contains("intro_was"), "{html}");
        assert!(rich("\u{1}<p>a</p>", Written::Lines).into_string().contains("<p>a</p>"));
        assert!(rich("<p>a</p>", Written::Lines).into_string().contains("&lt;p&gt;"));
    }
}
