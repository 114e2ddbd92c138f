//! The mini-program's server side: logging in, phone numbers, subscribe messages, codes, content checks, customer-service messages, delivery info.
//! Source: developers.weixin.qq.com/miniprogram/dev/server/API.

use super::{
    App, Fault, Tokens,
    keyword::Keyword,
    line::{Grant, Line},
};
use crate::Egress;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::Arc;

/// A mini-program. Cheap to clone.
#[derive(Clone)]
pub struct Mini(Line);

/// Who logged in. The session key stays where it is: it signs and encrypts what pages hand over, and is never sent to a phone.
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct Session {
    /// The person in this app.
    pub openid: String,
    /// The person in all apps of one Open Platform account, when the app is bound to one.
    #[serde(default)]
    pub unionid: Option<String>,
    /// Key of the session.
    pub session_key: String,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.openid)
    }
}

/// A phone number as WeChat knows it.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Phone {
    /// Without the country's code.
    pub pure_phone_number: String,
    /// The country's code, such as `86`.
    pub country_code: String,
}

#[derive(Deserialize)]
struct PhoneAnswer {
    phone_info: PhoneInfo,
}

#[derive(Deserialize)]
struct PhoneInfo {
    #[serde(flatten)]
    phone: Phone,
    watermark: Watermark,
}

#[derive(Deserialize)]
struct Watermark {
    appid: String,
}

/// Which build of the mini-program a message or a code opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Build {
    /// What everybody has.
    #[default]
    Release,
    /// What testers have.
    Trial,
    /// What the developer has.
    Develop,
}

/// A subscribe message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Openid.
    pub to: String,
    /// Template.
    pub template: String,
    /// Page with query; empty: none.
    pub page: String,
    /// Keyword and value.
    pub data: Vec<(String, String)>,
    /// Build.
    pub build: Build,
    /// Its reader reads English.
    pub english: bool,
}

impl Subscribe {
    /// What is wrong with it, if anything: WeChat would refuse it whole.
    pub fn check(&self) -> Result<(), Fault> {
        let wrong = |field: &str, why: String| Fault::Input { field: field.to_owned(), why };
        if self.to.is_empty() || self.template.is_empty() || self.data.is_empty() {
            return Err(wrong("touser", "receiver, template and data are needed".into()));
        }
        for (name, value) in &self.data {
            let kind = Keyword::of(name).ok_or_else(|| wrong(name, "unknown kind of keyword".into()))?;
            kind.check(value).map_err(|fault| wrong(name, format!("{fault:?}")))?;
        }
        Ok(())
    }
}

/// A template of the account.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// What messages name.
    pub pri_tmpl_id: String,
    /// Title.
    pub title: String,
    /// Keywords as `{{thing1.DATA}}`.
    pub content: String,
    /// 2 one message for one consent, 3 lasting.
    #[serde(rename = "type")]
    pub kind: i64,
}

impl Template {
    /// The keywords in the order of the content.
    pub fn keywords(&self) -> Vec<&str> {
        let parts = self.content.split("{{").skip(1);
        parts.filter_map(|part| part.split_once(".DATA}}").map(|(name, _)| name)).collect()
    }
}

#[derive(Deserialize)]
struct Templates {
    #[serde(default)]
    data: Vec<Template>,
}

/// A mini-program code of the kind that there may be any number of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// What the page gets: 1–32 characters.
    pub scene: String,
    /// Page without a leading slash; empty: the first page.
    pub page: String,
    /// Build.
    pub build: Build,
    /// Width in pixels, 280–1280.
    pub width: u32,
}

/// Longest scene.
pub const SCENE_MAX: usize = 32;

impl Code {
    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), Fault> {
        let wrong = |field: &str, why: &str| Err(Fault::Input { field: field.into(), why: why.into() });
        let sign = |b: u8| b.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~".contains(&b);
        if !(1..=SCENE_MAX).contains(&self.scene.len()) {
            return wrong("scene", "1 to 32 characters");
        }
        if !self.scene.bytes().all(sign) {
            return wrong("scene", "a character that no code can hold");
        }
        if self.page.starts_with('/') || self.page.contains('?') || self.page.len() > 128 {
            return wrong("page", "no slash in front and no query");
        }
        if !(280..=1280).contains(&self.width) {
            return wrong("width", "280 to 1280");
        }
        Ok(())
    }
}

/// What a checked text is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Somebody's profile.
    Profile = 1,
    /// A comment.
    Comment = 2,
    /// A forum.
    Forum = 3,
    /// A message that all see.
    Social = 4,
}

/// What WeChat thinks of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong.
    Pass,
    /// A person should look; the label says at what.
    Review(i64),
    /// Not to be shown.
    Risky(i64),
}

/// Longest address of a picture that is checked.
const ADDRESS_MAX: usize = 1_024;
/// Longest number of a check that is believed.
const TRACE_MAX: usize = 128;

/// Longest text that is checked, in characters.
pub const CHECKED_MAX: usize = 2_500;

#[derive(Deserialize)]
struct Checked {
    result: CheckedResult,
}

#[derive(Deserialize)]
struct CheckedResult {
    suggest: String,
    label: i64,
}

/// What was paid and is now handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// WeChat Pay's number of the payment.
    pub transaction: String,
    /// What was bought, at most 120 characters.
    pub item: String,
    /// Openid of who paid.
    pub payer: String,
    /// RFC 3339 with milliseconds and offset.
    pub at: String,
}

fn state(build: Build) -> &'static str {
    match build {
        Build::Release => "formal",
        Build::Trial => "trial",
        Build::Develop => "developer",
    }
}

fn env(build: Build) -> &'static str {
    match build {
        Build::Release => "release",
        Build::Trial => "trial",
        Build::Develop => "develop",
    }
}

impl Mini {
    /// The client of an app.
    pub fn new(egress: Egress, tokens: Arc<Tokens>, app: App) -> Self {
        Self(Line::new(egress, tokens, app, Grant::Stable))
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Gets a token: what the test button tries. Wrong ids, secrets and addresses show here.
    pub async fn try_token(&self) -> Result<(), Fault> {
        self.0.token(None).await.map(drop)
    }

    /// Who has this code of `wx.login`: once, within five minutes.
    pub async fn session(&self, code: &str) -> Result<Session, Fault> {
        checked_code(code)?;
        let app = &self.0.app;
        let call = self
            .0
            .get("jscode2session", "/sns/jscode2session")
            .query("appid", &app.id)
            .query("secret", &app.secret)
            .query("js_code", code)
            .query("grant_type", "authorization_code");
        super::line::read(&self.0.plain(call).await?)
    }

    /// The phone number behind a code of the phone button: once, within five minutes; each success is charged by WeChat.
    pub async fn phone(&self, code: &str, openid: Option<&str>) -> Result<Phone, Fault> {
        checked_code(code)?;
        let mut body = json!({ "code": code });
        if let (Some(openid), Some(map)) = (openid, body.as_object_mut()) {
            map.insert("openid".into(), openid.into());
        }
        let call = self.0.post("getuserphonenumber", "/wxa/business/getuserphonenumber", &body);
        let answer: PhoneAnswer = self.0.read(call).await?;
        if answer.phone_info.watermark.appid != self.0.app.id {
            return Err(Fault::Unreadable("the number is another app's".into()));
        }
        Ok(answer.phone_info.phone)
    }

    /// Sends a subscribe message; it is checked before.
    pub async fn send_subscribe(&self, message: &Subscribe) -> Result<(), Fault> {
        message.check()?;
        let data: Map<String, Value> =
            message.data.iter().map(|(name, value)| (name.clone(), json!({ "value": value }))).collect();
        let body = json!({
            "touser": message.to, "template_id": message.template, "page": message.page, "data": data,
            "miniprogram_state": state(message.build), "lang": if message.english { "en_US" } else { "zh_CN" },
        });
        self.0.ask(self.0.post("subscribe/send", "/cgi-bin/message/subscribe/send", &body)).await.map(drop)
    }

    /// The account's templates.
    pub async fn templates(&self) -> Result<Vec<Template>, Fault> {
        let all: Templates = self.0.read(self.0.get("gettemplate", "/wxaapi/newtmpl/gettemplate")).await?;
        Ok(all.data)
    }

    /// Draws a mini-program code: PNG or JPEG. It holds for ever; keep it.
    pub async fn code(&self, code: &Code) -> Result<Bytes, Fault> {
        code.check()?;
        let mut body = json!({
            "scene": code.scene, "check_path": code.build == Build::Release,
            "env_version": env(code.build), "width": code.width,
        });
        if let (false, Some(map)) = (code.page.is_empty(), body.as_object_mut()) {
            map.insert("page".into(), code.page.as_str().into());
        }
        let call = self.0.post("getwxacodeunlimit", "/wxa/getwxacodeunlimit", &body).repeatable();
        let reply = self.0.ask(call).await?;
        let image = reply.body.starts_with(b"\x89PNG") || reply.body.starts_with(b"\xff\xd8");
        if image { Ok(reply.body) } else { Err(Fault::Unreadable("it is no picture".into())) }
    }

    /// What WeChat thinks of a text that this person wrote. Only people who used the app in the last two hours can be asked about (61010).
    pub async fn check_text(&self, openid: &str, scene: Scene, text: &str) -> Result<Verdict, Fault> {
        if text.is_empty() || text.chars().count() > CHECKED_MAX {
            return Err(Fault::Input { field: "content".into(), why: format!("1 to {CHECKED_MAX} characters") });
        }
        let body = json!({ "version": 2, "openid": openid, "scene": scene as u8, "content": text });
        let answer: Checked =
            self.0.read(self.0.post("msg_sec_check", "/wxa/msg_sec_check", &body).repeatable()).await?;
        match answer.result.suggest.as_str() {
            "pass" => Ok(Verdict::Pass),
            "review" => Ok(Verdict::Review(answer.result.label)),
            "risky" => Ok(Verdict::Risky(answer.result.label)),
            other => Err(Fault::Unreadable(format!("suggest {other:.20}"))),
        }
    }

    /// Asks WeChat to look at a picture, which it fetches from `url` by itself. Answers the number of the check: the verdict is pushed under it within
    /// half an hour. Source: 多媒体内容安全识别 (`media_check_async`).
    pub async fn check_picture(&self, openid: &str, scene: Scene, url: &str) -> Result<String, Fault> {
        #[derive(Deserialize)]
        struct Asked {
            trace_id: String,
        }
        if !url.starts_with("http") || url.len() > ADDRESS_MAX {
            let why = format!("an address of at most {ADDRESS_MAX} bytes");
            return Err(Fault::Input { field: "media_url".into(), why });
        }
        let body = json!({ "version": 2, "openid": openid, "scene": scene as u8, "media_type": 2, "media_url": url });
        let call = self.0.post("media_check_async", "/wxa/media_check_async", &body).repeatable();
        let asked: Asked = self.0.read(call).await?;
        Ok(asked.trace_id.chars().take(TRACE_MAX).collect())
    }

    /// Writes to somebody who wrote to the customer service: five times within 48 hours.
    pub async fn customer_text(&self, openid: &str, text: &str) -> Result<(), Fault> {
        super::official::customer_text(&self.0, openid, text).await
    }

    /// Tells WeChat that what was paid is handed over, which sets the money free: tickets are virtual goods.
    pub async fn deliver(&self, of: &Delivery) -> Result<(), Fault> {
        let item: String = of.item.chars().take(120).collect();
        let body = json!({
            "order_key": { "order_number_type": 2, "transaction_id": of.transaction },
            "logistics_type": 3, "delivery_mode": 1, "shipping_list": [{ "item_desc": item }],
            "upload_time": of.at, "payer": { "openid": of.payer },
        });
        let call = self.0.post("upload_shipping_info", "/wxa/sec/order/upload_shipping_info", &body).repeatable();
        self.0.ask(call).await.map(drop)
    }

    /// Whether a session key is still the person's.
    pub async fn is_session(&self, openid: &str, session_key: &str) -> Result<bool, Fault> {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, session_key.as_bytes());
        let signature = data_encoding::HEXLOWER.encode(ring::hmac::sign(&key, b"").as_ref());
        let call = self
            .0
            .get("checksession", "/wxa/checksession")
            .query("openid", openid)
            .query("signature", &signature)
            .query("sig_method", "hmac_sha256");
        match self.0.ask(call).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.code() == Some(87009) => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

/// A code from a phone is short and plain; anything else is not worth asking about.
pub(super) fn checked_code(code: &str) -> Result<(), Fault> {
    let sound = (1..=256).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
    if sound { Ok(()) } else { Err(Fault::answer(40029, "invalid code")) }
}
