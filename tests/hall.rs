//! A running hall for a test: the binary on a fresh folder and a free port, and a small client with cookies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What halls log in tests: more than they do otherwise, since all of it is looked through.
const LOG: &str =
    "info,domain=debug,store=debug,search=debug,gateway=debug,service=debug,web=debug,huiguan=debug,sled=warn";

/// The password of the first administrator in tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// The password that somebody is given who then chooses [`PASSWORD`].
pub const FIRST: &str = "given pony lantern bucket";

/// Chooses [`PASSWORD`] as somebody who logged in with [`FIRST`].
pub fn choose_password(client: &Client) {
    let chosen = client.post("/admin/session/password", &[("old", FIRST), ("password", PASSWORD)]);
    assert_eq!(chosen.status, 303, "{}", chosen.body);
}

/// What the tests typed and were given that no log may hold: passwords, phone numbers, names of people, tokens.
static UNSPEAKABLE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes something that no log may hold. What is short stands in any text by chance.
pub fn unspeakable(text: &str) {
    if text.chars().count() >= 6 || (text.chars().count() >= 2 && !text.is_ascii()) {
        UNSPEAKABLE.lock().unwrap().insert(text.to_owned());
    }
}

/// Whether a field of a form is about a person or a secret; names are people's where people are registered.
fn is_unspeakable(path: &str, field: &str) -> bool {
    let kinds = ["login", "phone", "password", "passphrase", "mail", "attend", "id_card", "secret", "token"];
    kinds.iter().any(|kind| field.contains(kind)) || field == "name" && path.contains("/regist")
}

/// Notes what a field of a form holds. A login is an everyday word as often as not, which stands in any text by chance, but not alone in quotes.
fn note_field(path: &str, field: &str, value: &str) {
    match (is_unspeakable(path, field), field.contains("login")) {
        (false, _) => {}
        (true, false) => unspeakable(value),
        (true, true) => unspeakable(&format!("{value:?}")),
    }
}

/// Fields that no line may have, whatever they hold: accounts and people have numbers.
const NO_FIELDS: &[&str] = &["login", "phone", "mail", "password"];

/// What is wrong with a line of a log: it holds what was typed, or what looks like a phone number, an identity card or a key.
pub fn spoken(line: &str, known: &BTreeSet<String>) -> Option<String> {
    if let Some(text) = known.iter().find(|text| line.contains(*text)) {
        return Some(format!("the log holds {text:?}: {line}"));
    }
    let has = |field: &str| {
        let forms = [format!(" {field}="), format!("{{{field}="), format!("\"{field}\":")];
        forms.iter().any(|form| line.contains(form))
    };
    if let Some(field) = NO_FIELDS.iter().find(|field| has(field)) {
        return Some(format!("the log has a field {field}: {line}"));
    }
    let digits =
        line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
    for word in digits {
        let phone = word.len() == 11 && word.starts_with('1') && !word.starts_with("10") && !word.starts_with("12")
            || word.len() == 13 && word.starts_with("861") && !word.starts_with("8610");
        if phone || word.len() == 18 {
            return Some(format!("the log holds what looks like somebody's number, {word}: {line}"));
        }
    }
    line.contains("AGE-SECRET-KEY").then(|| format!("the log holds a key: {line}"))
}

/// A running binary; killed when dropped. Its log is looked through at its end.
pub struct Hall {
    pub base: String,
    pub setup_code: Option<String>,
    pub data: PathBuf,
    /// What it said before it listened.
    pub said: Vec<String>,
    child: Child,
    lines: Receiver<String>,
    log: Option<JoinHandle<Vec<String>>>,
    folder: Option<tempfile::TempDir>,
}

impl Hall {
    /// On an empty folder of its own.
    pub fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut hall = Self::at(&data);
        hall.folder = Some(folder);
        hall
    }

    /// On a folder that stays.
    pub fn at(data: &Path) -> Self {
        Self::listening(data, "127.0.0.1:0")
    }

    /// On a folder that stays, at that address.
    pub fn listening(data: &Path, address: &str) -> Self {
        Self::with(data, &["--listen", address])
    }

    /// On a folder that stays, with that on the command line.
    pub fn with(data: &Path, more: &[&str]) -> Self {
        Self::run("serve", data, more, &[], Duration::from_secs(120))
    }

    /// The demonstration, which fills its folder first; logged in with what stands in `demo-login.txt`.
    pub fn demo(data: &Path) -> Self {
        Self::demo_with(data, &[])
    }

    /// As [`Self::demo`], with settings as environment variables.
    pub fn demo_with(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::run("demo", data, &["--listen", "127.0.0.1:0"], settings, Duration::from_secs(300))
    }

    /// As [`Self::listening`], with settings as environment variables.
    pub fn with_settings(data: &Path, address: &str, settings: &[(&str, &str)]) -> Self {
        Self::run("serve", data, &["--listen", address], settings, Duration::from_secs(120))
    }

    /// Another program than the one under test, on a folder that stays.
    pub fn by(program: &Path, data: &Path) -> Self {
        Self::begun(Command::new(program), "serve", data, &["--listen", "127.0.0.1:0"], &[], Duration::from_secs(30))
    }

    fn run(command: &str, data: &Path, more: &[&str], settings: &[(&str, &str)], patience: Duration) -> Self {
        Self::begun(Command::new(env!("CARGO_BIN_EXE_huiguan")), command, data, more, settings, patience)
    }

    fn begun(
        mut program: Command,
        command: &str,
        data: &Path,
        more: &[&str],
        settings: &[(&str, &str)],
        patience: Duration,
    ) -> Self {
        let mut child = program
            .args([command, "--data"])
            .arg(data)
            .args(more)
            .env("HUIGUAN_LOG", LOG)
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let errors = child.stderr.take().unwrap();
        let (told, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).for_each(|line| drop(told.send(line)))
        });
        let log = std::thread::spawn(move || {
            let lines = BufReader::new(errors).lines().map_while(Result::ok);
            lines.inspect(|line| eprintln!("hall: {line}")).collect::<Vec<_>>()
        });
        let (mut setup_code, mut said) = (None, Vec::new());
        let base = loop {
            let line = lines.recv_timeout(patience).expect("the binary says where it listens");
            if let Some(code) = line.strip_prefix("setup code: ") {
                setup_code = Some(code.to_owned());
            }
            if let Some(base) = line.strip_prefix("listening on ") {
                break base.to_owned();
            }
            said.push(line);
        };
        Self { base, setup_code, data: data.to_owned(), said, child, lines, log: Some(log), folder: None }
    }

    /// What the system says of it by this name.
    pub fn status(&self, name: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).trim().to_owned()
    }

    /// The most memory that it held so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM").trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Waits for a line that begins so; what comes behind.
    pub fn says(&self, beginning: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(30)).expect("the binary says it");
            if let Some(rest) = line.strip_prefix(beginning) {
                break rest.to_owned();
            }
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// SIGKILL: no chance to write anything.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the end in order.
    pub fn stop(mut self) -> bool {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = self.child.wait().unwrap().success();
        ended && std::iter::from_fn(|| self.lines.recv_timeout(Duration::from_secs(5)).ok()).any(|line| line == "bye")
    }

    /// SIGTERM, and what it logged until its end in order, looked through.
    pub fn log(mut self) -> Vec<String> {
        self.signal("TERM");
        assert!(self.child.wait().unwrap().success(), "the binary ends in order");
        let log = self.log.take().unwrap().join().unwrap();
        look_through(&log);
        log
    }

    /// Ends the binary but keeps its folder.
    pub fn end_and_keep(mut self) -> Option<tempfile::TempDir> {
        let folder = self.folder.take();
        assert!(self.stop(), "the binary ends in order");
        folder
    }

    /// Sets the association up; the client is the administrator's.
    pub fn set_up(&self) -> Client {
        let client = self.client();
        let code = self.setup_code.clone().expect("an empty hall has a set-up code");
        let form = [
            ("code", code.as_str()),
            ("name", "测试协会"),
            ("zone", "Asia/Shanghai"),
            ("admin_name", "管理员"),
            ("login", "admin"),
            ("password", PASSWORD),
        ];
        let answer = client.post("/setup", &form);
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/admin/start")), "{}", answer.body);
        client
    }

    /// Somebody with no cookies.
    pub fn client(&self) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(180)));
        Client {
            base: self.base.clone(),
            agent: config.build().into(),
            cookies: Default::default(),
            bearer: None,
            root: String::new(),
        }
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        let log = self.log.take().map(|log| log.join().unwrap()).unwrap_or_default();
        if !std::thread::panicking() {
            look_through(&log);
        }
    }
}

fn look_through(log: &[String]) {
    let known = UNSPEAKABLE.lock().unwrap().clone();
    let wrong: Vec<String> = log.iter().filter_map(|line| spoken(line, &known)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A browser without a window.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    agent: ureq::Agent,
    cookies: std::sync::Arc<std::sync::Mutex<BTreeMap<String, String>>>,
    pub bearer: Option<String>,
    root: String,
}

impl Client {
    /// The same browser at another address.
    pub fn at(self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self }
    }

    /// The same browser with its paths within a merchant's space.
    pub fn within(&self, root: &str) -> Self {
        Self { base: format!("{}{root}", self.base), root: root.to_owned(), ..self.clone() }
    }

    pub fn get(&self, path: &str) -> Answer {
        let ask = || {
            let mut request = self.agent.get(format!("{}{path}", self.base));
            for (name, value) in self.head() {
                request = request.header(name, value);
            }
            request.call()
        };
        // As browsers do: a kept connection that the server closed after refusing a body is no answer; a new one is asked.
        self.keep(ask().or_else(|_| ask()).unwrap())
    }

    /// A GET with more headers.
    pub fn with(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        self.send_json("GET", path, more, &serde_json::Value::Null)
    }

    /// Any method with more headers, and a JSON body unless it is null.
    pub fn send_json(&self, method: &str, path: &str, more: &[(&str, &str)], body: &serde_json::Value) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let ask = || {
            let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
            for (name, value) in self.head() {
                request = request.header(name, value);
            }
            for (name, value) in more {
                request = request.header(*name, *value);
            }
            if body.is_null() {
                return self.agent.run(request.body(()).unwrap());
            }
            self.agent.run(request.header("content-type", "application/json").body(text.clone()).unwrap())
        };
        self.keep(ask().or_else(|_| ask()).unwrap())
    }

    /// A stream that goes on: what is returned reads it to its end.
    pub fn follow(&self, path: &str) -> impl FnOnce() -> String + use<> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in self.head() {
            request = request.header(name, value);
        }
        let mut answer = request.call().unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        move || answer.body_mut().read_to_string().unwrap()
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        form.iter().for_each(|(name, value)| note_field(path, name, value));
        let body: Vec<String> =
            form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.send(path, "application/x-www-form-urlencoded", body.join("&").into_bytes(), &[])
    }

    pub fn json(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.send(path, "application/json", body.to_string().into_bytes(), &[])
    }

    /// A multipart form with one file.
    pub fn upload(&self, path: &str, form: &[(&str, &str)], file: (&str, &str, &[u8])) -> Answer {
        let mut body = Vec::new();
        for (name, value) in form {
            body.extend(format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        body.extend(
            format!("--cut\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\r\n", file.0, file.1)
                .bytes(),
        );
        body.extend(file.2);
        body.extend(b"\r\n--cut--\r\n");
        self.send(path, "multipart/form-data; boundary=cut", body, &[])
    }

    pub fn send(&self, path: &str, kind: &str, body: Vec<u8>, more: &[(&str, &str)]) -> Answer {
        self.try_send(path, kind, body, more).unwrap()
    }

    /// As [`Self::send`]; a server that refuses a body before it was sent whole may close the connection.
    pub fn try_send(
        &self,
        path: &str,
        kind: &str,
        body: Vec<u8>,
        more: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(format!("{}{path}", self.base)).header("content-type", kind);
        for (name, value) in self.head() {
            request = request.header(name, value);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        Ok(self.keep(request.send(&body[..])?))
    }

    fn head(&self) -> Vec<(&'static str, String)> {
        let cookies = self.cookies.lock().unwrap();
        let line: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut head = vec![("cookie", line.join("; "))];
        head.extend(self.bearer.as_ref().map(|token| ("authorization", format!("Bearer {token}"))));
        head
    }

    fn keep(&self, mut answer: ureq::http::Response<ureq::Body>) -> Answer {
        let mut cookies = self.cookies.lock().unwrap();
        for value in answer.headers().get_all("set-cookie") {
            let pair = value.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            // A message for the next page is no secret, and may be short.
            if value.len() >= 20 && name != "hall_flash" {
                unspeakable(value);
            }
            if value.is_empty() {
                cookies.remove(name)
            } else {
                cookies.insert(name.into(), value.into())
            };
        }
        let headers: BTreeMap<String, String> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(100 << 20).read_to_vec().unwrap();
        Answer {
            status,
            location: headers.get("location").map(|to| to.strip_prefix(&self.root).unwrap_or(to).to_owned()),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Sets a cookie that another client was given.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }
}

pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A local time in the association's zone, minutes from now, as forms take it.
pub fn local(minutes: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let at = now + minutes * 60 + 8 * 3600;
    let (days, rest) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    let (y, m, d) = civil(days);
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}", rest / 3600, rest % 3600 / 60)
}

/// Days since the epoch as a date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

/// Makes a published event that is on now; returns its number.
pub fn event(admin: &Client, name: &str) -> String {
    // Asked for once: a minute may end between two forms.
    let ends = local(300);
    let form = [("name", name), ("starts", &local(-30)), ("ends", &ends), ("cover", "t0")];
    let made = admin.post("/admin/event/new", &form);
    assert_eq!(made.status, 303, "{}", made.body);
    let path = made.location.unwrap();
    let set = admin.post(&format!("{path}/checkin"), &[("checkin_from", &local(-60)), ("checkin_to", &ends)]);
    assert_eq!(set.status, 303, "{}", set.body);
    assert_eq!(admin.post(&format!("{path}/publish"), &[]).status, 303);
    path.rsplit('/').next().unwrap().to_owned()
}

/// The number of the event's first ticket type.
pub fn first_type(admin: &Client, event: &str) -> String {
    let page = admin.get(&format!("/admin/event/{event}/ticket_type")).body;
    let link = format!("/admin/event/{event}/ticket_type/");
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    page.split(&link).skip(1).map(digits).find(|id| !id.is_empty()).expect("an event has a ticket type")
}

/// Adds a person by hand; returns the registration's number.
pub fn person(admin: &Client, event: &str, kind: &str, name: &str, phone: &str) -> String {
    let added = admin
        .post(&format!("/admin/event/{event}/registration/new"), &[("name", name), ("phone", phone), ("kind", kind)]);
    assert_eq!(added.status, 303, "{}", added.body);
    added.location.unwrap().rsplit('/').next().unwrap().to_owned()
}

/// The ticket number of a registration.
pub fn number(admin: &Client, event: &str, ticket: &str) -> String {
    let page = admin.get(&format!("/admin/event/{event}/registration/{ticket}")).body;
    let shown = page.split("class=\"code\">").nth(1).unwrap().split('<').next().unwrap();
    shown.replace(' ', "")
}

/// A paired terminal of the event.
pub fn terminal(hall: &Hall, admin: &Client, event: &str) -> Client {
    let page = admin.post(&format!("/admin/event/{event}/device"), &[("name", "大门")]);
    assert_eq!(page.status, 200, "{}", page.body);
    let code = page.body.split("?code=").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let terminal = hall.client();
    let paired = terminal.post("/terminal/pair", &[("code", &code)]);
    assert_eq!(paired.status, 303, "{}", paired.body);
    terminal
}
