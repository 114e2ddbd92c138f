//! Demonstration data.

use crate::settings::Settings;
use service::{Ctx, Error};

/// Fills an empty folder and says how to try it.
pub async fn prepare(_ctx: &Ctx, _settings: &Settings, _base: &str) -> Result<(), Error> {
    Ok(())
}
