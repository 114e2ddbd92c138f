//! WeChat and WeCom end to end: independent peers in both directions, the settings, pushes and log-in of the running binary against the stand-in,
//! and a box that is killed and started in every state.

use crate::browser;
use crate::hall::{Client, Hall, PASSWORD, event, first_type, person};
use crate::scenario::staff;
use gateway::{
    standin::Standin,
    wechat::{
        crypt::{Cipher, sha1, sign},
        official::js_text,
        push::{Door, Signed},
        standin::World,
    },
};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
pub const MINI: &str = "wxmini0000000001";
pub const OFFICIAL: &str = "wxofficial000001";
const CORP: &str = "wwcorp0000000001";

fn seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Asks a peer to open what we sealed and to seal what we shall open.
fn ask(command: &mut Command, asked: &Value) -> Value {
    let mut peer = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    peer.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let done = peer.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn tools() -> String {
    std::env::var("HUIGUAN_TEST_TOOLS").unwrap_or_else(|_| "/var/tmp/huiguan-test-tools".into())
}

/// Messages of many lengths, Chinese, signs, and the ends of blocks.
fn messages() -> Vec<String> {
    let mut messages: Vec<String> = (1..100).map(|length| "会x".repeat(length)).collect();
    messages.extend((0..40).map(|length| "y".repeat(length + 1)));
    messages.push("<xml><Content><![CDATA[你好]]></Content></xml>".into());
    messages.push("{\"a\":\"\\u4f60\",\"b\":[1,2]}".into());
    messages
}

fn meets(corp: bool, mut command: Command) -> Value {
    let id = if corp { "ww6a112864f8022910" } else { "wxba5fad812f8e6fb9" };
    let door = Door::new("QDG6eK", Some(Cipher::new(KEY, id).unwrap()));
    let cipher = Cipher::new(KEY, id).unwrap();
    let ours: Vec<Value> = messages()
        .iter()
        .enumerate()
        .map(|(number, message)| {
            let salt = [u8::try_from(number % 90).unwrap() + 33; 16];
            let (encrypt, timestamp, nonce) =
                (cipher.seal(salt, message.as_bytes()).unwrap(), "1409659813", format!("n{number}"));
            let signature = sign(&["QDG6eK", timestamp, &nonce, &encrypt]);
            json!({ "encrypt": encrypt, "signature": signature, "timestamp": timestamp, "nonce": nonce })
        })
        .collect();
    let (ticket, url) = ("sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy", "https://hall.cn/event/1?a=%E4%BC%9A");
    let page = json!({ "noncestr": "n", "timestamp": 1_414_587_457, "url": url, "ticket": ticket });
    let asked = json!({
        "corp": corp, "token": "QDG6eK", "key": KEY, "id": id, "timestamp": "1409659813", "messages": messages(), "sealed": ours,
        "page": page,
    });
    let said = ask(&mut command, &asked);
    let opened: Vec<&str> = said["opened"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(opened, messages(), "they read what we wrote");
    for (theirs, message) in said["sealed"].as_array().unwrap().iter().zip(messages()) {
        let text = |name: &str| theirs[name].as_str().unwrap().to_owned();
        let parts = [text("timestamp"), text("nonce"), text("encrypt")];
        gateway::wechat::crypt::verify(&text("signature"), &["QDG6eK", &parts[0], &parts[1], &parts[2]]).unwrap();
        assert_eq!(String::from_utf8(cipher.open(&parts[2]).unwrap()).unwrap(), message, "we read what they wrote");
    }
    // A whole push of theirs, in the form that comes over the wire.
    let message = "<xml><FromUserName>o1</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>你好</Content></xml>";
    let sealed = ask(
        &mut command,
        &json!({
            "corp": corp, "token": "QDG6eK", "key": KEY, "id": id, "timestamp": "1409659813", "messages": [message], "sealed": [],
            "page": page,
        }),
    );
    let one = &sealed["sealed"][0];
    let query = format!(
        "msg_signature={}&timestamp=1409659813&nonce={}",
        one["signature"].as_str().unwrap(),
        one["nonce"].as_str().unwrap()
    );
    let body = format!("<xml><Encrypt><![CDATA[{}]]></Encrypt></xml>", one["encrypt"].as_str().unwrap());
    let push = door.take(&Signed::parse(&query), body.as_bytes(), 1_409_659_813).unwrap();
    assert_eq!(push.fields.text("Content"), "你好");
    assert_eq!(sha1(&js_text(ticket, "n", 1_414_587_457, url)).len(), 40);
    if let Some(theirs) = said["page"].as_str() {
        assert_eq!(sha1(&js_text(ticket, "n", 1_414_587_457, url)), theirs);
    }
    said
}

#[test]
fn wechatpy_reads_what_we_write_and_we_read_what_it_writes() {
    for corp in [false, true] {
        let mut command = Command::new(format!("{}/wechatpy/bin/python", tools()));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peer/wechat.py"));
        meets(corp, command);
    }
}

#[test]
fn wecoms_own_library_reads_what_we_write_and_we_read_what_it_writes() {
    for corp in [false, true] {
        let mut command = Command::new("node");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peer/wecom.mjs"));
        let said = meets(corp, command);
        assert!(said["page"].is_string(), "the signature of pages is theirs too");
    }
}

/// A hall whose apps are set up against a stand-in.
pub struct Outside {
    pub world: World,
    standin: Standin,
    _runtime: tokio::runtime::Runtime,
}

impl Outside {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let world = World::new(Arc::new(seconds));
        world.app(MINI, "mini-secret");
        world.app(OFFICIAL, "official-secret");
        world.corp(CORP, "corp-secret", &["zhangsan"]);
        let standin = runtime.block_on(world.start()).unwrap();
        Self { world, standin, _runtime: runtime }
    }

    /// Sets the apps up and does something while the outside is there.
    pub fn start_for(admin: &Client, act: impl FnOnce(&Self)) {
        let outside = Self::start();
        outside.set_up(admin);
        act(&outside);
    }

    pub fn save(&self, admin: &Client, kind: &str, app: &str, secret: &str) -> u16 {
        let field = |name: &str| format!("{kind}-{name}");
        let names = ["enabled", "app", "agent", "secret", "push_token", "push_key", "base"].map(field);
        let values = ["1", app, "7", secret, "token", KEY, self.standin.base.as_str()];
        let form: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
        admin.post(&format!("/admin/wechat/{kind}"), &form).status
    }

    pub fn set_up(&self, admin: &Client) {
        for (kind, app, secret) in
            [("mini", MINI, "mini-secret"), ("official", OFFICIAL, "official-secret"), ("wecom", CORP, "corp-secret")]
        {
            assert_eq!(self.save(admin, kind, app, secret), 303);
        }
    }

    fn push(&self, app: &str, message: &str) -> (String, String) {
        let door = Door::new("token", Some(Cipher::new(KEY, app).unwrap()));
        self.world.push(&door, message, "gh_1").unwrap()
    }
}

fn text(from: &str, id: u64) -> String {
    format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>{from}</FromUserName><CreateTime>{}</CreateTime><MsgType>text</MsgType>\
         <Content>你好</Content><MsgId>{id}</MsgId></xml>",
        seconds()
    )
}

#[test]
fn settings_pushes_and_proofs_of_the_running_box() {
    let (hall, outside) = (Hall::fresh(), Outside::start());
    let admin = hall.set_up();
    let page = admin.get("/admin/wechat");
    assert!(page.status == 200 && page.body.contains("未设置"), "{}", page.body);
    // What is wrong comes back with what was typed; nothing is lost.
    let wrong = admin
        .post("/admin/wechat/mini", &[("mini-enabled", "1"), ("mini-app", "gh_wrong"), ("mini-secret", "12345678")]);
    assert!(wrong.status == 422 && wrong.body.contains("value=\"gh_wrong\"") && wrong.body.contains("wx 或 ww"));
    outside.set_up(&admin);
    for kind in ["mini", "official", "wecom"] {
        assert_eq!(admin.post(&format!("/admin/wechat/{kind}/test"), &[]).status, 303);
    }
    let page = admin.get("/admin/wechat").body;
    assert_eq!(page.matches("正常</span>").count(), 3, "{page}");
    for secret in ["mini-secret", "official-secret", "corp-secret", KEY] {
        assert!(!page.contains(&format!("value=\"{secret}")), "secrets are not shown again");
    }
    assert_eq!(outside.save(&admin, "mini", MINI, "another-secret"), 303);
    admin.post("/admin/wechat/mini/test", &[]);
    assert!(admin.get("/admin/wechat").body.contains("40125"));
    assert_eq!(admin.post("/admin/wechat/nothing", &[]).status, 404);
    // The check of the address, then pushes: answered at once, kept once.
    let stranger = hall.client();
    let echo = format!("signature={}&timestamp=1&nonce=2&echostr=hello", sign(&["token", "1", "2"]));
    let answer = stranger.get(&format!("/callback/wechat?{echo}"));
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    assert_eq!(stranger.get("/callback/wechat?signature=0&timestamp=1&nonce=2&echostr=x").status, 403);
    assert_eq!(stranger.get("/callback/wecom").status, 403);
    let (query, body) = outside.push(MINI, &text("o-visitor", 1));
    for _ in 0..20 {
        let answer = stranger.send(&format!("/callback/wechat?{query}"), "text/xml", body.clone().into_bytes(), &[]);
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
    }
    let (query, body) = outside.push(CORP, &text("zhangsan", 2));
    let answer = stranger.send(&format!("/callback/wecom?{query}"), "text/xml", body.clone().into_bytes(), &[]);
    assert_eq!(answer.status, 200);
    let forged = stranger.send(&format!("/callback/wechat?{query}"), "text/xml", body.into_bytes(), &[]);
    assert_eq!(forged.status, 403);
    assert_eq!(stranger.send("/callback/wechat", "text/xml", vec![b'x'; 700_000], &[]).status, 413);
    let page = admin.get("/admin/wechat").body;
    assert_eq!((page.matches("o-visitor").count(), page.matches("zhangsan").count()), (1, 1));
    // Proofs at the root.
    let proof = [("proof_name", "MP_verify_x1.txt"), ("proof_text", "x1<b>")];
    assert_eq!(admin.post("/admin/wechat/proof", &proof).status, 303);
    let shown = stranger.get("/MP_verify_x1.txt");
    assert_eq!((shown.status, shown.body.as_str()), (200, "x1<b>"));
    assert!(shown.headers["content-type"].starts_with("text/plain"));
    assert_eq!(stranger.get("/nothing.txt").status, 404);
    assert_eq!(admin.post("/admin/wechat/proof", &[("proof_name", "../x"), ("proof_text", "x")]).status, 422);
    assert_eq!(admin.post("/admin/wechat/proof/MP_verify_x1.txt/remove", &[]).status, 303);
    assert_eq!(stranger.get("/MP_verify_x1.txt").status, 404);
    // Nobody else gets at the settings.
    let bare = staff(&hall, &admin, "bare", &[]);
    for path in ["/admin/wechat", "/admin/wechat/code?scene=a"] {
        assert_eq!((stranger.get(path).status, bare.get(path).status), (303, 403), "{path}");
    }
    for path in ["/admin/wechat/mini", "/admin/wechat/mini/test", "/admin/wechat/proof", "/admin/wechat/message"] {
        assert_eq!(bare.post(path, &[]).status, 403, "{path}");
        assert_eq!(stranger.post(path, &[]).status, 303, "{path}");
    }
    assert!(hall.stop());
}

/// Follows the log-in of a page inside WeChat; `person` says yes there.
fn log_in(outside: &Outside, phone: &Client, person: &str) -> crate::hall::Answer {
    let away = phone.get("/wechat/login?back=%2Fwechat%2Fmine");
    let to = away.location.unwrap();
    assert!(to.starts_with(&format!("{}/connect/oauth2/authorize?appid={OFFICIAL}", outside.standin.base)), "{to}");
    let state = to.split("state=").nth(1).unwrap().split(['#', '&']).next().unwrap().to_owned();
    let code = outside.world.page_code(OFFICIAL, person);
    phone.get(&format!("/wechat/back?code={code}&state={state}"))
}

/// Registers somebody, and answers the attend code.
fn attend(admin: &Client, meeting: &str) -> String {
    let kind = first_type(admin, meeting);
    let ticket = person(admin, meeting, &kind, "张三", "13800000001");
    let shown = admin.get(&format!("/admin/event/{meeting}/registration/{ticket}")).body;
    let codes = shown.split("class=\"code\">").skip(1).map(|rest| rest.split('<').next().unwrap().replace(' ', ""));
    codes.into_iter().find(|code| code.len() == 8).expect("the attend code is shown")
}

#[test]
fn a_phone_logs_in_through_wechat_and_finds_its_tickets() {
    let (hall, outside) = (Hall::fresh(), Outside::start());
    let admin = hall.set_up();
    let phone = hall.client();
    assert_eq!(phone.get("/wechat/login").status, 404, "there is no official account");
    outside.set_up(&admin);
    let meeting = event(&admin, "年会");
    let attend = attend(&admin, &meeting);
    let first = log_in(&outside, &phone, "甲");
    assert_eq!((first.status, first.location.as_deref()), (303, Some("/wechat/mine")), "{}", first.body);
    assert!(phone.get("/wechat/mine").body.contains("已登录"), "logged in, but nobody knows who that is");
    let found = phone.post("/ticket/find", &[("phone", "13800000001"), ("attend", &attend)]);
    assert_eq!(found.status, 303, "{}", found.body);
    // Another phone of the same person: WeChat is all it needs.
    let other = hall.client();
    assert_eq!(log_in(&outside, &other, "甲").status, 303);
    assert_eq!(other.get("/wechat/mine").location.as_deref(), Some("/my"));
    assert!(other.get("/my").body.contains("年会"));
    // Somebody else sees nothing of it.
    let stranger = hall.client();
    log_in(&outside, &stranger, "乙");
    assert!(stranger.get("/wechat/mine").body.contains("已登录") && !stranger.get("/my").body.contains("年会"));
    // A log-in that was begun elsewhere, a code that was used, a cookie that was made up.
    let code = outside.world.page_code(OFFICIAL, "甲");
    let begun_elsewhere = hall.client().get(&format!("/wechat/back?code={code}&state=forged"));
    assert_eq!(begun_elsewhere.status, 409);
    let mut forged = hall.client();
    forged.set_cookie("hall_wechat", "wechat-1-1-9999999999999.AAAAAAAAAAAAAAAA");
    assert_eq!(forged.get("/wechat/mine").location.as_deref(), Some("/wechat/login"));
    // What pages need: for addresses of this box alone.
    let config =
        phone.get(&format!("/wechat/js?url={}", crate::hall::encode(&format!("{}/event/{meeting}", hall.base))));
    assert_eq!(config.json()["appId"], OFFICIAL);
    for foreign in ["https://evil.cn/", &format!("{}.evil.cn/", hall.base), ""] {
        assert_eq!(phone.get(&format!("/wechat/js?url={}", crate::hall::encode(foreign))).status, 404, "{foreign}");
    }
    assert!(!phone.get(&format!("/event/{meeting}")).body.contains("wechat.js"), "only inside WeChat");
    assert!(hall.stop());
}

#[test]
fn a_box_that_is_killed_goes_on_with_its_tokens_consents_and_messages() {
    let outside = Outside::start();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let admin = hall.set_up();
    outside.set_up(&admin);
    assert_eq!(admin.post("/admin/wechat/wecom/test", &[]).status, 303);
    let calls = outside.world.calls();
    // A push was answered, then the power goes: it is known when WeChat comes again.
    let (query, body) = outside.push(MINI, &text("o-visitor", 7));
    let push = |hall: &Hall| {
        hall.client().send(&format!("/callback/wechat?{query}"), "text/xml", body.clone().into_bytes(), &[]).status
    };
    assert_eq!(push(&hall), 200);
    hall.kill();
    let mut hall = Hall::at(&data);
    assert_eq!(push(&hall), 200);
    let admin = hall.client();
    assert_eq!(admin.post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 303);
    assert_eq!(admin.get("/admin/wechat").body.matches("o-visitor").count(), 1);
    // A message waits while the outside fails; the box is killed meanwhile; it is sent once, with the token that was kept.
    outside.world.fail((0..10_000).map(|_| gateway::standin::Answered::status(503, "")));
    let sent = admin.post("/admin/wechat/message", &[("members", "zhangsan"), ("message", "开会了")]);
    assert_eq!(sent.status, 303, "{}", sent.body);
    hall.kill();
    outside.world.mend();
    let hall = Hall::at(&data);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while outside.world.sent().is_empty() {
        assert!(std::time::Instant::now() < deadline, "it is sent in the end");
        outside.world.wait_for_call(std::time::Duration::from_secs(1));
    }
    let sent = outside.world.sent();
    assert_eq!((sent.len(), sent[0].kind, sent[0].to.as_str()), (1, "corp", "zhangsan"));
    assert!(outside.world.calls() > calls && outside.world.granted() == 1, "one token was fetched in all");
    assert!(hall.stop());
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

#[test]
fn inside_wechat_a_page_scans_shares_and_logs_in() {
    let (hall, outside) = (Hall::fresh(), Outside::start());
    let admin = hall.set_up();
    outside.set_up(&admin);
    let meeting = event(&admin, "年会");
    let attend = attend(&admin, &meeting);
    browser::run("wechat.mjs", &[&hall.base, PASSWORD, OFFICIAL, &meeting, &attend]);
    assert!(hall.stop());
}
