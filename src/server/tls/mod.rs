//! TLS: the box's own certificates or uploaded ones, and how they are renewed while connections go on.

mod authority;
mod name;
mod public;
pub mod second;

use crate::settings::Settings;
use arc_swap::ArcSwap;
use authority::{Authority, Pair};
use domain::Time;
use gateway::acme::Tokens;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use second::Second;
use service::{Ctx, Error};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use name::LOCAL;
pub use public::Public;

/// What is served now; looked up for every new connection.
#[derive(Debug)]
struct Current {
    /// For browsers, devices and clients.
    own: ArcSwap<CertifiedKey>,
    /// For public names.
    public: Option<Arc<Public>>,
    /// For the other box.
    second: Second,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut spoken| spoken.any(|one| one == second::PROTOCOL)) {
            return Some(self.second.key.clone());
        }
        let public = self.public.as_ref().zip(hello.server_name());
        public.and_then(|(public, name)| public.resolve(name)).or_else(|| Some(self.own.load_full()))
    }
}

/// A certificate that somebody else made, as PEM files.
struct Given {
    chain: PathBuf,
    key: PathBuf,
    /// When the files were last changed, of what is served.
    read: Mutex<Option<(SystemTime, SystemTime)>>,
}

/// The box's TLS.
pub struct Tls {
    ctx: Ctx,
    current: Arc<Current>,
    authority: Authority,
    names: Vec<String>,
    given: Option<Given>,
}

fn wrong(what: &str, path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("{what} {}: {error}", path.display()))
}

fn certified(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<CertifiedKey, Error> {
    let made = CertifiedKey::from_der(chain, key, &ring::default_provider());
    made.map_err(|error| Error::internal("the certificate cannot be used with its key", error))
}

impl Given {
    fn changed(&self) -> Result<(SystemTime, SystemTime), Error> {
        let at = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified());
        let of = |path: &Path| at(path).map_err(|error| wrong("reading", path, error));
        Ok((of(&self.chain)?, of(&self.key)?))
    }

    /// Reads the files; `None` when they are as they were.
    fn look(&self) -> Result<Option<CertifiedKey>, Error> {
        let changed = self.changed()?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == Some(changed) {
            return Ok(None);
        }
        let chain = CertificateDer::pem_file_iter(&self.chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong("the certificate", &self.chain, error))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| wrong("the key", &self.key, error))?;
        let made = certified(chain, key)?;
        *read = Some(changed);
        Ok(Some(made))
    }
}

/// When a certificate ends.
pub fn ends(certificate: &[u8]) -> Option<Time> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Time(parsed.validity().not_after.timestamp().saturating_mul(1_000)))
}

impl Tls {
    /// Opens what the settings name. Without a certificate of theirs the box makes its own.
    pub fn open(ctx: &Ctx, settings: &Settings, tokens: &Arc<Tokens>) -> Result<Self, Error> {
        let authority = Authority::open(ctx, &settings.data, &settings.names)?;
        let given = match (&settings.certificate, &settings.certificate_key) {
            (Some(chain), Some(key)) => Some(Given { chain: chain.clone(), key: key.clone(), read: Mutex::new(None) }),
            (None, None) => None,
            _ => {
                let why = "certificate and certificate_key belong together; the settings name only one";
                return Err(Error::Internal(why.into()));
            }
        };
        let first = match &given {
            Some(given) => given.look()?,
            None => Some(Self::own(&authority, ctx, &name::here(&settings.names))?.0),
        };
        let first = first.ok_or_else(|| Error::Internal("no certificate to begin with".into()))?;
        let (public, second) = (Public::open(ctx, settings, tokens)?, Second::open(ctx, &settings.data)?);
        let current = Arc::new(Current { own: ArcSwap::from_pointee(first), public, second });
        Ok(Self { ctx: ctx.clone(), current, authority, names: settings.names.clone(), given })
    }

    fn own(authority: &Authority, ctx: &Ctx, wanted: &[String]) -> Result<(CertifiedKey, bool), Error> {
        let (Pair { certificate, key }, _, new) = authority.certificate(ctx, wanted)?;
        Ok((certified(vec![certificate], key)?, new))
    }

    /// What the listener serves with: TLS 1.2 and 1.3, HTTP/2 or 1.1.
    pub fn config(&self) -> Result<Arc<ServerConfig>, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| Error::internal("setting up TLS", error))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), second::PROTOCOL.to_vec()];
        Ok(Arc::new(config))
    }

    /// The root that phones and terminals are given; none where somebody else's certificate is served.
    pub fn root(&self) -> Option<CertificateDer<'static>> {
        self.given.is_none().then(|| self.authority.root().clone())
    }

    /// SHA-256 of the certificate that other boxes are shown.
    pub fn pin(&self) -> [u8; 32] {
        self.current.second.pin
    }

    /// The certificate for public names, where the settings want one.
    pub fn public(&self) -> Option<&Arc<Public>> {
        self.current.public.as_ref()
    }

    /// When the certificate that is served ends.
    pub fn until(&self) -> Option<Time> {
        self.current.own.load().cert.first().and_then(|certificate| ends(certificate))
    }

    /// Renews what must be: an own certificate near its end or without an address of the box, given files that were changed. Open
    /// connections go on. What is served stays when something is wrong with the new.
    pub fn look(&self) -> Result<bool, Error> {
        let made = match &self.given {
            Some(given) => given.look()?,
            None => {
                let (made, new) = Self::own(&self.authority, &self.ctx, &name::here(&self.names))?;
                new.then_some(made)
            }
        };
        let Some(made) = made else { return Ok(false) };
        self.current.own.store(Arc::new(made));
        tracing::info!(until = ?self.until(), "new connections are served with a new certificate");
        Ok(true)
    }
}
