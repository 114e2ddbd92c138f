//! Uploaded pictures: kept as files named by their hash beside the database; this is the record that names them.

use crate::{AccountId, PictureId, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// A picture, re-encoded and sized on upload.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Number.
    pub id: PictureId,
    /// SHA-256 of the stored file.
    pub file: [u8; 32],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Who uploaded it.
    pub owner: AccountId,
    /// When.
    pub created_at: Time,
}

/// Largest upload in bytes.
pub const UPLOAD_MAX: usize = 15 << 20;
/// Longest side after sizing, in pixels.
pub const SIDE_MAX: u32 = 1_600;
/// Most pixels of an upload; a small file can unpack to far more than memory holds.
pub const PIXELS_MAX: u64 = 60_000_000;
