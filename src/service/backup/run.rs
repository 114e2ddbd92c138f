//! Making backups: full ones with a proof that they can be restored, parts behind them, and clearing old ones away. Runs on a thread of the
//! lowest priority.

use super::{
    Place, Trouble,
    pack::{self, Locks, RecoveryKey},
    target::{Site, Target},
};
use crate::{Ctx, file::Files};
use domain::{
    AuditAnchor, BackupPlan, Time,
    anchor::ANCHORS_MAX,
    backup::{Due, Held, Piece, Shelf},
};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use store::{Options, Store};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Whatever is due.
    Due,
    /// A full backup now.
    Full,
}

/// A full backup that was made and proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub sequence: u64,
    pub bytes: u64,
    pub files: (u32, u32),
    pub records: u64,
    /// Where the audit log stood.
    pub anchor: Option<AuditAnchor>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// Nothing was due.
    Nothing,
    /// A part was written, up to a group.
    Part(u64),
    /// A full one.
    Full(Made),
}

/// Everything a run needs.
pub(super) struct Run<'a> {
    pub ctx: &'a Ctx,
    pub plan: &'a BackupPlan,
    pub site: &'a Site,
    /// Groups of full backups that were restored for a trial.
    pub proven: &'a BTreeSet<u64>,
    pub place: &'a Place,
    pub key: &'a RecoveryKey,
    pub zone: &'a TimeZone,
    pub now: Time,
}

/// A folder that is gone when it goes out of use.
struct Scratch(PathBuf);

impl Scratch {
    /// Begins anew where a run was cut short.
    fn make(data: &Path) -> Result<Self, Trouble> {
        let path = data.join("scratch");
        let made = match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(&path),
        };
        made.map_err(|error| Trouble::Other(format!("{}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "scratch files of a backup stay");
        }
    }
}

impl Run<'_> {
    /// Does what is asked for, and answers what the folder holds then; `begin` is called where it is a full one.
    pub fn run(&self, want: Want, begin: impl FnOnce()) -> Result<(Done, Held), Trouble> {
        let target = Target::open(self.site, &self.plan.line)?;
        let shelf = target.shelf()?;
        let sequence = self.ctx.store().view().sequence();
        // A full one whose trial was cut short does not count.
        // Nor does one of before the box took a new key up: what came later may be sealed by a key that it does not hold.
        let keyed =
            |sequence| crate::key::reaches(self.ctx, sequence).map_err(|error| Trouble::Other(error.to_string()));
        let doubtful = match shelf.full.last() {
            Some((_, sequence)) => !self.proven.contains(sequence) || !keyed(*sequence)?,
            None => false,
        };
        let due = match want {
            Want::Full => Due::Full,
            Want::Due if doubtful => Due::Full,
            Want::Due => self.plan.due(shelf.held(), sequence, self.now, self.zone),
        };
        let after = match due {
            Due::Nothing => return Ok((Done::Nothing, shelf.held())),
            Due::Part(after) => after,
            Due::Full => 0,
        };
        // A full one as well where the journal does not go back to where the last piece ended.
        let done = if due != Due::Full && self.part(&target, after, sequence)? {
            Done::Part(sequence)
        } else {
            begin();
            Done::Full(self.full(&target, &shelf)?)
        };
        self.put_erased(&target)?;
        Ok((done, target.shelf()?.held()))
    }

    fn locks(&self) -> Result<Locks, Trouble> {
        let keys = std::iter::once(&self.plan.recipient).chain(&self.plan.others).map(String::as_str);
        Locks::read(keys).map_err(|key| Trouble::Other(format!("{key} is no public key")))
    }

    fn full(&self, target: &Target, shelf: &Shelf) -> Result<Made, Trouble> {
        target.remove_drafts();
        let (locks, scratch) = (self.locks()?, Scratch::make(&self.place.data)?);
        // Files first, and again behind the snapshot: whatever a record of it names was there at one of the two times.
        let (mut all, mut copied) = self.copy_files(target, &locks, &BTreeSet::new())?;
        let file = scratch.0.join(pack::SNAPSHOT);
        // Before the snapshot, so that whatever comes back of it reaches so far.
        let anchor = crate::anchor::take(self.ctx).map_err(|error| Trouble::Other(error.to_string()))?;
        let snapshot = self.ctx.store().snapshot(&file).map_err(|error| Trouble::Other(error.to_string()))?;
        let (later, more) = self.copy_files(target, &locks, &all)?;
        all.extend(later);
        copied += more;
        let (at, sequence) = (self.now, snapshot.sequence);
        if shelf.full.iter().any(|(_, known)| *known > sequence) {
            return Err(Trouble::Unsound("the folder holds backups of a later state of this box".into()));
        }
        self.put_list(target, &locks, at, sequence, &all)?;
        let piece = Piece::Full { at, sequence };
        let bytes = target.put(&piece, |out| locks.seal(out, |out| pack::pack(out, &file, &self.place.keys)))?;
        let proven = fs::remove_file(&file)
            .map_err(|error| Trouble::Other(error.to_string()))
            .and_then(|()| self.prove(target, &piece, &scratch.0));
        let records = match proven {
            Ok(records) => records,
            Err(why) => {
                // What cannot be restored must not pass for a backup.
                target.remove(&piece)?;
                return Err(why);
            }
        };
        let text = anchor.text();
        let write = |out: &mut dyn Write| {
            out.write_all(text.as_bytes()).map_err(|error| super::target::said("writing an anchor", &error))
        };
        target.put(&Piece::Anchor { at, sequence }, |out| locks.seal(out, write))?;
        // What was never proven is no backup, and must not pass for one when this one is gone.
        if let Some((at, sequence)) = shelf.full.last().filter(|(_, sequence)| !self.proven.contains(sequence)) {
            let doubtful = Piece::Full { at: *at, sequence: *sequence };
            if doubtful.name() != piece.name() {
                target.remove(&doubtful)?;
            }
        }
        self.clear(target)?;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Made { sequence, bytes, files: (count(all.len()), count(copied)), records, anchor: Some(anchor) })
    }

    /// Restores a full backup into a scratch folder, walks over all of it, and answers how many records there are.
    fn prove(&self, target: &Target, piece: &Piece, scratch: &Path) -> Result<u64, Trouble> {
        let (file, folder) = (scratch.join("proof.snap"), scratch.join("proof"));
        let keys = pack::unpack(self.key.open(target.read(piece)?)?, &file)?;
        if keys != self.place.keys {
            return Err(Trouble::Unsound("the keys in it are others".into()));
        }
        let unsound = |error: store::Error| Trouble::Unsound(error.to_string());
        store::restore(&file, &[], &folder).map_err(unsound)?;
        let options = Options { reserve_bytes: 0, ..Options::new(&folder) };
        let (store, _) = Store::open(options).map_err(unsound)?;
        let report = store.verify();
        store.close().map_err(unsound)?;
        if report.is_sound() { Ok(report.records.values().sum()) } else { Err(Trouble::Unsound(report.to_string())) }
    }

    /// Writes the groups behind `after`; false when the journal does not hold them any more.
    fn part(&self, target: &Target, after: u64, last: u64) -> Result<bool, Trouble> {
        let locks = self.locks()?;
        let (new, copied) = self.copy_files(target, &locks, &BTreeSet::new())?;
        // What the groups name was there before them. A list is written only where something was copied.
        if copied > 0 {
            self.put_list(target, &locks, self.now, last, &new)?;
        }
        let mut whole = true;
        let written = target.put(&Piece::Part { at: self.now, after, last }, |out| {
            locks.seal(out, |out| {
                whole = self.ctx.store().part(after, last, out).map_err(|error| Trouble::Other(error.to_string()))?;
                if whole { Ok(()) } else { Err(Trouble::Other("the journal does not go back so far".into())) }
            })
        });
        match written {
            Ok(_) => Ok(true),
            Err(_) if !whole => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lays down who was erased by now, over the list that lay there: older pieces still hold them.
    fn put_erased(&self, target: &Target) -> Result<(), Trouble> {
        let list = crate::privacy::erased_list(self.ctx).map_err(|error| Trouble::Other(error.to_string()))?;
        if list.is_empty() {
            return Ok(());
        }
        let write = |out: &mut dyn Write| {
            out.write_all(list.as_bytes()).map_err(|error| super::target::said("writing a list", &error))
        };
        target.put(&Piece::Erased, |out| self.locks()?.seal(out, write)).map(drop)
    }

    fn put_list(
        &self,
        target: &Target,
        locks: &Locks,
        at: Time,
        sequence: u64,
        all: &BTreeSet<[u8; 32]>,
    ) -> Result<(), Trouble> {
        let write = |out: &mut dyn Write| {
            for hash in all {
                let line = format!("{}\n", data_encoding::HEXLOWER.encode(hash));
                out.write_all(line.as_bytes()).map_err(|error| super::target::said("writing a list", &error))?;
            }
            Ok(())
        };
        target.put(&Piece::List { at, sequence }, |out| locks.seal(out, write)).map(drop)
    }

    /// Copies the files that the target lacks and reads each back. Answers all that are there, but for the `known` ones, and how many were copied.
    fn copy_files(
        &self,
        target: &Target,
        locks: &Locks,
        known: &BTreeSet<[u8; 32]>,
    ) -> Result<(BTreeSet<[u8; 32]>, usize), Trouble> {
        let there: BTreeSet<Piece> = target.pieces()?.into_keys().collect();
        let (mut all, mut copied) = (BTreeSet::new(), 0);
        for hash in self.ctx.files.all().map_err(|error| Trouble::Other(error.to_string()))? {
            if known.contains(&hash) {
                continue;
            }
            let piece = Piece::File(pack::hidden(&self.place.keys, &hash));
            if there.contains(&piece) {
                all.insert(hash);
            } else if copy_file(&self.ctx.files, &hash, target, &piece, (locks, self.key))? {
                all.insert(hash);
                copied += 1;
            }
        }
        Ok((all, copied))
    }

    /// Removes what is not kept any longer, and the files that nothing kept needs.
    fn clear(&self, target: &Target) -> Result<(), Trouble> {
        let pieces = target.pieces()?;
        let shelf = Shelf::of(pieces.keys().cloned());
        let spare: BTreeSet<Piece> = shelf.spare(self.plan.keep, self.zone).into_iter().collect();
        for piece in &spare {
            target.remove(piece)?;
        }
        // Pieces of a kind are in the order of their time.
        let anchors: Vec<&Piece> = pieces.keys().filter(|piece| matches!(piece, Piece::Anchor { .. })).collect();
        for piece in anchors.iter().take(anchors.len().saturating_sub(ANCHORS_MAX)) {
            target.remove(piece)?;
        }
        // A list stays while the piece it came with does, and a list whose piece never came goes.
        let stands = |at: Time, sequence: u64| {
            let full = Piece::Full { at, sequence };
            let part = |piece: &Piece| matches!(piece, Piece::Part { at: other, last, .. } if (*other, *last) == (at, sequence));
            let left = |piece: &Piece| !spare.contains(piece);
            pieces.contains_key(&full) && left(&full) || pieces.keys().any(|piece| part(piece) && left(piece))
        };
        let mut needed = BTreeSet::new();
        for piece in pieces.keys() {
            if let Piece::List { at, sequence } = piece {
                let (at, sequence) = (*at, *sequence);
                if stands(at, sequence) {
                    needed.extend(pack::read_list(target, piece, self.key)?);
                } else {
                    target.remove(piece)?;
                }
            }
        }
        let named: BTreeSet<Piece> =
            needed.iter().map(|hash| Piece::File(pack::hidden(&self.place.keys, hash))).collect();
        for piece in pieces.keys().filter(|piece| matches!(piece, Piece::File(_)) && !named.contains(piece)) {
            target.remove(piece)?;
        }
        Ok(())
    }
}

/// Copies one file and reads it back; false when it is gone by now.
fn copy_file(
    files: &Files,
    hash: &[u8; 32],
    target: &Target,
    piece: &Piece,
    (locks, key): (&Locks, &RecoveryKey),
) -> Result<bool, Trouble> {
    let mut file = match File::open(files.path_of(hash)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Trouble::Other(format!("reading a file: {error}"))),
    };
    let failed = |error: std::io::Error| super::target::said("copying a file", &error);
    target.put(piece, |out| locks.seal(out, |out| std::io::copy(&mut file, out).map(drop).map_err(failed)))?;
    if hash_of(key.open(target.read(piece)?)?)? == *hash {
        return Ok(true);
    }
    target.remove(piece)?;
    // Damaged here or there: whichever, the copy is worth nothing.
    Err(Trouble::Unsound(format!("file {}", data_encoding::HEXLOWER.encode(hash))))
}

/// The hash of everything that comes.
pub(super) fn hash_of(mut from: impl Read) -> Result<[u8; 32], Trouble> {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(super::target::unread(&error)),
        }
    }
    hash.finish().as_ref().try_into().map_err(|_| Trouble::Other("a hash has a wrong length".into()))
}
