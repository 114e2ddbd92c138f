//! Codes that prove a phone number or an e-mail address (S1-11). Who is known by it is never told: a code is sent to anybody, and the
//! right one logs in whoever it is.

use super::Proof;
use crate::{
    Actor, Ctx, Error, Work,
    message::{mail, sms},
    rate::Rate,
    token,
};
use domain::{
    Refusal,
    identity::{
        CODE_DIGITS, CODE_MILLIS, IdentityKind, LoginCode, check_sending, email, login_code, masked_email, wrong_code,
    },
    phone, problem,
    time::MINUTE,
};
use store::Read;
use subtle::ConstantTimeEq;

/// How a code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// By SMS.
    Sms,
    /// By e-mail.
    Email,
}

impl Channel {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// The channel of that code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Sms, Self::Email].into_iter().find(|channel| channel.code() == code)
    }
}

/// Where a code goes, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    kind: IdentityKind,
    value: String,
}

impl Target {
    /// Reads a number or an address as it was typed; codes go to mobile numbers only.
    pub fn read(channel: Channel, typed: &str) -> Result<Self, Refusal> {
        let wrong = |problem| Refusal::invalid(vec![problem]);
        match channel {
            Channel::Sms => {
                let value = phone::normalise(typed).filter(|number| takes_sms(number));
                let value = value.ok_or_else(|| {
                    wrong(problem!("to", "This is not a mobile number. Give 11 digits, or + and the country code."))
                })?;
                Ok(Self { kind: IdentityKind::Phone, value })
            }
            Channel::Email => {
                let value = email(typed).ok_or_else(|| wrong(problem!("to", "This is not an e-mail address.")))?;
                Ok(Self { kind: IdentityKind::Email, value })
            }
        }
    }

    /// As logs show it.
    fn masked(&self) -> String {
        if self.kind == IdentityKind::Phone { phone::masked(&self.value) } else { masked_email(&self.value) }
    }

    fn key(&self) -> (u8, String) {
        (self.kind as u8, self.value.clone())
    }

    /// What is kept of a code sent there: nothing can be told from it without the box's key.
    fn tag(&self, ctx: &Ctx, code: &str) -> String {
        ctx.sealer.tag(&format!("login code {} {} {code}", self.kind.code(), self.value))
    }
}

/// Chinese landlines take no messages; of other countries nobody can tell.
fn takes_sms(e164: &str) -> bool {
    match e164.strip_prefix("+86") {
        Some(rest) => rest.len() == 11 && rest.starts_with('1'),
        None => true,
    }
}

/// How many codes one address may ask for, whoever they go to: a venue's network is one address.
const BY_ADDRESS: Rate = Rate { burst: 30, minute: 6 };
/// How many codes the box sends in all: a bill is bounded whatever happens.
const BY_BOX: Rate = Rate { burst: 300, minute: 60 };

/// Sends a code. The answer is the same whether somebody is known there or not.
pub async fn send_code(ctx: &Ctx, actor: &Actor, target: &Target, words: &Words, address: &str) -> Result<(), Error> {
    let slow = |(refusal, _)| refusal;
    ctx.rates.take(&("code", address), BY_ADDRESS, ctx.now()).map_err(slow)?;
    ctx.rates.take(&("codes", actor.space), BY_BOX, ctx.now()).map_err(slow)?;
    let code = login_code(ctx.random.number());
    let (tag, target, once) = (target.tag(ctx, &code), target.clone(), token::new(ctx.random.as_ref()));
    let words = Words { text: words.text.replace("{code}", &code), ..words.clone() };
    ctx.write(&ctx.public(actor), move |work| {
        let before = work.read().get::<LoginCode>(&target.key())?;
        let sent = before.as_ref().map(|code| code.sent.as_slice()).unwrap_or_default();
        check_sending(sent, work.now)?;
        work.put(&LoginCode::sent_again(before, target.kind, &target.value, tag.clone(), work.now))?;
        post(work, &target, &code, &words, &once)?;
        work.audit("identity.code", "person", "", &format!("{} {}", target.kind.code(), target.masked()))
    })
    .await
}

/// What an e-mail with a code says, in its reader's language; `{code}` stands for the code.
#[derive(Debug, Clone)]
pub struct Words {
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
}

/// Puts a code into the outbox, in the commit that keeps it; refused when no way of sending it is set up.
fn post(work: &mut Work<'_, '_>, target: &Target, code: &str, words: &Words, once: &str) -> Result<(), Error> {
    let minutes = u32::try_from(CODE_MILLIS / MINUTE).unwrap_or(5);
    match target.kind {
        IdentityKind::Email => mail::put_code(work, &target.value, (&words.subject, &words.text), minutes, once),
        _ => sms::put_code(work, &target.value, code, minutes, once),
    }
}

/// Takes a code; the right one proves its number or address, once.
pub async fn prove(ctx: &Ctx, actor: &Actor, target: &Target, typed: &str, address: &str) -> Result<Proof, Error> {
    let typed: String = typed.chars().map(domain::text::half_width).filter(char::is_ascii_digit).take(16).collect();
    if typed.len() != CODE_DIGITS {
        return Err(wrong_code().into());
    }
    let keys = [format!("code from {address}")];
    ctx.limiter.check(&keys, ctx.now())?;
    let tag = target.tag(ctx, &typed);
    let (key, masked) = (target.key(), target.masked());
    let permit = ctx.public(actor);
    let right = ctx.write(&permit, move |work| {
        let Some(kept) = work.read().get::<LoginCode>(&key)? else { return Ok(false) };
        let same = bool::from(kept.tag.as_bytes().ct_eq(tag.as_bytes()));
        let (right, after) = kept.shown(same, work.now);
        if after != kept {
            // A wrong try is kept as well: five of them end the code, whatever happens to the box.
            work.put(&after)?;
            let word = if right { "right" } else { "wrong" };
            work.audit("identity.try", "person", "", &format!("{masked} {word}"))?;
        }
        Ok(right)
    });
    if !right.await? {
        ctx.limiter.fail(&keys, ctx.now());
        return Err(wrong_code().into());
    }
    for key in &keys {
        ctx.limiter.clear(key);
    }
    Ok(Proof { kind: target.kind, value: target.value.clone() })
}
