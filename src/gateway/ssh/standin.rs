//! An OpenSSH server of this machine, started as a plain process with a configuration of its own on the box's own address: the tunnel and SFTP are tried
//! against what servers really run. It lets in the account that runs the tests, by the keys that it is told.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where Debian has the server.
const PROGRAM: &str = "/usr/sbin/sshd";
/// How often is looked whether it listens, and the pause between: as long as a loaded machine needs.
const TRIES: u32 = 600;

/// A running server; ends when it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it offers SFTP, from its next start.
    pub sftp: bool,
    folder: PathBuf,
    child: Option<Child>,
}

fn run(command: &mut Command) -> io::Result<String> {
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned()))
}

/// A port that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Server {
    /// Whether this machine has such a server.
    pub fn is_there() -> bool {
        Path::new(PROGRAM).is_file()
    }

    /// Starts one that keeps its files in a folder, with a new host key, and lets those lines of `authorized_keys` in.
    pub fn start(folder: &Path, authorized: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut server = Self { address, sftp: true, folder: folder.to_owned(), child: None };
        server.new_host_key()?;
        server.authorize(authorized)?;
        server.begin()?;
        Ok(server)
    }

    /// The account to log in as.
    pub fn user() -> io::Result<String> {
        run(Command::new("id").arg("-un"))
    }

    /// Gives it another host key, which holds from its next start.
    pub fn new_host_key(&self) -> io::Result<()> {
        let key = self.folder.join("host");
        for file in [key.clone(), key.with_extension("pub")] {
            if file.exists() {
                fs::remove_file(file)?;
            }
        }
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key)).map(drop)
    }

    /// The fingerprint of its host key, as its own tools say it.
    pub fn fingerprint(&self) -> io::Result<String> {
        let said =
            run(Command::new("ssh-keygen").args(["-l", "-E", "sha256", "-f"]).arg(self.folder.join("host.pub")))?;
        said.split_whitespace().nth(1).map(str::to_owned).ok_or_else(|| io::Error::other(said.clone()))
    }

    /// Whom it lets in from now on.
    pub fn authorize(&self, lines: &str) -> io::Result<()> {
        let file = self.folder.join("authorized_keys");
        fs::write(&file, format!("{lines}\n"))?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
    }

    /// Starts it again at the same address.
    pub fn begin(&mut self) -> io::Result<()> {
        // Started by root, it wants this folder, which systems make when they start.
        if run(Command::new("id").arg("-u"))? == "0" {
            fs::create_dir_all("/run/sshd")?;
        }
        let folder = self.folder.display();
        let config = format!(
            "ListenAddress {}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nUsePAM no\nStrictModes no\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nGatewayPorts clientspecified\n\
             MaxStartups 100\nLogLevel ERROR\n{}",
            self.address,
            if self.sftp { "Subsystem sftp internal-sftp\n" } else { "" }
        );
        let file = self.folder.join("sshd_config");
        fs::write(&file, config)?;
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = Command::new(PROGRAM);
        command.args(["-D", "-e", "-f"]).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = self.child.insert(command.spawn()?);
        for _ in 0..TRIES {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                let log = fs::read_to_string(self.folder.join("log"))?;
                return Err(io::Error::other(format!("the SSH server ended ({status}): {log}")));
            }
            run(Command::new("sleep").arg(Duration::from_millis(50).as_secs_f32().to_string()))?;
        }
        Err(io::Error::other("the SSH server does not listen"))
    }

    /// Ends the server and every connection that it serves.
    pub fn end(&mut self) -> io::Result<()> {
        self.cut()?;
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Cuts every connection without a word, as a network does that is gone. The server goes on.
    pub fn cut(&self) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        for process in descendants(child.id())? {
            // It may have ended meanwhile.
            drop(run(Command::new("kill").args(["-KILL", &process.to_string()])));
        }
        Ok(())
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// Who began a process, as the system tells it.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, which may hold anything, stands in brackets; behind it come the state and the parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Processes that a process began, and those that they began.
fn descendants(of: u32) -> io::Result<Vec<u32>> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let process: Option<u32> = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        pairs.extend(process.and_then(|process| Some((process, parent(process)?))));
    }
    let (mut found, mut next) = (Vec::new(), vec![of]);
    while let Some(parent) = next.pop() {
        let children = pairs.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process);
        for process in children {
            found.push(process);
            next.push(process);
        }
    }
    Ok(found)
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "an SSH server was not ended");
        }
    }
}
