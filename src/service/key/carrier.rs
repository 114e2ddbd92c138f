//! Where sealed values lie: every table that carries some, and how each is found in a record.

use crate::{
    Ctx, Error,
    account::second,
    backup, draw, message, once, pay, registration,
    seal::{Kind, Spot},
    tunnel, webhook, wechat,
};
use domain::{
    BackupAccess, BackupPlan, MailSetting, Once, PayAccount, SecondStep, SmsSetting, SpaceId, Ticket, TunnelPlan,
    Webhook, WechatApp, WechatKept, draw::DrawSecret, field::AnswerValue, wechat::KeptValue,
};
use store::{Order, Read, Record};

/// What is done with a sealed value.
pub(super) type Each<'a> = &'a mut dyn FnMut(Spot, &mut Vec<u8>);

/// A record that carries sealed values.
pub(super) trait Carrier: Record {
    /// What they are.
    const KINDS: &'static [Kind];

    /// Hands every sealed value to `each`, with what it is sealed for; empty ones may be among them.
    fn values(&mut self, space: SpaceId, each: Each<'_>);
}

macro_rules! carriers {
    ($($record:ident: [$($kind:ident),*], |$of:ident, $space:ident, $each:ident| $values:expr;)*) => {
        $(impl Carrier for $record {
            const KINDS: &'static [Kind] = &[$(Kind::$kind),*];

            fn values(&mut self, $space: SpaceId, $each: Each<'_>) {
                let $of = self;
                $values
            }
        })*

        /// Every table that carries sealed values, with the kinds that lie in it.
        pub(super) const TABLES: &[(&str, &[Kind])] = &[$((<$record as Record>::TABLE.name, <$record as Carrier>::KINDS)),*];

        /// Seals what a space holds anew.
        pub(super) async fn reseal(pass: &super::Pass<'_>, space: SpaceId) -> Result<(), Error> {
            $(pass.table::<$record>(space).await?;)*
            Ok(())
        }

        /// Counts what a space holds by older keys: the table's name, and how many.
        pub(super) fn count(ctx: &Ctx, space: SpaceId) -> Result<Vec<(&'static str, u64)>, Error> {
            Ok(vec![$((<$record as Record>::TABLE.name, counted::<$record>(ctx, space)?)),*])
        }
    };
}

carriers! {
    Ticket: [Answer], |of, _space, each| {
        let link = of.link;
        for answer in &mut of.answers {
            if let AnswerValue::Sealed(sealed) = &mut answer.value {
                each(registration::seal_context(&link, answer.field), &mut sealed.cipher);
            }
        }
    };
    DrawSecret: [Draw], |of, _space, each| each(draw::secret_context(of.draw), &mut of.sealed);
    TunnelPlan: [Tunnel], |of, _space, each| each(tunnel::SEALED, &mut of.sealed);
    PayAccount: [Pay], |of, space, each| {
        each(pay::sealed_name(space, "key"), &mut of.key);
        each(pay::sealed_name(space, "secret"), &mut of.secret);
    };
    WechatApp: [WechatApp], |of, space, each| {
        let kind = of.kind;
        each(wechat::context(space, kind, "secret"), &mut of.secret);
        each(wechat::context(space, kind, "push_token"), &mut of.push_token);
        each(wechat::context(space, kind, "push_key"), &mut of.push_key);
    };
    WechatKept: [WechatToken], |of, space, each| {
        let spot = wechat::token_context(space, &of.slot);
        if let KeptValue::Secret(sealed) = &mut of.value {
            each(spot, sealed);
        }
    };
    SecondStep: [Second], |of, space, each| each(second::context(space, of.account), &mut of.secret);
    Once: [Once], |of, _space, each| {
        let spot = once::context(&of.key);
        if let Some(answer) = &mut of.answer {
            each(spot, answer);
        }
    };
    Webhook: [Webhook], |of, _space, each| each(webhook::SEALED, &mut of.secret);
    SmsSetting: [Sms], |of, _space, each| each(message::sms::SEALED, &mut of.secret);
    MailSetting: [MailPassword, MailKey], |of, _space, each| {
        each(message::mail::SEALED_PASSWORD, &mut of.password);
        each(message::mail::SEALED_KEY, &mut of.dkim_key);
    };
    BackupPlan: [Recovery], |of, _space, each| each(backup::SEALED, &mut of.sealed);
    BackupAccess: [BackupAccess], |of, _space, each| each(backup::ACCESS, &mut of.sealed);
}

/// A sealed value as it is, and as it is by the newest key.
pub(super) type Swap = (Vec<u8>, Vec<u8>);

/// What a look at some records found.
pub(super) struct Step<R: Record> {
    /// Records with values by older keys.
    pub swaps: Vec<(R::Key, Vec<Swap>)>,
    /// Where the next look goes on; none: all were looked at.
    pub last: Option<R::Key>,
    /// Values that no key of the box opens.
    pub unread: u64,
}

/// Records that are looked at in one go.
const LOOKED: usize = 500;
/// Records that are written in one transaction.
const WRITTEN: usize = 50;

/// Looks at the next records and seals anew what is sealed by an older key; nothing is written.
pub(super) fn look<R: Carrier>(ctx: &Ctx, space: SpaceId, from: Option<&R::Key>) -> Result<Step<R>, Error> {
    let mut step = Step { swaps: Vec::new(), last: None, unread: 0 };
    ctx.read(&ctx.own(space), |view| {
        let mut looked = 0;
        for kept in view.scan::<R>(&(), from, Order::Ascending) {
            let (key, mut record) = kept?;
            let mut swaps = Vec::new();
            record.values(space, &mut |spot, sealed| {
                if sealed.is_empty() {
                    return;
                }
                match ctx.sealer.resealed(ctx.random.as_ref(), &spot, sealed) {
                    Ok(Some(new)) => swaps.push((sealed.clone(), new)),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(kind = spot.kind.label(), %error, "a sealed value stays as it is");
                        step.unread += 1;
                    }
                }
            });
            looked += 1;
            if !swaps.is_empty() {
                step.swaps.push((record.key(), swaps));
            }
            if looked >= LOOKED || step.swaps.len() >= WRITTEN {
                step.last = Some(key);
                return Ok(());
            }
        }
        Ok(())
    })?;
    Ok(step)
}

/// Lays the new values where the old ones still are: what was changed meanwhile is by the newest key already.
pub(super) fn swap<R: Carrier>(record: &mut R, space: SpaceId, swaps: &[Swap]) -> u64 {
    let mut done = 0;
    record.values(space, &mut |_, sealed| {
        if let Some((_, new)) = swaps.iter().find(|(old, _)| old == sealed) {
            sealed.clone_from(new);
            done += 1;
        }
    });
    done
}

fn counted<R: Carrier>(ctx: &Ctx, space: SpaceId) -> Result<u64, Error> {
    let (mut count, mut from) = (0, None);
    loop {
        let step = look::<R>(ctx, space, from.as_ref())?;
        count += step.swaps.iter().map(|(_, swaps)| swaps.len() as u64).sum::<u64>();
        match step.last {
            Some(last) => from = Some(last),
            None => return Ok(count),
        }
    }
}
