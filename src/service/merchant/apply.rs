//! Applying to become a merchant (S0-87, S0-90, S0-93). The answer is the same whether a login is taken or not: who is already there is nobody's
//! business, and whoever reviews the application settles it.

use super::{check_room, settings, subject};
use crate::{Actor, Ctx, Error, account, token};
use domain::{
    Merchant, MerchantId, Refusal, SpaceId,
    merchant::{MerchantInput, MerchantState, WAITING_MAX, check_new},
    problem, refuse,
};
use store::Read;
use store::catalogue::{MERCHANT_BY_LINK, MERCHANTS};

fn closed() -> Error {
    refuse!(Missing, "merchant.not_open", "Merchants cannot register themselves here. Ask the association.").into()
}

/// Takes an application; answers the link of its page. Many from one address are slowed down.
pub async fn apply(
    ctx: &Ctx,
    actor: &Actor,
    input: &MerchantInput,
    agreed: bool,
    address: &str,
) -> Result<String, Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::missing("page").into());
    }
    let permit = ctx.public(actor);
    if !ctx.read(&permit, settings::kept)?.open {
        return Err(closed());
    }
    let keys = [format!("apply {address}")];
    ctx.limiter.check(&keys, ctx.now())?;
    let checked = check_new(input);
    let (details, login) = match (checked, agreed) {
        (Ok(checked), true) => checked,
        (checked, agreed) => {
            let mut problems = checked.err().map_or_else(Vec::new, |refusal| refusal.problems);
            if !agreed {
                problems.push(problem!("agreed", "Accept the agreement to register."));
            }
            return Err(Refusal::invalid(problems).into());
        }
    };
    // Each application counts, good or not: nobody sends many.
    ctx.limiter.fail(&keys, ctx.now());
    let hash = account::hash_password(ctx, &input.password).await?;
    let link = super::new_link(ctx);
    ctx.write(&permit, move |work| {
        if !settings::kept(work.read())?.open {
            return Err(closed());
        }
        check_room(work.read())?;
        if work.read().count(&MERCHANTS, &(MerchantState::Applied as u8))? >= WAITING_MAX {
            return Err(refuse!(
                Unavailable,
                "merchant.many_wait",
                "Too many applications wait for review at the moment. Try again in a few days, or ask the association."
            )
            .into());
        }
        let id = MerchantId(work.next_id::<Merchant>()?);
        work.insert(&Merchant {
            id,
            space: None,
            name: details.name.clone(),
            contact: details.contact.clone(),
            phone: details.phone.clone(),
            login: login.clone(),
            password: hash.clone(),
            note: details.note.clone(),
            state: MerchantState::Applied,
            reason: String::new(),
            applied: true,
            charging: false,
            link,
            created_at: work.now,
            changed_at: work.now,
            revision: 0,
        })?;
        work.audit("merchant.apply", subject(id), "", &details.name)
    })
    .await?;
    Ok(token::link(&link))
}

/// What an applicant sees of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Name of the company.
    pub name: String,
    /// Where it stands.
    pub state: MerchantState,
    /// Why it was turned down.
    pub reason: String,
    /// The login that was given, once it is in effect.
    pub login: Option<String>,
}

/// The application behind a link.
pub fn application(ctx: &Ctx, actor: &Actor, link: &str) -> Result<Application, Error> {
    let bytes = token::read_link(link).ok_or_else(|| Refusal::missing("page"))?;
    ctx.read(&ctx.public(actor), |view| {
        let found = view.find::<Merchant, _>(&MERCHANT_BY_LINK, &bytes)?.filter(|merchant| merchant.applied);
        let Merchant { name, state, reason, login, .. } = found.ok_or_else(|| Refusal::missing("page"))?;
        let login = Some(login).filter(|_| state == MerchantState::Active);
        // Why a merchant was frozen is said by the association itself.
        let reason = if state == MerchantState::Rejected { reason } else { String::new() };
        Ok(Application { name, state, reason, login })
    })
}
