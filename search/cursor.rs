//! Walking through the entries that a plan finds, in their order, without holding them: terms, all, any, and side by side.

use crate::{fuzzy::OneEdit, plan::Node, steps::Steps};
use tantivy::{
    DocId, DocSet, InvertedIndexReader, TERMINATED, TantivyError,
    postings::{Postings, TermInfo},
    schema::IndexRecordOption,
};

#[cfg(not(test))]
type Placed = tantivy::postings::SegmentPostings;
#[cfg(test)]
type Placed = counted::Counted;

/// Most terms that a beginning or a mistyped word stands for.
const EXPANSIONS_MAX: usize = 64;

/// The two kinds of terms of a segment.
pub(crate) struct Lists<'a> {
    /// Terms of names, numbers and so on.
    pub terms: &'a InvertedIndexReader,
    /// Words of running text with their places.
    pub text: &'a InvertedIndexReader,
    /// What walking costs.
    pub steps: &'a Steps,
}

/// Entries in their order.
pub(crate) type Walk = Box<dyn DocSet>;

/// Steps that opening a list costs: about as long as passing so many entries.
const OPENING: u32 = 150;
/// Steps that reading the places of a word in an entry costs.
const PLACES: u32 = 8;

/// Opens a plan's node; none when it finds nothing.
pub(crate) fn open(node: &Node, lists: &Lists<'_>) -> Result<Option<Walk>, TantivyError> {
    match node {
        Node::Term(text) => term(lists.terms, text.as_bytes(), lists.steps),
        Node::Prefix(head) => prefix(lists.terms, head, lists.steps),
        Node::PlacedPrefix(head) => prefix(lists.text, head, lists.steps),
        Node::Near(class, word) => near(lists.terms, *class, word, lists.steps),
        Node::All(nodes) => {
            let mut walks = Vec::with_capacity(nodes.len());
            for node in nodes {
                match open(node, lists)? {
                    Some(walk) => walks.push(walk),
                    None => return Ok(None),
                }
            }
            Ok(all(walks, lists.steps))
        }
        Node::Any(nodes) => {
            let mut walks = Vec::with_capacity(nodes.len());
            for node in nodes {
                walks.extend(open(node, lists)?);
            }
            Ok(any(walks, lists.steps))
        }
        Node::Phrase(words) => phrase(lists.text, words, lists.steps),
    }
}

fn term(reader: &InvertedIndexReader, text: &[u8], steps: &Steps) -> Result<Option<Walk>, TantivyError> {
    if !steps.take(OPENING) {
        return Ok(None);
    }
    let Some(info) = reader.terms().get(text)? else { return Ok(None) };
    Ok(Some(list(reader, &info)?))
}

fn list(reader: &InvertedIndexReader, info: &TermInfo) -> Result<Walk, TantivyError> {
    let postings = reader.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    #[cfg(test)]
    let postings = counted::Counted(postings);
    Ok(Box::new(postings))
}

fn prefix(reader: &InvertedIndexReader, head: &str, steps: &Steps) -> Result<Option<Walk>, TantivyError> {
    let mut stream = reader.terms().range().ge(head.as_bytes()).into_stream()?;
    let mut walks: Vec<Walk> = Vec::new();
    while stream.advance()
        && walks.len() < EXPANSIONS_MAX
        && stream.key().starts_with(head.as_bytes())
        && steps.take(OPENING)
    {
        walks.push(list(reader, stream.value())?);
    }
    Ok(any(walks, steps))
}

fn near(reader: &InvertedIndexReader, class: char, word: &str, steps: &Steps) -> Result<Option<Walk>, TantivyError> {
    let class = u8::try_from(class).unwrap_or(0);
    let Some(automaton) = OneEdit::new(class, word, steps) else { return Ok(None) };
    let mut stream = reader.terms().search(automaton).into_stream()?;
    let mut walks: Vec<Walk> = Vec::new();
    while stream.advance() && walks.len() < EXPANSIONS_MAX && steps.take(OPENING) {
        walks.push(list(reader, stream.value())?);
    }
    Ok(any(walks, steps))
}

fn all(mut walks: Vec<Walk>, steps: &Steps) -> Option<Walk> {
    if walks.len() < 2 {
        return walks.pop();
    }
    walks.sort_by_key(|walk| walk.size_hint());
    let mut all = All { walks, doc: 0, steps: steps.clone() };
    all.settle();
    Some(Box::new(all))
}

fn any(mut walks: Vec<Walk>, steps: &Steps) -> Option<Walk> {
    if walks.len() < 2 {
        return walks.pop();
    }
    let doc = walks.iter().map(|walk| walk.doc()).min().unwrap_or(TERMINATED);
    let cost = u32::try_from(walks.len()).unwrap_or(u32::MAX);
    Some(Box::new(Any { walks, doc, cost, steps: steps.clone() }))
}

/// Entries that all find; the shortest leads.
struct All {
    walks: Vec<Walk>,
    doc: DocId,
    steps: Steps,
}

impl All {
    /// From where the first stands to the next place where all do.
    fn settle(&mut self) {
        let Some((lead, others)) = self.walks.split_first_mut() else { return };
        let mut doc = lead.doc();
        'again: while doc != TERMINATED {
            for other in others.iter_mut() {
                if !self.steps.take(1) {
                    doc = TERMINATED;
                    break 'again;
                }
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
    cost: u32,
    steps: Steps,
}

impl DocSet for Any {
    fn advance(&mut self) -> DocId {
        let (here, mut next) = (self.doc, TERMINATED);
        if !self.steps.take(self.cost) {
            self.doc = TERMINATED;
            return TERMINATED;
        }
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
            if !self.steps.take(self.cost) {
                self.doc = TERMINATED;
                return TERMINATED;
            }
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

fn phrase(reader: &InvertedIndexReader, words: &[String], steps: &Steps) -> Result<Option<Walk>, TantivyError> {
    if let [word] = words {
        return term(reader, word.as_bytes(), steps);
    }
    let mut parts = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        if !steps.take(OPENING) {
            return Ok(None);
        }
        let Some(info) = reader.terms().get(word.as_bytes())? else { return Ok(None) };
        let postings = reader.read_postings_from_terminfo(&info, IndexRecordOption::WithFreqsAndPositions)?;
        #[cfg(test)]
        let postings = counted::Counted(postings);
        parts.push((at as u32, postings));
    }
    parts.sort_by_key(|(_, postings)| postings.size_hint());
    let mut phrase = Phrase { parts, doc: 0, here: Vec::new(), there: Vec::new(), steps: steps.clone() };
    phrase.settle();
    Ok(Some(Box::new(phrase)))
}

/// Entries in which words stand side by side.
struct Phrase {
    /// Each word's place in the phrase.
    parts: Vec<(u32, Placed)>,
    doc: DocId,
    here: Vec<u32>,
    there: Vec<u32>,
    steps: Steps,
}

impl Phrase {
    fn settle(&mut self) {
        loop {
            let Some(((_, lead), others)) = self.parts.split_first_mut() else { return };
            let mut doc = lead.doc();
            'again: while doc != TERMINATED {
                for (_, other) in others.iter_mut() {
                    if !self.steps.take(1) {
                        doc = TERMINATED;
                        break 'again;
                    }
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
        self.steps.take(PLACES + u32::try_from(self.here.len()).unwrap_or(u32::MAX));
        let first = *first;
        // Where the phrase would begin, moved up by what no phrase is long.
        for place in &mut self.here {
            *place = (*place + 1_000).saturating_sub(first);
        }
        for (at, other) in others {
            other.positions(&mut self.there);
            self.steps.take(PLACES + u32::try_from(self.there.len()).unwrap_or(u32::MAX));
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

/// Lists that count what is done with them, for the test that steps bound it.
#[cfg(test)]
pub(crate) mod counted {
    use super::*;
    use std::cell::Cell;
    use tantivy::postings::SegmentPostings;

    thread_local! {
        /// How often lists of this thread were moved on.
        pub static MOVES: Cell<u64> = const { Cell::new(0) };
    }

    pub struct Counted(pub SegmentPostings);

    impl DocSet for Counted {
        fn advance(&mut self) -> DocId {
            MOVES.set(MOVES.get() + 1);
            self.0.advance()
        }
        fn seek(&mut self, target: DocId) -> DocId {
            MOVES.set(MOVES.get() + 1);
            self.0.seek(target)
        }
        fn doc(&self) -> DocId {
            self.0.doc()
        }
        fn size_hint(&self) -> u32 {
            self.0.size_hint()
        }
    }

    impl Postings for Counted {
        fn term_freq(&self) -> u32 {
            self.0.term_freq()
        }
        fn append_positions_with_offset(&mut self, offset: u32, output: &mut Vec<u32>) {
            MOVES.set(MOVES.get() + 1);
            self.0.append_positions_with_offset(offset, output);
        }
    }
}
