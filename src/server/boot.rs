//! Boot: key file, store, files, and the context that every verb is given.

use crate::{
    clock::{SystemChance, SystemClock},
    settings::Settings,
};
use service::{Clock, Ctx, Error, Random, file::Files, seal::Sealer};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use store::{Opened, Options, Store};

/// Reads the key file, or makes it at the very first start. Data without its key is refused: a new key would not open old secrets.
fn key(path: &Path, data: &Path, chance: &dyn Random) -> Result<[u8; 32], Error> {
    if let Ok(bytes) = fs::read(path) {
        let wrong = |_| Error::Internal(format!("{} is not a key file: it must have 32 bytes", path.display()));
        return bytes.try_into().map_err(wrong);
    }
    if data.join("store").exists() {
        return Err(Error::Internal(format!(
            "the key file {} is missing although there are data; put it back, or name it with key_file",
            path.display()
        )));
    }
    let mut key = [0; 32];
    chance.fill(&mut key);
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&key)?;
        file.sync_all()
    };
    write().map_err(|error| Error::internal(&format!("writing the key file {}", path.display()), error))?;
    Ok(key)
}

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
    let key = key(&key_file, &settings.data, &chance)?;
    let mut options = Options::new(settings.data.join("store"));
    options.cache_bytes = settings.cache_mib << 20;
    options.reserve_bytes = settings.reserve_mib << 20;
    fs::create_dir_all(&settings.data).map_err(|error| Error::internal("making the data folder", error))?;
    let place = service::standby::Place { data: settings.data.clone(), key };
    // What came from the leader in whole gets into its place while nobody holds the old.
    if let Some(aside) = service::standby::settle(&settings.data, SystemClock.now())? {
        tracing::warn!(aside = %aside.display(), "the records that did not fit behind the leader's were put aside");
    }
    let (store, opened) = Store::open(options)?;
    tracing::info!(?opened, "store opened");
    let files = Files::open(&settings.data.join("file"))?;
    let ctx = Ctx::new(store, Arc::new(SystemClock), Arc::new(chance), Sealer::new(&key)?, files);
    let standing = service::standby::register(&ctx, place)?;
    if !standing.role.writes() {
        // Before anybody else gets at it, whatever the program was started for.
        ctx.store().fence("this box does not lead")?;
    }
    ctx.open_egress(settings.private_targets)?;
    service::wechat::register(&ctx);
    let data =
        std::path::absolute(&settings.data).map_err(|error| Error::internal("finding the data folder", error))?;
    service::backup::register(&ctx, service::backup::Place { data, key });
    Ok((ctx, opened))
}
