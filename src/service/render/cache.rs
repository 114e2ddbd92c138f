//! Pictures that were drawn lately, so that a poster which many people look at is drawn once. Found by what they were drawn from; nothing
//! has to be forgotten when something changes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes that are kept; a small box has little memory for this.
const BYTES_MAX: usize = 24 << 20;

#[derive(Debug, Default)]
struct Kept {
    pictures: VecDeque<([u8; 32], Arc<Vec<u8>>)>,
    bytes: usize,
}

/// The pictures; the oldest goes first.
#[derive(Debug, Default)]
pub struct Cache(Mutex<Kept>);

impl Cache {
    /// The picture drawn from what has this hash; else draws it and keeps it.
    pub(crate) fn picture<E>(&self, of: [u8; 32], draw: impl FnOnce() -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
        if let Some(kept) = self.get(&of) {
            return Ok(kept.as_ref().clone());
        }
        let drawn = draw()?;
        self.keep(of, Arc::new(drawn.clone()));
        Ok(drawn)
    }

    fn get(&self, of: &[u8; 32]) -> Option<Arc<Vec<u8>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pictures.iter().find(|(hash, _)| hash == of).map(|(_, picture)| picture.clone())
    }

    fn keep(&self, of: [u8; 32], picture: Arc<Vec<u8>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if picture.len() > BYTES_MAX / 4 || kept.pictures.iter().any(|(hash, _)| *hash == of) {
            return;
        }
        kept.bytes += picture.len();
        kept.pictures.push_back((of, picture));
        while kept.bytes > BYTES_MAX
            && let Some((_, oldest)) = kept.pictures.pop_front()
        {
            kept.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_once_while_there_is_room_for_it() {
        let cache = Cache::default();
        let mut drawn = 0;
        let mut ask = |of: u8, size: usize| {
            let picture = cache.picture([of; 32], || {
                drawn += 1;
                Ok::<_, ()>(vec![of; size])
            });
            assert_eq!(picture.unwrap(), vec![of; size]);
            drawn
        };
        assert_eq!((ask(1, 10), ask(1, 10), ask(2, 10)), (1, 1, 2));
        let large = BYTES_MAX / 5;
        assert_eq!((ask(3, large), ask(4, large), ask(5, large), ask(6, large), ask(3, large)), (3, 4, 5, 6, 6));
        assert_eq!((ask(7, large), ask(1, 10), ask(7, large)), (7, 8, 8), "the oldest made room");
        assert_eq!((ask(8, BYTES_MAX), ask(8, BYTES_MAX)), (9, 10), "what is too large is drawn anew");
        assert!(cache.0.lock().unwrap().bytes <= BYTES_MAX);
    }
}
