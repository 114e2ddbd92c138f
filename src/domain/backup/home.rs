//! Where backups lie: a folder of this machine, or one on another computer, which is named by an address.

use crate::{Problem, problem};

/// Where backups lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// A folder, from the root.
    Folder(String),
    /// A folder on a WebDAV server.
    Dav {
        /// Scheme, host and perhaps port.
        base: String,
        /// Path, percent-encoded, with a slash at its beginning and none at its end; empty for the top.
        root: String,
    },
    /// S3-like storage.
    Bucket {
        /// Scheme, host and perhaps port.
        base: String,
        /// The bucket.
        bucket: String,
        /// What names begin with; perhaps empty.
        prefix: String,
        /// The region that is signed.
        region: String,
        /// The bucket is a part of the host's name.
        by_host: bool,
    },
    /// A folder on a server by SFTP.
    Sftp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
        /// Path from the root, or from the account's own folder.
        root: String,
        /// Fingerprint of the server's host key, once somebody compared it.
        pinned: Option<String>,
    },
}

/// Where SSH listens.
const SSH_PORT: u16 = 22;

/// The region of whoever has none.
const REGION: &str = "us-east-1";

/// A host with perhaps a port.
fn is_host(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    !text.is_empty() && text.bytes().all(fits) && !text.starts_with(['.', '-', ':'])
}

/// As OpenSSH shows it: SHA-256 in base64.
fn is_fingerprint(text: &str) -> bool {
    let digits = text.strip_prefix("SHA256:").unwrap_or_default();
    digits.len() == 43 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// A path between slashes that leads nowhere else.
fn is_path(text: &str) -> bool {
    text.split('/').all(|name| !name.is_empty() && name != "." && name != "..") && !text.contains(['\\', '#', '?'])
}

/// Percent-encodes what an address cannot hold; what is encoded already stays.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~/%!$&'()*+,;=:@".contains(&byte);
        if plain { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    out
}

impl Home {
    /// Reads what somebody typed: `/mnt/backup`, `https://host/path` (WebDAV), `s3+https://host/bucket/prefix?region=name&style=host`,
    /// `sftp://host:port/path?host=SHA256:…`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else { return Self::folder(text) };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        if host.contains('@') {
            return Err(problem!(
                "folder",
                "Name and password have fields of their own; leave them out of the address."
            ));
        }
        let wrong = || problem!("folder", "This is no address. Write it such as https://nas.example.org/backup.");
        if !is_host(host) || !(path.is_empty() || is_path(path)) {
            return Err(wrong());
        }
        match scheme {
            "https" | "http" if query.is_empty() => Ok(Self::Dav {
                base: format!("{scheme}://{host}"),
                root: if path.is_empty() { String::new() } else { format!("/{}", encoded(path)) },
            }),
            "https" | "http" => Err(wrong()),
            "s3+https" | "s3+http" => Self::bucket(scheme.trim_start_matches("s3+"), host, path, query),
            "sftp" => Self::sftp(host, path, query),
            _ => Err(problem!(
                "folder",
                "An address begins with https:// for WebDAV, s3+https:// for S3-like storage, or sftp://."
            )),
        }
    }

    fn folder(text: &str) -> Result<Self, Problem> {
        let folder = text.trim_end_matches('/');
        if !folder.starts_with('/') || folder.split('/').any(|name| name == "..") {
            return Err(problem!("folder", "Give the folder from the root, such as /mnt/backup, or an address."));
        }
        Ok(Self::Folder(folder.to_owned()))
    }

    fn bucket(scheme: &str, host: &str, path: &str, query: &str) -> Result<Self, Problem> {
        let wrong = || {
            problem!(
                "folder",
                "Write the bucket behind the host, such as s3+https://host/bucket/folder?region=name, with style=host where the bucket is a part of the host’s name."
            )
        };
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let (mut region, mut by_host) = (REGION.to_owned(), false);
        for (name, value) in
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        {
            match (name, value) {
                ("region", value) if is_name(value) => region = value.to_owned(),
                ("style", "host") => by_host = true,
                ("style", "path") => by_host = false,
                _ => return Err(wrong()),
            }
        }
        if !is_name(bucket) {
            return Err(wrong());
        }
        let base = format!("{scheme}://{host}");
        Ok(Self::Bucket { base, bucket: bucket.to_owned(), prefix: prefix.to_owned(), region, by_host })
    }

    fn sftp(host: &str, path: &str, query: &str) -> Result<Self, Problem> {
        let wrong = || {
            problem!(
                "folder",
                "Write the folder behind the host, such as sftp://nas.example.org/srv/backup, or ~/backup for one of the account’s own."
            )
        };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?)
            }
            _ => (host, SSH_PORT),
        };
        let pinned = match query.split_once('=') {
            None if query.is_empty() => None,
            Some(("host", key)) if is_fingerprint(key) => Some(key.to_owned()),
            _ => {
                return Err(problem!(
                    "folder",
                    "Behind the question mark stands the host key, such as host=SHA256:…, and nothing else."
                ));
            }
        };
        let root = match path.strip_prefix("~/") {
            Some(own) => own.to_owned(),
            None => format!("/{path}"),
        };
        if path.is_empty() || path == "~" {
            return Err(wrong());
        }
        Ok(Self::Sftp { host: name.trim_matches(['[', ']']).to_owned(), port, root, pinned })
    }

    /// It is on another computer.
    pub fn is_away(&self) -> bool {
        !matches!(self, Self::Folder(_))
    }

    /// The computer; none for this one. A password is good for this one alone.
    pub fn base(&self) -> Option<&str> {
        match self {
            Self::Folder(_) => None,
            Self::Sftp { host, .. } => Some(host),
            Self::Dav { base, .. } | Self::Bucket { base, .. } => Some(base),
        }
    }

    /// A folder in it.
    pub fn join(&self, name: &str) -> Self {
        let mut inner = self.clone();
        match &mut inner {
            Self::Folder(path) | Self::Dav { root: path, .. } | Self::Sftp { root: path, .. } => {
                *path = format!("{path}/{name}")
            }
            Self::Bucket { prefix, .. } if prefix.is_empty() => *prefix = name.to_owned(),
            Self::Bucket { prefix, .. } => *prefix = format!("{prefix}/{name}"),
        }
        inner
    }

    /// As it is typed.
    pub fn text(&self) -> String {
        match self {
            Self::Folder(path) => path.clone(),
            Self::Dav { base, root } => format!("{base}{root}"),
            Self::Sftp { host, port, root, pinned } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let port = if *port == SSH_PORT { String::new() } else { format!(":{port}") };
                let path = if root.starts_with('/') { root.clone() } else { format!("/~/{root}") };
                let pinned = pinned.as_ref().map(|key| format!("?host={key}")).unwrap_or_default();
                format!("sftp://{host}{port}{path}{pinned}")
            }
            Self::Bucket { base, bucket, prefix, region, by_host } => {
                let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
                let style = if *by_host { "&style=host" } else { "" };
                format!("s3+{base}/{bucket}{prefix}?region={region}{style}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_kind_of_place_it_is_and_reads_as_it_was_written() {
        let cases = [
            ("/mnt/backup/", "/mnt/backup", None, "/mnt/backup/b"),
            (
                "https://nas.example.org/dav/备份 1/",
                "https://nas.example.org/dav/%E5%A4%87%E4%BB%BD%201",
                Some("https://nas.example.org"),
                "https://nas.example.org/dav/%E5%A4%87%E4%BB%BD%201/b",
            ),
            (
                "http://192.168.1.9:5005",
                "http://192.168.1.9:5005",
                Some("http://192.168.1.9:5005"),
                "http://192.168.1.9:5005/b",
            ),
            (
                "s3+https://oss.example.org/hall",
                "s3+https://oss.example.org/hall?region=us-east-1",
                Some("https://oss.example.org"),
                "s3+https://oss.example.org/hall/b?region=us-east-1",
            ),
            (
                "s3+https://oss.example.org/hall/a/?region=cn-1&style=host",
                "s3+https://oss.example.org/hall/a?region=cn-1&style=host",
                Some("https://oss.example.org"),
                "s3+https://oss.example.org/hall/a/b?region=cn-1&style=host",
            ),
        ];
        for (typed, text, base, inner) in cases {
            let home = Home::parse(typed).unwrap();
            assert_eq!((home.text().as_str(), home.base(), home.join("b").text().as_str()), (text, base, inner));
            assert_eq!(Home::parse(&home.text()).unwrap(), home);
            assert_eq!(home.is_away(), base.is_some());
        }
        for bad in [
            "",
            "backup",
            "/",
            "/mnt/../etc",
            "ftp://nas/x",
            "https://",
            "https:///x",
            "https://box:secret@nas/x",
            "https://nas/a/../b",
            "https://nas/a//b",
            "https://nas/a?b=c",
            "https://nas/a#b",
            "s3+https://host",
            "s3+https://host/",
            "s3+https://host/b?key=x",
            "s3+https://host/b?region=",
            "s3+https://host/b/../c",
            "file:///etc",
            "sftp://nas",
            "sftp://nas/~",
            "sftp://nas:0/x",
            "sftp://nas:99999/x",
            "sftp://nas/x?host=MD5:00",
            "sftp://nas/x?key=1",
        ] {
            assert_eq!(Home::parse(bad).map_err(|problem| problem.field), Err("folder".to_owned()), "{bad}");
        }
    }
}
