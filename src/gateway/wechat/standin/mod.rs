//! A stand-in for WeChat and WeCom on the box's own address: apps with secrets, tokens that end, codes that are used once within five minutes,
//! consents that are used up, rations, and the documented errors. For tests and for the demonstration.

mod corp;
mod open;

use super::{
    crypt::{SALT, sha1},
    push::Door,
};
use crate::standin::{Answered, Asked, Standin};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Tells Unix seconds.
pub type Seconds = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The outside as far as these apps go. Cheap to clone.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    called: Arc<Condvar>,
    now: Seconds,
}

#[derive(Default)]
struct State {
    apps: HashMap<String, Known>,
    tokens: HashMap<String, Granted>,
    current: HashMap<String, String>,
    forced: HashMap<String, Vec<i64>>,
    codes: HashMap<String, Code>,
    credits: HashMap<(String, String), u32>,
    active: HashMap<String, i64>,
    windows: HashMap<String, (i64, u32)>,
    followers: Vec<String>,
    members: Vec<String>,
    calls: HashMap<(&'static str, i64), u32>,
    rations: HashMap<&'static str, u32>,
    failures: VecDeque<Answered>,
    sent: Vec<Sent>,
    looks: Vec<Look>,
    /// Uploaded media by their ids: kind, and when they came.
    media: HashMap<String, (String, i64)>,
    once: BTreeMap<String, String>,
    serial: u64,
    asked: u64,
}

struct Known {
    secret: String,
    corp: bool,
    seconds: i64,
}

#[derive(Clone)]
struct Granted {
    app: String,
    ends: i64,
    revoked: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum For {
    Login,
    Phone(String),
    Page { snapshot: bool },
    Member,
}

#[derive(Clone)]
struct Code {
    app: String,
    person: String,
    purpose: For,
    made: i64,
    used: bool,
}

/// What was sent through the stand-in.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The app.
    pub app: String,
    /// Which call: `subscribe`, `template`, `mass`, `customer`, `corp`, `delivery`.
    pub kind: &'static str,
    /// To whom.
    pub to: String,
    /// What was sent.
    pub body: Value,
}

/// A picture that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Number of the check.
    pub trace: String,
    /// The app.
    pub app: String,
    /// Whose it is.
    pub person: String,
    /// Where it lies.
    pub url: String,
}

impl Look {
    /// What is pushed when the picture was looked at, in the form of 多媒体内容安全识别's event.
    pub fn verdict(&self, suggest: &str, seconds: i64) -> String {
        let label = if suggest == "pass" { 100 } else { 20_002 };
        let detail =
            json!([{ "strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90 }]);
        let message = json!({
            "ToUserName": "gh_1", "FromUserName": self.person, "CreateTime": seconds, "MsgType": "event",
            "Event": "wxa_media_check", "appid": self.app, "trace_id": self.trace, "version": 2, "detail": detail,
            "errcode": 0, "errmsg": "ok", "result": { "suggest": suggest, "label": label },
        });
        message.to_string()
    }
}

/// Seconds that a code holds.
const CODE_SECONDS: i64 = 300;
/// Seconds that a token holds.
const TOKEN_SECONDS: i64 = 7_200;
/// So long before its end a stable token gets a successor.
const EARLY: i64 = 300;
/// Seconds for which a person's text can be checked after using the app.
const ACTIVE_SECONDS: i64 = 7_200;
/// Most messages that are remembered.
const SENT_MAX: usize = 1_000;

/// A failure in the documented shape.
fn no(code: i64, text: &str) -> Answered {
    Answered::json(&json!({ "errcode": code, "errmsg": format!("{text} rid: 00000000-00000000-00000000") }))
}

fn yes() -> Answered {
    Answered::json(&json!({ "errcode": 0, "errmsg": "ok" }))
}

/// The person at one app, always the same.
pub fn openid(app: &str, person: &str) -> String {
    let hash = sha1(&format!("{app}/{person}"));
    format!("o{}", hash.get(..27).unwrap_or_default())
}

/// The person in all apps.
pub fn unionid(person: &str) -> String {
    let hash = sha1(&format!("union/{person}"));
    format!("u{}", hash.get(..27).unwrap_or_default())
}

impl World {
    /// An outside without apps.
    pub fn new(now: Seconds) -> Self {
        Self { state: Arc::default(), called: Arc::default(), now }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        (self.now)()
    }

    /// Starts answering on a free port of the box's own address.
    pub async fn start(&self) -> std::io::Result<Standin> {
        let world = self.clone();
        Standin::start(move |asked| world.answer(&asked)).await
    }

    /// Lets a mini-program or official account exist.
    pub fn app(&self, id: &str, secret: &str) {
        let known = Known { secret: secret.into(), corp: false, seconds: TOKEN_SECONDS };
        self.state().apps.insert(id.into(), known);
    }

    /// Lets a WeCom app exist.
    pub fn corp(&self, id: &str, secret: &str, members: &[&str]) {
        let mut state = self.state();
        state.apps.insert(id.into(), Known { secret: secret.into(), corp: true, seconds: TOKEN_SECONDS });
        state.members = members.iter().map(|member| (*member).to_owned()).collect();
    }

    fn code(&self, app: &str, person: &str, purpose: For) -> String {
        let made = self.now();
        let mut state = self.state();
        state.serial += 1;
        let code = format!("0{}", sha1(&format!("code/{}", state.serial)).get(..31).unwrap_or_default());
        let kept = Code { app: app.into(), person: person.into(), purpose, made, used: false };
        state.codes.insert(code.clone(), kept);
        code
    }

    /// What `wx.login` gives a person's phone.
    pub fn login_code(&self, app: &str, person: &str) -> String {
        self.code(app, person, For::Login)
    }

    /// What the phone button gives.
    pub fn phone_code(&self, app: &str, person: &str, phone: &str) -> String {
        self.code(app, person, For::Phone(phone.into()))
    }

    /// What the log-in page of an official account sends back with.
    pub fn page_code(&self, app: &str, person: &str) -> String {
        self.code(app, person, For::Page { snapshot: false })
    }

    /// As [`Self::page_code`], from a page that only previews.
    pub fn snapshot_code(&self, app: &str, person: &str) -> String {
        self.code(app, person, For::Page { snapshot: true })
    }

    /// What WeCom's log-in page sends back with.
    pub fn member_code(&self, corp: &str, member: &str) -> String {
        self.code(corp, member, For::Member)
    }

    /// Of which app an openid is, among those who ever had a code.
    pub fn app_of_openid(&self, of: &str) -> Option<String> {
        let state = self.state();
        let known = state.codes.values().find(|code| openid(&code.app, &code.person) == of);
        known.map(|code| code.app.clone())
    }

    /// A person says yes once more to a template's messages.
    pub fn consent(&self, openid: &str, template: &str) {
        *self.state().credits.entry((openid.into(), template.into())).or_default() += 1;
    }

    /// A person follows the official account.
    pub fn follow(&self, openid: &str) {
        self.state().followers.push(openid.into());
    }

    /// A person writes to the customer service.
    pub fn writes(&self, openid: &str) {
        let until = self.now() + 48 * 3_600;
        self.state().windows.insert(openid.into(), (until, 5));
    }

    /// All tokens of an app are no longer good.
    pub fn revoke(&self, app: &str) {
        let mut state = self.state();
        state.tokens.values_mut().filter(|token| token.app == app).for_each(|token| token.revoked = true);
        state.current.remove(app);
    }

    /// The app's secret was changed in the console.
    pub fn change_secret(&self, app: &str, secret: &str) {
        if let Some(known) = self.state().apps.get_mut(app) {
            known.secret = secret.into();
        }
        self.revoke(app);
    }

    /// The next calls are answered so, whatever they ask.
    pub fn fail(&self, answers: impl IntoIterator<Item = Answered>) {
        self.state().failures.extend(answers);
    }

    /// Calls are answered well again.
    pub fn mend(&self) {
        self.state().failures.clear();
    }

    /// Calls of a path within a minute before they are refused.
    pub fn ration(&self, path: &'static str, calls: u32) {
        self.state().rations.insert(path, calls);
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// The pictures that are to be looked at so far.
    pub fn looks(&self) -> Vec<Look> {
        self.state().looks.clone()
    }

    /// How many tokens were given out so far.
    pub fn granted(&self) -> usize {
        self.state().tokens.len()
    }

    /// Waits until something is asked, or so long. Blocks; for tests.
    pub fn wait_for_call(&self, patience: Duration) {
        let (before, state) = {
            let state = self.state();
            (state.asked, state)
        };
        let waited = self.called.wait_timeout_while(state, patience, |state| state.asked == before);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// How many calls came so far.
    pub fn calls(&self) -> u64 {
        self.state().asked
    }

    /// As WeChat would push this message now: query and body. The bytes in front of the message are made from a counter: nobody guesses here.
    pub fn push(&self, door: &Door, message: &str, to: &str) -> Option<(String, String)> {
        let serial = {
            let mut state = self.state();
            state.serial += 1;
            state.serial
        };
        let mut salt = [b'0'; SALT];
        for (to, from) in salt.iter_mut().zip(sha1(&serial.to_string()).bytes()) {
            *to = from;
        }
        door.push(message, to, salt, self.now(), &format!("{serial:010}")).ok()
    }

    fn answer(&self, asked: &Asked) -> Answered {
        let mut state = self.state();
        state.asked += 1;
        self.called.notify_all();
        if let Some(answer) = state.failures.pop_front() {
            return answer;
        }
        let now = self.now();
        state.rationed(&asked.path, now).unwrap_or_else(|| state.answer(asked, now))
    }
}

impl State {
    fn answer(&mut self, asked: &Asked, now: i64) -> Answered {
        let of = |name: &str| asked.asked(name).unwrap_or_default();
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/cgi-bin/stable_token") => self.stable_token(&body, now),
            ("GET", "/cgi-bin/gettoken") => self.corp_token(&of("corpid"), &of("corpsecret"), now),
            ("GET", "/sns/jscode2session") => self.session(&of("appid"), &of("secret"), &of("js_code"), now),
            ("GET", "/sns/oauth2/access_token") => self.page_visitor(&of("appid"), &of("secret"), &of("code"), now),
            ("GET", "/connect/oauth2/authorize") => self.authorize(asked, now),
            _ => {
                let app = match self.app_of(&of("access_token"), now) {
                    Ok(app) => app,
                    Err(refusal) => return refusal,
                };
                if asked.path == "/cgi-bin/media/upload" {
                    return self.upload(asked, now);
                }
                if asked.method == "POST" && body.is_null() {
                    return no(47001, "data format error");
                }
                self.with_token(asked, &app, &body, now)
            }
        }
    }

    fn with_token(&mut self, asked: &Asked, app: &str, body: &Value, now: i64) -> Answered {
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/wxa/business/getuserphonenumber") => self.phone(app, body, now),
            ("POST", "/cgi-bin/message/subscribe/send") => self.subscribe(app, body),
            ("GET", "/wxaapi/newtmpl/gettemplate") => open::templates(),
            ("POST", "/wxa/getwxacodeunlimit") => open::drawn(body),
            ("POST", "/wxa/msg_sec_check") => self.checked(app, body, now),
            ("POST", "/wxa/media_check_async") => self.look_at(app, body, now),
            ("POST", "/cgi-bin/message/custom/send") => self.customer(app, body, now),
            ("POST", "/wxa/sec/order/upload_shipping_info") => self.delivered(app, body),
            ("GET", "/wxa/checksession") => self.check_session(app, asked),
            ("GET", "/cgi-bin/ticket/getticket" | "/cgi-bin/get_jsapi_ticket") => self.ticket(app, now),
            ("POST", "/cgi-bin/message/template/send") => self.template(app, body),
            (
                "POST",
                "/cgi-bin/message/mass/sendall" | "/cgi-bin/message/mass/send" | "/cgi-bin/message/mass/preview",
            ) => self.mass(app, body),
            ("POST", "/cgi-bin/message/send") => self.corp_send(app, body, now),
            ("POST", "/cgi-bin/message/recall") => self.corp_recall(body),
            ("GET", "/cgi-bin/auth/getuserinfo") => {
                self.corp_visitor(app, &asked.asked("code").unwrap_or_default(), now)
            }
            _ => Answered::status(404, "not found"),
        }
    }

    fn rationed(&mut self, path: &str, now: i64) -> Option<Answered> {
        let (path, most) = self.rations.get_key_value(path).map(|(path, most)| (*path, *most))?;
        let count = self.calls.entry((path, now.div_euclid(60))).or_default();
        *count += 1;
        (*count > most).then(|| no(45011, "api minute-quota reach limit, must slower"))
    }

    /// The app with this id and secret.
    fn known(&self, id: &str, secret: &str, corp: bool) -> Result<(), Answered> {
        match self.apps.get(id).filter(|known| known.corp == corp) {
            None => Err(no(40013, "invalid appid")),
            Some(known) if known.secret != secret => Err(no(if corp { 40001 } else { 40125 }, "invalid appsecret")),
            Some(_) => Ok(()),
        }
    }

    fn grant(&mut self, app: &str, now: i64) -> String {
        self.serial += 1;
        let token = format!("{}_{}", self.serial, sha1(&format!("token/{app}/{}", self.serial)));
        let seconds = self.apps.get(app).map_or(TOKEN_SECONDS, |known| known.seconds);
        self.tokens.insert(token.clone(), Granted { app: app.into(), ends: now + seconds, revoked: false });
        self.current.insert(app.into(), token.clone());
        token
    }

    /// The token that is given out now: the same until shortly before its end.
    fn current(&mut self, app: &str, now: i64) -> (String, i64) {
        let kept = self.current.get(app).and_then(|token| self.tokens.get_key_value(token));
        if let Some((token, granted)) = kept.filter(|(_, granted)| granted.ends - now > EARLY && !granted.revoked) {
            return (token.clone(), granted.ends - now);
        }
        (self.grant(app, now), TOKEN_SECONDS)
    }

    fn app_of(&self, token: &str, now: i64) -> Result<String, Answered> {
        if token.is_empty() {
            return Err(no(41001, "access_token missing"));
        }
        let granted = self.tokens.get(token).ok_or_else(|| no(40014, "invalid access_token"))?;
        if granted.revoked {
            return Err(no(40001, "invalid credential, access_token is invalid or not latest"));
        }
        if now >= granted.ends {
            return Err(no(42001, "access_token expired"));
        }
        Ok(granted.app.clone())
    }

    /// Uses a code up.
    fn spend(&mut self, app: &str, code: &str, now: i64, fits: impl Fn(&For) -> bool) -> Result<Code, Answered> {
        let kept = self.codes.get_mut(code).filter(|kept| kept.app == app && fits(&kept.purpose));
        let kept = kept.ok_or_else(|| no(40029, "invalid code"))?;
        if kept.used {
            return Err(no(40163, "code been used"));
        }
        if now - kept.made > CODE_SECONDS {
            return Err(no(40029, "invalid code"));
        }
        kept.used = true;
        Ok(kept.clone())
    }

    fn note(&mut self, app: &str, kind: &'static str, to: &str, body: &Value) {
        if self.sent.len() >= SENT_MAX {
            self.sent.remove(0);
        }
        self.sent.push(Sent { app: app.into(), kind, to: to.into(), body: body.clone() });
    }
}
