//! The stand-in's WeCom.

use super::{For, State, no, openid, yes};
use crate::standin::{Answered, Asked};
use serde_json::{Value, json};

/// What WeCom finds wrong with a message of a kind. Texts that are too long it cuts off without a word; here they are refused, so that a test sees
/// them.
fn content(kind: &str, of: &Value) -> Result<(), Answered> {
    let said = |name: &str| of.get(name).and_then(Value::as_str).unwrap_or("");
    let part = |name: &str, most: usize, missing: (i64, &str)| match said(name) {
        "" => Err(no(missing.0, missing.1)),
        text if text.len() > most => Err(no(45_002, "message content out of limit")),
        _ => Ok(()),
    };
    match kind {
        "text" | "markdown" => part("content", 2_048, (44_004, "empty content")),
        "textcard" => {
            part("title", 128, (41_016, "missing title"))?;
            part("description", 512, (41_017, "missing description"))?;
            part("url", 2_048, (41_010, "missing url"))
        }
        "image" | "file" | "voice" | "video" => part("media_id", 512, (40_007, "invalid media_id")),
        "news" => {
            let count = of.get("articles").and_then(Value::as_array).map_or(0, Vec::len);
            if (1..=8).contains(&count) { Ok(()) } else { Err(no(45_008, "article size out of limit")) }
        }
        "miniprogram_notice" => {
            part("appid", 64, (40_013, "invalid appid"))?;
            let title = said("title").chars().count();
            let items = of.get("content_item").and_then(Value::as_array).map_or(0, Vec::len);
            if (4..=12).contains(&title) && items <= 10 { Ok(()) } else { Err(no(40_058, "invalid Request Parameter")) }
        }
        _ => Err(no(40_008, "invalid message type")),
    }
}

/// Seconds that an uploaded file holds.
const MEDIA_SECONDS: i64 = 3 * 86_400;

/// The part `media` of a multipart form: its file's name and its bytes.
fn media_part(asked: &Asked) -> Option<(String, Vec<u8>)> {
    let boundary = asked.header("content-type").split("boundary=").nth(1)?.trim_matches('"').to_owned();
    let find = |text: &[u8], from: usize| {
        asked.body.get(from..)?.windows(text.len()).position(|part| part == text).map(|at| from + at)
    };
    let ends = find(b"\r\n\r\n", 0)?;
    let head = String::from_utf8_lossy(asked.body.get(..ends)?).into_owned();
    let last = find(format!("\r\n--{boundary}--").as_bytes(), ends)?;
    if !head.starts_with(&format!("--{boundary}\r\n")) || !head.contains("name=\"media\"") {
        return None;
    }
    let name = head.split("filename=\"").nth(1)?.split('"').next()?.to_owned();
    Some((name, asked.body.get(ends + 4..last)?.to_vec()))
}

impl State {
    pub(super) fn corp_token(&mut self, corp: &str, secret: &str, now: i64) -> Answered {
        if let Err(refusal) = self.known(corp, secret, true) {
            return refusal;
        }
        // Asked again, WeCom answers with the same token while it holds; one that was revoked has a successor.
        let (token, seconds) = self.current(corp, now);
        Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": seconds }))
    }

    /// Takes a file: its part is named `media` and has a file name, its size is what its kind may have. It holds for three days.
    pub(super) fn upload(&mut self, asked: &Asked, now: i64) -> Answered {
        let kind = asked.asked("type").unwrap_or_default();
        let most = match kind.as_str() {
            "image" | "video" => 10 << 20,
            "voice" => 2 << 20,
            "file" => 20 << 20,
            _ => return no(40_004, "invalid media type"),
        };
        let Some((name, bytes)) = media_part(asked) else { return no(44_001, "empty media data") };
        if name.is_empty() || bytes.len() <= 5 {
            return no(40_006, "invalid media size");
        }
        if bytes.len() > most {
            return no(45_001, "media size out of limit");
        }
        let fits = match kind.as_str() {
            "image" => bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff"),
            "voice" => bytes.starts_with(b"#!AMR"),
            _ => true,
        };
        if !fits {
            return no(40_005, "invalid file type");
        }
        self.serial += 1;
        let id = format!("media-{}-{}", self.serial, super::sha1(&format!("{kind}/{name}/{}", bytes.len())));
        self.media.insert(id.clone(), (kind.clone(), now));
        Answered::json(
            &json!({ "errcode": 0, "errmsg": "", "type": kind, "media_id": id, "created_at": now.to_string() }),
        )
    }

    pub(super) fn corp_send(&mut self, corp: &str, body: &Value, now: i64) -> Answered {
        let said = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("");
        if body.get("agentid").and_then(Value::as_i64).unwrap_or(0) <= 0 {
            return no(40056, "invalid agentid");
        }
        let kind = said("msgtype");
        if kind.is_empty() || body.get(kind).is_none() {
            return no(40058, "invalid Request Parameter");
        }
        let of = body.get(kind).unwrap_or(&Value::Null);
        if let Err(refusal) = content(kind, of) {
            return refusal;
        }
        if let Some(id) = of.get("media_id").and_then(Value::as_str) {
            let kept = self.media.get(id).filter(|(known, at)| known == kind && now - at < MEDIA_SECONDS);
            if kept.is_none() {
                return no(40_007, "invalid media_id");
            }
        }
        let named: Vec<&str> = said("touser").split('|').filter(|user| !user.is_empty()).collect();
        let everybody = named == ["@all"];
        let known = |user: &&str| self.members.iter().any(|member| member.eq_ignore_ascii_case(user));
        let lost: Vec<String> =
            named.iter().filter(|user| !everybody && !known(user)).map(|user| user.to_lowercase()).collect();
        let nobody = lost.len() == named.len() && said("toparty").is_empty() && said("totag").is_empty();
        if nobody && !everybody {
            return no(81013, "user & party & tag all invalid");
        }
        let once = format!("corp/{}", super::sha1(&body.to_string()));
        let number = match self.once.get(&once) {
            Some(number) => number.clone(),
            None => {
                self.serial += 1;
                let number = format!("m{}", self.serial);
                self.once.insert(once, number.clone());
                self.note(corp, "corp", said("touser"), body);
                number
            }
        };
        Answered::json(&json!({ "errcode": 0, "errmsg": "ok", "invaliduser": lost.join("|"), "msgid": number }))
    }

    pub(super) fn corp_recall(&mut self, body: &Value) -> Answered {
        let number = body.get("msgid").and_then(Value::as_str).unwrap_or("");
        if self.once.values().any(|kept| kept == number) { yes() } else { no(40058, "invalid msgid") }
    }

    pub(super) fn corp_visitor(&mut self, corp: &str, code: &str, now: i64) -> Answered {
        let code = match self.spend(corp, code, now, |purpose| *purpose == For::Member) {
            Ok(code) => code,
            Err(refusal) => return refusal,
        };
        let member = self.members.contains(&code.person);
        let mut answer = json!({ "errcode": 0, "errmsg": "ok" });
        if let Some(map) = answer.as_object_mut() {
            if member {
                map.insert("userid".into(), code.person.as_str().into());
            } else {
                map.insert("openid".into(), openid(corp, &code.person).into());
            }
        }
        Answered::json(&answer)
    }
}
