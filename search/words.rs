//! Chinese words by dictionary (jieba), for companies and running text. Pairs of characters find everything; words say what fits best.

use crate::normal::{Class, runs};
use jieba_rs::Jieba;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The dictionary with when it was used last: it takes 58 MB, as much as all the rest of a small hall that has nothing to do.
static KEPT: Mutex<Option<(Arc<Jieba>, Instant)>> = Mutex::new(None);

fn jieba() -> Arc<Jieba> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let (jieba, used) = kept.get_or_insert_with(|| (Arc::new(Jieba::new()), Instant::now()));
    *used = Instant::now();
    jieba.clone()
}

/// Lets the dictionary go when nobody used it for so long; whoever needs it next reads it anew, in some tenths of a second. Answers whether it went.
pub fn rest(after: Duration) -> bool {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.take_if(|(_, used)| used.elapsed() >= after).is_some()
}

/// Longest stretch that is cut at once.
const STRETCH_MAX: usize = 2_000;

/// Words of two and more characters, the parts of compounds among them.
pub(crate) fn jieba_words(text: &[char]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for run in runs(text, false).into_iter().filter(|run| run.class == Class::Wide && run.text.len() > 1) {
        for stretch in run.text.chunks(STRETCH_MAX) {
            let stretch: String = stretch.iter().collect();
            let jieba = jieba();
            let cut = jieba.cut_for_search(&stretch, false);
            out.extend(
                cut.into_iter().map(|token| token.word).filter(|word| word.chars().nth(1).is_some()).map(str::to_owned),
            );
        }
    }
    out
}

/// A stretch cut into words that follow each other, for a query of several words without blanks; none when it is one word.
pub(crate) fn cut(text: &str) -> Option<Vec<String>> {
    let jieba = jieba();
    let words: Vec<String> = jieba.cut(text, false).into_iter().map(|token| token.word.to_owned()).collect();
    let several = words.iter().filter(|word| word.chars().nth(1).is_some()).count();
    (several >= 2).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::folded;

    #[test]
    fn companies_have_words() {
        let words = jieba_words(&folded("深圳市華為技術有限公司"));
        assert!(words.contains("深圳市") && words.contains("技术") && words.contains("公司"), "{words:?}");
        assert_eq!(cut("北京科技").unwrap(), ["北京", "科技"]);
        assert!(cut("科技").is_none());
    }

    #[test]
    fn a_dictionary_that_went_comes_back_when_it_is_needed() {
        assert_eq!(cut("北京科技").unwrap().len(), 2);
        assert!(!rest(Duration::from_secs(3_600)), "it is in use");
        assert!(rest(Duration::ZERO));
        assert_eq!(cut("北京科技").unwrap(), ["北京", "科技"]);
    }
}
