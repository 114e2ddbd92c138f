//! Files of every kind made by the tests, good and bad, and what is read of them.

use super::*;
use std::io::{Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

pub(crate) fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn docx() -> Vec<u8> {
    let body = "<w:p><w:r><w:t>采购合同</w:t></w:r></w:p><w:p><w:r><w:t>甲方：华为技术</w:t></w:r><w:r><w:t>有限公司 &amp; 乙方</w:t></w:r></w:p>\
        <w:p><w:r><w:lastRenderedPageBreak/><w:t>违约金为合同总价的百分之五。</w:t></w:r></w:p>";
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>"
    );
    packed(&[("[Content_Types].xml", "<Types/>"), ("word/document.xml", &xml)])
}

/// A PDF of two pages with a font of the fourteen.
pub(crate) fn pdf() -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    let page = |text: &str| {
        format!("<< /Length {} >>\nstream\nBT /F1 12 Tf 72 700 Td ({text}) Tj ET\nendstream", text.len() + 32)
    };
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 7 0 R >> >> >>".to_owned(),
        page("Minutes of the council"),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 6 0 R /Resources << /Font << /F1 7 0 R >> >> >>".to_owned(),
        page("Penalty clause"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (at, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", at + 1).bytes());
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    out.extend(format!("trailer << /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1).bytes());
    out
}

fn read_bytes(form: Form, bytes: &[u8]) -> Result<Vec<String>, Why> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(form, file.path())
}

#[test]
fn every_kind_of_file_is_read_page_by_page() {
    let pages = read_bytes(Form::Docx, &docx()).unwrap();
    assert_eq!(pages.len(), 2, "{pages:?}");
    assert!(pages[0].contains("甲方：华为技术有限公司 & 乙方") && pages[1].starts_with("违约金"), "{pages:?}");

    let slide =
        |text: &str| format!("<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>");
    let (one, two, ten) = (slide("封面"), slide("第二张"), slide("最后一张"));
    let deck =
        packed(&[("ppt/slides/slide10.xml", &ten), ("ppt/slides/slide2.xml", &two), ("ppt/slides/slide1.xml", &one)]);
    assert_eq!(read_bytes(Form::Pptx, &deck).unwrap(), ["封面", "第二张", "最后一张"]);

    let odt = packed(&[(
        "content.xml",
        "<office:document-content><office:automatic-styles>x</office:automatic-styles><office:body><office:text><text:h>章程</text:h><text:p>第一条<text:s/>总则</text:p><text:soft-page-break/><text:p>第二条</text:p></office:text></office:body></office:document-content>",
    )]);
    assert_eq!(read_bytes(Form::Odt, &odt).unwrap(), ["章程\n第一条 总则", "第二条"]);

    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().set_name("会员").unwrap().write(0, 0, "姓名").unwrap().write(1, 0, "张三").unwrap();
    book.add_worksheet().set_name("会费").unwrap().write(0, 0, 500.5).unwrap();
    let pages = read_bytes(Form::Xlsx, &book.save_to_buffer().unwrap()).unwrap();
    assert!(pages.len() == 2 && pages[0].contains("张三") && pages[1].contains("500.5"), "{pages:?}");

    let pages = read_bytes(Form::Pdf, &pdf()).unwrap();
    assert!(
        pages.len() >= 2 && pages[0].contains("Minutes of the council") && pages[1].contains("Penalty clause"),
        "{pages:?}"
    );

    assert_eq!(read_bytes(Form::Csv, "姓名,单位\n张三,华为".as_bytes()).unwrap(), ["姓名,单位\n张三,华为"]);
    assert_eq!(read_bytes(Form::Html, b"<p>one<p>two").unwrap(), ["one\ntwo"]);
    assert_eq!(read_bytes(Form::Md, "# 题\n\n文".as_bytes()).unwrap(), ["# 题\n\n文"]);
}

#[test]
fn a_bad_file_says_what_is_wrong_with_it() {
    let whole = docx();
    let cut = &whole[..whole.len() / 2];
    let old = [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &[0; 600]].concat();
    let cases: &[(Form, &[u8], Why)] = &[
        (Form::Docx, cut, Why::Damaged),
        (Form::Docx, b"not a zip", Why::Damaged),
        (Form::Docx, &old, Why::Locked),
        (Form::Docx, &packed(&[("word/document.xml", "<w:document><w:t>open")]), Why::Damaged),
        (Form::Pptx, &packed(&[("other.xml", "<a/>")]), Why::Damaged),
        (Form::Xlsx, b"PK\x03\x04 no", Why::Damaged),
        (Form::Pdf, b"no pdf at all", Why::Damaged),
        (Form::Txt, b" \n ", Why::Empty),
        (Form::Picture, b"x", Why::Empty),
    ];
    for (form, bytes, why) in cases {
        assert_eq!(read_bytes(*form, bytes).unwrap_err(), *why, "{form:?}");
    }
    assert!(matches!(read_bytes(Form::Pdf, b"%PDF-1.4 cut off"), Err(Why::Damaged | Why::Empty)));
}
