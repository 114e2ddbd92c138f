//! Passkeys (WebAuthn): made on the account's own page, shown at the log-in without a name or password. The device asks for a finger, a face or a code
//! itself, so no second step follows. What is under way is kept in memory: a challenge counts once and for a few minutes.

use super::{
    hash::is_own_password,
    login::{self, Begun, Coming, Origin},
    own,
};
use crate::{Actor, Ctx, Error, rate::Rate, token};
use domain::{
    Account, AccountId, Passkey, Refusal, SpaceId, Time,
    login::{LoginWay, PASSKEY_NAME_MAX, PASSKEYS_MAX},
    problem, refuse,
    text::Form,
    time::MINUTE,
};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use store::catalogue::PASSKEY_BY_ACCOUNT;
use store::{Order, Read};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
    Webauthn, WebauthnBuilder,
};

/// What is under way, by the hash of what its browser holds.
#[derive(Debug, Default)]
pub struct Ceremonies(Mutex<HashMap<[u8; 32], Ceremony>>);

#[derive(Debug)]
struct Ceremony {
    space: SpaceId,
    until: Time,
    of: Of,
}

#[derive(Debug)]
enum Of {
    Making(AccountId, String, Box<PasskeyRegistration>),
    Showing(Box<DiscoverableAuthentication>),
}

/// How long a challenge counts.
const CHALLENGE_MILLIS: i64 = 5 * MINUTE;
/// Most that are under way at once; beyond, all begin anew.
const CEREMONIES_MAX: usize = 2_000;
/// How often an address may ask for a challenge: a venue's network is one address.
const BY_ADDRESS: Rate = Rate { burst: 60, minute: 30 };

impl Ceremonies {
    fn add(&self, hash: [u8; 32], ceremony: Ceremony, now: Time) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, ceremony| now < ceremony.until);
        if kept.len() >= CEREMONIES_MAX {
            kept.clear();
        }
        kept.insert(hash, ceremony);
    }

    /// Takes it out: whatever comes of it, its challenge is spent.
    fn take(&self, space: SpaceId, token: &str, now: Time) -> Result<Of, Refusal> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.remove(&token::hash(token)).filter(|one| one.space == space && now < one.until);
        found.map(|one| one.of).ok_or_else(over)
    }
}

fn over() -> Refusal {
    refuse!(Conflict, "passkey.over", "This took too long. Begin again.")
}

fn refused() -> Refusal {
    refuse!(
        Denied,
        "passkey.refused",
        "This passkey was not accepted. Log in with your password and look at your account's page, where passkeys are listed."
    )
}

/// Something that a browser is asked to do with a key.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What its browser holds meanwhile.
    pub token: String,
    /// Options for the browser, as WebAuthn writes them (JSON).
    pub options: String,
    /// The origin at which it works.
    pub origin: String,
}

/// The origin of an address that the box is reached by, where passkeys work: a name that is reached by TLS, or the box itself by its own name.
pub fn origin_of(base: &str) -> Option<String> {
    let url = Url::parse(base).ok()?;
    let domain = url.domain()?;
    let local = domain == "localhost" || domain.ends_with(".localhost");
    (url.scheme() == "https" || url.scheme() == "http" && local).then(|| url.origin().ascii_serialization())
}

fn site(ctx: &Ctx, space: SpaceId, base: &str) -> Result<(Webauthn, String), Error> {
    let impossible = || {
        refuse!(
            Conflict,
            "passkey.impossible",
            "Passkeys need an address with a name and TLS, such as https://huiguan.local; they do not work at an address of digits."
        )
    };
    let origin = origin_of(base).ok_or_else(impossible)?;
    let url = Url::parse(&origin).map_err(|_| impossible())?;
    let domain = url.domain().ok_or_else(impossible)?.to_owned();
    let known = ctx.known(space)?;
    let name = known.as_ref().map_or("", |known| known.space.name.as_str());
    let built = WebauthnBuilder::new(&domain, &url).and_then(|builder| builder.rp_name(name).build());
    Ok((built.map_err(|_| impossible())?, origin))
}

/// By what a device knows the account: nothing can be told from it, and it stays the same.
fn handle(ctx: &Ctx, space: SpaceId, account: AccountId) -> Uuid {
    let hash = token::sha256(ctx.sealer.tag(&format!("passkey of {space}/{account}")).as_bytes());
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = from;
    }
    Uuid::from_bytes(bytes)
}

fn keys_of(view: &impl Read, account: AccountId) -> Result<Vec<Passkey>, Error> {
    let mut keys = Vec::new();
    for key in view.scan_index(&PASSKEY_BY_ACCOUNT, &account, None, Order::Ascending) {
        keys.extend(view.get::<Passkey>(&key?)?);
    }
    keys.sort_by_key(|key| key.created_at);
    Ok(keys)
}

fn credential(kept: &Passkey) -> Result<webauthn_rs::prelude::Passkey, Error> {
    serde_json::from_str(&kept.credential).map_err(|error| Error::internal("reading a passkey", error))
}

/// The passkeys of the actor's own account, the oldest in front.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Passkey>, Error> {
    let account = actor.account().ok_or_else(Refusal::denied)?;
    ctx.read(&ctx.public(actor), |view| keys_of(view, account))
}

fn too_many() -> Refusal {
    refuse!(
        Conflict,
        "passkey.too_many",
        "An account can have at most {max} passkeys. Remove one first.",
        max = PASSKEYS_MAX
    )
}

/// Begins to make a passkey for the actor's own account, whose password was typed.
pub async fn prepare(ctx: &Ctx, actor: &Actor, (name, password): (&str, &str), base: &str) -> Result<Asked, Error> {
    let account = own(ctx, actor)?;
    let (site, origin) = site(ctx, actor.space, base)?;
    let mut form = Form::default();
    let name = form.required("passkey", name, PASSKEY_NAME_MAX);
    if !is_own_password(ctx, actor.space, &account, password).await? {
        form.wrong(problem!("own", "This is not your present password."));
    }
    let name = form.done(name)?;
    let kept = ctx.read(&ctx.public(actor), |view| keys_of(view, account.id))?;
    if kept.len() >= PASSKEYS_MAX {
        return Err(too_many().into());
    }
    let known = kept.iter().map(|key| Ok(credential(key)?.cred_id().clone())).collect::<Result<Vec<_>, Error>>()?;
    let id = handle(ctx, actor.space, account.id);
    let (options, state) = site
        .start_passkey_registration(id, &account.login, &account.name, Some(known))
        .map_err(|error| Error::internal("beginning to make a passkey", error))?;
    let mut options =
        serde_json::to_value(options).map_err(|error| Error::internal("writing options of a passkey", error))?;
    // At the log-in nobody types a name: the device must find the key by itself.
    if let Some(wanted) = options.pointer_mut("/publicKey/authenticatorSelection").and_then(|of| of.as_object_mut()) {
        wanted.insert("residentKey".into(), "required".into());
        wanted.insert("requireResidentKey".into(), true.into());
    }
    let token = token::new(ctx.random.as_ref());
    let ceremony = Ceremony {
        space: actor.space,
        until: ctx.now().plus(CHALLENGE_MILLIS),
        of: Of::Making(account.id, name, Box::new(state)),
    };
    ctx.ceremonies.add(token::hash(&token), ceremony, ctx.now());
    Ok(Asked { token, options: options.to_string(), origin })
}

/// Keeps the passkey that a browser made.
pub async fn keep(ctx: &Ctx, actor: &Actor, token: &str, answer: &str, base: &str) -> Result<(), Error> {
    let account = own(ctx, actor)?;
    let (site, _) = site(ctx, actor.space, base)?;
    let Of::Making(id, name, state) = ctx.ceremonies.take(actor.space, token, ctx.now())? else {
        return Err(over().into());
    };
    if id != account.id {
        return Err(over().into());
    }
    let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
    let made = site.finish_passkey_registration(&answer, &state).map_err(|error| {
        tracing::warn!(%error, account = account.id.0, "a passkey was not accepted");
        refused()
    })?;
    let credential = serde_json::to_string(&made).map_err(|error| Error::internal("writing a passkey", error))?;
    let key = token::sha256(made.cred_id().as_ref());
    ctx.write(&ctx.public(actor), move |work| {
        let kept = keys_of(work.read(), id)?;
        if kept.len() >= PASSKEYS_MAX {
            return Err(too_many().into());
        }
        // A credential belongs to one account alone (WebAuthn, 7.1).
        if work.read().get::<Passkey>(&key)?.is_some() {
            return Err(refused().into());
        }
        let passkey = Passkey {
            key,
            account: id,
            name: name.clone(),
            credential: credential.clone(),
            created_at: work.now,
            used_at: None,
        };
        work.insert(&passkey)?;
        work.audit("passkey.make", format!("account/{id}"), "", &name)
    })
    .await
}

/// What a passkey is called in addresses.
pub fn number(key: &Passkey) -> String {
    token::link_of(&key.key)
}

/// Removes a passkey of the actor's own account.
pub async fn remove(ctx: &Ctx, actor: &Actor, wanted: &str) -> Result<(), Error> {
    let (account, wanted) = (actor.account().ok_or_else(Refusal::denied)?, wanted.to_owned());
    ctx.write(&ctx.public(actor), move |work| {
        let mut keys = keys_of(work.read(), account)?.into_iter();
        let key = keys.find(|key| number(key) == wanted).ok_or_else(|| Refusal::missing("passkey"))?;
        work.remove::<Passkey>(&key.key)?;
        work.audit("passkey.remove", format!("account/{account}"), &key.name, "")
    })
    .await
}

/// Asks a browser to show a passkey; whose, nobody knows yet.
pub fn ask(ctx: &Ctx, space: SpaceId, base: &str, origin: &Origin) -> Result<Asked, Error> {
    let (site, at) = site(ctx, space, base)?;
    ctx.rates.take(&("passkey", &origin.address), BY_ADDRESS, ctx.now()).map_err(|(refusal, _)| refusal)?;
    let (mut options, state) =
        site.start_discoverable_authentication().map_err(|error| Error::internal("asking for a passkey", error))?;
    // A button was pressed: the browser asks at once, not within a field.
    options.mediation = None;
    let token = token::new(ctx.random.as_ref());
    let ceremony = Ceremony { space, until: ctx.now().plus(CHALLENGE_MILLIS), of: Of::Showing(Box::new(state)) };
    ctx.ceremonies.add(token::hash(&token), ceremony, ctx.now());
    let options =
        serde_json::to_string(&options).map_err(|error| Error::internal("writing options of a passkey", error))?;
    Ok(Asked { token, options, origin: at })
}

/// Logs in by the passkey that a browser showed.
pub async fn enter(
    ctx: &Ctx,
    space: SpaceId,
    token: &str,
    shown: (&str, &str),
    origin: &Origin,
) -> Result<Begun, Error> {
    Ok(enter_where(ctx, space, token, shown, origin, |_| Ok(Some(space))).await?.1)
}

/// As [`enter`], where the key says whose space it is: it was asked for in the space `asked`, and `find` knows in which space a key of that hash lies.
/// Answers that space too.
pub(crate) async fn enter_where(
    ctx: &Ctx,
    asked: SpaceId,
    token: &str,
    (answer, base): (&str, &str),
    origin: &Origin,
    find: impl FnOnce(&[u8; 32]) -> Result<Option<SpaceId>, Error>,
) -> Result<(SpaceId, Begun), Error> {
    let keys = [format!("address {}", origin.address)];
    ctx.limiter.check(&keys, ctx.now())?;
    let (site, _) = site(ctx, asked, base)?;
    let Of::Showing(state) = ctx.ceremonies.take(asked, token, ctx.now())? else { return Err(over().into()) };
    let fail = |why: &str| {
        ctx.limiter.fail(&keys, ctx.now());
        tracing::warn!(space = %asked, why, address = origin.address, "a log-in by passkey was refused");
        Error::from(refused())
    };
    let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(|_| fail("unreadable"))?;
    let (user, id) = site.identify_discoverable_authentication(&answer).map_err(|_| fail("names nobody"))?;
    let key = token::sha256(id);
    let space = find(&key)?.ok_or_else(|| fail("not known"))?;
    let kept = ctx.read(&ctx.own(space), |view| Ok(view.get::<Passkey>(&key)?))?;
    let kept = kept.filter(|kept| handle(ctx, space, kept.account) == user).ok_or_else(|| fail("not known"))?;
    let known = credential(&kept)?;
    let result = site.finish_discoverable_authentication_v2(&answer, *state, &known);
    let result = result.map_err(|error| fail(&error.to_string()))?;
    let coming = Coming::new(ctx, origin);
    let begun = coming.begun(ctx);
    ctx.write(&login::permit(space, kept.account), move |work| {
        // It may have been removed meanwhile, or used: the counter must go on from what is kept now.
        let mut kept = work.read().get::<Passkey>(&key)?.ok_or_else(refused)?;
        let mut known = credential(&kept)?;
        known.update_credential(&result);
        kept.credential = serde_json::to_string(&known).map_err(|error| Error::internal("writing a passkey", error))?;
        kept.used_at = Some(work.now);
        let account = work.read().get::<Account>(&kept.account)?.ok_or_else(refused)?;
        if account.disabled {
            return Err(refused().into());
        }
        work.put(&kept)?;
        login::begin_in(work, account.id, LoginWay::Passkey, &coming)
    })
    .await?;
    Ok((space, begun))
}

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn passkeys_work_where_there_is_a_name_and_tls() {
        let cases = [
            ("https://huiguan.local:8443", Some("https://huiguan.local:8443")),
            ("https://hall.example.org/m/3", Some("https://hall.example.org")),
            ("http://localhost:8080", Some("http://localhost:8080")),
            ("http://huiguan.local", None),
            ("https://192.168.1.5:8443", None),
            ("http://127.0.0.1:8080", None),
            ("https://[fd00::5]", None),
            ("", None),
        ];
        for (base, origin) in cases {
            assert_eq!(origin_of(base).as_deref(), origin, "{base}");
        }
    }
}
