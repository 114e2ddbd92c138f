//! Requests that are done once however often they are sent: the key that a client sends along is kept in the very commit that does the
//! work, and what was answered after it.

use crate::{
    Ctx, Error, Work,
    seal::{Kind, Spot},
    token,
};
use data_encoding::HEXLOWER;
use domain::{
    Once, Refusal, SpaceId,
    once::{KeyOwner, ONCE_MILLIS},
    refuse,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::catalogue::ONCE_BY_END;
use store::{Order, Read};

/// A request under way that has a key.
#[derive(Debug)]
pub struct Mark {
    key: [u8; 32],
    asked: [u8; 32],
    kept: AtomicBool,
}

tokio::task_local! {
    /// The mark of the request that this task does. Verbs need not know of it: [`Ctx::write`] keeps it with their first commit.
    static DOING: Arc<Mark>;
}

/// An answer as it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; JSON, or empty.
    pub body: String,
}

/// What is known of a key.
#[derive(Debug)]
pub enum Before {
    /// It was not done yet, as far as can be told.
    Fresh(Arc<Mark>),
    /// It was done and answered so.
    Answered(Answer),
}

fn done() -> Refusal {
    refuse!(
        Conflict,
        "once.done",
        "This request was done already, or is being done; its answer is not known. Read what it changed before you send anything again."
    )
}

/// Keys whose requests are under way: whoever sends one again meanwhile waits for the answer.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Named, Arc<tokio::sync::Mutex<()>>>>);

/// A key within its space.
type Named = (SpaceId, [u8; 32]);

/// The turn of one request with a key; it ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    held: Option<tokio::sync::OwnedMutexGuard<()>>,
    named: Named,
    turns: Arc<Turns>,
}

/// Waits until no other request with that key is under way. Two that come at once are then done one after the other, and the second finds the
/// answer of the first, also where nothing was written.
pub async fn turn(ctx: &Ctx, space: SpaceId, who: KeyOwner, key: &str) -> Turn {
    let named = (space, named(who, key));
    let lock = {
        let mut all = ctx.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(named).or_default().clone()
    };
    // Made before it is waited for: whoever gives up waiting leaves nothing behind.
    let mut turn = Turn { held: None, named, turns: ctx.turns.clone() };
    turn.held = Some(lock.lock_owned().await);
    turn
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut all = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&self.named).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            all.remove(&self.named);
        }
    }
}

/// The name under which a key of somebody is kept.
fn named(who: KeyOwner, key: &str) -> [u8; 32] {
    token::sha256(&[&token::sha256(&who.mark())[..], key.as_bytes()].concat())
}

/// Looks a key up before its request is done. `who` is whose the key is, `asked` all that the request says.
pub fn before(ctx: &Ctx, space: SpaceId, who: KeyOwner, key: &str, asked: &[u8]) -> Result<Before, Error> {
    if !domain::once::is_key(key, who) {
        return Err(refuse!(
            Invalid,
            "once.key",
            "The idempotency key must have {min} to {max} letters, digits or signs.",
            min = who.key_min(),
            max = domain::once::KEY_MAX
        )
        .into());
    }
    let key = named(who, key);
    let asked = token::sha256(asked);
    let kept = ctx.read(&ctx.own(space), |view| Ok(view.get::<Once>(&key)?))?;
    let Some(kept) = kept.filter(|kept| ctx.now() < kept.until) else {
        return Ok(Before::Fresh(Arc::new(Mark { key, asked, kept: AtomicBool::new(false) })));
    };
    if kept.asked != asked {
        return Err(refuse!(
            Conflict,
            "once.other",
            "This idempotency key came with another request before. Take a new key for each request."
        )
        .into());
    }
    match kept.answer {
        Some(sealed) => {
            let text = ctx.sealer.open(&context(&key), &sealed)?;
            let (status, body) = text.split_once(' ').unwrap_or((&text, ""));
            let status = status.parse().map_err(|error| Error::internal("reading an answer", error))?;
            Ok(Before::Answered(Answer { status, body: body.to_owned() }))
        }
        // A verb that finds its own work done may still answer; every other is refused when it wants to write.
        None => Ok(Before::Fresh(Arc::new(Mark { key, asked, kept: AtomicBool::new(false) }))),
    }
}

pub(crate) fn context(key: &[u8; 32]) -> Spot {
    Spot::of(Kind::Once, format!("once {}", HEXLOWER.encode(key)))
}

/// Does a request with its mark.
pub async fn doing<T>(mark: Arc<Mark>, request: impl Future<Output = T>) -> T {
    DOING.scope(mark, request).await
}

/// The mark of the request that this task does, if it has one.
pub(crate) fn mark() -> Option<Arc<Mark>> {
    DOING.try_with(Arc::clone).ok()
}

impl Mark {
    /// Keeps the mark in the running transaction; refuses when the request was done before.
    pub(crate) fn keep(&self, work: &mut Work<'_, '_>) -> Result<(), Error> {
        if self.kept.load(Ordering::SeqCst) {
            return Ok(());
        }
        let known = work.read().get::<Once>(&self.key)?.filter(|kept| work.now < kept.until);
        if known.is_some() {
            return Err(done().into());
        }
        let until = work.now.plus(ONCE_MILLIS);
        work.put_beside(&Once { key: self.key, asked: self.asked, answer: None, until })
    }

    /// The commit is on disk: what else the request writes belongs to it.
    pub(crate) fn committed(&self) {
        self.kept.store(true, Ordering::SeqCst);
    }
}

/// Keeps what was answered to a request that wrote or was done; one that was refused and wrote nothing may be mended and sent again.
pub async fn answered(ctx: &Ctx, space: SpaceId, mark: &Mark, answer: &Answer) -> Result<(), Error> {
    let done = mark.kept.load(Ordering::SeqCst) || (200..300).contains(&answer.status);
    if !done {
        return Ok(());
    }
    // Answers may hold secrets, such as the token of a new session.
    let text = format!("{} {}", answer.status, answer.body);
    let sealed = ctx.sealer.seal(ctx.random.as_ref(), &context(&mark.key), &text)?;
    let (key, asked, until) = (mark.key, mark.asked, ctx.now().plus(ONCE_MILLIS));
    let kept = ctx.store().write(move |tx| {
        // A copy of what the audit lines of the first commit stand for.
        let once = Once { key, asked, answer: Some(sealed.clone()), until };
        Ok::<_, Error>(tx.space(space).put(&once)?)
    });
    kept.await
}

/// Most records that are forgotten at a time.
const STEP: usize = 500;

/// Forgets requests that nobody sends again.
pub async fn forget_old(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (now, permit) = (ctx.now(), ctx.own(space));
    let old = ctx.read(&permit, |view| {
        let mut old = Vec::new();
        for key in view.scan_index(&ONCE_BY_END, &(), None, Order::Ascending).take(STEP) {
            let key = key?;
            match view.get::<Once>(&key)? {
                Some(kept) if kept.until <= now => old.push(key),
                Some(_) | None => break,
            }
        }
        Ok(old)
    })?;
    if old.is_empty() {
        return Ok(0);
    }
    let count = old.len();
    let removed = ctx.store().write(move |tx| {
        for key in &old {
            tx.space(space).remove::<Once>(key)?;
        }
        Ok::<_, Error>(())
    });
    removed.await?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Hall;
    use domain::{Person, PersonId};

    const SPACE: SpaceId = SpaceId::ASSOCIATION;
    const ME: KeyOwner = KeyOwner::Token([1; 32]);

    async fn add(ctx: &Ctx) -> Result<PersonId, Error> {
        ctx.write(&ctx.own(SPACE), |work| {
            let id = PersonId(work.next_id::<Person>()?);
            let (name, company) = ("张三".to_owned(), String::new());
            work.insert(&Person { id, name, phone: None, company, created_at: work.now })?;
            work.audit("person.add", format!("person/{id}"), "", "")?;
            Ok(id)
        })
        .await
    }

    fn fresh(hall: &Hall, asked: &[u8]) -> Arc<Mark> {
        match before(&hall.ctx, SPACE, ME, "0f8fad5b-d9cb", asked).unwrap() {
            Before::Fresh(mark) => mark,
            Before::Answered(answer) => panic!("{answer:?}"),
        }
    }

    fn people(hall: &Hall) -> usize {
        hall.ctx
            .read(&hall.ctx.own(SPACE), |view| Ok(view.scan::<Person>(&(), None, Order::Ascending).count()))
            .unwrap()
    }

    #[tokio::test]
    async fn a_request_is_done_once_and_answered_the_same() {
        let hall = Hall::fresh();
        let mark = fresh(&hall, b"add");
        doing(mark.clone(), async { add(&hall.ctx).await.unwrap() }).await;
        // The power was cut here: done, but the answer is lost.
        let again = fresh(&hall, b"add");
        let refused = doing(again, add(&hall.ctx)).await.unwrap_err();
        assert_eq!((refused.code(), people(&hall)), (Some("once.done"), 1));
        let said = Answer { status: 201, body: "{\"a\":\"b c\"}".into() };
        answered(&hall.ctx, SPACE, &mark, &said).await.unwrap();
        match before(&hall.ctx, SPACE, ME, "0f8fad5b-d9cb", b"add").unwrap() {
            Before::Answered(answer) => assert_eq!(answer, said),
            Before::Fresh(_) => panic!("it was answered"),
        }
        let other = before(&hall.ctx, SPACE, ME, "0f8fad5b-d9cb", b"other").unwrap_err();
        assert_eq!(other.code(), Some("once.other"));
        let somebody = before(&hall.ctx, SPACE, KeyOwner::Token([2; 32]), "0f8fad5b-d9cb", b"other").unwrap();
        assert!(matches!(somebody, Before::Fresh(_)), "a key is its sender's");
        assert_eq!(before(&hall.ctx, SPACE, ME, "短", b"add").unwrap_err().code(), Some("once.key"));
        let alone = before(&hall.ctx, SPACE, KeyOwner::Alone([1; 32]), "0f8fad5b-d9cb", b"add").unwrap_err();
        assert_eq!(alone.code(), Some("once.key"), "without a token a key must be longer");
        hall.advance(ONCE_MILLIS);
        assert_eq!(forget_old(&hall.ctx, SPACE).await.unwrap(), 1);
        assert!(matches!(before(&hall.ctx, SPACE, ME, "0f8fad5b-d9cb", b"add").unwrap(), Before::Fresh(_)));
        assert!(hall.ctx.store().view().verify().is_sound());
    }

    #[tokio::test]
    async fn a_refused_request_may_be_sent_again_and_two_at_once_are_one() {
        let hall = Hall::fresh();
        let mark = fresh(&hall, b"add");
        let refused = doing(mark.clone(), async {
            hall.ctx.write(&hall.ctx.own(SPACE), |_| Err::<(), _>(Refusal::denied().into())).await
        });
        assert!(refused.await.is_err());
        let (one, two) = (fresh(&hall, b"add"), fresh(&hall, b"add"));
        let (one, two) = tokio::join!(doing(one, add(&hall.ctx)), doing(two, add(&hall.ctx)));
        assert_eq!((one.is_ok() ^ two.is_ok(), people(&hall)), (true, 1));
        let twice = fresh(&hall, b"add");
        let refused = doing(twice, async { add(&hall.ctx).await.and(add(&hall.ctx).await) }).await;
        assert_eq!(refused.unwrap_err().code(), Some("once.done"));
    }

    #[tokio::test]
    async fn two_requests_with_a_key_have_their_turns_and_leave_nothing_behind() {
        let hall = Hall::fresh();
        let left = || hall.ctx.turns.0.lock().unwrap().len();
        let first = turn(&hall.ctx, SPACE, ME, "0f8fad5b-d9cb").await;
        let other = turn(&hall.ctx, SPACE, KeyOwner::Token([2; 32]), "0f8fad5b-d9cb").await;
        assert_eq!(left(), 2, "another's key is another");
        let mut second = std::pin::pin!(turn(&hall.ctx, SPACE, ME, "0f8fad5b-d9cb"));
        assert!(looked(second.as_mut()).is_none(), "it waits");
        drop(first);
        let second = second.await;
        // Whoever gives up waiting leaves nothing either.
        {
            let mut third = Box::pin(turn(&hall.ctx, SPACE, ME, "0f8fad5b-d9cb"));
            assert!(looked(third.as_mut()).is_none());
        }
        drop((second, other));
        assert_eq!(left(), 0);
    }

    /// Looks once whether a future is done.
    fn looked<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_request_of_several_commits_is_one_request() {
        let hall = Hall::fresh();
        let mark = fresh(&hall, b"add two");
        doing(mark, async { add(&hall.ctx).await.and(add(&hall.ctx).await) }).await.unwrap();
        assert_eq!(people(&hall), 2);
    }
}
