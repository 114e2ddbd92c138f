//! What is shown while somebody types: a few that fit best. Nothing is counted, so only how well an entry fits and how new it is are read of
//! every one that is found; whether the asker may see it is read of those that would be shown, the best first, until there are enough.

use crate::{
    Damage, Index,
    find::{Ask, Hit, Sort, rank_score, rank_time, sight_of, unchanged},
    plan::Want,
    steps::Steps,
    walk::{Words, score},
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use tantivy::DocId;

/// Something that would be shown if the asker may see it. Larger is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    score: u32,
    time: u64,
    /// Piece of the index, and place in it: of equals the first.
    place: Reverse<(usize, DocId)>,
    /// How well it fits for somebody who may not see what is masked; none: not at all.
    masked: Option<u32>,
    at: i64,
}

/// The best of what was looked at.
pub(crate) struct Picked {
    /// The best first.
    pub hits: Vec<Hit>,
    /// Not everything was looked at.
    pub spent: bool,
}

/// Whether a question can be answered so: what must not be there, and another order, need more of every entry.
pub(crate) fn is_for(ask: &Ask<'_>) -> bool {
    let without = ask.query.words.iter().any(|word| word.without);
    ask.quick && ask.skip == 0 && ask.sort == Sort::Relevance && !without && !ask.query.words.is_empty()
}

/// Picks the best of at most so many entries that are found.
pub(crate) fn pick(index: &Index, ask: &Ask<'_>, wants: &[Want], most: usize, steps: &Steps) -> Result<Picked, Damage> {
    let ready = index.ready();
    let (mut candidates, mut spent) = (Vec::new(), false);
    for (piece, segment) in ready.segments.iter().enumerate() {
        let Some(words) = Words::open(wants, segment, steps)? else { continue };
        let (mut docs, mut scores) = (Vec::new(), Vec::new());
        let walked = words.each(segment, steps, |doc, with, _| {
            if candidates.len() + docs.len() >= most {
                return ControlFlow::Break(());
            }
            if let Some(best) = score(with, true) {
                docs.push(doc);
                scores.push((rank_score(best), score(with, false).map(rank_score)));
            }
            ControlFlow::Continue(())
        });
        let mut times = vec![0; docs.len()];
        segment.columns.at.get_vals(&docs, &mut times);
        candidates.extend(docs.iter().zip(&times).zip(&scores).map(|((doc, at), (score, masked))| Candidate {
            score: *score,
            time: rank_time(*at),
            place: Reverse((piece, *doc)),
            masked: *masked,
            at: *at,
        }));
        if walked.is_break() {
            spent = true;
            break;
        }
    }
    let mut best = BinaryHeap::from(candidates);
    let mut hits: Vec<Hit> = Vec::with_capacity(ask.take);
    while hits.len() < ask.take
        && let Some(candidate) = best.pop()
    {
        let Reverse((piece, doc)) = candidate.place;
        let Some(segment) = ready.segments.get(piece) else { continue };
        let Some(seen) = sight_of(ask, &segment.columns, doc, candidate.at) else { continue };
        // What fits only by what is masked for the asker fits less well, or not at all.
        if !seen.unmasked && candidate.masked != Some(candidate.score) {
            best.extend(candidate.masked.map(|score| Candidate { score, ..candidate }));
            continue;
        }
        let Some((key, page)) = unchanged(ask, &segment.columns, doc, seen.kind) else { continue };
        let wanted = ask.kinds.is_none_or(|kinds| kinds.contains(&key.kind));
        // Of several pages the one that fits best.
        if wanted && !(page > 0 && hits.iter().any(|hit| hit.key == key)) {
            hits.push(Hit { key, score: candidate.score as f32 / 100.0, page });
        }
    }
    Ok(Picked { hits, spent: spent || steps.is_spent() })
}
