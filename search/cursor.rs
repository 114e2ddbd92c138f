//! Walking through the entries that a plan finds, in their order, without holding them: terms, all, any, and side by side.

use crate::{fuzzy::OneEdit, plan::Node};
use tantivy::{
    DocId, DocSet, InvertedIndexReader, TERMINATED, TantivyError,
    postings::{Postings, SegmentPostings},
    schema::IndexRecordOption,
};

/// Most terms that a beginning or a mistyped word stands for.
const EXPANSIONS_MAX: usize = 64;

/// The two kinds of terms of a segment.
pub(crate) struct Lists<'a> {
    /// Terms of names, numbers and so on.
    pub terms: &'a InvertedIndexReader,
    /// Words of running text with their places.
    pub text: &'a InvertedIndexReader,
}

type Walk = Box<dyn DocSet>;

/// Opens a plan's node; none when it finds nothing.
pub(crate) fn open(node: &Node, lists: &Lists<'_>) -> Result<Option<Walk>, TantivyError> {
    match node {
        Node::Term(text) => term(lists.terms, text.as_bytes()),
        Node::Prefix(head) => prefix(lists.terms, head),
        Node::PlacedPrefix(head) => prefix(lists.text, head),
        Node::Near(class, word) => near(lists.terms, *class, word),
        Node::All(nodes) => {
            let mut walks = Vec::with_capacity(nodes.len());
            for node in nodes {
                match open(node, lists)? {
                    Some(walk) => walks.push(walk),
                    None => return Ok(None),
                }
            }
            Ok(all(walks))
        }
        Node::Any(nodes) => {
            let mut walks = Vec::with_capacity(nodes.len());
            for node in nodes {
                walks.extend(open(node, lists)?);
            }
            Ok(any(walks))
        }
        Node::Phrase(words) => phrase(lists.text, words),
    }
}

fn term(reader: &InvertedIndexReader, text: &[u8]) -> Result<Option<Walk>, TantivyError> {
    let Some(info) = reader.terms().get(text)? else { return Ok(None) };
    Ok(Some(Box::new(reader.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?)))
}

fn prefix(reader: &InvertedIndexReader, head: &str) -> Result<Option<Walk>, TantivyError> {
    let mut stream = reader.terms().range().ge(head.as_bytes()).into_stream()?;
    let mut walks: Vec<Walk> = Vec::new();
    while stream.advance() && walks.len() < EXPANSIONS_MAX && stream.key().starts_with(head.as_bytes()) {
        walks.push(Box::new(reader.read_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)?));
    }
    Ok(any(walks))
}

fn near(reader: &InvertedIndexReader, class: char, word: &str) -> Result<Option<Walk>, TantivyError> {
    let class = u8::try_from(class).unwrap_or(0);
    let Some(automaton) = OneEdit::new(class, word) else { return Ok(None) };
    let mut stream = reader.terms().search(automaton).into_stream()?;
    let mut walks: Vec<Walk> = Vec::new();
    while stream.advance() && walks.len() < EXPANSIONS_MAX {
        walks.push(Box::new(reader.read_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)?));
    }
    Ok(any(walks))
}

fn all(mut walks: Vec<Walk>) -> Option<Walk> {
    if walks.len() < 2 {
        return walks.pop();
    }
    walks.sort_by_key(|walk| walk.size_hint());
    let mut all = All { walks, doc: 0 };
    all.settle();
    Some(Box::new(all))
}

fn any(mut walks: Vec<Walk>) -> Option<Walk> {
    if walks.len() < 2 {
        return walks.pop();
    }
    let doc = walks.iter().map(|walk| walk.doc()).min().unwrap_or(TERMINATED);
    Some(Box::new(Any { walks, doc }))
}

/// Entries that all find; the shortest leads.
struct All {
    walks: Vec<Walk>,
    doc: DocId,
}

impl All {
    /// From where the first stands to the next place where all do.
    fn settle(&mut self) {
        let Some((lead, others)) = self.walks.split_first_mut() else { return };
        let mut doc = lead.doc();
        'again: while doc != TERMINATED {
            for other in others.iter_mut() {
                let there = if other.doc() < doc { other.seek(doc) } else { other.doc() };
                if there > doc {
                    doc = if there == TERMINATED { TERMINATED } else { lead.seek(there) };
                    continue 'again;
                }
            }
            break;
        }
        self.doc = doc;
    }
}

impl DocSet for All {
    fn advance(&mut self) -> DocId {
        if let Some(lead) = self.walks.first_mut() {
            lead.advance();
        }
        self.settle();
        self.doc
    }
    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc < target {
            if let Some(lead) = self.walks.first_mut().filter(|lead| lead.doc() < target) {
                lead.seek(target);
            }
            self.settle();
        }
        self.doc
    }
    fn doc(&self) -> DocId {
        self.doc
    }
    fn size_hint(&self) -> u32 {
        self.walks.first().map_or(0, |lead| lead.size_hint())
    }
}

/// Entries that any finds.
struct Any {
    walks: Vec<Walk>,
    doc: DocId,
}

impl DocSet for Any {
    fn advance(&mut self) -> DocId {
        let (here, mut next) = (self.doc, TERMINATED);
        for walk in &mut self.walks {
            let doc = if walk.doc() == here { walk.advance() } else { walk.doc() };
            next = next.min(doc);
        }
        self.doc = next;
        next
    }
    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc < target {
            let mut next = TERMINATED;
            for walk in &mut self.walks {
                let doc = if walk.doc() < target { walk.seek(target) } else { walk.doc() };
                next = next.min(doc);
            }
            self.doc = next;
        }
        self.doc
    }
    fn doc(&self) -> DocId {
        self.doc
    }
    fn size_hint(&self) -> u32 {
        self.walks.iter().map(|walk| walk.size_hint()).fold(0, u32::saturating_add)
    }
}

fn phrase(reader: &InvertedIndexReader, words: &[String]) -> Result<Option<Walk>, TantivyError> {
    if let [word] = words {
        return term(reader, word.as_bytes());
    }
    let mut parts = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let Some(info) = reader.terms().get(word.as_bytes())? else { return Ok(None) };
        let postings = reader.read_postings_from_terminfo(&info, IndexRecordOption::WithFreqsAndPositions)?;
        parts.push((at as u32, postings));
    }
    parts.sort_by_key(|(_, postings)| postings.size_hint());
    let mut phrase = Phrase { parts, doc: 0, here: Vec::new(), there: Vec::new() };
    phrase.settle();
    Ok(Some(Box::new(phrase)))
}

/// Entries in which words stand side by side.
struct Phrase {
    /// Each word's place in the phrase.
    parts: Vec<(u32, SegmentPostings)>,
    doc: DocId,
    here: Vec<u32>,
    there: Vec<u32>,
}

impl Phrase {
    fn settle(&mut self) {
        loop {
            let Some(((_, lead), others)) = self.parts.split_first_mut() else { return };
            let mut doc = lead.doc();
            'again: while doc != TERMINATED {
                for (_, other) in others.iter_mut() {
                    let there = if other.doc() < doc { other.seek(doc) } else { other.doc() };
                    if there > doc {
                        doc = if there == TERMINATED { TERMINATED } else { lead.seek(there) };
                        continue 'again;
                    }
                }
                break;
            }
            self.doc = doc;
            if doc == TERMINATED || self.is_side_by_side() {
                return;
            }
            if let Some((_, lead)) = self.parts.first_mut() {
                lead.advance();
            }
        }
    }

    fn is_side_by_side(&mut self) -> bool {
        let Some(((first, lead), others)) = self.parts.split_first_mut() else { return false };
        lead.positions(&mut self.here);
        let first = *first;
        // Where the phrase would begin, moved up by what no phrase is long.
        for place in &mut self.here {
            *place = (*place + 1_000).saturating_sub(first);
        }
        for (at, other) in others {
            other.positions(&mut self.there);
            for place in &mut self.there {
                *place = (*place + 1_000).saturating_sub(*at);
            }
            self.here.retain(|place| self.there.binary_search(place).is_ok());
            if self.here.is_empty() {
                return false;
            }
        }
        true
    }
}

impl DocSet for Phrase {
    fn advance(&mut self) -> DocId {
        if let Some((_, lead)) = self.parts.first_mut() {
            lead.advance();
        }
        self.settle();
        self.doc
    }
    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc < target {
            if let Some((_, lead)) = self.parts.first_mut().filter(|(_, lead)| lead.doc() < target) {
                lead.seek(target);
            }
            self.settle();
        }
        self.doc
    }
    fn doc(&self) -> DocId {
        self.doc
    }
    fn size_hint(&self) -> u32 {
        self.parts.first().map_or(0, |(_, lead)| lead.size_hint())
    }
}
