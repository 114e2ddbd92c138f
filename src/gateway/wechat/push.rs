//! What WeChat and WeCom push to the box: the check of the address, verified and decrypted messages, and answers. Only reading and writing; what a
//! message means for the association is not decided here. Source: developers.weixin.qq.com 消息推送, developer.work.weixin.qq.com 回调配置.

use super::{
    crypt::{Cipher, SALT, Wrong, sign, verify},
    xml::{self, Element},
};
use serde_json::{Map, Value};

/// What stands in the query of a push.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// Signature over token, time and nonce; covers no message.
    pub signature: String,
    /// Signature over the ciphertext too.
    pub msg_signature: String,
    /// Unix seconds.
    pub timestamp: String,
    /// Random text.
    pub nonce: String,
    /// What the check of an address wants back.
    pub echostr: String,
}

/// Longest query that is read.
const QUERY_MAX: usize = 4_096;

impl Signed {
    /// Reads a query. A plus stays a plus: ciphertext in it is not always percent-encoded, and never holds a blank.
    pub fn parse(query: &str) -> Self {
        let mut signed = Self::default();
        if query.len() > QUERY_MAX {
            return signed;
        }
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match name {
                "signature" => &mut signed.signature,
                "msg_signature" => &mut signed.msg_signature,
                "timestamp" => &mut signed.timestamp,
                "nonce" => &mut signed.nonce,
                "echostr" => &mut signed.echostr,
                _ => continue,
            };
            *slot = percent_decoded(value);
        }
        signed
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.filter(|_| *first == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How far a push's time may lie from the box's clock: a message that was caught on its way is not played again later. Wide enough for a clock
/// that is five minutes off and for WeChat's own repetitions.
pub const SKEW_SECONDS: i64 = 900;

/// Token and cipher of one address that pushes come to.
#[derive(Debug, Clone)]
pub struct Door {
    token: String,
    cipher: Option<Cipher>,
}

/// Why a push is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Signature, key or receiver do not fit.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// Its time is too far from the box's.
    #[error("its time is too far from the box's clock")]
    Stale,
    /// It is neither XML nor JSON as documented.
    #[error("it is no message")]
    Unreadable,
    /// It is not encrypted, but the box has a key for this address.
    #[error("it is not encrypted")]
    Plain,
}

impl Door {
    /// For an address; without a cipher only messages in plain text are taken.
    pub fn new(token: &str, cipher: Option<Cipher>) -> Self {
        Self { token: token.to_owned(), cipher }
    }

    fn fresh(&self, signed: &Signed, now_seconds: i64) -> Result<(), Refused> {
        let at = signed.timestamp.parse::<i64>().map_err(|_| Refused::Stale)?;
        let off = now_seconds.checked_sub(at).map_or(i64::MAX, i64::saturating_abs);
        if off <= SKEW_SECONDS { Ok(()) } else { Err(Refused::Stale) }
    }

    /// Answers the check of the address that mini-program and official account make: the echo, unchanged.
    pub fn echo(&self, signed: &Signed) -> Result<String, Refused> {
        verify(&signed.signature, &[&self.token, &signed.timestamp, &signed.nonce])?;
        Ok(signed.echostr.clone())
    }

    /// Answers WeCom's check, whose echo is encrypted.
    pub fn sealed_echo(&self, signed: &Signed) -> Result<String, Refused> {
        verify(&signed.msg_signature, &[&self.token, &signed.timestamp, &signed.nonce, &signed.echostr])?;
        let cipher = self.cipher.as_ref().ok_or(Wrong::Key)?;
        String::from_utf8(cipher.open(&signed.echostr)?).map_err(|_| Refused::Unreadable)
    }

    /// Verifies, decrypts and reads a push.
    pub fn take(&self, signed: &Signed, body: &[u8], now_seconds: i64) -> Result<Push, Refused> {
        let outer = Fields::parse(body)?;
        match (outer.text("Encrypt"), &self.cipher) {
            ("", Some(_)) => Err(Refused::Plain),
            ("", None) => {
                verify(&signed.signature, &[&self.token, &signed.timestamp, &signed.nonce])?;
                self.fresh(signed, now_seconds)?;
                Ok(Push { json: outer.json, fields: outer })
            }
            (encrypted, cipher) => {
                verify(&signed.msg_signature, &[&self.token, &signed.timestamp, &signed.nonce, encrypted])?;
                self.fresh(signed, now_seconds)?;
                let plain = cipher.as_ref().ok_or(Wrong::Key)?.open(encrypted)?;
                Ok(Push { json: outer.json, fields: Fields::parse(&plain)? })
            }
        }
    }

    /// An encrypted answer in the form that the push came in.
    pub fn answer(
        &self,
        json: bool,
        message: &str,
        salt: [u8; SALT],
        timestamp: i64,
        nonce: &str,
    ) -> Result<String, Refused> {
        let cipher = self.cipher.as_ref().ok_or(Wrong::Key)?;
        let encrypted = cipher.seal(salt, message.as_bytes())?;
        let time = timestamp.to_string();
        let signature = sign(&[&self.token, &time, nonce, &encrypted]);
        if json {
            let answer = serde_json::json!({
                "Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce
            });
            return Ok(answer.to_string());
        }
        Ok(format!(
            "<xml><Encrypt>{}</Encrypt><MsgSignature>{}</MsgSignature><TimeStamp>{timestamp}</TimeStamp><Nonce>{}</Nonce></xml>",
            xml::cdata(&encrypted),
            xml::cdata(&signature),
            xml::cdata(nonce)
        ))
    }

    /// As WeChat would push this message: the query and the body. Stand-ins use it.
    pub fn push(
        &self,
        message: &str,
        to: &str,
        salt: [u8; SALT],
        timestamp: i64,
        nonce: &str,
    ) -> Result<(String, String), Wrong> {
        let cipher = self.cipher.as_ref().ok_or(Wrong::Key)?;
        let encrypted = cipher.seal(salt, message.as_bytes())?;
        let time = timestamp.to_string();
        let signature = sign(&[&self.token, &time, nonce]);
        let msg_signature = sign(&[&self.token, &time, nonce, &encrypted]);
        let query = format!(
            "signature={signature}&timestamp={time}&nonce={nonce}&encrypt_type=aes&msg_signature={msg_signature}"
        );
        let body = if message.starts_with('{') {
            serde_json::json!({ "ToUserName": to, "Encrypt": encrypted }).to_string()
        } else {
            format!(
                "<xml><ToUserName>{}</ToUserName><Encrypt>{}</Encrypt></xml>",
                xml::cdata(to),
                xml::cdata(&encrypted)
            )
        };
        Ok((query, body))
    }
}

/// The fields of a message, whichever form it came in. JSON modes spell some names small: names are found in any case.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    json: bool,
    map: Map<String, Value>,
}

impl Fields {
    fn parse(body: &[u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(body).map_err(|_| Refused::Unreadable)?.trim();
        if text.starts_with('{') {
            let map = serde_json::from_str::<Map<String, Value>>(text).map_err(|_| Refused::Unreadable)?;
            return Ok(Self { json: true, map });
        }
        let root = xml::parse(text).ok_or(Refused::Unreadable)?;
        match value_of(&root) {
            Value::Object(map) => Ok(Self { json: false, map }),
            _ => Err(Refused::Unreadable),
        }
    }

    /// A field; none when it is not there.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.map
            .get(name)
            .or_else(|| self.map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    }

    /// A field's text; empty when it is not there or no text.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// A field that is a number, as number or as text.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(number)
    }
}

/// A number that may be spelt as a text.
pub fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The entries of a `List`, which is an object when there is one and an array when there are several.
pub fn entries(value: Option<&Value>) -> Vec<&Value> {
    match value.map(|value| value.get("List").unwrap_or(value)) {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => Vec::new(),
    }
}

fn value_of(element: &Element) -> Value {
    if element.inner.is_empty() {
        return Value::String(element.text.trim().to_owned());
    }
    let mut map = Map::new();
    for inner in &element.inner {
        let value = value_of(inner);
        match map.get_mut(&inner.name) {
            Some(Value::Array(all)) => all.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                map.insert(inner.name.clone(), value);
            }
        }
    }
    Value::Object(map)
}

/// A message that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// It came as JSON, and wants its answer so.
    pub json: bool,
    /// What it says.
    pub fields: Fields,
}

impl Push {
    /// Who sent it: an openid, a member of WeCom, or `sys`.
    pub fn from(&self) -> &str {
        self.fields.text("FromUserName")
    }

    /// `text`, `event` and so on.
    pub fn kind(&self) -> &str {
        self.fields.text("MsgType")
    }

    /// The event's name; empty for other messages.
    pub fn event(&self) -> &str {
        self.fields.text("Event")
    }

    /// When it was made, in Unix seconds.
    pub fn created(&self) -> i64 {
        self.fields.number("CreateTime").unwrap_or(0)
    }

    /// What a repetition of this push has in common with it and no other push has: the message's number, or for events sender, time, event and
    /// what the event is about.
    pub fn once(&self) -> String {
        let id = self.fields.get("MsgId").or_else(|| self.fields.get("msgid"));
        match id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).filter(|id| !id.is_empty()) {
            Some(id) if self.kind() != "event" => format!("m/{}/{id}", self.from()),
            _ => {
                let all = Value::Object(self.fields.map.clone()).to_string();
                format!("e/{}/{}/{}/{}", self.from(), self.created(), self.event(), super::crypt::sha1(&all))
            }
        }
    }

    /// The whole message as JSON, for keeping.
    pub fn to_json(&self) -> String {
        Value::Object(self.fields.map.clone()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

    fn door() -> Door {
        Door::new("QDG6eK", Some(Cipher::new(KEY, "wx5823bf96d3bd56c7").unwrap()))
    }

    #[test]
    fn the_official_samples_are_taken_as_they_come() {
        let query = "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D";
        assert_eq!(door().sealed_echo(&Signed::parse(query)).unwrap(), "1616140317555161061");
        let raw = query.replace("%2F", "/").replace("%2B", "+").replace("%3D", "=");
        assert_eq!(
            door().sealed_echo(&Signed::parse(&raw)).unwrap(),
            "1616140317555161061",
            "a plus that was not encoded"
        );
        let signed = Signed::parse(
            "msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp=1409659813&nonce=1372623149",
        );
        let body = format!(
            "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA[{V6}]]></Encrypt><AgentID><![CDATA[218]]></AgentID></xml>"
        );
        let push = door().take(&signed, body.as_bytes(), 1_409_659_813).unwrap();
        assert_eq!((push.from(), push.kind(), push.fields.text("Content")), ("mycreate", "text", "hello"));
        assert_eq!((push.once().as_str(), push.json), ("m/mycreate/4561255354251345929", false));
        let signed = Signed::parse(
            "msg_signature=0623cbc5a8cbee5bcc137c70de99575366fc2af3&timestamp=1409659813&nonce=1372623149",
        );
        let body =
            serde_json::json!({ "tousername": "wx5823bf96d3bd56c7", "encrypt": V7, "agentid": "218" }).to_string();
        let push = door().take(&signed, body.as_bytes(), 1_409_659_813).unwrap();
        assert!(push.json && !push.from().is_empty());
        let plain = Door::new("AAAAA", None);
        let signed = Signed::parse(
            "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492&echostr=4375120948345356249",
        );
        assert_eq!(plain.echo(&signed).unwrap(), "4375120948345356249");
        assert!(Door::new("AAAAB", None).echo(&signed).is_err());
    }

    const V6: &str = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==";
    const V7: &str = "CZWs4CWRpI4VolQlvn4dlEC1alN2MUEY2VklGehgBVLBrlVF7SyT+SV+Toj43l4ayJ9UMGKphktKKmP7B2j/P1ey67XB8PBgS7Wr5/8+w/yWriZv3Vmoo/MH3/1HsIWZrPQ3N2mJrelStIfI2Y8kLKXA7EhfZgZX4o+ffdkZDM76SEl79Ib9mw7TGjZ9Aw/x/A2VjNbV1E8BtEbRxYYcQippYNw7hr8sFfa3nW1xLdxokt8QkRX83vK3DFP2F6TQFPL2Tu98UwhcUpPvdJBuu1/yiOQIScppV3eOuLWEsko=";

    #[test]
    fn what_is_forged_stale_or_for_another_is_refused() {
        let event = "<xml><FromUserName><![CDATA[o1]]></FromUserName><CreateTime>100</CreateTime><MsgType>event</MsgType><Event>x</Event></xml>";
        let (query, body) = door().push(event, "gh", [1; SALT], 1_000, "n").unwrap();
        let signed = Signed::parse(&query);
        let taken = door().take(&signed, body.as_bytes(), 1_000 + SKEW_SECONDS).unwrap();
        assert_eq!(taken.event(), "x");
        for (now, why) in
            [(1_001 + SKEW_SECONDS, "late"), (999 - SKEW_SECONDS, "early"), (i64::MAX, "far"), (i64::MIN, "far")]
        {
            assert_eq!(door().take(&signed, body.as_bytes(), now), Err(Refused::Stale), "{why}");
        }
        let forged = Signed { msg_signature: signed.signature.clone(), ..signed.clone() };
        assert_eq!(door().take(&forged, body.as_bytes(), 1_000), Err(Wrong::Signature.into()));
        let moved = Signed { timestamp: "1001".into(), ..signed.clone() };
        assert_eq!(door().take(&moved, body.as_bytes(), 1_000), Err(Wrong::Signature.into()));
        assert_eq!(
            door().take(&signed, event.as_bytes(), 1_000),
            Err(Refused::Plain),
            "the plain signature covers no message"
        );
        let other = Door::new("QDG6eK", Some(Cipher::new(KEY, "wx_other").unwrap()));
        assert_eq!(other.take(&signed, body.as_bytes(), 1_000), Err(Wrong::Receiver.into()));
        for body in ["", "{", "[]", "<xml>", "\u{0}"] {
            assert_eq!(door().take(&signed, body.as_bytes(), 1_000), Err(Refused::Unreadable), "{body}");
        }
    }

    #[test]
    fn answers_are_read_by_whoever_knows_the_key() {
        let door = door();
        let xml = door.answer(false, "<xml><MsgType>text</MsgType></xml>", [2; SALT], 77, "n1").unwrap();
        let read = super::super::xml::parse(&xml).unwrap();
        verify(read.text_of("MsgSignature"), &["QDG6eK", "77", "n1", read.text_of("Encrypt")]).unwrap();
        let json: Value = serde_json::from_str(&door.answer(true, "{}", [2; SALT], 77, "n1").unwrap()).unwrap();
        let cipher = Cipher::new(KEY, "wx5823bf96d3bd56c7").unwrap();
        assert_eq!(cipher.open(json["Encrypt"].as_str().unwrap()).unwrap(), b"{}");
    }

    #[test]
    fn lists_are_read_with_one_entry_or_several_in_either_form() {
        let xml = |list: &str| format!("<xml><SubscribeMsgPopupEvent>{list}</SubscribeMsgPopupEvent></xml>");
        let one = "<List><TemplateId>t</TemplateId></List>";
        for (body, count) in [
            (xml(one), 1),
            (xml(&format!("{one}{one}")), 2),
            ("{\"SubscribeMsgPopupEvent\":{\"List\":{\"TemplateId\":\"t\"}}}".into(), 1),
            ("{\"SubscribeMsgPopupEvent\":{\"List\":[{\"TemplateId\":\"t\"},{\"TemplateId\":\"t\"}]}}".into(), 2),
            ("{\"List\":{\"TemplateId\":\"t\"}}".into(), 0),
        ] {
            let fields = Fields::parse(body.as_bytes()).unwrap();
            let found = entries(fields.get("SubscribeMsgPopupEvent"));
            assert_eq!(found.len(), count, "{body}");
            assert!(found.iter().all(|entry| entry["TemplateId"] == "t"));
        }
    }

    #[test]
    fn a_repetition_has_the_same_mark_and_another_push_has_not() {
        let push = |body: &str| Push { json: true, fields: Fields::parse(body.as_bytes()).unwrap() };
        let first = push("{\"FromUserName\":\"a\",\"MsgType\":\"text\",\"MsgId\":123456789012345678}");
        assert_eq!(first.once(), "m/a/123456789012345678");
        let event = |key: &str| {
            push(&format!(
                "{{\"FromUserName\":\"a\",\"MsgType\":\"event\",\"Event\":\"e\",\"CreateTime\":\"5\",\"k\":\"{key}\"}}"
            ))
        };
        assert_eq!(event("1").once(), event("1").once());
        assert_ne!(event("1").once(), event("2").once());
        assert!(event("1").once().starts_with("e/a/5/e/"));
    }
}
