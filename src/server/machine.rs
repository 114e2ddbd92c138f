//! What this machine tells without the program's records: room, speed and health of the disk, who keeps the clock right, the certificate, the key file.
//! Whatever cannot be found out stays unknown; nothing here takes longer than a few seconds.

use crate::{
    settings::Settings,
    tls::{self, Tls},
};
use domain::{
    Time,
    health::{Disk, Drive, KeyFile, Machine, Served},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of the write that is measured.
const TRIAL_BYTES: usize = 4096;
/// Writes that are measured; the one in the middle counts.
const TRIALS: usize = 3;
/// Drives that are asked, at most.
const DRIVES_MAX: usize = 8;
/// Longest answer of a program that is asked.
const ANSWER_MAX: u64 = 1 << 20;

/// Who looks at the machine.
pub struct Looker {
    settings: Settings,
    tls: Option<Arc<Tls>>,
}

impl Looker {
    /// For the running program, which knows the certificate that it serves; without one, what lies on the disk is looked at.
    pub fn new(settings: &Settings, tls: Option<Arc<Tls>>) -> Self {
        Self { settings: settings.clone(), tls }
    }

    /// Looks at everything; blocks the thread.
    pub fn look(&self) -> Machine {
        let data = &self.settings.data;
        Machine {
            disk: disk(data, self.settings.reserve_mib << 20),
            sync: data.is_dir().then(|| sync(data)),
            drives: drives(Path::new("/sys/block")),
            synchronized: synchronized(),
            certificate: self.certificate(),
            public: self.tls.as_ref().and_then(|tls| tls.public()).map(|public| public.standing()),
            key: data.join("store").exists().then(|| key(&self.settings.key_file())),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn certificate(&self) -> Option<Option<Served>> {
        if let Some(tls) = &self.tls {
            return tls.until().map(|ends| Some(Served { ends, own: tls.root().is_some() }));
        }
        if self.settings.listen_tls.is_none() {
            return Some(None);
        }
        let ends = match &self.settings.certificate {
            Some(chain) => tls::ends(&CertificateDer::from_pem_file(chain).ok()?)?,
            None => {
                let kept = fs::read(self.settings.data.join("tls").join("box.json")).ok()?;
                let kept: serde_json::Value = serde_json::from_slice(&kept).ok()?;
                Time(kept.get("until")?.as_i64()?)
            }
        };
        Some(Some(Served { ends, own: self.settings.certificate.is_none() }))
    }
}

fn disk(data: &Path, reserve: u64) -> Option<Disk> {
    // A folder that is not there yet will lie on the disk of the one above it.
    let there = std::path::absolute(data).ok()?.ancestors().find(|folder| folder.is_dir())?.to_owned();
    let stat = rustix::fs::statvfs(there).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Disk { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks), reserve })
}

/// Milliseconds until a small write in that folder is on the disk.
fn sync(folder: &Path) -> Result<u64, String> {
    let path = folder.join(format!(".trial-{}", std::process::id()));
    let measured = measured(&path).map_err(|error| error.to_string());
    if let Err(error) = fs::remove_file(&path) {
        tracing::debug!(%error, "the file of the trial write stays");
    }
    measured
}

fn measured(path: &Path) -> std::io::Result<u64> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&[0; TRIAL_BYTES])?;
    file.sync_all()?;
    let mut took = Vec::with_capacity(TRIALS);
    for _ in 0..TRIALS {
        let begun = Instant::now();
        file.write_all(&[1; TRIAL_BYTES])?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    let middle = took.get(TRIALS / 2).copied().unwrap_or(Duration::ZERO);
    Ok(u64::try_from(middle.as_millis()).unwrap_or(u64::MAX))
}

fn key(path: &Path) -> KeyFile {
    match fs::metadata(path) {
        Err(_) => KeyFile::Missing,
        Ok(meta) if meta.permissions().mode() & 0o077 == 0 => KeyFile::Safe,
        Ok(_) => KeyFile::Open,
    }
}

/// What a program says within some seconds; none when it is not there, is not allowed to, or takes too long. `ok`: only if it ended well.
fn said(program: &str, args: &[&str], ok: bool) -> Option<String> {
    use std::io::Read;
    let mut child = Command::new("timeout")
        .args(["--kill-after=1", "5", program])
        .args(args)
        .env("LC_ALL", "C")
        // What is asked may be of systemd, and would tell it how it ended in the program's name.
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut answer = String::new();
    let read = child.stdout.take().map(|out| out.take(ANSWER_MAX).read_to_string(&mut answer));
    let ended = child.wait().ok()?;
    (matches!(read, Some(Ok(_))) && (ended.success() || !ok)).then_some(answer)
}

/// Whether somebody keeps the clock right.
fn synchronized() -> Option<bool> {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    match said("timedatectl", &["show", "--property=NTPSynchronized", "--value"], true)?.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// The drives that tell how they are. smartctl needs root; memory cards of the kind that is soldered in tell through /sys.
pub fn drives(block: &Path) -> Vec<Drive> {
    let Ok(entries) = fs::read_dir(block) else { return Vec::new() };
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| ["sd", "nvme", "mmcblk", "hd"].iter().any(|kind| name.starts_with(kind)));
    names.sort_unstable();
    names.truncate(DRIVES_MAX);
    names.into_iter().map(|name| drive(&block.join(&name), name)).collect()
}

fn drive(folder: &Path, name: String) -> Drive {
    let read = |file: &str| fs::read_to_string(folder.join("device").join(file)).ok();
    if let Some(life) = read("life_time") {
        return card(name, &life, read("pre_eol_info").as_deref().unwrap_or(""));
    }
    let path: PathBuf = Path::new("/dev").join(&name);
    // Bits of its exit status say what is wrong with the drive, so an answer counts whatever they are.
    let answer = path.to_str().and_then(|path| said("smartctl", &["--json", "--health", "--attributes", path], false));
    match answer.and_then(|answer| serde_json::from_str(&answer).ok()) {
        Some(answer) => smart(name, &answer),
        None => Drive { name, ..Drive::default() },
    }
}

/// A memory card (JEDEC eMMC 5.0): two estimates of its used life in tenths, and how much of its reserve is left.
fn card(name: String, life: &str, reserve: &str) -> Drive {
    let hexadecimal = |text: &str| u16::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    let worn = life.split_whitespace().filter_map(hexadecimal).filter(|tenths| *tenths > 0).max();
    let failing = hexadecimal(reserve).filter(|state| *state > 0).map(|state| state >= 3);
    Drive { name, failing, worn: worn.map(|tenths| tenths.saturating_mul(10)) }
}

/// What smartctl says as JSON.
fn smart(name: String, answer: &serde_json::Value) -> Drive {
    let passed = answer.pointer("/smart_status/passed").and_then(serde_json::Value::as_bool);
    let worn = answer.pointer("/nvme_smart_health_information_log/percentage_used").and_then(serde_json::Value::as_u64);
    Drive { name, failing: passed.map(|passed| !passed), worn: worn.and_then(|worn| u16::try_from(worn).ok()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_tell_by_smartctl_or_by_sys() {
        let answers = [
            (r#"{"smart_status":{"passed":true}}"#, Some(false), None),
            (r#"{"smart_status":{"passed":false}}"#, Some(true), None),
            (
                r#"{"smart_status":{"passed":true},"nvme_smart_health_information_log":{"percentage_used":91}}"#,
                Some(false),
                Some(91),
            ),
            (r#"{"smartctl":{"exit_status":2}}"#, None, None),
        ];
        for (answer, failing, worn) in answers {
            let expected = Drive { name: "sda".into(), failing, worn };
            assert_eq!(smart("sda".into(), &serde_json::from_str(answer).unwrap()), expected, "{answer}");
        }
        for (life, reserve, failing, worn) in [
            ("0x01 0x02\n", "0x01\n", Some(false), Some(20)),
            ("0x0b 0x00", "0x03", Some(true), Some(110)),
            ("0x00 0x00", "0x00", None, None),
            ("?", "", None, None),
        ] {
            assert_eq!(
                card("mmcblk0".into(), life, reserve),
                Drive { name: "mmcblk0".into(), failing, worn },
                "{life}"
            );
        }
        let block = tempfile::tempdir().unwrap();
        for name in ["mmcblk0/device", "loop0", "dm-0"] {
            fs::create_dir_all(block.path().join(name)).unwrap();
        }
        fs::write(block.path().join("mmcblk0/device/life_time"), "0x0a 0x01").unwrap();
        let found = drives(block.path());
        assert_eq!(found, [Drive { name: "mmcblk0".into(), failing: None, worn: Some(100) }]);
        assert!(drives(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn the_folder_is_measured_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sync(folder.path()).is_ok() && sync(Path::new("/nowhere")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let found = disk(&folder.path().join("not/there/yet"), 5).unwrap();
        assert!(found.total > 0 && found.free <= found.total && found.reserve == 5);
        let path = folder.path().join("key");
        assert_eq!(key(&path), KeyFile::Missing);
        fs::write(&path, "x").unwrap();
        for (mode, expected) in [(0o600, KeyFile::Safe), (0o400, KeyFile::Safe), (0o640, KeyFile::Open)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(key(&path), expected);
        }
    }
}
