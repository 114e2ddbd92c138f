//! The envelope that WeChat and WeCom share for what they push: SHA-1 signatures over sorted parts and AES-256-CBC with a padding of their own
//! (WXBizMsgCrypt); and the older envelope of a mini-program's user data. Source: developers.weixin.qq.com 消息推送, 开放数据校验与解密.

use aes::{Aes128, Aes256};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding, block_padding::Pkcs7};
use data_encoding::{BASE64, BASE64_NOPAD, Encoding, HEXLOWER, Specification};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use std::sync::LazyLock;
use subtle::ConstantTimeEq;

/// What is wrong with an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The encoding key is not 43 characters of base64.
    #[error("the encoding key must have 43 letters and digits")]
    Key,
    /// The signature is not of this token over these parts.
    #[error("the signature does not fit")]
    Signature,
    /// The ciphertext does not open with this key.
    #[error("the message does not open with this key")]
    Cipher,
    /// It opens, but is for another account.
    #[error("the message is for another account")]
    Receiver,
}

/// Forty-three characters hold 258 bits: the last may have bits that stand for nothing, and many real keys do.
static KEY: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut spec: Specification = BASE64_NOPAD.specification();
    spec.check_trailing_bits = false;
    spec.encoding().ok()
});

/// Block of the padding; the cipher's own is half as long.
const PAD: usize = 32;
/// Random bytes in front of each message.
pub const SALT: usize = 16;
/// Longest ciphertext that is taken, in characters of base64.
const CIPHER_MAX: usize = 512 << 10;

/// Hex SHA-1 over the parts in byte order, one behind the other: how pushes are signed.
pub fn sign(parts: &[&str]) -> String {
    let mut sorted: Vec<&str> = parts.to_vec();
    sorted.sort_unstable();
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in sorted {
        context.update(part.as_bytes());
    }
    HEXLOWER.encode(context.finish().as_ref())
}

/// Hex SHA-1 of a text.
pub fn sha1(text: &str) -> String {
    sign(&[text])
}

/// Whether `signature` is that of the parts; takes the same time wherever it differs.
pub fn verify(signature: &str, parts: &[&str]) -> Result<(), Wrong> {
    let fits = bool::from(sign(parts).as_bytes().ct_eq(signature.as_bytes()));
    if fits { Ok(()) } else { Err(Wrong::Signature) }
}

/// Key and receiver of an app's pushes.
#[derive(Clone)]
pub struct Cipher {
    key: [u8; 32],
    receiver: String,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cipher({})", self.receiver)
    }
}

impl Cipher {
    /// From the console's EncodingAESKey; `receiver` is the app id of a mini-program or official account, the corp id of WeCom.
    pub fn new(encoding_key: &str, receiver: &str) -> Result<Self, Wrong> {
        if encoding_key.len() != 43 {
            return Err(Wrong::Key);
        }
        let bytes = KEY.as_ref().ok_or(Wrong::Key)?.decode(encoding_key.as_bytes()).map_err(|_| Wrong::Key)?;
        Ok(Self { key: bytes.try_into().map_err(|_| Wrong::Key)?, receiver: receiver.to_owned() })
    }

    fn iv(&self) -> &[u8] {
        self.key.split_at(16).0
    }

    /// Encrypts a message for the receiver; `salt` must be random.
    pub fn seal(&self, salt: [u8; SALT], message: &[u8]) -> Result<String, Wrong> {
        let length = u32::try_from(message.len()).map_err(|_| Wrong::Cipher)?;
        let mut plain = salt.to_vec();
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(message);
        plain.extend_from_slice(self.receiver.as_bytes());
        let pad = PAD - plain.len() % PAD;
        plain.resize(plain.len() + pad, u8::try_from(pad).map_err(|_| Wrong::Cipher)?);
        let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&self.key, self.iv()).map_err(|_| Wrong::Key)?;
        Ok(BASE64.encode(&cipher.encrypt_padded_vec::<NoPadding>(&plain)))
    }

    /// Decrypts what was pushed and proves that it is for the receiver.
    pub fn open(&self, encrypted: &str) -> Result<Vec<u8>, Wrong> {
        let (message, receiver) = self.open_for_anybody(encrypted)?;
        if receiver != self.receiver.as_bytes() {
            return Err(Wrong::Receiver);
        }
        Ok(message)
    }

    /// Message and receiver as they stand in the envelope.
    fn open_for_anybody(&self, encrypted: &str) -> Result<(Vec<u8>, Vec<u8>), Wrong> {
        if encrypted.len() > CIPHER_MAX {
            return Err(Wrong::Cipher);
        }
        let bytes = BASE64.decode(encrypted.as_bytes()).map_err(|_| Wrong::Cipher)?;
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&self.key, self.iv()).map_err(|_| Wrong::Key)?;
        // The padding runs up to 32 and is taken off by hand: what AES libraries call PKCS#7 ends at 16.
        let plain = cipher.decrypt_padded_vec::<NoPadding>(&bytes).map_err(|_| Wrong::Cipher)?;
        let pad = plain.last().map_or(0, |last| usize::from(*last));
        if !(1..=PAD).contains(&pad) {
            return Err(Wrong::Cipher);
        }
        let plain = plain.len().checked_sub(pad).and_then(|end| plain.get(..end)).ok_or(Wrong::Cipher)?;
        let (_, rest) = plain.split_at_checked(SALT).ok_or(Wrong::Cipher)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(Wrong::Cipher)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Wrong::Cipher)?;
        let (message, receiver) = rest.split_at_checked(length).ok_or(Wrong::Cipher)?;
        Ok((message.to_vec(), receiver.to_vec()))
    }
}

/// Opens user data that a mini-program's page hands over (AES-128-CBC, ordinary padding). The caller checks the app id in its watermark.
pub fn open_user_data(session_key: &str, iv: &str, encrypted: &str) -> Result<Vec<u8>, Wrong> {
    if encrypted.len() > CIPHER_MAX {
        return Err(Wrong::Cipher);
    }
    let key = BASE64.decode(session_key.as_bytes()).map_err(|_| Wrong::Key)?;
    let iv = BASE64.decode(iv.as_bytes()).map_err(|_| Wrong::Key)?;
    let bytes = BASE64.decode(encrypted.as_bytes()).map_err(|_| Wrong::Cipher)?;
    let cipher = cbc::Decryptor::<Aes128>::new_from_slices(&key, &iv).map_err(|_| Wrong::Key)?;
    cipher.decrypt_padded_vec::<Pkcs7>(&bytes).map_err(|_| Wrong::Cipher)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn salt(text: &str) -> [u8; SALT] {
        text.as_bytes().try_into().unwrap()
    }

    #[test]
    fn signatures_are_those_of_the_official_samples() {
        let cases: [(&[&str], &str); 7] = [
            (&["AAAAA", "1714036504", "1514711492"], "f464b24fc39322e44b38aa78f5edd27bd1441696"),
            (&["AAAAA", "1714037059", "486452656"], "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
            (&["AAAAA", "1714112445", "415670741"], "6c5c811b55cc85e0e1b54100749188c20beb3f5d"),
            (&["AAAAA", "1714112445", "415670741", V3], "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"),
            (&["QDG6eK", "1409659589", "263014780", V5], "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"),
            (&["QDG6eK", "1409659813", "1372623149", V6], "477715d11cdb4164915debcba66cb864d751f3e6"),
            (&["QDG6eK", "1409659813", "1372623149", V7], "0623cbc5a8cbee5bcc137c70de99575366fc2af3"),
        ];
        for (parts, signature) in cases {
            verify(signature, parts).unwrap();
            assert_eq!(verify(&signature.to_uppercase(), parts), Err(Wrong::Signature));
            assert_eq!(verify(&signature[..39], parts), Err(Wrong::Signature));
            assert_eq!(verify(signature, &parts[1..]), Err(Wrong::Signature));
        }
        verify("dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", &["123456", "1411443780", "437374425", V10]).unwrap();
        verify(
            "1ba3cb09c0d2c2b3ed6900d37f91a6efae6cb011",
            &["kjr2TKI8umCBfVF3wAHk8JiPwma5VBme", "1583940690", "VHh7ymSeb0jc4lSb", V8],
        )
        .unwrap();
    }

    const V3: &str = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
    const V5: &str = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
    const V6: &str = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==";
    const V7: &str = "CZWs4CWRpI4VolQlvn4dlEC1alN2MUEY2VklGehgBVLBrlVF7SyT+SV+Toj43l4ayJ9UMGKphktKKmP7B2j/P1ey67XB8PBgS7Wr5/8+w/yWriZv3Vmoo/MH3/1HsIWZrPQ3N2mJrelStIfI2Y8kLKXA7EhfZgZX4o+ffdkZDM76SEl79Ib9mw7TGjZ9Aw/x/A2VjNbV1E8BtEbRxYYcQippYNw7hr8sFfa3nW1xLdxokt8QkRX83vK3DFP2F6TQFPL2Tu98UwhcUpPvdJBuu1/yiOQIScppV3eOuLWEsko=";
    const V8: &str = "6KmUQuPVu7UhjyVqRdbo5SfcRqaHvbUlKSHFvBV2ZuR6TIlKsygcfeSd1GDplg1C5KSKr6UPHCaC/nIX3ZNt9w==";
    const V10: &str = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==";
    /// Key of the official WeCom samples; its last character has spare bits.
    const SAMPLE: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

    #[test]
    fn messages_of_the_official_samples_open() {
        let opened = |key: &str, receiver: &str, text: &str| {
            String::from_utf8(Cipher::new(key, receiver).unwrap().open(text).unwrap()).unwrap()
        };
        assert_eq!(
            opened(LONG_A, "wxba5fad812f8e6fb9", V3),
            "{\"ToUserName\":\"gh_97417a04a28d\",\"FromUserName\":\"o9AgO5Kd5ggOC-bXrbNODIiE3bGY\",\"CreateTime\":1714112445,\
             \"MsgType\":\"event\",\"Event\":\"debug_demo\",\"debug_str\":\"hello world\"}"
        );
        assert_eq!(opened(SAMPLE, "wx5823bf96d3bd56c7", V5), "1616140317555161061");
        let message = opened(SAMPLE, "wx5823bf96d3bd56c7", V6);
        assert_eq!(message.len(), 284);
        for part in ["hello", "mycreate", "4561255354251345929", "218"] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(opened(SAMPLE, "wx5823bf96d3bd56c7", V7).len(), 164);
        assert_eq!(
            opened("4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws", "ww6a112864f8022910", V8),
            "94966531020182955848408"
        );
        assert_eq!(
            opened("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a", V10),
            "5927782489442352469"
        );
    }

    #[test]
    fn what_we_seal_is_what_the_official_samples_have() {
        let cipher = Cipher::new(LONG_A, "wxba5fad812f8e6fb9").unwrap();
        assert_eq!(
            cipher.seal(salt("707722b803182950"), b"{\"demo_resp\":\"good luck\"}").unwrap(),
            "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
        );
        let reply = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==";
        verify("1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1", &["AAAAA", "1713424427", "415670741", reply]).unwrap();
        let cipher = Cipher::new("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxb11529c136998cb6").unwrap();
        assert_eq!(
            cipher.seal(salt("aaaabbbbccccdddd"), "我是中文abcd123".as_bytes()).unwrap(),
            "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
        );
    }

    #[test]
    fn keys_with_spare_bits_are_keys_and_others_are_not() {
        for key in
            [SAMPLE, "cD0d7jx4tYvVtzqrmh3Dm3QFCXe6f8SlHoMtMh3qQEP", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"]
        {
            Cipher::new(key, "wx").unwrap();
        }
        for key in ["", "short", &format!("{LONG_A}A"), &LONG_A[1..], &LONG_A.replacen('A', "-", 1), &"长".repeat(43)]
        {
            assert_eq!(Cipher::new(key, "wx").unwrap_err(), Wrong::Key, "{key}");
        }
    }

    #[test]
    fn every_length_comes_back_and_no_bent_message_opens() {
        let cipher = Cipher::new(SAMPLE, "ww1").unwrap();
        for length in 0..130 {
            let message = vec![b'x'; length];
            let sealed = cipher.seal([7; SALT], &message).unwrap();
            assert_eq!(BASE64.decode(sealed.as_bytes()).unwrap().len() % PAD, 0);
            assert_eq!(cipher.open(&sealed).unwrap(), message);
            assert_eq!(Cipher::new(SAMPLE, "ww2").unwrap().open(&sealed), Err(Wrong::Receiver));
        }
        let sealed = cipher.seal([7; SALT], b"hello").unwrap();
        for text in ["", "AAAA", &sealed[4..], &sealed[..sealed.len() - 4], "不是密文", &"A".repeat(CIPHER_MAX + 4)]
        {
            assert!(cipher.open(text).is_err(), "{text:.20}");
        }
        let other = Cipher::new(LONG_A, "ww1").unwrap();
        assert!(other.open(&sealed).is_err());
    }

    #[test]
    fn user_data_of_a_page_opens_with_its_session() {
        let key = "tiihtNczf5v6AKRyjwEUhQ==";
        let plain = open_user_data(key, "r7BXXKkLb8qrSNn05n0qiA==", V13).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(json["openId"], "oGZUI0egBJY1zhBYw2KhdUfwVJJE");
        assert_eq!(json["watermark"]["appid"], "wx4f4bc4dec97d474b");
        assert!(open_user_data("HyVFkGl5F5OQWJZZaNzBBg==", "r7BXXKkLb8qrSNn05n0qiA==", V13).is_err());
        assert!(open_user_data(key, "AA==", V13).is_err() && open_user_data("AA==", "", "").is_err());
        let raw = "{\"nickName\":\"Band\",\"gender\":1,\"language\":\"zh_CN\",\"city\":\"Guangzhou\",\"province\":\"Guangdong\",\"country\":\"CN\",\"avatarUrl\":\"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0\"}";
        assert_eq!(sha1(&format!("{raw}HyVFkGl5F5OQWJZZaNzBBg==")), "75e81ceda165f4ffa64f4068af58c64b8f54b88c");
    }

    const V13: &str = "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==";
}
