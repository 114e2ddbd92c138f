//! The envelope around every kept value: format mark, table, version, checksum. A damaged value is an error that names its key.

use crate::Error;
use bytes::Bytes;

/// First byte of every value.
const MARK: u8 = 0xC1;
/// Bytes before the content: mark, table, version, CRC-32 of table, version and content.
pub const HEAD: usize = 9;
/// Largest value; sled stores larger ones in single unsynced files.
pub const VALUE_MAX: usize = 100_000;

/// Wraps `content`.
pub fn wrap(table: u16, version: u16, content: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(HEAD + content.len());
    out.push(MARK);
    out.extend_from_slice(&table.to_be_bytes());
    out.extend_from_slice(&version.to_be_bytes());
    out.extend_from_slice(&checksum(table, version, content).to_be_bytes());
    out.extend_from_slice(content);
    Bytes::from(out)
}

fn checksum(table: u16, version: u16, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&table.to_be_bytes());
    hasher.update(&version.to_be_bytes());
    hasher.update(content);
    hasher.finalize()
}

/// Opens an envelope that must be of `table`; returns version and content.
pub fn open<'a>(table: u16, key: &[u8], value: &'a [u8]) -> Result<(u16, &'a [u8]), Error> {
    let damaged = |why: &str| Error::Value { key: readable(key), why: why.to_owned() };
    let (head, content) = value.split_at_checked(HEAD).ok_or_else(|| damaged("too short"))?;
    let [mark, t1, t2, v1, v2, sum @ ..] = head else { return Err(damaged("too short")) };
    if *mark != MARK {
        return Err(damaged("unknown format"));
    }
    let (kept, version) = (u16::from_be_bytes([*t1, *t2]), u16::from_be_bytes([*v1, *v2]));
    if sum != checksum(kept, version, content).to_be_bytes() {
        return Err(damaged("wrong checksum"));
    }
    if kept != table {
        return Err(damaged("belongs to another table"));
    }
    Ok((version, content))
}

/// A key as space, table and hexadecimal rest.
pub fn readable(key: &[u8]) -> String {
    use std::fmt::Write;
    let mut rest = key;
    let space = <u64 as crate::Key>::decode(&mut rest);
    let table = <u16 as crate::Key>::decode(&mut rest);
    let (Some(space), Some(table)) = (space, table) else { return format!("{key:02x?}") };
    let mut out = format!("space {space}, {} ", crate::catalogue::name_of(table));
    for byte in rest {
        // Writing to a string cannot fail.
        if write!(out, "{byte:02x}").is_err() {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed() {
        let value = wrap(3, 1, b"content");
        assert_eq!(open(3, b"", &value).unwrap(), (1, &b"content"[..]));
        assert!(open(4, b"", &value).is_err());
        for bit in 0..value.len() * 8 {
            let mut bent = value.to_vec();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(open(3, b"", &bent), Err(Error::Value { .. })), "bit {bit}");
        }
        assert!(open(3, b"", b"").is_err());
    }
}
