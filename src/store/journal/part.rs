//! Parts: the groups behind a snapshot, taken out of the journal as frames one behind the other, for whoever keeps them elsewhere.

use super::{
    Payload, decode, encode,
    format::{FRAME_HEAD, PAYLOAD_MAX, extent, frame, frame_at, frame_head},
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
        if length > PAYLOAD_MAX {
            return Err(bad(&format!("a group that is too large at byte {at}")));
        }
        // Room is taken as bytes come, not as the head says: whoever wrote it could say anything.
        let whole = extent(length);
        let rest = Read::take(&mut *from, (whole - FRAME_HEAD) as u64).read_to_end(&mut bytes);
        rest.map_err(|error| bad(&format!("at byte {at}: {error}")))?;
        if bytes.len() != whole {
            return Err(bad(&format!("at byte {at}: {}", std::io::Error::from(ErrorKind::UnexpectedEof))));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame's head with its checksums right, which anybody can make.
    fn head(length: u32) -> Vec<u8> {
        let mut bytes = frame(7, &[]).unwrap();
        bytes.truncate(FRAME_HEAD);
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        let mut sum = crc32fast::Hasher::new();
        [&bytes[4..8], &bytes[8..12], &bytes[16..24]].iter().for_each(|part| sum.update(part));
        bytes[12..16].copy_from_slice(&sum.finalize().to_le_bytes());
        assert_eq!(frame_head(&bytes, 0), Some((length as usize, 7)));
        bytes
    }

    #[test]
    fn a_head_that_promises_much_takes_no_more_room_than_what_follows_it() {
        let said = |bytes: &[u8]| read(&mut &*bytes, Path::new("part"), |_, _| Ok(())).unwrap_err().to_string();
        assert!(said(&head(u32::MAX)).contains("too large"));
        assert!(said(&head(PAYLOAD_MAX as u32 + 1)).contains("too large"));
        assert!(said(&head(PAYLOAD_MAX as u32)).contains("unexpected end of file"));
        let short = [head(64), vec![1; 40]].concat();
        assert!(said(&short).contains("unexpected end of file"));
    }
}
