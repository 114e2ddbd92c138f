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
    /// Address of the TLS listener; with one, plain requests from other computers are sent there. None: no TLS.
    pub listen_tls: Option<SocketAddr>,
    /// Address of the listener that tells figures to Prometheus. None: nothing is counted.
    pub metrics_listen: Option<SocketAddr>,
    /// Names of the box beside those that it finds out itself, for its own certificate.
    pub names: Vec<String>,
    /// PEM file of a certificate and its chain, to be served instead of the box's own.
    pub certificate: Option<PathBuf>,
    /// PEM file of that certificate's key.
    pub certificate_key: Option<PathBuf>,
    /// Public names for which a certificate is fetched by ACME, separated by commas. Empty: none.
    pub acme_names: String,
    /// Mail address for the authority; empty: none.
    pub acme_contact: String,
    /// Address of the authority's directory.
    pub acme_directory: String,
    /// Program that changes the DNS, for DNS-01. None: HTTP-01, by port 80 of each name.
    pub acme_hook: Option<PathBuf>,
    /// Whether the box tells its network that it is `huiguan.local`.
    pub announce: bool,
    /// File with the key for sensitive fields; must lie outside the data folder. None: beside it.
    pub key_file: Option<PathBuf>,
    /// Address that links and QR codes begin with. None: as each request came.
    pub public_url: Option<String>,
    /// What is logged, as `tracing` filters say it.
    pub log: String,
    /// Whether each line of the log is a JSON object.
    pub log_json: bool,
    /// Memory of the storage engine's cache in MiB.
    pub cache_mib: u64,
    /// Room that must stay free on the disk, in MiB; with less, writes are refused.
    pub reserve_mib: u64,
    /// Public key of the makers, by which packages of updates are signed. None: the one of the build.
    pub update_key: Option<String>,
    /// Addresses that the secretariat names (webhooks) may lead into the box's own network.
    pub private_targets: bool,
    /// Sites whose scripts may use the API, separated by commas.
    pub api_origins: String,
    /// Requests a minute that a logged-in person may send to the API; 0 is no limit.
    pub api_person_rate: u32,
    /// Requests a minute that one address may send to the API on behalf of nobody; 0 is no limit.
    pub api_address_rate: u32,
    /// Addresses or networks of proxies whose `X-Forwarded-For` is believed, separated by commas.
    pub forwarded_from: String,
    /// Addresses or networks whose connections begin with the PROXY protocol, separated by commas.
    pub proxy_protocol_from: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("huiguan-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            listen_tls: None,
            metrics_listen: None,
            names: Vec::new(),
            certificate: None,
            certificate_key: None,
            acme_names: String::new(),
            acme_contact: String::new(),
            acme_directory: "https://acme-v02.api.letsencrypt.org/directory".into(),
            acme_hook: None,
            announce: true,
            key_file: None,
            public_url: None,
            log: "info,sled=warn".into(),
            log_json: false,
            cache_mib: 16,
            reserve_mib: 64,
            update_key: None,
            private_targets: false,
            api_origins: String::new(),
            api_person_rate: 600,
            api_address_rate: 3_000,
            forwarded_from: String::new(),
            proxy_protocol_from: String::new(),
        }
    }
}

/// Name of the credential that is the key file (`LoadCredential=huiguan.key:…` in the unit).
const CREDENTIAL: &str = "huiguan.key";

/// The settings that a variable `HUIGUAN_<NAME>` sets; others of that prefix are not ours to read.
const VARIABLES: &[&str] = &[
    "data",
    "listen",
    "listen_tls",
    "metrics_listen",
    "certificate",
    "certificate_key",
    "acme_names",
    "acme_contact",
    "acme_directory",
    "acme_hook",
    "announce",
    "key_file",
    "public_url",
    "log",
    "log_json",
    "cache_mib",
    "reserve_mib",
    "update_key",
    "private_targets",
    "api_origins",
    "api_person_rate",
    "api_address_rate",
    "forwarded_from",
    "proxy_protocol_from",
];

/// The parts of a list in one line.
pub fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// The variables that are settings, as the configuration reads them.
fn variables(all: impl Iterator<Item = (String, String)>) -> config::Map<String, String> {
    let is_ours = |name: &str| {
        let setting = name.to_ascii_lowercase();
        setting.strip_prefix("huiguan_").is_some_and(|setting| VARIABLES.contains(&setting))
    };
    all.filter(|(name, _)| is_ours(name)).collect()
}

impl Settings {
    /// Folder of the search index, which can be made anew from the records at any time.
    pub fn search(&self) -> PathBuf {
        self.data.join("search")
    }

    /// Reads the file, if one is named, and variables that begin with `HUIGUAN_`.
    pub fn read(file: Option<&Path>) -> Result<Self, String> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        let variables =
            config::Environment::with_prefix("HUIGUAN").source(Some(variables(std::env::vars()))).try_parsing(true);
        let read = builder.add_source(variables).build();
        read.and_then(config::Config::try_deserialize).map_err(|error| format!("settings: {error}"))
    }

    /// The key file: what systemd hands over as a credential, else what is given, else what lies beside the data folder.
    pub fn key_file(&self) -> PathBuf {
        let handed = std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(CREDENTIAL));
        handed.filter(|file| file.is_file()).or_else(|| self.key_file.clone()).unwrap_or_else(|| {
            let name =
                self.data.file_name().map_or_else(|| "huiguan".into(), |name| name.to_string_lossy().into_owned());
            self.data.with_file_name(format!("{name}.key"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_that_are_settings_are_read() {
        let all =
            [("HUIGUAN_LISTEN", "127.0.0.1:1"), ("HUIGUAN_CONFIG", "x"), ("PATH", "y"), ("HUIGUAN_CACHE_MIB", "8")];
        let read = variables(all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut names: Vec<_> = read.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["HUIGUAN_CACHE_MIB", "HUIGUAN_LISTEN"]);
    }
}
