//! Parts: the groups behind a snapshot, taken out of the journal as frames one behind the other, for whoever keeps them elsewhere.

use super::{
    Payload, decode, encode,
    format::{FRAME_HEAD, extent, frame, frame_at, frame_head},
};
use crate::Error;
use bytes::Bytes;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// Appends a group.
pub(crate) fn put(out: &mut dyn Write, sequence: u64, changes: Payload) -> Result<(), Error> {
    let changes: Vec<(Bytes, Option<Bytes>)> =
        changes.into_iter().map(|(key, value)| (Bytes::from(key), value.map(Bytes::from))).collect();
    let frame = frame(sequence, &encode(changes.iter().map(|(key, value)| (key, value)))?)?;
    out.write_all(&frame).map_err(Error::io("writing a part of the journal"))
}

/// Reads a part and gives out its groups; an error may come after groups were given out. `path` is for messages.
pub(crate) fn read(
    from: &mut dyn Read,
    path: &Path,
    mut each: impl FnMut(u64, Payload) -> Result<(), Error>,
) -> Result<(), Error> {
    let bad = |why: &str| Error::Snapshot { path: path.to_owned(), why: why.to_owned() };
    let mut at = 0u64;
    loop {
        let mut bytes = vec![0; FRAME_HEAD];
        match begin(from, &mut bytes) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return Err(bad(&format!("at byte {at}: {error}"))),
        }
        let (length, _) = frame_head(&bytes, 0).ok_or_else(|| bad(&format!("a damaged group at byte {at}")))?;
        bytes.resize(extent(length), 0);
        let rest = bytes.get_mut(FRAME_HEAD..).unwrap_or_default();
        from.read_exact(rest).map_err(|error| bad(&format!("at byte {at}: {error}")))?;
        let (sequence, payload, _) =
            frame_at(&bytes, 0).ok_or_else(|| bad(&format!("a damaged group at byte {at}")))?;
        each(sequence, decode(payload).map_err(|why| bad(&why))?)?;
        at += bytes.len() as u64;
    }
}

/// Fills the buffer; false at the very end.
fn begin(from: &mut dyn Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    let mut got = 0;
    while let Some(rest) = bytes.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if got == 0 => return Ok(false),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => got += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
