//! TLS: the box's own root and certificate, uploaded ones, and their change while connections go on.

use crate::hall::Hall;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// Connects as a device that trusts one root; `name` is what it believes to talk to.
fn connect(address: &str, root: &[u8], name: &str, versions: &[&'static rustls::SupportedProtocolVersion]) -> Stream {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root.to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let client = ClientConnection::new(config, ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    BufReader::new(StreamOwned::new(client, socket))
}

/// Asks on a connection that stays open; status, headers and body.
fn ask(stream: &mut Stream, path: &str) -> std::io::Result<(u16, String, Vec<u8>)> {
    stream.get_mut().write_all(format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").as_bytes())?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |of| of.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head[9..12].parse().unwrap(), head, body))
}

/// The certificate that the box showed.
fn shown(stream: &mut Stream) -> Vec<u8> {
    assert_eq!(ask(stream, "/login").unwrap().0, 200);
    stream.get_ref().conn.peer_certificates().unwrap()[0].to_vec()
}

const ALL: &[&rustls::SupportedProtocolVersion] = rustls::ALL_VERSIONS;

#[test]
fn an_independent_scanner_finds_no_weakness() {
    let tools = std::env::var("HUIGUAN_TEST_TOOLS").unwrap_or_else(|_| "/var/tmp/huiguan-test-tools".into());
    let folder = tempfile::tempdir().unwrap();
    let hall = Hall::with(&folder.path().join("data"), &["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"]);
    let address = hall.says("listening on https://");
    let report = folder.path().join("report.json");
    let scan = Command::new(format!("{tools}/sslyze/bin/sslyze"))
        .arg(format!("--json_out={}", report.display()))
        .arg("--mozilla_config=intermediate")
        .arg(&address)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&scan.stdout).into_owned();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(report).expect(&said)).unwrap();
    let found = &report["server_scan_results"][0]["scan_result"];
    let accepted = |version: &str| {
        let suites = &found[format!("{version}_cipher_suites")]["result"]["accepted_cipher_suites"];
        let suites = suites.as_array().unwrap_or_else(|| panic!("{version} was not tried: {said}"));
        suites.iter().map(|suite| suite["cipher_suite"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for old in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        assert!(accepted(old).is_empty(), "{old}");
    }
    for suite in accepted("tls_1_2") {
        assert!(suite.starts_with("TLS_ECDHE_") && (suite.contains("_GCM_") || suite.contains("POLY1305")), "{suite}");
    }
    assert!(!accepted("tls_1_2").is_empty() && !accepted("tls_1_3").is_empty());
    let result = |test: &str, what: &str| found[test]["result"][what].clone();
    assert_eq!(result("tls_compression", "supports_compression"), false);
    assert_eq!(result("openssl_ccs_injection", "is_vulnerable_to_ccs_injection"), false);
    assert_eq!(result("heartbleed", "is_vulnerable_to_heartbleed"), false);
    assert_eq!(result("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos"), false);
    assert_eq!(result("tls_extended_master_secret", "supports_ems_extension"), true);
    assert_eq!(result("robot", "robot_result"), "NOT_VULNERABLE_RSA_NOT_SUPPORTED");
    // What is left to say of Mozilla's recommendation: nobody else vouches for the box's own root.
    let issues: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.starts_with("* ") && line.contains("_")).collect();
    let ours: Vec<&&str> = issues.iter().filter(|issue| issue.contains("certificate_path_validation")).collect();
    assert_eq!((issues.len(), ours.len()), (1, 1), "{issues:?}");
}

#[test]
fn devices_that_know_the_root_reach_the_box_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let more = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"];
    let hall = Hall::with(&data, &more);
    let address = hall.says("listening on https://");
    hall.set_up();
    let plain = hall.base.trim_start_matches("http://").to_owned();
    let root = root_of(&plain);
    assert!(hall.client().get("/root").body.contains(&format!("https://{address}")), "the page leads to TLS");
    assert!(hall.client().get("/root.mobileconfig").body.contains("com.apple.security.root"));

    for (name, versions) in
        [("127.0.0.1", ALL), ("huiguan.local", &[&rustls::version::TLS12]), ("localhost", &[&rustls::version::TLS13])]
    {
        let mut stream = connect(&address, &root, name, versions);
        let (status, _, page) = ask(&mut stream, "/login").unwrap();
        assert_eq!(status, 200, "{name}");
        assert!(String::from_utf8_lossy(&page).contains("</html>"), "{name}");
    }
    // Links begin with the address as it was asked for.
    let mut stream = connect(&address, &root, "127.0.0.1", ALL);
    let page = String::from_utf8(ask(&mut stream, "/root").unwrap().2).unwrap();
    assert!(page.contains("https://127.0.0.1/root"), "{page}");
    let first = shown(&mut stream);
    // And so by HTTP/2, which browsers choose.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/browser/tls.mjs");
    std::fs::write(folder.path().join("root.crt"), &root).unwrap();
    let mut node = Command::new("node");
    node.arg(script).arg(format!("https://{address}")).arg(folder.path().join("root.crt"));
    assert!(node.status().unwrap().success(), "HTTP/2");

    let other = CertificateParams::new(vec!["x.local".into()]).unwrap();
    let other = other.self_signed(&KeyPair::generate().unwrap()).unwrap();
    for (root, name) in [(root.as_slice(), "other.example.cn"), (other.der().as_ref(), "127.0.0.1")] {
        let refused = ask(&mut connect(&address, root, name, ALL), "/login");
        assert!(refused.unwrap_err().to_string().contains("certificate"), "{name}");
    }

    // The next start keeps root and certificate: no device has to trust anything again.
    assert!(hall.stop());
    let hall = Hall::with(&data, &more);
    let address = hall.says("listening on https://");
    assert_eq!(root_of(hall.base.trim_start_matches("http://")), root);
    assert_eq!(shown(&mut connect(&address, &root, "127.0.0.1", ALL)), first);
    // Keys lie sealed, for the box alone.
    for file in ["root.key", "box.json", "root.der"] {
        use std::os::unix::fs::PermissionsExt;
        let path = data.join("tls").join(file);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{file}");
        assert!(!String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains("PRIVATE KEY"), "{file}");
    }
}

/// The root as it is handed out without TLS.
fn root_of(plain: &str) -> Vec<u8> {
    let mut socket = TcpStream::connect(plain).unwrap();
    socket.write_all(b"GET /root.crt HTTP/1.1\r\nhost: box\r\nconnection: close\r\n\r\n").unwrap();
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    let at = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    all[at + 4..].to_vec()
}

/// A certificate of somebody else's, laid where the settings say.
fn lay(folder: &Path) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("chain.pem"), made.pem()).unwrap();
    made.der().to_vec()
}

#[test]
fn a_given_certificate_is_changed_while_connections_go_on_and_a_broken_one_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let first = lay(folder.path());
    let settings = folder.path().join("huiguan.toml");
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        &settings,
        format!(
            "listen_tls = \"127.0.0.1:0\"\ncertificate = \"{}\"\ncertificate_key = \"{}\"\n",
            file("chain.pem"),
            file("key.pem")
        ),
    )
    .unwrap();
    let hall =
        Hall::with(&folder.path().join("data"), &["--listen", "127.0.0.1:0", "--config", settings.to_str().unwrap()]);
    let address = hall.says("listening on https://");
    hall.set_up();
    assert_eq!(hall.client().get("/root").status, 404, "there is no root to hand out");
    let mut old = connect(&address, &first, "127.0.0.1", ALL);
    assert_eq!(shown(&mut old), first);

    std::fs::write(folder.path().join("chain.pem"), "-----BEGIN CERTIFICATE-----\nbroken\n").unwrap();
    hall.signal("HUP");
    assert_eq!(shown(&mut connect(&address, &first, "127.0.0.1", ALL)), first, "what is broken is not taken");

    let second = lay(folder.path());
    hall.signal("HUP");
    let deadline = Instant::now() + Duration::from_secs(20);
    while ask(&mut connect(&address, &second, "127.0.0.1", ALL), "/login").is_err() {
        assert!(Instant::now() < deadline, "the new certificate is served");
    }
    assert_eq!(shown(&mut connect(&address, &second, "127.0.0.1", ALL)), second);
    assert_eq!(shown(&mut old), first, "the old connection goes on");
}

#[test]
fn the_boxs_own_certificate_is_made_anew_near_its_end_under_the_root_that_devices_know() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let hall = Hall::with(&data, &["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"]);
    let address = hall.says("listening on https://");
    hall.set_up();
    let plain = hall.base.trim_start_matches("http://").to_owned();
    let root = root_of(&plain);
    let mut old = connect(&address, &root, "127.0.0.1", ALL);
    let first = shown(&mut old);
    let kept = data.join("tls/box.json");
    let read = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(&kept).unwrap()).unwrap();
    // As far away as it was, a look leaves it; then its end moves to thirty days from now.
    let before = read();
    hall.signal("HUP");
    assert_eq!(shown(&mut connect(&address, &root, "127.0.0.1", ALL)), first);
    let until = jiff::Timestamp::now().as_millisecond() + 30 * 24 * 3_600_000;
    let mut near = before.clone();
    near["until"] = until.into();
    std::fs::write(&kept, near.to_string()).unwrap();
    hall.signal("HUP");
    let deadline = Instant::now() + Duration::from_secs(20);
    let second = loop {
        let now = shown(&mut connect(&address, &root, "127.0.0.1", ALL));
        if now != first {
            break now;
        }
        assert!(Instant::now() < deadline, "a new certificate is served");
        std::thread::park_timeout(Duration::from_millis(100));
    };
    let after = read();
    assert_eq!(after["certificate"], serde_json::json!(second), "it is the one that is kept");
    assert!(after["until"].as_i64() >= before["until"].as_i64() && after["names"] == before["names"], "{after}");
    assert_ne!(after["key"], before["key"], "with a key of its own");
    assert_eq!(root_of(&plain), root, "no device has to trust anything again");
    assert_eq!(shown(&mut old), first, "the old connection goes on");
    shown(&mut connect(&address, &root, "huiguan.local", ALL));
    assert!(hall.stop());
}

/// A day as far from today, as certificates name days.
fn day(away: i64) -> (i32, u8, u8) {
    let date = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date() + jiff::Span::new().days(away);
    (i32::from(date.year()), u8::try_from(date.month()).unwrap(), u8::try_from(date.day()).unwrap())
}

#[test]
fn a_public_name_gets_its_certificate_from_an_authority_and_the_boxes_own_stays() {
    use gateway::acme::standin::Acme;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let plain = format!("127.0.0.1:{}", gateway::ssh::standin::free_port().unwrap());
    let days = [day(-1), day(89)];
    let acme = runtime.block_on(Acme::start(plain.parse().unwrap(), folder.path().to_owned(), days)).unwrap();
    let settings = [
        ("HUIGUAN_ACME_NAMES", "hall.example.cn, www.example.cn"),
        ("HUIGUAN_ACME_DIRECTORY", acme.directory.as_str()),
        ("HUIGUAN_LISTEN_TLS", "127.0.0.1:0"),
    ];
    let public = CertificateDer::from_pem_slice(acme.root.as_bytes()).unwrap().to_vec();
    let begun = || {
        let hall = Hall::with_settings(&data, &plain, &settings);
        let address = hall.says("listening on https://");
        (hall, address)
    };
    // Asks for the public name until the certificate is of the authority.
    let reached = |address: &str| {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let mut stream = connect(address, &public, "hall.example.cn", ALL);
            if ask(&mut stream, "/login").is_ok_and(|(status, ..)| status == 200) {
                return stream.get_ref().conn.peer_certificates().unwrap()[0].to_vec();
            }
            assert!(Instant::now() < until, "the authority's certificate is served");
            std::thread::park_timeout(Duration::from_millis(200));
        }
    };
    let (hall, address) = begun();
    hall.set_up();
    let root = root_of(&plain);
    let mut open = connect(&address, &root, "127.0.0.1", ALL);
    shown(&mut open);
    let first = reached(&address);
    shown(&mut open);
    shown(&mut connect(&address, &root, "huiguan.local", ALL));
    assert_eq!(acme.counts().1, 1, "one order");
    assert!(hall.stop());
    // What is good is served again without a word to the authority; what has lived two thirds of its life is fetched anew.
    let (hall, address) = begun();
    assert_eq!(reached(&address), first);
    assert_eq!(acme.counts(), (1, 1, 0));
    assert!(hall.stop());
    let kept = std::fs::read(data.join("tls/public")).unwrap();
    assert!(!kept.windows(11).any(|part| part == b"PRIVATE KEY"), "the key lies sealed");
    std::fs::remove_file(data.join("tls/public")).unwrap();
    acme.set_days([day(-80), day(10)]);
    let (hall, address) = begun();
    let old = reached(&address);
    assert!(hall.stop());
    acme.set_days(days);
    let (hall, address) = begun();
    let until = Instant::now() + Duration::from_secs(120);
    while reached(&address) == old {
        assert!(Instant::now() < until, "it is renewed");
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let orders = acme.counts().1;
    assert!(orders >= 3, "{orders}");
    // An authority that says no is told in words, and what is served stays.
    let told = hall.client();
    assert_eq!(told.get("/.well-known/acme-challenge/nothing").status, 404);
    assert!(hall.stop());
}
