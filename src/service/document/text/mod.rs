//! The text of a file, page by page. Runs in a process of its own with little memory and time, since files come from anywhere: whatever
//! happens there, the hall goes on.

mod office;
mod plain;

use domain::document::{Form, Why};
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

/// Address space of the reading process in bytes.
const MEMORY: u64 = 1 << 30;
/// Processor seconds of the reading process.
const SECONDS: u64 = 20;
/// Most characters of all pages together.
const TEXT_MAX: usize = 4_000_000;
/// Most pages.
const PAGES_MAX: usize = 5_000;
/// Most bytes of one part of a packed file when unpacked.
const PART_MAX: u64 = 64 << 20;

/// What the reading process does: limits itself, reads the file and writes its pages as JSON, or the code of what was wrong.
pub fn child(form: &str, path: &Path) -> bool {
    store::step_back(10);
    limit(rustix::process::Resource::As, MEMORY);
    limit(rustix::process::Resource::Cpu, SECONDS);
    limit(rustix::process::Resource::Fsize, 0);
    limit(rustix::process::Resource::Core, 0);
    let read = Form::parse(form).ok_or(Why::Damaged).and_then(|form| read(form, path));
    let said = match read {
        Ok(pages) => serde_json::to_string(&pages).map_err(|_| Why::Broke),
        Err(why) => Err(why),
    };
    let line = said.unwrap_or_else(|why| format!("!{}", why.code()));
    std::io::stdout().write_all(line.as_bytes()).is_ok()
}

fn limit(of: rustix::process::Resource, most: u64) {
    let limit = rustix::process::Rlimit { current: Some(most), maximum: Some(most) };
    if let Err(error) = rustix::process::setrlimit(of, limit) {
        tracing::warn!(%error, "a limit of the reading process could not be set");
    }
}

/// The pages of a file.
pub(super) fn read(form: Form, path: &Path) -> Result<Vec<String>, Why> {
    pages(form, &fs::read(path).map_err(|_| Why::Damaged)?)
}

/// The pages of a file's bytes. What other people's libraries do with them is only bounded in the process that [`child`] limits.
pub fn pages(form: Form, bytes: &[u8]) -> Result<Vec<String>, Why> {
    let pages = match form {
        Form::Docx => office::docx(bytes)?,
        Form::Pptx => office::pptx(bytes)?,
        Form::Odt => office::odt(bytes)?,
        Form::Xlsx => sheets(bytes)?,
        Form::Pdf => pdf(bytes)?,
        Form::Txt | Form::Md | Form::Csv => vec![plain::decode(bytes)],
        Form::Html => vec![plain::html(&plain::decode(bytes))],
        Form::Picture | Form::Other => return Err(Why::Empty),
    };
    let pages = within_limits(pages);
    if pages.iter().all(|page| page.trim().is_empty()) { Err(Why::Empty) } else { Ok(pages) }
}

fn within_limits(pages: Vec<String>) -> Vec<String> {
    let mut left = TEXT_MAX;
    let mut out = Vec::with_capacity(pages.len().min(PAGES_MAX));
    for page in pages.into_iter().take(PAGES_MAX) {
        let page: String = domain::text::block(&page).chars().take(left).collect();
        left -= page.chars().count();
        out.push(page);
        if left == 0 {
            break;
        }
    }
    out
}

/// Whether it is a container of the old kind, as files locked with a password are kept in.
fn is_locked(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0])
}

/// The sheets of a workbook, a row to a line.
fn sheets(bytes: &[u8]) -> Result<Vec<String>, Why> {
    use calamine::Reader;
    let mut book = calamine::open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|error| {
        if is_locked(bytes) && error.to_string().to_lowercase().contains("password") {
            Why::Locked
        } else {
            Why::Damaged
        }
    })?;
    let mut pages = Vec::new();
    for name in book.sheet_names() {
        let Ok(range) = book.worksheet_range(&name) else { continue };
        let mut page = name;
        let mut length = 0;
        for row in range.rows() {
            page.push('\n');
            for cell in row.iter().filter(|cell| !matches!(cell, calamine::Data::Empty)) {
                let text = cell.to_string();
                length += text.len();
                page.push_str(&text);
                page.push('\t');
            }
            if length > TEXT_MAX {
                break;
            }
        }
        pages.push(page);
    }
    Ok(pages)
}

/// The pages of a PDF. What our reader cannot make out, poppler's may, where it is installed.
fn pdf(bytes: &[u8]) -> Result<Vec<String>, Why> {
    if !bytes.get(..1024.min(bytes.len())).unwrap_or_default().windows(5).any(|part| part == b"%PDF-") {
        return Err(Why::Damaged);
    }
    let read = std::panic::catch_unwind(|| pdf_extract::extract_text_from_mem_by_pages(bytes));
    let error = match read {
        Ok(Ok(pages)) if pages.iter().any(|page| !page.trim().is_empty()) => return Ok(pages),
        Ok(Ok(_)) => Why::Empty,
        Ok(Err(error)) if error.to_string().to_lowercase().contains("crypt") => Why::Locked,
        Ok(Err(_)) | Err(_) => Why::Damaged,
    };
    poppler(bytes).ok_or(error)
}

fn poppler(bytes: &[u8]) -> Option<Vec<String>> {
    use std::process::{Command, Stdio};
    let mut child = Command::new("pdftotext")
        .args(["-q", "-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let whole = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&whole).is_ok());
    let said = child.wait_with_output().ok()?;
    let fed = writer.join().unwrap_or(false);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let pages: Vec<String> = text.split('\u{c}').map(str::to_owned).collect();
    (fed && said.status.success() && pages.iter().any(|page| !page.trim().is_empty())).then_some(pages)
}

#[cfg(test)]
pub(crate) mod test;
