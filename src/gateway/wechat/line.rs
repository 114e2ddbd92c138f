//! One way of asking: a token in the query, a code in the answer, one repetition with a new token when it was refused, a few when the other
//! side is busy.

use super::{Act, Fault, Tokens, token::How};
use crate::{Call, Egress, Reply};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An app as its console names it.
#[derive(Clone, PartialEq, Eq)]
pub struct App {
    /// App id, or corp id of WeCom.
    pub id: String,
    /// WeCom: the app's number; 0 elsewhere.
    pub agent: i64,
    /// Secret.
    pub secret: String,
    /// Scheme and host that are asked.
    pub base: String,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App({}, {})", self.id, self.agent)
    }
}

/// Which way an app gets its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Mini-programs and official accounts.
    Stable,
    /// WeCom apps.
    Corp,
}

/// A way to ask for one app. Cheap to clone.
#[derive(Clone)]
pub struct Line {
    /// The way out.
    pub egress: Egress,
    /// The owner of tokens.
    pub tokens: Arc<Tokens>,
    /// For whom.
    pub app: App,
    grant: Grant,
}

/// Repetitions when the other side is busy.
const BUSY_MAX: u32 = 2;

/// The answer when its code is 0 or it has none. An image has no code; a failure is JSON whatever was asked for.
pub fn judge(reply: Reply) -> Result<Reply, Fault> {
    let json =
        reply.body.first() == Some(&b'{') || reply.header("content-type").is_some_and(|kind| kind.contains("json"));
    if !json {
        return Ok(reply);
    }
    let read: Value = serde_json::from_slice(&reply.body).map_err(|error| Fault::Unreadable(error.to_string()))?;
    let code = read.get("errcode").map_or(Some(0), super::push::number);
    match code {
        Some(0) => Ok(reply),
        Some(code) => Err(Fault::answer(code, read.get("errmsg").and_then(Value::as_str).unwrap_or(""))),
        None => Err(Fault::Unreadable("errcode is no number".into())),
    }
}

/// Reads a good answer as that shape.
pub fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Fault> {
    serde_json::from_slice(&reply.body).map_err(|error| Fault::Unreadable(error.to_string()))
}

#[derive(serde::Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

impl Line {
    /// A way to ask.
    pub fn new(egress: Egress, tokens: Arc<Tokens>, app: App, grant: Grant) -> Self {
        Self { egress, tokens, app, grant }
    }

    /// A GET without a token.
    pub fn get(&self, label: &'static str, path: &str) -> Call {
        Call::get(label, &self.app.base, path)
    }

    /// A POST without a token.
    pub fn post(&self, label: &'static str, path: &str, body: &Value) -> Call {
        Call::json(label, &self.app.base, path, body)
    }

    /// Sends a call as it is.
    pub async fn plain(&self, call: Call) -> Result<Reply, Fault> {
        judge(self.egress.send(call).await?)
    }

    /// The name under which something of this app is kept.
    pub fn slot(&self, what: &str) -> String {
        // A changed secret has tokens of its own; its hash names the slot and tells nothing.
        let mark = super::crypt::sha1(&format!("{}\n{}\n{}", self.app.id, self.app.secret, self.app.base));
        format!("{what}/{}/{}/{}", self.app.id, self.app.agent, mark.get(..12).unwrap_or_default())
    }

    async fn fetch(&self, how: How) -> Result<(String, i64), Fault> {
        let call = match self.grant {
            Grant::Stable => {
                let body = serde_json::json!({
                    "grant_type": "client_credential", "appid": self.app.id, "secret": self.app.secret,
                    "force_refresh": how == How::Fresh,
                });
                // Asking twice gives the same token twice; making a new one is rationed.
                let call = self.post("stable_token", "/cgi-bin/stable_token", &body);
                if how == How::Current { call.repeatable() } else { call }
            }
            Grant::Corp => self
                .get("gettoken", "/cgi-bin/gettoken")
                .query("corpid", &self.app.id)
                .query("corpsecret", &self.app.secret),
        };
        let granted: Granted = read(&self.plain(call).await?)?;
        Ok((granted.access_token, granted.expires_in))
    }

    /// The app's token; `refused` names one that is not to be given again.
    pub async fn token(&self, refused: Option<&str>) -> Result<String, Fault> {
        self.tokens.get(&self.slot("token"), refused, |how| self.fetch(how)).await
    }

    /// Sends a call with the app's token.
    pub async fn ask(&self, call: Call) -> Result<Reply, Fault> {
        let mut token = self.token(None).await?;
        let (mut renewed, mut busy) = (false, 0);
        loop {
            let answer = self.plain(call.clone().query("access_token", &token)).await;
            let Err(fault) = answer else { return answer };
            match (fault.act(), fault.code()) {
                (Act::Renew, _) if !renewed => {
                    renewed = true;
                    token = self.token(Some(&token)).await?;
                }
                (Act::Again(millis), Some(-1)) if busy < BUSY_MAX => {
                    busy += 1;
                    let pause = u64::try_from(millis).unwrap_or(1_000);
                    tokio::time::sleep(Duration::from_millis(pause * u64::from(busy))).await;
                }
                _ => return Err(fault),
            }
        }
    }

    /// Sends a call with the app's token and reads the answer as that shape.
    pub async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, Fault> {
        read(&self.ask(call).await?)
    }
}
