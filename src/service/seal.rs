//! Encryption at rest of sensitive answers (AES-256-GCM through ring), and signatures of codes that the box shows (HMAC-SHA-256). The
//! key file lies outside the data folder.

use crate::{Error, ctx::Random};
use data_encoding::BASE32_NOPAD_VISUAL;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use subtle::ConstantTimeEq;

/// The box's key for sensitive fields.
pub struct Sealer {
    key: LessSafeKey,
    signing: hmac::Key,
}

/// Bytes of a signature.
const SIGNATURE: usize = 10;

impl Sealer {
    /// A sealer from the 32 bytes of the key file.
    pub fn new(key: &[u8; 32]) -> Result<Self, Error> {
        let unbound =
            UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::Internal("the key has a wrong length".into()))?;
        // A key of its own, so that neither use of the key tells anything about the other.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"codes that the box shows");
        Ok(Self { key: LessSafeKey::new(unbound), signing: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) })
    }

    /// The text with the box's signature behind a point.
    pub fn sign(&self, text: &str) -> String {
        let tag = hmac::sign(&self.signing, text.as_bytes());
        format!("{text}.{}", BASE32_NOPAD_VISUAL.encode(tag.as_ref().get(..SIGNATURE).unwrap_or_default()))
    }

    /// A keyed hash of a short text that is searched for whole. Without the key nothing can be told from it.
    pub fn tag(&self, text: &str) -> String {
        let tag = hmac::sign(&self.signing, format!("searched: {text}").as_bytes());
        BASE32_NOPAD_VISUAL.encode(tag.as_ref().get(..SIGNATURE).unwrap_or_default())
    }

    /// The text that was signed by this box.
    pub fn signed<'a>(&self, code: &'a str) -> Option<&'a str> {
        let (text, _) = code.rsplit_once('.')?;
        bool::from(self.sign(text).as_bytes().ct_eq(code.as_bytes())).then_some(text)
    }

    /// Encrypts `plain`, bound to `context` (which record and field it belongs to): nonce, ciphertext and tag.
    pub fn seal(&self, random: &dyn Random, context: &str, plain: &str) -> Result<Vec<u8>, Error> {
        let mut nonce = [0u8; NONCE_LEN];
        random.fill(&mut nonce);
        let mut body = plain.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
            .map_err(|_| Error::Internal("sealing failed".into()))?;
        let mut cipher = nonce.to_vec();
        cipher.extend_from_slice(&body);
        Ok(cipher)
    }

    /// Decrypts what [`Self::seal`] made for the same context.
    pub fn open(&self, context: &str, cipher: &[u8]) -> Result<String, Error> {
        let damaged = || Error::Internal(format!("the sealed value of {context} does not open with this box's key"));
        let (nonce, body) = cipher.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut body = body.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| damaged())?;
        String::from_utf8(plain.to_vec()).map_err(|_| damaged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Dice;

    #[test]
    fn a_signature_is_of_this_box_and_this_text() {
        let (sealer, other) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let code = sealer.sign("1.0.i");
        assert_eq!((sealer.signed(&code), other.signed(&code)), (Some("1.0.i"), None));
        for wrong in
            [code.replace("1.0", "2.0"), code[..code.len() - 1].to_owned(), "1.0.i".into(), ".".into(), String::new()]
        {
            assert_eq!(sealer.signed(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_with_its_key() {
        let (sealer, other) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let cipher = sealer.seal(&Dice::new(3), "ticket/1/2", "11010519491231002X").unwrap();
        assert!(!cipher.windows(6).any(|part| part == b"110105"));
        assert_eq!(sealer.open("ticket/1/2", &cipher).unwrap(), "11010519491231002X");
        assert!(sealer.open("ticket/1/3", &cipher).is_err());
        assert!(other.open("ticket/1/2", &cipher).is_err());
        for at in 0..cipher.len() {
            let mut bent = cipher.clone();
            bent[at] ^= 1;
            assert!(sealer.open("ticket/1/2", &bent).is_err());
        }
        assert!(sealer.open("ticket/1/2", &cipher[..5]).is_err());
    }
}
