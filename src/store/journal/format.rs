//! The bytes of a segment's head and of a frame, and what tells a frame that was torn by a power cut from a damaged one.

use crate::Error;
use bytes::Bytes;

/// First bytes of a segment.
const SEGMENT_MAGIC: &[u8; 8] = b"HGJRNL01";
/// Bytes of a segment's head: magic, number, length of the file, CRC-32, zeros.
pub(super) const HEAD: usize = 64;
/// First bytes of a frame.
const FRAME_MAGIC: u32 = 0x4847_4652;
/// Bytes before a frame's payload: magic, length, CRC-32 of sequence and payload, CRC-32 of the rest of the head, sequence.
pub(super) const FRAME_HEAD: usize = 24;
/// Bytes behind a frame's payload: never zero, so that a frame's last piece tells whether it was written.
const FRAME_TAIL: usize = 8;
/// Frames begin and end at multiples of this.
pub(super) const ALIGN: usize = 8;
/// What a disk writes in whole or not at all.
const SECTOR: usize = 512;
/// Largest payload that is read back; a group is far smaller.
pub(super) const PAYLOAD_MAX: usize = 256 << 20;

/// Puts and deletes.
pub(crate) type Payload = Vec<(Vec<u8>, Option<Vec<u8>>)>;

fn codec() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<PAYLOAD_MAX>()
}

/// Encodes changes as a payload; also the form of a snapshot's chunks.
pub(crate) fn encode<'a>(changes: impl Iterator<Item = (&'a Bytes, &'a Option<Bytes>)>) -> Result<Vec<u8>, Error> {
    let list: Vec<(&[u8], Option<&[u8]>)> = changes.map(|(key, value)| (key.as_ref(), value.as_deref())).collect();
    bincode::encode_to_vec(list, codec()).map_err(|error| Error::Engine(format!("encoding a frame: {error}")))
}

/// Decodes a payload.
pub(crate) fn decode(payload: &[u8]) -> Result<Payload, String> {
    let (list, used) = bincode::decode_from_slice::<Payload, _>(payload, codec()).map_err(|error| error.to_string())?;
    if used == payload.len() { Ok(list) } else { Err("bytes behind the last entry".into()) }
}

fn checksum(sequence: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&sequence.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

fn head_checksum(length: u32, sum: u32, sequence: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(&sum.to_le_bytes());
    hasher.update(&sequence.to_le_bytes());
    hasher.finalize()
}

/// Bytes of a whole frame.
pub(super) fn extent(payload: usize) -> usize {
    (FRAME_HEAD + payload).next_multiple_of(ALIGN) + FRAME_TAIL
}

/// The bytes of a frame.
pub(super) fn frame(sequence: u64, payload: &[u8]) -> Result<Vec<u8>, Error> {
    let too_large = || Error::TooLarge { what: "group", bytes: payload.len(), max: PAYLOAD_MAX };
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= PAYLOAD_MAX).ok_or_else(too_large)?;
    let sum = checksum(sequence, payload);
    let mut out = Vec::with_capacity(extent(payload.len()));
    out.extend_from_slice(&FRAME_MAGIC.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&head_checksum(length, sum, sequence).to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(payload);
    out.resize(out.len().next_multiple_of(ALIGN), 0);
    out.extend_from_slice(&(!sequence).to_le_bytes());
    Ok(out)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|part| u32::from_le_bytes(*part))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|part| u64::from_le_bytes(*part))
}

/// Payload length and sequence out of a sound frame head.
pub(super) fn frame_head(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    let (length, sum, sequence) = (u32_at(bytes, at + 4)?, u32_at(bytes, at + 8)?, u64_at(bytes, at + 16)?);
    let sound = u32_at(bytes, at)? == FRAME_MAGIC && u32_at(bytes, at + 12)? == head_checksum(length, sum, sequence);
    sound.then(|| usize::try_from(length).ok().map(|length| (length, sequence)))?
}

/// The only frame in these bytes: sequence and payload.
pub(crate) fn open(bytes: &[u8]) -> Result<(u64, &[u8]), Error> {
    let whole = frame_at(bytes, 0).filter(|(_, _, next)| *next == bytes.len());
    whole.map(|(sequence, payload, _)| (sequence, payload)).ok_or(Error::Frame("it is damaged"))
}

/// The sound frame at an offset: sequence, payload, and where the next begins.
pub(super) fn frame_at(bytes: &[u8], at: usize) -> Option<(u64, &[u8], usize)> {
    let (length, sequence) = frame_head(bytes, at)?;
    let payload = bytes.get(at + FRAME_HEAD..(at + FRAME_HEAD).checked_add(length)?)?;
    let next = at + extent(length);
    let padding = bytes.get(at + FRAME_HEAD + length..next - FRAME_TAIL)?;
    let sound = u32_at(bytes, at + 8)? == checksum(sequence, payload)
        && padding.iter().all(|byte| *byte == 0)
        && u64_at(bytes, next - FRAME_TAIL)? == !sequence;
    sound.then_some((sequence, payload, next))
}

/// True when the bytes from `at` can be a frame whose writing was cut short: a piece of it that lies in one sector is still
/// zero, as the segment was made. A written frame begins and ends with bytes that are not zero, and no sector between is.
pub(super) fn is_torn(bytes: &[u8], at: usize) -> bool {
    let known = frame_head(bytes, at).map(|(length, _)| at.saturating_add(extent(length)));
    let last = bytes.iter().rposition(|byte| *byte != 0).map_or(at, |last| (last + 1).next_multiple_of(ALIGN));
    // A head may lie across two sectors: with the second missing its length is unknown, but no frame is shorter than an empty one.
    let end = known.unwrap_or_else(|| last.max(at + extent(0))).min(bytes.len());
    let mut from = at;
    while from < end {
        let to = (from + 1).next_multiple_of(SECTOR).min(end);
        if bytes.get(from..to).is_some_and(|piece| piece.iter().all(|byte| *byte == 0)) {
            return true;
        }
        from = to;
    }
    false
}

/// The head of a segment.
pub(super) fn segment_head(number: u64, length: u64) -> Vec<u8> {
    let mut out = SEGMENT_MAGIC.to_vec();
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out.resize(HEAD, 0);
    out
}

/// Number and length out of a segment's head; none when it is damaged.
pub(super) fn read_head(bytes: &[u8]) -> Option<(u64, u64)> {
    let (number, length) = (u64_at(bytes, 8)?, u64_at(bytes, 16)?);
    (bytes.get(..HEAD)? == segment_head(number, length)).then_some((number, length))
}

pub(super) fn file_name(number: u64) -> String {
    format!("{number:010}.seg")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Changes;

    fn sample(value: usize) -> Vec<u8> {
        let mut map = Changes::new();
        map.insert(Bytes::from_static(b"key"), Some(Bytes::from(vec![7; value])));
        map.insert(Bytes::from_static(b"gone"), None);
        frame(7, &encode(map.iter()).unwrap()).unwrap()
    }

    #[test]
    fn a_frame_is_read_back_and_every_flipped_bit_is_noticed() {
        let bytes = sample(5);
        let (sequence, payload, next) = frame_at(&bytes, 0).unwrap();
        assert_eq!((sequence, next), (7, bytes.len()));
        assert_eq!(decode(payload).unwrap(), [(b"gone".to_vec(), None), (b"key".to_vec(), Some(vec![7; 5]))]);
        for bit in 0..bytes.len() * 8 {
            let mut bent = bytes.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(frame_at(&bent, 0).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_flipped_bit_is_damage_and_a_missing_sector_is_a_torn_frame() {
        for at in [64, 488, 504, 512] {
            let whole = sample(3_000);
            let mut segment = vec![0; 8192];
            segment[at..at + whole.len()].copy_from_slice(&whole);
            for bit in 0..whole.len() * 8 {
                let mut bent = segment.clone();
                bent[at + bit / 8] ^= 1 << (bit % 8);
                assert!(!is_torn(&bent, at), "frame at {at}, bit {bit}");
            }
            for sector in at / 512..=(at + whole.len() - 1) / 512 {
                let mut torn = segment.clone();
                let (from, to) = ((sector * 512).max(at), ((sector + 1) * 512).min(at + whole.len()));
                torn[from..to].fill(0);
                assert!(is_torn(&torn, at), "frame at {at}, sector {sector}");
                let mut cut = segment.clone();
                cut[to..at + whole.len()].fill(0);
                let all_there = to == at + whole.len();
                assert!(all_there || is_torn(&cut, at), "frame at {at}, nothing behind sector {sector}");
            }
        }
    }
}
