//! Searches that somebody keeps for later, each for its owner alone.

use crate::{Actor, Ctx, Error, Permit};
use domain::{
    AccountId, Refusal, SavedSearch, SearchId, refuse,
    search::{SAVED_MAX, check_saved},
};
use store::catalogue::SEARCH_BY_ACCOUNT;
use store::{Order, Read};

/// Everybody who is logged in keeps searches of their own.
fn own(ctx: &Ctx, actor: &Actor) -> Result<(Permit, AccountId), Error> {
    let account = actor.account().ok_or_else(|| refuse!(Unknown, "session.none", "Please log in."))?;
    Ok((ctx.public(actor), account))
}

fn all(view: &impl Read, account: AccountId) -> Result<Vec<SavedSearch>, Error> {
    let mut out = Vec::new();
    for key in view.scan_index(&SEARCH_BY_ACCOUNT, &account, None, Order::Ascending).take(SAVED_MAX) {
        out.extend(view.get::<SavedSearch>(&key?)?);
    }
    Ok(out)
}

/// The actor's searches of a page, by the path in front of their query; all with an empty one.
pub fn list(ctx: &Ctx, actor: &Actor, path: &str) -> Result<Vec<SavedSearch>, Error> {
    let (permit, account) = own(ctx, actor)?;
    let mut all = ctx.read(&permit, |view| all(view, account))?;
    all.retain(|kept| path.is_empty() || kept.address.split('?').next() == Some(path));
    Ok(all)
}

/// Keeps a search; one of the same name and page is replaced.
pub async fn save(ctx: &Ctx, actor: &Actor, name: &str, address: &str) -> Result<SearchId, Error> {
    let (permit, account) = own(ctx, actor)?;
    let (name, address) = check_saved(name, address)?;
    ctx.write(&permit, move |work| {
        let kept = all(work.read(), account)?;
        let page = |address: &str| address.split('?').next().map(str::to_owned);
        let same = kept.iter().find(|kept| kept.name == name && page(&kept.address) == page(&address));
        if same.is_none() && kept.len() >= SAVED_MAX {
            return Err(refuse!(
                Conflict,
                "search.too_many_saved",
                "You have kept {max} searches already. Remove one first.",
                max = SAVED_MAX
            )
            .into());
        }
        let id = match same {
            Some(same) => same.id,
            None => SearchId(work.next_id::<SavedSearch>()?),
        };
        let search = SavedSearch { id, account, name: name.clone(), address: address.clone(), created_at: work.now };
        work.put(&search)?;
        work.audit("search.save", format!("saved_search/{id}"), "", &name)?;
        Ok(id)
    })
    .await
}

/// Removes one of the actor's own; somebody else's does not exist.
pub async fn remove(ctx: &Ctx, actor: &Actor, id: SearchId) -> Result<SavedSearch, Error> {
    let (permit, account) = own(ctx, actor)?;
    ctx.write(&permit, move |work| {
        let kept = work.read().get::<SavedSearch>(&id)?.filter(|kept| kept.account == account);
        let kept = kept.ok_or_else(|| Refusal::missing("saved search"))?;
        work.remove::<SavedSearch>(&id)?;
        work.audit("search.remove", format!("saved_search/{id}"), &kept.name, "")?;
        Ok(kept)
    })
    .await
}
