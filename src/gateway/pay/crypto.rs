//! What proves who speaks: our signature under requests, WeChat's under answers and notifications, and the sealed parts of both.
//! Everything as the documents of WeChat Pay APIv3 have it.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use std::collections::BTreeMap;
use std::fmt;

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadKey {
    /// It is no PEM of that kind.
    Form,
    /// It is no RSA key of 2048 bits or more.
    Kind,
    /// The APIv3 key must have 32 bytes.
    Length,
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "it is no PEM of that kind",
            Self::Kind => "it is no RSA key of at least 2048 bits",
            Self::Length => "it does not have 32 bytes",
        })
    }
}

impl std::error::Error for BadKey {}

/// The merchant's key: what it signs, we said.
pub struct MerchantKey(RsaKeyPair);

impl fmt::Debug for MerchantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MerchantKey")
    }
}

impl MerchantKey {
    /// Reads a PKCS#8 PEM, as `apiclient_key.pem` is.
    pub fn read(pem: &str) -> Result<Self, BadKey> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| BadKey::Form)?;
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map(Self).map_err(|_| BadKey::Kind)
    }

    /// SHA-256 with RSA (PKCS#1 v1.5) over the text, in base64.
    pub fn sign(&self, text: &[u8]) -> Result<String, BadKey> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).map_err(|_| BadKey::Kind)?;
        Ok(data_encoding::BASE64.encode(&signature))
    }
}

/// What is signed of a request: `target` is the path with its query, `body` exactly the bytes that are sent.
pub fn request_text(method: &str, target: &str, timestamp: i64, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method}\n{target}\n{timestamp}\n{nonce}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    text
}

/// What is signed of an answer or a notification.
pub fn answer_text(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{timestamp}\n{nonce}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    text
}

/// What is signed for a payment inside WeChat; `package` is `prepay_id=…`.
pub fn pay_text(appid: &str, timestamp: &str, nonce: &str, package: &str) -> Vec<u8> {
    format!("{appid}\n{timestamp}\n{nonce}\n{package}\n").into_bytes()
}

/// The header that carries our signature.
pub fn authorization(mchid: &str, serial: &str, nonce: &str, timestamp: i64, signature: &str) -> String {
    format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{mchid}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",serial_no=\"{serial}\",signature=\"{signature}\""
    )
}

/// The most that a clock may be off, in seconds.
pub const SKEW_MAX: i64 = 300;

/// Why something is not known to come from WeChat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// A header is missing or cannot be read.
    Header(&'static str),
    /// It was signed too long ago or will be signed: the clocks differ by more than [`SKEW_MAX`], by so many seconds.
    Clock(i64),
    /// No key of that serial number is known.
    Serial(String),
    /// The signature is not of that key over these bytes.
    Signature,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header {name} is missing or cannot be read"),
            Self::Clock(seconds) => write!(f, "the clocks differ by {seconds} seconds"),
            Self::Serial(serial) => write!(f, "no key with the serial number {serial} is known"),
            Self::Signature => f.write_str("the signature is wrong"),
        }
    }
}

impl std::error::Error for Unproven {}

/// What was signed and how, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `Wechatpay-Timestamp`.
    pub timestamp: &'a str,
    /// `Wechatpay-Nonce`.
    pub nonce: &'a str,
    /// `Wechatpay-Signature`.
    pub signature: &'a str,
    /// `Wechatpay-Serial`.
    pub serial: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Takes the headers out by their names in lower case.
    pub fn of(header: impl Fn(&str) -> Option<&'a str>, body: &'a [u8]) -> Result<Self, Unproven> {
        let needed = |name: &'static str| header(name).filter(|text| !text.is_empty()).ok_or(Unproven::Header(name));
        Ok(Self {
            timestamp: needed("wechatpay-timestamp")?,
            nonce: needed("wechatpay-nonce")?,
            signature: needed("wechatpay-signature")?,
            serial: needed("wechatpay-serial")?,
            body,
        })
    }
}

/// The keys that prove that WeChat speaks, by serial number: platform certificates, which come and go, and a public key.
#[derive(Clone, Default)]
pub struct Keys {
    certificates: BTreeMap<String, CertificateDer<'static>>,
    public: BTreeMap<String, SubjectPublicKeyInfoDer<'static>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.serials()).finish()
    }
}

impl Keys {
    /// Adds a platform certificate (PEM). Whether it is good at a time is for whoever keeps it to say.
    pub fn add_certificate(&mut self, serial: &str, pem: &str) -> Result<(), BadKey> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| BadKey::Form)?;
        webpki::EndEntityCert::try_from(&der).map_err(|_| BadKey::Form)?;
        self.certificates.insert(serial.to_ascii_uppercase(), der);
        Ok(())
    }

    /// Adds WeChat's public key (PEM) by its id, `PUB_KEY_ID_…`.
    pub fn add_public(&mut self, id: &str, pem: &str) -> Result<(), BadKey> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| BadKey::Form)?;
        webpki::RawPublicKeyEntity::try_from(&der).map_err(|_| BadKey::Form)?;
        self.public.insert(id.to_owned(), der);
        Ok(())
    }

    /// The serial numbers that are known.
    pub fn serials(&self) -> impl Iterator<Item = &str> {
        self.certificates.keys().chain(self.public.keys()).map(String::as_str)
    }

    /// The id of the public key, which every request must name.
    pub fn public_id(&self) -> Option<&str> {
        self.public.keys().next().map(String::as_str)
    }

    /// Whether WeChat signed these bytes within [`SKEW_MAX`] of `now` (seconds since the epoch).
    pub fn check(&self, signed: &Signed<'_>, now: i64) -> Result<(), Unproven> {
        let at: i64 = signed.timestamp.parse().map_err(|_| Unproven::Header("wechatpay-timestamp"))?;
        let off = now.saturating_sub(at);
        if off.saturating_abs() > SKEW_MAX {
            return Err(Unproven::Clock(off));
        }
        let text = answer_text(signed.timestamp, signed.nonce, signed.body);
        self.prove(signed.serial, &text, signed.signature)
    }

    /// Whether the owner of the key with that serial number signed this text.
    pub fn prove(&self, serial: &str, text: &[u8], signature: &str) -> Result<(), Unproven> {
        // Probes (`WECHATPAY/SIGNTEST/…`) may not even be base64; they are wrong signatures like any other.
        let signature = data_encoding::BASE64.decode(signature.as_bytes()).map_err(|_| Unproven::Signature)?;
        let algorithm = webpki::ring::RSA_PKCS1_2048_8192_SHA256;
        let unknown = || Unproven::Serial(serial.chars().take(100).collect());
        let proven = if let Some(der) = self.public.get(serial) {
            let key = webpki::RawPublicKeyEntity::try_from(der).map_err(|_| unknown())?;
            key.verify_signature(algorithm, text, &signature)
        } else {
            let der = self.certificates.get(&serial.to_ascii_uppercase()).ok_or_else(unknown)?;
            let key = webpki::EndEntityCert::try_from(der).map_err(|_| unknown())?;
            key.verify_signature(algorithm, text, &signature)
        };
        proven.map_err(|_| Unproven::Signature)
    }
}

/// The APIv3 key, which opens what WeChat seals.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A sealed part does not open with the APIv3 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shut;

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what WeChat sealed does not open with the APIv3 key")
    }
}

impl std::error::Error for Shut {}

impl Secret {
    /// The key as it was set on the merchant platform.
    pub fn read(text: &str) -> Result<Self, BadKey> {
        text.as_bytes().try_into().map(Self).map_err(|_| BadKey::Length)
    }

    fn key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).ok().map(LessSafeKey::new)
    }

    /// AES-256-GCM: `cipher` in base64 ends with the tag, the nonce is 12 bytes of text.
    pub fn open(&self, nonce: &str, associated: &str, cipher: &str) -> Result<Vec<u8>, Shut> {
        let mut body = data_encoding::BASE64.decode(cipher.as_bytes()).map_err(|_| Shut)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).map_err(|_| Shut)?;
        let plain = self.key().ok_or(Shut)?.open_in_place(nonce, Aad::from(associated), &mut body).map_err(|_| Shut)?;
        Ok(plain.to_vec())
    }

    /// Seals as WeChat does.
    pub fn seal(&self, nonce: &str, associated: &str, plain: &[u8]) -> Result<String, Shut> {
        let mut body = plain.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).map_err(|_| Shut)?;
        self.key().ok_or(Shut)?.seal_in_place_append_tag(nonce, Aad::from(associated), &mut body).map_err(|_| Shut)?;
        Ok(data_encoding::BASE64.encode(&body))
    }
}

#[cfg(test)]
mod tests {
    use super::super::standin::key;
    use super::*;

    /// The public half of the test key of WeChat's own Go SDK.
    const SDK_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXagHQ4vGeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOmDeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDGUUK65E5h2B834uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGfy8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVRbF14AR73xbnd8N0obCWJPCbzMCtkaSef4FdEEgEXJiw0VAJT8wIDAQAB";

    fn sdk_signed(text: &[u8], signature: &str) -> bool {
        let der = SubjectPublicKeyInfoDer::from(data_encoding::BASE64.decode(SDK_KEY.as_bytes()).unwrap());
        let key = webpki::RawPublicKeyEntity::try_from(&der).unwrap();
        let signature = data_encoding::BASE64.decode(signature.as_bytes()).unwrap();
        key.verify_signature(webpki::ring::RSA_PKCS1_2048_8192_SHA256, text, &signature).is_ok()
    }

    #[test]
    fn what_is_signed_is_what_the_documents_say() {
        let request = request_text("GET", "/v3/certificates", 1_554_208_460, "593BEC0C930BF1AFEB40B4A08C8FB242", b"");
        assert!(sdk_signed(
            &request,
            "RjVFHMcrr9NsM4SiNmpFx6QPR99WztxatBshmr/6f7pXnt2YSPAhmNrEEAjWgpOcf5Zxbwl2qdPACOsEOeGrnLD81nVK3ucJq50iD0FAyF11knd1C9ic7zV9Jg3zao0+Wx3yAI6jXx6NLBEfNNspCazrQ+IHsUi04tubSBsT+4LHT9j0rL9axFBl7jVYe7uZ1ZQzap8EokLHDQbYw6qPEOs85+a2rnudh3TCPe81oUfe0zPqwEE6sWxxeSCYx+1mbURsOAN4Z8/uKgOIZxbDAkqYWFb7VOaHFeejC1rsxUc7wkw0zQWxae1giswROXii1DorwdJ3CGlPchx0PyDjkQ=="
        ));
        let package = "prepay_id=wx201410272009395522657a690389285100";
        let pay = pay_text("wx2421b1c4370ec43b", "1554208460", "593BEC0C930BF1AFEB40B4A08C8FB242", package);
        assert!(sdk_signed(
            &pay,
            "JYKXt4mOdSKy03hD6XypE2RhzqxiJ3GDyxWbaIh1v95JFKzKfliSigI5ABR/pRU1EY/+BcWISR9vI1ZfWrnAGGoAhcuRhmwgRznyeT06kBy5k1heLQnFTWFYsoxVWyEEP6HRCbhaWREXRGs6lbdCkuK4R9ZcCgY/R+m7fGbiYYKXpjI92ByQ1il9MYxkCtLnxB3qeVjwjBsowN1KO9DQ9x6DYepQbuFUkqLj8A+cGMfXsTqqn8/PHPfPeocOXIR3jknFzFzRYyZB0az+KBqULEQr0BUwt9tZ0esXvVFbLoE8RvaBIEMB0OvMx2XRtYc0LQCL4wKzE2kYFX4dZmDBVg=="
        ));
        assert!(sdk_signed(
            b"source",
            "BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoVz+pp4hAm6pHU4ld815U4jsKu1RkyaII+1CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlCqIMzoZUguLli/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlffk2FEA70G4hvMwe51qMN/RAJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+8m1rLg=="
        ));
    }

    const BODY: &str = r#"{"id":"3119dfba-e649-5eec-ab1e-3412bc4d2e17","create_time":"2021-06-24T16:37:26+08:00","resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_OPEN_SERVICE","summary":"签约成功","resource":{"original_type":"payscore","algorithm":"AEAD_AES_256_GCM","ciphertext":"YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZttevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTOcgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ==","associated_data":"payscore","nonce":"Kj7QIyUiYx1q"}}"#;
    const SIGNATURE: &str = "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXFlbYZTOQrVdG4b6LfTnK4mikv9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR//rxELLwXvV1VEA1IBLX70xptjL8hrfUjEE8kkry6yNJTHZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI/jS2laKKgYUmfdEdkNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRACrFmtxw2Q==";
    const AT: i64 = 1_624_523_846;

    fn notification(body: &str) -> Signed<'_> {
        Signed {
            timestamp: "1624523846",
            nonce: "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz",
            signature: SIGNATURE,
            serial: "PUB_KEY_ID_SDK",
            body: body.as_bytes(),
        }
    }

    #[test]
    fn a_notification_of_wechats_own_sdk_is_believed_and_nothing_that_was_bent() {
        let mut keys = Keys::default();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{SDK_KEY}\n-----END PUBLIC KEY-----\n");
        keys.add_public("PUB_KEY_ID_SDK", &pem).unwrap();
        let good = notification(BODY);
        assert_eq!(keys.check(&good, AT), Ok(()));
        for off in [-SKEW_MAX, SKEW_MAX] {
            assert_eq!(keys.check(&good, AT + off), Ok(()));
        }
        for off in [-SKEW_MAX - 1, SKEW_MAX + 1] {
            assert_eq!(keys.check(&good, AT + off), Err(Unproven::Clock(off)));
        }
        let bent = BODY.replace("签约成功", "签约失败");
        assert_eq!(keys.check(&notification(&bent), AT), Err(Unproven::Signature));
        let cases = [
            (Signed { nonce: "x", ..good }, Unproven::Signature),
            (Signed { timestamp: "1624523847", ..good }, Unproven::Signature),
            (Signed { timestamp: "x", ..good }, Unproven::Header("wechatpay-timestamp")),
            (Signed { signature: "WECHATPAY/SIGNTEST/abc", ..good }, Unproven::Signature),
            (Signed { signature: "", ..good }, Unproven::Signature),
            (Signed { serial: "PUB_KEY_ID_OTHER", ..good }, Unproven::Serial("PUB_KEY_ID_OTHER".into())),
        ];
        for (signed, why) in cases {
            assert_eq!(keys.check(&signed, AT), Err(why));
        }
        let none = Signed::of(|_| None, b"");
        assert_eq!(none.unwrap_err(), Unproven::Header("wechatpay-timestamp"));
    }

    #[test]
    fn certificates_prove_by_their_serial_and_keys_that_are_none_are_refused() {
        let signer = MerchantKey::read(key::PLATFORM_KEY).unwrap();
        let signature = signer.sign(&answer_text("100", "n", "内容".as_bytes())).unwrap();
        let mut keys = Keys::default();
        keys.add_certificate(key::PLATFORM_SERIAL, key::PLATFORM_CERTIFICATE).unwrap();
        let lower = key::PLATFORM_SERIAL.to_ascii_lowercase();
        let signed =
            Signed { timestamp: "100", nonce: "n", signature: &signature, serial: &lower, body: "内容".as_bytes() };
        assert_eq!(keys.check(&signed, 100), Ok(()));
        let mut other = Keys::default();
        other.add_certificate(key::PLATFORM_SERIAL, key::NEXT_CERTIFICATE).unwrap();
        assert_eq!(other.check(&signed, 100), Err(Unproven::Signature), "another key under that number");
        assert!(keys.add_certificate("1", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
        assert!(keys.add_public("1", key::PLATFORM_CERTIFICATE).is_err());
        assert_eq!(MerchantKey::read("nonsense").unwrap_err(), BadKey::Form);
        assert_eq!(Secret::read("testMchAPIv3Key0").unwrap_err(), BadKey::Length);
    }

    #[test]
    fn sealed_parts_open_with_their_key_alone() {
        let secret = Secret::read("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb").unwrap();
        let cipher = "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=";
        assert_eq!(secret.open("uluk4a9R25RW", "associatedData", cipher).unwrap(), b"message");
        assert_eq!(secret.seal("uluk4a9R25RW", "associatedData", b"message").unwrap(), cipher);
        for (nonce, associated, cipher) in [
            ("uluk4a9R25RX", "associatedData", cipher),
            ("short", "associatedData", cipher),
            ("uluk4a9R25RW", "", cipher),
            ("uluk4a9R25RW", "associatedData", "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwA="),
            ("uluk4a9R25RW", "associatedData", "###"),
            ("uluk4a9R25RW", "associatedData", ""),
        ] {
            assert_eq!(secret.open(nonce, associated, cipher), Err(Shut), "{nonce} {associated} {cipher}");
        }
        assert!(!format!("{secret:?}").contains("a7cde"));
    }
}
