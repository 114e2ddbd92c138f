//! Proofs of a person: whom they prove, adding one more, and two records that turn out to be one person.

use super::{logged_in, merge::merge};
use crate::{Actor, Ctx, Error, Work};
use domain::{
    Identity, Person, PersonId, PersonSession, Refusal, WechatLinkId,
    identity::{Holds, IdentityKind, Joining, join, masked_email},
    person::{COMPANY_MAX, NAME_MAX},
    phone, problem,
    text::Form,
};
use store::catalogue::{IDENTITY_BY_PERSON, PERSON_BY_PHONE};
use store::{Order, Read};

/// Something that was shown to be somebody's: only this room makes one, when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub(crate) kind: IdentityKind,
    pub(crate) value: String,
}

impl Proof {
    /// As logs show it: nobody is recognised by it.
    fn masked(&self) -> String {
        let value = match self.kind {
            IdentityKind::Phone => phone::masked(&self.value),
            IdentityKind::Email => masked_email(&self.value),
            IdentityKind::Mini | IdentityKind::Official | IdentityKind::Union => "***".to_owned(),
        };
        format!("{} {value}", self.kind.code())
    }

    fn key(&self) -> (u8, String) {
        (self.kind as u8, self.value.clone())
    }

    fn identity(&self, person: PersonId, now: domain::Time) -> Identity {
        Identity { kind: self.kind, value: self.value.clone(), person, proved_at: now }
    }
}

pub(super) fn identities_of(view: &impl Read, person: PersonId) -> Result<Vec<Identity>, Error> {
    let mut all = Vec::new();
    for key in view.scan_index(&IDENTITY_BY_PERSON, &person, None, Order::Ascending) {
        all.extend(view.get::<Identity>(&key?)?);
    }
    Ok(all)
}

pub(super) fn load(view: &impl Read, person: PersonId) -> Result<Person, Error> {
    Ok(view.get::<Person>(&person)?.ok_or_else(|| Refusal::missing("person"))?)
}

/// Who is known by a proof: whoever proved it before, or who left that phone number with a registration.
fn known_by(view: &impl Read, proof: &Proof) -> Result<Option<PersonId>, Error> {
    if let Some(identity) = view.get::<Identity>(&proof.key())? {
        return Ok(Some(identity.person));
    }
    match proof.kind {
        IdentityKind::Phone => Ok(view.find_key::<Person, _>(&PERSON_BY_PHONE, &proof.value)?),
        IdentityKind::Email | IdentityKind::Mini | IdentityKind::Official | IdentityKind::Union => Ok(None),
    }
}

/// The person whom all proofs prove, or a new one.
pub(super) fn person_of(work: &mut Work<'_, '_>, proofs: &[Proof], unnamed: &str) -> Result<PersonId, Error> {
    let first = proofs.first().ok_or_else(|| Error::Internal("a login without a proof".into()))?;
    let mut person = None;
    for proof in proofs {
        if person.is_none() {
            person = known_by(work.read(), proof)?;
        }
    }
    let mut person = match person {
        Some(person) => person,
        None => fresh(work, first, unnamed)?,
    };
    for proof in proofs {
        person = add(work, person, proof)?;
    }
    Ok(person)
}

/// How somebody is called of whom only WeChat knows, until they say their name.
pub(super) const UNNAMED: &str = "WeChat user";

/// A new person, named by what is known, or `unnamed`: the name is for its owner to change.
fn fresh(work: &mut Work<'_, '_>, proof: &Proof, unnamed: &str) -> Result<PersonId, Error> {
    let name = match proof.kind {
        IdentityKind::Phone => phone::masked(&proof.value),
        IdentityKind::Email => masked_email(&proof.value).chars().take(NAME_MAX).collect(),
        IdentityKind::Mini | IdentityKind::Official | IdentityKind::Union => unnamed.to_owned(),
    };
    let id = PersonId(work.next_id::<Person>()?);
    work.insert(&Person { id, name, phone: None, company: String::new(), created_at: work.now })?;
    work.audit("person.create", format!("person/{id}"), "", &proof.masked())?;
    Ok(id)
}

fn holds(view: &impl Read, person: PersonId) -> Result<Holds, Error> {
    let kinds: Vec<IdentityKind> = identities_of(view, person)?.into_iter().map(|identity| identity.kind).collect();
    let has = |kind| kinds.contains(&kind);
    Ok(Holds {
        phone: load(view, person)?.phone.is_some(),
        email: has(IdentityKind::Email),
        mini: has(IdentityKind::Mini),
        official: has(IdentityKind::Official),
    })
}

/// Gives a person one proof more; answers who the person is then.
fn add(work: &mut Work<'_, '_>, person: PersonId, proof: &Proof) -> Result<PersonId, Error> {
    let other = match known_by(work.read(), proof)? {
        Some(other) => Some((other, holds(work.read(), other)?)),
        None => None,
    };
    let person = match join((person, holds(work.read(), person)?), other)? {
        Joining::Known | Joining::New => person,
        Joining::Merge { from, into } => {
            merge(work, from, into)?;
            into
        }
    };
    take(work, person, proof)?;
    Ok(person)
}

/// Keeps a proof that is nobody else's. A person has one phone number and one address: the one before is not theirs any more.
fn take(work: &mut Work<'_, '_>, person: PersonId, proof: &Proof) -> Result<(), Error> {
    if work.read().get::<Identity>(&proof.key())?.is_some_and(|kept| kept.person == person) {
        return Ok(());
    }
    if matches!(proof.kind, IdentityKind::Phone | IdentityKind::Email) {
        for old in identities_of(work.read(), person)?.into_iter().filter(|old| old.kind == proof.kind) {
            work.remove::<Identity>(&(old.kind as u8, old.value))?;
        }
    }
    if proof.kind == IdentityKind::Phone {
        let mut kept = load(work.read(), person)?;
        if kept.phone.as_ref() != Some(&proof.value) {
            kept.phone = Some(proof.value.clone());
            work.put(&kept)?;
        }
    }
    work.put(&proof.identity(person, work.now))?;
    work.audit("identity.prove", format!("person/{person}"), "", &proof.masked())
}

/// Gives the logged-in person one proof more (S1-10, S1-11): a phone number that was registered with before makes both records one.
/// Answers who the person is then; the session goes on.
pub async fn attach(ctx: &Ctx, actor: &Actor, proof: Proof) -> Result<PersonId, Error> {
    attach_all(ctx, actor, vec![proof], None).await
}

/// As [`attach`], several proofs of one thing, with WeChat's link that they came by.
pub(super) async fn attach_all(
    ctx: &Ctx,
    actor: &Actor,
    proofs: Vec<Proof>,
    link: Option<WechatLinkId>,
) -> Result<PersonId, Error> {
    let (_, session) = logged_in(actor)?;
    let permit = ctx.public(actor);
    let attached = ctx.write(&permit, move |work| {
        // Who asks may have become somebody else since the session was looked up.
        let session = work.read().get::<PersonSession>(&session)?.ok_or_else(super::nobody)?;
        let mut person = session.person;
        for proof in &proofs {
            person = add(work, person, proof)?;
        }
        super::wechat::own_link(work, link, person)?;
        Ok(person)
    });
    let attached = attached.await;
    ctx.sessions.forget();
    attached
}

/// What a person is known by, as only the person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The person.
    pub person: Person,
    /// The phone number was proved.
    pub phone_proved: bool,
    /// The proved e-mail address.
    pub email: Option<String>,
    /// The mini-program or the official account knows the person.
    pub wechat: bool,
    /// The language that the person reads.
    pub language: String,
}

/// What a person may change of themselves.
#[derive(Debug, Clone, Default)]
pub struct ProfileInput {
    /// Name.
    pub name: String,
    /// Company.
    pub company: String,
    /// Tag of the language; none: it stays.
    pub language: Option<String>,
}

/// The language of the logged-in person: their own, or the association's.
pub fn language(ctx: &Ctx, actor: &Actor) -> Result<String, Error> {
    let (person, _) = logged_in(actor)?;
    ctx.read(&ctx.public(actor), |view| crate::message::template::lang_of(view, Some(person)))
}

/// What is known of the logged-in person.
pub fn profile(ctx: &Ctx, actor: &Actor) -> Result<Profile, Error> {
    let (person, _) = logged_in(actor)?;
    ctx.read(&ctx.public(actor), |view| {
        let person = load(view, person)?;
        let all = identities_of(view, person.id)?;
        let of = |kind: IdentityKind| all.iter().find(|identity| identity.kind == kind);
        let phone_proved = of(IdentityKind::Phone).is_some_and(|phone| Some(&phone.value) == person.phone.as_ref());
        let email = of(IdentityKind::Email).map(|email| email.value.clone());
        let wechat = of(IdentityKind::Mini).or_else(|| of(IdentityKind::Official)).is_some();
        let language = crate::message::template::lang_of(view, Some(person.id))?;
        Ok(Profile { person, phone_proved, email, wechat, language })
    })
}

/// Changes name, company and language of the logged-in person.
pub async fn save_profile(ctx: &Ctx, actor: &Actor, input: &ProfileInput) -> Result<(), Error> {
    let (person, _) = logged_in(actor)?;
    let mut form = Form::default();
    let name = form.required("name", &input.name, NAME_MAX);
    let company = form.optional("company", &input.company, COMPANY_MAX);
    let lang = input.language.as_deref().map(domain::message::template::known_lang);
    if lang == Some(None) {
        form.wrong(problem!("language", "Choose one of the given answers."));
    }
    let lang = lang.flatten();
    form.done(())?;
    let (kept, link) =
        ctx.read(&ctx.public(actor), |view| Ok((load(view, person)?.name, crate::wechat::mini_link(view, person)?)))?;
    if let Some(link) = link.filter(|_| kept != name) {
        crate::wechat::check_name(ctx, actor.space, &link.into(), &name).await?;
    }
    ctx.write(&ctx.public(actor), move |work| {
        let before = load(work.read(), person)?;
        let after = Person { name: name.clone(), company: company.clone(), ..before.clone() };
        let spoken = crate::message::template::lang_of(work.read(), Some(person))?;
        let speaks = lang.map_or_else(|| spoken.clone(), str::to_owned);
        if after == before && spoken == speaks {
            return Ok(());
        }
        work.put(&after)?;
        if spoken != speaks {
            work.put(&domain::PersonLang { person, lang: speaks.clone() })?;
        }
        let text = |person: &Person, lang: &str| format!("{} | {} | {lang}", person.name, person.company);
        work.audit("person.edit", format!("person/{person}"), &text(&before, &spoken), &text(&after, &speaks))
    })
    .await
}
