//! The official account's server side: log-in of pages inside WeChat, signatures for its JS-SDK, template, mass and customer-service messages.
//! Source: developers.weixin.qq.com/doc/offiaccount.

use super::{
    App, Fault, Tokens,
    crypt::sha1,
    line::{Grant, Line},
    mini::checked_code,
};
use crate::{Call, Egress, address::encoded};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// An official account. Cheap to clone.
#[derive(Clone)]
pub struct Official(Line);

/// How much of a person a page asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The openid, without asking.
    Base,
    /// Name and picture, which WeChat asks the person for.
    UserInfo,
}

/// Who came from the log-in page.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct Visitor {
    /// The person at this account.
    pub openid: String,
    /// The person in all apps of one Open Platform account.
    #[serde(default)]
    pub unionid: Option<String>,
    /// 1: a page that only previews; the person is made up and must not be kept.
    #[serde(default)]
    is_snapshotuser: i64,
}

/// A template message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateMessage {
    /// Openid of a follower.
    pub to: String,
    /// Template.
    pub template: String,
    /// Address that it opens; empty: none.
    pub url: String,
    /// Mini-program and page that it opens instead.
    pub mini: Option<(String, String)>,
    /// Keyword and value.
    pub data: Vec<(String, String)>,
    /// Repetitions with the same text within a while are one message; at most 32 characters, empty: none.
    pub once: String,
}

/// Whom a mass message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mass {
    /// Everybody who follows.
    All,
    /// A tag's people.
    Tag(i64),
    /// These openids, 2 to 10,000.
    People(Vec<String>),
    /// One person, as a preview.
    Preview(String),
}

/// What a page's script needs for `wx.config`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsConfig {
    /// App id.
    pub app_id: String,
    /// Unix seconds.
    pub timestamp: i64,
    /// Random text.
    pub nonce_str: String,
    /// Signature over ticket, random text, time and address.
    pub signature: String,
}

/// An answer with a message's number.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default)]
    msgid: Value,
    #[serde(default)]
    msg_id: Value,
}

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
    expires_in: i64,
}

/// The text that a JS-SDK signature is over; `url` up to its fragment.
pub fn js_text(ticket: &str, nonce: &str, timestamp: i64, url: &str) -> String {
    let url = url.split('#').next().unwrap_or("");
    format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}")
}

/// The address of WeChat's log-in page. WeChat compares the order of its parts.
pub fn authorize(open: &str, app: &str, back: &str, consent: Consent, state: &str, agent: Option<i64>) -> String {
    let scope = match consent {
        Consent::Base => "snsapi_base",
        Consent::UserInfo if agent.is_some() => "snsapi_privateinfo",
        Consent::UserInfo => "snsapi_userinfo",
    };
    let agent = agent.map_or_else(String::new, |agent| format!("&agentid={agent}"));
    format!(
        "{open}/connect/oauth2/authorize?appid={}&redirect_uri={}&response_type=code&scope={scope}&state={}{agent}#wechat_redirect",
        encoded(app),
        encoded(back),
        encoded(state)
    )
}

impl Official {
    /// The client of an account.
    pub fn new(egress: Egress, tokens: Arc<Tokens>, app: App) -> Self {
        Self(Line::new(egress, tokens, app, Grant::Stable))
    }

    /// The account.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Gets a token: what the test button tries.
    pub async fn try_token(&self) -> Result<(), Fault> {
        self.0.token(None).await.map(drop)
    }

    /// Who came back with this code: once, within five minutes. None for somebody that WeChat made up for a preview.
    pub async fn visitor(&self, code: &str) -> Result<Option<Visitor>, Fault> {
        checked_code(code)?;
        let call = self
            .0
            .get("oauth2/access_token", "/sns/oauth2/access_token")
            .query("appid", &self.0.app.id)
            .query("secret", &self.0.app.secret)
            .query("code", code)
            .query("grant_type", "authorization_code");
        let visitor: Visitor = super::line::read(&self.0.plain(call).await?)?;
        Ok((visitor.is_snapshotuser != 1).then_some(visitor))
    }

    /// What a page at `url` needs for the JS-SDK. The caller sees to it that the address is the box's own.
    pub async fn js_config(&self, url: &str, nonce: &str, timestamp: i64) -> Result<JsConfig, Fault> {
        let ticket = js_ticket(&self.0, "/cgi-bin/ticket/getticket").await?;
        Ok(JsConfig {
            app_id: self.0.app.id.clone(),
            timestamp,
            nonce_str: nonce.to_owned(),
            signature: sha1(&js_text(&ticket, nonce, timestamp, url)),
        })
    }

    /// Sends a template message to a follower; answers with its number.
    pub async fn send_template(&self, message: &TemplateMessage) -> Result<String, Fault> {
        let data: Map<String, Value> =
            message.data.iter().map(|(name, value)| (name.clone(), json!({ "value": value }))).collect();
        let mut body = Map::new();
        body.insert("touser".into(), message.to.as_str().into());
        body.insert("template_id".into(), message.template.as_str().into());
        body.insert("data".into(), data.into());
        if !message.url.is_empty() {
            body.insert("url".into(), message.url.as_str().into());
        }
        if let Some((app, page)) = &message.mini {
            body.insert("miniprogram".into(), json!({ "appid": app, "pagepath": page }));
        }
        let once = !message.once.is_empty();
        if once {
            body.insert("client_msg_id".into(), message.once.chars().take(32).collect::<String>().into());
        }
        let call = self.0.post("template/send", "/cgi-bin/message/template/send", &body.into());
        let call = if once { call.repeatable() } else { call };
        let sent: Numbered = self.0.read(call).await?;
        Ok(said(&sent.msgid))
    }

    /// Sends a text to many; answers with its number. `once` (at most 64 characters) makes repetitions one message (45065).
    pub async fn send_mass(&self, to: &Mass, text: &str, once: &str) -> Result<String, Fault> {
        if text.is_empty() || text.len() > 2_048 {
            return Err(Fault::Input { field: "content".into(), why: "1 to 2048 bytes".into() });
        }
        let mut body = Map::new();
        body.insert("msgtype".into(), "text".into());
        body.insert("text".into(), json!({ "content": text }));
        if !once.is_empty() {
            body.insert("clientmsgid".into(), once.chars().take(64).collect::<String>().into());
        }
        let path = match to {
            Mass::All => {
                body.insert("filter".into(), json!({ "is_to_all": true }));
                "/cgi-bin/message/mass/sendall"
            }
            Mass::Tag(tag) => {
                body.insert("filter".into(), json!({ "is_to_all": false, "tag_id": tag }));
                "/cgi-bin/message/mass/sendall"
            }
            Mass::People(people) if (2..=10_000).contains(&people.len()) => {
                body.insert("touser".into(), json!(people));
                "/cgi-bin/message/mass/send"
            }
            Mass::People(_) => return Err(Fault::Input { field: "touser".into(), why: "2 to 10000 people".into() }),
            Mass::Preview(person) => {
                body.insert("touser".into(), json!(person));
                "/cgi-bin/message/mass/preview"
            }
        };
        let sent: Numbered = self.0.read(self.0.post("mass", path, &body.into())).await?;
        Ok(said(&sent.msg_id))
    }

    /// Writes to somebody who wrote, or pressed a menu, lately.
    pub async fn customer_text(&self, openid: &str, text: &str) -> Result<(), Fault> {
        customer_text(&self.0, openid, text).await
    }
}

/// A number, whether it came as one or as a text.
fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A ticket of the JS-SDK, kept like a token. A ticket of a token that was refused is fetched anew with the next one.
pub(super) async fn js_ticket(line: &Line, path: &str) -> Result<String, Fault> {
    let fetch = |_| async {
        let call = Call::get("getticket", &line.app.base, path).query("type", "jsapi");
        let ticket: Ticket = line.read(call).await?;
        Ok((ticket.ticket, ticket.expires_in))
    };
    line.tokens.get(&line.slot("jsapi"), None, fetch).await
}

pub(super) async fn customer_text(line: &Line, openid: &str, text: &str) -> Result<(), Fault> {
    if openid.is_empty() || text.is_empty() || text.len() > 2_048 {
        return Err(Fault::Input { field: "content".into(), why: "1 to 2048 bytes".into() });
    }
    let body = json!({ "touser": openid, "msgtype": "text", "text": { "content": text } });
    line.ask(line.post("custom/send", "/cgi-bin/message/custom/send", &body)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn js_signatures_are_those_of_the_official_samples() {
        let cases = [
            (
                "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
                "Wm3WZYTPz0wzccnW",
                1_414_587_457,
                "http://mp.weixin.qq.com?params=value",
                "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
            ),
            (
                "bxLdikRXVbTPdHSM05e5u4RbEYQn7pNQMPrfzl8lJNb1foLDa3HIwI3BRMkQmSO_5F64VFa75uURcq6Uz7QHgA",
                "82693e11-b9bc-448e-892f-f5289f46cd0f",
                1_419_835_025,
                "http://omstest.vmall.com:23568/thirdparty/wechat/vcode/gotoshare?quantity=1&batchName=MATE7",
                "c6f04b64d6351d197b71bd23fb7dd2d44c0db486",
            ),
        ];
        for (ticket, nonce, time, url, signature) in cases {
            assert_eq!(sha1(&js_text(ticket, nonce, time, url)), signature);
            assert_eq!(
                sha1(&js_text(ticket, nonce, time, &format!("{url}#part"))),
                signature,
                "the fragment does not count"
            );
            assert_ne!(sha1(&js_text(ticket, nonce, time + 1, url)), signature);
        }
    }

    #[test]
    fn the_log_in_page_gets_its_parts_encoded_and_in_order() {
        assert_eq!(
            authorize("https://open.weixin.qq.com", "wx1", "https://a.cn/b?c=d&e", Consent::Base, "s t", None),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1&redirect_uri=https%3A%2F%2Fa.cn%2Fb%3Fc%3Dd%26e\
             &response_type=code&scope=snsapi_base&state=s%20t#wechat_redirect"
        );
        let corp = authorize("x", "ww1", "y", Consent::UserInfo, "z", Some(7));
        assert!(corp.ends_with("&scope=snsapi_privateinfo&state=z&agentid=7#wechat_redirect"), "{corp}");
    }
}
