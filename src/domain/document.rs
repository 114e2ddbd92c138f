//! Documents: papers that the secretariat keeps and finds again (S4-99 … S4-101), and what became of reading their text.

use crate::{AccountId, DepartmentId, DocumentId, EventId, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// Largest file in bytes (S4-100).
pub const UPLOAD_MAX: u64 = 100 << 20;
/// Most files of one upload (S4-100).
pub const UPLOADS_MAX: usize = 10;
/// Longest file name in characters.
pub const NAME_MAX: usize = 120;

/// What a file is, by its ending.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Word.
    Docx,
    /// Excel.
    Xlsx,
    /// PowerPoint.
    Pptx,
    /// OpenDocument text.
    Odt,
    /// PDF.
    Pdf,
    /// Plain text.
    Txt,
    /// Markdown.
    Md,
    /// A page.
    Html,
    /// A table as text.
    Csv,
    /// A picture; found by its name only.
    Picture,
    /// Anything else; found by its name only.
    Other,
}

const ENDINGS: &[(&str, Form)] = &[
    ("docx", Form::Docx),
    ("xlsx", Form::Xlsx),
    ("xls", Form::Xlsx),
    ("pptx", Form::Pptx),
    ("odt", Form::Odt),
    ("pdf", Form::Pdf),
    ("txt", Form::Txt),
    ("log", Form::Txt),
    ("md", Form::Md),
    ("html", Form::Html),
    ("htm", Form::Html),
    ("csv", Form::Csv),
    ("jpg", Form::Picture),
    ("jpeg", Form::Picture),
    ("png", Form::Picture),
    ("gif", Form::Picture),
    ("webp", Form::Picture),
    ("bmp", Form::Picture),
];

/// Endings of programs, which are not taken (S4-100).
const PROGRAMS: &[&str] = &["exe", "com", "bat", "cmd", "msi", "scr", "dll", "ps1", "vbs", "jar", "apk"];

fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or("", |(_, ending)| ending).to_lowercase()
}

/// What a file of that name is.
pub fn form(name: &str) -> Form {
    let ending = ending(name);
    ENDINGS.iter().find(|(known, _)| *known == ending).map_or(Form::Other, |(_, form)| *form)
}

/// Whether a file of that name is a program.
pub fn is_program(name: &str) -> bool {
    PROGRAMS.contains(&ending(name).as_str())
}

impl Form {
    /// Stable code, which the reading process is told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
            Self::Pptx => "pptx",
            Self::Odt => "odt",
            Self::Pdf => "pdf",
            Self::Txt => "txt",
            Self::Md => "md",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Picture => "picture",
            Self::Other => "other",
        }
    }

    /// The form of that code.
    pub fn parse(code: &str) -> Option<Self> {
        ENDINGS.iter().map(|(_, form)| *form).find(|form| form.code() == code)
    }

    /// Whether there is a text to read in it.
    pub fn has_text(self) -> bool {
        !matches!(self, Self::Picture | Self::Other)
    }
}

/// What became of reading the text.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It is found by its name only.
    Nameless,
    /// It waits to be read.
    Waiting,
    /// It was read: SHA-256 of the file with the text, and how many pages, sheets or slides there are (1 where there are none).
    Read([u8; 32], u32),
    /// It could not be read, and how often that was tried.
    Failed(Why, u8),
}

/// Why a text could not be read.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The file is damaged or not what its ending says.
    Damaged,
    /// It took too long.
    Slow,
    /// It took too much memory, or the reading process broke down.
    Broke,
    /// It is locked with a password.
    Locked,
    /// There is no text in it, such as in a scan.
    Empty,
}

impl Why {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Damaged, Self::Slow, Self::Broke, Self::Locked, Self::Empty];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Slow => "slow",
            Self::Broke => "broke",
            Self::Locked => "locked",
            Self::Empty => "empty",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Damaged => "The file is damaged or not what its ending says",
            Self::Slow => "Reading it took too long",
            Self::Broke => "Reading it took too much memory",
            Self::Locked => "It is locked with a password",
            Self::Empty => "There is no text in it; it may be a scan",
        }
    }
}

/// A document.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Number.
    pub id: DocumentId,
    /// Name of the file, ending included.
    pub name: String,
    /// SHA-256 of the file.
    pub file: [u8; 32],
    /// Its bytes.
    pub bytes: u64,
    /// The event it belongs to, for scopes.
    pub event: Option<EventId>,
    /// The department it belongs to, for scopes.
    pub department: Option<DepartmentId>,
    /// Who uploaded it, for scopes.
    pub owner: AccountId,
    /// When.
    pub created_at: Time,
    /// What became of its text.
    pub reading: Reading,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_told_by_the_ending() {
        let cases = [
            ("合同.DOCX", Form::Docx, false),
            ("a.b.pdf", Form::Pdf, false),
            ("照片.JPG", Form::Picture, false),
            ("x", Form::Other, false),
            ("setup.exe", Form::Other, true),
            ("a.zip", Form::Other, false),
        ];
        for (name, expected, program) in cases {
            assert_eq!((form(name), is_program(name)), (expected, program), "{name}");
        }
        for (_, form) in ENDINGS {
            assert_eq!(Form::parse(form.code()), Some(*form));
        }
    }
}
