//! Certificates of Pebble, an authority by the people of Let's Encrypt for trying clients out: it refuses a part of all nonces, hands valid
//! authorizations out again, and looks at port 80 and at the DNS itself. Another program than our stand-in says here what RFC 8555 means.

use super::*;
use crate::{
    Tools,
    ssh::standin::free_port,
    standin::{Answered, Standin},
};
use domain::Time;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::CertificateDer;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// How long its programs may take to begin.
const BEGINNING: Duration = Duration::from_secs(60);

/// A program that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        command.stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Whether this machine has Debian's package `pebble`; `tests/run` installs it.
#[allow(clippy::print_stderr, reason = "whoever runs the tests is told what was not tried")]
fn is_there() -> bool {
    let is_there = Path::new("/usr/bin/pebble").is_file() && Path::new("/usr/bin/pebble-challtestsrv").is_file();
    if !is_there {
        eprintln!("not tried against Pebble: Debian's package pebble is not installed");
    }
    is_there
}

/// Waits until something listens there.
async fn listens(port: u16) {
    let until = Instant::now() + BEGINNING;
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(Instant::now() < until, "nothing listens at port {port}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Bench {
    egress: Egress,
    directory: String,
    tokens: Arc<Tokens>,
    /// Where records of the DNS are laid.
    records: u16,
    folder: tempfile::TempDir,
    _web: Standin,
    _programs: [Running; 2],
}

impl Bench {
    /// The authority, a DNS in which every name is this machine, and port 80 with the tokens.
    async fn start() -> Self {
        let (tokens, folder) = (Arc::<Tokens>::default(), tempfile::tempdir().unwrap());
        let laid = tokens.clone();
        let web = Standin::start(move |asked| match laid.answer(&asked.path) {
            Some(answer) => Answered::status(200, answer),
            None => Answered::status(404, "no"),
        });
        let web = web.await.unwrap();
        let port: u16 = web.base.rsplit(':').next().unwrap().parse().unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let [listen, tls, dns, records] = [(); 4].map(|()| free_port().unwrap());
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"),
            "certificate": file("pebble.pem", &own.pem()),
            "privateKey": file("pebble.key", &key.serialize_pem()),
            "httpPort": port,
            "tlsPort": tls,
        } });
        let config = file("pebble.json", &config.to_string());
        let names = Running::start(
            Command::new("/usr/bin/pebble-challtestsrv")
                .args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""])
                .args(["-dns01", &format!("127.0.0.1:{dns}"), "-management", &format!("127.0.0.1:{records}")]),
            &folder.path().join("names.log"),
        );
        let authority = Running::start(
            Command::new("/usr/bin/pebble")
                .args(["-config", &config, "-dnsserver", &format!("127.0.0.1:{dns}")])
                .env("PEBBLE_VA_NOSLEEP", "1"),
            &folder.path().join("pebble.log"),
        );
        listens(listen).await;
        listens(records).await;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(own.der().to_vec())).unwrap();
        let tools = Tools { now: Arc::new(|| Time(0)), chance: Arc::new(|| 0) };
        Self {
            egress: Egress::with(tools, false, roots).unwrap(),
            directory: format!("https://localhost:{listen}/dir"),
            tokens,
            records,
            folder,
            _web: web,
            _programs: [names, authority],
        }
    }

    fn wanted(&self, names: &[&str]) -> Wanted {
        Wanted {
            directory: self.directory.clone(),
            contact: "office@example.cn".into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// A program that lays records of the DNS and takes them away, and notes what it was called for.
    fn hook(&self) -> PathBuf {
        let path = self.folder.path().join("hook");
        let (log, port) = (self.folder.path().join("hook.log"), self.records);
        let script = format!(
            "#!/bin/bash\nset -e\necho \"$1 $2\" >>'{}'\ncase $1 in\n\
             present) path=set-txt; body=\"{{\\\"host\\\":\\\"$2.\\\",\\\"value\\\":\\\"$3\\\"}}\";;\n\
             cleanup) path=clear-txt; body=\"{{\\\"host\\\":\\\"$2.\\\"}}\";;\nesac\n\
             exec 3<>/dev/tcp/127.0.0.1/{port}\n\
             printf 'POST /%s HTTP/1.0\\r\\nContent-Length: %s\\r\\n\\r\\n%s' \"$path\" \"${{#body}}\" \"$body\" >&3\n\
             read -r line <&3\ncase $line in *\" 200 \"*) ;; *) exit 4;; esac\n",
            log.display()
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }
}

/// The chain ends in a key that belongs to its first certificate, which speaks for exactly these names.
fn check(issued: &Issued, names: &[&str]) {
    use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(issued.chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    assert!(chain.len() >= 2, "a certificate and the one above it");
    let leaf = webpki::EndEntityCert::try_from(&chain[0]).unwrap();
    let mut spoken: Vec<&str> = leaf.valid_dns_names().collect();
    spoken.sort_unstable();
    assert_eq!(spoken, names);
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    rustls::sign::CertifiedKey::new(chain, key).keys_match().unwrap();
}

#[tokio::test]
async fn another_authority_issues_by_port_80_and_again_to_the_same_account() {
    if !is_there() {
        return;
    }
    let of = Bench::start().await;
    let (names, way) = (["hall.example.cn", "www.example.cn"], Way::Http(of.tokens.clone()));
    let first = obtain(&of.egress, None, &of.wanted(&names), &way).await.unwrap();
    check(&first, &names);
    // It refuses one nonce of twenty and hands half of the authorizations out again, by chance.
    for _ in 0..5 {
        let next = obtain(&of.egress, Some(&first.account), &of.wanted(&names), &way).await.unwrap();
        check(&next, &names);
        assert_eq!(next.account, first.account);
        assert_ne!(next.key, first.key);
    }
    // A name whose port 80 knows nothing of the token.
    let (other, silent) = (of.wanted(&["other.example.cn"]), Way::Http(Arc::default()));
    let failed = obtain(&of.egress, Some(&first.account), &other, &silent).await.err().unwrap();
    assert!(matches!(&failed, Trouble::Challenge(said) if said.contains("other.example.cn")), "{failed}");
}

#[tokio::test]
async fn another_authority_issues_by_the_dns() {
    if !is_there() {
        return;
    }
    let of = Bench::start().await;
    let (names, way) = (["*.example.cn", "hall.example.org"], Way::Dns(of.hook()));
    let issued = obtain(&of.egress, None, &of.wanted(&names), &way).await.unwrap();
    check(&issued, &names);
    let log = std::fs::read_to_string(of.folder.path().join("hook.log")).unwrap();
    for record in ["_acme-challenge.example.cn", "_acme-challenge.hall.example.org"] {
        assert!(log.contains(&format!("present {record}")) && log.contains(&format!("cleanup {record}")), "{log}");
    }
}
