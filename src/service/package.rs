//! How packages of updates are made up: a tar of a manifest, its signature (Ed25519) and the program. Nothing of a package is believed before the signature
//! over the manifest held. Where packages lie, and what becomes of a program, is `server/update`'s.

use crate::Error;
use data_encoding::HEXLOWER;
use ring::{
    digest::{Context, SHA256},
    signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::path::Path;

/// What a package says of itself; signed as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `huiguan`.
    pub name: String,
    /// Version, such as 0.2.0.
    pub version: String,
    /// Which machines it runs on, as [`target`] names this one.
    pub target: String,
    /// SHA-256 of the program, hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// The oldest version whose data it takes on.
    pub since: String,
}

/// Whose program it is.
pub const NAME: &str = "huiguan";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
/// What stands before the manifest where it is signed, so that the key signs nothing else by mistake.
const CONTEXT: &[u8] = b"huiguan update 1\n";
const MANIFEST_MAX: u64 = 64 << 10;
const SIGNATURE_MAX: u64 = 1 << 10;
const PROGRAM_MAX: u64 = 1 << 30;

/// Which machines this program runs on.
pub fn target() -> String {
    let environment = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    format!("{}-unknown-{}-{environment}", std::env::consts::ARCH, std::env::consts::OS)
}

/// A version of three numbers.
pub fn version(text: &str) -> Option<[u64; 3]> {
    let parts: Vec<u64> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

fn failed(doing: &str) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |error| Error::internal(doing, error)
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Internal(why.into())
}

/// The bytes of a public key as it is printed.
pub fn public_key(text: &str) -> Result<[u8; 32], Error> {
    let bytes = HEXLOWER.decode(text.trim().to_ascii_lowercase().as_bytes()).ok();
    let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| wrong("the key of the makers has 64 hexadecimal digits (update_key in the settings)"))
}

/// Writes a package: the text of a manifest as it stands, its signature, and a program of so many bytes.
pub fn pack<W: Write>(text: &[u8], pair: &Ed25519KeyPair, program: (u64, impl Read), to: W) -> std::io::Result<W> {
    let signature = HEXLOWER.encode(pair.sign(&[CONTEXT, text].concat()).as_ref());
    let mut archive = tar::Builder::new(to);
    let mut add = |name, mode, bytes, content: &mut dyn Read| {
        let mut head = tar::Header::new_gnu();
        head.set_mode(mode);
        head.set_size(bytes);
        archive.append_data(&mut head, name, content)
    };
    add(MANIFEST, 0o644, text.len() as u64, &mut &*text)?;
    add(SIGNATURE, 0o644, signature.len() as u64, &mut signature.as_bytes())?;
    let (bytes, mut content) = program;
    add(NAME, 0o755, bytes, &mut content)?;
    archive.into_inner()
}

/// SHA-256 of everything, hexadecimal, and its bytes.
pub fn hash_of(from: &mut impl Read) -> std::io::Result<(String, u64)> {
    copied(from, &mut std::io::sink())
}

/// Copies everything; answers hash and bytes.
fn copied(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<(String, u64)> {
    let (mut hash, mut buffer, mut all) = (Context::new(&SHA256), vec![0; 1 << 18], 0);
    loop {
        let count = from.read(&mut buffer)?;
        let part = buffer.get(..count).unwrap_or_default();
        if part.is_empty() {
            return Ok((HEXLOWER.encode(hash.finish().as_ref()), all));
        }
        hash.update(part);
        to.write_all(part)?;
        all += count as u64;
    }
}

/// All of what has at most so many bytes.
pub fn small(from: impl Read, max: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    from.take(max + 1).read_to_end(&mut bytes).map_err(failed("reading the package"))?;
    if bytes.len() as u64 > max { Err(wrong("a part of the package is too long")) } else { Ok(bytes) }
}

/// Reads a package: `to` is asked where its program goes when everything in front of it is the makers' and fits this machine. Where this fails, what went
/// there is not to be used.
pub fn read<W: Write>(
    from: impl Read,
    key: &[u8; 32],
    to: impl FnOnce() -> Result<W, Error>,
) -> Result<(Manifest, W), Error> {
    let mut archive = tar::Archive::new(from);
    let entries = archive.entries().map_err(|_| wrong("this is no package of an update"))?;
    // As they stand: extensions of tar, which a package has none of, would be taken into memory whatever their length.
    let mut entries = entries.raw(true);
    let mut next = |name: &str| {
        let entry = entries.next().and_then(Result::ok);
        let fits = |entry: &tar::Entry<'_, _>| entry.path().is_ok_and(|path| path == Path::new(name));
        entry.filter(fits).ok_or_else(|| wrong(format!("this is no package of an update: it lacks {name}")))
    };
    let text = small(next(MANIFEST)?, MANIFEST_MAX)?;
    let signature = HEXLOWER.decode(small(next(SIGNATURE)?, SIGNATURE_MAX)?.as_slice()).unwrap_or_default();
    UnparsedPublicKey::new(&ED25519, key).verify(&[CONTEXT, &text].concat(), &signature).map_err(|_| {
        wrong("the package is not signed by the makers whose key is in the settings; nothing was changed")
    })?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| Error::internal("reading the manifest", error))?;
    if manifest.name != NAME || version(&manifest.version).is_none() || version(&manifest.since).is_none() {
        return Err(wrong("the manifest of the package is not one of this program"));
    }
    if manifest.target != target() {
        return Err(wrong(format!("the package is for {}, this machine is {}", manifest.target, target())));
    }
    let mut program = next(NAME)?;
    if manifest.bytes > PROGRAM_MAX || program.size() != manifest.bytes {
        return Err(wrong("the program in the package has another length than its manifest says"));
    }
    let mut out = to()?;
    let (hash, _) = copied(&mut program, &mut out).map_err(failed("laying down the program of the package"))?;
    if hash != manifest.sha256 {
        return Err(wrong("the program in the package is another than its manifest says; nothing was changed"));
    }
    Ok((manifest, out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::KeyPair;

    #[test]
    fn what_is_no_part_of_a_package_is_not_taken_in() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = pair.public_key().as_ref().try_into().unwrap();
        let program = b"a program".as_slice();
        let (sha256, bytes) = hash_of(&mut &*program).unwrap();
        let (name, version, since) = (NAME.to_owned(), "0.2.0".to_owned(), "0.1.0".to_owned());
        let manifest = Manifest { name, version, target: target(), sha256, bytes, since };
        let text = serde_json::to_vec(&manifest).unwrap();
        let packed = pack(&text, &pair, (bytes, program), Vec::new()).unwrap();
        assert_eq!(read(packed.as_slice(), &key, || Ok(Vec::new())).unwrap(), (manifest, program.to_vec()));
        // Extensions of tar may have any length, and stand in front of whatever is signed.
        for kind in [tar::EntryType::XHeader, tar::EntryType::GNULongName, tar::EntryType::XGlobalHeader] {
            let mut front = tar::Builder::new(Vec::new());
            let mut head = tar::Header::new_gnu();
            head.set_entry_type(kind);
            head.set_size(u64::from(u32::MAX));
            front.append_data(&mut head, "more", std::io::empty()).unwrap();
            // Without the two blocks that end a tar.
            let mut front = front.into_inner().unwrap();
            front.truncate(front.len() - 1_024);
            let mut endless = Counted { from: front.as_slice().chain(std::io::repeat(b'9').take(64 << 20)), came: 0 };
            let refused = read(&mut endless, &key, || Ok(Vec::new())).unwrap_err().to_string();
            assert!(refused.contains("it lacks manifest.json"), "{kind:?}: {refused}");
            assert!(endless.came < 1 << 20, "{kind:?}: {} bytes were taken in", endless.came);
        }
    }

    struct Counted<R> {
        from: R,
        came: usize,
    }

    impl<R: Read> Read for Counted<R> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let came = self.from.read(to)?;
            self.came += came;
            Ok(came)
        }
    }
}
