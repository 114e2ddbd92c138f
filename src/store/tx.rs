//! Transactions: an overlay over the group's changes, with index entries, counts and the audit chain derived as records change.

use crate::{
    Error, Key, Read, Record, SpaceId,
    envelope::{self, VALUE_MAX},
    follow::Follower,
    layer::{Changes, Layers},
    read::{decode_count, decode_value, key},
    table::{AUDIT, AUDIT_HEAD, Derived, Entry, SEQUENCE, value_error},
};
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use std::any::Any;
use std::collections::BTreeMap;

/// One transaction.
pub struct Tx<'w> {
    below: Layers<'w>,
    follower: &'w mut (dyn Follower + 'static),
    overlay: Changes,
    lines: Vec<(SpaceId, Vec<u8>)>,
}

impl<'w> Tx<'w> {
    pub(crate) fn new(below: Layers<'w>, follower: &'w mut (dyn Follower + 'static)) -> Self {
        Self { below, follower, overlay: Changes::new(), lines: Vec::new() }
    }

    /// What it changed, and the audit lines it added.
    pub(crate) fn into_parts(self) -> (Changes, Vec<(SpaceId, Vec<u8>)>) {
        (self.overlay, self.lines)
    }

    /// The part of the transaction that works in one space.
    pub fn space(&mut self, id: SpaceId) -> SpaceTx<'_> {
        // The layers below outlive the transaction; shortening their life is what lets one type hold both.
        let below = self.below.clone();
        SpaceTx { below, follower: self.follower, overlay: &mut self.overlay, lines: &mut self.lines, id }
    }
}

/// Reading within a transaction while its follower is being changed.
pub struct SpaceReader<'t> {
    below: Layers<'t>,
    overlay: &'t Changes,
    id: SpaceId,
}

impl SpaceReader<'_> {
    /// Whether neither this transaction nor those before it in its group changed a record: whatever was remembered of records
    /// as they were committed still holds.
    pub fn is_untouched(&self) -> bool {
        let [_, group] = self.below.fresh;
        self.overlay.is_empty() && group.is_none_or(Changes::is_empty)
    }
}

impl Read for SpaceReader<'_> {
    fn space_id(&self) -> SpaceId {
        self.id
    }
    fn layers(&self) -> Layers<'_> {
        let [_, group] = self.below.fresh;
        Layers { fresh: [Some(self.overlay), group], ..self.below.clone() }
    }
}

/// A transaction in one space.
pub struct SpaceTx<'t> {
    below: Layers<'t>,
    follower: &'t mut (dyn Follower + 'static),
    overlay: &'t mut Changes,
    lines: &'t mut Vec<(SpaceId, Vec<u8>)>,
    id: SpaceId,
}

impl Read for SpaceTx<'_> {
    fn space_id(&self) -> SpaceId {
        self.id
    }
    fn layers(&self) -> Layers<'_> {
        let [_, group] = self.below.fresh;
        Layers { fresh: [Some(self.overlay), group], ..self.below.clone() }
    }
}

impl SpaceTx<'_> {
    /// What follows the writer, with a way to read meanwhile; none when it is of another kind.
    pub fn follower<F: Follower>(&mut self) -> Option<(SpaceReader<'_>, &mut F)> {
        let reader = SpaceReader { below: self.below.clone(), overlay: self.overlay, id: self.id };
        let follower: &mut dyn Any = self.follower;
        follower.downcast_mut().map(|follower| (reader, follower))
    }

    fn set(&mut self, key: Vec<u8>, value: Option<Bytes>) {
        self.overlay.insert(Bytes::from(key), value);
    }

    /// The next number of a table in this space, from 1.
    pub fn next_id<R: Record>(&mut self) -> Result<u64, Error> {
        let key = key(self.id, SEQUENCE, &R::TABLE.id.bytes());
        let last = self.layers().get(&key)?.map_or(Ok(0), |value| decode_count(SEQUENCE, &key, &value))?;
        let next = last + 1;
        self.set(key, Some(envelope::wrap(SEQUENCE, 1, &next.to_le_bytes())));
        Ok(next.unsigned_abs())
    }

    /// Keeps a new record; another one of its key is an error.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<(), Error> {
        let at = key(self.id, R::TABLE.id, &record.key().bytes());
        if self.layers().get(&at)?.is_some() {
            return Err(Error::Duplicate { what: R::TABLE.name });
        }
        self.replace(at, None, record)
    }

    /// Keeps a record whose key is known to be new, as one with the next number is, without looking. Answers the SHA-256 of its
    /// bytes, for an audit line that vouches for them; see [`Read::digest`].
    pub fn append<R: Record>(&mut self, record: &R) -> Result<[u8; 32], Error> {
        let at = key(self.id, R::TABLE.id, &record.key().bytes());
        self.replace(at.clone(), None, record)?;
        let kept = self.overlay.get(at.as_slice()).and_then(Option::as_ref);
        Ok(sha256(kept.and_then(|value| value.get(envelope::HEAD..)).unwrap_or(&[])))
    }

    /// Keeps a record, new or changed.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<(), Error> {
        let at = key(self.id, R::TABLE.id, &record.key().bytes());
        let old = self.layers().get(&at)?.map(|value| decode_value::<R>(&at, &value)).transpose()?;
        self.replace(at, old.as_ref(), record)
    }

    fn replace<R: Record>(&mut self, at: Vec<u8>, old: Option<&R>, new: &R) -> Result<(), Error> {
        let content = new.encode().map_err(value_error(&at))?;
        if content.len() > VALUE_MAX {
            return Err(Error::TooLarge { what: R::TABLE.name, bytes: content.len(), max: VALUE_MAX });
        }
        let before = old.map(Derived::of).unwrap_or_default();
        self.derive(&before, &Derived::of(new))?;
        self.set(at, Some(envelope::wrap(R::TABLE.id, R::VERSION, &content)));
        Ok(())
    }

    /// Removes a record; answers what it was.
    pub fn remove<R: Record>(&mut self, of: &R::Key) -> Result<Option<R>, Error> {
        let at = key(self.id, R::TABLE.id, &of.bytes());
        let Some(value) = self.layers().get(&at)? else { return Ok(None) };
        let old = decode_value::<R>(&at, &value)?;
        self.derive(&Derived::of(&old), &Derived::default())?;
        self.set(at, None);
        Ok(Some(old))
    }

    /// Carries what follows from a record over from its old to its new state.
    fn derive(&mut self, old: &Derived, new: &Derived) -> Result<(), Error> {
        let mut sums: BTreeMap<&[u8], i64> = BTreeMap::new();
        for (at, entry) in &old.entries {
            match entry {
                Entry::Count(amount) => *sums.entry(at).or_default() -= amount,
                Entry::Unique(_) | Entry::Plain => {
                    if !new.entries.iter().any(|(other, _)| other == at) {
                        self.set(self.below_space(at), None);
                    }
                }
            }
        }
        for (at, entry) in &new.entries {
            match entry {
                Entry::Count(amount) => *sums.entry(at).or_default() += amount,
                Entry::Plain | Entry::Unique(_) if old.entries.iter().any(|(other, _)| other == at) => {}
                Entry::Plain => self.set(self.below_space(at), Some(Bytes::new())),
                Entry::Unique(name) => {
                    let entry = self.below_space(at);
                    if self.layers().get(&entry)?.is_some() {
                        return Err(Error::Duplicate { what: name });
                    }
                    self.set(entry, Some(Bytes::copy_from_slice(new.primary())));
                }
            }
        }
        for (at, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
            self.add(at, sum)?;
        }
        Ok(())
    }

    fn below_space(&self, at: &[u8]) -> Vec<u8> {
        let mut out = self.id.bytes();
        out.extend_from_slice(at);
        out
    }

    fn add(&mut self, at: &[u8], amount: i64) -> Result<(), Error> {
        let key = self.below_space(at);
        let mut head = at;
        let id = u16::decode(&mut head).unwrap_or(0);
        let before = self.layers().get(&key)?.map_or(Ok(0), |value| decode_count(id, &key, &value))?;
        let after = before + amount;
        let value = (after != 0).then(|| envelope::wrap(id, 1, &after.to_le_bytes()));
        self.set(key, value);
        Ok(())
    }

    /// Appends a line to the space's audit chain.
    pub fn audit(&mut self, line: Vec<u8>) -> Result<(), Error> {
        if line.len() > VALUE_MAX / 4 {
            return Err(Error::TooLarge { what: "audit line", bytes: line.len(), max: VALUE_MAX / 4 });
        }
        self.lines.push((self.id, line));
        Ok(())
    }
}

/// Bytes of lines that one block of the audit chain holds at the most, unless a single line is longer.
const BLOCK_BYTES: usize = 32_000;

/// A block of the audit chain.
pub(crate) struct Block {
    pub previous: [u8; 32],
    pub lines: Vec<(u64, Vec<u8>)>,
}

/// Hash of the newest block, and the number of the next line.
pub(crate) type Head = ([u8; 32], u64);

pub(crate) fn read_head(key: &[u8], value: &[u8]) -> Result<Head, Error> {
    let (_, content) = envelope::open(AUDIT_HEAD, key, value)?;
    let split = content.split_first_chunk::<32>();
    let head = split.and_then(|(hash, rest)| Some((*hash, u64::from_be_bytes(rest.try_into().ok()?))));
    head.ok_or_else(|| value_error(key)("not a head of the audit chain".into()))
}

/// Reads a block: hash of the one before, then each line behind its length.
pub(crate) fn read_block(key: &[u8], value: &[u8]) -> Result<Block, Error> {
    let damaged = || value_error(key)("not a block of the audit chain".into());
    let (_, content) = envelope::open(AUDIT, key, value)?;
    let (previous, mut rest) = content.split_first_chunk::<32>().ok_or_else(damaged)?;
    let mut number = key.get(crate::read::PREFIX..).and_then(|mut at| u64::decode(&mut at)).ok_or_else(damaged)?;
    let mut lines = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (line, behind) = behind.split_at_checked(length).ok_or_else(damaged)?;
        lines.push((number, line.to_vec()));
        number += 1;
        rest = behind;
    }
    if rest.is_empty() { Ok(Block { previous: *previous, lines }) } else { Err(damaged()) }
}

/// The hash of a block: over its first line's number and its content, in which the hash before stands first.
pub(crate) fn block_hash(first: u64, content: &[u8]) -> [u8; 32] {
    let mut bytes = first.to_be_bytes().to_vec();
    bytes.extend_from_slice(content);
    sha256(&bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// Chains the lines of a whole group: few blocks per space however many transactions wrote.
pub(crate) fn chain(below: &Layers<'_>, lines: Vec<(SpaceId, Vec<u8>)>) -> Result<Changes, Error> {
    let mut spaces: BTreeMap<SpaceId, Vec<Vec<u8>>> = BTreeMap::new();
    for (space, line) in lines {
        spaces.entry(space).or_default().push(line);
    }
    let mut out = Changes::new();
    for (space, lines) in spaces {
        let head_key = key(space, AUDIT_HEAD, &[]);
        let head = below.get(&head_key)?.map(|value| read_head(&head_key, &value)).transpose()?;
        let (mut hash, mut next) = head.unwrap_or(([0; 32], 1));
        let mut lines = lines.into_iter().peekable();
        while lines.peek().is_some() {
            let (first, mut content) = (next, hash.to_vec());
            while let Some(line) = lines.next_if(|line| content.len() == 32 || content.len() + line.len() < BLOCK_BYTES)
            {
                content.extend_from_slice(&u32::try_from(line.len()).unwrap_or(u32::MAX).to_be_bytes());
                content.extend_from_slice(&line);
                next += 1;
            }
            hash = block_hash(first, &content);
            out.insert(Bytes::from(key(space, AUDIT, &first.bytes())), Some(envelope::wrap(AUDIT, 1, &content)));
        }
        let mut head = hash.to_vec();
        head.extend_from_slice(&next.to_be_bytes());
        out.insert(Bytes::from(head_key), Some(envelope::wrap(AUDIT_HEAD, 1, &head)));
    }
    Ok(out)
}
