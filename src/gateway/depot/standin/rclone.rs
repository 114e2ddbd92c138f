//! A real WebDAV server: Debian's `rclone`, which `tests/run` installs, on a folder of this machine and an address of the box's own.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server; ends when it is dropped.
pub struct Rclone {
    child: Child,
    /// Where it answers.
    pub base: String,
}

impl Rclone {
    /// Who is let in.
    pub const USER: &str = "box";
    /// By which password.
    pub const PASSWORD: &str = "pass word";

    /// Starts one that keeps its files in a folder, and waits until it says where it answers.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let mut child = Command::new("rclone")
            .args(["serve", "webdav", "--addr", "127.0.0.1:0", "--user", Self::USER, "--pass", Self::PASSWORD])
            .args(["--config", "/dev/null", "-v"])
            .arg(folder)
            .stderr(Stdio::piped())
            .spawn()?;
        let told = child.stderr.take().ok_or_else(|| io::Error::other("rclone tells nothing"))?;
        let mut lines = BufReader::new(told).lines().map_while(Result::ok);
        let base = lines.find_map(|line| {
            let (_, rest) = line.split_once("http://127.0.0.1:")?;
            Some(format!("http://127.0.0.1:{}", rest.trim_end_matches(['/', ']', '"'])))
        });
        // It goes on telling; nobody must wait for it.
        std::thread::spawn(move || lines.for_each(drop));
        let mut server = Self { child, base: String::new() };
        server.base = base.ok_or_else(|| io::Error::other("rclone does not say where it answers"))?;
        Ok(server)
    }
}

impl Drop for Rclone {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
