//! A WeCom app's server side: messages to members, and who a member is that logged in. Source: developer.work.weixin.qq.com.

use super::{
    App, Fault, Tokens,
    crypt::sha1,
    line::{Grant, Line},
    mini::checked_code,
    official::{JsConfig, js_text, js_ticket},
};
use crate::{Call, Egress};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A WeCom app. Cheap to clone.
#[derive(Clone)]
pub struct WeCom(Line);

/// Whom a message is for; all that are named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct To {
    /// Members, at most 1,000.
    pub users: Vec<String>,
    /// Departments, at most 100.
    pub parties: Vec<i64>,
    /// Tags, at most 100.
    pub tags: Vec<i64>,
    /// Everybody who sees the app.
    pub all: bool,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Plain text, at most 2,048 bytes; links in `<a href>`.
    Text(String),
    /// A part of Markdown, read in WeCom only.
    Markdown(String),
    /// A card with a link.
    Card {
        /// At most 128 bytes.
        title: String,
        /// At most 512 bytes.
        description: String,
        /// At most 2,048 bytes.
        url: String,
    },
    /// Articles with pictures, 1 to 8.
    News(Vec<Article>),
    /// A file, picture, voice or video that was uploaded: `file`, `image`, `voice`, `video` and its media id.
    Media(&'static str, String),
    /// A notice that opens a mini-program.
    Mini {
        /// App id.
        app: String,
        /// Page.
        page: String,
        /// 4 to 12 characters.
        title: String,
        /// Name and value, at most 10.
        items: Vec<(String, String)>,
    },
}

/// A kind of file that is handed over before a message names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// JPEG or PNG, at most 10 MB.
    Image,
    /// AMR, at most 2 MB.
    Voice,
    /// Any file of at most 20 MB.
    File,
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaFault {
    /// It is larger than so many MB.
    Large(usize),
    /// It has five bytes or fewer.
    Empty,
    /// It is of another kind than its kind takes.
    Other,
}

/// What tells one file from another.
fn mark_of(bytes: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    data_encoding::HEXLOWER.encode(hash.as_ref().get(..16).unwrap_or_default())
}

/// Largest file that is handed over.
pub const MEDIA_MAX: usize = 20 << 20;
/// What the names of media ids begin with among what is kept of an app.
pub const MEDIA_SLOT: &str = "media/";
/// How long a media id is used, in seconds; WeCom keeps it for three days.
const MEDIA_SECONDS: i64 = 86_400;
/// How long handing a file over may take.
const UPLOAD_TIME: std::time::Duration = std::time::Duration::from_secs(60);

impl Media {
    /// As WeCom names it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::File => "file",
        }
    }

    /// Whether WeCom would take a file of this kind.
    pub fn check(self, bytes: &[u8]) -> Result<(), MediaFault> {
        let most = match self {
            Self::Image => 10,
            Self::Voice => 2,
            Self::File => MEDIA_MAX >> 20,
        };
        let fits = match self {
            Self::Image => bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff"),
            Self::Voice => bytes.starts_with(b"#!AMR"),
            Self::File => true,
        };
        match bytes.len() {
            0..=5 => Err(MediaFault::Empty),
            size if size > most << 20 => Err(MediaFault::Large(most)),
            _ if !fits => Err(MediaFault::Other),
            _ => Ok(()),
        }
    }
}

/// One article.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Article {
    /// Title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// Where it leads.
    pub url: String,
    /// Its picture.
    pub picurl: String,
}

/// What became of a message: a part of the receivers may be refused although it was sent.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq, Default)]
pub struct Sent {
    /// Number, for taking it back within a day.
    #[serde(default)]
    pub msgid: String,
    /// Members that could not be reached, joined by `|`.
    #[serde(default)]
    pub invaliduser: String,
    /// Departments that could not be reached.
    #[serde(default)]
    pub invalidparty: String,
    /// Tags that could not be reached.
    #[serde(default)]
    pub invalidtag: String,
    /// Members without a licence for the app.
    #[serde(default)]
    pub unlicenseduser: String,
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visitor {
    /// A member.
    Member {
        /// The member's id.
        user: String,
        /// For asking more, when the member consented.
        ticket: Option<String>,
    },
    /// Somebody from outside.
    Outsider {
        /// The person at this corp.
        openid: String,
    },
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    userid: Option<String>,
    #[serde(default)]
    user_ticket: Option<String>,
    #[serde(default)]
    openid: Option<String>,
}

fn long(field: &str, text: &str, bytes: usize) -> Result<(), Fault> {
    if text.is_empty() || text.len() > bytes {
        return Err(Fault::Input { field: field.into(), why: format!("1 to {bytes} bytes") });
    }
    Ok(())
}

impl Message {
    /// Kind and body, checked.
    fn body(&self) -> Result<(&'static str, Value), Fault> {
        match self {
            Self::Text(text) => {
                long("content", text, 2_048)?;
                Ok(("text", json!({ "content": text })))
            }
            Self::Markdown(text) => {
                long("content", text, 2_048)?;
                Ok(("markdown", json!({ "content": text })))
            }
            Self::Card { title, description, url } => {
                long("title", title, 128)?;
                long("description", description, 512)?;
                long("url", url, 2_048)?;
                Ok(("textcard", json!({ "title": title, "description": description, "url": url })))
            }
            Self::News(articles) => {
                if !(1..=8).contains(&articles.len()) {
                    return Err(Fault::Input { field: "articles".into(), why: "1 to 8".into() });
                }
                for article in articles {
                    long("title", &article.title, 128)?;
                }
                Ok(("news", json!({ "articles": articles })))
            }
            Self::Media(kind, id) => {
                let kind = ["file", "image", "voice", "video"].into_iter().find(|known| known == kind);
                let kind = kind.ok_or_else(|| Fault::Input { field: "msgtype".into(), why: "unknown".into() })?;
                long("media_id", id, 512)?;
                Ok((kind, json!({ "media_id": id })))
            }
            Self::Mini { app, page, title, items } => {
                let fits = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
                if items.len() > 10 || !items.iter().all(|(key, value)| fits(key, 10) && fits(value, 30)) {
                    let why = "at most 10, each of 10 and 30 characters".into();
                    return Err(Fault::Input { field: "content_item".into(), why });
                }
                if !(4..=12).contains(&title.chars().count()) {
                    return Err(Fault::Input { field: "title".into(), why: "4 to 12 characters".into() });
                }
                long("appid", app, 64)?;
                let items: Vec<Value> =
                    items.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
                Ok(("miniprogram_notice", json!({ "appid": app, "page": page, "title": title, "content_item": items })))
            }
        }
    }
}

impl To {
    fn put(&self, body: &mut Map<String, Value>) -> Result<(), Fault> {
        let wrong = |why: &str| Err(Fault::Input { field: "touser".into(), why: why.into() });
        if self.users.len() > 1_000 || self.parties.len() > 100 || self.tags.len() > 100 {
            return wrong("at most 1000 members, 100 departments, 100 tags");
        }
        if !self.all && self.users.is_empty() && self.parties.is_empty() && self.tags.is_empty() {
            return wrong("nobody is named");
        }
        if self.users.iter().any(|user| user.is_empty() || user.contains('|')) {
            return wrong("no id of a member");
        }
        let joined = |all: &[i64]| all.iter().map(i64::to_string).collect::<Vec<_>>().join("|");
        let users = if self.all { "@all".to_owned() } else { self.users.join("|") };
        for (name, value) in [("touser", users), ("toparty", joined(&self.parties)), ("totag", joined(&self.tags))] {
            if !value.is_empty() {
                body.insert(name.into(), value.into());
            }
        }
        Ok(())
    }
}

impl WeCom {
    /// The client of an app.
    pub fn new(egress: Egress, tokens: Arc<Tokens>, app: App) -> Self {
        Self(Line::new(egress, tokens, app, Grant::Corp))
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Gets a token: what the test button tries.
    pub async fn try_token(&self) -> Result<(), Fault> {
        self.0.token(None).await.map(drop)
    }

    /// Sends a message. With the check of duplicates on, the same content to the same people within half an hour is one message.
    pub async fn send(&self, to: &To, message: &Message) -> Result<Sent, Fault> {
        let (kind, content) = message.body()?;
        let mut body = Map::new();
        to.put(&mut body)?;
        body.insert("msgtype".into(), kind.into());
        body.insert("agentid".into(), self.0.app.agent.into());
        body.insert(kind.into(), content);
        body.insert("enable_duplicate_check".into(), 1.into());
        body.insert("duplicate_check_interval".into(), 1_800.into());
        let call = self.0.post("message/send", "/cgi-bin/message/send", &body.into()).repeatable();
        self.0.read(call).await
    }

    /// Hands a file over, so that messages may name it; answers its media id, the same for the same content within a day. WeCom keeps a file for three
    /// days, so a message that is sent again names the same file and counts as the same. Source: 上传临时素材 (`media/upload`).
    pub async fn upload(&self, kind: Media, name: &str, bytes: &[u8]) -> Result<String, Fault> {
        #[derive(Deserialize)]
        struct Uploaded {
            media_id: String,
        }
        kind.check(bytes).map_err(|why| Fault::Input { field: "media".into(), why: format!("{why:?}") })?;
        let mark = mark_of(bytes);
        let boundary = format!("huiguan-{mark}");
        // Names that a header cannot hold as they are.
        let name: String =
            name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\' | '/')).take(80).collect();
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"media\"; filename=\"{name}\"; filelength={}\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            bytes.len()
        );
        let body = [head.as_bytes(), bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        let form = format!("multipart/form-data; boundary={boundary}");
        let line = &self.0;
        let fetch = |_| async {
            let call = Call::post("media/upload", &line.app.base, "/cgi-bin/media/upload", &form, body.clone());
            let call = call.query("type", kind.code()).repeatable().within(UPLOAD_TIME);
            let uploaded: Uploaded = line.read(call).await?;
            Ok((uploaded.media_id, MEDIA_SECONDS))
        };
        line.tokens.get(&line.slot(&format!("{MEDIA_SLOT}{}/{mark}", kind.code())), None, fetch).await
    }

    /// Takes a message back, within a day.
    pub async fn recall(&self, msgid: &str) -> Result<(), Fault> {
        let call = self.0.post("message/recall", "/cgi-bin/message/recall", &json!({ "msgid": msgid })).repeatable();
        self.0.ask(call).await.map(drop)
    }

    /// Who came back with this code: once, within five minutes.
    pub async fn visitor(&self, code: &str) -> Result<Visitor, Fault> {
        checked_code(code)?;
        let call = self.0.get("auth/getuserinfo", "/cgi-bin/auth/getuserinfo").query("code", code);
        let info: Info = self.0.read(call).await?;
        match (info.userid, info.openid) {
            (Some(user), _) => Ok(Visitor::Member { user, ticket: info.user_ticket }),
            (None, Some(openid)) => Ok(Visitor::Outsider { openid }),
            (None, None) => Err(Fault::Unreadable("neither a member nor an outsider".into())),
        }
    }

    /// What a page at `url` needs for the JS-SDK.
    pub async fn js_config(&self, url: &str, nonce: &str, timestamp: i64) -> Result<JsConfig, Fault> {
        let ticket = js_ticket(&self.0, "/cgi-bin/get_jsapi_ticket").await?;
        Ok(JsConfig {
            app_id: self.0.app.id.clone(),
            timestamp,
            nonce_str: nonce.to_owned(),
            signature: sha1(&js_text(&ticket, nonce, timestamp, url)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_wecom_would_refuse_are_not_sent() {
        let sound = [
            Message::Text("字".repeat(682)),
            Message::Markdown("**x**".into()),
            Message::Card { title: "t".into(), description: "d".into(), url: "https://a".into() },
            Message::Media("file", "m".into()),
            Message::Mini { app: "wx".into(), page: "p".into(), title: "标题标题".into(), items: vec![] },
        ];
        for message in sound {
            message.body().unwrap();
        }
        let article =
            Article { title: "t".into(), description: String::new(), url: String::new(), picurl: String::new() };
        let wrong = [
            Message::Text(String::new()),
            Message::Text("字".repeat(683)),
            Message::Card { title: "t".repeat(129), description: "d".into(), url: "u".into() },
            Message::News(Vec::new()),
            Message::News(vec![article; 9]),
            Message::Media("program", "m".into()),
            Message::Mini {
                app: String::new(),
                page: String::new(),
                title: String::new(),
                items: vec![Default::default(); 11],
            },
        ];
        for message in wrong {
            assert!(message.body().is_err(), "{message:?}");
        }
    }

    #[test]
    fn files_that_wecom_would_refuse_are_not_handed_over() {
        let png = b"\x89PNG\r\n\x1a\n".to_vec();
        let large = |mb: usize, start: &[u8]| [start, &vec![0; (mb << 20) + 1]].concat();
        for (kind, bytes, said) in [
            (Media::Image, png.clone(), Ok(())),
            (Media::Image, b"\xff\xd8\xff\xe0\0\0".to_vec(), Ok(())),
            (Media::Image, b"GIF89a..".to_vec(), Err(MediaFault::Other)),
            (Media::Image, large(10, &png), Err(MediaFault::Large(10))),
            (Media::Voice, b"#!AMR\n".to_vec(), Ok(())),
            (Media::Voice, png.clone(), Err(MediaFault::Other)),
            (Media::Voice, large(2, b"#!AMR\n"), Err(MediaFault::Large(2))),
            (Media::File, b"12345".to_vec(), Err(MediaFault::Empty)),
            (Media::File, b"123456".to_vec(), Ok(())),
            (Media::File, large(20, b""), Err(MediaFault::Large(20))),
        ] {
            assert_eq!(kind.check(&bytes), said, "{kind:?} {}", bytes.len());
        }
    }

    #[test]
    fn receivers_are_named_and_within_their_limits() {
        let put = |to: To| {
            let mut body = Map::new();
            to.put(&mut body).map(|()| Value::from(body).to_string())
        };
        assert!(put(To::default()).is_err());
        assert!(put(To { users: vec!["a|b".into()], ..To::default() }).is_err());
        assert!(put(To { users: vec!["a".into(); 1_001], ..To::default() }).is_err());
        assert_eq!(put(To { all: true, ..To::default() }).unwrap(), "{\"touser\":\"@all\"}");
        let some = To { users: vec!["a".into(), "b".into()], parties: vec![2, 3], ..To::default() };
        assert_eq!(put(some).unwrap(), "{\"toparty\":\"2|3\",\"touser\":\"a|b\"}");
    }
}
