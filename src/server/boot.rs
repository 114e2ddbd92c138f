//! Boot: keys, store, files, and the context that every verb is given.

use crate::{
    clock::{SystemChance, SystemClock},
    settings::Settings,
};
use service::{Clock, Ctx, Error, file::Files, seal::Sealer};
use std::fs;
use std::sync::Arc;
use store::{Opened, Options, Store};

/// Opens everything that the settings name.
pub fn open(settings: &Settings) -> Result<Ctx, Error> {
    Ok(open_saying(settings)?.0)
}

/// As [`open`], with what opening the store found.
pub fn open_saying(settings: &Settings) -> Result<(Ctx, Opened), Error> {
    if let Some(done) = crate::update::resume(&settings.data)? {
        tracing::warn!(done, "an update was cut short");
    }
    let chance = SystemChance::new();
    let key_file = settings.key_file();
    if key_file.starts_with(&settings.data) {
        return Err(Error::Internal(
            "the key file must lie outside the data folder, or a copy of the folder gives everything away".into(),
        ));
    }
    let keys = crate::key::open(&key_file, &settings.data, &chance)?;
    let mut options = Options::new(settings.data.join("store"));
    options.cache_bytes = settings.cache_mib << 20;
    options.reserve_bytes = settings.reserve_mib << 20;
    fs::create_dir_all(&settings.data).map_err(|error| Error::internal("making the data folder", error))?;
    let place = service::standby::Place { data: settings.data.clone(), keys: keys.clone() };
    // What came from the leader in whole gets into its place while nobody holds the old.
    if let Some(aside) = service::standby::settle(&settings.data, SystemClock.now())? {
        tracing::warn!(aside = %aside.display(), "the records that did not fit behind the leader's were put aside");
    }
    let (store, opened) = Store::open(options)?;
    tracing::info!(?opened, "store opened");
    let files = Files::open(&settings.data.join("file"))?;
    let sealer = Sealer::of(&keys)?;
    // Before anybody reads them.
    let resealed = service::key::reseal_files(&settings.data, &sealer, &chance)?;
    if resealed > 0 {
        tracing::info!(resealed, "files were sealed by the newest key");
    }
    let ctx = Ctx::new(store, Arc::new(SystemClock), Arc::new(chance), sealer, files);
    service::key::check(&ctx)?;
    let standing = service::standby::register(&ctx, place)?;
    if !standing.role.writes() {
        // Before anybody else gets at it, whatever the program was started for.
        ctx.store().fence("this box does not lead")?;
    }
    ctx.open_egress(settings.private_targets)?;
    service::wechat::register(&ctx);
    let data =
        std::path::absolute(&settings.data).map_err(|error| Error::internal("finding the data folder", error))?;
    service::backup::register(&ctx, service::backup::Place { data, keys });
    Ok((ctx, opened))
}
