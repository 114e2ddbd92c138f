//! A folder on another computer. A piece is written into a file here first, and goes from there: so it is known in whole, with its length, before
//! anything is sent, and lies in no memory.

use super::{BUFFER, Looked, Rack, Trouble, Write, said, told};
use bytes::Bytes;
use domain::backup::Home;
use gateway::{
    Egress,
    depot::{Bucket, Depot, Fault, Found, S3, SftpFolder, Source, WebDav},
    ssh,
};
use std::fs::{self, File};
use std::io::{BufWriter, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Who the box is there.
#[derive(Clone)]
pub struct Access {
    /// Name, or access key.
    pub user: String,
    /// Password, or its secret.
    pub secret: String,
}

/// What it takes to get there.
#[derive(Clone)]
pub struct Reached {
    /// Who the box is there.
    pub access: Access,
    /// The way out.
    pub egress: Egress,
    /// Where the network is waited for; whoever uses a target must not be one of its own tasks.
    pub handle: Handle,
    /// Where files lie before they go.
    pub spool: PathBuf,
}

/// The box's own folder there.
pub(super) struct Away {
    depot: Arc<dyn Depot>,
    handle: Handle,
    spool: PathBuf,
}

/// The key pair of a secret: the 64 hexadecimal digits of its seed.
pub fn ssh_key(secret: &str) -> Result<ssh::Key, Trouble> {
    let seed = data_encoding::HEXLOWER_PERMISSIVE.decode(secret.trim().as_bytes()).ok();
    let seed: Option<[u8; 32]> = seed.and_then(|seed| seed.try_into().ok());
    let seed = seed.ok_or_else(|| Trouble::Denied("the key has 64 hexadecimal digits".into()))?;
    ssh::Key::from_seed(&seed, "huiguan-backup").map_err(|trouble| Trouble::Other(trouble.to_string()))
}

/// What is written and read back before a place is trusted.
const TRIAL: &str = "trial.txt";

impl Away {
    pub fn new(home: &Home, reached: &Reached) -> Result<Self, Trouble> {
        let (egress, Access { user, secret }) = (reached.egress.clone(), &reached.access);
        let depot: Arc<dyn Depot> = match home {
            Home::Dav { base, root } => Arc::new(WebDav::new(egress, base, root, user, secret)),
            Home::Bucket { base, bucket, prefix, region, by_host } => {
                let at = Bucket {
                    base: base.clone(),
                    bucket: bucket.clone(),
                    prefix: prefix.clone(),
                    region: region.clone(),
                    by_host: *by_host,
                };
                Arc::new(S3::new(egress, at, user, secret))
            }
            Home::Sftp { host, port, root, pinned } => {
                let target = ssh::Target { host: host.clone(), port: *port, user: user.clone() };
                Arc::new(SftpFolder::new(target, ssh_key(secret)?, pinned.as_deref(), root))
            }
            Home::Folder(path) => return Err(Trouble::Other(format!("{path} is a folder here"))),
        };
        Ok(Self { depot, handle: reached.handle.clone(), spool: reached.spool.clone() })
    }

    /// Makes the box's folder in one that is there, and sees that what is written can be read and removed.
    pub fn prepare(&self, line: &str) -> Result<(), Trouble> {
        let trial = format!("{line}/{TRIAL}");
        self.handle.block_on(self.depot.list("")).map_err(told)?;
        self.handle.block_on(self.depot.make(line)).map_err(told)?;
        self.sent(&trial, &mut |out| {
            std::io::Write::write_all(out, trial.as_bytes()).map_err(|error| said("writing", &error))
        })?;
        let mut read = String::new();
        let pulled = self.pull(&trial)?.take(1_000).read_to_string(&mut read);
        pulled.map_err(|error| super::unread(&error))?;
        if read != trial {
            return Err(Trouble::Unsound("what was written is read otherwise".into()));
        }
        self.handle.block_on(self.depot.remove(&trial)).map_err(told)
    }

    fn sent(&self, path: &str, write: &mut Write<'_>) -> Result<u64, Trouble> {
        let failed = |error: std::io::Error| Trouble::Other(format!("preparing a piece on this box: {error}"));
        fs::create_dir_all(&self.spool).map_err(failed)?;
        let spooled = self.spool.join(path.replace('/', "-"));
        let file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&spooled).map_err(failed)?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        let sent = write(&mut out)
            .and_then(|()| out.into_inner().map_err(|error| failed(error.into_error())))
            .and_then(|_| self.handle.block_on(self.depot.put(path, &spooled)).map_err(told));
        if let Err(error) = fs::remove_file(&spooled) {
            tracing::warn!(path = %spooled.display(), %error, "a piece that was sent stays");
        }
        sent
    }

    fn pull(&self, path: &str) -> Result<Pull, Trouble> {
        let source = self.handle.block_on(self.depot.get(path)).map_err(told)?;
        Ok(Pull { handle: self.handle.clone(), source, left: Bytes::new() })
    }
}

impl Rack for Away {
    fn look(&self) -> Result<Looked, Trouble> {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for Found { name, bytes, folder } in self.handle.block_on(self.depot.list("")).map_err(told)? {
            if folder {
                folders.push(name);
            } else {
                files.push((name, bytes));
            }
        }
        Ok((files, folders))
    }

    fn put(&self, name: &str, write: &mut Write<'_>) -> Result<u64, Trouble> {
        self.sent(name, write)
    }

    fn read(&self, name: &str) -> Result<Box<dyn Read + Send>, Trouble> {
        Ok(Box::new(self.pull(name)?))
    }

    fn remove(&self, name: &str) -> Result<(), Trouble> {
        self.handle.block_on(self.depot.remove(name)).map_err(told)
    }

    fn remove_drafts(&self) {
        if let Err(fault) = self.handle.block_on(self.depot.clear("")) {
            tracing::warn!(%fault, "halves of backups may stay");
        }
    }
}

/// A piece that comes from there.
struct Pull {
    handle: Handle,
    source: Source,
    left: Bytes,
}

impl Read for Pull {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        while self.left.is_empty() {
            match self.handle.block_on(self.source.chunk()) {
                Ok(Some(chunk)) => self.left = chunk,
                Ok(None) => return Ok(0),
                Err(fault) => return Err(std::io::Error::other::<Fault>(fault)),
            }
        }
        let count = to.len().min(self.left.len());
        let part = self.left.split_to(count);
        if let Some(space) = to.get_mut(..count) {
            space.copy_from_slice(&part);
        }
        Ok(count)
    }
}
