//! What of the hall a request may reach that came through the tunnel: asked for every one of them, before the router and after the space is known.

use crate::answer::Failure;
use axum::http::Request;
use domain::{refuse, tunnel::is_open};

/// The mark of a request that came through the tunnel, put in by whoever serves it.
#[derive(Debug, Clone, Copy)]
pub struct Tunnelled {
    /// Whether what is for staff may be reached as well.
    pub staff: bool,
}

/// Lets a request in, or refuses it because it came through the tunnel and what it asks for is not for everybody.
pub fn admit<B>(request: &Request<B>) -> Result<(), Failure> {
    match request.extensions().get::<Tunnelled>() {
        Some(Tunnelled { staff: false }) if !is_open(request.uri().path()) => Err(refuse!(
            Denied,
            "tunnel.closed",
            "This page cannot be reached from outside. Open it in the network of the association."
        )
        .into()),
        _ => Ok(()),
    }
}
