//! Uploaded music: kept as files named by their hash beside the database; this is the record that names them, and what a file must
//! begin with.

use crate::{AccountId, SoundId, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// What a piece of music is.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundKind {
    /// MPEG audio layer 3.
    Mp3,
    /// Ogg Vorbis or Opus.
    Ogg,
    /// RIFF wave.
    Wav,
    /// AAC in an MPEG-4 container.
    M4a,
}

impl SoundKind {
    /// Media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Ogg => "audio/ogg",
            Self::Wav => "audio/wav",
            Self::M4a => "audio/mp4",
        }
    }

    /// What the bytes are by their own beginning, whatever the file is called.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let at = |from: usize, mark: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(mark));
        if at(0, b"OggS") {
            return Some(Self::Ogg);
        }
        if at(0, b"RIFF") && at(8, b"WAVE") {
            return Some(Self::Wav);
        }
        if at(4, b"ftypM4A") || at(4, b"ftypmp4") || at(4, b"ftypisom") {
            return Some(Self::M4a);
        }
        // A tag in front, or a frame head: eleven bits of synchronisation, a known version and layer 3.
        let frame = matches!(bytes, [0xff, second, third, ..] if second & 0xe6 == 0xe2 && second & 0x18 != 0x08 && third >> 4 != 0xf);
        (at(0, b"ID3") || frame).then_some(Self::Mp3)
    }
}

/// A piece of music.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// Number.
    pub id: SoundId,
    /// SHA-256 of the stored file.
    pub file: [u8; 32],
    /// What it is.
    pub kind: SoundKind,
    /// Name of the uploaded file.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// Who uploaded it.
    pub owner: AccountId,
    /// When.
    pub created_at: Time,
}

/// Largest upload in bytes.
pub const SOUND_MAX: usize = 15 << 20;
/// Longest name that is kept, in characters.
pub const SOUND_NAME_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn music_is_known_by_its_content() {
        let cases: [(&[u8], Option<SoundKind>); 9] = [
            (b"ID3\x04\0\0", Some(SoundKind::Mp3)),
            (b"\xff\xfb\x90\x64", Some(SoundKind::Mp3)),
            (b"OggS\0", Some(SoundKind::Ogg)),
            (b"RIFF\x24\0\0\0WAVEfmt ", Some(SoundKind::Wav)),
            (b"RIFF\x24\0\0\0AVI LIST", None),
            (b"\0\0\0\x20ftypM4A \0", Some(SoundKind::M4a)),
            (b"<html>", None),
            (b"\xff\xd8\xff\xe0", None),
            (b"", None),
        ];
        for (bytes, kind) in cases {
            assert_eq!(SoundKind::of(bytes), kind, "{bytes:?}");
        }
    }
}
