//! The kiosk's unit: what it starts behind cage shows the terminal's page and nothing else, and does so again after it was cut off.

use crate::hall::Hall;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A setting of the unit.
fn setting<'a>(unit: &'a str, name: &str) -> &'a str {
    unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_else(|| panic!("no {name}"))
}

/// The program that shows something and its arguments, with the page's address in its place.
fn shown(unit: &str, page: &str) -> Vec<String> {
    let words: Vec<&str> = setting(unit, "ExecStart").split_whitespace().collect();
    let behind = words.iter().position(|word| *word == "--").unwrap();
    assert_eq!(words[0], "/usr/bin/cage");
    words[behind + 1..].iter().map(|word| word.replace("${HUIGUAN_KIOSK_URL}", page)).collect()
}

/// A browser of the test's own; ended when dropped.
struct Browser {
    child: Child,
    profile: PathBuf,
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Browser {
    /// Starts what the unit starts. Of the test's are: no screen, no user of its own, a way to ask what is shown, and the profile's place.
    fn start(words: &[String], profile: &Path) -> Self {
        let port = profile.join("DevToolsActivePort");
        assert!(!port.exists() || std::fs::remove_file(&port).is_ok());
        let child = Command::new(std::env::var("CHROMIUM").unwrap_or_else(|_| words[0].clone()))
            .args(["--headless", "--no-sandbox", "--remote-debugging-port=0"])
            .args(&words[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, profile: profile.to_owned() }
    }

    /// Address and title of every page that it shows; none as long as it cannot be asked.
    fn pages(&self) -> Option<Vec<(String, String)>> {
        let said = std::fs::read_to_string(self.profile.join("DevToolsActivePort")).ok()?;
        let port: u16 = said.lines().next()?.parse().ok()?;
        let list = ureq::get(format!("http://127.0.0.1:{port}/json/list")).call().ok()?.body_mut().read_to_string();
        let list: serde_json::Value = serde_json::from_str(&list.ok()?).ok()?;
        let text = |of: &serde_json::Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
        let pages = list.as_array()?.iter().filter(|of| of["type"] == "page");
        Some(pages.map(|of| (text(of, "url"), text(of, "title"))).collect())
    }

    /// Waits until that is all that is shown.
    fn shows(&self, page: &(String, String)) {
        let (begun, mut seen) = (Instant::now(), None);
        while begun.elapsed() < Duration::from_secs(60) {
            seen = self.pages();
            if seen.as_deref() == Some(std::slice::from_ref(page)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{page:?} is not all that is shown: {seen:?}");
    }
}

#[test]
fn what_the_kiosk_starts_shows_the_terminal_and_nothing_else_also_after_it_was_cut_off() {
    let unit = std::fs::read_to_string(root().join("systemd/huiguan-kiosk.service")).unwrap();
    // What is shown unless somebody says otherwise is where the package's settings listen, and what the page about installing says.
    let url = setting(&unit, "Environment").strip_prefix("HUIGUAN_KIOSK_URL=").unwrap();
    let settings = std::fs::read_to_string(root().join("systemd/deb/huiguan.toml")).unwrap();
    let settings: toml::Table = toml::from_str(&settings).unwrap();
    let (_, port) = settings["listen"].as_str().unwrap().rsplit_once(':').unwrap();
    assert_eq!(url, format!("http://127.0.0.1:{port}/terminal"));
    let told = std::fs::read_to_string(root().join("docs/install.md")).unwrap();
    assert!(told.contains(&format!("echo HUIGUAN_KIOSK_URL={url} > {}\n", &setting(&unit, "EnvironmentFile")[1..])));

    let hall = Hall::fresh();
    hall.set_up();
    let path = url.strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let words = shown(&unit, &format!("{}{path}", hall.base));
    let place = format!("--user-data-dir=/var/lib/{}", setting(&unit, "StateDirectory"));
    assert!(words.contains(&place), "the profile lies where the unit makes room for it: {words:?}");
    let own = format!("--user-data-dir={}", folder.path().display());
    let words: Vec<String> = words.iter().map(|word| if *word == place { own.clone() } else { word.clone() }).collect();
    assert!(words.iter().all(|word| !word.contains('$')), "a variable stays: {words:?}");

    let door = hall.client().get("/terminal/pair").body;
    let title = door.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
    let page = (format!("{}/terminal/pair", hall.base), title.to_owned());
    let browser = Browser::start(&words, folder.path());
    browser.shows(&page);
    // Without a word, as when the power goes: no page of before is opened again beside it.
    drop(browser);
    let browser = Browser::start(&words, folder.path());
    browser.shows(&page);
    drop(browser);
    hall.log();
}
