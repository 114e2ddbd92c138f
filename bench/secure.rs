//! TLS in both servers alike: one certificate for loopback, which both show and the load alone trusts.

use crate::{Done, load::Way};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The certificate's name.
const NAME: &str = "127.0.0.1";

/// A certificate in a scratch folder, with whoever trusts it.
#[derive(Clone)]
pub struct Secure {
    /// PEM file of the certificate.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    trust: Trust,
}

/// Trusts that certificate.
#[derive(Clone)]
pub struct Trust(TlsConnector);

/// A stream of either kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Secure {
    /// Makes one.
    pub fn make(folder: &Path) -> Done<Self> {
        let pair = KeyPair::generate()?;
        let made = CertificateParams::new(vec![NAME.to_owned()])?.self_signed(&pair)?;
        let (certificate, key) = (folder.join("bench.pem"), folder.join("bench.key"));
        std::fs::write(&certificate, made.pem())?;
        std::fs::write(&key, pair.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(made.der().clone())?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { certificate, key, trust: Trust(TlsConnector::from(Arc::new(config))) })
    }

    /// The way to a server that shows it.
    pub fn way(&self, address: &str) -> Way {
        Way { address: address.to_owned(), trust: Some(self.trust.clone()) }
    }
}

impl Trust {
    /// Agrees on TLS.
    pub(crate) async fn agree(&self, stream: TcpStream) -> Done<Box<dyn Stream>> {
        Ok(Box::new(self.0.connect(ServerName::try_from(NAME)?, stream).await?))
    }
}

/// What shows a certificate to whoever connects.
pub(crate) fn acceptor(certificate: &Path, key: &Path) -> Done<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
    Ok(TlsAcceptor::from(Arc::new(config.with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?)))
}
