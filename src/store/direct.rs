//! Appending past the page cache (`O_DIRECT` with `O_DSYNC`, see open(2)): a frame of the journal is read by nobody while it is fresh, and the cache makes its sync dearer
//! and, beside other writers, a hundred times slower at times. Blocks are written whole, so the last one is kept here and written again with what follows.

use crate::disk::DiskFile;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Offsets, lengths and memory of direct writes are multiples of this: no disk has larger logical blocks.
pub(crate) const BLOCK: usize = 4096;
/// What is longer goes through the page cache: the memory for it would stay.
const DIRECT_MAX: usize = 1 << 20;

/// An open file.
pub(crate) struct Written {
    plain: File,
    /// None where the file system has no such writes.
    past: Mutex<Option<Past>>,
}

/// The way past the page cache.
struct Past {
    file: File,
    /// Length of the file: a direct write must not make it longer.
    len: u64,
    memory: Aligned,
    /// The offset of the block that `memory` begins with, which is complete up to where the next frame begins.
    tail: Option<u64>,
}

/// Bytes whose first lies at a multiple of [`BLOCK`] in memory.
#[derive(Default)]
struct Aligned {
    bytes: Vec<u8>,
    from: usize,
}

impl Aligned {
    /// At least `len` bytes; what was there in the first block stays.
    fn of(&mut self, len: usize) -> Option<&mut [u8]> {
        if self.bytes.len() < self.from + len {
            let mut bytes = vec![0; len.next_power_of_two().max(16 * BLOCK) + BLOCK];
            let from = bytes.as_ptr().align_offset(BLOCK);
            if let (Some(old), Some(new)) =
                (self.bytes.get(self.from..self.from + BLOCK), bytes.get_mut(from..from + BLOCK))
            {
                new.copy_from_slice(old);
            }
            *self = Self { bytes, from };
        }
        self.bytes.get_mut(self.from..self.from + len)
    }
}

impl Written {
    /// Whatever was opened for reading and writing at this path.
    pub(crate) fn new(plain: File, path: &Path) -> io::Result<Self> {
        // A write returns when it is on disk: one errand where a sync would be a second one.
        let flags = (OFlags::DIRECT | OFlags::DSYNC).bits().cast_signed();
        let direct = OpenOptions::new().write(true).custom_flags(flags).open(path);
        let past = match direct {
            Ok(file) => Some(Past { file, len: plain.metadata()?.len(), memory: Aligned::default(), tail: None }),
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "written through the page cache");
                None
            }
        };
        Ok(Self { plain, past: Mutex::new(past) })
    }
}

impl DiskFile for Written {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Some(past) = self.past.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            past.tail = None;
        }
        self.plain.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.plain.sync_data()
    }

    fn append(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        match past.as_mut().map(|past| past.append(&self.plain, bytes, offset)) {
            Some(Ok(true)) => return Ok(()),
            Some(Ok(false)) => {}
            // Some file systems open a file so, and refuse the first write.
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => *past = None,
            Some(Err(error)) => return Err(error),
            None => {}
        }
        drop(past);
        self.write_at(bytes, offset)?;
        self.sync()
    }
}

impl Past {
    /// Writes and syncs; answers false where this way does not go and nothing was done.
    fn append(&mut self, plain: &File, bytes: &[u8], offset: u64) -> io::Result<bool> {
        let block = offset - offset % BLOCK as u64;
        let Ok(head) = usize::try_from(offset - block) else { return Ok(false) };
        let end = head + bytes.len();
        let whole = end.next_multiple_of(BLOCK);
        if whole > DIRECT_MAX || block + whole as u64 > self.len {
            return Ok(false);
        }
        let known = self.tail.take() == Some(block);
        let Some(memory) = self.memory.of(whole) else { return Ok(false) };
        let Some((before, rest)) = memory.split_at_mut_checked(head) else { return Ok(false) };
        let Some((new, behind)) = rest.split_at_mut_checked(bytes.len()) else { return Ok(false) };
        if !known {
            plain.read_exact_at(before, block)?;
        }
        new.copy_from_slice(bytes);
        behind.fill(0);
        self.file.write_all_at(memory, block)?;
        let last = end - end % BLOCK;
        if last < whole {
            memory.copy_within(last.., 0);
        }
        self.tail = Some(block + last as u64);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, RealDisk};

    /// Appends pieces of many lengths, with other writes and a new opening between, and reads the file as everybody does.
    fn walk(folder: &Path) {
        let path = folder.join("file");
        let len = 4 << 20;
        let mut file = RealDisk.create(&path, len).unwrap();
        let mut should = vec![0u8; len as usize];
        let (mut at, mut piece) = (0usize, 0u32);
        file.write_at(b"head", 0).unwrap();
        should[..4].copy_from_slice(b"head");
        at += 64;
        let lengths = [8, 24, 4_000, 100, 4_096, 4_096 - 200, 16, 9_000, 70_000, 1, 65_536, DIRECT_MAX + 1, 7, 300_000];
        for round in 0..2 {
            for length in lengths {
                piece += 1;
                let bytes: Vec<u8> = (0..length).map(|byte| (byte as u32 * 31 + piece * 7) as u8 | 1).collect();
                if piece % 5 == 0 {
                    // Zeros where the next piece will lie, as a probe writes them.
                    file.append(&[0; 64], at as u64).unwrap();
                }
                file.append(&bytes, at as u64).unwrap();
                should[at..at + length].copy_from_slice(&bytes);
                at += length.next_multiple_of(8);
                if piece % 4 == 0 {
                    file = RealDisk.open(&path).unwrap();
                }
                let now = std::fs::read(&path).unwrap();
                assert!(now == should, "after piece {piece} of {length} bytes, round {round}");
            }
            file.write_at(b"HEAD", 0).unwrap();
            should[..4].copy_from_slice(b"HEAD");
        }
        // What ends within the last block, and what goes beyond the end of a file of odd length.
        let path = folder.join("odd");
        let file = RealDisk.create(&path, 5_000).unwrap();
        file.append(&[1; 4_090], 0).unwrap();
        file.append(&[2; 8], 4_090).unwrap();
        file.append(&[3; 902], 4_098).unwrap();
        let now = std::fs::read(&path).unwrap();
        assert!(now.len() == 5_000 && now[4_089] == 1 && now[4_090..4_098] == [2; 8] && now[4_098..] == [3; 902]);
    }

    #[test]
    fn what_is_appended_past_the_cache_is_what_everybody_reads() {
        walk(tempfile::tempdir().unwrap().path());
    }

    #[test]
    fn a_file_system_without_direct_writes_takes_the_same() {
        let shared = Path::new("/dev/shm");
        if shared.is_dir() {
            walk(tempfile::tempdir_in(shared).unwrap().path());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain");
        let plain = std::fs::File::create_new(&path).unwrap();
        plain.set_len(8_192).unwrap();
        let plain = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let without = Written { plain, past: Mutex::new(None) };
        without.append(b"abc", 4_095).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[4_094..4_099], *b"\0abc\0");
    }
}
