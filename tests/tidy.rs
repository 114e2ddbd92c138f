//! Style is a test: sizes, openings, imports between rooms, catalogues, feature table, foreign files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file of the tree that git tracks or would track, by its path from the root.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git lists the tree");
    let all = String::from_utf8(listed.stdout).unwrap();
    all.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn rust() -> Vec<(String, String)> {
    files().into_iter().filter(|path| path.ends_with(".rs")).map(|path| (path.clone(), read(&path))).collect()
}

/// The code in front of a file's unit tests.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap()
}

const LINES_MAX: usize = 700;

fn wrong_shape(path: &str, text: &str) -> Option<String> {
    if text.lines().count() > LINES_MAX {
        return Some(format!("{path} has more than {LINES_MAX} lines"));
    }
    (path.ends_with(".rs") && !text.starts_with("//!")).then(|| format!("{path} does not say what lives in it"))
}

#[test]
fn files_are_of_a_size_and_say_what_lives_in_them() {
    let endings = [".rs", ".js", ".mjs", ".css"];
    let sources = files().into_iter().filter(|path| endings.iter().any(|ending| path.ends_with(ending)));
    let wrong: Vec<String> = sources.filter_map(|path| wrong_shape(&path, &read(&path))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(wrong_shape("a.rs", "fn main() {}").is_some() && wrong_shape("a.css", &"\n".repeat(701)).is_some());
}

/// Which rooms a room may import.
const ROOMS: &[(&str, &str, &[&str])] = &[
    ("src/domain", "domain", &[]),
    ("src/store", "store", &["domain"]),
    ("search", "search", &["domain"]),
    ("src/gateway", "gateway", &["domain"]),
    ("views", "views", &["domain"]),
    ("src/service", "service", &["domain", "store", "search", "gateway"]),
    ("src/web", "web", &["domain", "service", "views"]),
];

fn forbidden<'a>(manifest: &str, allowed: &[&str], rooms: &[&'a str]) -> Vec<&'a str> {
    let parsed: toml::Table = toml::from_str(manifest).unwrap();
    let needs = parsed.get("dependencies").and_then(toml::Value::as_table).unwrap();
    rooms.iter().copied().filter(|room| needs.contains_key(*room) && !allowed.contains(room)).collect()
}

#[test]
fn rooms_import_only_what_they_may() {
    let rooms = ["domain", "store", "search", "gateway", "views", "service", "web", "huiguan"];
    for (folder, name, allowed) in ROOMS {
        let found = forbidden(&read(&format!("{folder}/Cargo.toml")), allowed, &rooms);
        assert!(found.is_empty(), "{name} imports {found:?}");
    }
    assert_eq!(forbidden("[dependencies]\nstore = \"1\"", &["domain"], &rooms), ["store"]);
    for (path, text) in rust() {
        let text = code(&text);
        let names_sled = text.contains("sled::");
        assert!(!names_sled || path.starts_with("src/store/sled") || path.starts_with("tests/"), "{path} names sled");
        let names_tantivy = text.contains("tantivy");
        assert!(!names_tantivy || path.starts_with("search/") || path.starts_with("tests/"), "{path} names tantivy");
        let service = path.starts_with("src/service/");
        assert!(!service || !text.contains("axum::") && !text.contains("maud::"), "{path} knows HTTP or HTML");
        let store = path.starts_with("src/store/")
            || path.starts_with("src/service/")
            || path.starts_with("src/server/")
            || path.starts_with("bench/")
            || path.starts_with("fuzz/")
            || path.starts_with("tests/");
        assert!(store || !text.contains("store::"), "{path} reaches for a table");
    }
}

/// The string literal at the beginning of `text`, unescaped.
fn literal(text: &str) -> Option<String> {
    let mut chars = text.trim_start().strip_prefix('"')?.chars();
    let mut out = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                '\n' => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
}

/// Every string literal of a source.
fn literals(text: &str) -> BTreeSet<String> {
    text.match_indices('"').filter_map(|(at, _)| literal(&text[at..])).collect()
}

/// Texts that are shown to people: arguments of the text functions, of refusals and problems, and labels.
fn shown(path: &str, text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for call in [".t(", ".f(", "Refusal::missing("] {
        out.extend(text.match_indices(call).filter_map(|(at, _)| literal(&text[at + call.len()..])));
    }
    for (at, _) in text.match_indices("refuse!(") {
        let parts = text[at..].splitn(3, ',').nth(2);
        out.extend(parts.and_then(literal));
    }
    for (at, _) in text.match_indices("problem!(") {
        let inner = &text[at + "problem!(".len()..];
        let mut depth = 0;
        let comma = inner.char_indices().find(|(_, c)| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            *c == ',' && depth == 0
        });
        out.extend(comma.and_then(|(comma, _)| literal(&inner[comma + 1..])));
    }
    if path.starts_with("src/domain/") {
        for (at, _) in text.match_indices("fn label(") {
            let body = text[at..].split("\n    }").next().unwrap();
            out.extend(body.match_indices("=> \"").filter_map(|(arrow, _)| literal(&body[arrow + 3..])));
        }
    }
    out
}

fn catalogue() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for path in files().into_iter().filter(|path| path.starts_with("assets/text/zh/")) {
        let parsed: BTreeMap<String, String> = toml::from_str(&read(&path)).unwrap();
        all.extend(parsed);
    }
    all
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
}

#[test]
fn catalogues_hold_every_text_and_nothing_else() {
    let catalogue = catalogue();
    let sources: Vec<(String, String)> = rust().into_iter().filter(|(path, _)| !path.starts_with("tests/")).collect();
    let mut missing = BTreeSet::new();
    let mut known = BTreeSet::new();
    for (path, text) in &sources {
        let text = code(text);
        missing.extend(shown(path, text).into_iter().filter(|text| !text.is_empty() && !catalogue.contains_key(text)));
        known.extend(literals(text));
    }
    assert!(missing.is_empty(), "without Chinese: {missing:#?}");
    let unused: Vec<_> = catalogue.keys().filter(|text| !known.contains(*text)).collect();
    assert!(unused.is_empty(), "used nowhere: {unused:#?}");
    let uneven: Vec<_> =
        catalogue.iter().filter(|(english, chinese)| placeholders(english) != placeholders(chinese)).collect();
    assert!(uneven.is_empty(), "other placeholders: {uneven:#?}");
    let sample = shown(
        "src/web/a.rs",
        "x.t(\"One\"); refuse!(Denied, \"a.b\", \"Two\"); problem!(at(1, 2), \"Three\"); Refusal::missing(\"four\")",
    );
    assert_eq!(sample, ["One", "Three", "Two", "four"].map(str::to_owned).into());
}

#[test]
fn a_refusal_code_means_one_thing() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in rust().into_iter().filter(|(path, _)| !path.starts_with("tests/")) {
        for (at, _) in code(&text).match_indices("refuse!(") {
            let mut parts = text[at..].splitn(3, ',');
            let (Some(code), Some(text)) = (parts.nth(1).and_then(literal), parts.next().and_then(literal)) else {
                continue;
            };
            let kept = seen.entry(code.clone()).or_insert_with(|| text.clone());
            assert_eq!(*kept, text, "{code} in {path}");
        }
    }
    assert!(seen.len() > 30, "refusals are found");
}

/// What is declared with a word, such as `fn`, in sources.
fn named<'a>(sources: &'a [String], word: &'a str) -> impl Iterator<Item = &'a str> {
    sources.iter().flat_map(move |text| text.split(word).skip(1)).filter_map(|rest| rest.split('(').next())
}

#[test]
fn every_feature_names_tests_that_exist() {
    let table = read("docs/features.md");
    let sources: Vec<String> = rust().into_iter().map(|(_, text)| text).collect();
    let scripts: Vec<String> =
        files().into_iter().filter(|path| path.ends_with(".mjs")).map(|path| read(&path)).collect();
    let tests: BTreeSet<&str> = named(&sources, "fn ").chain(named(&scripts, "function ")).collect();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| S")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 6, "{row}");
        for test in cells[4].split(',').map(|name| name.trim().trim_matches('`')) {
            assert!(tests.contains(test), "{}: there is no test {test}", cells[1]);
        }
        rows += 1;
    }
    assert!(rows >= 25, "the table has its rows");
}

/// What is wrong with a line of the checklist: it is met by a test that exists, or says why it is not, or not by one.
fn wrong_line(row: &str, is_test: impl Fn(&str) -> bool) -> Option<String> {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let &[_, id, level, met, how, tests, _] = &cells[..] else { return Some(format!("{row}: other cells")) };
    let tests: Vec<&str> =
        tests.split(',').map(|name| name.trim().trim_matches('`')).filter(|name| !name.is_empty()).collect();
    let known = ["yes", "part", "no", "n/a"].contains(&met) && ["1", "2"].contains(&level);
    let said = if met == "yes" { !tests.is_empty() || !how.is_empty() } else { !how.is_empty() };
    let missing = tests.iter().find(|name| !is_test(name));
    (!known || !said || missing.is_some()).then(|| format!("{id}: {met} {missing:?}"))
}

#[test]
fn the_checklist_of_security_names_tests_that_exist_or_says_why_not() {
    let sources: Vec<String> = rust().into_iter().map(|(_, text)| text).collect();
    let tests: BTreeSet<&str> = named(&sources, "fn ").collect();
    let is_test = |name: &str| tests.contains(name);
    let list = read("docs/security.md");
    let rows: Vec<&str> =
        list.lines().filter(|line| line.starts_with('|') && line.as_bytes()[2].is_ascii_digit()).collect();
    assert_eq!(rows.len(), 253, "ASVS 5.0.0 has so many requirements of levels 1 and 2");
    let wrong: Vec<String> = rows.iter().filter_map(|row| wrong_line(row, is_test)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let counts =
        ["yes", "part", "no", "n/a"].map(|met| rows.iter().filter(|row| row.contains(&format!("| {met} |"))).count());
    let [yes, part, no, none] = counts;
    let said = format!("253 requirements: {yes} yes, {part} part, {no} no, {none} that do not apply");
    assert!(list.contains(&said), "{said}");
    assert!(wrong_line("| 1.1.1 | 2 | no |  |  |", |_| true).is_some(), "no reason");
    assert!(wrong_line("| 1.1.1 | 2 | yes | x | `gone` |", |_| false).is_some(), "no such test");
}

#[test]
fn the_tree_holds_only_our_own_kinds_of_files() {
    let known =
        "rs toml md css js mjs ts svg lock bin seg snap service socket rules sh py".split(' ').collect::<Vec<_>>();
    for path in files() {
        let name = path.rsplit('/').next().unwrap();
        let ending = name.rsplit_once('.').map_or("", |(stem, ending)| if stem.is_empty() { "" } else { ending });
        let package = path.strip_prefix("systemd/deb/").is_some_and(|name| !name.contains('.'));
        // Inputs that libFuzzer made out of ours; their names say nothing.
        let input = path.starts_with("fuzz/corpus/");
        let plain = package
            || input
            || ["LICENSE-MIT", "LICENSE-APACHE", "run", "package", "keyboard", ".gitignore"].contains(&name);
        assert!(plain || known.contains(&ending), "{path}: what is this?");
        let size = std::fs::metadata(root().join(&path)).unwrap().len();
        assert!(size <= if input { 16 << 10 } else { 300_000 }, "{path} has {size} bytes");
    }
}
