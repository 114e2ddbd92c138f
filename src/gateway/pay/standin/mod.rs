//! A stand-in of WeChat Pay on the box's own address: it keeps orders and refunds, checks every request's signature, time, nonce and serial
//! number, answers and tells as WeChat does, signed and sealed, and goes wrong where a test wants it to.

mod book;
pub mod key;
mod page;

pub use book::{Book, Openids, State};

use super::{
    Keys, MerchantKey, Secret,
    crypto::{answer_text, request_text},
    time_text,
};
use crate::{
    Call, Egress, Tools,
    standin::{Answered, Asked, Standin},
};
use book::Wrong;
use domain::{Time, pay::AccountInput, time::DAY};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How the stand-in goes wrong, once, at a request whose path holds a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with that status, and nothing is done.
    Status(u16),
    /// It does what it was asked for, and fails with that status.
    DoneThenStatus(u16),
    /// It does what it was asked for, and the connection is cut.
    DoneThenCut,
    /// It does what it was asked for, and says nothing for half a minute.
    DoneThenSilence,
    /// Its answer is signed wrongly.
    Forged,
}

/// A notification, ready to be sent: headers and body.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Where it goes.
    pub to: String,
    /// `Wechatpay-…`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Notification {
    fn set(&mut self, name: &str, value: &str) {
        for (kept, at) in &mut self.headers {
            if kept == name {
                value.clone_into(at);
            }
        }
    }

    /// The same with a header changed: a forgery.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }
}

/// How the stand-in proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Speaks {
    /// By its first platform certificate.
    #[default]
    First,
    /// By its next one, after a change.
    Next,
    /// By its public key.
    Public,
}

#[derive(Default)]
struct Mind {
    book: Book,
    speaks: Speaks,
    nonces: HashMap<String, String>,
    faults: VecDeque<(String, Fault)>,
    down: bool,
    asked: Vec<String>,
    off: i64,
}

struct Inner {
    mind: Mutex<Mind>,
    keys: [MerchantKey; 2],
    merchants: Keys,
    secret: Secret,
    tools: Tools,
    egress: Egress,
    /// Where phones reach its page; the address it listens on when there is no other.
    shown: Mutex<String>,
    by_itself: bool,
    /// Told when something was done and is not going to be answered soon.
    silent: tokio::sync::Notify,
}

/// A running stand-in; ends when it is dropped.
pub struct PayStandin {
    /// Its base address.
    pub base: String,
    inner: Arc<Inner>,
    _server: Standin,
}

/// Most requests whose nonces are remembered.
const NONCES_MAX: usize = 100_000;

impl PayStandin {
    /// Starts one. `by_itself`: payments on its page are told at once, again after a while when they were not taken, and refunds arrive.
    pub async fn start(address: SocketAddr, egress: Egress, tools: Tools, by_itself: bool) -> std::io::Result<Self> {
        let wrong = |error: super::crypto::BadKey| std::io::Error::other(error.to_string());
        let mut merchants = Keys::default();
        merchants.add_certificate(key::MERCHANT_SERIAL, key::MERCHANT_CERTIFICATE).map_err(wrong)?;
        let inner = Arc::new(Inner {
            mind: Mutex::default(),
            keys: [
                MerchantKey::read(key::PLATFORM_KEY).map_err(wrong)?,
                MerchantKey::read(key::NEXT_KEY).map_err(wrong)?,
            ],
            merchants,
            secret: Secret::read(key::SECRET).map_err(wrong)?,
            tools,
            egress,
            shown: Mutex::default(),
            by_itself,
            silent: tokio::sync::Notify::new(),
        });
        let asked = inner.clone();
        let server = Standin::start_at(address, move |request| answer(&asked, &request)).await?;
        inner.show_at(&server.base);
        Ok(Self { base: server.base.clone(), inner, _server: server })
    }

    /// Where phones reach its page.
    pub fn show_at(&self, base: &str) {
        self.inner.show_at(base);
    }

    /// What the form of the account takes to speak with this stand-in; `public` is the box as the stand-in reaches it.
    pub fn account(&self, public: &str, speaks: Speaks) -> AccountInput {
        let by_key = speaks == Speaks::Public;
        let only = |text: &str| if by_key { text.to_owned() } else { String::new() };
        AccountInput {
            appid: key::APPID.into(),
            other: String::new(),
            mchid: key::MCHID.into(),
            serial: key::MERCHANT_SERIAL.into(),
            key: key::MERCHANT_KEY.into(),
            secret: key::SECRET.into(),
            public_id: only(key::PUBLIC_ID),
            public_key: only(key::PLATFORM_PUBLIC),
            address: self.base.clone(),
            public: public.into(),
        }
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.inner.mind()
    }

    /// Looks at, or changes, what it remembers.
    pub fn book<T>(&self, f: impl FnOnce(&mut Book) -> T) -> T {
        f(&mut self.mind().book)
    }

    /// One more app is bound to the merchant's number.
    pub fn bind(&self, app: &str) {
        self.book(|book| book.apps.push(app.to_owned()));
    }

    /// Takes an openid from now on only in the app that it is of, as WeChat does.
    pub fn tell_openids(&self, of: impl Fn(&str) -> Option<String> + Send + Sync + 'static) {
        self.book(|book| book.openids = Some(Openids(Arc::new(of))));
    }

    /// Proves itself otherwise from now on.
    pub fn speak(&self, speaks: Speaks) {
        self.mind().speaks = speaks;
    }

    /// Its clock goes wrong by so many seconds.
    pub fn shift(&self, seconds: i64) {
        self.mind().off = seconds;
    }

    /// Goes wrong at the next request whose path holds `part`.
    pub fn fault(&self, part: &str, fault: Fault) {
        self.mind().faults.push_back((part.to_owned(), fault));
    }

    /// Answers 502 to everything, or no longer.
    pub fn down(&self, down: bool) {
        self.mind().down = down;
    }

    /// Waits until something was done that is not going to be answered soon.
    pub async fn until_silent(&self) {
        self.inner.silent.notified().await;
    }

    /// What it was asked, oldest first: method and path.
    pub fn asked(&self) -> Vec<String> {
        self.mind().asked.clone()
    }

    /// Somebody pays what was asked, or something else; nobody is told yet.
    pub fn pay(&self, number: &str, paid: Option<(i64, &str)>) -> bool {
        let now = self.inner.now();
        self.mind().book.pay(number, paid, now).is_ok()
    }

    /// What it tells about a payment.
    pub fn told(&self, number: &str) -> Option<Notification> {
        self.inner.told(number)
    }

    /// A refund comes to its end; what it tells about it.
    pub fn refunded(&self, number: &str, status: &'static str) -> Option<Notification> {
        self.mind().book.refunds.get_mut(number)?.status = status;
        self.inner.told_refund(number)
    }

    /// Anything at all, sealed and signed as a notification.
    pub fn telling(&self, to: &str, event: &str, kind: &str, resource: &Value) -> Option<Notification> {
        self.inner.telling(to, event, kind, resource)
    }

    /// Sends a notification; the status that was answered.
    pub async fn deliver(&self, notification: &Notification) -> Option<u16> {
        self.inner.deliver(notification).await
    }
}

impl Inner {
    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show_at(&self, base: &str) {
        base.clone_into(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn now(&self) -> Time {
        let off = self.mind().off;
        (self.tools.now)().plus(off * 1_000)
    }

    fn nonce(&self) -> String {
        format!("{:016x}{:016x}", (self.tools.chance)(), (self.tools.chance)())
    }

    /// The headers that prove a body.
    fn proof(&self, body: &[u8], forged: bool) -> Option<Vec<(String, String)>> {
        let speaks = self.mind().speaks;
        let (serial, at) = match speaks {
            Speaks::First => (key::PLATFORM_SERIAL, 0),
            Speaks::Next => (key::NEXT_SERIAL, 1),
            Speaks::Public => (key::PUBLIC_ID, 0),
        };
        let (timestamp, nonce) = (self.now().0.div_euclid(1_000).to_string(), self.nonce());
        let mut text = answer_text(&timestamp, &nonce, body);
        if forged {
            text.push(b'!');
        }
        let signature = self.keys.get(at)?.sign(&text).ok()?;
        let pairs = [
            ("wechatpay-timestamp", timestamp),
            ("wechatpay-nonce", nonce),
            ("wechatpay-signature", signature),
            ("wechatpay-serial", serial.to_owned()),
            ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
        ];
        Some(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn telling(&self, to: &str, event: &str, kind: &str, resource: &Value) -> Option<Notification> {
        let nonce: String = self.nonce().chars().take(12).collect();
        let cipher = self.secret.seal(&nonce, kind, resource.to_string().as_bytes()).ok()?;
        let body = json!({
            "id": self.nonce(), "create_time": time_text(self.now()), "resource_type": "encrypt-resource", "event_type": event, "summary": "x",
            "resource": { "original_type": kind, "algorithm": "AEAD_AES_256_GCM", "ciphertext": cipher, "associated_data": kind, "nonce": nonce },
        })
        .to_string();
        let headers = self.proof(body.as_bytes(), false)?;
        Some(Notification { to: to.to_owned(), headers, body })
    }

    fn notify_url(&self, number: &str) -> Option<String> {
        let mind = self.mind();
        let url = mind.book.orders.get(number)?.asked.get("notify_url")?.as_str()?;
        Some(url.to_owned())
    }

    fn told(&self, number: &str) -> Option<Notification> {
        let (to, now) = (self.notify_url(number)?, self.now());
        let trade = self.mind().book.trade(number, now).ok()?;
        self.telling(&to, "TRANSACTION.SUCCESS", "transaction", &trade)
    }

    fn told_refund(&self, number: &str) -> Option<Notification> {
        let (payment, mut refund) = {
            let mind = self.mind();
            (mind.book.refunds.get(number)?.payment.clone(), mind.book.refund_of(number).ok()?)
        };
        let to = self.notify_url(&payment)?;
        let body = refund.as_object_mut()?;
        // A notification names the state otherwise than an answer does, and the merchant too.
        let status = body.remove("status")?;
        body.insert("refund_status".into(), status.clone());
        body.insert("mchid".into(), key::MCHID.into());
        self.telling(&to, &format!("REFUND.{}", status.as_str()?), "refund", &refund)
    }

    async fn deliver(&self, notification: &Notification) -> Option<u16> {
        let at = notification.to.find("://").and_then(|at| Some(at + 3 + notification.to.get(at + 3..)?.find('/')?))?;
        let (base, path) = notification.to.split_at_checked(at)?;
        let mut call = Call::post("standin.pay", base, path, "application/json", notification.body.clone());
        for (name, value) in &notification.headers {
            call = call.header(name, value);
        }
        match self.egress.send(call).await {
            Ok(reply) => Some(reply.status),
            Err(trouble) => trouble.reply.map(|reply| reply.status),
        }
    }
}

/// Tells by itself, as WeChat does: again after a while when it was not taken.
fn tell(inner: &Arc<Inner>, what: impl Fn(&Inner) -> Option<Notification> + Send + 'static) {
    let inner = inner.clone();
    tokio::spawn(async move {
        for wait in [0, 15, 15, 30, 180, 600] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            let Some(notification) = what(&inner) else { return };
            if inner.deliver(&notification).await.is_some_and(|status| (200..300).contains(&status)) {
                return;
            }
        }
    });
}

/// The named part of the header that carries a signature.
fn part<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split_once(&format!("{name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

/// Whether the merchant signed this, just now, for the first time.
fn signed(inner: &Inner, asked: &Asked) -> Result<(), Wrong> {
    let wrong = |words| (401, "SIGN_ERROR", words);
    let header = asked.header("authorization").strip_prefix("WECHATPAY2-SHA256-RSA2048 ");
    let header = header.ok_or(wrong("Http头缺少Authorization"))?;
    let of = |name| part(header, name).ok_or(wrong("Authorization不正确"));
    let (timestamp, nonce, signature) = (of("timestamp")?, of("nonce_str")?, of("signature")?);
    if of("mchid")? != key::MCHID {
        return Err((403, "NO_AUTH", "商户号不存在"));
    }
    let target = if asked.query.is_empty() { asked.path.clone() } else { format!("{}?{}", asked.path, asked.query) };
    let at: i64 = timestamp.parse().map_err(|_| wrong("时间戳不正确"))?;
    let text = request_text(&asked.method, &target, at, nonce, &asked.body);
    if inner.merchants.prove(of("serial_no")?, &text, signature).is_err() {
        return Err(wrong("签名错误"));
    }
    if inner.now().0.div_euclid(1_000).saturating_sub(at).saturating_abs() > super::crypto::SKEW_MAX {
        return Err(wrong("时间戳已过期"));
    }
    let mut mind = inner.mind();
    // Sent again by a connection that broke, the very same request is no second one.
    if mind.nonces.get(nonce).is_some_and(|kept| kept != signature) {
        return Err(wrong("随机串重复"));
    }
    if mind.nonces.len() >= NONCES_MAX {
        mind.nonces.clear();
    }
    mind.nonces.insert(nonce.to_owned(), signature.to_owned());
    let names_key = mind.speaks != Speaks::Public || asked.header("wechatpay-serial") == key::PUBLIC_ID;
    if names_key { Ok(()) } else { Err((400, "PARAM_ERROR", "Wechatpay-Serial不正确")) }
}

fn failure((status, code, words): Wrong) -> Answered {
    Answered::status(status, json!({ "code": code, "message": words }).to_string())
        .header("content-type", "application/json")
}

fn answer(inner: &Arc<Inner>, asked: &Asked) -> Answered {
    if let Some(code) = asked.path.strip_prefix("/pay/") {
        return by_hand(inner, asked, code);
    }
    let fault = {
        let mut mind = inner.mind();
        mind.asked.push(format!("{} {}", asked.method, asked.path));
        if mind.down {
            return Answered::status(502, "");
        }
        let at = mind.faults.iter().position(|(part, _)| asked.path.contains(part.as_str()));
        at.and_then(|at| mind.faults.remove(at)).map(|(_, fault)| fault)
    };
    if let Some(Fault::Status(status)) = fault {
        return failure((status, "SYSTEM_ERROR", "系统错误"));
    }
    if let Some(file) = asked.path.strip_prefix("/billdownload/") {
        return bill_file(inner, asked, file);
    }
    let done = signed(inner, asked).and_then(|()| act(inner, asked));
    match fault {
        Some(Fault::DoneThenStatus(status)) => return failure((status, "SYSTEM_ERROR", "系统错误")),
        Some(Fault::DoneThenCut) => return Answered::cut(),
        Some(Fault::Forged | Fault::Status(_) | Fault::DoneThenSilence) | None => {}
    }
    let mut answered = match done {
        Ok(Value::Null) => Answered::status(204, ""),
        Ok(body) => Answered::json(&body),
        Err(wrong) => failure(wrong),
    };
    let proof = inner.proof(&answered.body, fault == Some(Fault::Forged));
    answered.headers.extend(proof.unwrap_or_default());
    if fault == Some(Fault::DoneThenSilence) {
        answered.after = Duration::from_secs(30);
        inner.silent.notify_one();
    }
    answered
}

/// Does what was asked, once it is proven who asks. Nothing: answered without content.
fn act(inner: &Arc<Inner>, asked: &Asked) -> Result<Value, Wrong> {
    let now = inner.now();
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let method = asked.method.as_str();
    let missing = (404, "RESOURCE_NOT_EXISTS", "请求的资源不存在");
    match (method, path.as_slice()) {
        ("POST", ["v3", "pay", "transactions", "native"]) => {
            let code = inner.mind().book.order("NATIVE", &body, now)?;
            let shown = inner.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Ok(json!({ "code_url": format!("{shown}/pay/{code}") }))
        }
        ("POST", ["v3", "pay", "transactions", "jsapi"]) => {
            Ok(json!({ "prepay_id": inner.mind().book.order("JSAPI", &body, now)? }))
        }
        ("GET", ["v3", "pay", "transactions", "out-trade-no", number]) => {
            if asked.asked("mchid").as_deref() != Some(key::MCHID) {
                return Err((400, "PARAM_ERROR", "商户号不正确"));
            }
            inner.mind().book.trade(number, now)
        }
        ("POST", ["v3", "pay", "transactions", "out-trade-no", number, "close"]) => {
            inner.mind().book.close(number, now).map(|()| Value::Null)
        }
        ("POST", ["v3", "refund", "domestic", "refunds"]) => {
            let refund = inner.mind().book.refund(&body, now)?;
            if inner.by_itself {
                arrive(inner, refund.get("out_refund_no").and_then(Value::as_str).unwrap_or("").to_owned());
            }
            Ok(refund)
        }
        ("GET", ["v3", "refund", "domestic", "refunds", number]) => inner.mind().book.refund_of(number),
        ("GET", ["v3", "certificates"]) => certificates(inner).ok_or(missing),
        ("GET", ["v3", "bill", kind]) => bill(inner, asked, kind),
        _ => Err(missing),
    }
}

/// A refund arrives a moment later.
fn arrive(inner: &Arc<Inner>, number: String) {
    let later = inner.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(refund) = later.mind().book.refunds.get_mut(&number) {
            refund.status = "SUCCESS";
        }
        tell(&later, move |inner| inner.told_refund(&number));
    });
}

fn certificates(inner: &Inner) -> Option<Value> {
    let speaks = inner.mind().speaks;
    let issued: &[(&str, &str)] = match speaks {
        Speaks::First => &[(key::PLATFORM_SERIAL, key::PLATFORM_CERTIFICATE)],
        Speaks::Next => &[(key::PLATFORM_SERIAL, key::PLATFORM_CERTIFICATE), (key::NEXT_SERIAL, key::NEXT_CERTIFICATE)],
        // An account that only ever had a public key has none.
        Speaks::Public => return None,
    };
    let now = inner.now();
    let data = issued.iter().map(|(serial, pem)| {
        let nonce: String = inner.nonce().chars().take(12).collect();
        let cipher = inner.secret.seal(&nonce, "certificate", pem.as_bytes()).ok()?;
        Some(json!({
            "serial_no": serial, "effective_time": time_text(now.plus(-DAY)), "expire_time": time_text(now.plus(365 * DAY)),
            "encrypt_certificate": { "algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": "certificate", "ciphertext": cipher },
        }))
    });
    Some(json!({ "data": data.collect::<Option<Vec<Value>>>()? }))
}

fn file(inner: &Inner, kind: &str, day: &str) -> Option<String> {
    let mind = inner.mind();
    match kind {
        "tradebill" => mind.book.trade_bill(day),
        "fundflowbill" => mind.book.fund_bill(day),
        _ => None,
    }
}

fn bill(inner: &Inner, asked: &Asked, kind: &str) -> Result<Value, Wrong> {
    let day = asked.asked("bill_date").unwrap_or_default();
    // Never the day that is still going on.
    if day.len() != 10 || day >= time_text(inner.now()).chars().take(10).collect::<String>() {
        return Err((400, "PARAM_ERROR", "账单日期不正确"));
    }
    let text = file(inner, kind, &day).ok_or((400, "NO_STATEMENT_EXIST", "账单文件不存在"))?;
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    let hash = data_encoding::HEXLOWER.encode(hash.as_ref());
    let host = asked.header("host");
    // Packed where it was asked for so; the hash stays that of what is in it.
    let packed = asked.asked("tar_type").is_some_and(|kind| kind == "GZIP");
    let url = format!("http://{host}/billdownload/{kind}?token={day}&packed={packed}");
    Ok(json!({ "hash_type": "SHA1", "hash_value": hash, "download_url": url }))
}

/// The file itself; signed by us, not by WeChat.
fn bill_file(inner: &Inner, asked: &Asked, kind: &str) -> Answered {
    if let Err(wrong) = signed(inner, asked) {
        return failure(wrong);
    }
    match file(inner, kind, &asked.asked("token").unwrap_or_default()) {
        Some(text) if asked.asked("packed").is_some_and(|packed| packed == "true") => match packed(text.as_bytes()) {
            Ok(bytes) => Answered::status(200, bytes).header("content-type", "application/x-gzip"),
            Err(_) => failure((500, "SYSTEM_ERROR", "系统错误")),
        },
        Some(text) => Answered::status(200, text).header("content-type", "text/plain"),
        None => failure((404, "RESOURCE_NOT_EXISTS", "账单文件不存在")),
    }
}

/// A file packed as WeChat packs bills.
fn packed(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packing, text)?;
    packing.finish()
}

/// The page on which somebody pays by hand.
fn by_hand(inner: &Arc<Inner>, asked: &Asked, code: &str) -> Answered {
    let now = inner.now();
    let number = inner.mind().book.of_code(code);
    if let (Some(number), "POST") = (number.clone(), asked.method.as_str()) {
        let paid = inner.mind().book.pay(&number, None, now).is_ok();
        if paid && inner.by_itself {
            tell(inner, move |inner| inner.told(&number));
        }
        return Answered::status(303, "").header("location", &asked.path);
    }
    let mut mind = inner.mind();
    let order = number.and_then(|number| mind.book.find(&number, now));
    let status = if order.is_some() { 200 } else { 404 };
    Answered::status(status, page::of(order.as_deref())).header("content-type", "text/html; charset=utf-8")
}
