//! The small XML of pushed messages, read into a tree with limits. Document types and entities of their own are refused; unknown elements stay.

use crate::xml::resolved;
use quick_xml::{Reader, events::Event};

/// An element: its name, its own text, and what stands in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Name.
    pub name: String,
    /// Text directly in it, CDATA included.
    pub text: String,
    /// Elements in it, in their order.
    pub inner: Vec<Element>,
}

/// Longest text that is read.
const LENGTH_MAX: usize = 512 << 10;
/// Deepest nesting.
const DEPTH_MAX: usize = 12;
/// Most elements.
const ELEMENTS_MAX: usize = 2_000;

#[cfg(test)]
impl Element {
    /// The first element of that name in it.
    pub fn get(&self, name: &str) -> Option<&Element> {
        self.inner.iter().find(|inner| inner.name == name)
    }

    /// The text of the first element of that name in it; empty when there is none.
    pub fn text_of(&self, name: &str) -> &str {
        self.get(name).map_or("", |inner| inner.text.trim())
    }
}

/// Reads a document; `None` when it is not sound, too large or too deep.
pub fn parse(text: &str) -> Option<Element> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                count += 1;
                if open.len() >= DEPTH_MAX || count > ELEMENTS_MAX || root.is_some() {
                    return None;
                }
                open.push(Element { name: start.name().as_ref().to_owned(), ..Element::default() });
            }
            Event::Empty(start) => {
                count += 1;
                if count > ELEMENTS_MAX {
                    return None;
                }
                let element = Element { name: start.name().as_ref().to_owned(), ..Element::default() };
                open.last_mut()?.inner.push(element);
            }
            Event::End(_) => {
                let done = open.pop()?;
                match open.last_mut() {
                    Some(around) => around.inner.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(text) => {
                if let Some(current) = open.last_mut() {
                    current.text.push_str(&text);
                }
            }
            Event::CData(text) => open.last_mut()?.text.push_str(&text),
            Event::GeneralRef(reference) => open.last_mut()?.text.push(resolved(&reference)?),
            Event::DocType(_) => return None,
            Event::Eof => return root.filter(|_| open.is_empty()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
}

/// Text as it may stand in CDATA, whose end it must not hold.
pub fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushed_messages_are_read_with_what_is_nested() {
        let read = parse(
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>1403610513</CreateTime>\n<New/>\
             <Many><List><Id>1</Id></List><List><Id>a &amp; &#x62;</Id></List></Many></xml>",
        )
        .unwrap();
        assert_eq!(
            (read.name.as_str(), read.text_of("ToUserName"), read.text_of("CreateTime")),
            ("xml", "gh_1", "1403610513")
        );
        assert_eq!((read.text_of("New"), read.text_of("None")), ("", ""));
        let ids: Vec<_> = read.get("Many").unwrap().inner.iter().map(|list| list.text_of("Id")).collect();
        assert_eq!(ids, ["1", "a & b"]);
    }

    #[test]
    fn what_hurts_or_is_not_sound_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        let many = format!("<x>{}</x>", "<a></a>".repeat(3_000));
        let long = format!("<x>{}</x>", "y".repeat(LENGTH_MAX));
        for text in [
            "",
            "x",
            "<xml>",
            "<xml></yml>",
            "<a/><b/>",
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>",
            "<x>&unknown;</x>",
            "<x>&#xd800;</x>",
            &deep,
            &many,
            &long,
        ] {
            assert_eq!(parse(text), None, "{text:.60}");
        }
    }

    #[test]
    fn cdata_never_ends_early() {
        for text in ["plain", "]]>", "a]]]]>b", "<b>&"] {
            let read = parse(&format!("<x>{}</x>", cdata(text))).unwrap();
            assert_eq!(read.text, text);
        }
    }
}
