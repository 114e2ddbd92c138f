//! Logging in through WeChat (S1-10): the codes of a mini-program and of pages of the official account prove openid and unionid, the code of the
//! phone button a number. All of them prove one person.

use super::{Proof, begin, logged_in, proof::attach_all};
use crate::{Actor, Ctx, Error, Work, account::Origin, wechat};
use domain::{Person, PersonId, SpaceId, WechatLink, WechatLinkId, identity::IdentityKind, refuse, wechat::AppKind};
use store::Read;
use wechat::Linked;

/// What WeChat said of somebody, as proofs. What holds for all apps comes first: it finds whoever came by another app before.
fn proofs(linked: &Linked) -> Vec<Proof> {
    let kind = if linked.kind == AppKind::Mini { IdentityKind::Mini } else { IdentityKind::Official };
    let union = linked.unionid.clone().map(|value| Proof { kind: IdentityKind::Union, value });
    union.into_iter().chain([Proof { kind, value: linked.openid.clone() }]).collect()
}

/// Asks WeChat who a code of `wx.login` is of. Whoever tries codes at random waits: each is asked about outside.
async fn asked(ctx: &Ctx, space: SpaceId, code: &str, address: &str) -> Result<Linked, Error> {
    let keys = [format!("wechat login {address}")];
    ctx.limiter.check(&keys, ctx.now())?;
    let answer = wechat::login(ctx, space, code).await;
    if answer.as_ref().is_err_and(|error| error.code() == Some("wechat.code")) {
        ctx.limiter.fail(&keys, ctx.now());
    }
    answer
}

/// Logs in whom a code of `wx.login` is of, and lets the code of the phone button, where one is given, prove the number with it: both are the
/// person's who registered with the number. Answers the session's token and who it is.
pub async fn log_in_mini(
    ctx: &Ctx,
    space: SpaceId,
    (code, phone_code): (&str, &str),
    device: &str,
    origin: &Origin,
) -> Result<(String, PersonId), Error> {
    let linked = asked(ctx, space, code, &origin.address).await?;
    let mut proofs = proofs(&linked);
    if !phone_code.is_empty() {
        let value = wechat::phone(ctx, space, linked.link, phone_code).await?;
        proofs.push(Proof { kind: IdentityKind::Phone, value });
    }
    begin(ctx, space, (proofs, Some(linked.link)), device, origin).await
}

/// Logs in who came back from the log-in page of the official account.
pub async fn log_in_page(
    ctx: &Ctx,
    space: SpaceId,
    linked: &Linked,
    origin: &Origin,
) -> Result<(String, PersonId), Error> {
    begin(ctx, space, (proofs(linked), Some(linked.link)), "", origin).await
}

/// Gives the logged-in person who came back from the log-in page of the official account that account's proof too.
pub async fn attach_page(ctx: &Ctx, actor: &Actor, linked: &Linked) -> Result<PersonId, Error> {
    attach_all(ctx, actor, proofs(linked), Some(linked.link)).await
}

/// Gives the logged-in person the mini-program's proof by a code of `wx.login`.
pub async fn attach_mini(ctx: &Ctx, actor: &Actor, code: &str, address: &str) -> Result<PersonId, Error> {
    logged_in(actor)?;
    let linked = asked(ctx, actor.space, code, address).await?;
    attach_all(ctx, actor, proofs(&linked), Some(linked.link)).await
}

/// Gives the logged-in person the number behind a code of the phone button of the mini-program that they logged in by.
pub async fn attach_phone(ctx: &Ctx, actor: &Actor, phone_code: &str) -> Result<PersonId, Error> {
    let (person, _) = logged_in(actor)?;
    let app = wechat::enabled(ctx, actor.space, AppKind::Mini)?;
    let link = ctx.read(&ctx.public(actor), |view| match &app {
        Some(app) => {
            let links = wechat::links_of(view, person, &app.app)?;
            Ok(links.into_iter().max_by_key(|link| link.seen_at).map(|link| link.id))
        }
        None => Ok(None),
    })?;
    let link = link.ok_or_else(|| {
        Error::from(refuse!(
            Conflict,
            "wechat.not_linked",
            "Log in through the mini-program first: this phone is not known to it."
        ))
    })?;
    let value = wechat::phone(ctx, actor.space, link, phone_code).await?;
    attach_all(ctx, actor, vec![Proof { kind: IdentityKind::Phone, value }], Some(link)).await
}

/// The openid that a person has at an app, the one used last; what pays inside WeChat needs it.
pub(crate) fn openid(view: &impl Read, person: PersonId, app: &str) -> Result<Option<String>, Error> {
    let links = wechat::links_of(view, person, app)?;
    Ok(links.into_iter().max_by_key(|link| link.seen_at).map(|link| link.openid))
}

/// Lets WeChat know whose link it is. A link that somebody proved by an attend code stays where it is until a number is proved: its holder gets
/// what is said of the ticket.
pub(super) fn own_link(work: &mut Work<'_, '_>, link: Option<WechatLinkId>, person: PersonId) -> Result<(), Error> {
    let Some(id) = link else { return Ok(()) };
    let Some(kept) = work.read().get::<WechatLink>(&id)?.filter(|kept| kept.person != Some(person)) else {
        return Ok(());
    };
    let has_phone = work.read().get::<Person>(&person)?.is_some_and(|person| person.phone.is_some());
    if kept.person.is_none() || has_phone {
        wechat::bind_in(work, id, person)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{actor, merges, sessions, tickets, undo_merge};
    use super::*;
    use crate::{
        registration,
        test::{named, opened},
        wechat::test::{MINI, OFFICIAL, Outside, outside},
    };
    use domain::{
        identity::UNDO_MILLIS,
        time::{MINUTE, SECOND},
    };
    use std::sync::Arc;

    const SPACE: SpaceId = SpaceId::ASSOCIATION;
    const PHONE: &str = "13812345678";

    fn from(address: &str) -> Origin {
        Origin { address: address.into(), ..Origin::default() }
    }

    async fn log_in(of: &Outside, person: &str, phone: &str) -> Result<(Arc<Actor>, PersonId), Error> {
        let code = of.world.login_code(MINI, person);
        let phone_code = if phone.is_empty() { String::new() } else { of.world.phone_code(MINI, person, phone) };
        let (token, person) = log_in_mini(&of.hall.ctx, SPACE, (&code, &phone_code), "", &from("203.0.113.1")).await?;
        Ok((actor(&of.hall.ctx, SPACE, &token)?.unwrap(), person))
    }

    fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> Option<&'static str> {
        answer.unwrap_err().code()
    }

    #[tokio::test]
    async fn whoever_comes_by_wechat_and_shows_the_number_is_who_registered_with_it() {
        let of = outside().await;
        let ctx = &of.hall.ctx;
        let (event, kind) = opened(&of.hall, &of.admin).await;
        let ticket = registration::add(ctx, &of.admin, event, kind, "", &named("张三", PHONE)).await.unwrap();
        let (me, nobody) = log_in(&of, "甲", "").await.unwrap();
        assert!(tickets(ctx, &me).unwrap().is_empty() && nobody != ticket.person);
        let (both, person) = log_in(&of, "甲", PHONE).await.unwrap();
        assert_eq!(person, ticket.person, "both are one");
        assert_eq!(tickets(ctx, &both).unwrap().len(), 1);
        assert_eq!(sessions(ctx, &both).unwrap().len(), 2, "the session before goes on as the same person");
        assert_eq!(log_in(&of, "甲", "").await.unwrap().1, person, "and the number is not asked for again");
        let link = wechat::login(ctx, SPACE, &of.world.login_code(MINI, "甲")).await.unwrap();
        assert_eq!(link.person, Some(person), "messages reach the same person");
        // The official account knows the same person by what both apps have in common.
        let page = wechat::page_login(ctx, SPACE, &of.world.page_code(OFFICIAL, "甲")).await.unwrap();
        assert_eq!(log_in_page(ctx, SPACE, &page, &from("")).await.unwrap().1, person);
        let report = ctx.store().view().verify();
        assert!(report.is_sound(), "{report}");
    }

    #[tokio::test]
    async fn codes_that_were_used_are_old_or_another_apps_log_nobody_in() {
        let of = outside().await;
        let ctx = &of.hall.ctx;
        let used = of.world.login_code(MINI, "甲");
        log_in_mini(ctx, SPACE, (&used, ""), "", &from("1")).await.unwrap();
        assert_eq!(code(log_in_mini(ctx, SPACE, (&used, ""), "", &from("2")).await), Some("wechat.code"));
        let other_app = of.world.page_code(OFFICIAL, "甲");
        assert_eq!(code(log_in_mini(ctx, SPACE, (&other_app, ""), "", &from("3")).await), Some("wechat.code"));
        let late = of.world.login_code(MINI, "甲");
        of.hall.advance(6 * MINUTE);
        assert_eq!(code(log_in_mini(ctx, SPACE, (&late, ""), "", &from("4")).await), Some("wechat.code"));
        // A number is given for its own person alone, and then nobody is logged in.
        let (mine, theirs) = (of.world.login_code(MINI, "甲"), of.world.phone_code(MINI, "乙", PHONE));
        let stranger = log_in_mini(ctx, SPACE, (&mine, &theirs), "", &from("5")).await;
        assert_eq!(code(stranger), Some("wechat.unreachable"));
        let mut last = None;
        for _ in 0..20 {
            last = code(log_in_mini(ctx, SPACE, ("guess", ""), "", &from("6")).await);
        }
        assert_eq!(last, Some("attempt.too_many"), "whoever guesses waits");
        let fine = of.world.login_code(MINI, "甲");
        assert!(log_in_mini(ctx, SPACE, (&fine, ""), "", &from("7")).await.is_ok(), "and nobody else does");
    }

    #[tokio::test]
    async fn two_phones_at_once_are_one_person_and_two_people_stay_two() {
        let of = outside().await;
        let (one, two) = tokio::join!(log_in(&of, "甲", PHONE), log_in(&of, "甲", PHONE));
        let ((first, person), (_, same)) = (one.unwrap(), two.unwrap());
        assert_eq!((person, sessions(&of.hall.ctx, &first).unwrap().len()), (same, 2));
        // Somebody who is known by another WeChat does not become the owner of a number that has one.
        let (other, stranger) = log_in(&of, "乙", "").await.unwrap();
        let phone_code = of.world.phone_code(MINI, "乙", PHONE);
        assert_eq!(code(attach_phone(&of.hall.ctx, &other, &phone_code).await), Some("identity.two_people"));
        assert_ne!(stranger, person);
        let nobody = Actor::visitor(SPACE);
        assert_eq!(code(attach_phone(&of.hall.ctx, &nobody, "x").await), Some("session.none"));
        assert!(of.hall.ctx.store().view().verify().is_sound());
    }

    #[tokio::test]
    async fn the_record_with_the_number_stands_and_a_merge_is_undone_in_its_time() {
        let of = outside().await;
        let ctx = &of.hall.ctx;
        let (event, kind) = opened(&of.hall, &of.admin).await;
        let ticket = registration::add(ctx, &of.admin, event, kind, "", &named("张三", PHONE)).await.unwrap();
        let (wechat_only, by_wechat) = log_in(&of, "甲", "").await.unwrap();
        let other = registration::add(ctx, &of.admin, event, kind, "", &named("李四", "13900001111")).await.unwrap();
        let link = crate::token::link(&other.link);
        super::super::remember(ctx, &wechat_only, &link).await.unwrap();
        let phone = Proof { kind: IdentityKind::Phone, value: "+8613812345678".into() };
        let (token, by_phone) = super::super::log_in(ctx, SPACE, vec![phone], "", &from("")).await.unwrap();
        assert_eq!(by_phone, ticket.person);
        let me = actor(ctx, SPACE, &token).unwrap().unwrap();
        let code = of.world.login_code(MINI, "甲");
        assert_eq!(attach_mini(ctx, &me, &code, "203.0.113.1").await.unwrap(), by_phone, "registrations name it");
        assert_eq!(tickets(ctx, &me).unwrap().len(), 2, "what both have");
        let rows = merges(ctx, &of.admin).unwrap();
        assert_eq!((rows.len(), rows[0].from.id, rows[0].into.id), (1, by_wechat, by_phone));
        assert!(undo_merge(ctx, &me, by_wechat).await.is_err() && merges(ctx, &Actor::visitor(SPACE)).is_err());
        undo_merge(ctx, &of.admin, by_wechat).await.unwrap();
        assert!(actor(ctx, SPACE, &token).unwrap().is_none(), "everybody proves anew who they are");
        let (again, back) = log_in(&of, "甲", "").await.unwrap();
        assert_eq!((back, tickets(ctx, &again).unwrap().len()), (by_wechat, 1));
        assert_eq!(tickets(ctx, &again).unwrap()[0].ticket.id, other.id);
        let gone = undo_merge(ctx, &of.admin, by_wechat).await.unwrap_err();
        assert_eq!(gone.code(), Some("record.missing"), "once is once");
        let lines = crate::audit::page(ctx, &of.admin, None, "").await.unwrap().lines;
        assert!(lines.iter().any(|(_, line)| line.action == "person.unmerge"), "{lines:?}");
        // Joined once more, and too long ago.
        attach_phone(ctx, &again, &of.world.phone_code(MINI, "甲", PHONE)).await.unwrap();
        of.hall.advance(UNDO_MILLIS + SECOND);
        assert_eq!(undo_merge(ctx, &of.admin, by_wechat).await.unwrap_err().code(), Some("merge.too_late"));
        assert!(merges(ctx, &of.admin).unwrap().is_empty());
        super::super::forget_old(ctx, SPACE).await.unwrap();
        assert_eq!(undo_merge(ctx, &of.admin, by_wechat).await.unwrap_err().code(), Some("record.missing"));
        let report = ctx.store().view().verify();
        assert!(report.is_sound(), "{report}");
    }
}
