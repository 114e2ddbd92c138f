//! What outside bytes may do to every parser that sees them: nothing but an answer or a refusal. Each function takes any bytes, hands them to one
//! parser as the hall does, and checks what must hold of the result; a panic or a failed check is the find. libFuzzer drives them by the programs in
//! `targets`, and the tests below by their corpus and by what comes of bending it.

mod boxes;
mod hall;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod test;

pub use boxes::{depot, package, proxy, standby};
pub use hall::http;

use domain::{code, document::Form, phone, query, rich, scanner};
use gateway::{pay, wechat};
use jiff::tz::TimeZone;
use search::{Ask, Change, Entry, Index, Key, Scope, Sight, Sort, Use};
use service::{Error, document::text as documents, picture as pictures, sheet as sheets};
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};

/// A parser and the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// Every parser that sees outside bytes.
pub const TARGETS: &[Target] = &[
    ("http", http),
    ("scanner", scanner),
    ("query", query),
    ("push", push),
    ("bill", bill),
    ("frames", frames),
    ("sheet", sheet),
    ("picture", picture),
    ("text", text),
    ("rich", rich),
    ("proxy", proxy),
    ("standby", standby),
    ("package", package),
    ("depot", depot),
];

/// Where targets wait for what is done elsewhere.
pub(crate) fn runtime() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().ok()).as_ref()
}

/// A refusal is an answer; a failure is a find.
pub(crate) fn answered<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Refused(_)) => None,
        Err(failure) => {
            assert!(matches!(failure, Error::Refused(_)), "{failure}");
            None
        }
    }
}

/// Keys of a scanner that types, characters of a serial one, and what is read out of the codes.
pub fn scanner(bytes: &[u8]) {
    let (mut keys, mut line) = (scanner::Typed::default(), scanner::Typed::default());
    let mut codes = Vec::new();
    for pair in bytes.chunks_exact(2) {
        let [key, value] = *pair else { continue };
        codes.extend(keys.key(u16::from(key), i32::from(value % 3)));
    }
    codes.extend(bytes.iter().filter_map(|byte| line.char(char::from(*byte))));
    codes.extend([keys.ended(scanner::CODE_MIN), line.ended(scanner::CODE_MIN)].into_iter().flatten());
    for code in &codes {
        // A byte of a serial line is a character of up to two bytes.
        assert!(code.len() <= scanner::CODE_MAX + 1 && !code.trim().is_empty(), "{code:?}");
        let _known = code::read(code);
    }
    let text = String::from_utf8_lossy(bytes);
    let _known = code::read(&text);
    if let Some(number) = phone::normalise(&text) {
        assert_eq!(phone::normalise(&number).as_deref(), Some(number.as_str()), "a stored number is read as itself");
    }
}

/// An index with a few people in it.
fn index() -> Option<&'static Index> {
    static INDEX: OnceLock<Option<Index>> = OnceLock::new();
    let make = || {
        let index = Index::create(None, Use::Live).ok()?;
        let names = ["王小明", "欧阳娜娜", "Ada Lovelace", "李雷", "ﬁne", "张三"];
        let changes: Vec<Change> = (1u64..)
            .zip(names)
            .map(|(id, name)| {
                let key = Key { space: 1, kind: 1, id, event: 3 };
                let mut entry = Entry::new(key, name);
                entry.phone = Some(search::Phone::of("+8613800138000"));
                entry.company = "测试 Company".into();
                entry.text = "今天的会议 minutes of the meeting".into();
                entry.numbers = vec!["100000000007".into()];
                Change { key, entries: vec![entry] }
            })
            .collect();
        index.apply(&changes, 1).ok()?;
        Some(index)
    };
    INDEX.get_or_init(make).as_ref()
}

/// What somebody types into the search box: read, shown again, and asked of an index.
pub fn query(bytes: &[u8]) {
    let typed = String::from_utf8_lossy(bytes);
    let Ok(query) = query::parse(&typed, &TimeZone::UTC) else { return };
    let (index, everywhere) = (index(), Scope::everywhere());
    assert!(index.is_some(), "there is no index");
    let sights = [Sight { kind: 1, see: everywhere.clone(), unmasked: everywhere }];
    for quick in [false, true] {
        let ask = Ask {
            space: 1,
            query: &query,
            sights: &sights,
            kinds: None,
            events: None,
            not_events: None,
            stale: &|_| false,
            secret: &str::to_owned,
            sort: Sort::Relevance,
            skip: 0,
            take: 10,
            quick,
        };
        let found = index.map(|index| index.find(&ask));
        assert!(found.is_some_and(|found| found.is_ok_and(|found| found.hits.len() <= 10)), "{typed:?}");
    }
}

/// When pushes of the corpus were made, in Unix seconds.
const NOW: i64 = 1_795_000_000;
/// A key as WeChat gives them: 43 characters of Base64.
const ENCODING_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// What WeChat and WeCom push: as it comes, signed, and sealed with the right key, since a stranger may be whoever owns the other account.
pub fn push(bytes: &[u8]) {
    use wechat::{crypt, push::Door, push::Signed};
    let (query, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default()),
        None => (bytes, bytes),
    };
    let stranger = Signed::parse(&String::from_utf8_lossy(query));
    let (plain, sealed) =
        (Door::new("token", None), Door::new("token", crypt::Cipher::new(ENCODING_KEY, "wx1234").ok()));
    assert!(plain.take(&stranger, body, NOW).is_err() || !stranger.signature.is_empty(), "an unsigned push was taken");
    let (timestamp, nonce) = (NOW.to_string(), "nonce".to_owned());
    let signature = crypt::sign(&["token", &timestamp, &nonce]);
    let signed = Signed { signature, timestamp: timestamp.clone(), nonce: nonce.clone(), ..Signed::default() };
    if let Ok(push) = plain.take(&signed, body, NOW) {
        let _read = (push.from(), push.kind(), push.event(), push.created(), push.once());
        let _facts = wechat::push::entries(push.fields.get("List"));
        assert!(push.to_json().starts_with('{'), "a push is kept as an object");
    }
    let Ok(cipher) = crypt::Cipher::new(ENCODING_KEY, "wx1234") else { return };
    let Ok(encrypted) = cipher.seal([7; crypt::SALT], body) else { return };
    assert_eq!(cipher.open(&encrypted).ok().as_deref(), Some(body), "what was sealed is not what is opened");
    let signed =
        Signed { msg_signature: crypt::sign(&["token", &timestamp, &nonce, &encrypted]), timestamp, nonce, ..signed };
    let envelope = format!("<xml><ToUserName>a</ToUserName><Encrypt>{encrypted}</Encrypt></xml>");
    let _taken = sealed.take(&signed, envelope.as_bytes(), NOW);
    let _opened = cipher.open(&String::from_utf8_lossy(body));
    let _user = crypt::open_user_data(ENCODING_KEY, "abcdefghijklmnopqrstuv==", &String::from_utf8_lossy(body));
}

/// Bills that WeChat Pay hands out.
pub fn bill(bytes: &[u8]) {
    /// Most bytes of a bill that a find would take long to look at.
    const MOST: usize = 1 << 20;
    let Ok(whole) = pay::file::unpacked(bytes, MOST) else { return };
    assert!(whole.len() <= MOST.max(bytes.len()), "unpacked to {} bytes", whole.len());
    let text = String::from_utf8_lossy(&whole);
    let _trade = pay::file::trade(&text);
    let _fund = pay::file::fund(&text);
}

/// A segment of the journal, a part of it, and what is in a frame, as a broken disk or somebody else's backup may give them.
pub fn frames(bytes: &[u8]) {
    let _entries = store::look_at_group(bytes);
    let segment = store::look_at_segment(bytes);
    let part = store::look_at_part(bytes);
    assert!(segment.is_err() || part.is_err() || bytes.is_empty(), "a segment is no part");
}

/// Uploaded lists.
pub fn sheet(bytes: &[u8]) {
    let Some(sheet) = answered(sheets::read(bytes)) else { return };
    let rows: Vec<Vec<String>> =
        std::iter::once(sheet.heads.clone()).chain(sheet.rows.iter().map(|(_, row)| row.clone())).collect();
    for format in [sheets::Format::Csv, sheets::Format::Xlsx] {
        let written = answered(sheets::write(format, &rows));
        assert!(written.is_some_and(|written| !written.is_empty()), "a list that was read cannot be written");
    }
}

/// Pictures, and the codes in them.
pub fn picture(bytes: &[u8]) {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let Some(runtime) = runtime() else { return };
    let _codes = answered(runtime.block_on(pictures::codes(bytes)));
}

/// Documents whose text is read by our own code; the first byte chooses the form. Whatever is wrong with one is said by a code.
pub fn text(bytes: &[u8]) {
    const FORMS: [Form; 6] = [Form::Docx, Form::Pptx, Form::Odt, Form::Html, Form::Txt, Form::Csv];
    let Some((first, rest)) = bytes.split_first() else { return };
    let Some(form) = FORMS.get(usize::from(*first) % FORMS.len()) else { return };
    match documents::pages(*form, rest) {
        Ok(pages) => assert!(pages.iter().any(|page| !page.trim().is_empty()), "pages without text"),
        Err(why) => assert!(!why.code().is_empty()),
    }
}

/// Texts with pictures as a browser's editor sends them: what was made clean is clean.
pub fn rich(bytes: &[u8]) {
    let typed = String::from_utf8_lossy(bytes);
    let clean = rich::clean(&typed);
    assert_eq!(rich::clean(&clean), clean, "cleaning twice changes a text");
    let low = clean.to_lowercase();
    assert!(!low.contains("<script") && !low.contains("<iframe") && !low.contains("<style"), "{clean}");
    let _typed = rich::plain(&clean);
}
