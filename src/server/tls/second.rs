//! What two boxes of one hall prove themselves by: a certificate of its own, apart from what browsers see, so that it stays when that one is renewed or
//! somebody else's is served. Both boxes hold the same one; it is pinned by its hash, and no authority vouches for it.

use super::certified;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use service::{Ctx, Error, file::lay, seal::Spot, token::sha256};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// What two boxes speak (ALPN). No browser, tunnel or proxy does.
pub const PROTOCOL: &[u8] = b"huiguan-standby/1";

/// What the key is sealed for.
const SEALED: Spot = service::key::STANDBY_CERTIFICATE;

/// The certificate and its hash.
#[derive(Debug, Clone)]
pub struct Second {
    /// What is shown.
    pub key: Arc<CertifiedKey>,
    /// SHA-256 of the certificate.
    pub pin: [u8; 32],
}

impl Second {
    /// Opens what lies in the folder of certificates, or makes it.
    pub fn open(ctx: &Ctx, data: &Path) -> Result<Self, Error> {
        let (file, key) = (data.join("tls").join("standby.der"), data.join("tls").join("standby.key"));
        let failed = |error: rcgen::Error| Error::internal("making the certificate for other boxes", error);
        let lost = |error: std::io::Error| Error::internal("keeping the certificate for other boxes", error);
        let (certificate, pair) = if file.exists() && key.exists() {
            let pem = ctx.sealer.open(&SEALED, &fs::read(&key).map_err(lost)?)?;
            let pair = KeyPair::from_pem(&pem).map_err(failed)?;
            (CertificateDer::from(fs::read(&file).map_err(lost)?), pair)
        } else {
            let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
            let made = CertificateParams::new(vec!["standby.huiguan.local".into()]).map_err(failed)?;
            let made = made.self_signed(&pair).map_err(failed)?;
            let sealed = ctx.sealer.seal(ctx.random.as_ref(), &SEALED, &pair.serialize_pem())?;
            fs::create_dir_all(data.join("tls")).map_err(lost)?;
            lay(&key, &sealed, 0o600).and_then(|()| lay(&file, made.der(), 0o600)).map_err(lost)?;
            (made.der().clone(), pair)
        };
        let pin = sha256(&certificate);
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        Ok(Self { key: Arc::new(certified(vec![certificate], private)?), pin })
    }
}

/// Takes the one certificate of that hash and no other; whoever shows it proves in the handshake that its key is theirs.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if sha256(shown) == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(TlsError::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What a box is called with whose certificate has that hash: TLS 1.3 alone.
pub fn client(pin: [u8; 32]) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?.dangerous();
    let mut config = builder.with_custom_certificate_verifier(Arc::new(Pinned { pin, provider })).with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}
