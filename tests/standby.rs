//! Two boxes, each a process on a folder of its own, with TLS between them: following under load, either killed, taking over, the old one that comes
//! back, and strangers in between.

use crate::hall::{Client, Hall, PASSWORD, event, first_type, unspeakable};
use crate::scenario::staff;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A box: its folder, and where it listens once it did.
struct Place {
    data: PathBuf,
    key: PathBuf,
    plain: String,
    tls: String,
}

impl Place {
    fn new(folder: &Path, name: &str) -> Self {
        let any = "127.0.0.1:0".to_owned();
        Self { data: folder.join(name), key: folder.join(format!("{name}.key")), plain: any.clone(), tls: any }
    }

    /// Starts it; from the second time on where it was before.
    fn start(&mut self) -> Hall {
        let key = self.key.to_str().unwrap();
        let hall = Hall::with(&self.data, &["--listen", &self.plain, "--listen-tls", &self.tls, "--key-file", key]);
        self.tls = hall.says("listening on https://");
        self.plain = hall.base.trim_start_matches("http://").to_owned();
        hall
    }

    fn standby(&self, what: &str, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_huiguan"))
            .args(["standby", what, "--data", self.data.to_str().unwrap(), "--key-file", self.key.to_str().unwrap()])
            .args(["--listen-tls", &self.tls])
            .args(more)
            .output()
            .unwrap()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A pairing code from the page.
fn code(admin: &Client) -> String {
    let page = admin.post("/admin/standby/code", &[]);
    assert_eq!(page.status, 200, "{}", page.body);
    let code = page.body.split("<code class=\"code\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    unspeakable(code.split('/').nth(1).unwrap());
    code
}

/// How a box that does not lead stands.
fn state(hall: &Hall) -> serde_json::Value {
    hall.client().get("/standby.json").json()
}

fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "{what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn follows(hall: &Hall) -> bool {
    let state = state(hall);
    state["state"] == "follows" && state["behind"]["groups"] == 0 && state["behind"]["files"] == 0
}

fn logged_in(hall: &Hall) -> Client {
    let admin = hall.client();
    assert_eq!(admin.post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 303);
    admin
}

/// Registers one person after the other until it is told to stop or the box is gone; each that was answered is counted.
fn load(admin: &Client, event: &str, kind: &str, told: &AtomicU64, stop: &AtomicBool) {
    let path = format!("/admin/event/{event}/registration/new");
    for number in 1.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let (name, phone) = (format!("来宾{number:05}"), format!("139{number:08}"));
        let form = format!("name={}&phone={phone}&kind={kind}", crate::hall::encode(&name));
        let sent = admin.try_send(&path, "application/x-www-form-urlencoded", form.into_bytes(), &[]);
        match sent {
            Ok(answer) if answer.status == 303 => told.store(number, Ordering::SeqCst),
            _ => return,
        }
    }
}

/// The numbers of the people that a box has: they were registered one after the other.
fn people(admin: &Client, event: &str) -> Vec<u64> {
    let file = admin.get(&format!("/admin/event/{event}/registration/export.csv")).body;
    let mut found: Vec<u64> = file.split("来宾").skip(1).filter_map(|rest| rest.get(..5)?.parse().ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn verified(place: &Place) {
    let args = ["verify", "--data", place.data.to_str().unwrap(), "--key-file", place.key.to_str().unwrap()];
    let output = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(args).output().unwrap();
    assert!(output.status.success() && said(&output).contains("no damage"), "{}", said(&output));
}

#[test]
fn a_second_box_follows_under_load_takes_over_and_the_first_refuses_when_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut near, mut far) = (Place::new(folder.path(), "near"), Place::new(folder.path(), "far"));
    let mut leader = near.start();
    let admin = leader.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);

    // Strangers: no code, a code of another certificate, a used one.
    let made = code(&admin);
    let refused = far.standby("follow", &["--code", "nothing"]);
    assert!(!refused.status.success() && said(&refused).contains("no pairing code"), "{}", said(&refused));
    let last = if made.ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{last}", &made[..made.len() - 1]);
    let refused = far.standby("follow", &["--code", &forged]);
    assert!(said(&refused).contains("is not the box that made this code") && !far.data.exists(), "{}", said(&refused));
    let paired = far.standby("follow", &["--code", &made]);
    assert!(paired.status.success() && said(&paired).contains("paired with"), "{}", said(&paired));
    let again = Place::new(folder.path(), "third");
    let refused = again.standby("follow", &["--code", &made]);
    assert!(!refused.status.success() && said(&refused).contains("standby.bad_code"), "{}", said(&refused));
    // A box with an association of its own is not made a follower.
    let refused = near.standby("follow", &["--code", &made]);
    assert!(!refused.status.success() && said(&refused).contains("runs on this folder"), "{}", said(&refused));

    let mut follower = far.start();
    until("it follows", || follows(&follower));
    let page = follower.client().get("/admin");
    assert!(page.status == 503 && page.body.contains("这是备机") && page.body.contains("测试协会"), "{}", page.body);
    assert_eq!(follower.client().post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 503);
    let shown = admin.get("/admin/standby").body;
    assert!(shown.contains("备机跟随正常") && shown.contains(&far.tls), "{shown}");

    // Under load: the follower is killed and comes back, then both are cut off at any moment.
    let (told, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let received = std::thread::scope(|scope| {
        let (admin, event, kind, told, stop) = (&admin, &event, &kind, &told, &stop);
        let loading = scope.spawn(move || load(admin, event, kind, told, stop));
        until("some are registered", || told.load(Ordering::SeqCst) >= 20);
        follower.kill();
        until("the leader does not wait", || told.load(Ordering::SeqCst) >= 40);
        // Whatever was answered before it comes back is there once it holds what the leader tells it then.
        let before = told.load(Ordering::SeqCst);
        follower = far.start();
        until("it catches up", || follows(&follower));
        follower.kill();
        let alone = told.load(Ordering::SeqCst);
        until("the leader alone takes more", || told.load(Ordering::SeqCst) >= alone + 5);
        leader.kill();
        stop.store(true, Ordering::SeqCst);
        // Whoever reads half an answer of a box that is killed may panic.
        drop(loading.join());
        before
    });
    let answered = told.load(Ordering::SeqCst);

    let follower = far.start();
    let held = far.standby("promote", &[]);
    assert!(!held.status.success() && said(&held).contains("--force"), "{}", said(&held));
    assert_eq!(state(&follower)["role"], "follower", "not by itself");
    let done = far.standby("promote", &["--force"]);
    assert!(done.status.success() && said(&done).contains("leads from now on: epoch 2"), "{}", said(&done));
    follower.says("starting anew");
    follower.says("listening on http://");
    let taken = logged_in(&follower);
    let found = people(&taken, &event);
    let newest = found.last().copied().unwrap_or(0);
    assert_eq!(found, (1..=newest).collect::<Vec<_>>(), "the beginning of one history");
    assert!(newest >= received && newest < answered, "{received} were received of {answered}: {newest}");
    assert!(taken.get("/admin/standby").body.contains("本机已接管"));
    assert!(taken.get("/admin/audit").body.contains("standby.promote"));

    // The old one comes back: it asks before it serves, and does not.
    let leader = near.start();
    let page = leader.client().get("/admin");
    assert!(page.status == 503 && page.body.contains("另一台主机已接管本机"), "{}", page.body);
    let status = said(&near.standby("status", &[]));
    assert!(status.contains("was taken over from") && status.contains("epoch 2"), "{status}");
    until("the new one knows", || !taken.get("/admin/standby").body.contains("本机已接管，原主机"));
    assert!(leader.stop());
    verified(&near);
    // And so after every start.
    let leader = near.start();
    assert_eq!(state(&leader)["role"], "fenced");
    let pictures = std::env::var("HUIGUAN_PICTURES").unwrap_or_default();
    crate::browser::run("standby.mjs", &["-", PASSWORD, &leader.base, &pictures]);
    let held = near.standby("promote", &["--force"]);
    assert!(!held.status.success() && said(&held).contains("must not take over"), "{}", said(&held));
    assert!(leader.stop());

    // It follows from now on; what it alone had is listed and kept.
    let paired = near.standby("follow", &["--code", &code(&taken)]);
    let words = said(&paired);
    assert!(
        paired.status.success() && words.contains("never saw") && words.contains("everything that it held is kept"),
        "{words}"
    );
    let aside = std::fs::read_dir(near.data.join("standby")).unwrap().flatten().map(|found| found.path());
    let aside = aside.filter(|path| path.join("unseen.txt").exists()).collect::<Vec<_>>();
    let list = std::fs::read_to_string(aside[0].join("unseen.txt")).unwrap();
    let lines = list.lines().filter(|line| line.contains("registration.create")).count() as u64;
    assert!(lines >= answered - newest, "{lines} of {}: {list}", answered - newest);
    assert!(aside[0].join("store").is_dir());

    // Over again, in order: the leader stops first, and nothing is missing.
    let leader = near.start();
    until("the old one follows", || follows(&leader));
    let added = [("name", "来宾99999"), ("phone", "13700000001"), ("kind", kind.as_str())];
    assert_eq!(taken.post(&format!("/admin/event/{event}/registration/new"), &added).status, 303);
    let done = near.standby("promote", &[]);
    assert!(done.status.success() && said(&done).contains("epoch 3"), "{}", said(&done));
    leader.says("listening on http://");
    follower.says("starting anew");
    follower.says("listening on http://");
    assert_eq!(state(&follower)["role"], "fenced");
    assert_eq!(people(&logged_in(&leader), &event), found.into_iter().chain([99_999]).collect::<Vec<_>>());
    assert!(leader.stop() && follower.stop());
    verified(&near);
    verified(&far);
}

#[test]
fn the_stand_by_box_is_for_those_who_look_after_the_box_and_its_pages_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Hall::fresh();
    let admin = plain.set_up();
    let page = admin.get("/admin/standby");
    assert!(page.status == 200 && page.body.contains("本机未启用 TLS"), "{}", page.body);
    drop(plain);
    let (mut near, mut far) = (Place::new(folder.path(), "near"), Place::new(folder.path(), "far"));
    let leader = near.start();
    let admin = leader.set_up();
    let bare = staff(&leader, &admin, "bare", &[]);
    assert_eq!((bare.get("/admin/standby").status, leader.client().get("/admin/standby").status), (403, 303));
    for act in ["/admin/standby/code", "/admin/standby/remove"] {
        assert_eq!((bare.post(act, &[]).status, leader.client().post(act, &[]).status), (403, 303), "{act}");
    }
    let made = code(&admin);
    let paired = far.standby("follow", &["--code", &made]);
    assert!(paired.status.success(), "{}", said(&paired));
    let follower = far.start();
    until("it follows", || follows(&follower));
    let pictures = std::env::var("HUIGUAN_PICTURES").unwrap_or_default();
    crate::browser::run("standby.mjs", &[&leader.base, PASSWORD, &follower.base, &pictures]);
    // Removed: its secret is worth nothing, it says so, and takes over by force alone.
    until("it says so", || follower.client().get("/").body.contains("主机已不认识本机"));
    let held = far.standby("promote", &[]);
    assert!(!held.status.success() && said(&held).contains("does not know this one"), "{}", said(&held));
    let doctor =
        Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["doctor", "--data"]).arg(&far.data).output().unwrap();
    assert!(said(&doctor).contains("Stand-by box"), "{}", said(&doctor));
}
