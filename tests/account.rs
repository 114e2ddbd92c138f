//! Getting in: the second step over HTTP, known browsers, one-time links, sessions, what a merchant's people meet at the common door.

use crate::hall::{Client, FIRST, Hall, PASSWORD, choose_password};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The secret on the page that offers it.
fn secret(page: &str) -> Vec<u8> {
    let spelt = page.split("class=\"key\">").nth(1).unwrap().split('<').next().unwrap();
    data_encoding::BASE32_NOPAD.decode(spelt.replace('-', "").as_bytes()).unwrap()
}

/// A code that was not used yet: whatever step `after` was, this one is later. Waits for it where the clock is not so far.
fn code(secret: &[u8], after: &mut u64) -> String {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        // The box takes the code of the next step too, so that nobody waits long.
        let step = (now / 30 + 1).min((*after).max(now / 30 - 1) + 1);
        if step > *after {
            *after = step;
            let at = domain::Time(i64::try_from(step * 30).unwrap() * 1000);
            return domain::second::code_at(secret, at).unwrap();
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Switches the second step on; answers the secret and the recovery codes.
fn switch_on(client: &Client, used: &mut u64) -> (Vec<u8>, Vec<String>) {
    let offer = client.post("/admin/session/second", &[("present", PASSWORD)]);
    assert_eq!(offer.status, 200, "{}", offer.body);
    let secret = secret(&offer.body);
    let wrong = client.post("/admin/session/second/on", &[("code", "12")]);
    assert!(wrong.status == 422 && wrong.body.contains("class=\"key\""), "the page stays: {}", wrong.body);
    let on = client.post("/admin/session/second/on", &[("code", &code(&secret, used))]);
    assert_eq!(on.status, 200, "{}", on.body);
    let list = on.body.split("class=\"recovery\"").nth(1).unwrap();
    let codes: Vec<String> =
        list.split("<code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (secret, codes)
}

fn log_in(client: &Client, password: &str) -> (u16, String) {
    let answer = client.post("/login", &[("login", "admin"), ("password", password), ("back", "/admin/event")]);
    (answer.status, answer.location.unwrap_or_default())
}

#[test]
fn the_second_step_stands_between_the_password_and_the_pages() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let mut used = 0;
    assert_eq!(admin.post("/admin/session/second", &[("present", "wrong wrong wrong")]).status, 422);
    let (secret, codes) = switch_on(&admin, &mut used);
    let page = admin.get("/admin/session").body;
    assert!(!page.contains("class=\"key\"") && codes.iter().all(|code| !page.contains(code)), "nothing is shown again");
    let other = hall.client();
    assert_eq!(other.get("/login/step").location.as_deref(), Some("/login"), "there is no step without a password");
    let (status, to) = log_in(&other, PASSWORD);
    assert!(status == 303 && to.starts_with("/login/step?back="), "{to}");
    assert!(other.cookie("hall_session").is_none(), "the password alone begins no session");
    assert_eq!(other.get("/admin/event").status, 303);
    assert_eq!(other.get("/login/step").status, 200);
    let mut thief = hall.client();
    thief.set_cookie("hall_step", "ABCDEFGH");
    assert!(thief.post("/login/step", &[("code", "123456")]).location.unwrap().starts_with("/login"));
    let wrong = other.post("/login/step", &[("code", "1"), ("back", "/admin/event")]);
    assert!(wrong.status == 403 && wrong.body.contains("/admin/event"), "{}", wrong.body);
    let right = other.post("/login/step", &[("code", &code(&secret, &mut used)), ("back", "/admin/event")]);
    assert_eq!((right.status, right.location.as_deref()), (303, Some("/admin/event")), "{}", right.body);
    assert_eq!(other.get("/admin/event").status, 200);
    assert!(other.cookie("hall_step").is_none() && other.cookie("hall_browser").is_some());
    let third = hall.client();
    log_in(&third, PASSWORD);
    assert_eq!(third.post("/login/step", &[("code", &codes[0])]).status, 303);
    let again = hall.client();
    log_in(&again, PASSWORD);
    assert_eq!(again.post("/login/step", &[("code", &codes[0])]).status, 403, "a recovery code works once");
    for n in 0..4 {
        let refused = again.post("/login/step", &[("code", "000")]);
        assert_eq!(refused.status, if n < 3 { 403 } else { 303 }, "{}", refused.body);
    }
    assert_eq!(again.get("/login/step").location.as_deref(), Some("/login"), "the password is asked for again");
    assert!(admin.get("/admin/session").body.contains("密码正确，验证码错误"), "its owner sees what was tried");
    let off = [("ending", PASSWORD), ("code", codes[1].as_str())];
    assert_eq!(admin.post("/admin/session/second/off", &[("ending", PASSWORD), ("code", "1")]).status, 422);
    assert_eq!(admin.post("/admin/session/second/off", &off).status, 303);
    assert_eq!(log_in(&hall.client(), PASSWORD), (303, "/admin/event".to_owned()));
}

#[test]
fn whoever_tries_passwords_keeps_strangers_out_and_not_the_owner() {
    let hall = Hall::fresh();
    let owner = hall.set_up();
    assert_eq!(owner.post("/logout", &[]).status, 303);
    let stranger = hall.client();
    for _ in 0..6 {
        log_in(&stranger, "wrong wrong wrong");
    }
    assert_eq!(log_in(&stranger, PASSWORD).0, 429, "from the same address, as in one venue");
    assert_eq!(log_in(&owner, PASSWORD), (303, "/admin/event".to_owned()), "the owner's browser is known");
    let mut forger = hall.client();
    let known = owner.cookie("hall_browser").unwrap();
    forger.set_cookie("hall_browser", &format!("{}x", &known[..known.len() - 1]));
    assert_eq!(log_in(&forger, PASSWORD).0, 429);
}

#[test]
fn sessions_are_listed_and_ended_one_by_one() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let other = hall.client();
    log_in(&other, PASSWORD);
    let page = admin.get("/admin/session").body;
    let end = page.split("action=\"/admin/session/").find_map(|part| part.split_once("/end\"")).unwrap().0.to_owned();
    assert!(!page.contains(&other.cookie("hall_session").unwrap()), "no token is on the page");
    assert_eq!(admin.post("/admin/session/1/end", &[]).status, 404);
    assert_eq!(admin.post(&format!("/admin/session/{end}/end"), &[]).status, 303);
    assert_eq!(other.get("/admin").status, 303, "it is over");
    assert_eq!(admin.get("/admin").status, 200);
    let clerk = crate::scenario::staff(&hall, &admin, "clerk", &[]);
    assert_eq!(clerk.get("/admin/session").status, 200);
    assert_eq!(clerk.post("/admin/account/1/session/end", &[]).status, 403);
    assert_eq!(clerk.post("/admin/account/1/second/off", &[]).status, 403);
    assert_eq!(admin.post("/admin/account/2/session/end", &[]).status, 303);
    assert_eq!(clerk.get("/admin/session").status, 303);
}

#[test]
fn easy_passwords_are_refused_wherever_one_is_set() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    for easy in ["Password2026!", "ceshixiehui2026", "lisi.lisi.2026", "1qaz2wsx3edc"] {
        let form = [("name", "李四"), ("login", "lisi"), ("password", easy)];
        let refused = admin.post("/admin/account/new", &form);
        assert!(refused.status == 422 && refused.body.contains("value=\"lisi\""), "{easy}: {}", refused.body);
        let own = admin.post("/admin/session/password", &[("old", PASSWORD), ("password", easy)]);
        assert_eq!(own.status == 422, easy != "lisi.lisi.2026", "{easy}: another's name is no name of one's own");
        assert!(
            own.status == 422
                || admin.post("/admin/session/password", &[("old", easy), ("password", PASSWORD)]).status == 303
        );
    }
}

#[test]
fn the_console_lets_somebody_in_again() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    switch_on(&admin, &mut 0);
    let reset = |data: &std::path::Path, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_huiguan"));
        let done = command.args(["account", "reset", "--data"]).arg(data).args(more).output().unwrap();
        (done.status.success(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
    };
    let busy = reset(&hall.data, &["--login", "admin"]);
    assert!(!busy.0 && busy.1.contains("in use"), "never beside the server: {}", busy.1);
    let data = hall.data.clone();
    let folder = hall.end_and_keep();
    let nobody = reset(&data, &["--login", "nobody"]);
    assert!(!nobody.0 && nobody.1.contains("nobody"), "{}", nobody.1);
    let made = reset(&data, &["--login", "admin", "--public-url", "https://hall.example.org"]);
    assert!(made.0, "{}", made.1);
    let link = made.1.lines().find_map(|line| line.strip_prefix("https://hall.example.org")).unwrap().to_owned();
    let hall = Hall::at(&data);
    let client = hall.client();
    assert_eq!(log_in(&client, PASSWORD).0, 403, "the old password is gone");
    let mut old = hall.client();
    old.set_cookie("hall_session", &admin.cookie("hall_session").unwrap());
    assert_eq!(old.get("/admin").status, 303, "and so are sessions");
    assert_eq!(client.get("/login/link/NOTHING").status, 404);
    assert!(client.get(&link).body.contains("value=\"admin\""));
    assert_eq!(client.post(&link, &[("password", "admin12345")]).status, 422);
    let new = client.post(&link, &[("password", "another good long sentence")]);
    assert_eq!((new.status, new.location.as_deref()), (303, Some("/admin/session")), "{}", new.body);
    assert_eq!(client.get("/admin/session").status, 200);
    assert_eq!(client.get(&link).status, 404, "it works once");
    assert_eq!(log_in(&hall.client(), "another good long sentence"), (303, "/admin/event".to_owned()));
    assert!(client.get("/admin/audit").body.contains("account.reset"));
    drop((hall, folder));
}

#[test]
fn a_merchants_second_step_is_asked_for_in_the_merchants_space() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let boss = crate::merchant::merchant(&hall, &admin, "qingsong");
    let mut used = 0;
    let (secret, _) = switch_on(&boss, &mut used);
    let browser = hall.client();
    let form = [("login", "qingsong"), ("password", PASSWORD)];
    let step = browser.post("/merchant", &form);
    assert_eq!((step.status, step.location.as_deref()), (303, Some("/m/2/login/step")), "{}", step.body);
    assert!(browser.cookie("hall_step_m2").is_some() && browser.cookie("hall_session_m2").is_none());
    let elsewhere = browser.post("/login/step", &[("code", "123456")]);
    assert_eq!(elsewhere.location.as_deref(), Some("/login"), "at the platform nothing waits for a code");
    let within = browser.within("/m/2");
    let entered = within.post("/login/step", &[("code", &code(&secret, &mut used))]);
    assert_eq!((entered.status, entered.location.as_deref()), (303, Some("/admin")), "{}", entered.body);
    assert_eq!(within.get("/admin").status, 200);
    assert_eq!(within.post("/logout", &[]).status, 303);
    for _ in 0..6 {
        hall.client().post("/merchant", &[("login", "qingsong"), ("password", "wrong wrong wrong")]);
    }
    assert_eq!(hall.client().post("/merchant", &form).status, 429);
    let known = browser.post("/merchant", &form);
    assert_eq!(known.location.as_deref(), Some("/m/2/login/step"), "its browser is known at the common door too");
}

#[test]
fn an_account_with_second_step_and_passkey_in_a_browser() {
    let hall = Hall::fresh();
    let pictures = std::env::var("HUIGUAN_PICTURES").unwrap_or_default();
    let run = |hall: &Hall, code: &str, link: &str| {
        crate::browser::run("account.mjs", &[&[&*hall.base, code, link][..], &[&*pictures][..]].concat());
    };
    run(&hall, hall.setup_code.as_deref().unwrap(), "-");
    let data = hall.data.clone();
    let folder = hall.end_and_keep();
    let reset = Command::new(env!("CARGO_BIN_EXE_huiguan"))
        .args(["account", "reset", "--login", "admin", "--public-url", "https://hall.example.org", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8(reset.stdout).unwrap();
    let link = said.lines().find_map(|line| line.strip_prefix("https://hall.example.org")).unwrap();
    let hall = Hall::at(&data);
    run(&hall, "-", link);
    assert!(hall.stop(), "the box ends in order");
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    drop(folder);
}

#[test]
fn whoever_must_have_the_second_step_is_led_to_it_and_can_do_nothing_else() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let early = admin.post("/admin/account/second", &[("must", "everybody")]);
    assert_eq!(early.status, 303, "it is told on the next page");
    assert!(admin.get("/admin/account").body.contains("请先为自己的账号开启两步验证"));
    let grants = [("event.view", "space"), ("registration.view", "space")];
    let helper = crate::scenario::staff(&hall, &admin, "helper", &grants);
    assert_eq!(helper.get("/admin/event").status, 200, "nobody must as yet");
    let mut used = 0;
    switch_on(&admin, &mut used);
    assert_eq!(admin.post("/admin/account/second", &[("must", "managers")]).status, 303);
    assert_eq!(helper.get("/admin/event").status, 200, "who manages nothing goes on");
    assert_eq!(admin.post("/admin/account/second", &[("must", "everybody")]).status, 303);
    for path in ["/admin/event", "/admin", "/admin/help", "/admin/search?q=x"] {
        let led = helper.get(path);
        assert_eq!((led.status, led.location.as_deref()), (303, Some("/admin/session")), "{path}");
    }
    assert_eq!(helper.post("/admin/document", &[]).location.as_deref(), Some("/admin/session"));
    let asked = helper.get("/api/v1/checkin/search?event=1&q=a").status;
    assert!(asked == 403 || asked == 404 || asked == 422, "nor by the API: {asked}");
    let mut own = 0;
    switch_on(&helper, &mut own);
    assert_eq!(helper.get("/admin/event").status, 200, "everything opens again");
    assert_eq!(admin.get("/admin/account").status, 200);
    assert!(admin.get("/admin/audit?q=second.rule").body.contains("everybody"));
}

#[test]
fn a_given_password_opens_nothing_before_another_one_was_chosen() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let form = [("name", "李四"), ("login", "lisi"), ("password", FIRST)];
    let made = admin.post("/admin/account/new", &form).location.unwrap();
    admin.post(&format!("{made}/grant"), &[("permission", "event.view"), ("scope", "space")]);
    let lisi = hall.client();
    assert_eq!(lisi.post("/login", &[("login", "lisi"), ("password", FIRST)]).status, 303);
    for path in ["/admin", "/admin/event", "/admin/help"] {
        let led = lisi.get(path);
        assert_eq!((led.status, led.location.as_deref()), (303, Some("/admin/session")), "{path}");
    }
    assert!(lisi.get("/admin/session").body.contains("当前密码由他人设置"), "the page says what to do");
    assert_eq!(lisi.post("/admin/event/new", &[("name", "x")]).location.as_deref(), Some("/admin/session"));
    assert!(lisi.get("/api/v1/checkin/status?event=1").status >= 400, "nor by the API");
    let same = lisi.post("/admin/session/password", &[("old", FIRST), ("password", FIRST)]);
    assert!(same.status == 422 && same.body.contains("e-password"), "{}", same.body);
    choose_password(&lisi);
    assert_eq!(lisi.get("/admin/event").status, 200);
    assert_eq!(admin.post(&format!("{made}/password"), &[("password", FIRST)]).status, 303);
    let again = hall.client();
    assert_eq!(again.post("/login", &[("login", "lisi"), ("password", FIRST)]).status, 303);
    assert_eq!(again.get("/admin/event").location.as_deref(), Some("/admin/session"), "after a reset too");
}

#[test]
fn a_browser_that_logs_in_again_leaves_no_session_behind() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    crate::merchant::merchant(&hall, &admin, "qingsong");
    let browser = hall.client();
    let mut old = hall.client();
    log_in(&browser, PASSWORD);
    old.set_cookie("hall_session", &browser.cookie("hall_session").unwrap());
    assert_eq!(old.get("/admin").status, 200);
    log_in(&browser, PASSWORD);
    assert_eq!((old.get("/admin").status, browser.get("/admin").status), (303, 200));
    // At the merchants' common door it is the session of that merchant's space, and no other.
    let form = [("login", "qingsong"), ("password", PASSWORD)];
    assert_eq!(browser.post("/merchant", &form).status, 303);
    old.set_cookie("hall_session_m2", &browser.cookie("hall_session_m2").unwrap());
    assert_eq!(old.get("/m/2/admin").status, 200);
    assert_eq!(browser.post("/merchant", &form).status, 303);
    assert_eq!((old.get("/m/2/admin").status, browser.get("/m/2/admin").status), (303, 200));
    assert_eq!(browser.get("/admin").status, 200, "the platform's goes on beside it");
}
