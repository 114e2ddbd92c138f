//! Reading and writing lists as xlsx and csv: the one importer's reader and the one exporter. Cells that a spreadsheet would
//! take for a formula are written as text.

use crate::Error;
use bytes::Bytes;
use calamine::{Data, Reader, Xlsx};
use domain::{
    Refusal,
    import::{COLUMNS_MAX, FILE_MAX, ROWS_MAX},
    problem,
};
use std::io::{Cursor, Write};

/// A list: its heads and its rows as text, every row as long as the heads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sheet {
    /// The first row.
    pub heads: Vec<String>,
    /// All rows below that are not empty, with the number that a spreadsheet shows beside them.
    pub rows: Vec<(u32, Vec<String>)>,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Office Open XML workbook.
    Xlsx,
    /// Comma separated values, UTF-8 with byte order mark so that spreadsheets read it right.
    Csv,
}

impl Format {
    /// The format of that file ending.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "xlsx" => Some(Self::Xlsx),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// File ending.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }

    /// Media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

fn refused(problem: domain::Problem) -> Error {
    Refusal::invalid(vec![problem]).into()
}

/// Reads an uploaded list: an xlsx workbook (its first sheet) or a csv file in UTF-8 or GB 18030.
pub fn read(bytes: &[u8]) -> Result<Sheet, Error> {
    if bytes.len() > FILE_MAX {
        return Err(refused(problem!("file", "A list may have at most {size} MB.", size = FILE_MAX >> 20)));
    }
    let table = if bytes.starts_with(b"PK\x03\x04") { read_xlsx(bytes)? } else { read_csv(bytes)? };
    shape(table)
}

/// Most bytes that the parts of a workbook may unpack to together.
const UNPACKED_MAX: u64 = 400 << 20;

fn read_xlsx(bytes: &[u8]) -> Result<Vec<(u32, Vec<String>)>, Error> {
    let unreadable =
        || refused(problem!("file", "This workbook cannot be read. Save it again as .xlsx without a password."));
    check_unpacked(bytes).ok_or_else(unreadable)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    let range = book.worksheet_range_at(0).ok_or_else(unreadable)?.map_err(|_| unreadable())?;
    let (first, width) = (range.start().map_or(0, |(row, _)| row), range.width());
    if width > COLUMNS_MAX || range.height() > ROWS_MAX + 1 {
        return Err(too_large());
    }
    let rows = range.rows().zip(first + 1..);
    Ok(rows.map(|(row, number)| (number, row.iter().map(cell).collect())).collect())
}

/// Adds up what the workbook's parts say they unpack to; a zip bomb is turned away before it is unpacked.
fn check_unpacked(bytes: &[u8]) -> Option<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut total = 0u64;
    for at in 0..archive.len().min(10_000) {
        total = total.checked_add(archive.by_index_raw(at).ok()?.size())?;
    }
    (total <= UNPACKED_MAX && archive.len() <= 10_000).then_some(())
}

fn cell(data: &Data) -> String {
    match data {
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::DateTime(at) => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) == (0, 0, 0) { date } else { format!("{date} {hour:02}:{minute:02}:{second:02}") }
        }
        Data::Error(_) | Data::Empty => String::new(),
        other => other.to_string(),
    }
}

fn read_csv(bytes: &[u8]) -> Result<Vec<(u32, Vec<String>)>, Error> {
    let text = decode(bytes).ok_or_else(|| {
        refused(problem!("file", "This is neither an .xlsx workbook nor a text file. Save the list as .xlsx or .csv."))
    })?;
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    // The last of equals wins, so a line without any of them is read with commas.
    let commonest = [b';', b'\t', b','].into_iter().max_by_key(|mark| head.bytes().filter(|byte| byte == mark).count());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(commonest.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            refused(problem!("file", "Line {line} of the file cannot be read.", line = line))
        })?;
        if rows.len() > ROWS_MAX || record.len() > COLUMNS_MAX {
            return Err(too_large());
        }
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((u32::try_from(line).unwrap_or(u32::MAX), record.iter().map(undefuse).collect()));
    }
    Ok(rows)
}

/// UTF-8 with or without mark, else GB 18030 (what spreadsheets in China write); none for binary data.
fn decode(bytes: &[u8]) -> Option<String> {
    if bytes.contains(&0) {
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    let (text, _, wrong) = encoding_rs::GB18030.decode(bytes);
    (!wrong).then(|| text.into_owned())
}

fn too_large() -> Error {
    refused(problem!(
        "file",
        "A list may have at most {rows} rows and {columns} columns.",
        rows = ROWS_MAX,
        columns = COLUMNS_MAX
    ))
}

fn shape(table: Vec<(u32, Vec<String>)>) -> Result<Sheet, Error> {
    let mut rows = table.into_iter().filter(|(_, row)| row.iter().any(|cell| !cell.trim().is_empty()));
    let Some((_, heads)) = rows.next() else {
        return Err(refused(problem!("file", "This list is empty. Its first row must hold the heads of the columns.")));
    };
    let width = heads.iter().rposition(|head| !head.trim().is_empty()).map_or(0, |last| last + 1);
    let fit = |mut row: Vec<String>| {
        row.resize(width, String::new());
        row
    };
    let rows = rows.map(|(number, row)| (number, fit(row))).collect();
    Ok(Sheet { heads: fit(heads), rows })
}

/// Writes a list.
pub fn write(format: Format, sheet: &[Vec<String>]) -> Result<Vec<u8>, Error> {
    let mut draft = Draft::new(format);
    draft.push(sheet)?;
    Ok(draft.finish()?.whole())
}

/// A list as it was written, in pieces that stay where they are: a long one takes its own length in memory, and less and less while it is sent.
#[derive(Debug, Default)]
pub struct Written(Vec<Bytes>);

impl Written {
    /// The pieces in their order.
    pub fn pieces(self) -> Vec<Bytes> {
        self.0
    }

    /// All of it in one piece.
    pub fn whole(self) -> Vec<u8> {
        self.0.concat()
    }
}

/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// A list that becomes longer.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl Growing {
    fn turn(&mut self) {
        let full = std::mem::take(&mut self.last);
        if !full.is_empty() {
            self.full.push(full.into());
        }
    }

    fn written(mut self) -> Written {
        self.turn();
        Written(self.full)
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.last.len() == PIECE {
            self.turn();
        }
        if self.last.is_empty() {
            self.last.reserve_exact(PIECE);
        }
        let (here, _) = bytes.split_at(bytes.len().min(PIECE - self.last.len()));
        self.last.extend_from_slice(here);
        Ok(here.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A list while it is being written, some rows at a time; the first of all are the heads.
pub(crate) enum Draft {
    Xlsx { book: Box<rust_xlsxwriter::Workbook>, next: u32 },
    Csv(Box<csv::Writer<Growing>>),
}

impl Draft {
    pub(crate) fn new(format: Format) -> Self {
        match format {
            Format::Xlsx => {
                let mut book = Box::new(rust_xlsxwriter::Workbook::new());
                book.add_worksheet();
                Self::Xlsx { book, next: 0 }
            }
            Format::Csv => {
                let mark = Growing { last: b"\xef\xbb\xbf".to_vec(), ..Growing::default() };
                Self::Csv(Box::new(csv::WriterBuilder::new().flexible(true).from_writer(mark)))
            }
        }
    }

    pub(crate) fn push(&mut self, rows: &[Vec<String>]) -> Result<(), Error> {
        match self {
            Self::Xlsx { book, next } => push_xlsx(book, next, rows).map_err(workbook_failed),
            Self::Csv(writer) => {
                for cells in rows {
                    let written = writer.write_record(cells.iter().map(|cell| defuse(cell)));
                    written.map_err(|error| Error::internal("writing a csv file", error))?;
                }
                Ok(())
            }
        }
    }

    pub(crate) fn finish(self) -> Result<Written, Error> {
        match self {
            Self::Xlsx { mut book, .. } => Ok(Written(vec![book.save_to_buffer().map_err(workbook_failed)?.into()])),
            Self::Csv(writer) => {
                let whole = writer.into_inner().map_err(|error| Error::internal("writing a csv file", error))?;
                Ok(whole.written())
            }
        }
    }
}

fn workbook_failed(error: rust_xlsxwriter::XlsxError) -> Error {
    Error::internal("writing a workbook", error)
}

fn push_xlsx(
    book: &mut rust_xlsxwriter::Workbook,
    next: &mut u32,
    rows: &[Vec<String>],
) -> Result<(), rust_xlsxwriter::XlsxError> {
    let page = book.worksheet_from_index(0)?;
    let bold = rust_xlsxwriter::Format::new().set_bold();
    for cells in rows {
        for (column, cell) in (0u16..).zip(cells) {
            // Strings are string cells in a workbook: nothing in them is ever taken for a formula.
            if *next == 0 {
                page.write_string_with_format(0, column, cell, &bold)?;
            } else {
                page.write_string(*next, column, cell)?;
            }
        }
        *next += 1;
    }
    Ok(())
}

/// A cell that begins like a formula gets a leading apostrophe (OWASP, CSV injection); a phone number in E.164 too.
fn defuse(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Takes back what [`defuse`] did, so that an exported list can be imported again.
fn undefuse(cell: &str) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if defuse(rest).len() > rest.len() => rest.to_owned(),
        _ => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Vec<String>> {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        vec![row(["姓名", "手机"]), row(["=HYPERLINK(\"x\")", "+8613812345678"]), row(["@张, \"三\"\n", "13900000000"])]
    }

    #[test]
    fn lists_survive_a_round_trip_in_both_formats() {
        for format in [Format::Xlsx, Format::Csv] {
            let sheet = read(&write(format, &table()).unwrap()).unwrap();
            assert_eq!(sheet.heads, table()[0], "{format:?}");
            let rows: Vec<_> = sheet.rows.iter().map(|(_, row)| row.clone()).collect();
            assert_eq!(rows, table()[1..], "{format:?}");
        }
    }

    #[test]
    fn a_long_list_comes_in_pieces_and_nothing_is_lost_between_them() {
        let rows: Vec<Vec<String>> = (0..9_000).map(|n| vec![format!("{n}"), "长".repeat(n % 60)]).collect();
        let mut draft = Draft::new(Format::Csv);
        rows.chunks(700).for_each(|some| draft.push(some).unwrap());
        let pieces = draft.finish().unwrap().pieces();
        assert!(pieces.len() > 10 && pieces.iter().all(|piece| (1..=PIECE).contains(&piece.len())));
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let whole = String::from_utf8(pieces.concat()).unwrap();
        assert_eq!(whole.strip_prefix('\u{feff}').unwrap().lines().collect::<Vec<_>>(), lines);
        // A piece may be longer than what is written at once, and shorter.
        let mut growing = Growing::default();
        for _ in 0..3 {
            growing.write_all(&[7; PIECE + 1]).unwrap();
        }
        let lengths: Vec<usize> = growing.written().pieces().iter().map(Bytes::len).collect();
        assert_eq!(lengths, [PIECE, PIECE, PIECE, 3]);
        assert!(Growing::default().written().pieces().is_empty());
    }

    #[test]
    fn formulas_are_defused() {
        let csv = String::from_utf8(write(Format::Csv, &table()).unwrap()).unwrap();
        assert!(csv.contains("\"'=HYPERLINK") && csv.contains("'+8613812345678") && csv.contains("'@张"));
        let xlsx = write(Format::Xlsx, &table()).unwrap();
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(xlsx)).unwrap();
        assert!(book.worksheet_formula("Sheet1").unwrap().is_empty());
    }

    #[test]
    fn csv_is_read_in_any_of_its_dialects() {
        let gbk = encoding_rs::GBK.encode("姓名;手机\n张三;138\n").0.into_owned();
        for bytes in [gbk, "姓名\t手机\r\n张三\t138\r\n".into(), "\u{feff}姓名,手机\n\n,\n张三,138,extra\n".into()]
        {
            let sheet = read(&bytes).unwrap();
            assert_eq!(sheet.heads, ["姓名", "手机"]);
            assert_eq!(sheet.rows.len(), 1);
            assert_eq!(sheet.rows[0].1, ["张三", "138"]);
        }
    }

    /// A workbook whose parts unpack to `parts` times 8 MiB of nothing.
    fn bomb(parts: u64) -> Vec<u8> {
        use std::io::Write;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("part", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&vec![0; 8 << 20]).unwrap();
        // Packed once, and laid in again and again.
        let mut one = zip::ZipArchive::new(zip.finish().unwrap()).unwrap();
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for part in 0..parts {
            zip.raw_copy_file_rename(one.by_index_raw(0).unwrap(), format!("xl/worksheets/sheet{part}.xml")).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn a_zip_bomb_is_turned_away_before_it_is_unpacked() {
        let bytes = bomb(UNPACKED_MAX / (8 << 20) + 1);
        assert!(bytes.len() < 2 << 20, "it looks small: {} bytes", bytes.len());
        assert_eq!(read(&bytes).unwrap_err().code(), Some("input.invalid"));
        assert!(check_unpacked(&bytes).is_none(), "by what its parts say of themselves");
        assert!(check_unpacked(&bomb(UNPACKED_MAX / (8 << 20))).is_some());
    }

    #[test]
    fn what_is_no_list_is_refused_with_a_reason() {
        for bytes in [&b""[..], b"\0\x01\x02", b"PK\x03\x04rubbish", b"\n\n,,\n"] {
            let error = read(bytes).unwrap_err();
            assert_eq!(error.code(), Some("input.invalid"), "{bytes:?}");
        }
        let wide = vec!["a,"; 100].concat();
        assert_eq!(read(wide.as_bytes()).unwrap_err().code(), Some("input.invalid"));
    }
}
