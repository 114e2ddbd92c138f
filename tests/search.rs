//! Searching end to end: in a browser, through kill -9, with a damaged index, with files that hurt, as somebody who may not.

use crate::hall::{Client, Hall, PASSWORD, event, first_type, person};
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use zip::{ZipWriter, write::SimpleFileOptions};

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn contract() -> Vec<u8> {
    let body = "<w:p><w:r><w:t>采购合同 甲方：华为技术有限公司</w:t></w:r></w:p><w:p><w:r><w:lastRenderedPageBreak/><w:t>违约金为合同总价的百分之五。</w:t></w:r></w:p>";
    packed(&[(
        "word/document.xml",
        format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>").as_bytes(),
    )])
}

/// What a search answers, asked until it says what is expected or the time is over.
fn eventually(client: &Client, path: &str, fits: impl Fn(&str) -> bool) -> String {
    let begun = Instant::now();
    loop {
        let answer = client.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        if fits(&answer.body) {
            return answer.body;
        }
        assert!(begun.elapsed() < Duration::from_secs(240), "{path}: {}", answer.body);
    }
}

/// The page of finds for what is typed.
fn asked(typed: &str) -> String {
    let encoded: String = typed.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/admin/search?q={encoded}")
}

fn found(client: &Client, query: &str) -> bool {
    let body = eventually(client, &format!("/admin/search?q={query}"), |body| !body.contains("搜索索引正在建立"));
    body.contains("class=\"finds\"")
}

fn run(data: &Path, arguments: &[&str]) -> (bool, String) {
    let said = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(arguments).arg("--data").arg(data).output().unwrap();
    (said.status.success(), String::from_utf8_lossy(&said.stdout).into_owned())
}

/// `search check`; the folder stands in front of the word.
fn check(data: &Path, what: &str) -> (bool, String) {
    let said =
        Command::new(env!("CARGO_BIN_EXE_huiguan")).arg("search").arg("--data").arg(data).arg(what).output().unwrap();
    (said.status.success(), String::from_utf8_lossy(&said.stdout).into_owned())
}

#[test]
fn anybody_and_anything_is_found_in_a_browser() {
    let hall = Hall::fresh();
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("采购合同.docx"), folder.path().join("坏文件.docx"));
    std::fs::write(&good, contract()).unwrap();
    std::fs::write(&bad, &contract()[..200]).unwrap();
    let script = format!("{}/../../tests/browser/search.mjs", env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node");
    node.args([script.as_str(), &hall.base, hall.setup_code.as_deref().unwrap()]).arg(&good).arg(&bad);
    if let Some(shots) = std::env::var_os("HUIGUAN_SHOTS") {
        node.arg(shots);
    }
    assert!(node.status().unwrap().success());
}

#[test]
fn a_kill_at_any_moment_loses_and_doubles_nothing_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let address = hall.base.trim_start_matches("http://").to_owned();
    let admin = hall.set_up();
    let of = event(&admin, "年会");
    let kind = first_type(&admin, &of);
    for round in 0..4u32 {
        for n in 0..12u32 {
            let name =
                format!("第{}批{}号", ['甲', '乙', '丙', '丁'][round as usize], char::from_u32(0x4e00 + n).unwrap());
            person(&admin, &of, &kind, &name, "");
        }
        // Without a word, whatever the index is doing just now.
        hall.kill();
        hall = Hall::listening(&data, &address);
    }
    for batch in ["甲", "乙", "丙", "丁"] {
        let path = asked(&format!("\"第{batch}批\" type:registration"));
        eventually(&admin, &path, |body| body.contains("1–12") && body.contains("12"));
    }
    assert!(hall.stop());
    let (sound, said) = check(&data, "check");
    assert!(sound && said.contains("lacks 0, has 0 as they were and 0 that are gone"), "{said}");
}

#[test]
fn a_damaged_index_leads_to_a_new_one_and_to_no_error_page() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let hall = Hall::at(&data);
    let admin = hall.set_up();
    let of = event(&admin, "年会");
    person(&admin, &of, &first_type(&admin, &of), "欧阳锋", "13812345678");
    eventually(&admin, "/admin/search?q=oyf", |body| body.contains("class=\"finds\""));
    assert!(hall.stop());
    assert!(check(&data, "check").0);
    for harm in 0..3 {
        let current = std::fs::read_to_string(data.join("search/current")).unwrap();
        let index = data.join(format!("search/index-{}", current.trim()));
        let files = std::fs::read_dir(&index).into_iter().flatten().flatten().map(|file| file.path());
        let mut files: Vec<_> = files.filter(|path| std::fs::metadata(path).unwrap().len() > 60).collect();
        files.sort();
        for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending != "lock")) {
            match harm {
                0 => std::fs::write(path, b"nonsense").unwrap(),
                1 => std::fs::remove_file(path).unwrap(),
                _ => {
                    let mut bytes = std::fs::read(path).unwrap();
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 0x55;
                    std::fs::write(path, bytes).unwrap();
                }
            }
        }
        if harm == 0 {
            let (sound, said) = check(&data, "check");
            assert!(!sound && said.contains("cannot be used"), "{said}");
        }
        let hall = Hall::at(&data);
        let admin = hall.client();
        assert_eq!(admin.post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 303);
        assert!(found(&admin, "oyf"), "harm {harm}");
        assert!(hall.stop());
    }
    std::fs::remove_dir_all(data.join("search")).unwrap();
    let (built, said) = check(&data, "rebuild");
    assert!(built && said.contains("entries"), "{said}");
    let (sound, said) = check(&data, "check");
    assert!(sound, "{said}");
    assert!(run(&data, &["verify"]).0);
}

#[test]
fn a_file_that_hurts_fails_alone_within_its_limits() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    // Nothing, a thousand times over: unpacks to far more than the reading process may have.
    let bomb = packed(&[("word/document.xml", &[vec![b' '; 90 << 20], b"<a/>".to_vec()].concat())]);
    assert!(bomb.len() < 1 << 20);
    let deep = packed(&[("word/document.xml", "<a>".repeat(3_000_000).as_bytes())]);
    let files: [(&str, &[u8]); 4] =
        [("bomb.docx", &bomb), ("deep.docx", &deep), ("broken.pdf", b"%PDF-1.7 nothing"), ("good.docx", &contract())];
    for (name, bytes) in files {
        let sent = admin.upload("/admin/document", &[("shelf", "")], ("file", name, bytes));
        assert_eq!(sent.status, 303, "{name}: {}", sent.body);
    }
    let list = eventually(&admin, "/admin/document", |body| !body.contains("正在读取"));
    assert_eq!(list.matches("无法读取").count(), 3, "{list}");
    assert!(list.contains("已读取，2 页"));
    eventually(&admin, &asked("百分之五"), |body| body.contains("第 2 页"));
    let program = admin.upload("/admin/document", &[("shelf", "")], ("file", "setup.exe", b"MZ"));
    assert!(program.status == 422 && program.body.contains("不支持上传程序文件"), "{}", program.body);
    let gbk = encoding_rs::GB18030.encode("关于召开会员大会的通知，地点在滕王阁").0.into_owned();
    assert_eq!(admin.upload("/admin/document", &[("shelf", "")], ("file", "通知.txt", &gbk)).status, 303);
    eventually(&admin, &asked("滕王阁"), |body| body.contains("通知.txt"));
    let file = admin.get("/admin/document/4/file");
    assert_eq!(file.status, 200);
    assert!(file.headers["content-disposition"].starts_with("attachment"));
}

#[test]
fn who_may_not_search_index_or_documents_is_denied() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let sent = admin.upload("/admin/document", &[("shelf", "")], ("file", "秘密文件.txt", "绝密内容".as_bytes()));
    assert_eq!(sent.status, 303);
    eventually(&admin, &asked("绝密"), |body| body.contains("秘密文件"));
    let bare = crate::scenario::staff(&hall, &admin, "bare", &[]);
    let nobody = hall.client();
    for path in [
        "/admin/search",
        "/admin/search/suggest?q=x",
        "/admin/help",
        "/admin/document",
        "/admin/document/1/file",
        "/admin/search/index",
    ] {
        let answer = nobody.get(path);
        assert!(answer.location.as_deref().is_some_and(|to| to.starts_with("/login")), "{path}: {}", answer.status);
    }
    for path in ["/admin/document", "/admin/document/1", "/admin/document/1/file", "/admin/search/index"] {
        assert_eq!(bare.get(path).status, 403, "{path}");
    }
    for path in ["/admin/document/1/retry", "/admin/document/1/remove", "/admin/search/index/rebuild"] {
        assert_eq!(bare.post(path, &[]).status, 403, "{path}");
    }
    let refused = bare.upload("/admin/document", &[("shelf", "")], ("file", "a.txt", b"x"));
    assert_eq!(refused.status, 403);
    for path in [
        asked("绝密"),
        asked("秘密文件"),
        asked("绝密").replace("search?", "search/suggest?"),
        "/admin/search?kind=document".to_owned(),
    ] {
        let body = bare.get(&path).body;
        assert!(
            !body.contains("秘密文件.txt") && !body.contains("绝密内容") && !body.contains("class=\"finds\""),
            "{path}"
        );
    }
    let evil = admin.post("/admin/search/saved", &[("name", "x"), ("address", "//evil.example/admin/")]);
    assert_eq!(evil.location.as_deref(), Some("/admin/search"));
    let long = admin.get(&format!("/admin/search?q={}", "a".repeat(300)));
    assert!(long.status == 200 && long.body.contains("最多 200 个字符"), "{}", long.body);
    assert_eq!(admin.post("/admin/document/1/remove", &[]).status, 303);
    let gone = admin.get(&asked("绝密"));
    assert!(!gone.body.contains("秘密文件"), "gone at once");
}
