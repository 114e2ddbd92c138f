//! Check-in terminals: setting up, pairing by a one-time code, revoking, and who is behind a device token.

use crate::{Actor, At, Ctx, Error, actor::Who, token};
use domain::{
    Device, DeviceId, EventId, Permission, Refusal, Scope, SpaceId,
    device::{PAIRING_MILLIS, Pairing},
    permission::Held,
    refuse,
    text::Form,
};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::catalogue::{DEVICE_BY_CODE, DEVICE_BY_EVENT, DEVICE_BY_TOKEN};
use store::{Order, Read};

/// The most devices of one event, revoked ones included.
pub const DEVICES_MAX: usize = 500;

/// The event's devices, newest first.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Device>, Error> {
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    ctx.read(&permit, |view| of_event(view, event))
}

fn of_event(view: &impl Read, event: EventId) -> Result<Vec<Device>, Error> {
    let mut devices = Vec::new();
    for key in view.scan_index(&DEVICE_BY_EVENT, &event, None, Order::Descending) {
        devices.extend(view.get::<Device>(&key?)?);
    }
    Ok(devices)
}

/// Sets a device up; returns it with its pairing code, which is shown once.
pub async fn create(ctx: &Ctx, actor: &Actor, event: EventId, name: &str) -> Result<(DeviceId, String), Error> {
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    let account = permit.account.ok_or_else(Refusal::denied)?;
    let mut form = Form::default();
    let name = form.required("name", name, 40);
    form.done(())?;
    let code = token::short(ctx.random.as_ref());
    let hash = token::hash(&code);
    let id = ctx
        .write(&permit, move |work| {
            if of_event(work.read(), event)?.len() >= DEVICES_MAX {
                return Err(refuse!(
                    Conflict,
                    "device.too_many",
                    "An event can have at most {max} terminals.",
                    max = DEVICES_MAX
                )
                .into());
            }
            let device = Device {
                id: DeviceId(work.next_id::<Device>()?),
                name: name.clone(),
                event,
                created_by: account,
                created_at: work.now,
                pairing: Some(Pairing { code: hash, until: work.now.plus(PAIRING_MILLIS) }),
                token: None,
                paired_at: None,
                revoked_at: None,
            };
            work.insert(&device)?;
            work.audit("device.create", format!("device/{}", device.id), "", &device.name)?;
            Ok(device.id)
        })
        .await?;
    Ok((id, code))
}

/// Gives a device a new pairing code; once it is used, the token before is worth nothing.
pub async fn renew(ctx: &Ctx, actor: &Actor, id: DeviceId) -> Result<(Device, String), Error> {
    let event = event_of(ctx, actor, id)?;
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    let code = token::short(ctx.random.as_ref());
    let hash = token::hash(&code);
    let device = ctx
        .write(&permit, move |work| {
            let mut device = work.read().get::<Device>(&id)?.ok_or_else(|| Refusal::missing("terminal"))?;
            if device.revoked_at.is_some() {
                return Err(refuse!(
                    Conflict,
                    "device.revoked",
                    "This terminal is shut out for good. Set up a new one."
                )
                .into());
            }
            device.pairing = Some(Pairing { code: hash, until: work.now.plus(PAIRING_MILLIS) });
            work.put(&device)?;
            work.audit("device.renew", format!("device/{id}"), "", &device.name)?;
            Ok(device)
        })
        .await?;
    Ok((device, code))
}

fn event_of(ctx: &Ctx, actor: &Actor, id: DeviceId) -> Result<EventId, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DeviceManage)?;
    let device = ctx.read(&permit, |view| Ok(view.get::<Device>(&id)?))?;
    Ok(device.ok_or_else(|| Refusal::missing("terminal"))?.event)
}

/// Trades a pairing code for a token; the code is spent. `address` slows down those who guess.
pub async fn pair(ctx: &Ctx, space: SpaceId, code: &str, address: &str) -> Result<String, Error> {
    let keys = [format!("pair {address}")];
    ctx.limiter.check(&keys, ctx.now())?;
    let (hash, new) = (token::hash(code), token::new(ctx.random.as_ref()));
    let kept = token::hash(&new);
    let paired = ctx
        .write(&ctx.own(space), move |work| {
            let found = work.read().find::<Device, _>(&DEVICE_BY_CODE, &hash)?;
            let waiting = |device: &Device| device.pairing.as_ref().is_some_and(|pairing| work.now < pairing.until);
            let Some(mut device) = found.filter(|device| device.revoked_at.is_none() && waiting(device)) else {
                return Err(refuse!(
                    Denied,
                    "device.bad_code",
                    "This pairing code is not valid, or no longer. Ask the secretariat for a new one."
                )
                .into());
            };
            device.pairing = None;
            device.token = Some(kept);
            device.paired_at = Some(work.now);
            work.put(&device)?;
            work.audit("device.pair", format!("device/{}", device.id), "", &device.name)
        })
        .await;
    if paired.as_ref().is_err_and(|error: &Error| error.code() == Some("device.bad_code")) {
        ctx.limiter.fail(&keys, ctx.now());
    }
    ctx.devices.forget();
    paired.map(|()| new)
}

/// Shuts a device out at once and for good.
pub async fn revoke(ctx: &Ctx, actor: &Actor, id: DeviceId) -> Result<EventId, Error> {
    let event = event_of(ctx, actor, id)?;
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    let revoked = ctx
        .write(&permit, move |work| {
            let mut device = work.read().get::<Device>(&id)?.ok_or_else(|| Refusal::missing("terminal"))?;
            if device.revoked_at.is_none() {
                device.revoked_at = Some(work.now);
                device.pairing = None;
                work.put(&device)?;
                work.audit("device.revoke", format!("device/{id}"), &device.name, "")?;
            }
            Ok(event)
        })
        .await;
    ctx.devices.forget();
    revoked
}

/// What a device token turned out to be.
#[derive(Debug, Clone)]
pub enum Known {
    /// A paired device.
    Device(Arc<Actor>),
    /// A device that was shut out, and the event it was for.
    Revoked(DeviceId, EventId),
    /// No device of this space.
    Nobody,
}

/// Terminals whose tokens were looked up, so that a scan need not; forgotten as a whole when any terminal changes.
#[derive(Debug, Default)]
pub struct Remembered(RwLock<Tokens>);

/// How often everything was forgotten, and what is known since.
#[derive(Debug, Default)]
struct Tokens {
    age: u64,
    known: HashMap<SpaceId, HashMap<String, Known>>,
}

/// The most tokens that are remembered.
const REMEMBERED_MAX: usize = 10_000;

impl Remembered {
    fn get(&self, space: SpaceId, token: &str) -> (u64, Option<Known>) {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (tokens.age, tokens.known.get(&space).and_then(|known| known.get(token)).cloned())
    }

    /// Keeps what was read at that age; what was read before the last change is not kept.
    fn keep(&self, age: u64, space: SpaceId, token: &str, known: &Known) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.age != age {
            return;
        }
        let of_space = tokens.known.entry(space).or_default();
        if of_space.len() < REMEMBERED_MAX {
            of_space.insert(token.to_owned(), known.clone());
        }
    }

    fn forget(&self) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tokens.age += 1;
        tokens.known.clear();
    }
}

/// The device behind a token.
pub fn actor(ctx: &Ctx, space: SpaceId, token: &str) -> Result<Known, Error> {
    let (age, remembered) = ctx.devices.get(space, token);
    if let Some(known) = remembered {
        return Ok(known);
    }
    let known = look_up(ctx, space, token::hash(token))?;
    if !matches!(known, Known::Nobody) {
        ctx.devices.keep(age, space, token, &known);
    }
    Ok(known)
}

fn look_up(ctx: &Ctx, space: SpaceId, hash: [u8; 32]) -> Result<Known, Error> {
    ctx.read(&ctx.own(space), |view| {
        let Some(device) = view.find::<Device, _>(&DEVICE_BY_TOKEN, &hash)? else { return Ok(Known::Nobody) };
        if device.revoked_at.is_some() {
            return Ok(Known::Revoked(device.id, device.event));
        }
        let scope = Scope::Event(device.event);
        let held = vec![Held { permission: Permission::CheckinScan, scope }];
        let who = Who::Device { device: device.id, event: device.event, name: device.name };
        Ok(Known::Device(Arc::new(Actor { space, who, held })))
    })
}
