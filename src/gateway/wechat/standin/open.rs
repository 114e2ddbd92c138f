//! The stand-in's mini-program and official account.

use super::{ACTIVE_SECONDS, CODE_SECONDS, Code, For, Look, State, no, openid, unionid, yes};
use crate::{
    address::encoded,
    standin::{Answered, Asked},
    wechat::{
        crypt::sha1,
        keyword::{Fault, Keyword},
    },
};
use serde_json::{Value, json};

/// Templates that the stand-in knows: number, title, keywords.
pub const TEMPLATES: &[(&str, &str, &[&str])] = &[
    ("TPL-registered", "报名成功通知", &["thing1", "time2", "thing3", "character_string4"]),
    ("TPL-won", "中奖结果通知", &["thing1", "thing2", "time3"]),
    ("TPL-reminder", "活动开始提醒", &["thing1", "time2", "thing3"]),
    ("TPL-message", "主办方通知", &["thing1", "thing2"]),
    ("TPL-paid", "支付成功通知", &["character_string1", "amount2", "thing3"]),
];

/// The smallest PNG: one pixel.
const PIXEL: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0,
    1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

fn said<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or("")
}

/// The session key that a person has; base64 of 16 bytes.
fn session_key(openid: &str) -> String {
    let hash = sha1(openid);
    data_encoding::BASE64.encode(hash.as_bytes().get(..16).unwrap_or_default())
}

pub(super) fn templates() -> Answered {
    let all = TEMPLATES.iter().map(|(id, title, keywords)| {
        let content: String = keywords.iter().map(|name| format!("{name}:{{{{{name}.DATA}}}}\n")).collect();
        json!({ "priTmplId": id, "title": title, "content": content, "example": "", "type": 2 })
    });
    Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "data": all.collect::<Vec<_>>() }))
}

pub(super) fn drawn(body: &Value) -> Answered {
    let scene = said(body, "scene");
    let sign = |b: u8| b.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~".contains(&b);
    if !(1..=32).contains(&scene.len()) {
        return no(40169, "invalid length for scene");
    }
    if !scene.bytes().all(sign) {
        return no(40129, "invalid scene");
    }
    let page = said(body, "page");
    if page.starts_with('/') || page.contains('?') {
        return no(41030, "invalid page");
    }
    if body.get("width").and_then(Value::as_i64).is_some_and(|width| !(280..=1280).contains(&width)) {
        return no(40097, "invalid args");
    }
    Answered::status(200, PIXEL).header("content-type", "image/png")
}

impl State {
    pub(super) fn stable_token(&mut self, body: &Value, now: i64) -> Answered {
        let app = said(body, "appid").to_owned();
        if said(body, "grant_type") != "client_credential" {
            return no(40002, "invalid grant_type");
        }
        if let Err(refusal) = self.known(&app, said(body, "secret"), false) {
            return refusal;
        }
        if body.get("force_refresh").and_then(Value::as_bool) == Some(true) {
            let forced = self.forced.entry(app.clone()).or_default();
            forced.retain(|at| now - at < 86_400);
            if forced.len() >= 20 || forced.last().is_some_and(|last| now - last < 30) {
                return no(45011, "api minute-quota reach limit, must slower");
            }
            forced.push(now);
            self.current.remove(&app);
        }
        let (token, seconds) = self.current(&app, now);
        Answered::json(&json!({ "access_token": token, "expires_in": seconds }))
    }

    pub(super) fn session(&mut self, app: &str, secret: &str, code: &str, now: i64) -> Answered {
        if let Err(refusal) = self.known(app, secret, false) {
            return refusal;
        }
        let person = match self.spend(app, code, now, |purpose| *purpose == For::Login) {
            Ok(Code { person, .. }) => person,
            Err(refusal) => return refusal,
        };
        let openid = openid(app, &person);
        self.active.insert(openid.clone(), now);
        // A good answer has no code, as the real one.
        Answered::json(&json!({ "session_key": session_key(&openid), "openid": openid, "unionid": unionid(&person) }))
    }

    pub(super) fn check_session(&mut self, app: &str, asked: &Asked) -> Answered {
        let of = |name: &str| asked.asked(name).unwrap_or_default();
        let known = self.codes.values().any(|code| code.app == app && openid(app, &code.person) == of("openid"));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, session_key(&of("openid")).as_bytes());
        let signature = data_encoding::HEXLOWER.encode(ring::hmac::sign(&key, b"").as_ref());
        match (known, signature == of("signature")) {
            (false, _) => no(40003, "invalid openid"),
            (true, false) => no(87009, "invalid signature"),
            (true, true) => yes(),
        }
    }

    pub(super) fn phone(&mut self, app: &str, body: &Value, now: i64) -> Answered {
        let spent = self.spend(app, said(body, "code"), now, |purpose| matches!(purpose, For::Phone(_)));
        let code = match spent {
            Ok(code) => code,
            Err(refusal) => return refusal,
        };
        let For::Phone(phone) = &code.purpose else { return no(40029, "invalid code") };
        let asked = said(body, "openid");
        if !asked.is_empty() && asked != openid(app, &code.person) {
            return no(40003, "invalid openid");
        }
        Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "phone_info": {
            "phoneNumber": phone, "purePhoneNumber": phone, "countryCode": "86",
            "watermark": { "timestamp": now, "appid": app },
        } }))
    }

    pub(super) fn subscribe(&mut self, app: &str, body: &Value) -> Answered {
        let (to, template) = (said(body, "touser").to_owned(), said(body, "template_id").to_owned());
        if to.len() != 28 {
            return no(40003, "invalid openid");
        }
        let Some((_, _, keywords)) = TEMPLATES.iter().find(|(id, ..)| *id == template) else {
            return no(40037, "invalid template_id");
        };
        for name in *keywords {
            let value = body.pointer(&format!("/data/{name}/value")).and_then(Value::as_str);
            let Some(value) = value else { return no(47003, &format!("argument invalid! data.{name}.value is empty")) };
            match Keyword::of(name).map(|kind| kind.check(value)) {
                Some(Ok(())) => {}
                Some(Err(Fault::Empty)) => return no(47003, &format!("argument invalid! data.{name}.value is empty")),
                _ => return no(47003, &format!("argument invalid! data.{name}.value invalid")),
            }
        }
        if said(body, "page").starts_with("http") {
            return no(41030, "invalid page");
        }
        match self.credits.get_mut(&(to.clone(), template)) {
            Some(left) if *left > 0 => *left -= 1,
            _ => return no(43101, "user refuse to accept the msg"),
        }
        self.note(app, "subscribe", &to, body);
        yes()
    }

    /// Whether what somebody shows may be checked: they are of this app, and used it lately.
    fn was_here(&self, app: &str, person: &str, now: i64) -> Result<(), Answered> {
        let known = self.codes.values().any(|code| openid(app, &code.person) == person && code.app == app);
        if !known {
            return Err(no(40003, "invalid openid"));
        }
        if self.active.get(person).is_none_or(|at| now - at > ACTIVE_SECONDS) {
            return Err(no(61010, "code is expired"));
        }
        Ok(())
    }

    /// Takes a picture to be looked at; a test says what is found.
    pub(super) fn look_at(&mut self, app: &str, body: &Value, now: i64) -> Answered {
        let (person, url) = (said(body, "openid").to_owned(), said(body, "media_url").to_owned());
        if let Err(refusal) = self.was_here(app, &person, now) {
            return refusal;
        }
        let number = |name: &str| body.get(name).and_then(Value::as_i64).unwrap_or(0);
        let sound =
            number("version") == 2 && (1..=2).contains(&number("media_type")) && (1..=4).contains(&number("scene"));
        if !sound || !url.starts_with("http") {
            return no(40097, "invalid args");
        }
        self.serial += 1;
        let trace = format!("trace-picture-{}", self.serial);
        self.looks.push(Look { trace: trace.clone(), app: app.to_owned(), person, url });
        Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "trace_id": trace }))
    }

    pub(super) fn checked(&mut self, app: &str, body: &Value, now: i64) -> Answered {
        if let Err(refusal) = self.was_here(app, said(body, "openid"), now) {
            return refusal;
        }
        let content = said(body, "content");
        if body.get("version").and_then(Value::as_i64) != Some(2) || content.chars().count() > 2_500 {
            return no(40097, "invalid args");
        }
        // Words that stand for what the real one finds.
        let (suggest, label) = match content {
            text if text.contains("违禁") => ("risky", 20_006),
            text if text.contains("广告") => ("review", 10_001),
            _ => ("pass", 100),
        };
        Answered::json(&json!({
            "errcode": 0, "errmsg": "ok", "result": { "suggest": suggest, "label": label },
            "detail": [{ "strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90 }],
            "trace_id": format!("trace-{}", self.serial),
        }))
    }

    pub(super) fn customer(&mut self, app: &str, body: &Value, now: i64) -> Answered {
        let to = said(body, "touser").to_owned();
        match self.windows.get_mut(&to) {
            Some((until, _)) if now > *until => return no(45015, "response out of time limit"),
            None => return no(45015, "response out of time limit"),
            Some((_, 0)) => return no(45047, "out of response count limit"),
            Some((_, left)) => *left -= 1,
        }
        self.note(app, "customer", &to, body);
        yes()
    }

    pub(super) fn delivered(&mut self, app: &str, body: &Value) -> Answered {
        let transaction = body.pointer("/order_key/transaction_id").and_then(Value::as_str).unwrap_or("");
        let item = body.pointer("/shipping_list/0/item_desc").and_then(Value::as_str).unwrap_or("");
        let at = said(body, "upload_time");
        if transaction.is_empty()
            || item.is_empty()
            || item.chars().count() > 120
            || !at.contains('T')
            || !at.contains('.')
        {
            return no(10_060_001, "invalid shipping info");
        }
        let times = self.once.keys().filter(|key| key.starts_with(&format!("delivery/{transaction}/"))).count();
        if times >= 2 {
            return no(10_060_003, "shipping info can be corrected once");
        }
        self.once.insert(format!("delivery/{transaction}/{times}"), String::new());
        let to = body.pointer("/payer/openid").and_then(Value::as_str).unwrap_or("").to_owned();
        self.note(app, "delivery", &to, body);
        yes()
    }

    /// The page where a person would say yes. It offers three people, since nobody is logged in here.
    pub(super) fn authorize(&mut self, asked: &Asked, now: i64) -> Answered {
        let of = |name: &str| asked.asked(name).unwrap_or_default();
        let (app, back, state) = (of("appid"), of("redirect_uri"), of("state"));
        let Some(corp) = self.apps.get(&app).map(|known| known.corp) else {
            return Answered::status(400, "invalid appid");
        };
        if of("response_type") != "code" || !back.starts_with("http") || state.len() > 128 {
            return Answered::status(400, "invalid request");
        }
        let people: Vec<String> =
            if corp { self.members.clone() } else { ["甲", "乙", "丙"].map(str::to_owned).to_vec() };
        let mut links = String::new();
        for person in people {
            self.serial += 1;
            let code = format!("0{}", sha1(&format!("page/{}", self.serial)).get(..31).unwrap_or_default());
            let purpose = if corp { For::Member } else { For::Page { snapshot: false } };
            let kept = Code { app: app.clone(), person: person.clone(), purpose, made: now, used: false };
            self.codes.insert(code.clone(), kept);
            let join = if back.contains('?') { '&' } else { '?' };
            let to =
                format!("{back}{join}code={code}&state={}", encoded(&state)).replace('&', "&amp;").replace('"', "%22");
            links.push_str(&format!("<p><a href=\"{to}\">{person}</a></p>"));
        }
        self.codes.retain(|_, code| now - code.made <= 10 * CODE_SECONDS);
        let page = format!(
            "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>微信登录（演示）</title><main><h1>微信登录（演示）</h1>{links}</main></html>"
        );
        Answered::status(200, page).header("content-type", "text/html; charset=utf-8")
    }

    pub(super) fn page_visitor(&mut self, app: &str, secret: &str, code: &str, now: i64) -> Answered {
        if let Err(refusal) = self.known(app, secret, false) {
            return refusal;
        }
        let code = match self.spend(app, code, now, |purpose| matches!(purpose, For::Page { .. })) {
            Ok(code) => code,
            Err(refusal) => return refusal,
        };
        let mut answer = json!({
            "access_token": format!("page-{}", self.serial), "expires_in": 7_200, "refresh_token": "refresh",
            "openid": openid(app, &code.person), "scope": "snsapi_base", "unionid": unionid(&code.person),
        });
        if let (For::Page { snapshot: true }, Some(map)) = (&code.purpose, answer.as_object_mut()) {
            map.insert("is_snapshotuser".into(), 1.into());
        }
        Answered::json(&answer)
    }

    pub(super) fn ticket(&mut self, app: &str, now: i64) -> Answered {
        let ticket = sha1(&format!("ticket/{app}/{}", now.div_euclid(7_200)));
        let left = 7_200 - now.rem_euclid(7_200);
        Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "ticket": ticket, "expires_in": left }))
    }

    pub(super) fn template(&mut self, app: &str, body: &Value) -> Answered {
        let to = said(body, "touser").to_owned();
        if !self.followers.contains(&to) {
            return no(43004, "require subscribe");
        }
        if !TEMPLATES.iter().any(|(id, ..)| *id == said(body, "template_id")) {
            return no(40037, "invalid template_id");
        }
        let once = format!("template/{to}/{}", said(body, "client_msg_id"));
        if let Some(number) = self.once.get(&once).filter(|_| !said(body, "client_msg_id").is_empty()) {
            return Answered::json(
                &json!({ "errcode": 0, "errmsg": "ok", "msgid": number.parse::<u64>().unwrap_or(0) }),
            );
        }
        self.serial += 1;
        self.once.insert(once, self.serial.to_string());
        self.note(app, "template", &to, body);
        Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "msgid": self.serial }))
    }

    pub(super) fn mass(&mut self, app: &str, body: &Value) -> Answered {
        let once = said(body, "clientmsgid").to_owned();
        if let Some(number) = self.once.get(&format!("mass/{once}")).filter(|_| !once.is_empty()) {
            return Answered::json(&json!({ "errcode": 45065, "errmsg": "clientmsgid exist", "msg_id": number }));
        }
        self.serial += 1;
        self.once.insert(format!("mass/{once}"), self.serial.to_string());
        let to = body.get("touser").or_else(|| body.get("filter")).map_or_else(String::new, Value::to_string);
        self.note(app, "mass", &to, body);
        Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "msg_id": self.serial, "msg_data_id": self.serial }))
    }
}
