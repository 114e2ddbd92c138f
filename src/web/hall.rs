//! What every handler is given.

use domain::{EventId, Permission};
use service::{Actor, At, Ctx, rate::Rate, space::SetupCode};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// The hall as handlers see it. Cheap to clone.
#[derive(Clone)]
pub struct Hall(Arc<Parts>);

impl Hall {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Hall {
    /// Whether somebody may do that at an event: what a page offers follows from it, what is done is checked by the verb.
    pub fn may(&self, actor: &Actor, permission: Permission, event: EventId) -> bool {
        self.ctx.permit(actor, permission, At::Event(event)).is_ok()
    }
}

impl Deref for Hall {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What a [`Hall`] holds.
pub struct Parts {
    /// What verbs need.
    pub ctx: Ctx,
    /// The code of the set-up page.
    pub setup: Arc<SetupCode>,
    /// How the box is reached.
    pub settings: Settings,
    /// How the scanners attached to the box are.
    pub ports: Arc<Ports>,
}

/// How the scanners attached to the box are, as whoever reads them says.
#[derive(Debug, Default)]
pub struct Ports(Mutex<BTreeMap<String, &'static str>>);

impl Ports {
    /// Notes how a scanner is; an English source text.
    pub fn note(&self, port: &str, says: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(port.to_owned(), says);
    }

    /// Device files and what was noted last.
    pub fn look(&self) -> Vec<(String, String)> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|(port, says)| (port.clone(), (*says).to_owned())).collect()
    }
}

/// How the box is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Address that links and QR codes begin with, such as `http://192.168.1.5:8080`; none: as the request came.
    pub public_url: Option<String>,
    /// The root of the box's own certificates, where it serves TLS with them.
    pub root: Option<crate::root::Root>,
    /// The API's limits.
    pub api: ApiSettings,
}

/// What the API takes from whom.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Sites whose scripts may ask, such as `https://example.org`.
    pub origins: Vec<String>,
    /// How often a logged-in person may ask.
    pub person: Rate,
    /// How often one address may ask on behalf of nobody.
    pub address: Rate,
}

impl ApiSettings {
    /// Limits of so many requests a minute of a person and of an address; 0 is no limit.
    pub fn new(origins: Vec<String>, person: u32, address: u32) -> Self {
        let rate = |minute: u32| Rate { burst: (minute / 4).max(20), minute };
        Self { origins, person: rate(person), address: rate(address) }
    }
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self::new(Vec::new(), 600, 3_000)
    }
}
