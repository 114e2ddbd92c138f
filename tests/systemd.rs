//! The units: how exposed they are, whether systemd reads them, and that the package holds what it names.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn unit(name: &str) -> String {
    std::fs::read_to_string(root().join("systemd").join(name)).unwrap()
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|ran| ran.status.success())
}

/// What keeps the exposure low; looked at where systemd-analyze is not installed too.
const KEPT: &[&str] = &[
    "Type=notify",
    "WatchdogSec=60",
    "LoadCredential=huiguan.key:/etc/huiguan/huiguan.key",
    "MemoryMax=1G",
    "TasksMax=512",
    "DevicePolicy=closed",
    "CapabilityBoundingSet=",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateUsers=yes",
    "PrivateMounts=yes",
    "ProtectProc=invisible",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
];

#[test]
fn the_service_is_hardly_exposed() {
    let text = unit("huiguan.service");
    for line in KEPT {
        assert!(text.lines().any(|found| found == *line), "{line}");
    }
    if !is_there("systemd-analyze") {
        return;
    }
    let file = root().join("systemd/huiguan.service");
    // The threshold is in tenths.
    let ran = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=15", "--no-pager"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}

#[test]
fn systemd_reads_the_units() {
    let units = ["huiguan.service", "huiguan-plain.socket", "huiguan-tls.socket", "huiguan-kiosk.service"];
    let folder = tempfile::tempdir().unwrap();
    for name in units {
        let text = unit(name);
        assert!(text.contains("[Install]") && text.contains("Description="), "{name}");
        // What is verified must be there; the programs of the units are not, on this machine.
        let text = text.replace("/usr/bin/huiguan", "/bin/true").replace("/usr/bin/cage", "/bin/true");
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    if !is_there("systemd-analyze") {
        return;
    }
    let files = units.map(|name| folder.path().join(name));
    let ran = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(files).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("huiguan")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

/// What udev says of a file of rules. `udevadm verify` came with systemd 254; before it, udev reads the rules for a device that they do not change, in a
/// place of its own where nothing but them is below /run. None where neither can be done.
fn said_by_udev(rules: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("70-huiguan-scanner.rules");
    std::fs::write(&file, rules).unwrap();
    if Command::new("udevadm").args(["verify", "--help"]).output().ok()?.status.success() {
        let ran = Command::new("udevadm").args(["verify", "--no-summary"]).arg(&file).output().unwrap();
        return Some(String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned());
    }
    let script = "mount -t tmpfs none /run && mkdir -p /run/udev/rules.d && cat >/run/udev/rules.d/70-huiguan-scanner.rules && \
                  udevadm test /sys/class/mem/null";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).stdin(std::fs::File::open(&file).unwrap());
    let ran = command.output().ok()?;
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    let read = said.lines().any(|line| line.starts_with("Reading rules file") && line.contains("huiguan"));
    let ours = said.lines().filter(|line| line.contains("huiguan") && !line.starts_with("Reading rules file"));
    read.then(|| ours.collect::<Vec<_>>().join("\n"))
}

#[test]
fn udev_reads_the_rule_for_scanners() {
    let rules = unit("70-huiguan-scanner.rules");
    assert_eq!(
        rules.matches("GROUP=\"huiguan\", MODE=\"0660\"").count(),
        3,
        "each kind of scanner is given to the hall"
    );
    // The package makes the group; this machine may have none.
    let rules = rules.replace("GROUP=\"huiguan\"", "GROUP=\"root\"");
    let Some(said) = said_by_udev(&rules) else {
        eprintln!("udev was not asked about the rule: it is not there, or may not be asked");
        return;
    };
    assert_eq!(said, "");
    for (part, bent) in [("SYMLINK+=", "SYMLINC+="), ("GOTO=\"huiguan_end\"", "GOTO=\"huiguan_and\"")] {
        assert_ne!(said_by_udev(&rules.replace(part, bent)).unwrap(), "", "udev takes {bent}");
    }
}

#[test]
fn what_the_package_names_is_there() {
    let manifest = std::fs::read_to_string(root().join("src/server/Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let of = &manifest["package"]["metadata"]["deb"];
    let assets: Vec<(&str, &str)> = of["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| (asset[0].as_str().unwrap(), asset[1].as_str().unwrap()))
        .collect();
    for (from, _) in assets.iter().filter(|(from, _)| !from.starts_with("target/")) {
        assert!(root().join("src/server").join(from).is_file(), "{from}");
    }
    for part in ["usr/bin/", "usr/share/man/man1/", "usr/lib/udev/rules.d/", "etc/huiguan/huiguan.toml"] {
        assert!(assets.iter().any(|(_, to)| *to == part), "{part}");
    }
    for script in ["postinst", "prerm", "postrm"] {
        let text = std::fs::read_to_string(root().join("systemd/deb").join(script)).unwrap();
        assert!(
            text.starts_with("#!/bin/sh\n") && text.contains("\nset -e\n") && text.contains("#DEBHELPER#"),
            "{script}"
        );
    }
    // The package's settings are read as every other file of settings, and speak of the folders that the unit makes.
    let settings: toml::Table = toml::from_str(&unit("deb/huiguan.toml")).unwrap();
    assert_eq!(settings["data"].as_str(), Some("/var/lib/huiguan/data"));
    let ran = Command::new(env!("CARGO_BIN_EXE_huiguan"))
        .args(["doctor", "--json", "--config"])
        .arg(root().join("systemd/deb/huiguan.toml"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&ran.stdout).contains("\"check\":\"version\""), "{ran:?}");
}
