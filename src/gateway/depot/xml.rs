//! The XML of listings, read into rows: an element right below the root is a row, whatever has text deeper in it a field. Names are without
//! their namespace's prefix. Document types are refused.

use crate::xml::resolved;
use quick_xml::{Reader, events::Event};

/// An element below the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub name: String,
    /// Its own text.
    pub text: String,
    /// Name and text of what stands in it, at any depth, in the order of their ends.
    pub fields: Vec<(String, String)>,
}

impl Row {
    /// The first text of that name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(kept, text)| kept == name && !text.is_empty()).map(|(_, text)| text.as_str())
    }

    /// Whether an element of that name stands in it.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(kept, _)| kept == name)
    }
}

/// Deepest nesting.
const DEPTH_MAX: usize = 16;

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

/// The rows of a document; `None` when it is not sound. The caller limits its length.
pub(super) fn rows(bytes: &[u8]) -> Option<Vec<Row>> {
    let mut reader = Reader::from_str(std::str::from_utf8(bytes).ok()?);
    let mut open: Vec<(String, String)> = Vec::new();
    let (mut rows, mut row, mut ended) = (Vec::new(), Row::default(), false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() >= DEPTH_MAX || ended {
                    return None;
                }
                open.push((local(start.name().as_ref()), String::new()));
            }
            Event::Empty(start) => {
                let name = local(start.name().as_ref());
                match open.len() {
                    0 => ended = true,
                    1 => rows.push(Row { name, ..Row::default() }),
                    _ => row.fields.push((name, String::new())),
                }
            }
            Event::End(_) => {
                let (name, text) = open.pop()?;
                let text = text.trim().to_owned();
                match open.len() {
                    0 => ended = true,
                    1 => rows.push(Row { name, text, ..std::mem::take(&mut row) }),
                    _ => row.fields.push((name, text)),
                }
            }
            Event::Text(text) => {
                if let Some((_, kept)) = open.last_mut() {
                    kept.push_str(&text);
                }
            }
            Event::CData(text) => open.last_mut()?.1.push_str(&text),
            Event::GeneralRef(reference) => open.last_mut()?.1.push(resolved(&reference)?),
            Event::DocType(_) => return None,
            Event::Eof => return ended.then_some(rows),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_their_fields_whatever_the_prefix_and_what_is_cut_is_no_document() {
        let text = "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>/a%20b/&amp;c</D:href>\
            <D:propstat><D:prop><D:getcontentlength/><D:resourcetype><D:collection/></D:resourcetype></D:prop>\
            <D:status>HTTP/1.1 404 Not Found</D:status></D:propstat><D:propstat><D:prop><D:getcontentlength>7\
            </D:getcontentlength></D:prop></D:propstat></D:response><D:note>x</D:note></D:multistatus>";
        let found = rows(text.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].get("href"), found[0].get("getcontentlength")), (Some("/a%20b/&c"), Some("7")));
        assert!(found[0].has("collection") && !found[0].has("lockdiscovery"));
        assert_eq!((found[1].name.as_str(), found[1].text.as_str()), ("note", "x"));
        for bad in
            [&text[..text.len() - 3], "", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a>&nothing;</a>", "<a></b>"]
        {
            assert_eq!(rows(bad.as_bytes()), None, "{bad}");
        }
    }
}
