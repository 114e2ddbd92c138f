//! Big screens for the audience.

mod draw;

use crate::Hall;
use axum::Router;

/// Routes of the screens.
pub fn routes() -> Router<Hall> {
    draw::routes()
}
