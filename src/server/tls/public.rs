//! The certificate for public names, fetched from an authority by ACME: kept sealed beside the box's own, renewed when two thirds of its life are over,
//! shown to those who ask for one of its names. What is served stays when a new one cannot be had.

use super::{certified, wrong};
use crate::settings::{Settings, parts};
use arc_swap::ArcSwapOption;
use domain::{
    Time,
    acme::{covers, pause, renews_at},
    health::Public as Standing,
};
use gateway::acme::{Issued, NAMES_MAX, Tokens, Trouble, Wanted, Way, obtain};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde::{Deserialize, Serialize};
use service::{Ctx, Error, file::lay, seal::Spot};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the file is sealed for.
const SEALED: Spot = service::key::PUBLIC_CERTIFICATE;
/// How often is looked whether something is due.
const LOOK: Duration = Duration::from_secs(30);

/// What lies on the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Of which authority the account is.
    directory: String,
    account: Option<String>,
    /// The names of the certificate.
    names: Vec<String>,
    chain: String,
    key: String,
    /// Failures since the last success, when the last try was, whether the authority asked for rest, and why it failed.
    failures: u32,
    tried: i64,
    limited: bool,
    why: Option<String>,
}

impl Kept {
    /// When the certificate begins and ends; none without one.
    fn span(&self) -> Option<(Time, Time)> {
        let first = CertificateDer::pem_slice_iter(self.chain.as_bytes()).next()?.ok()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&first).ok()?;
        let at = |stamp: i64| Time(stamp.saturating_mul(1_000));
        let validity = parsed.validity();
        Some((at(validity.not_before.timestamp()), at(validity.not_after.timestamp())))
    }

    /// What is served of it.
    fn certified(&self) -> Result<Option<CertifiedKey>, Error> {
        if self.chain.is_empty() {
            return Ok(None);
        }
        let unreadable = |error| Error::internal("reading the certificate for public names", error);
        let chain = CertificateDer::pem_slice_iter(self.chain.as_bytes()).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(unreadable)?;
        certified(chain.map_err(unreadable)?, key).map(Some)
    }

    /// Whether a certificate is to be fetched now.
    fn is_due(&self, wanted: &Wanted, now: Time, chance: u64) -> bool {
        let waits = self.failures > 0 && now < Time(self.tried).plus(pause(self.failures, self.limited, chance));
        // A clock that was set back is no reason to wait for ever.
        if waits && now >= Time(self.tried) {
            return false;
        }
        let span = self.span().filter(|_| self.names == wanted.names && self.directory == wanted.directory);
        span.is_none_or(|(begins, ends)| now >= renews_at(begins, ends))
    }
}

/// The certificate for public names, and whoever keeps it.
pub struct Public {
    ctx: Ctx,
    file: PathBuf,
    wanted: Wanted,
    way: Way,
    kept: Mutex<Kept>,
    served: ArcSwapOption<CertifiedKey>,
}

impl std::fmt::Debug for Public {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Public({:?})", self.wanted.names)
    }
}

impl Public {
    /// What the settings want; none where they name nothing.
    pub fn open(ctx: &Ctx, settings: &Settings, tokens: &Arc<Tokens>) -> Result<Option<Arc<Self>>, Error> {
        let names: Vec<String> = parts(&settings.acme_names).map(str::to_ascii_lowercase).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let is_public = |name: &String| {
            super::name::is_name(name.trim_start_matches("*.")) && name.contains('.') && !name.ends_with(".local")
        };
        if let Some(name) = names.iter().find(|name| !is_public(name)) {
            return Err(Error::Internal(format!("settings: acme_names: {name} is no public name")));
        }
        if names.len() > NAMES_MAX {
            return Err(Error::Internal(format!("settings: acme_names: at most {NAMES_MAX} names")));
        }
        let way = match &settings.acme_hook {
            Some(program) => Way::Dns(program.clone()),
            None if names.iter().any(|name| name.starts_with("*.")) => {
                let why = "settings: acme_names: a name that begins with *. needs acme_hook";
                return Err(Error::Internal(why.into()));
            }
            None => Way::Http(tokens.clone()),
        };
        let wanted = Wanted {
            directory: settings.acme_directory.clone(),
            contact: settings.acme_contact.trim().to_owned(),
            names,
        };
        let file = settings.data.join("tls").join("public");
        let kept = match std::fs::read(&file) {
            Ok(sealed) => {
                let text = ctx.sealer.open(&SEALED, &sealed)?;
                serde_json::from_str(&text).map_err(|error| wrong("reading", &file, error))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(wrong("reading", &file, error)),
        };
        let served = ArcSwapOption::from_pointee(kept.certified()?);
        Ok(Some(Arc::new(Self { ctx: ctx.clone(), file, wanted, way, kept: Mutex::new(kept), served })))
    }

    fn kept(&self) -> Kept {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The certificate for whoever asks for that name.
    pub fn resolve(&self, asked: &str) -> Option<Arc<CertifiedKey>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.names.iter().any(|name| covers(name, asked)).then(|| self.served.load_full()).flatten()
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let kept = self.kept();
        Standing { names: self.wanted.names.join(", "), ends: kept.span().map(|(_, ends)| ends), why: kept.why }
    }

    /// Fetches what is due, as long as the box runs.
    pub async fn keep(self: Arc<Self>) {
        // One chance for the whole run: the pause after a failure must not be drawn anew with every look.
        let chance = self.ctx.random.number();
        let mut turns = tokio::time::interval(LOOK);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let kept = self.kept();
            if kept.is_due(&self.wanted, self.ctx.now(), chance)
                && let Err(error) = self.fetch(kept).await
            {
                tracing::error!(%error, "the certificate for public names stays as it is");
            }
        }
    }

    async fn fetch(&self, before: Kept) -> Result<(), Error> {
        let egress = self.ctx.egress()?;
        let account = before.account.as_deref().filter(|_| before.directory == self.wanted.directory);
        let now = self.ctx.now();
        let after = match obtain(egress, account, &self.wanted, &self.way).await {
            Ok(Issued { chain, key, account }) => Kept {
                directory: self.wanted.directory.clone(),
                account: Some(account),
                names: self.wanted.names.clone(),
                chain,
                key,
                tried: now.0,
                ..Kept::default()
            },
            Err(trouble) => {
                tracing::warn!(%trouble, "no certificate for public names");
                Kept {
                    failures: before.failures.saturating_add(1),
                    tried: now.0,
                    limited: matches!(trouble, Trouble::Limited(_)),
                    why: Some(trouble.to_string()),
                    ..before.clone()
                }
            }
        };
        let made = after.certified()?;
        let text = serde_json::to_string(&after).map_err(|error| Error::internal("keeping a certificate", error))?;
        let sealed = self.ctx.sealer.seal(self.ctx.random.as_ref(), &SEALED, &text)?;
        lay(&self.file, &sealed, 0o600).map_err(|error| wrong("writing", &self.file, error))?;
        if after.chain != before.chain {
            tracing::info!(
                names = self.wanted.names.join(","),
                "new connections are served with a new public certificate"
            );
            self.served.store(made.map(Arc::new));
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = after;
        Ok(())
    }
}
