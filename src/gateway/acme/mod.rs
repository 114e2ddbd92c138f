//! Certificates for public names by ACME (RFC 8555, with instant-acme, which is named here alone): an account, an order, its challenges by HTTP-01 or by
//! a program that changes the DNS, and the certificate. Requests go through the box's own way out. Nothing is kept here.

mod hook;
pub mod standin;

use crate::{Call, Egress, Trouble as Failed};
use http_body_util::{BodyExt, Full};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error, HttpClient,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where tokens of HTTP-01 are asked for (RFC 8555, 8.3).
pub const CHALLENGES: &str = "/.well-known/acme-challenge/";
/// Most names of a certificate.
pub const NAMES_MAX: usize = 20;
/// How long the authority may take for a step.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a certificate is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Address of the authority's directory.
    pub directory: String,
    /// Mail address for the authority; empty: none.
    pub contact: String,
    /// The public names.
    pub names: Vec<String>,
}

/// How the authority is shown that the names are the box's.
#[derive(Debug, Clone)]
pub enum Way {
    /// It fetches a token from port 80 of each name.
    Http(Arc<Tokens>),
    /// It looks for a record that this program lays.
    Dns(PathBuf),
}

/// Tokens of HTTP-01 that the authority may fetch just now.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<HashMap<String, String>>);

impl Tokens {
    /// The answer to a path, where it asks for a token that there is.
    pub fn answer(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(CHALLENGES)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    fn lay(&self, token: &str, answer: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), answer.to_owned());
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A certificate that was issued.
#[derive(Clone)]
pub struct Issued {
    /// The certificate and those above it, PEM.
    pub chain: String,
    /// Its key, PEM.
    pub key: String,
    /// The account, to be kept as a secret and given back the next time.
    pub account: String,
}

/// Why no certificate was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The authority cannot be reached.
    #[error("the authority cannot be reached: {0}")]
    Unreachable(String),
    /// The authority was not shown that a name is the box's.
    #[error("the authority could not check the name: {0}")]
    Challenge(String),
    /// Asked too often.
    #[error("the authority wants to be left alone for a while: {0}")]
    Limited(String),
    /// The program that changes the DNS failed.
    #[error("the program that changes the DNS failed: {0}")]
    Hook(String),
    /// The authority refused.
    #[error("the authority refused: {0}")]
    Refused(String),
    /// Anything else.
    #[error("no certificate could be fetched: {0}")]
    Other(String),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        let kind = problem.r#type.clone().unwrap_or_default();
        let said = problem.detail.clone().unwrap_or_else(|| kind.clone());
        match kind.strip_prefix("urn:ietf:params:acme:error:") {
            Some("rateLimited") => Self::Limited(said),
            Some("connection" | "dns" | "unauthorized" | "incorrectResponse" | "caa" | "tls") => Self::Challenge(said),
            _ => Self::Refused(said),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(problem) => problem.into(),
            Error::Other(error) => match error.downcast::<Failed>() {
                Ok(failed) => Self::Unreachable(failed.why),
                Err(error) => Self::Other(error.to_string()),
            },
            Error::Timeout(_) => Self::Challenge("it did not look in time".into()),
            error => Self::Other(error.to_string()),
        }
    }
}

/// The box's way out as the client wants it. An answer that is no good one is an answer all the same: it says what is wrong.
struct Out(Egress);

impl HttpClient for Out {
    fn request(
        &self,
        request: http::Request<BodyWrapper<bytes::Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let egress = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes);
            let url = head.uri.to_string();
            let call = match head.method.as_str() {
                "POST" => Call::post("acme", &url, "", "application/jose+json", body),
                "HEAD" => Call::head("acme", &url, ""),
                _ => Call::get("acme", &url, ""),
            };
            let reply = match egress.send(call).await {
                Ok(reply) => reply,
                Err(Failed { reply: Some(reply), .. }) => reply,
                Err(failed) => return Err(Error::Other(Box::new(failed))),
            };
            let mut response = http::Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(name, value);
            }
            Ok(BytesResponse::from(response.body(Full::new(reply.body))?))
        })
    }
}

/// Gets a certificate. `account` is what an earlier one gave; none: a new account is made, which agrees to the authority's terms.
pub async fn obtain(egress: &Egress, account: Option<&str>, wanted: &Wanted, way: &Way) -> Result<Issued, Trouble> {
    if wanted.names.is_empty() || wanted.names.len() > NAMES_MAX {
        return Err(Trouble::Refused(format!("a certificate has 1 to {NAMES_MAX} names")));
    }
    let builder = || Account::builder_with_http(Box::new(Out(egress.clone())));
    let kept: Option<AccountCredentials> = account.and_then(|kept| serde_json::from_str(kept).ok());
    let (account, kept) = match kept {
        Some(credentials) => {
            let text = account.unwrap_or_default().to_owned();
            (builder().from_credentials(credentials).await?, text)
        }
        None => {
            let contact = format!("mailto:{}", wanted.contact);
            let contacts = [contact.as_str()];
            let new = NewAccount {
                contact: if wanted.contact.is_empty() { &[] } else { &contacts },
                terms_of_service_agreed: true,
                only_return_existing: false,
            };
            let (account, credentials) = builder().create(&new, wanted.directory.clone(), None).await?;
            let text = serde_json::to_string(&credentials).map_err(|error| Trouble::Other(error.to_string()))?;
            (account, text)
        }
    };
    let names: Vec<Identifier> = wanted.names.iter().map(|name| Identifier::Dns(name.clone())).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    let mut laid = Vec::new();
    let done = fulfil(&mut order, way, &mut laid).await;
    // What was shown to the authority is of no use to anybody any more.
    match way {
        Way::Http(tokens) => tokens.clear(),
        Way::Dns(program) => {
            for (name, value) in laid {
                if let Err(why) = hook::run(program, "cleanup", &name, &value).await {
                    tracing::warn!(name, why, "a record of the DNS was not taken away");
                }
            }
        }
    }
    let (chain, key) = done?;
    Ok(Issued { chain, key, account: kept })
}

/// Shows the authority what it wants to see, and fetches the certificate. What was laid into the DNS is noted in `laid`.
async fn fulfil(order: &mut Order, way: &Way, laid: &mut Vec<(String, String)>) -> Result<(String, String), Trouble> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let kind = if matches!(way, Way::Http(_)) { ChallengeType::Http01 } else { ChallengeType::Dns01 };
        let name = authorization.identifier().to_string();
        let unknown = || Trouble::Refused(format!("it offers no such way of checking for {name}"));
        let mut challenge = authorization.challenge(kind).ok_or_else(unknown)?;
        let answer = challenge.key_authorization();
        match way {
            Way::Http(tokens) => tokens.lay(&challenge.token, answer.as_str()),
            Way::Dns(program) => {
                let (record, value) =
                    (format!("_acme-challenge.{}", name.trim_start_matches("*.")), answer.dns_value());
                laid.push((record.clone(), value.clone()));
                hook::run(program, "present", &record, &value).await.map_err(Trouble::Hook)?;
            }
        }
        challenge.set_ready().await?;
    }
    let policy = RetryPolicy::new().timeout(PATIENCE);
    if order.poll_ready(&policy).await? != OrderStatus::Ready {
        return Err(failed(order).await);
    }
    let key = order.finalize().await?;
    Ok((order.poll_certificate(&policy).await?, key))
}

/// What the authority says of the challenges that failed.
async fn failed(order: &mut Order) -> Trouble {
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let problem = authorization.challenges.iter().find_map(|challenge| challenge.error.clone());
        if let Some(problem) = problem {
            let said = problem.detail.unwrap_or_default();
            return Trouble::Challenge(format!("{name}: {said}"));
        }
    }
    Trouble::Challenge("it does not say which".into())
}

#[cfg(test)]
mod pebble;
#[cfg(test)]
mod tests;
