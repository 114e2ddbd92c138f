//! How pieces are packed: compressed (gzip) and encrypted (age), the full one around an archive (tar), so that `age`, `gunzip` and `tar` on any
//! computer open them as well.

use super::{Trouble, target::Target};
use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient, x25519};
use domain::{KeyRing, backup::Piece, key::FILE_MAX};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use ring::hmac;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;

/// Names within the archive of a full backup.
pub(super) const SNAPSHOT: &str = "store.snap";
pub(super) const KEY: &str = "huiguan.key";
const README: &str = "README.txt";
/// Most bytes of a list of names: a million files.
const LIST_MAX: u64 = 128 << 20;

/// What is read first by whoever opens an archive in ten years.
const WORDS: &str = "This is a backup of a Huiguan box.\n\
    store.snap holds all records, huiguan.key the key of sensitive fields. With the program:\n\
    huiguan restore --from FOLDER --recovery-key FILE --data NEW-FOLDER\n\
    \n这是会馆的备份。store.snap 为全部数据，huiguan.key 为敏感信息密钥。恢复命令见上。\n";

/// Who can open what is packed.
pub(super) struct Locks(Vec<x25519::Recipient>);

impl Locks {
    /// From public keys; the error is the one that is none.
    pub fn read<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let read = |key: &str| x25519::Recipient::from_str(key).map_err(|_| key.to_owned());
        keys.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Writes compressed and encrypted.
    pub fn seal(
        &self,
        out: &mut dyn Write,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let locks = self.0.iter().map(|lock| lock as &dyn Recipient);
        let encryptor = Encryptor::with_recipients(locks).map_err(|error| Trouble::Other(error.to_string()))?;
        let failed = |error: std::io::Error| super::target::said("writing a backup", &error);
        let locked = encryptor.wrap_output(out).map_err(failed)?;
        let mut packed = GzEncoder::new(locked, Compression::fast());
        write(&mut packed)?;
        packed.finish().and_then(|locked| locked.finish()).map(drop).map_err(failed)
    }
}

/// A recovery key.
#[derive(Clone)]
pub struct RecoveryKey(x25519::Identity);

impl RecoveryKey {
    /// A new one.
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads one, alone or among the comments of a key file.
    pub fn read(text: &str) -> Option<Self> {
        let line = text.lines().map(str::trim).find(|line| line.starts_with("AGE-SECRET-KEY-"))?;
        x25519::Identity::from_str(line).ok().map(Self)
    }

    /// As it is printed.
    pub fn text(&self) -> String {
        self.0.to_string().expose_secret().to_owned()
    }

    /// Its public half.
    pub fn public(&self) -> String {
        self.0.to_public().to_string()
    }

    /// Opens what was sealed.
    pub(super) fn open<R: Read>(&self, from: R) -> Result<impl Read + use<R>, Trouble> {
        let opened = Decryptor::new(from).and_then(|locked| locked.decrypt(std::iter::once(&self.0 as &dyn Identity)));
        Ok(GzDecoder::new(opened.map_err(not_opened)?))
    }

    /// Locks it by a passphrase, as key files of `age` are.
    pub(super) fn lock(&self, out: &mut dyn Write, passphrase: &str) -> Result<(), Trouble> {
        let failed = |error: std::io::Error| super::target::said("writing the recovery key", &error);
        let encryptor = Encryptor::with_user_passphrase(SecretString::from(passphrase.to_owned()));
        let mut locked = encryptor.wrap_output(out).map_err(failed)?;
        locked.write_all(self.text().as_bytes()).and_then(|()| locked.write_all(b"\n")).map_err(failed)?;
        locked.finish().map(drop).map_err(failed)
    }

    /// Reads one that is locked by a passphrase.
    pub(super) fn unlock(from: impl Read, passphrase: &str) -> Result<Self, Trouble> {
        let identity = age::scrypt::Identity::new(SecretString::from(passphrase.to_owned()));
        let opened =
            Decryptor::new(from).and_then(|locked| locked.decrypt(std::iter::once(&identity as &dyn Identity)));
        let mut text = String::new();
        let read = opened.map_err(not_opened)?.take(10_000).read_to_string(&mut text);
        read.map_err(|error| super::target::unread(&error))?;
        Self::read(&text).ok_or_else(|| Trouble::Unsound("there is no key in it".into()))
    }
}

fn not_opened(error: DecryptError) -> Trouble {
    match error {
        DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed => {
            Trouble::WrongKey
        }
        DecryptError::Io(error) => super::target::unread(&error),
        other => Trouble::Unsound(other.to_string()),
    }
}

/// The name under which a file lies at the target: nobody without the key can tell which file it is.
pub(super) fn hidden(keys: &KeyRing, hash: &[u8; 32]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &crate::seal::lasting(keys).names), hash);
    data_encoding::HEXLOWER.encode(tag.as_ref())
}

/// Writes the archive of a full backup.
pub(super) fn pack(out: &mut dyn Write, snapshot: &Path, keys: &KeyRing) -> Result<(), Trouble> {
    let failed = |error: std::io::Error| super::target::said("packing a backup", &error);
    let mut archive = tar::Builder::new(out);
    let head = |size: usize| {
        let mut head = tar::Header::new_gnu();
        head.set_mode(0o600);
        head.set_size(size as u64);
        head.set_cksum();
        head
    };
    archive.append_data(&mut head(WORDS.len()), README, WORDS.as_bytes()).map_err(failed)?;
    let keys = keys.bytes();
    archive.append_data(&mut head(keys.len()), KEY, keys.as_slice()).map_err(failed)?;
    let mut file = File::open(snapshot).map_err(failed)?;
    archive.append_file(SNAPSHOT, &mut file).map_err(failed)?;
    archive.finish().map_err(failed)
}

/// Reads the archive of a full backup: lays its snapshot at `snapshot` and answers the keys.
pub(super) fn unpack(from: impl Read, snapshot: &Path) -> Result<KeyRing, Trouble> {
    let bad = |error: std::io::Error| super::target::unread(&error);
    let (mut key, mut laid) = (None, false);
    let mut archive = tar::Archive::new(from);
    for entry in archive.entries().map_err(bad)? {
        let mut entry = entry.map_err(bad)?;
        let name = entry.path().map_err(bad)?.to_string_lossy().into_owned();
        match name.as_str() {
            KEY => {
                let mut bytes = Vec::new();
                entry.by_ref().take(FILE_MAX as u64 + 1).read_to_end(&mut bytes).map_err(bad)?;
                key = KeyRing::read(&bytes).ok();
            }
            SNAPSHOT => {
                let mut file = File::create(snapshot).map_err(|error| super::target::said("unpacking", &error))?;
                std::io::copy(&mut entry, &mut file).map_err(bad)?;
                laid = true;
            }
            _ => {}
        }
    }
    match key {
        Some(key) if laid => Ok(key),
        _ => Err(Trouble::Unsound("the archive is not whole".into())),
    }
}

/// Reads a list of hashes, one a line.
pub(super) fn read_list(target: &Target, piece: &Piece, key: &RecoveryKey) -> Result<Vec<[u8; 32]>, Trouble> {
    let mut text = String::new();
    let read = key.open(target.read(piece)?)?.take(LIST_MAX).read_to_string(&mut text);
    read.map_err(|error| super::target::unread(&error))?;
    let hash = |line: &str| data_encoding::HEXLOWER.decode(line.as_bytes()).ok()?.try_into().ok();
    let all: Option<Vec<[u8; 32]>> = text.lines().map(hash).collect();
    all.ok_or_else(|| Trouble::Unsound("a list of files has a line that is no hash".into()))
}
