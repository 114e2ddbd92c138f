//! Reading the journal back: every frame in order, the torn end cut off, and any gap or damage named.

use super::{
    NEWEST, Payload, decode,
    format::{ALIGN, FRAME_HEAD, HEAD, file_name, frame_at, frame_head, is_torn, read_head},
};
use crate::{
    Error,
    disk::{Disk, Folder},
};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// A segment as it was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub number: u64,
    /// Sequence of its first frame; none when it holds none.
    pub first: Option<u64>,
    pub bytes: u64,
}

/// What reading the journal found.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Sequence of the last sound frame, or what reading began behind.
    pub last: u64,
    /// Frames given out.
    pub frames: u64,
    /// A torn frame at the very end was cut off.
    pub torn: bool,
    /// All segments, oldest first.
    pub segments: Vec<Found>,
    /// Segment and offset where writing goes on; none when a new segment is needed.
    pub end: Option<(u64, u64)>,
    /// Number that was noted as the newest segment in use; 0 for none.
    pub newest: u64,
    /// There is no frame at all, not even an old one.
    pub empty: bool,
}

/// How the end of the journal is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// A damaged last frame is an error unless it can only have been torn.
    Strict,
    /// A damaged last frame is cut off.
    Cut,
}

fn damage(segment: &str, offset: usize, why: &str) -> Error {
    Error::Journal { segment: segment.to_owned(), offset: offset as u64, why: why.to_owned() }
}

/// Reads every frame above `after` in order. A gap, a missing segment or a damaged frame before sound ones is an error.
pub(crate) fn replay(
    disk: &dyn Disk,
    folder: &Folder,
    after: u64,
    tail: Tail,
    mut each: impl FnMut(u64, Payload) -> Result<(), Error>,
) -> Result<Replayed, Error> {
    // Read before the segments are listed: while the store writes on, the newest one named here is among them, and any that is made later is not missed.
    let named = newest(disk, folder)?;
    let segments = survey(disk, folder)?;
    let mut out = Replayed { last: after, segments, empty: true, ..Replayed::default() };
    out.empty = out.segments.iter().all(|segment| segment.first.is_none());
    let start = out.segments.iter().rposition(|segment| segment.first.is_some_and(|first| first <= after + 1));
    if start.is_none()
        && let Some(first) = out.segments.iter().find_map(|segment| segment.first)
    {
        return Err(damage("the first segment", 0, &format!("frames {} to {} are missing", after + 1, first - 1)));
    }
    let needed: Vec<Found> = out.segments.iter().skip(start.unwrap_or(0)).cloned().collect();
    out.newest = there(named, &out.segments)?;
    let mut expected = None;
    for (at, segment) in needed.iter().enumerate() {
        let name = file_name(segment.number);
        if needed.get(at + 1).is_some_and(|next| next.number != segment.number + 1) {
            return Err(damage(&file_name(segment.number + 1), 0, "the segment is missing"));
        }
        let mut bytes = disk.read(&folder.journal().join(&name)).map_err(Error::io("reading the journal"))?;
        bytes.resize(usize::try_from(segment.bytes).unwrap_or(0), 0);
        let mut reading = Reading { name: &name, bytes: &bytes, at: HEAD, expected };
        reading.frames(after, &mut out, &mut each)?;
        let sound = reading.rest(tail)?;
        let last = needed.iter().skip(at + 1).all(|later| later.first.is_none());
        if last {
            out.torn |= sound == Rest::Torn;
            out.end = end(&out.end, segment, reading.at, sound);
        }
        expected = reading.expected;
    }
    if expected.is_some_and(|next| next <= after) {
        return Err(damage("the newest segment", 0, &format!("frames up to {after} were kept and are missing")));
    }
    Ok(out)
}

/// Reads the frames of one segment's bytes, head included, whatever sequence they begin with: how many there are, and whether the last one was torn.
pub(crate) fn look(bytes: &[u8]) -> Result<(u64, bool), Error> {
    let (number, _) = read_head(bytes).ok_or_else(|| damage("the segment", 0, "the segment's head is damaged"))?;
    let name = file_name(number);
    let mut reading = Reading { name: &name, bytes, at: HEAD, expected: None };
    let first = frame_head(bytes, HEAD).map_or(0, |(_, sequence)| sequence);
    let mut out = Replayed::default();
    reading.frames(first.saturating_sub(1), &mut out, &mut |_, _| Ok(()))?;
    Ok((out.frames, reading.rest(Tail::Strict)? == Rest::Torn))
}

/// Writing goes on in the last segment with frames when it ends soundly, or in the first empty one behind it.
fn end(before: &Option<(u64, u64)>, segment: &Found, at: usize, rest: Rest) -> Option<(u64, u64)> {
    match rest {
        Rest::Torn => None,
        Rest::Zeros => before.or(Some((segment.number, at as u64))),
    }
}

/// What lies behind the last frame of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Zeros,
    Torn,
}

struct Reading<'a> {
    name: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Sequence of the next frame, when one was read.
    expected: Option<u64>,
}

impl Reading<'_> {
    fn frames(
        &mut self,
        after: u64,
        out: &mut Replayed,
        each: &mut impl FnMut(u64, Payload) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while let Some((sequence, payload, next)) = frame_at(self.bytes, self.at) {
            let follows = self.expected.map_or(sequence <= after + 1, |expected| sequence == expected);
            if !follows {
                return Err(damage(self.name, self.at, "frames before this one are missing"));
            }
            if sequence > after {
                let changes = decode(payload).map_err(|why| damage(self.name, self.at, &why))?;
                each(sequence, changes)?;
                out.last = sequence;
                out.frames += 1;
            }
            self.expected = sequence.checked_add(1);
            self.at = next;
        }
        Ok(())
    }

    fn rest(&self, tail: Tail) -> Result<Rest, Error> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(Rest::Zeros);
        }
        let mut later = (self.at + ALIGN..self.bytes.len()).step_by(ALIGN);
        let goes_on = |sequence: u64| self.expected.is_none_or(|expected| sequence >= expected);
        if later.any(|later| frame_at(self.bytes, later).is_some_and(|frame| goes_on(frame.0))) {
            return Err(damage(self.name, self.at, "a damaged frame lies before sound ones"));
        }
        if tail == Tail::Cut || is_torn(self.bytes, self.at) {
            return Ok(Rest::Torn);
        }
        Err(damage(self.name, self.at, "the last frame is damaged, and not as a power cut would have left it"))
    }
}

/// Lists the segments by their heads.
fn survey(disk: &dyn Disk, folder: &Folder) -> Result<Vec<Found>, Error> {
    let dir = folder.journal();
    let names = disk.list(&dir).map_err(Error::io("listing the journal"))?;
    let mut out = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(".seg")) {
        let Some((bytes, found)) = begin(disk, &dir.join(name))? else { continue };
        let head = read_head(&bytes).filter(|(number, _)| *name == file_name(*number));
        let (number, length) = head.ok_or_else(|| damage(name, 0, "the segment's head is damaged"))?;
        if found != length {
            return Err(damage(name, 0, "the segment has not the length it was made with"));
        }
        let first = frame_head(&bytes, HEAD).map(|(_, sequence)| sequence);
        out.push(Found { number, first, bytes: length });
    }
    Ok(out)
}

/// The beginning of a segment and its length; none when it was removed since it was listed, as nobody needed it: if somebody does, the gap is named.
fn begin(disk: &dyn Disk, path: &Path) -> Result<Option<(Vec<u8>, u64)>, Error> {
    let mut bytes = Vec::new();
    let read = disk.reader(path).and_then(|reader| {
        reader.take((HEAD + FRAME_HEAD) as u64).read_to_end(&mut bytes)?;
        disk.len(path)
    });
    match read {
        Ok(length) => Ok(Some((bytes, length))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("reading the journal")(error)),
    }
}

/// The number that was noted as the newest segment in use; none where nothing was noted yet.
fn newest(disk: &dyn Disk, folder: &Folder) -> Result<Option<u64>, Error> {
    let text = match disk.read(&folder.journal().join(NEWEST)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(damage(NEWEST, 0, &error.to_string())),
    };
    let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<u64>().ok());
    number.map(Some).ok_or_else(|| damage(NEWEST, 0, "the file does not hold a number"))
}

/// The newest segment in use is there; without it frames would be missing that nothing else speaks of.
fn there(named: Option<u64>, segments: &[Found]) -> Result<u64, Error> {
    let Some(number) = named else {
        let alone = segments.len() < 2;
        return alone.then_some(0).ok_or_else(|| damage(NEWEST, 0, "the file is missing"));
    };
    if segments.last().is_none_or(|last| last.number < number) {
        return Err(damage(&file_name(number), 0, "the newest segment is missing"));
    }
    Ok(number)
}
