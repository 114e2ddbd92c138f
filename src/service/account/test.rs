//! Log-ins: the second step and its codes, known browsers and what others try, links, sessions, and what their owner is told.

use super::{Entry, Origin, enter, login, passkey, reset, second};
use crate::{
    Actor, Ctx, account,
    ctx::test::Hall,
    message,
    test::{PASSWORD, founded},
};
use domain::{
    KnownBrowser, Notice, Passkey, PasswordLink, SecondStep, Session, SpaceId, Time,
    account::IDLE_MILLIS,
    login::{BROWSERS_MAX, LINES_MAX, LoginWay},
    message::{MailInput, SettingInput, template::TemplateInput},
    notice::{NoticeState, Purpose},
    second::{RECOVERY_CODES, STEP_MILLIS, code_at},
    time::{DAY, HOUR, MINUTE, SECOND},
};
use gateway::mail::standin::{MailServer, Rules};
use store::{Order, Read};

const SPACE: SpaceId = SpaceId::ASSOCIATION;

fn from(address: &str, browser: &str) -> Origin {
    Origin {
        address: address.into(),
        agent: "Firefox/140.0 (Linux)".into(),
        browser: browser.into(),
        ..Origin::default()
    }
}

async fn session(ctx: &Ctx, origin: &Origin) -> account::Begun {
    match enter(ctx, SPACE, "admin", PASSWORD, origin).await.unwrap() {
        Entry::Begun(begun) => begun,
        Entry::Step(_) => panic!("no second step is on"),
    }
}

async fn step(ctx: &Ctx, origin: &Origin) -> String {
    match enter(ctx, SPACE, "admin", PASSWORD, origin).await.unwrap() {
        Entry::Begun(_) => panic!("a second step is on"),
        Entry::Step(token) => token,
    }
}

fn who(ctx: &Ctx, begun: &account::Begun) -> Option<Actor> {
    account::actor(ctx, SPACE, &begun.session).unwrap()
}

fn all<R: store::Record>(ctx: &Ctx) -> Vec<R> {
    let view = ctx.store().view();
    view.space(SPACE).scan::<R>(&(), None, Order::Ascending).map(|kept| kept.unwrap().1).collect()
}

/// The secret as the app reads it.
fn secret(offer: &second::Offer) -> Vec<u8> {
    let plain: String = offer.secret.chars().filter(|c| *c != '-').collect();
    data_encoding::BASE32_NOPAD.decode(plain.as_bytes()).unwrap()
}

/// Switches the second step of the administrator on; answers the secret and the recovery codes.
async fn switched_on(hall: &Hall, admin: &Actor) -> (Vec<u8>, Vec<String>) {
    hall.advance(400 * DAY);
    second::prepare(&hall.ctx, admin, PASSWORD).await.unwrap();
    let secret = secret(&second::offer(&hall.ctx, admin).unwrap());
    let code = code_at(&secret, hall.ctx.now()).unwrap();
    let codes = second::switch_on(&hall.ctx, admin, &code).await.unwrap();
    hall.advance(MINUTE);
    (secret, codes)
}

#[tokio::test]
async fn a_second_step_is_asked_for_from_its_first_code_on_and_each_code_counts_once() {
    let (hall, admin) = founded().await;
    let (ctx, here) = (&hall.ctx, from("10.0.0.1", ""));
    hall.advance(DAY);
    assert!(second::prepare(ctx, &admin, "wrong wrong wrong").await.is_err(), "the password is asked for");
    assert_eq!(second::offer(ctx, &admin).unwrap_err().code(), Some("record.missing"));
    second::prepare(ctx, &admin, PASSWORD).await.unwrap();
    session(ctx, &here).await;
    let refused = second::switch_on(ctx, &admin, "000000").await.unwrap_err();
    assert_eq!(refused.code(), Some("input.invalid"));
    let (secret, codes) = switched_on(&hall, &admin).await;
    assert_eq!(codes.len(), RECOVERY_CODES);
    assert!(second::prepare(ctx, &admin, PASSWORD).await.is_err(), "it is on");
    assert_eq!(all::<Session>(ctx).len(), 1, "every other session ended");
    let kept = all::<SecondStep>(ctx).remove(0);
    assert!(!kept.secret.windows(20).any(|part| part == secret), "the secret is sealed");
    let waiting = step(ctx, &here).await;
    assert!(second::waits(ctx, SPACE, &waiting) && !second::waits(ctx, SpaceId(2), &waiting));
    assert_eq!(
        second::finish(ctx, SpaceId(2), &waiting, "1", &here).await.unwrap_err().code(),
        Some("login.step_over")
    );
    let code = code_at(&secret, ctx.now()).unwrap();
    let begun = second::finish(ctx, SPACE, &waiting, &code, &here).await.unwrap();
    assert!(who(ctx, &begun).is_some());
    assert_eq!(second::finish(ctx, SPACE, &waiting, &code, &here).await.unwrap_err().code(), Some("login.step_over"));
    let waiting = step(ctx, &here).await;
    let again = second::finish(ctx, SPACE, &waiting, &code, &here).await.unwrap_err();
    assert_eq!(again.code(), Some("login.wrong_code"), "a code counts once");
    hall.advance(30 * SECOND);
    let next = code_at(&secret, ctx.now()).unwrap();
    second::finish(ctx, SPACE, &waiting, &next, &here).await.unwrap();
    assert!(account::log_in(ctx, SPACE, "admin", PASSWORD, &here).await.is_err(), "nobody types a code there");
    assert!(hall.ctx.store().verify().is_sound());
}

#[tokio::test]
async fn the_second_step_takes_few_tries_and_little_time_and_its_owner_is_told() {
    let (hall, admin) = founded().await;
    let (ctx, here) = (&hall.ctx, from("10.0.0.1", ""));
    let (secret, _) = switched_on(&hall, &admin).await;
    let late = step(ctx, &here).await;
    hall.advance(STEP_MILLIS);
    let code = code_at(&secret, ctx.now()).unwrap();
    assert_eq!(second::finish(ctx, SPACE, &late, &code, &here).await.unwrap_err().code(), Some("login.step_over"));
    let waiting = step(ctx, &here).await;
    for n in 1..=5 {
        let refused = second::finish(ctx, SPACE, &waiting, "123", &here).await.unwrap_err();
        let code = if n < 5 { "login.wrong_code" } else { "login.step_over" };
        assert_eq!(refused.code(), Some(code), "{n}");
    }
    let right = code_at(&secret, ctx.now()).unwrap();
    assert_eq!(second::finish(ctx, SPACE, &waiting, &right, &here).await.unwrap_err().code(), Some("login.step_over"));
    let told: Vec<Notice> = all(ctx).into_iter().filter(|one: &Notice| one.purpose == Purpose::WrongCodes).collect();
    assert_eq!(told.len(), 1, "somebody knows the password");
    assert_eq!(told[0].value("address"), Some("10.0.0.1"));
    assert_eq!(account::logins(ctx, &admin).unwrap()[0].way, LoginWay::WrongCodes);
    // However often the password is typed: an account's codes are not for trying.
    let mut slowed = None;
    for n in 0..40 {
        let here = from(&format!("10.1.{n}.1"), "");
        let waiting = step(ctx, &here).await;
        slowed = slowed.or(second::finish(ctx, SPACE, &waiting, "000000", &here).await.unwrap_err().code());
        if slowed == Some("login.wrong_code") {
            slowed = None;
        }
    }
    assert_eq!(slowed, Some("rate.exceeded"));
}

#[tokio::test]
async fn recovery_codes_work_once_each_and_new_ones_replace_them() {
    let (hall, admin) = founded().await;
    let (ctx, here) = (&hall.ctx, from("10.0.0.1", ""));
    let (_, codes) = switched_on(&hall, &admin).await;
    let kept = all::<SecondStep>(ctx).remove(0);
    assert!(kept.recovery.iter().all(|hash| hash.starts_with("$argon2id$")), "{:?}", kept.recovery);
    let waiting = step(ctx, &here).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    second::finish(ctx, SPACE, &waiting, &typed, &here).await.unwrap();
    assert_eq!(second::state(ctx, &admin).unwrap().recovery, RECOVERY_CODES - 1);
    let waiting = step(ctx, &here).await;
    assert_eq!(
        second::finish(ctx, SPACE, &waiting, &codes[3], &here).await.unwrap_err().code(),
        Some("login.wrong_code")
    );
    assert!(second::renew_recovery(ctx, &admin, "wrong wrong wrong").await.is_err());
    let new = second::renew_recovery(ctx, &admin, PASSWORD).await.unwrap();
    assert_eq!(
        second::finish(ctx, SPACE, &waiting, &codes[4], &here).await.unwrap_err().code(),
        Some("login.wrong_code")
    );
    second::finish(ctx, SPACE, &waiting, &new[0], &here).await.unwrap();
}

#[tokio::test]
async fn the_second_step_is_switched_off_with_password_and_code_or_by_whoever_manages_accounts() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (secret, codes) = switched_on(&hall, &admin).await;
    let code = code_at(&secret, ctx.now()).unwrap();
    assert_eq!(
        second::take_off(ctx, &admin, admin.account().unwrap()).await.unwrap_err().code(),
        Some("second.yourself")
    );
    assert!(second::switch_off(ctx, &admin, "wrong wrong wrong", &code).await.is_err());
    assert!(second::switch_off(ctx, &admin, PASSWORD, "12345").await.is_err());
    assert!(second::state(ctx, &admin).unwrap().since.is_some());
    second::switch_off(ctx, &admin, PASSWORD, &codes[0]).await.unwrap();
    session(ctx, &from("10.0.0.1", "")).await;
    let id = account::create(ctx, &admin, "李四", "lisi", PASSWORD).await.unwrap();
    let token = account::log_in(ctx, SPACE, "lisi", PASSWORD, &Origin::default()).await.unwrap();
    let lisi = account::actor(ctx, SPACE, &token).unwrap().unwrap();
    switched_on(&hall, &lisi).await;
    let denied = second::take_off(ctx, &lisi, admin.account().unwrap()).await.unwrap_err();
    assert_eq!(denied.code(), Some("permission.denied"));
    second::take_off(ctx, &admin, id).await.unwrap();
    account::log_in(ctx, SPACE, "lisi", PASSWORD, &Origin::default()).await.unwrap();
    let lines = crate::audit::page(ctx, &admin, None, "").await.unwrap().lines;
    assert!(lines.iter().any(|line| line.1.action == "second.take_off" && line.1.after == "lisi"));
}

#[tokio::test]
async fn whoever_hammers_at_an_account_does_not_keep_its_owner_out() {
    let (hall, _) = founded().await;
    let ctx = &hall.ctx;
    let own = session(ctx, &from("10.0.0.1", "")).await;
    let wrong = |origin: Origin| async move { enter(ctx, SPACE, "admin", "wrong wrong", &origin).await.unwrap_err() };
    // From the owner's own address, and from everywhere.
    for _ in 0..30 {
        wrong(from("10.0.0.1", "")).await;
    }
    for n in 0..150 {
        wrong(from(&format!("10.2.{n}.1"), "forged.browser")).await;
    }
    let stranger = enter(ctx, SPACE, "admin", PASSWORD, &from("10.0.0.1", "")).await.unwrap_err();
    assert_eq!(stranger.code(), Some("attempt.too_many"));
    let elsewhere = enter(ctx, SPACE, "admin", PASSWORD, &from("10.9.9.9", "")).await.unwrap_err();
    assert_eq!(elsewhere.code(), Some("rate.exceeded"), "all addresses together have a limit");
    let known = session(ctx, &from("10.0.0.1", &own.browser)).await;
    assert_eq!(known.browser, own.browser, "the browser stays the one that it is");
    // What a known browser tries counts for itself.
    for _ in 0..5 {
        assert_eq!(wrong(from("10.3.0.1", &own.browser)).await.code(), Some("login.wrong"));
    }
    assert_eq!(wrong(from("10.3.0.1", &own.browser)).await.code(), Some("attempt.too_many"));
    hall.advance(DAY);
    session(ctx, &from("10.8.0.1", "")).await;
}

#[tokio::test]
async fn a_browser_is_known_to_those_alone_who_logged_in_with_it() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    account::create(ctx, &admin, "李四", "lisi", PASSWORD).await.unwrap();
    let own = session(ctx, &from("10.0.0.1", "")).await;
    for _ in 0..6 {
        drop(enter(ctx, SPACE, "lisi", "wrong wrong", &from("10.0.0.1", &own.browser)).await);
    }
    let slowed = enter(ctx, SPACE, "lisi", PASSWORD, &from("10.0.0.1", &own.browser)).await.unwrap_err();
    assert_eq!(slowed.code(), Some("attempt.too_many"));
    for _ in 0..BROWSERS_MAX + 5 {
        hall.advance(SECOND);
        session(ctx, &from("10.0.0.9", "")).await;
    }
    assert_eq!(all::<KnownBrowser>(ctx).len(), BROWSERS_MAX);
    let lines = account::logins(ctx, &admin).unwrap();
    assert!(lines.len() <= LINES_MAX && lines.windows(2).all(|pair| pair[0].at >= pair[1].at));
}

#[tokio::test]
async fn a_log_in_from_a_new_browser_or_network_is_told() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let told = || all::<Notice>(ctx).into_iter().filter(|one| one.purpose == Purpose::NewLogin).count();
    assert_eq!(told(), 0, "the first log-in is no news");
    let own = session(ctx, &from("10.0.0.1", "")).await;
    let before = told();
    session(ctx, &from("10.0.0.2", &own.browser)).await;
    assert_eq!(told(), before, "a known browser in a known network");
    session(ctx, &from("10.0.0.2", "")).await;
    assert_eq!(told(), before + 1, "another browser");
    session(ctx, &from("172.16.0.2", &own.browser)).await;
    assert_eq!(told(), before + 2, "another network");
    let newest = all::<Notice>(ctx).pop().unwrap();
    assert_eq!((newest.value("agent"), newest.value("address")), (Some("Firefox · Linux"), Some("172.16.0.2")));
    assert_eq!(newest.state, NoticeState::Waiting);
    let line = account::logins(ctx, &admin).unwrap().remove(0);
    assert_eq!((line.way, line.new_browser, line.new_network), (LoginWay::Password, false, true));
    assert!(account::set_notice_mail(ctx, &admin, "nothing").await.is_err());
    account::set_notice_mail(ctx, &admin, " Office@Example.org ").await.unwrap();
    assert_eq!(account::notice_mail(ctx, &admin).unwrap().to_lowercase(), "office@example.org");
    account::set_notice_mail(ctx, &admin, "").await.unwrap();
    assert_eq!(account::notice_mail(ctx, &admin).unwrap(), "");
}

#[tokio::test]
async fn a_log_in_that_is_news_goes_out_by_mail_where_its_owner_gave_an_address() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let server = MailServer::start(Rules::default()).await.unwrap();
    message::register_own(ctx);
    let input = MailInput {
        enabled: true,
        host: "127.0.0.1".into(),
        port: server.address.port().to_string(),
        security: "none".into(),
        from: "office@example.org".into(),
        per_day: "100".into(),
        ..MailInput::default()
    };
    message::setting::save_mail(ctx, &admin, &input).await.unwrap();
    message::setting::save(ctx, &admin, &SettingInput::default()).await.unwrap();
    let words = TemplateInput {
        way: "words".into(),
        text: "{login}: {agent}, {address}".into(),
        ..TemplateInput::known("words", "", "")
    };
    message::template::save(ctx, &admin, "new_login", &[words]).await.unwrap();
    let send = || async {
        message::dispatch(ctx, SPACE).await.unwrap();
        crate::outbox::run_due(ctx, SPACE).await.unwrap();
    };
    session(ctx, &from("10.0.0.1", "")).await;
    send().await;
    assert!(server.taken().is_empty(), "no address was given");
    account::set_notice_mail(ctx, &admin, "lin@example.org").await.unwrap();
    session(ctx, &from("172.16.0.2", "")).await;
    send().await;
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].to, ["lin@example.org"]);
    assert!(taken[0].text().contains("admin: Firefox · Linux, 172.16.0.2"), "{}", taken[0].text());
}

#[tokio::test]
async fn sessions_end_one_by_one_and_when_nobody_uses_them() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (one, two) = (session(ctx, &from("10.0.0.1", "")).await, session(ctx, &from("10.0.0.2", "")).await);
    let listed = account::sessions(ctx, &admin).unwrap();
    let second = listed.iter().find(|session| session.address == "10.0.0.2").unwrap().number();
    account::end_session(ctx, &admin, second).await.unwrap();
    assert!(who(ctx, &two).is_none() && who(ctx, &one).is_some());
    assert_eq!(account::end_session(ctx, &admin, second).await.unwrap_err().code(), Some("record.missing"));
    // Used every two days it goes on, to its end.
    for _ in 0..3 {
        hall.advance(IDLE_MILLIS - HOUR);
        assert!(who(ctx, &one).is_some());
    }
    let turn = ctx.now().0.div_euclid(MINUTE) * MINUTE + MINUTE;
    hall.advance(turn - ctx.now().0);
    account::tidy(ctx, SPACE).await.unwrap();
    let kept = all::<Session>(ctx).into_iter().find(|session| session.address == "10.0.0.1").unwrap();
    assert!(ctx.now().since(kept.seen_at) <= MINUTE, "it is on disk: {:?}", kept.seen_at);
    hall.advance(IDLE_MILLIS);
    assert!(who(ctx, &one).is_none(), "nobody used it");
    let three = session(ctx, &from("10.0.0.1", "")).await;
    for _ in 0..14 {
        hall.advance(DAY - 1);
        who(ctx, &three);
    }
    assert!(who(ctx, &three).is_some());
    hall.advance(DAY);
    assert!(who(ctx, &three).is_none(), "it has an end whatever happens");
    let four = session(ctx, &from("10.0.0.1", "")).await;
    account::end_sessions(ctx, &admin, admin.account().unwrap()).await.unwrap();
    assert!(who(ctx, &four).is_none());
}

#[tokio::test]
async fn a_link_from_the_console_takes_everything_away_and_works_once() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (secret, _) = switched_on(&hall, &admin).await;
    let waiting = step(ctx, &from("10.0.0.1", "")).await;
    let code = code_at(&secret, ctx.now()).unwrap();
    let begun = second::finish(ctx, SPACE, &waiting, &code, &from("10.0.0.1", "")).await.unwrap();
    assert_eq!(reset::make_link(ctx, SPACE, "nobody").await.unwrap_err().code(), Some("record.missing"));
    let old = reset::make_link(ctx, SPACE, " Admin ").await.unwrap();
    let link = reset::make_link(ctx, SPACE, "admin").await.unwrap();
    assert!(who(ctx, &begun).is_none() && all::<SecondStep>(ctx).is_empty() && all::<KnownBrowser>(ctx).is_empty());
    assert_eq!(all::<Passkey>(ctx), []);
    let refused = enter(ctx, SPACE, "admin", PASSWORD, &from("10.0.0.1", "")).await.unwrap_err();
    assert_eq!(refused.code(), Some("login.wrong"), "the old password is gone");
    let here = from("10.0.0.1", "");
    assert!(reset::account_of(ctx, SPACE, &old).is_err(), "the newest link alone");
    assert!(reset::account_of(ctx, SpaceId(2), &link).is_err());
    assert!(reset::use_link(ctx, SPACE, &link, "short", &here).await.is_err());
    let new = "a new and longer sentence";
    let begun = reset::use_link(ctx, SPACE, &link, new, &here).await.unwrap();
    assert!(who(ctx, &begun).is_some());
    assert_eq!(reset::use_link(ctx, SPACE, &link, new, &here).await.unwrap_err().code(), Some("login.link_over"));
    assert!(matches!(enter(ctx, SPACE, "admin", new, &here).await.unwrap(), Entry::Begun(_)));
    let link = reset::make_link(ctx, SPACE, "admin").await.unwrap();
    hall.advance(DAY);
    assert!(reset::account_of(ctx, SPACE, &link).is_err(), "it has an end");
    let turn = ctx.now().0.div_euclid(MINUTE) * MINUTE + MINUTE;
    hall.advance(turn - ctx.now().0);
    account::tidy(ctx, SPACE).await.unwrap();
    assert!(all::<PasswordLink>(ctx).is_empty());
}

#[tokio::test]
async fn a_challenge_for_a_passkey_counts_once_and_where_it_was_asked_for() {
    let (hall, admin) = founded().await;
    let (ctx, here, base) = (&hall.ctx, from("10.0.0.1", ""), "https://hall.example.org");
    let impossible = passkey::ask(ctx, SPACE, "http://192.168.1.5:8080", &here).unwrap_err();
    assert_eq!(impossible.code(), Some("passkey.impossible"));
    let asked = passkey::ask(ctx, SPACE, base, &here).unwrap();
    assert!(
        asked.options.contains("\"rpId\":\"hall.example.org\"") && !asked.options.contains("mediation"),
        "{}",
        asked.options
    );
    let other = passkey::enter(ctx, SpaceId(2), &asked.token, ("{}", base), &here).await.unwrap_err();
    assert_eq!(other.code(), Some("passkey.over"), "the challenge is another space's");
    let asked = passkey::ask(ctx, SPACE, base, &here).unwrap();
    let forged = passkey::enter(ctx, SPACE, &asked.token, ("{}", base), &here).await.unwrap_err();
    assert_eq!(forged.code(), Some("passkey.refused"));
    let again = passkey::enter(ctx, SPACE, &asked.token, ("{}", base), &here).await.unwrap_err();
    assert_eq!(again.code(), Some("passkey.over"), "it is spent");
    let late = passkey::ask(ctx, SPACE, base, &here).unwrap();
    hall.advance(5 * MINUTE);
    let late = passkey::enter(ctx, SPACE, &late.token, ("{}", base), &here).await.unwrap_err();
    assert_eq!(late.code(), Some("passkey.over"));
    assert!(passkey::prepare(ctx, &admin, ("电脑", "wrong wrong"), base).await.is_err());
    let made = passkey::prepare(ctx, &admin, ("电脑", PASSWORD), base).await.unwrap();
    assert!(
        made.options.contains("\"residentKey\":\"required\"")
            && made.options.contains("\"userVerification\":\"required\"")
    );
    assert!(!made.options.contains("association"), "{}", made.options);
    let wrong = passkey::keep(ctx, &admin, &made.token, "{}", base).await.unwrap_err();
    assert_eq!(wrong.code(), Some("passkey.refused"));
    let mixed = passkey::ask(ctx, SPACE, base, &here).unwrap();
    assert_eq!(passkey::keep(ctx, &admin, &mixed.token, "{}", base).await.unwrap_err().code(), Some("passkey.over"));
    assert_eq!(passkey::remove(ctx, &admin, "nothing").await.unwrap_err().code(), Some("record.missing"));
}

#[tokio::test]
async fn the_limits_of_a_log_in_name_browsers_by_themselves() {
    let known = KnownBrowser { account: domain::AccountId(1), token: [1; 32], seen_at: Time(0) };
    let origin = from("10.0.0.1", "");
    let (own, others) = (login::limits(SPACE, "a", Some(&known), &origin), login::limits(SPACE, "a", None, &origin));
    assert!(own.iter().all(|key| !others.contains(key)));
    assert_ne!(login::limits(SPACE, "a", None, &origin)[0], login::limits(SPACE, "b", None, &origin)[0]);
}

#[tokio::test]
async fn a_password_that_somebody_else_chose_is_changed_before_anything_else() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let id = account::create(ctx, &admin, "李四", "lisi", PASSWORD).await.unwrap();
    account::grant(ctx, &admin, id, domain::Permission::EventView, domain::Scope::Space).await.unwrap();
    let lisi = |password: &'static str| async move {
        let token = account::log_in(ctx, SPACE, "lisi", password, &Origin::default()).await.unwrap();
        account::actor(ctx, SPACE, &token).unwrap().unwrap()
    };
    let led = |actor: &Actor| account::rule::led(ctx, actor).unwrap().map(|refusal| refusal.code);
    let first = lisi(PASSWORD).await;
    assert!(first.held.is_empty(), "whatever was granted");
    assert_eq!((led(&first), led(&admin)), (Some("password.first"), None));
    let same = account::change_password(ctx, &first, PASSWORD, PASSWORD).await.unwrap_err();
    assert_eq!(same.code(), Some("input.invalid"), "the one that others know is no choice");
    assert!(lisi(PASSWORD).await.held.is_empty());
    account::change_password(ctx, &first, PASSWORD, "my very own sentence").await.unwrap();
    let own = lisi("my very own sentence").await;
    assert_eq!((own.held.len(), led(&own)), (1, None));
    // A password that a manager set is another's again; a link from the console is chosen by whoever uses it.
    account::reset_password(ctx, &admin, id, "set by the manager").await.unwrap();
    assert_eq!(led(&lisi("set by the manager").await), Some("password.first"));
    let link = reset::make_link(ctx, SPACE, "lisi").await.unwrap();
    let begun = reset::use_link(ctx, SPACE, &link, "another sentence of mine", &Origin::default()).await.unwrap();
    assert_eq!(led(&account::actor(ctx, SPACE, &begun.session).unwrap().unwrap()), None);
    // Both are asked for, the password first.
    second::prepare(ctx, &admin, PASSWORD).await.unwrap();
    let code = code_at(&secret(&second::offer(ctx, &admin).unwrap()), ctx.now()).unwrap();
    second::switch_on(ctx, &admin, &code).await.unwrap();
    account::rule::save(ctx, &admin, "everybody").await.unwrap();
    account::reset_password(ctx, &admin, id, "set by the manager").await.unwrap();
    let led_twice = lisi("set by the manager").await;
    assert_eq!(led(&led_twice), Some("password.first"));
    account::change_password(ctx, &led_twice, "set by the manager", "my very own sentence").await.unwrap();
    assert_eq!(led(&lisi("my very own sentence").await), Some("second.needed"));
}

#[tokio::test]
async fn a_log_in_ends_the_session_that_its_browser_held() {
    let (hall, _) = founded().await;
    let ctx = &hall.ctx;
    let (first, other) = (session(ctx, &from("10.0.0.1", "")).await, session(ctx, &from("10.0.0.2", "")).await);
    let again = Origin {
        sessions: vec!["NONSENSE".into(), first.session.clone(), String::new()],
        ..from("10.0.0.1", &first.browser)
    };
    let second = session(ctx, &again).await;
    assert!(who(ctx, &first).is_none(), "its cookie is gone, and so is it");
    assert!(who(ctx, &second).is_some() && who(ctx, &other).is_some(), "other browsers go on");
    let lines = crate::audit::page(ctx, &who(ctx, &second).unwrap(), None, "").await.unwrap().lines;
    assert!(lines.iter().any(|(_, line)| line.action == "session.end" && line.after == "replaced"));
    // A session that began nowhere near is no business of a log-in that fails.
    let wrong = Origin { sessions: vec![other.session.clone()], ..from("10.0.0.2", "") };
    enter(ctx, SPACE, "admin", "wrong wrong wrong", &wrong).await.unwrap_err();
    assert!(who(ctx, &other).is_some());
}
