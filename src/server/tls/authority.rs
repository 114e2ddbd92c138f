//! The box's own certificate authority: made once, good for addresses of one's own network only, and what it signs. Keys lie sealed in the
//! data folder.

use super::name;
use domain::{Time, time::DAY};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use service::{
    Ctx, Error,
    file::lay,
    key::{CERTIFICATE, ROOT},
};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// How long a root is good for: a box lives for years, and installing a root on every phone again is work.
const ROOT_DAYS: i64 = 15 * 365;
/// How long a certificate of the box is good for: with the two days before, less than the year that checkers allow. It is made anew in time.
const BOX_DAYS: i64 = 360;
/// How long before its end a certificate is made anew.
const AHEAD_DAYS: i64 = 60;

/// A certificate and its key.
pub struct Pair {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

/// The box's certificate as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Names and addresses it is for.
    names: Vec<String>,
    /// When it ends, in milliseconds since 1970.
    until: i64,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Whether a certificate must be made anew: near its end, or without a name or address that the box has by now. Names that went
/// away may stay in it: an interface that is down for a minute is no reason.
pub fn is_due(now: Time, until: Time, has: &[String], wanted: &[String]) -> bool {
    now.plus(AHEAD_DAYS * DAY) >= until || wanted.iter().any(|name| !has.contains(name))
}

/// The authority.
pub struct Authority {
    folder: PathBuf,
    root: CertificateDer<'static>,
    key: KeyPair,
    /// The names outside `.local` that the root may speak for.
    names: Vec<String>,
}

/// Whether a root may speak for a name or address. A certificate with one name too many is refused as a whole.
fn may_speak(names: &[String], of: &str) -> bool {
    let address = of.parse::<IpAddr>();
    address.map_or_else(|_| of.ends_with(".local") || names.iter().any(|name| name == of), name::is_own)
}

fn failed(what: &'static str) -> impl FnOnce(rcgen::Error) -> Error {
    move |error| Error::internal(what, error)
}

fn lost(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::internal(what, error)
}

/// The day of a time, as certificates count.
fn day(at: Time) -> Result<(i32, u8, u8), Error> {
    let stamp =
        jiff::Timestamp::from_millisecond(at.0).map_err(|error| Error::internal("a certificate's day", error))?;
    let date = stamp.to_zoned(jiff::tz::TimeZone::UTC).date();
    let small = |number: i8| u8::try_from(number).unwrap_or(1);
    Ok((i32::from(date.year()), small(date.month()), small(date.day())))
}

/// From the day before yesterday, since clocks differ, for so many days.
fn span(params: &mut CertificateParams, now: Time, days: i64) -> Result<Time, Error> {
    let ((y, m, d), end) = (day(now.plus(-2 * DAY))?, now.plus(days * DAY));
    params.not_before = rcgen::date_time_ymd(y, m, d);
    let (y, m, d) = day(end)?;
    params.not_after = rcgen::date_time_ymd(y, m, d);
    Ok(end)
}

/// Keeps a file for the box alone.
fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    lay(path, bytes, 0o600)
}

/// The networks of one's own: a root that leaks can speak for nothing else.
fn own_networks(named: &[String]) -> NameConstraints {
    let v4 = |a, b, prefix| GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([a, b, 0, 0], prefix));
    let v6 = |first: u8, second: u8, prefix| {
        let mut address = [0; 16];
        (address[0], address[1]) = (first, second);
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(address, prefix))
    };
    let mut itself = [0; 16];
    itself[15] = 1;
    let mut permitted = vec![
        v4(10, 0, 8),
        v4(127, 0, 8),
        v4(169, 254, 16),
        v4(172, 16, 12),
        v4(192, 168, 16),
        v6(0xfc, 0, 7),
        v6(0xfe, 0x80, 10),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(itself, 128)),
        GeneralSubtree::DnsName("local".into()),
    ];
    permitted.extend(named.iter().map(|name| GeneralSubtree::DnsName(name.clone())));
    NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() }
}

impl Authority {
    /// Opens the authority of a data folder, or makes it.
    pub fn open(ctx: &Ctx, data: &Path, named: &[String]) -> Result<Self, Error> {
        let folder = data.join("tls");
        fs::create_dir_all(&folder).map_err(lost("making the folder of certificates"))?;
        let (root, key, names) = (folder.join("root.der"), folder.join("root.key"), folder.join("root.names"));
        if root.exists() && key.exists() {
            let certificate = fs::read(&root).map_err(lost("reading the root"))?;
            let sealed = fs::read(&key).map_err(lost("reading the root's key"))?;
            let pem = ctx.sealer.open(&ROOT, &sealed)?;
            let key = KeyPair::from_pem(&pem).map_err(failed("reading the root's key"))?;
            let names = fs::read_to_string(&names).map_err(lost("reading the root's names"))?;
            return Ok(Self {
                folder,
                root: certificate.into(),
                key,
                names: names.lines().map(str::to_owned).collect(),
            });
        }
        let made = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed("making the root's key"))?;
        let mut params = CertificateParams::default();
        let mut mark = [0; 3];
        ctx.random.fill(&mut mark);
        let mut of = DistinguishedName::new();
        // Two boxes' roots look different in a phone's list.
        of.push(DnType::CommonName, format!("Huiguan {:06x}", u32::from_be_bytes([0, mark[0], mark[1], mark[2]])));
        of.push(DnType::OrganizationName, "Huiguan");
        params.distinguished_name = of;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let spoken: Vec<String> =
            name::here(named).into_iter().filter(|name| name.parse::<IpAddr>().is_err()).collect();
        params.name_constraints = Some(own_networks(&spoken));
        span(&mut params, ctx.now(), ROOT_DAYS)?;
        let certificate = params.self_signed(&made).map_err(failed("making the root"))?;
        let sealed = ctx.sealer.seal(ctx.random.as_ref(), &ROOT, &made.serialize_pem())?;
        keep(&key, &sealed).map_err(lost("keeping the root's key"))?;
        keep(&names, spoken.join("\n").as_bytes()).map_err(lost("keeping the root's names"))?;
        keep(&root, certificate.der()).map_err(lost("keeping the root"))?;
        tracing::info!("a root for the box's own certificates was made");
        Ok(Self { folder, root: certificate.der().clone(), key: made, names: spoken })
    }

    /// The root's certificate.
    pub const fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The box's certificate: the kept one when it holds all names for long enough, else a new one. Says whether it is new.
    pub fn certificate(&self, ctx: &Ctx, wanted: &[String]) -> Result<(Pair, Time, bool), Error> {
        let (wanted, other): (Vec<String>, Vec<String>) =
            wanted.iter().cloned().partition(|name| may_speak(&self.names, name));
        if !other.is_empty() {
            tracing::warn!(
                names = other.join(", "),
                "the box's root cannot speak for these names; give a certificate for them in the settings"
            );
        }
        let path = self.folder.join("box.json");
        let kept = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        if let Some(kept) = kept.filter(|kept| !is_due(ctx.now(), Time(kept.until), &kept.names, &wanted)) {
            // What cannot be opened any more is made anew.
            if let Ok(pem) = ctx.sealer.open(&CERTIFICATE, &kept.key)
                && let Ok(key) = KeyPair::from_pem(&pem)
            {
                return Ok((pair(kept.certificate.into(), &key), Time(kept.until), false));
            }
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed("making a key"))?;
        let mut params = CertificateParams::new(wanted.clone()).map_err(failed("naming the box"))?;
        let mut of = DistinguishedName::new();
        of.push(DnType::CommonName, name::LOCAL);
        params.distinguished_name = of;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let until = span(&mut params, ctx.now(), BOX_DAYS)?;
        let issuer = Issuer::from_ca_cert_der(&self.root, &self.key).map_err(failed("reading the root"))?;
        let certificate = params.signed_by(&key, &issuer).map_err(failed("making a certificate"))?;
        let sealed = ctx.sealer.seal(ctx.random.as_ref(), &CERTIFICATE, &key.serialize_pem())?;
        let kept = Kept { names: wanted.clone(), until: until.0, certificate: certificate.der().to_vec(), key: sealed };
        let json = serde_json::to_vec(&kept).map_err(|error| Error::internal("writing a certificate", error))?;
        keep(&path, &json).map_err(lost("keeping a certificate"))?;
        tracing::info!(names = wanted.len(), "a certificate for the box was made");
        Ok((pair(certificate.der().clone(), &key), until, true))
    }
}

fn pair(certificate: CertificateDer<'static>, key: &KeyPair) -> Pair {
    Pair { certificate, key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_speaks_for_ones_own_network_and_the_names_it_was_made_with() {
        let names = ["localhost".to_owned(), "box.example.cn".into()];
        for (name, may) in [
            ("huiguan.local", true),
            ("box.example.cn", true),
            ("localhost", true),
            ("192.168.1.5", true),
            ("::1", true),
            ("other.example.cn", false),
            ("example.cn", false),
            ("8.8.8.8", false),
        ] {
            assert_eq!(may_speak(&names, name), may, "{name}");
        }
    }

    #[test]
    fn a_certificate_is_made_anew_near_its_end_or_for_a_new_address() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let now = Time(0);
        let cases = [
            (61, names(&["a", "b"]), names(&["a", "b"]), false),
            (60, names(&["a", "b"]), names(&["a", "b"]), true),
            (-1, names(&["a"]), names(&["a"]), true),
            (300, names(&["a", "b"]), names(&["a"]), false),
            (300, names(&["a"]), names(&["a", "b"]), true),
        ];
        for (days, has, wanted, due) in cases {
            assert_eq!(is_due(now, now.plus(days * DAY), &has, &wanted), due, "{days} {has:?} {wanted:?}");
        }
    }
}
