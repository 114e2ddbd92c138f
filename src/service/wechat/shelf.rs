//! Where tokens and tickets lie over restarts: sealed, in the store. One lock for each of them, whoever asks.

use crate::{
    Ctx, Error,
    seal::{Kind, Spot},
};
use domain::{SpaceId, WechatKept, wechat::KeptValue};
use gateway::wechat::{Locks, Shelf, Token, token::Later, wecom::MEDIA_SLOT};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::Read;

/// What of WeChat is in memory: who fetches which token at the moment.
#[derive(Default)]
pub struct Desk {
    locks: Mutex<HashMap<SpaceId, Arc<Locks>>>,
}

impl Desk {
    pub(super) fn locks(&self, space: SpaceId) -> Arc<Locks> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).entry(space).or_default().clone()
    }
}

/// What a token is sealed for.
pub(crate) fn token_context(space: SpaceId, slot: &str) -> Spot {
    Spot::of(Kind::WechatToken, format!("wechat/{space}/{slot}"))
}

/// A space's tokens in the store.
pub(super) struct OnDisk {
    ctx: Ctx,
    space: SpaceId,
}

impl OnDisk {
    pub(super) fn new(ctx: &Ctx, space: SpaceId) -> Self {
        Self { ctx: ctx.clone(), space }
    }

    fn context(&self, slot: &str) -> Spot {
        token_context(self.space, slot)
    }

    fn read(&self, slot: &str) -> Result<Option<Token>, Error> {
        let kept = self.ctx.read(&self.ctx.own(self.space), |view| Ok(view.get::<WechatKept>(&slot.to_owned())?))?;
        let Some(WechatKept { value: KeptValue::Secret(sealed), ends, .. }) = kept else { return Ok(None) };
        match self.ctx.sealer.open(&self.context(slot), &sealed) {
            Ok(value) => Ok(Some(Token { value, ends })),
            Err(error) => {
                // What cannot be opened is fetched anew: a token is no loss.
                tracing::warn!(slot, %error, "a kept token is of no use");
                Ok(None)
            }
        }
    }

    async fn write(&self, slot: &str, token: Token) -> Result<(), Error> {
        let sealed = self.ctx.sealer.seal(self.ctx.random.as_ref(), &self.context(slot), &token.value)?;
        let kept = WechatKept { slot: slot.to_owned(), value: KeptValue::Secret(sealed), ends: token.ends };
        self.ctx
            .write(&self.ctx.own(self.space), move |work| {
                work.put(&kept)?;
                work.audit("wechat.token", &kept.slot, "", &format!("until {}", kept.ends.0))
            })
            .await
    }
}

/// Media ids that are over: unlike tokens, each file has one of its own.
pub(super) fn ended_media(view: &impl Read, now: domain::Time) -> Result<Vec<String>, Error> {
    let from = MEDIA_SLOT.to_owned();
    let mut ended = Vec::new();
    for kept in view.scan::<WechatKept>(&(), Some(&from), store::Order::Ascending) {
        let (slot, kept) = kept?;
        if !slot.starts_with(MEDIA_SLOT) || ended.len() >= ENDED_MAX {
            break;
        }
        if kept.ends <= now {
            ended.push(slot);
        }
    }
    Ok(ended)
}

/// Most media ids that are forgotten at a time.
const ENDED_MAX: usize = 500;

impl Shelf for OnDisk {
    fn look(&self, slot: &str) -> Result<Option<Token>, String> {
        self.read(slot).map_err(|error| error.to_string())
    }

    fn keep<'a>(&'a self, slot: &'a str, token: Token) -> Later<'a, Result<(), String>> {
        Box::pin(async move { self.write(slot, token).await.map_err(|error| error.to_string()) })
    }
}
