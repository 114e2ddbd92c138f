//! Check-in terminals, helpers and attached scanners (S0-54 … S0-58): setting up, pairing by a one-time code, revoking, and who is behind a device token.

use crate::{Actor, At, Ctx, Error, Work, actor::Who, checkin, token};
use domain::{
    Device, DeviceId, EventId, Gate, Permission, Problem, Refusal, Scope, SpaceId, Ticket,
    device::{self, PAIRING_MILLIS, Pairing, Post, Role},
    permission::Held,
    phone, refuse,
    text::Form,
};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::catalogue::{DEVICE_BY_CODE, DEVICE_BY_EVENT, DEVICE_BY_TOKEN, TICKET_BY_PHONE};
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

/// What a new device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// A terminal, paired by a code.
    #[default]
    Terminal,
    /// A helper, whose phone is bound by a code (S0-57).
    Helper,
    /// A helper, bound by the phone number of a registration (S0-57).
    HelperByPhone,
    /// A scanner attached to the box.
    Attached,
}

/// What the form of a new device takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceInput {
    /// Name, for example the door or the helper's.
    pub name: String,
    /// What it is.
    pub sort: Sort,
    /// Phone number of a helper, as typed.
    pub phone: String,
    /// Device file of an attached scanner.
    pub port: String,
    /// Where it stands.
    pub post: Post,
}

fn check(input: &DeviceInput) -> Result<(String, Role), Refusal> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, 40);
    let role = match input.sort {
        Sort::Terminal => Role::Terminal,
        Sort::Helper => Role::Helper(None),
        Sort::HelperByPhone => {
            let phone = phone::normalise(&input.phone);
            if phone.is_none() {
                let text = "This is not a phone number. Give 11 digits, or + and the country code.";
                form.wrong(Problem { field: "phone".to_owned(), text, args: Vec::new() });
            }
            Role::Helper(phone)
        }
        Sort::Attached => {
            let port = input.port.trim().to_owned();
            device::check_port(&port).into_iter().for_each(|problem| form.wrong(problem));
            Role::Attached(port)
        }
    };
    form.done((name, role))
}

fn check_post(view: &impl Read, event: EventId, post: &Post) -> Result<(), Error> {
    checkin::list_in(view, event, post.list)?;
    if let Some(gate) = post.gate {
        view.get::<Gate>(&(event, gate))?.ok_or_else(|| Refusal::missing("gate"))?;
    }
    Ok(())
}

fn check_role(view: &impl Read, event: EventId, role: &Role) -> Result<(), Error> {
    match role {
        Role::Helper(Some(phone)) if view.find::<Ticket, _>(&TICKET_BY_PHONE, &(phone.clone(), event))?.is_none() => {
            Err(refuse!(
                Conflict,
                "helper.not_registered",
                "Nobody is registered for this event with this phone number. Register the helper first, or bind the phone by a code."
            )
            .into())
        }
        Role::Attached(port) => {
            // The box has each of its scanners once, whatever the event.
            for kept in view.scan::<Device>(&(), None, Order::Ascending) {
                let (_, other) = kept?;
                if other.revoked_at.is_none() && other.role == *role {
                    return Err(refuse!(
                        Conflict,
                        "device.port_taken",
                        "The scanner {port} is already set up as “{name}”. Shut that one out first.",
                        port = port,
                        name = other.name
                    )
                    .into());
                }
            }
            Ok(())
        }
        Role::Terminal | Role::Helper(_) => Ok(()),
    }
}

/// Sets a device up; returns it with its pairing code, which is shown once, when it is one that is paired by a code.
pub async fn create(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    input: &DeviceInput,
) -> Result<(DeviceId, Option<String>), Error> {
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    let account = permit.account.ok_or_else(Refusal::denied)?;
    let (name, role) = check(input)?;
    let post = Post { names: input.post.names || matches!(role, Role::Helper(_)), ..input.post };
    let code = matches!(role, Role::Terminal | Role::Helper(None)).then(|| token::short(ctx.random.as_ref()));
    let hash = code.as_deref().map(token::hash);
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
            check_post(work.read(), event, &post)?;
            check_role(work.read(), event, &role)?;
            let device = Device {
                id: DeviceId(work.next_id::<Device>()?),
                name: name.clone(),
                event,
                role: role.clone(),
                post,
                created_by: account,
                created_at: work.now,
                pairing: hash.map(|code| Pairing { code, until: work.now.plus(PAIRING_MILLIS) }),
                token: None,
                paired_at: None,
                revoked_at: None,
            };
            work.insert(&device)?;
            work.audit("device.create", format!("device/{}", device.id), "", &device.name)?;
            Ok(device.id)
        })
        .await?;
    ctx.devices.forget();
    Ok((id, code))
}

/// Sends a device to another list, gate or direction, at once.
pub async fn send(ctx: &Ctx, actor: &Actor, id: DeviceId, post: Post) -> Result<EventId, Error> {
    let event = event_of(ctx, actor, id)?;
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    let sent = ctx
        .write(&permit, move |work| {
            let mut device = work.read().get::<Device>(&id)?.ok_or_else(|| Refusal::missing("terminal"))?;
            check_post(work.read(), event, &post)?;
            let before = format!("{:?}", device.post);
            device.post = post;
            work.put(&device)?;
            work.audit("device.send", format!("device/{id}"), &before, &format!("{post:?}"))?;
            Ok(event)
        })
        .await;
    ctx.devices.forget();
    sent
}

/// The helper that the holder of a ticket is to become, when its phone number was named and is not bound yet (S0-57, S0-59).
pub fn helper_of(ctx: &Ctx, space: SpaceId, ticket: &Ticket) -> Result<Option<Device>, Error> {
    let Some(phone) = &ticket.phone else { return Ok(None) };
    ctx.read(&ctx.own(space), |view| {
        let role = Role::Helper(Some(phone.clone()));
        let devices = of_event(view, ticket.event)?;
        Ok(devices.into_iter().find(|device| device.role == role && device.revoked_at.is_none()))
    })
}

/// Makes the phone of a ticket's holder the helper's; who has the ticket's link is its holder. Answers the token. The phone that was
/// bound before is not any more.
pub async fn bind(ctx: &Ctx, space: SpaceId, link: &str) -> Result<String, Error> {
    let ticket = crate::registration::by_link(ctx, space, link)?.ticket;
    let helper = helper_of(ctx, space, &ticket)?.ok_or_else(|| Refusal::missing("helper"))?;
    let new = token::new(ctx.random.as_ref());
    let (id, kept) = (helper.id, token::hash(&new));
    let permit = ctx.own(space);
    let bound = ctx.write(&permit, move |work| {
        let mut device = work.read().get::<Device>(&id)?.ok_or_else(|| Refusal::missing("helper"))?;
        if device.revoked_at.is_some() {
            return Err(Refusal::missing("helper").into());
        }
        device.token = Some(kept);
        device.paired_at = Some(work.now);
        work.put(&device)?;
        work.audit("device.pair", format!("device/{id}"), "", &device.name)
    });
    let bound = bound.await;
    ctx.devices.forget();
    bound.map(|()| new)
}

/// Gives a device a new token in place of the one it came with, which is worth nothing from then on.
pub async fn roll(ctx: &Ctx, actor: &Actor) -> Result<String, Error> {
    let Who::Device { device, .. } = actor.who else { return Err(Refusal::denied().into()) };
    let new = token::new(ctx.random.as_ref());
    let kept = token::hash(&new);
    let permit = ctx.own(actor.space);
    let rolled = ctx.write(&permit, move |work| {
        let found = work.read().get::<Device>(&device)?.filter(|device| device.revoked_at.is_none());
        let mut found = found.ok_or_else(Refusal::denied)?;
        found.token = Some(kept);
        work.put(&found)?;
        work.audit("device.roll", format!("device/{device}"), "", &found.name)
    });
    let rolled = rolled.await;
    ctx.devices.forget();
    rolled.map(|()| new)
}

/// A device shuts itself out, for good.
pub async fn leave(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let Who::Device { device, .. } = actor.who else { return Err(Refusal::denied().into()) };
    let left = ctx.write(&ctx.own(actor.space), move |work| shut_out(work, device)).await;
    ctx.devices.forget();
    left
}

fn shut_out(work: &mut Work<'_, '_>, id: DeviceId) -> Result<(), Error> {
    let mut device = work.read().get::<Device>(&id)?.ok_or_else(|| Refusal::missing("terminal"))?;
    if device.revoked_at.is_none() {
        device.revoked_at = Some(work.now);
        device.pairing = None;
        work.put(&device)?;
        work.audit("device.revoke", format!("device/{id}"), &device.name, "")?;
    }
    Ok(())
}

/// A scanner attached to the box, with whom it acts as.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Its device file.
    pub port: String,
    /// As whom it scans.
    pub actor: Actor,
}

/// The scanners that are attached to the box, for the one who reads them.
pub fn attached(ctx: &Ctx, space: SpaceId) -> Result<Vec<Attached>, Error> {
    ctx.read(&ctx.own(space), |view| {
        let mut found = Vec::new();
        for kept in view.scan::<Device>(&(), None, Order::Ascending) {
            let (_, device) = kept?;
            if let Role::Attached(port) = &device.role
                && device.revoked_at.is_none()
            {
                found.push(Attached { port: port.clone(), actor: as_actor(space, device) });
            }
        }
        Ok(found)
    })
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
            if !matches!(device.role, Role::Terminal | Role::Helper(None)) {
                return Err(refuse!(Conflict, "device.no_code", "This one is not paired by a code.").into());
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
            shut_out(work, id)?;
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

    pub(crate) fn forget(&self) {
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
        Ok(Known::Device(Arc::new(as_actor(space, device))))
    })
}

/// A device as an actor. A helper sees who is registered and reviews who waits for it; nobody's phone number in full (S0-62).
fn as_actor(space: SpaceId, device: Device) -> Actor {
    let scope = Scope::Event(device.event);
    let helper = matches!(device.role, Role::Helper(_));
    let mut held = vec![Held { permission: Permission::CheckinScan, scope }];
    if helper {
        held.push(Held { permission: Permission::RegistrationView, scope });
        held.push(Held { permission: Permission::EventView, scope });
        held.push(Held { permission: Permission::OrderReview, scope });
    }
    let who = Who::Device { device: device.id, event: device.event, name: device.name, post: device.post, helper };
    Actor { space, who, held }
}
