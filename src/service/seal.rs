//! Encryption at rest of sensitive answers (AES-256-GCM through ring), and signatures of codes that the box shows (HMAC-SHA-256). The
//! key file lies outside the data folder. Every sealed value says by which key: with a mark and the number of its key in front, or, where there is
//! no mark, by the first one, as all values were before keys could be changed.

use crate::{Error, ctx::Random};
use data_encoding::BASE32_NOPAD_VISUAL;
use domain::{
    KeyRing,
    key::{KEY_BYTES, Lasting},
};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use std::borrow::Cow;
use subtle::ConstantTimeEq;

macro_rules! kinds {
    ($($name:ident = $says:literal,)*) => {
        /// What a sealed value is of. Whatever is sealed has a kind, and `service/key` says of every kind where it lies, so that it can be sealed anew.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Kind { $($name),* }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it is, for whoever looks after the box.
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $says),* }
            }
        }
    };
}

kinds! {
    Answer = "sensitive answers of registrations",
    Draw = "secrets of draws",
    Tunnel = "key of the tunnel",
    Pay = "keys of WeChat Pay",
    WechatApp = "secrets of WeChat's apps",
    WechatToken = "WeChat's tokens",
    Second = "secrets of second steps",
    Once = "answers to repeated requests",
    Webhook = "secrets of webhooks",
    Sms = "key of text messages",
    MailPassword = "password of mail",
    MailKey = "key that signs mail",
    Recovery = "recovery key",
    BackupAccess = "password of the place of backups",
    Root = "key of the box's root",
    Certificate = "key of the box's certificate",
    PublicCertificate = "public certificate and its account",
    StandbyCertificate = "key that is shown to other boxes",
    StandbySecret = "secret for the other box",
}

/// Which value it is: its kind, and which record and field it belongs to. A value opens in its own spot alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its kind.
    pub kind: Kind,
    of: Cow<'static, str>,
}

impl Spot {
    /// The one value of its kind.
    pub const fn only(kind: Kind, of: &'static str) -> Self {
        Self { kind, of: Cow::Borrowed(of) }
    }

    /// One of many.
    pub fn of(kind: Kind, of: String) -> Self {
        Self { kind, of: Cow::Owned(of) }
    }
}

/// The box's keys for sensitive fields.
pub struct Sealer {
    /// Newest first; there is one at least.
    keys: Vec<Opener>,
    tags: hmac::Key,
}

/// What a key does.
struct Opener {
    number: u32,
    key: LessSafeKey,
    signing: hmac::Key,
}

/// Bytes of a signature.
const SIGNATURE: usize = 10;
/// In front of what is sealed by another key than the first: the mark, then the key's number. No value of before begins so but by a chance of one in 2^64.
const MARK: &[u8; 8] = b"\xe4hg-key\x02";
/// Bytes of the mark and the number.
const MARKED: usize = MARK.len() + 4;

fn derived(key: &[u8; KEY_BYTES], what: &[u8]) -> [u8; KEY_BYTES] {
    let mut out = [0; KEY_BYTES];
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), what);
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

/// A key of its own, so that neither use of the key tells anything about the other.
fn signing(key: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    derived(key, b"codes that the box shows")
}

/// What does not turn with the key: from the file, or made from the first key where that never turned.
pub fn lasting(ring: &KeyRing) -> Lasting {
    let first = &ring.newest().key;
    ring.lasting().copied().unwrap_or_else(|| Lasting {
        tags: signing(first),
        names: derived(first, b"names of files in backups"),
        ssh: derived(first, b"key pair of backups by SFTP"),
    })
}

/// By which key a value was sealed.
pub fn number_of(cipher: &[u8]) -> u32 {
    marked(cipher).map_or(1, |(number, _)| number)
}

fn marked(cipher: &[u8]) -> Option<(u32, &[u8])> {
    let (number, body) = cipher.strip_prefix(MARK)?.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), body))
}

impl Sealer {
    /// A sealer from the 32 bytes of a key file of one key.
    pub fn new(key: &[u8; KEY_BYTES]) -> Result<Self, Error> {
        Self::of(&KeyRing::from(*key))
    }

    /// A sealer with all keys of the box.
    pub fn of(ring: &KeyRing) -> Result<Self, Error> {
        let wrong = |_| Error::Internal("the key has a wrong length".into());
        let opener = |of: &domain::key::NumberedKey| {
            let unbound = UnboundKey::new(&AES_256_GCM, &of.key).map_err(wrong)?;
            let signing = hmac::Key::new(hmac::HMAC_SHA256, &signing(&of.key));
            Ok::<_, Error>(Opener { number: of.number, key: LessSafeKey::new(unbound), signing })
        };
        let keys = ring.all().map(opener).collect::<Result<_, _>>()?;
        Ok(Self { keys, tags: hmac::Key::new(hmac::HMAC_SHA256, &lasting(ring).tags) })
    }

    fn newest(&self) -> Result<&Opener, Error> {
        self.keys.first().ok_or_else(|| Error::Internal("there is no key".into()))
    }

    /// The number of the key by which everything new is sealed.
    pub fn number(&self) -> u32 {
        self.keys.first().map_or(0, |key| key.number)
    }

    /// How many keys are kept for what was sealed before.
    pub fn older(&self) -> usize {
        self.keys.len().saturating_sub(1)
    }

    /// The text with the box's signature behind a point; by the newest key.
    pub fn sign(&self, text: &str) -> String {
        self.keys.first().map_or_else(String::new, |key| signed_by(&key.signing, text))
    }

    /// A keyed hash of a short text that is searched for whole. Without the key nothing can be told from it. It does not turn with the key.
    pub fn tag(&self, text: &str) -> String {
        let tag = hmac::sign(&self.tags, format!("searched: {text}").as_bytes());
        BASE32_NOPAD_VISUAL.encode(tag.as_ref().get(..SIGNATURE).unwrap_or_default())
    }

    /// The text that was signed by this box: by the newest key, or by an older one as long as that is kept.
    pub fn signed<'a>(&self, code: &'a str) -> Option<&'a str> {
        let (text, _) = code.rsplit_once('.')?;
        let by = |key: &Opener| bool::from(signed_by(&key.signing, text).as_bytes().ct_eq(code.as_bytes()));
        self.keys.iter().any(by).then_some(text)
    }

    /// Encrypts `plain` by the newest key, bound to its spot: mark and number where it is not the first key, nonce, ciphertext and tag.
    pub fn seal(&self, random: &dyn Random, spot: &Spot, plain: &str) -> Result<Vec<u8>, Error> {
        let by = self.newest()?;
        let mut nonce = [0u8; NONCE_LEN];
        random.fill(&mut nonce);
        let mut body = plain.as_bytes().to_vec();
        by.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(spot.of.as_bytes()), &mut body)
            .map_err(|_| Error::Internal("sealing failed".into()))?;
        let mut cipher = Vec::with_capacity(MARKED + NONCE_LEN + body.len());
        if by.number != 1 {
            cipher.extend_from_slice(MARK);
            cipher.extend_from_slice(&by.number.to_be_bytes());
        }
        cipher.extend_from_slice(&nonce);
        cipher.extend_from_slice(&body);
        Ok(cipher)
    }

    /// Decrypts what [`Self::seal`] made for the same spot, by this key or by an older one that is kept.
    pub fn open(&self, spot: &Spot, cipher: &[u8]) -> Result<String, Error> {
        let damaged = || Error::Internal(format!("the sealed value of {} does not open with this box's key", spot.of));
        let (number, body) = marked(cipher).unwrap_or((1, cipher));
        let by = self.keys.iter().find(|key| key.number == number).ok_or_else(damaged)?;
        let (nonce, body) = body.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut body = body.to_vec();
        let plain = by.key.open_in_place(nonce, Aad::from(spot.of.as_bytes()), &mut body).map_err(|_| damaged())?;
        String::from_utf8(plain.to_vec()).map_err(|_| damaged())
    }

    /// The same value by the newest key; none where it is already.
    pub fn resealed(&self, random: &dyn Random, spot: &Spot, cipher: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if number_of(cipher) == self.number() {
            return Ok(None);
        }
        self.seal(random, spot, &self.open(spot, cipher)?).map(Some)
    }
}

fn signed_by(key: &hmac::Key, text: &str) -> String {
    let tag = hmac::sign(key, text.as_bytes());
    format!("{text}.{}", BASE32_NOPAD_VISUAL.encode(tag.as_ref().get(..SIGNATURE).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Dice;
    use domain::Time;

    const SPOT: Spot = Spot::only(Kind::Answer, "ticket/1/2");
    const OTHER: Spot = Spot::only(Kind::Answer, "ticket/1/3");

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
        let turned = turned(&KeyRing::from([1; 32]), 2);
        for sealer in [sealer, Sealer::of(&turned).unwrap()] {
            let cipher = sealer.seal(&Dice::new(3), &SPOT, "11010519491231002X").unwrap();
            assert!(!cipher.windows(6).any(|part| part == b"110105"));
            assert_eq!(sealer.open(&SPOT, &cipher).unwrap(), "11010519491231002X");
            assert!(sealer.open(&OTHER, &cipher).is_err());
            assert!(other.open(&SPOT, &cipher).is_err());
            for at in 0..cipher.len() {
                let mut bent = cipher.clone();
                bent[at] ^= 1;
                assert!(sealer.open(&SPOT, &bent).is_err());
            }
            assert!(sealer.open(&SPOT, &cipher[..5]).is_err());
        }
    }

    /// The ring with one more key.
    fn turned(ring: &KeyRing, key: u8) -> KeyRing {
        ring.turned([key; 32], Time(i64::from(key)), lasting(ring)).unwrap()
    }

    #[test]
    fn what_an_old_key_made_holds_until_that_key_is_removed() {
        let first = KeyRing::from([1; 32]);
        let second = turned(&first, 2);
        let third = turned(&second, 3);
        let rings = [first, second.clone(), third.clone(), third.finished()];
        let sealers: Vec<Sealer> = rings.iter().map(|ring| Sealer::of(ring).unwrap()).collect();
        for (by, sealer) in sealers.iter().enumerate().take(3) {
            let cipher = sealer.seal(&Dice::new(3), &SPOT, "secret").unwrap();
            assert_eq!(number_of(&cipher), by as u32 + 1);
            let code = sealer.sign("leave.1");
            for (of, opener) in sealers.iter().enumerate() {
                let opens = of >= by && of < 3 || of == 3 && by == 2;
                assert_eq!(opener.open(&SPOT, &cipher).is_ok(), opens, "{by} {of}");
                assert_eq!(opener.signed(&code).is_some(), opens, "{by} {of}");
                let anew = opener.resealed(&Dice::new(4), &SPOT, &cipher);
                match anew {
                    Ok(None) => assert_eq!(opener.number(), by as u32 + 1),
                    Ok(Some(anew)) => {
                        assert_eq!(number_of(&anew), opener.number());
                        assert_eq!(opener.open(&SPOT, &anew).unwrap(), "secret");
                    }
                    Err(_) => assert!(!opens),
                }
            }
        }
        // What does not turn is the same by all of them, and is what the first key gave.
        let tags: Vec<String> = sealers.iter().map(|sealer| sealer.tag("1002X")).collect();
        assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
        assert!(rings.iter().all(|ring| lasting(ring) == lasting(&rings[0])));
    }

    #[test]
    fn a_value_of_the_first_key_has_the_form_of_always() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let cipher = sealer.seal(&Dice::new(3), &SPOT, "x").unwrap();
        assert_eq!(cipher.len(), NONCE_LEN + 1 + 16);
        let mut nonce = [0; NONCE_LEN];
        Dice::new(3).fill(&mut nonce);
        assert_eq!(&cipher[..NONCE_LEN], &nonce);
    }
}
