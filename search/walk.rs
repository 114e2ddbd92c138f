//! The words of a query walked through together, entry by entry: where all of them stand, and how well they fit there.

use crate::{
    Damage,
    cursor::{Lists, Walk, open},
    index::Segment,
    plan::Want,
    steps::Steps,
};
use std::ops::ControlFlow;
use tantivy::{DocId, TERMINATED};

/// A word while it is being walked through.
pub(crate) struct Walked {
    ways: Vec<(f32, bool, Walk)>,
    doc: DocId,
    without: bool,
}

impl Walked {
    fn open(want: &Want, lists: &Lists<'_>) -> Result<Self, Damage> {
        let mut ways = Vec::with_capacity(want.ways.len());
        for way in &want.ways {
            if let Some(walk) = open(&way.node, lists)? {
                ways.push((way.score, way.guarded, walk));
            }
        }
        let mut walked = Self { ways, doc: 0, without: want.without };
        walked.settle();
        Ok(walked)
    }

    fn settle(&mut self) {
        self.doc = self.ways.iter().map(|(_, _, walk)| walk.doc()).min().unwrap_or(TERMINATED);
    }

    fn advance(&mut self) {
        for (_, _, walk) in &mut self.ways {
            if walk.doc() == self.doc {
                walk.advance();
            }
        }
        self.settle();
    }

    /// To this entry, or the next one behind it.
    pub fn seek(&mut self, target: DocId) -> DocId {
        if self.doc < target {
            for (_, _, walk) in &mut self.ways {
                if walk.doc() < target {
                    walk.seek(target);
                }
            }
            self.settle();
        }
        self.doc
    }

    fn size(&self) -> u64 {
        self.ways.iter().map(|(_, _, walk)| u64::from(walk.size_hint())).sum()
    }

    /// How well it fits at the place where it stands; none when only in ways that the asker may not use.
    pub fn score(&self, unmasked: bool) -> Option<f32> {
        let here = self.ways.iter().filter(|(_, guarded, walk)| walk.doc() == self.doc && (unmasked || !guarded));
        here.map(|(score, _, _)| *score).reduce(f32::max)
    }
}

/// How well words fit together at the place where they stand; none when one of them does not.
pub(crate) fn score(words: &[Walked], unmasked: bool) -> Option<f32> {
    words.iter().try_fold(0.0, |sum, word| Some(sum + word.score(unmasked)?))
}

/// The words of a query in one piece of the index.
pub(crate) struct Words {
    with: Vec<Walked>,
    without: Vec<Walked>,
    /// Steps that one entry costs.
    cost: u32,
}

impl Words {
    /// Opens them; none when there is nothing that has all of them.
    pub fn open(wants: &[Want], segment: &Segment, steps: &Steps) -> Result<Option<Self>, Damage> {
        let lists = Lists { terms: &segment.terms, text: &segment.text, steps };
        let (mut with, mut without) = (Vec::with_capacity(wants.len()), Vec::new());
        for want in wants {
            let word = Walked::open(want, &lists)?;
            if word.without {
                without.push(word);
            } else if word.doc == TERMINATED {
                return Ok(None);
            } else {
                with.push(word);
            }
        }
        with.sort_by_key(Walked::size);
        let cost = with.iter().chain(&without).map(|word| word.ways.len()).sum::<usize>();
        Ok(Some(Self { with, without, cost: u32::try_from(cost).unwrap_or(u32::MAX).saturating_add(1) }))
    }

    /// Calls `f` for every entry in which all words stand that must, with these words and with those that must not. Broken off when `f`
    /// breaks off or there are no steps left.
    pub fn each(
        mut self,
        segment: &Segment,
        steps: &Steps,
        mut f: impl FnMut(DocId, &[Walked], &mut [Walked]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let reader = &segment.reader;
        let (mut doc, end) = (self.with.first().map_or(0, |lead| lead.doc), reader.max_doc());
        'next: while doc < end {
            if !steps.take(self.cost) {
                break;
            }
            for word in &mut self.with {
                let there = word.seek(doc);
                if there > doc {
                    doc = there;
                    continue 'next;
                }
            }
            if !reader.is_deleted(doc) {
                f(doc, &self.with, &mut self.without)?;
            }
            match self.with.first_mut() {
                Some(lead) => {
                    lead.advance();
                    doc = lead.doc;
                }
                None => doc += 1,
            }
        }
        if steps.is_spent() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
