//! Settings: a TOML file, then environment variables, then the command line.

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// How the box runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Folder of all data.
    pub data: PathBuf,
    /// Address the listener binds.
    pub listen: SocketAddr,
    /// File with the key for sensitive fields; must lie outside the data folder. None: beside it.
    pub key_file: Option<PathBuf>,
    /// Address that links and QR codes begin with. None: as each request came.
    pub public_url: Option<String>,
    /// What is logged, as `tracing` filters say it.
    pub log: String,
    /// Memory of the storage engine's cache in MiB.
    pub cache_mib: u64,
    /// Room that must stay free on the disk, in MiB; with less, writes are refused.
    pub reserve_mib: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("huiguan-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            key_file: None,
            public_url: None,
            log: "info,sled=warn".into(),
            cache_mib: 16,
            reserve_mib: 64,
        }
    }
}

impl Settings {
    /// Reads the file, if one is named, and variables that begin with `HUIGUAN_`.
    pub fn read(file: Option<&Path>) -> Result<Self, String> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        let read = builder.add_source(config::Environment::with_prefix("HUIGUAN").try_parsing(true)).build();
        read.and_then(config::Config::try_deserialize).map_err(|error| format!("settings: {error}"))
    }

    /// The key file, given or beside the data folder.
    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| {
            let name =
                self.data.file_name().map_or_else(|| "huiguan".into(), |name| name.to_string_lossy().into_owned());
            self.data.with_file_name(format!("{name}.key"))
        })
    }
}
