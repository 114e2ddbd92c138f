//! Text files: their encoding found out, and the text of a page without its markup.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, GB18030, UTF_16BE, UTF_16LE};

/// The text of a file, whatever it is encoded in: UTF-8, UTF-16, GB 18030 or Big5.
pub fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    if let Some(encoding) = wide(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // A text in any other encoding than these is likelier Chinese than that; GB 18030 is what GBK became.
    let guess = if detector.guess(None, Utf8Detection::Deny) == BIG5 { BIG5 } else { GB18030 };
    let (text, _, wrong) = guess.decode(bytes);
    if wrong && guess == GB18030 {
        let (other, _, wrong) = BIG5.decode(bytes);
        if !wrong {
            return other.into_owned();
        }
    }
    text.into_owned()
}

/// UTF-16 without a mark, told by the zeros of its blanks and line ends.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let pairs = bytes.get(..bytes.len().min(4_000))?.as_chunks::<2>().0;
    let count = |wanted: fn(&[u8; 2]) -> bool| pairs.iter().filter(|pair| wanted(pair)).count();
    let little = count(|pair| pair[1] == 0 && pair[0] != 0);
    let big = count(|pair| pair[0] == 0 && pair[1] != 0);
    let enough = pairs.len() / 20 + 1;
    match (little > enough, big > enough) {
        (true, false) => Some(UTF_16LE),
        (false, true) => Some(UTF_16BE),
        _ => None,
    }
}

/// Elements whose content nobody reads.
const UNREAD: &[&str] = &["script", "style", "noscript", "template"];

/// The text of a page: markup left out, the commonest references resolved.
pub fn html(page: &str) -> String {
    let mut out = String::with_capacity(page.len() / 2);
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        push_text(&mut out, text);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            continue;
        }
        let Some((inner, behind)) = tag.get(1..).and_then(|tag| tag.split_once('>')) else { break };
        rest = behind;
        let name: String =
            inner.chars().take_while(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
        if UNREAD.contains(&name.as_str()) {
            rest = behind_end(rest, &name);
        }
        out.push(
            if matches!(name.as_str(), "b" | "i" | "em" | "strong" | "a" | "span" | "u") || inner.starts_with('/') {
                '\u{200b}'
            } else {
                '\n'
            },
        );
    }
    if !rest.contains('<') {
        push_text(&mut out, rest);
    }
    out.replace('\u{200b}', "")
}

fn behind_end<'a>(text: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    let lower = text.to_ascii_lowercase();
    let behind = lower.find(&end).and_then(|at| text.get(at..));
    behind.and_then(|tail| tail.split_once('>')).map_or("", |(_, behind)| behind)
}

const REFERENCES: &[(&str, &str)] = &[
    ("&nbsp;", " "),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&middot;", "·"),
    ("&amp;", "&"),
];

fn push_text(out: &mut String, text: &str) {
    if !text.contains('&') {
        out.push_str(text);
        return;
    }
    let mut text = text.to_owned();
    for (reference, sign) in REFERENCES {
        text = text.replace(reference, sign);
    }
    out.push_str(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised() {
        let simplified = "关于召开2026年度会员大会的通知，请各会员单位准时参加。联系人：张三";
        let traditional = "關於召開年度會員大會的通知，請各會員單位準時參加。聯絡人：張三豐";
        assert_eq!(decode(simplified.as_bytes()), simplified);
        assert_eq!(decode(&GB18030.encode(simplified).0), simplified);
        assert_eq!(decode(&BIG5.encode(traditional).0), traditional);
        assert_eq!(decode(&[b"\xef\xbb\xbf", simplified.as_bytes()].concat()), simplified);
        let wide: Vec<u8> = "第一行 abc\n第二行 def\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide), "第一行 abc\n第二行 def\n");
        let marked: Vec<u8> =
            [0xfeff].into_iter().chain(simplified.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&marked), simplified);
        assert_eq!(decode(b""), "");
        assert!(!decode(&[0xff; 100]).is_empty(), "anything is some text");
    }

    #[test]
    fn a_page_loses_its_markup() {
        let page = "<html><style>p{}</style><body><!-- no --><p>第<b>一</b>条 &amp;lt; A&nbsp;B</p><script>if (a<b) alert()</script><p>第二条";
        let text = html(page);
        assert!(text.contains("第一条 &lt; A B") && text.contains("第二条"), "{text}");
        assert!(!text.contains("alert") && !text.contains("p{}") && !text.contains("no"), "{text}");
        for broken in ["<", "a<", "<script>", "<!--", "</", "<p", "&", "<<>>"] {
            drop(html(broken));
        }
    }
}
