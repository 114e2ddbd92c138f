//! Snapshots: everything at one instant in one checksummed file, written while the store runs, and restored into an empty
//! folder, with the groups that came after it where they were kept. Encryption and schedules are not here.

use crate::{
    Error, Options, Order, Store, View,
    disk::{Disk, RealDisk},
    journal::{decode, encode, part},
    layer::Layers,
};
use bytes::Bytes;
use ring::digest::{Context, SHA256};
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// First bytes of the file; then the sequence, then chunks, then the end.
const MAGIC: &[u8; 8] = b"HGSNAP01";
/// A chunk is written when it has this many bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// Largest chunk that is read back.
const CHUNK_MAX: u32 = 64 << 20;

/// A snapshot that is complete and on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The file.
    pub path: PathBuf,
    /// Sequence number of the newest group in it.
    pub sequence: u64,
    /// Keys in it: records, index entries, counts and audit blocks.
    pub entries: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Name of an automatic snapshot.
pub(crate) fn file_name(sequence: u64) -> String {
    format!("{sequence:020}.snap")
}

/// Automatic snapshots, oldest first.
pub(crate) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let names = disk.list(dir).map_err(Error::io("listing the snapshots"))?;
    let numbered = names.iter().filter_map(|name| Some((name.strip_suffix(".snap")?.parse().ok()?, dir.join(name))));
    Ok(numbered.collect())
}

/// Writes bytes one behind the other and hashes them.
struct Output {
    file: Box<dyn crate::disk::DiskFile>,
    at: u64,
    hash: Context,
}

impl Output {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_at(bytes, self.at).map_err(Error::io("writing a snapshot"))?;
        self.at += bytes.len() as u64;
        self.hash.update(bytes);
        Ok(())
    }

    fn chunk(&mut self, list: &[(Bytes, Option<Bytes>)]) -> Result<(), Error> {
        let payload = encode(list.iter().map(|(key, value)| (key, value)))?;
        let length = u32::try_from(payload.len()).map_err(|_| Error::Engine("a chunk is too large".into()))?;
        self.put(&[length.to_le_bytes(), crc32fast::hash(&payload).to_le_bytes()].concat())?;
        self.put(&payload)
    }
}

/// Gathers entries, which come in the order of their keys, into chunks.
struct Gathering<'a> {
    out: &'a mut Output,
    list: Vec<(Bytes, Option<Bytes>)>,
    bytes: usize,
    entries: u64,
}

impl Gathering<'_> {
    fn add(&mut self, key: Bytes, value: Bytes) -> Result<(), Error> {
        self.bytes += key.len() + value.len();
        self.entries += 1;
        self.list.push((key, Some(value)));
        if self.bytes >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if !self.list.is_empty() {
            self.out.chunk(&self.list)?;
        }
        self.list.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Writes what the layers hold. The file gets its name when it is on disk in whole.
pub(crate) fn write(disk: &dyn Disk, layers: &Layers<'_>, sequence: u64, target: &Path) -> Result<Snapshot, Error> {
    write_with(disk, sequence, target, |to| {
        for kept in layers.range((Bound::Unbounded, Bound::Unbounded), Order::Ascending) {
            let (key, value) = kept?;
            to.add(key, value)?;
        }
        Ok(())
    })
}

/// Writes a snapshot of the entries that `fill` adds.
fn write_with(
    disk: &dyn Disk,
    sequence: u64,
    target: &Path,
    fill: impl FnOnce(&mut Gathering<'_>) -> Result<(), Error>,
) -> Result<Snapshot, Error> {
    let draft = target.with_extension("part");
    let file = disk.create(&draft, 0).map_err(Error::io("making a snapshot"))?;
    let mut out = Output { file, at: 0, hash: Context::new(&SHA256) };
    let entries = whole(&mut out, sequence, fill);
    let finished = entries.and_then(|entries| {
        out.file.sync().map_err(Error::io("syncing a snapshot"))?;
        disk.rename(&draft, target).map_err(Error::io("naming a snapshot"))?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        disk.sync_dir(parent).map_err(Error::io("naming a snapshot"))?;
        Ok(entries)
    });
    match finished {
        Ok(entries) => Ok(Snapshot { path: target.to_owned(), sequence, entries, bytes: out.at }),
        Err(error) => {
            if let Err(error) = disk.remove(&draft) {
                tracing::warn!(path = %draft.display(), %error, "half a snapshot stays");
            }
            Err(error)
        }
    }
}

fn whole(
    out: &mut Output,
    sequence: u64,
    fill: impl FnOnce(&mut Gathering<'_>) -> Result<(), Error>,
) -> Result<u64, Error> {
    out.put(MAGIC)?;
    out.put(&sequence.to_le_bytes())?;
    let mut to = Gathering { out, list: Vec::new(), bytes: 0, entries: 0 };
    fill(&mut to)?;
    to.flush()?;
    let entries = to.entries;
    out.put(&0u32.to_le_bytes())?;
    out.put(&entries.to_le_bytes())?;
    let hash = out.hash.clone().finish();
    out.put(hash.as_ref()).map(|()| entries)
}

/// A hashing reader whose ends and gaps are errors that name the file.
struct Input<'a> {
    from: Box<dyn Read + Send>,
    hash: Context,
    path: &'a Path,
}

impl Input<'_> {
    fn bad(&self, why: impl ToString) -> Error {
        Error::Snapshot { path: self.path.to_owned(), why: why.to_string() }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| self.bad(error))?;
        self.hash.update(&bytes);
        Ok(bytes)
    }
}

/// Reads a snapshot and gives out its chunks; an error may come after chunks were given out. Answers sequence and entries.
pub(crate) fn read(
    disk: &dyn Disk,
    path: &Path,
    mut each: impl FnMut(Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), Error>,
) -> Result<(u64, u64), Error> {
    let from = disk.reader(path).map_err(Error::io(format!("opening the snapshot {}", path.display())))?;
    let mut input = Input { from, hash: Context::new(&SHA256), path };
    if input.take()? != *MAGIC {
        return Err(input.bad("not a snapshot, or of an unknown format"));
    }
    let sequence = u64::from_le_bytes(input.take()?);
    let mut entries = 0;
    loop {
        let length = u32::from_le_bytes(input.take()?);
        if length == 0 {
            break;
        }
        if length > CHUNK_MAX {
            return Err(input.bad("a chunk is too large"));
        }
        let sum = u32::from_le_bytes(input.take()?);
        let mut payload = vec![0; length as usize];
        input.from.read_exact(&mut payload).map_err(|error| input.bad(error))?;
        input.hash.update(&payload);
        if crc32fast::hash(&payload) != sum {
            return Err(input.bad("a chunk has a wrong checksum"));
        }
        let list = decode(&payload).map_err(|why| input.bad(why))?;
        entries += list.len() as u64;
        each(list)?;
    }
    if u64::from_le_bytes(input.take()?) != entries {
        return Err(input.bad("entries are missing"));
    }
    let hash = input.hash.clone().finish();
    if input.take::<32>()? != *hash.as_ref() {
        return Err(input.bad("the whole has a wrong hash"));
    }
    match input.from.read(&mut [0; 1]) {
        Ok(0) => Ok((sequence, entries)),
        _ => Err(input.bad("bytes behind the end")),
    }
}

/// Reads a snapshot through without keeping anything. Answers sequence and entries.
pub(crate) fn check(disk: &dyn Disk, path: &Path) -> Result<(u64, u64), Error> {
    read(disk, path, |_| Ok(()))
}

impl View {
    /// Writes everything in this view into a file. An existing file of that name is replaced when the new one is complete.
    pub fn snapshot(&self, target: &Path) -> Result<Snapshot, Error> {
        write(&RealDisk, &self.layers(), self.sequence(), target)
    }
}

/// Keys as they were left; none: removed.
type Later = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What came after a snapshot: the newest group's number, and each key as it was left.
fn gather(disk: &dyn Disk, parts: &[PathBuf], snapshot: u64) -> Result<(u64, Later), Error> {
    let (mut last, mut changes) = (snapshot, Later::new());
    for path in parts {
        let mut from = disk.reader(path).map_err(Error::io(format!("opening {}", path.display())))?;
        part::read(from.as_mut(), path, |sequence, group| {
            // A part may begin before the snapshot, or where the one before it ended.
            if sequence <= last {
                return Ok(());
            }
            if sequence != last + 1 {
                let why = format!("groups {} to {} are missing before it", last + 1, sequence - 1);
                return Err(Error::Snapshot { path: path.clone(), why });
            }
            last = sequence;
            changes.extend(group);
            Ok(())
        })?;
    }
    Ok((last, changes))
}

/// The snapshot's entries with the changes over them, in the order of their keys.
fn merged(disk: &dyn Disk, snapshot: &Path, changes: Later, to: &mut Gathering<'_>) -> Result<(), Error> {
    let mut changes = changes.into_iter().peekable();
    let mut newer = |to: &mut Gathering<'_>, upto: Option<&[u8]>| -> Result<bool, Error> {
        while let Some((key, value)) = changes.next_if(|(key, _)| upto.is_none_or(|upto| key.as_slice() <= upto)) {
            let same = upto == Some(key.as_slice());
            if let Some(value) = value {
                to.add(key.into(), value.into())?;
            }
            if same {
                return Ok(true);
            }
        }
        Ok(false)
    };
    read(disk, snapshot, |chunk| {
        for (key, value) in chunk {
            if !newer(to, Some(&key))?
                && let Some(value) = value
            {
                to.add(key.into(), value.into())?;
            }
        }
        Ok(())
    })?;
    newer(to, None).map(drop)
}

/// Makes a store out of a snapshot and the parts that came after it (none, or in order and without a gap), in a folder that is empty or not
/// there yet. Everything is checked in whole first.
pub fn restore(snapshot: &Path, parts: &[PathBuf], target: &Path) -> Result<Snapshot, Error> {
    let disk = RealDisk;
    let (sequence, _) = check(&disk, snapshot)?;
    let (sequence, changes) = gather(&disk, parts, sequence)?;
    disk.make_dir(target).map_err(Error::io("making the data folder"))?;
    if !disk.list(target).map_err(Error::io("looking into the data folder"))?.is_empty() {
        return Err(Error::NotEmpty(target.to_owned()));
    }
    let dir = crate::disk::Folder(target.to_owned()).snapshot();
    disk.make_dir(&dir).map_err(Error::io("making the data folder"))?;
    let path = dir.join(file_name(sequence));
    let laid = write_with(&disk, sequence, &path, |to| merged(&disk, snapshot, changes, to))?;
    let (store, _) = Store::open(Options::new(target))?;
    store.close()?;
    Ok(Snapshot { path: target.to_owned(), ..laid })
}
