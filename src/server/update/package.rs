//! Packages of updates as files: a key pair of makers is made, a package is signed, and one is opened. No byte of its program is laid down under its own
//! name before the signature over the manifest held and the program had the manifest's hash.

use data_encoding::HEXLOWER;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use service::Error;
pub use service::package::{Manifest, public_key, version};
use service::package::{NAME, hash_of, pack, read, small, target};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

const KEY_MAX: u64 = 10_000;

fn failed(doing: &str) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |error| Error::internal(doing, error)
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Internal(why.into())
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
    let doing = format!("writing {}", out.display());
    let write = || -> std::io::Result<()> {
        let file = pack(&text, &pair, (bytes, File::open(program)?), File::create(out)?)?;
        file.sync_all()
    };
    write().map_err(failed(&doing))?;
    Ok(manifest)
}

/// SHA-256 of a file, hexadecimal.
pub fn hash_of_file(path: &Path) -> Result<String, Error> {
    let doing = format!("reading {}", path.display());
    let mut file = File::open(path).map_err(failed(&doing))?;
    hash_of(&mut file).map(|(hash, _)| hash).map_err(failed(&doing))
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
    let from = File::open(file).map_err(|error| Error::internal(&format!("reading {}", file.display()), error))?;
    let doing = format!("writing {}", staged.display());
    let create = || File::options().write(true).create(true).truncate(true).mode(0o755).open(staged);
    let (manifest, out) = read(std::io::BufReader::new(from), key, || create().map_err(failed(&doing)))?;
    // Whoever serves starts it, whatever the mask of whoever updates.
    let kept = out.sync_all().and_then(|()| out.set_permissions(fs::Permissions::from_mode(0o755)));
    kept.map_err(failed(&doing))?;
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
