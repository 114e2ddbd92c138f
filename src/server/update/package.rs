//! Packages of updates: a tar of a manifest, its signature (Ed25519) and the program. Nothing of a package is believed, and no byte of its program laid
//! down under its own name, before the signature over the manifest held and the program had the manifest's hash.

use data_encoding::HEXLOWER;
use ring::{
    digest::{Context, SHA256},
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use service::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
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

const NAME: &str = "huiguan";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
/// What stands before the manifest where it is signed, so that the key signs nothing else by mistake.
const CONTEXT: &[u8] = b"huiguan update 1\n";
const MANIFEST_MAX: u64 = 64 << 10;
const SIGNATURE_MAX: u64 = 1 << 10;
const PROGRAM_MAX: u64 = 1 << 30;
const KEY_MAX: u64 = 10_000;

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

/// Makes a key pair of makers: the secret half goes into a new file, the public one is answered.
pub fn keygen(path: &Path) -> Result<String, Error> {
    let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| wrong("no key could be made"))?;
    let pair = Ed25519KeyPair::from_pkcs8(secret.as_ref()).map_err(|_| wrong("no key could be made"))?;
    let doing = format!("writing {}", path.display());
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(secret.as_ref()).and_then(|()| file.sync_all()));
    written.map_err(failed(&doing))?;
    Ok(HEXLOWER.encode(pair.public_key().as_ref()))
}

/// Makes a package of a program.
pub fn sign(program: &Path, version_text: &str, since: &str, key: &Path, out: &Path) -> Result<Manifest, Error> {
    for text in [version_text, since] {
        version(text).ok_or_else(|| wrong(format!("“{text}” is no version; write 0.2.0")))?;
    }
    let doing = format!("reading {}", program.display());
    let mut file = File::open(program).map_err(failed(&doing))?;
    let (sha256, bytes) = hash_of(&mut file).map_err(failed(&doing))?;
    let manifest = Manifest {
        name: NAME.into(),
        version: version_text.to_owned(),
        target: target(),
        sha256,
        bytes,
        since: since.to_owned(),
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| Error::internal("writing the manifest", error))?;
    let secret = small(File::open(key).map_err(failed("reading the key"))?, KEY_MAX)?;
    let pair = Ed25519KeyPair::from_pkcs8(&secret).map_err(|_| wrong("this is no key that `update keygen` made"))?;
    let signature = HEXLOWER.encode(pair.sign(&[CONTEXT, &text].concat()).as_ref());
    let doing = format!("writing {}", out.display());
    let write = || -> std::io::Result<()> {
        let mut archive = tar::Builder::new(File::create(out)?);
        for (name, content) in [(MANIFEST, text.as_slice()), (SIGNATURE, signature.as_bytes())] {
            let mut head = tar::Header::new_gnu();
            head.set_mode(0o644);
            head.set_size(content.len() as u64);
            head.set_cksum();
            archive.append_data(&mut head, name, content)?;
        }
        archive.append_file(NAME, &mut File::open(program)?)?;
        archive.into_inner()?.sync_all()
    };
    write().map_err(failed(&doing))?;
    Ok(manifest)
}

fn hash_of(from: &mut impl Read) -> std::io::Result<(String, u64)> {
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

/// SHA-256 of a file, hexadecimal.
pub fn hash_of_file(path: &Path) -> Result<String, Error> {
    let doing = format!("reading {}", path.display());
    let mut file = File::open(path).map_err(failed(&doing))?;
    hash_of(&mut file).map(|(hash, _)| hash).map_err(failed(&doing))
}

fn small(from: impl Read, max: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    from.take(max + 1).read_to_end(&mut bytes).map_err(failed("reading the package"))?;
    if bytes.len() as u64 > max { Err(wrong("a part of the package is too long")) } else { Ok(bytes) }
}

/// Checks a package and lays its program down at `staged`; nothing is left there when anything is wrong.
pub fn open(file: &Path, key: &[u8; 32], staged: &Path) -> Result<Manifest, Error> {
    let opened = opened(file, key, staged);
    if opened.is_err()
        && let Err(error) = fs::remove_file(staged)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %staged.display(), %error, "a program that is not trusted stays");
    }
    opened
}

fn opened(file: &Path, key: &[u8; 32], staged: &Path) -> Result<Manifest, Error> {
    let no_package = |_| wrong(format!("{} is no package of an update", file.display()));
    let from = File::open(file).map_err(|error| Error::internal(&format!("reading {}", file.display()), error))?;
    let mut archive = tar::Archive::new(std::io::BufReader::new(from));
    let mut entries = archive.entries().map_err(no_package)?;
    let mut next = |name: &str| {
        let entry = entries.next().and_then(Result::ok);
        let fits = |entry: &tar::Entry<'_, _>| entry.path().is_ok_and(|path| path == Path::new(name));
        entry
            .filter(fits)
            .ok_or_else(|| wrong(format!("{} is no package of an update: it lacks {name}", file.display())))
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
    let doing = format!("writing {}", staged.display());
    let mut out =
        File::options().write(true).create(true).truncate(true).mode(0o755).open(staged).map_err(failed(&doing))?;
    let (hash, _) =
        copied(&mut program, &mut out).and_then(|done| out.sync_all().map(|()| done)).map_err(failed(&doing))?;
    // Whoever serves starts it, whatever the mask of whoever updates.
    out.set_permissions(fs::Permissions::from_mode(0o755)).map_err(failed(&doing))?;
    if hash != manifest.sha256 {
        return Err(wrong("the program in the package is another than its manifest says; nothing was changed"));
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_package_of_the_makers_for_this_machine_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let public = keygen(&at("key")).unwrap();
        assert!(keygen(&at("key")).is_err(), "a key is never written over");
        fs::write(at("program"), vec![7; 100_000]).unwrap();
        let made = sign(&at("program"), "0.2.0", "0.1.0", &at("key"), &at("package")).unwrap();
        let key = public_key(&public).unwrap();
        assert_eq!(open(&at("package"), &key, &at("staged")).unwrap(), made);
        assert_eq!(fs::read(at("staged")).unwrap(), vec![7; 100_000]);
        fs::remove_file(at("staged")).unwrap();
        let other = public_key(&keygen(&at("other")).unwrap()).unwrap();
        let refused = |package: &Path, key: &[u8; 32], why: &str| {
            let said = open(package, key, &at("staged")).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
            assert!(!at("staged").exists(), "{said}");
        };
        refused(&at("package"), &other, "not signed by the makers");
        // Every part, bent.
        let whole = fs::read(at("package")).unwrap();
        let places = [("0.2.0", "not signed"), ("\u{7}\u{7}\u{7}\u{7}", "another than its manifest")];
        for (text, why) in places {
            let place = whole.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
            let mut bent = whole.clone();
            bent[place] ^= 1;
            fs::write(at("bent"), bent).unwrap();
            refused(&at("bent"), &key, why);
        }
        fs::write(at("cut"), &whole[..whole.len() / 2]).unwrap();
        refused(&at("cut"), &key, "");
        fs::write(at("none"), "no tar at all").unwrap();
        refused(&at("none"), &key, "no package");
        assert!(sign(&at("program"), "two", "0.1.0", &at("key"), &at("x")).is_err());
        assert!(sign(&at("program"), "0.2.0", "0.1.0", &at("program"), &at("x")).is_err());
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(version("0.10.0") > version("0.9.9"));
        for bad in ["", "1", "1.2", "1.2.3.4", "1.2.x", "-1.0.0", "v1.0.0"] {
            assert_eq!(version(bad), None, "{bad}");
        }
        assert!(public_key("00").is_err() && public_key(&"AB".repeat(32)).is_ok());
    }
}
