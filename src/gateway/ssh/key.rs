//! The box's key pair (Ed25519), made from a seed that is kept elsewhere, and how it is shown to people.

use super::Trouble;
use russh::keys::{
    HashAlg, PrivateKey, PrivateKeyWithHashAlg,
    ssh_key::private::{Ed25519Keypair, KeypairData},
};
use std::sync::Arc;

/// A key pair.
#[derive(Clone)]
pub struct Key(Arc<PrivateKey>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key pair of a seed (RFC 8032); `comment` stands behind the public key where it is shown.
    pub fn from_seed(seed: &[u8; 32], comment: &str) -> Result<Self, Trouble> {
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(seed));
        let key = PrivateKey::new(pair, comment).map_err(|error| Trouble::Limit(error.to_string()))?;
        Ok(Self(Arc::new(key)))
    }

    /// The public key as a line of `authorized_keys`, without options.
    pub fn public(&self) -> String {
        self.0.public_key().to_openssh().unwrap_or_default()
    }

    /// Its fingerprint as OpenSSH shows it, `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    pub(super) fn for_login(&self) -> PrivateKeyWithHashAlg {
        PrivateKeyWithHashAlg::new(self.0.clone(), None)
    }
}

/// Whether a text is a fingerprint as OpenSSH shows it: `SHA256:` and 43 characters of base64.
pub fn fingerprint_is_well_formed(text: &str) -> bool {
    text.parse::<russh::keys::ssh_key::Fingerprint>().is_ok_and(|read| read.is_sha256())
}
