//! What every handler is given.

use domain::SpaceId;
use service::{Ctx, space::SetupCode};
use std::ops::Deref;
use std::sync::Arc;

/// The hall as handlers see it. Cheap to clone.
#[derive(Clone)]
pub struct Hall(Arc<Parts>);

impl Hall {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
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
}

/// How the box is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Address that links and QR codes begin with, such as `http://192.168.1.5:8080`; none: as the request came.
    pub public_url: Option<String>,
}

/// The space that an address belongs to. One box serves one association; its number stands here only.
pub fn space() -> SpaceId {
    SpaceId::ASSOCIATION
}
