//! Sealed values that lie in files of the data folder beside the records: keys of certificates, and what two boxes know each other by. They are sealed
//! anew at the start, before anybody reads them.

use crate::{
    Error, Random,
    file::lay,
    seal::{Kind, Sealer, Spot},
    standby,
};
use data_encoding::HEXLOWER;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The key of the box's own root.
pub const ROOT: Spot = Spot::only(Kind::Root, "tls/root");
/// The key of the certificate that the root signed.
pub const CERTIFICATE: Spot = Spot::only(Kind::Certificate, "tls/box");
/// The certificate for public names.
pub const PUBLIC_CERTIFICATE: Spot = Spot::only(Kind::PublicCertificate, "tls/public");
/// The key that is shown to other boxes.
pub const STANDBY_CERTIFICATE: Spot = Spot::only(Kind::StandbyCertificate, "tls/standby");

/// How a value stands in its file.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// It is the whole file.
    Whole,
    /// A list of bytes in JSON.
    Bytes(&'static str),
    /// Hexadecimal text in JSON.
    Hex(&'static str),
}

/// Every file with a sealed value.
const FILES: [(Spot, &str, Form); 5] = [
    (ROOT, "tls/root.key", Form::Whole),
    (CERTIFICATE, "tls/box.json", Form::Bytes("/key")),
    (PUBLIC_CERTIFICATE, "tls/public", Form::Whole),
    (STANDBY_CERTIFICATE, "tls/standby.key", Form::Whole),
    (standby::SEALED, "standby/role.json", Form::Hex("/peer/secret")),
];

/// Kinds that lie in files.
#[cfg(test)]
pub(super) fn kinds() -> impl Iterator<Item = Kind> {
    FILES.into_iter().map(|(spot, ..)| spot.kind)
}

/// The value of a file; none where there is none in it.
fn cut(content: &[u8], form: Form) -> Option<Vec<u8>> {
    let json = || serde_json::from_slice::<Value>(content).ok();
    let sealed = match form {
        Form::Whole => content.to_vec(),
        Form::Bytes(at) => serde_json::from_value(json()?.pointer(at)?.clone()).ok()?,
        Form::Hex(at) => HEXLOWER.decode(json()?.pointer(at)?.as_str()?.as_bytes()).ok()?,
    };
    (!sealed.is_empty()).then_some(sealed)
}

/// The file with another value.
fn put(content: &[u8], form: Form, sealed: Vec<u8>) -> Result<Vec<u8>, Error> {
    let wrong = |error: serde_json::Error| Error::internal("sealing a file anew", error);
    let (at, new) = match form {
        Form::Whole => return Ok(sealed),
        Form::Bytes(at) => (at, serde_json::to_value(sealed).map_err(wrong)?),
        Form::Hex(at) => (at, Value::String(HEXLOWER.encode(&sealed))),
    };
    let mut json: Value = serde_json::from_slice(content).map_err(wrong)?;
    if let Some(kept) = json.pointer_mut(at) {
        *kept = new;
    }
    serde_json::to_vec_pretty(&json).map_err(wrong)
}

/// The files whose values are sealed by older keys, each with the same content by the newest.
fn older(data: &Path, sealer: &Sealer, random: &dyn Random) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    for (spot, name, form) in FILES {
        // What cannot be read is said by whoever needs it.
        let Ok(content) = fs::read(data.join(name)) else { continue };
        let Some(sealed) = cut(&content, form) else { continue };
        match sealer.resealed(random, &spot, &sealed) {
            Ok(Some(new)) => found.push((name, put(&content, form, new)?)),
            Ok(None) => {}
            Err(error) => tracing::warn!(name, %error, "a sealed file stays as it is"),
        }
    }
    Ok(found)
}

/// Seals the files anew; answers how many there were. Nobody else may hold the data folder.
pub fn reseal_files(data: &Path, sealer: &Sealer, random: &dyn Random) -> Result<usize, Error> {
    let found = older(data, sealer, random)?;
    for (name, content) in &found {
        lay(&data.join(name), content, 0o600)
            .map_err(|error| Error::internal(&format!("sealing {name} anew"), error))?;
    }
    Ok(found.len())
}

/// The names of files whose values are sealed by older keys.
pub fn older_files(data: &Path, sealer: &Sealer, random: &dyn Random) -> Result<Vec<&'static str>, Error> {
    Ok(older(data, sealer, random)?.into_iter().map(|(name, _)| name).collect())
}
