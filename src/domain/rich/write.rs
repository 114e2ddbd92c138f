//! Reads clean documents token by token: their words alone, their Markdown for a field without an editor, how deep they are nested. Only what
//! `clean` wrote is read here; it knows a few elements, double quotes and five entities.

/// A part of a clean document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open(&'a str, &'a str),
    Close(&'a str),
    Text(&'a str),
}

/// Elements without an end.
const VOID: &[&str] = &["br", "hr", "img"];
/// Elements that begin a line of their own.
const BLOCKS: &[&str] =
    &["p", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "pre", "hr", "table", "thead", "tbody", "tr", "br"];

/// The parts with their source.
fn tokens(html: &str) -> impl Iterator<Item = (&str, Token<'_>)> {
    let mut rest = html;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = if rest.starts_with('<') { tag_end(rest) } else { rest.find('<').unwrap_or(rest.len()) };
        let (raw, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after;
        let inner = raw.strip_prefix('<').and_then(|inner| inner.strip_suffix('>'));
        Some((raw, inner.map_or(Token::Text(raw), tag)))
    })
}

/// Where the tag at the beginning ends; a `>` in quotes does not end it.
fn tag_end(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn tag(inner: &str) -> Token<'_> {
    match inner.strip_prefix('/') {
        Some(name) => Token::Close(name),
        None => inner.split_once(' ').map_or(Token::Open(inner, ""), |(name, rest)| Token::Open(name, rest)),
    }
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        let (key, after) = rest.split_once("=\"")?;
        let (value, next) = after.split_once('"')?;
        if key.trim() == name {
            return Some(decoded(value));
        }
        rest = next;
    }
}

fn decoded(text: &str) -> String {
    text.replace("&nbsp;", "\u{a0}")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// How many elements enclose the innermost one, itself included.
pub(super) fn depth(html: &str) -> usize {
    let (mut deep, mut deepest) = (0usize, 0);
    for (_, token) in tokens(html) {
        match token {
            Token::Open(name, _) if !VOID.contains(&name) => deep += 1,
            Token::Close(_) => deep = deep.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(deep);
    }
    deepest
}

/// A picture whose address was not one of this box shows nothing.
pub(super) fn without_empty_pictures(html: &str) -> String {
    let empty =
        |token: &Token<'_>| matches!(token, Token::Open("img", attributes) if attribute(attributes, "src").is_none());
    tokens(html).filter(|(_, token)| !empty(token)).map(|(raw, _)| raw).collect()
}

/// The words of a clean document, a line for each of its lines.
pub fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for (_, token) in tokens(html) {
        match token {
            Token::Text(text) => out.push_str(&decoded(text)),
            Token::Open("td" | "th", _) => out.push(' '),
            Token::Open(name, _) | Token::Close(name) if BLOCKS.contains(&name) => out.push('\n'),
            Token::Open(..) | Token::Close(_) => {}
        }
    }
    let lines = out.lines().map(crate::text::line).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// A clean document as Markdown that reads as the same document, as far as Markdown goes: what is underlined is not, cells that span are not.
pub fn to_markdown(html: &str) -> String {
    let mut writer = Writer { fresh: true, ..Writer::default() };
    for (_, token) in tokens(html) {
        match token {
            Token::Text(text) => writer.text(&decoded(text)),
            Token::Open(name, attributes) => writer.open(name, attributes),
            Token::Close(name) => writer.close(name),
        }
    }
    writer.out.trim().to_owned()
}

#[derive(Default)]
struct Writer {
    out: String,
    /// What each line begins with, from the outermost quote or list inwards.
    indents: Vec<&'static str>,
    /// Lists that are open; numbers of the ordered ones.
    lists: Vec<Option<u32>>,
    /// Addresses of the links that are open.
    links: Vec<String>,
    /// Nothing stands in the block yet.
    fresh: bool,
    /// The next block follows without an empty line.
    tight: bool,
    preformatted: bool,
    /// Cells of the table's first row so far; none behind it.
    head: Option<usize>,
    in_cell: bool,
}

impl Writer {
    fn indent(&self) -> String {
        self.indents.concat()
    }

    fn line(&mut self) {
        let indent = self.indent();
        self.out.push('\n');
        self.out.push_str(&indent);
    }

    /// Begins a block on a line of its own, with an empty line above.
    fn block(&mut self) {
        if self.in_cell {
            return self.space();
        }
        if !self.fresh {
            if !self.tight {
                let indent = self.indent();
                self.out.push('\n');
                self.out.push_str(indent.trim_end());
            }
            self.line();
        }
        (self.fresh, self.tight) = (true, false);
    }

    fn space(&mut self) {
        if !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    fn raw(&mut self, text: &str) {
        self.out.push_str(text);
        self.fresh = false;
    }

    fn text(&mut self, text: &str) {
        if self.preformatted {
            for (at, line) in text.split('\n').enumerate() {
                if at > 0 {
                    self.line();
                }
                self.raw(line);
            }
            return;
        }
        let text = text.replace(['\n', '\t'], " ");
        let text = if self.fresh { text.trim_start() } else { &text };
        if text.is_empty() {
            return;
        }
        let escaped = escaped(text, self.fresh);
        self.raw(&escaped);
    }

    fn open(&mut self, name: &str, attributes: &str) {
        match name {
            "p" | "table" => self.block(),
            "h2" | "h3" | "h4" => {
                self.block();
                self.raw(if name == "h2" {
                    "## "
                } else if name == "h3" {
                    "### "
                } else {
                    "#### "
                });
                self.fresh = true;
            }
            "ul" | "ol" => {
                self.tight |= !self.lists.is_empty();
                self.block();
                self.lists.push((name == "ol").then_some(0));
                self.tight = true;
            }
            "li" => self.item(),
            "blockquote" => {
                self.block();
                self.indents.push("> ");
                self.raw("> ");
                self.fresh = true;
            }
            "pre" => {
                self.block();
                self.raw("```");
                self.line();
                self.preformatted = true;
            }
            "hr" => {
                self.block();
                self.raw("---");
            }
            "br" if self.in_cell => self.space(),
            "br" => {
                self.raw("\\");
                self.line();
            }
            "img" => self.picture(attributes),
            "a" => {
                self.links.push(attribute(attributes, "href").unwrap_or_default());
                self.raw("[");
            }
            "tr" => self.row(),
            "td" | "th" => {
                self.raw("| ");
                (self.in_cell, self.fresh) = (true, true);
                self.head = self.head.map(|cells| cells + 1);
            }
            other => self.mark(other),
        }
        if name == "table" {
            self.head = Some(0);
        }
    }

    fn item(&mut self) {
        self.tight = true;
        self.block();
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}. ")
            }
            _ => "- ".to_owned(),
        };
        let ordered = !mark.starts_with('-');
        self.raw(&mark);
        self.indents.push(if ordered { "   " } else { "  " });
        self.fresh = true;
    }

    fn row(&mut self) {
        if self.head.is_none() {
            self.line();
        }
        self.fresh = true;
    }

    fn picture(&mut self, attributes: &str) {
        let alt = attribute(attributes, "alt").unwrap_or_default();
        let alt: String = alt.chars().filter(|c| !matches!(c, '[' | ']' | '\\' | '\n')).collect();
        let src = attribute(attributes, "src").unwrap_or_default();
        self.raw(&format!("![{alt}]({src})"));
    }

    fn mark(&mut self, name: &str) {
        let mark = match name {
            "strong" | "b" => "**",
            "em" | "i" => "*",
            "s" | "del" => "~~",
            "code" if !self.preformatted => "`",
            _ => return,
        };
        self.out.push_str(mark);
    }

    fn close(&mut self, name: &str) {
        match name {
            "ul" | "ol" => {
                self.lists.pop();
                (self.tight, self.fresh) = (!self.lists.is_empty(), false);
            }
            "li" | "blockquote" => {
                self.indents.pop();
                self.fresh = false;
            }
            "pre" => {
                self.preformatted = false;
                self.line();
                self.raw("```");
            }
            "a" => {
                let to = self.links.pop().unwrap_or_default().replace(['(', ')', ' ', '<', '>'], "");
                self.raw(&format!("]({to})"));
            }
            "td" | "th" => {
                self.space();
                self.in_cell = false;
            }
            "tr" => {
                self.raw("|");
                if let Some(cells) = self.head.take() {
                    self.line();
                    self.raw(&format!("|{}", " --- |".repeat(cells)));
                }
            }
            other => self.mark(other),
        }
    }
}

/// Text with what Markdown would read as marks made plain; at the beginning of a block more of it is one.
fn escaped(text: &str, fresh: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '~' | '|' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    if !fresh {
        return out;
    }
    let digits = out.chars().take_while(char::is_ascii_digit).count();
    let numbered = digits > 0 && out.chars().nth(digits).is_some_and(|c| matches!(c, '.' | ')'));
    match out.chars().next() {
        Some('#' | '>' | '-' | '+' | '=') => out.insert(0, '\\'),
        _ if numbered => out.insert(digits, '\\'),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_document_are_read_line_by_line() {
        let html = "<h2>议程</h2><ul><li>一 &amp; 二</li><li>三<br>四</li></ul><table><tbody><tr><td>a</td><td>b</td></tr></tbody></table><p><img src=\"/picture/1\" alt=\"x\"></p>";
        assert_eq!(plain(html), "议程\n一 & 二\n三\n四\na b");
    }

    #[test]
    fn depth_counts_elements_with_an_end() {
        let cases = [("", 0), ("a", 0), ("<p>a<br></p>", 1), ("<ul><li><p>a</p></li></ul><p>b</p>", 3)];
        for (html, deep) in cases {
            assert_eq!(depth(html), deep, "{html}");
        }
    }

    #[test]
    fn a_document_is_written_as_markdown() {
        let cases = [
            ("<h2>题</h2><p>a <strong>b</strong> <em>c</em></p>", "## 题\n\na **b** *c*"),
            ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><p>d</p>", "- a\n- b\n  - c\n\nd"),
            ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
            ("<blockquote><p>a</p><p>b</p></blockquote><p>c</p>", "> a\n>\n> b\n\nc"),
            ("<p>a<br>b</p>", "a\\\nb"),
            ("<p><a href=\"https://example.org/?a=1&amp;b=2\">x</a></p>", "[x](https://example.org/?a=1&b=2)"),
            ("<p><img src=\"/picture/7\" alt=\"海报\"></p>", "![海报](/picture/7)"),
            (
                "<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td><td><p>d</p></td></tr></tbody></table>",
                "| a | b |\n| --- | --- |\n| c | d |",
            ),
            ("<p>1. 第一</p><p># x</p><p>2*3_4 [a] &lt;b&gt;</p>", "1\\. 第一\n\n\\# x\n\n2\\*3\\_4 \\[a\\] \\<b>"),
            ("<pre>a\nb</pre>", "```\na\nb\n```"),
            ("<p>a</p><hr><p>b</p>", "a\n\n---\n\nb"),
        ];
        for (html, markdown) in cases {
            assert_eq!(to_markdown(html), markdown, "{html}");
        }
    }
}
