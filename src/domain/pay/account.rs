//! The association's account with WeChat Pay: whose it is, and what proves who speaks. The keys themselves are sealed by `service`.

use crate::{Refusal, Time, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// Where WeChat Pay answers.
pub const MAIN_ADDRESS: &str = "https://api.mch.weixin.qq.com";
/// Where notifications come in, below the box's public address.
pub const CALLBACK: &str = "/callback/pay";

/// How WeChat proves that it speaks.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// By platform certificates, which are fetched and change.
    Certificates,
    /// By its public key, downloaded by the merchant: its id and the key (PEM). Certificates are taken as well, during a change-over.
    PublicKey(String, String),
}

/// What came of the last test.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// When.
    pub at: Time,
    /// What went wrong; empty: all is well.
    pub trouble: String,
}

/// The account; one record a space.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PayAccount {
    /// Of the mini-program or official account that payments belong to.
    pub appid: String,
    /// Of the other of the two, when people pay in both; empty: none.
    pub other: String,
    /// The merchant's number.
    pub mchid: String,
    /// Serial number of the merchant's certificate, in hexadecimal.
    pub serial: String,
    /// The merchant's key (PKCS#8, PEM), sealed.
    pub key: Vec<u8>,
    /// The APIv3 key, sealed.
    pub secret: Vec<u8>,
    /// How WeChat proves that it speaks.
    pub proof: Proof,
    /// Where WeChat Pay answers.
    pub address: String,
    /// The box as WeChat reaches it: `https://hall.example.org`.
    pub public: String,
    /// What came of the last test.
    pub test: Option<Test>,
    /// When it was changed.
    pub changed_at: Time,
}

impl PayAccount {
    /// The apps in which people pay, the one for QR codes first.
    pub fn apps(&self) -> impl Iterator<Item = &str> {
        [&self.appid, &self.other].into_iter().map(String::as_str).filter(|app| !app.is_empty())
    }
}

/// The account as it was kept before there could be two apps.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PayAccountV1 {
    /// Of the mini-program or official account that payments belong to.
    pub appid: String,
    /// The merchant's number.
    pub mchid: String,
    /// Serial number of the merchant's certificate.
    pub serial: String,
    /// The merchant's key, sealed.
    pub key: Vec<u8>,
    /// The APIv3 key, sealed.
    pub secret: Vec<u8>,
    /// How WeChat proves that it speaks.
    pub proof: Proof,
    /// Where WeChat Pay answers.
    pub address: String,
    /// The box as WeChat reaches it.
    pub public: String,
    /// What came of the last test.
    pub test: Option<Test>,
    /// When it was changed.
    pub changed_at: Time,
}

impl From<PayAccountV1> for PayAccount {
    fn from(old: PayAccountV1) -> Self {
        let PayAccountV1 { appid, mchid, serial, key, secret, proof, address, public, test, changed_at } = old;
        let other = String::new();
        Self { appid, other, mchid, serial, key, secret, proof, address, public, test, changed_at }
    }
}

/// A platform certificate that was fetched.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PayCertificate {
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// It (PEM).
    pub pem: String,
    /// From when it is good.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// When it was fetched last.
    pub fetched_at: Time,
}

/// What the form takes. Keys that are left empty stay as they are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AccountInput {
    /// `appid`.
    pub appid: String,
    /// The second app; empty: none.
    pub other: String,
    /// `mchid`.
    pub mchid: String,
    /// Serial number of the merchant's certificate.
    pub serial: String,
    /// The merchant's key.
    pub key: String,
    /// The APIv3 key.
    pub secret: String,
    /// Id of WeChat's public key; empty: platform certificates.
    pub public_id: String,
    /// WeChat's public key.
    pub public_key: String,
    /// Where WeChat Pay answers; empty: [`MAIN_ADDRESS`].
    pub address: String,
    /// The box as WeChat reaches it.
    pub public: String,
}

impl std::fmt::Debug for AccountInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountInput").field("appid", &self.appid).field("mchid", &self.mchid).finish_non_exhaustive()
    }
}

const PEM_MAX: usize = 8_000;

/// Checks the form but for the keys' own form; `kept` tells whether there are keys already. The record comes without keys.
pub fn check_account(input: &AccountInput, kept: bool, now: Time) -> Result<PayAccount, Refusal> {
    let mut form = Form::default();
    let appid = form.required("appid", &input.appid, 32);
    let other = form.optional("other", &input.other, 32);
    let mchid = form.required("mchid", &input.mchid, 32);
    let serial = form.required("serial", &input.serial, 64).to_ascii_uppercase();
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    for (field, text) in [("appid", &appid), ("other", &other), ("mchid", &mchid), ("serial", &serial)] {
        if !plain(text) {
            form.wrong(problem!(field, "Only letters, digits and hyphens."));
        }
    }
    if !other.is_empty() && plain(&other) && other == appid {
        form.wrong(problem!("other", "This is the same app as the first. Leave it empty, or give the other one."));
    }
    let missing = |text: &str| !kept && text.trim().is_empty();
    for (field, text) in [("key", &input.key), ("secret", &input.secret)] {
        if missing(text) {
            form.wrong(problem!(field, "This field is required."));
        }
    }
    let secret = input.secret.trim();
    if !secret.is_empty() && secret.len() != 32 {
        form.wrong(problem!("secret", "The APIv3 key has 32 characters; this has {length}.", length = secret.len()));
    }
    let public_id = form.optional("public_id", &input.public_id, 100);
    let public_key = form.block("public_key", &input.public_key, PEM_MAX);
    if !plain(&public_id) {
        form.wrong(problem!("public_id", "Only letters, digits and hyphens."));
    }
    if public_id.is_empty() != public_key.is_empty() {
        form.wrong(problem!("public_id", "Give both the id and the public key, or neither."));
    }
    let proof = if public_id.is_empty() { Proof::Certificates } else { Proof::PublicKey(public_id, public_key) };
    let address = form.optional("address", &input.address, 200).trim_end_matches('/').to_owned();
    let address = if address.is_empty() { MAIN_ADDRESS.to_owned() } else { address };
    let public = form.required("public", &input.public, 200).trim_end_matches('/').to_owned();
    for (field, text) in [("address", &address), ("public", &public)] {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if !text.is_empty() && rest.is_none_or(|rest| rest.is_empty() || rest.contains(['?', '#', ' ', '@'])) {
            form.wrong(problem!(field, "Give an address that begins with https://, without a question mark."));
        }
    }
    form.done(PayAccount {
        appid,
        other,
        mchid,
        serial,
        key: Vec::new(),
        secret: Vec::new(),
        proof,
        address,
        public,
        test: None,
        changed_at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> AccountInput {
        AccountInput {
            appid: "wx0123456789abcdef".into(),
            mchid: "1900000001".into(),
            serial: "5157f09efdc096de15ebe81a47057a7232f1b8e1".into(),
            key: "-----BEGIN PRIVATE KEY-----".into(),
            secret: "0123456789abcdef0123456789abcdef".into(),
            public: "https://hall.example.org/".into(),
            ..AccountInput::default()
        }
    }

    #[test]
    fn an_account_is_whole_or_says_what_is_wrong_with_which_field() {
        let kept = check_account(&input(), false, Time(1)).unwrap();
        assert_eq!((kept.address.as_str(), kept.public.as_str()), (MAIN_ADDRESS, "https://hall.example.org"));
        assert_eq!(
            (kept.proof, kept.serial.as_str()),
            (Proof::Certificates, "5157F09EFDC096DE15EBE81A47057A7232F1B8E1")
        );
        let fields = |change: fn(&mut AccountInput), kept| {
            let mut typed = input();
            change(&mut typed);
            let refused = check_account(&typed, kept, Time(1)).err();
            refused.map_or(Vec::new(), |refusal| refusal.problems.into_iter().map(|problem| problem.field).collect())
        };
        let none: Vec<String> = Vec::new();
        assert_eq!(fields(|typed| typed.key.clear(), true), none, "a key that is left empty stays");
        assert_eq!(fields(|typed| typed.key.clear(), false), ["key"]);
        assert_eq!(fields(|typed| typed.secret = "short".into(), true), ["secret"]);
        assert_eq!(fields(|typed| typed.mchid = "1 2".into(), true), ["mchid"]);
        assert_eq!(fields(|typed| typed.other = "wx fed".into(), true), ["other"]);
        assert_eq!(fields(|typed| typed.other.clone_from(&typed.appid), true), ["other"]);
        let two = check_account(&AccountInput { other: "wxfedcba9876543210".into(), ..input() }, false, Time(1));
        assert_eq!(two.unwrap().apps().collect::<Vec<_>>(), ["wx0123456789abcdef", "wxfedcba9876543210"]);
        let one = check_account(&input(), false, Time(1)).unwrap();
        assert_eq!(one.apps().collect::<Vec<_>>(), ["wx0123456789abcdef"]);
        assert_eq!(fields(|typed| typed.public_id = "PUB_KEY_ID_1".into(), true), ["public_id"]);
        assert_eq!(fields(|typed| typed.public = "hall.example.org".into(), true), ["public"]);
        assert_eq!(fields(|typed| typed.address = "ftp://x".into(), true), ["address"]);
        assert_eq!(fields(|typed| typed.public = "https://x?y".into(), true), ["public"]);
        assert!(!format!("{:?}", input()).contains("PRIVATE"), "keys are not written anywhere");
    }
}
