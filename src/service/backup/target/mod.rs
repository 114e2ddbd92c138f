//! Where backups lie: a folder on another disk or on another computer, with a folder of the box's own in it. What is written gets its name
//! when all of it is there.

mod away;
mod folder;

pub(super) use away::ssh_key;
pub use away::{Access, Reached};

use super::Trouble;
use away::Away;
use domain::backup::{Home, Piece, Shelf};
use folder::Folder;
use gateway::depot::Fault;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

/// Letters and digits that a folder of a box is named by, behind `huiguan-`.
pub(super) const NAME: &str = "huiguan-";
/// Bytes that are written or read at a time.
const BUFFER: usize = 1 << 18;

/// Why something of the system's could not be done.
pub(super) fn said(doing: &str, error: &std::io::Error) -> Trouble {
    if let Some(fault) = fault_in(error) {
        return told(fault.clone());
    }
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::Full,
        ErrorKind::NotFound => Trouble::Gone,
        _ => Trouble::Other(format!("{doing}: {error}")),
    }
}

/// Why a piece cannot be read to its end: the way to it broke off, or it is damaged.
pub(super) fn unread(error: &std::io::Error) -> Trouble {
    fault_in(error).map_or_else(|| Trouble::Unsound(error.to_string()), |fault| told(fault.clone()))
}

fn fault_in(error: &std::io::Error) -> Option<&Fault> {
    let mut cause = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(inner) = cause {
        if let Some(fault) = inner.downcast_ref::<Fault>() {
            return Some(fault);
        }
        cause = match inner.downcast_ref::<std::io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => inner.source(),
        };
    }
    None
}

fn told(fault: Fault) -> Trouble {
    match fault {
        Fault::Gone => Trouble::Gone,
        Fault::Full => Trouble::Full,
        Fault::Denied(why) => Trouble::Denied(why),
        Fault::Away(why) => Trouble::Away(why),
        Fault::Other(why) => Trouble::Other(why),
    }
}

/// What writes a piece.
type Write<'a> = dyn FnMut(&mut BufWriter<File>) -> Result<(), Trouble> + 'a;

/// Files with their bytes, and the names of folders.
type Looked = (Vec<(String, u64)>, Vec<String>);

/// What a place must be able to do. Names are those of files within the box's own folder.
trait Rack: Send + Sync {
    /// Files with their bytes, and the names of folders.
    fn look(&self) -> Result<Looked, Trouble>;
    /// Writes a file; it has its name when it is there in whole. Answers its bytes.
    fn put(&self, name: &str, write: &mut Write<'_>) -> Result<u64, Trouble>;
    /// Reads a file.
    fn read(&self, name: &str) -> Result<Box<dyn Read + Send>, Trouble>;
    /// Removes a file; one that is gone is removed.
    fn remove(&self, name: &str) -> Result<(), Trouble>;
    /// Removes what was being written when the box went down.
    fn remove_drafts(&self);
}

/// A place that people named, with what it takes to get there.
#[derive(Clone)]
pub struct Site {
    home: Home,
    reached: Option<Reached>,
}

impl Site {
    /// A folder of this machine.
    pub fn folder(path: &Path) -> Self {
        Self { home: Home::Folder(path.display().to_string()), reached: None }
    }

    /// Any place; one on another computer needs to be `reached`.
    pub fn new(home: Home, reached: Option<Reached>) -> Self {
        Self { home, reached }
    }

    fn rack(&self, inner: Option<&str>) -> Result<Arc<dyn Rack>, Trouble> {
        let home = inner.map_or_else(|| self.home.clone(), |inner| self.home.join(inner));
        match (&home, &self.reached) {
            (Home::Folder(path), _) => Ok(Arc::new(Folder::at(path))),
            (_, Some(reached)) => Ok(Arc::new(Away::new(&home, reached)?)),
            (_, None) => Err(Trouble::Denied("name and password are not known".into())),
        }
    }
}

/// The box's own folder.
#[derive(Clone)]
pub(super) struct Target {
    home: Home,
    rack: Arc<dyn Rack>,
}

impl Target {
    /// Makes the box's folder in one that is there; it must be possible to write and read in it.
    pub fn prepare(site: &Site, line: &str) -> Result<Self, Trouble> {
        match (&site.home, &site.reached) {
            (Home::Folder(path), _) => Folder::prepare(Path::new(path), line)?,
            (home, Some(reached)) => Away::new(home, reached)?.prepare(line)?,
            (_, None) => {}
        }
        let target = Self::open(site, line)?;
        target.look()?;
        Ok(target)
    }

    /// The box's folder as it was made. Where a disk is not plugged in, its empty mount point is no place for backups.
    pub fn open(site: &Site, line: &str) -> Result<Self, Trouble> {
        let target = Self { home: site.home.join(line), rack: site.rack(Some(line))? };
        match &target.home {
            Home::Folder(path) if !Path::new(path).is_dir() => Err(Trouble::Gone),
            _ => Ok(target),
        }
    }

    /// For reading: a box's folder, or the one folder of a box in it. The error names what is there.
    pub fn find(site: &Site) -> Result<Self, String> {
        let shown = site.home.text();
        let failed = |trouble: Trouble| format!("{shown}: {trouble}");
        let above = Self { home: site.home.clone(), rack: site.rack(None).map_err(failed)? };
        let (files, folders) = above.look().map_err(failed)?;
        if files.iter().filter_map(|(name, _)| Piece::parse(name)).any(|piece| matches!(piece, Piece::Full { .. })) {
            return Ok(above);
        }
        let mut own: Vec<String> = folders.into_iter().filter(|name| name.starts_with(NAME)).collect();
        own.sort();
        match own.as_slice() {
            [] => Err(format!("there are no backups in {shown}")),
            [one] => Self::open(site, one).map_err(failed),
            many => Err(format!("there are backups of several boxes in {shown}; name one: {}", many.join(", "))),
        }
    }

    fn look(&self) -> Result<Looked, Trouble> {
        self.rack.look()
    }

    /// Where it is.
    pub fn shown(&self) -> String {
        self.home.text()
    }

    /// All pieces with their bytes. Other files are nobody's business.
    pub fn pieces(&self) -> Result<BTreeMap<Piece, u64>, Trouble> {
        let (files, _) = self.look()?;
        Ok(files.into_iter().filter_map(|(name, bytes)| Some((Piece::parse(&name)?, bytes))).collect())
    }

    /// Full backups and parts.
    pub fn shelf(&self) -> Result<Shelf, Trouble> {
        Ok(Shelf::of(self.pieces()?.into_keys()))
    }

    /// Writes a piece; it has its name when it is there in whole. Answers its bytes.
    pub fn put(
        &self,
        piece: &Piece,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Trouble>,
    ) -> Result<u64, Trouble> {
        let mut write = Some(write);
        self.rack.put(&piece.name(), &mut |out| match write.take() {
            Some(write) => write(out),
            None => Err(Trouble::Other("a piece is written once".into())),
        })
    }

    /// Reads a piece.
    pub fn read(&self, piece: &Piece) -> Result<BufReader<Box<dyn Read + Send>>, Trouble> {
        Ok(BufReader::with_capacity(BUFFER, self.rack.read(&piece.name())?))
    }

    /// Removes a piece; one that is gone is removed.
    pub fn remove(&self, piece: &Piece) -> Result<(), Trouble> {
        self.rack.remove(&piece.name())
    }

    /// Removes what was being written when the box went down.
    pub fn remove_drafts(&self) {
        self.rack.remove_drafts();
    }
}
