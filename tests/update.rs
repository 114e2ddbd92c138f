//! Updates end to end, with the real program as the old version and as what the new one is made of: one that is well stays, one that is not is taken
//! back with its data, and whatever is killed in the middle leaves a program that serves.

use crate::hall::{Hall, PASSWORD};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const REAL: &str = env!("CARGO_BIN_EXE_huiguan");

struct Machine {
    folder: tempfile::TempDir,
    public: String,
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

impl Machine {
    /// A program, data that were set up by it, and the makers' key.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hall = Hall::at(&folder.path().join("data"));
        hall.set_up();
        assert!(hall.stop());
        let made = Command::new(REAL).args(["update", "keygen"]).arg(folder.path().join("makers")).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        let public = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        std::fs::hard_link(REAL, folder.path().join("huiguan"))
            .or_else(|_| std::fs::copy(REAL, folder.path().join("huiguan")).map(drop))
            .unwrap();
        Self { folder, public }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new version that says it is 9.0.0, does that first when it is asked for its version, to check a copy, or to serve, and goes on as the
    /// real one.
    fn package(&self, version: &str, check: &str, serve: &str) -> PathBuf {
        let text = format!(
            "#!/bin/sh\ncase \"$*\" in\n--version) {version} echo 'huiguan 9.0.0'; exit;;\nupdate*check) {check};;\nserve*) {serve};;\nesac\nexec {REAL} \"$@\"\n"
        );
        self.signed("program", &text, "9.0.0", "makers")
    }

    fn signed(&self, name: &str, text: &str, version: &str, key: &str) -> PathBuf {
        let (program, package) = (self.at(name), self.at("package"));
        script(&program, text);
        let made = Command::new(REAL)
            .args([
                "update",
                "sign",
                path(&program),
                path(&package),
                "--version-of",
                version,
                "--key",
                path(&self.at(key)),
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", said(&made));
        package
    }

    fn command(&self, package: &Path, more: &[&str]) -> Command {
        let mut command = Command::new(self.at("huiguan"));
        command.args(["update", path(package), "--data", path(&self.at("data"))]).args(more);
        command.env("HUIGUAN_UPDATE_KEY", &self.public).env("HUIGUAN_LOG", "warn");
        command
    }

    fn update(&self, package: &Path, more: &[&str]) -> Output {
        self.command(package, more).output().unwrap()
    }

    /// What lies in the program's place.
    fn is_new(&self) -> bool {
        std::fs::read(self.at("huiguan")).unwrap().starts_with(b"#!/bin/sh")
    }

    fn state(&self) -> bool {
        self.at("data/update/state.json").exists()
    }

    /// Whatever lies in the program's place serves these data.
    fn serves(&self) {
        let hall = Hall::by(&self.at("huiguan"), &self.at("data"));
        let admin = hall.client();
        let login = admin.post("/login", &[("login", "admin"), ("password", PASSWORD)]);
        assert_eq!(login.status, 303, "the accounts are there");
        assert!(hall.stop());
    }
}

#[test]
fn a_new_version_that_is_well_stays_and_the_old_one_lies_beside_it() {
    let of = Machine::new();
    let package = of.package("", "", "");
    let done = of.update(&package, &[]);
    assert!(done.status.success() && said(&done).contains("9.0.0 is in place and well"), "{}", said(&done));
    assert!(of.is_new() && !of.state() && of.at("huiguan.previous").exists() && !of.at(".huiguan.new").exists());
    assert!(!of.at("data/update").exists(), "copies of everything do not stay");
    of.serves();
}

#[test]
fn a_package_that_is_not_right_changes_nothing() {
    let of = Machine::new();
    let refused = |output: Output, why: &str| {
        assert!(!output.status.success() && said(&output).contains(why), "{}", said(&output));
        assert!(!of.is_new() && !of.state() && !of.at(".huiguan.new").exists(), "{why}");
    };
    let text = "#!/bin/sh\necho huiguan 0.0.1\n";
    refused(of.update(&of.signed("program", text, "0.0.1", "makers"), &[]), "is not newer than");
    refused(of.update(&of.signed("program", text, "9.0.0", "makers"), &[]), "and not 9.0.0");
    let made = Command::new(REAL).args(["update", "keygen"]).arg(of.at("others")).output().unwrap();
    assert!(made.status.success());
    refused(of.update(&of.signed("program", text, "9.0.0", "others"), &[]), "not signed by the makers");
    let mut keyless = of.command(&of.package("", "", ""), &[]);
    refused(keyless.env_remove("HUIGUAN_UPDATE_KEY").output().unwrap(), "key of the makers is not known");
    refused(of.update(&of.package("", "exit 3", ""), &[]), "nothing was changed");
    let hall = Hall::at(&of.at("data"));
    refused(of.update(&of.package("", "", ""), &[]), "the program is running");
    assert!(hall.stop());
    of.serves();
}

#[test]
fn a_new_version_that_is_not_well_is_taken_back_with_its_data() {
    let of = Machine::new();
    let data = of.at("data");
    let store = data.join("store");
    for (serve, patience, why) in [
        (format!("rm -rf {}/*; exit 7", path(&store)), "3", "it ended by itself"),
        (format!("rm -rf {}; exec sleep 600", path(&store)), "3", "it did not answer in time"),
        // It answers, and wants more room than any disk has.
        ("export HUIGUAN_RESERVE_MIB=100000000000".to_owned(), "10", "it is not well: space"),
    ] {
        let done = of.update(&of.package("", "", &serve), &["--patience", patience]);
        let text = said(&done);
        assert!(!done.status.success() && text.contains(why) && text.contains("are back"), "{text}");
        assert!(!of.is_new() && !of.state());
        let sound = Command::new(REAL).args(["verify", "--data", path(&data)]).output().unwrap();
        assert!(sound.status.success(), "{}", said(&sound));
        of.serves();
    }
}

#[test]
fn whatever_is_killed_in_the_middle_leaves_a_program_that_serves() {
    let of = Machine::new();
    let (reached, go) = (of.at("reached"), of.at("go"));
    let hang = format!("[ -e {} ] || {{ echo $$ > {}; exec sleep 600; }};", path(&go), path(&reached));
    for (version, check, serve, new) in
        [(hang.as_str(), "", "", false), ("", hang.as_str(), "", false), ("", "", hang.as_str(), true)]
    {
        let trim = |text: &str| text.trim_end_matches(';').to_owned();
        let package = of.package(version, &trim(check), &trim(serve));
        let mut updating = of.command(&package, &[]).stdout(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(120);
        let pid = loop {
            let text = std::fs::read_to_string(&reached).unwrap_or_default();
            if text.ends_with('\n') {
                break text.trim().to_owned();
            }
            assert!(Instant::now() < until && updating.try_wait().unwrap().is_none(), "it gets there");
            std::thread::park_timeout(Duration::from_millis(50));
        };
        updating.kill().unwrap();
        updating.wait().unwrap();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        std::fs::remove_file(&reached).unwrap();
        std::fs::write(&go, "").unwrap();
        assert_eq!((of.is_new(), of.state()), (new, new));
        of.serves();
        std::fs::remove_file(&go).unwrap();
    }
}

#[test]
fn under_systemd_the_unit_is_stopped_and_started_around_it() {
    let of = Machine::new();
    let (bin, pid, log) = (of.at("bin"), of.at("pid"), of.at("systemctl.log"));
    std::fs::create_dir(&bin).unwrap();
    // Does for one unit what the real one does, and writes down what it was asked.
    let text = format!(
        "#!/bin/sh\necho \"$1\" >> {log}\nalive() {{ grep -q '^State:.[^Z]' /proc/$(cat {pid})/status 2>/dev/null; }}\ncase \"$1\" in\nis-active) alive;;\nstart) {program} serve --listen 127.0.0.1:0 --data {data} >/dev/null 2>&1 & echo $! > {pid};;\nstop) kill $(cat {pid}); while alive; do sleep 0.1; done;;\nesac\n",
        log = path(&log),
        pid = path(&pid),
        program = path(&of.at("huiguan")),
        data = path(&of.at("data")),
    );
    script(&bin.join("systemctl"), &text);
    let systemctl = |verb: &str| Command::new(bin.join("systemctl")).arg(verb).status().unwrap().success();
    let search = format!("{}:{}", path(&bin), std::env::var("PATH").unwrap());
    let update = |package: &Path| of.command(package, &["--patience", "60"]).env("PATH", &search).output().unwrap();
    assert!(systemctl("start"));
    let well = update(&of.package("", "", ""));
    assert!(well.status.success() && of.is_new() && !of.state(), "{}", said(&well));
    assert!(systemctl("is-active"), "the new one serves");
    let asked = std::fs::read_to_string(&log).unwrap();
    assert_eq!(asked.lines().collect::<Vec<_>>(), ["start", "is-active", "stop", "start", "is-active"]);
    assert!(systemctl("stop"));
    of.serves();
}
