//! What WeChat tells by itself: a payment that succeeded, a refund that came to its end. Read after it was proven, never before.

use super::{Merchant, RefundFacts, Trade, crypto::Shut};
use serde::Deserialize;

/// What was told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A payment succeeded.
    Trade(Trade),
    /// A refund came to its end.
    Refund(RefundFacts),
    /// Something that is no matter of ours.
    Other(String),
}

/// Why a notification cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It is not of the documented form.
    Form(String),
    /// It does not open with the APIv3 key.
    Shut,
    /// It is for another merchant or another app.
    Stranger,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Form(why) => write!(f, "the notification cannot be read: {why}"),
            Self::Shut => Shut.fmt(f),
            Self::Stranger => f.write_str("the notification is for another account"),
        }
    }
}

impl std::error::Error for Unread {}

#[derive(Deserialize)]
struct Envelope {
    event_type: String,
    resource: Resource,
}

#[derive(Deserialize)]
struct Resource {
    algorithm: String,
    ciphertext: String,
    #[serde(default)]
    associated_data: Option<String>,
    nonce: String,
}

fn form(error: &serde_json::Error) -> Unread {
    Unread::Form(error.to_string())
}

/// Reads a notification whose signature was proven.
pub fn read(merchant: &Merchant, body: &[u8]) -> Result<Told, Unread> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| form(&error))?;
    let resource = &envelope.resource;
    if resource.algorithm != "AEAD_AES_256_GCM" {
        return Err(Unread::Form(format!("unknown algorithm {}", resource.algorithm)));
    }
    let associated = resource.associated_data.as_deref().unwrap_or("");
    let plain = merchant.secret.open(&resource.nonce, associated, &resource.ciphertext);
    let plain = plain.map_err(|Shut| Unread::Shut)?;
    if envelope.event_type == "TRANSACTION.SUCCESS" {
        let trade: Trade = serde_json::from_slice(&plain).map_err(|error| form(&error))?;
        if trade.mchid != merchant.mchid || !merchant.apps.contains(&trade.appid) {
            return Err(Unread::Stranger);
        }
        return Ok(Told::Trade(trade));
    }
    if envelope.event_type.starts_with("REFUND.") {
        let refund: RefundFacts = serde_json::from_slice(&plain).map_err(|error| form(&error))?;
        if refund.mchid.as_deref() != Some(merchant.mchid.as_str()) {
            return Err(Unread::Stranger);
        }
        return Ok(Told::Refund(refund));
    }
    Ok(Told::Other(envelope.event_type.chars().take(100).collect()))
}
