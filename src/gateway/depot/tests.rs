//! Files at other computers: stand-ins that refuse what is wrong, a real WebDAV server (rclone) and a real SFTP server (OpenSSH).

use super::standin::{DavServer, Rclone, S3Server, Shelf, Sizes};
use super::*;
use crate::{
    Egress, Tools,
    ssh::{Key, Target, standin::Server},
};
use domain::{Time, time::HOUR};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const NOW: i64 = 1_795_570_200_000;

fn egress(clock: &Arc<AtomicI64>) -> Egress {
    let clock = clock.clone();
    let tools = Tools { now: Arc::new(move || Time(clock.load(Ordering::SeqCst))), chance: Arc::new(|| 0) };
    Egress::new(tools, false).unwrap()
}

fn way() -> (Egress, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(NOW));
    (egress(&clock), clock)
}

async fn dav() -> (DavServer, Egress, Arc<AtomicI64>) {
    let (egress, clock) = way();
    (DavServer::start("钱箱", "p:ss wörd").await.unwrap(), egress, clock)
}

fn bucket(base: &str) -> Bucket {
    Bucket {
        base: base.to_owned(),
        bucket: S3Server::BUCKET.into(),
        prefix: "hall 1/~x".into(),
        region: S3Server::REGION.into(),
        by_host: false,
    }
}

async fn s3(page: usize) -> (S3Server, Egress, Arc<AtomicI64>) {
    let (egress, clock) = way();
    let hands = clock.clone();
    let now = move || Time(hands.load(Ordering::SeqCst));
    (S3Server::start("very/secret+", Sizes { page, part: 1_000 }, now).await.unwrap(), egress, clock)
}

fn file(folder: &tempfile::TempDir, bytes: usize) -> (std::path::PathBuf, Vec<u8>) {
    let content: Vec<u8> = (0..bytes).map(|at| (at * 31 % 251) as u8).collect();
    let path = folder.path().join(format!("file-{bytes}"));
    std::fs::write(&path, &content).unwrap();
    (path, content)
}

async fn read(depot: &dyn Depot, path: &str) -> Result<Vec<u8>, Fault> {
    let mut source = depot.get(path).await?;
    let mut all = Vec::new();
    while let Some(chunk) = source.chunk().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// What holds at every kind of place.
async fn keeps_files(depot: &dyn Depot) {
    let folder = tempfile::tempdir().unwrap();
    depot.make("huiguan-1").await.unwrap();
    depot.make("huiguan-1").await.unwrap();
    assert_eq!(depot.list("huiguan-1").await.unwrap(), []);
    let mut names = Vec::new();
    for bytes in [0, 1, 999, 4_321, 200_000] {
        let (path, content) = file(&folder, bytes);
        let name = format!("huiguan-1/full-{bytes}.age");
        assert_eq!(depot.put(&name, &path).await.unwrap(), bytes as u64);
        assert_eq!(depot.put(&name, &path).await.unwrap(), bytes as u64, "over itself");
        assert_eq!(read(depot, &name).await.unwrap(), content);
        names.push((format!("full-{bytes}.age"), bytes as u64));
    }
    names.sort();
    let mut found: Vec<(String, u64)> =
        depot.list("huiguan-1").await.unwrap().into_iter().map(|found| (found.name, found.bytes)).collect();
    found.sort();
    assert_eq!(found, names, "whole, and nothing else");
    let above = depot.list("").await.unwrap();
    assert!(above.iter().any(|found| found.folder && found.name == "huiguan-1"), "{above:?}");
    assert_eq!(read(depot, "huiguan-1/none.age").await.unwrap_err(), Fault::Gone);
    for (name, _) in &names {
        depot.remove(&format!("huiguan-1/{name}")).await.unwrap();
    }
    depot.remove("huiguan-1/full-1.age").await.unwrap();
    assert_eq!(depot.list("huiguan-1").await.unwrap(), []);
}

#[tokio::test]
async fn files_are_kept_whole_at_a_webdav_server_and_in_a_bucket() {
    let (server, egress, _) = dav().await;
    keeps_files(&WebDav::new(egress, &server.base, "/backup", "钱箱", "p:ss wörd")).await;
    let (server, egress, _) = s3(2).await;
    keeps_files(&S3::new(egress, bucket(&server.base), S3Server::KEY, "very/secret+").parts_of(2_000)).await;
}

/// Whatever happens in the middle, no piece has its name by halves, and it goes when the other side is well again.
async fn survives_cuts(depot: &dyn Depot, shelf: &Shelf) {
    let folder = tempfile::tempdir().unwrap();
    let (path, content) = file(&folder, 9_000);
    depot.make("huiguan-1").await.unwrap();
    for taken in 0..3 {
        shelf.lock().cut_after = Some(taken);
        let cut = depot.put("huiguan-1/full-1.age", &path).await;
        let found = depot.list("huiguan-1").await.unwrap();
        match cut {
            Ok(_) => assert_eq!(found[0].bytes, 9_000),
            Err(fault) => {
                assert!(matches!(fault, Fault::Away(_)), "{fault:?}");
                assert!(found.iter().all(|found| found.name != "full-1.age"), "{found:?}");
            }
        }
        shelf.lock().cut_after = None;
        depot.clear("huiguan-1").await.unwrap();
        depot.remove("huiguan-1/full-1.age").await.unwrap();
        assert_eq!(depot.list("huiguan-1").await.unwrap(), []);
    }
    shelf.lock().room = Some(5_000);
    assert_eq!(depot.put("huiguan-1/full-1.age", &path).await.unwrap_err(), Fault::Full);
    assert_eq!(depot.list("huiguan-1").await.unwrap(), []);
    shelf.lock().room = None;
    depot.put("huiguan-1/full-1.age", &path).await.unwrap();
    assert_eq!(read(depot, "huiguan-1/full-1.age").await.unwrap(), content);
}

#[tokio::test]
async fn what_is_cleared_away_is_never_a_file_that_is_whole() {
    let (server, egress, _) = dav().await;
    let depot = WebDav::new(egress, &server.base, "/backup", "钱箱", "p:ss wörd");
    let folder = tempfile::tempdir().unwrap();
    depot.make("huiguan-1").await.unwrap();
    depot.put("huiguan-1/full-1.age", &file(&folder, 9).0).await.unwrap();
    // Names that others gave: taken for a path as they stand, each would end behind the whole file's.
    for name in ["full-1.age%23.part", "full-1.age%3F.part", "full-2.age.part"] {
        server.shelf.lock().files.insert(format!("/backup/huiguan-1/{name}"), Bytes::new());
    }
    depot.clear("huiguan-1").await.unwrap();
    let found = depot.list("huiguan-1").await.unwrap();
    assert_eq!(found, [Found { name: "full-1.age".into(), bytes: 9, folder: false }]);
}

#[tokio::test]
async fn what_breaks_off_or_has_no_room_leaves_no_half_file() {
    let (server, egress, _) = dav().await;
    survives_cuts(&WebDav::new(egress, &server.base, "/backup", "钱箱", "p:ss wörd"), &server.shelf).await;
    let (server, egress, _) = s3(2).await;
    let depot = S3::new(egress, bucket(&server.base), S3Server::KEY, "very/secret+").parts_of(4_000);
    survives_cuts(&depot, &server.shelf).await;
}

#[tokio::test]
async fn what_is_wrong_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = file(&folder, 3_000);
    let (server, egress, _) = dav().await;
    let at = |root: &str, password: &str| WebDav::new(egress.clone(), &server.base, root, "钱箱", password);
    assert!(matches!(at("/backup", "wrong").list("").await.unwrap_err(), Fault::Denied(_)));
    assert_eq!(at("/nowhere", "p:ss wörd").list("").await.unwrap_err(), Fault::Gone);
    assert_eq!(at("/nowhere", "p:ss wörd").make("huiguan-1").await.unwrap_err(), Fault::Gone);
    assert_eq!(at("/backup", "p:ss wörd").put("not/made.age", &path).await.unwrap_err(), Fault::Gone);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    assert!(matches!(WebDav::new(egress.clone(), &nobody, "", "", "").list("").await.unwrap_err(), Fault::Away(_)));
    let plain = WebDav::new(egress.clone(), "http://example.org", "", "", "").list("").await.unwrap_err();
    assert!(matches!(plain, Fault::Other(why) if why.contains("may not be called")), "no password goes out in plain");

    let (server, egress, clock) = s3(10).await;
    let at = |of: Bucket, key: &str, secret: &str| S3::new(egress.clone(), of, key, secret);
    let right = || bucket(&server.base);
    let denied =
        |fault: Fault, why: &str| assert!(matches!(&fault, Fault::Denied(said) if said.contains(why)), "{fault:?}");
    denied(at(right(), "AKIDOTHER", "very/secret+").list("").await.unwrap_err(), "access key");
    denied(at(right(), S3Server::KEY, "wrong").list("").await.unwrap_err(), "secret");
    let other = Bucket { region: "us-east-1".into(), ..right() };
    denied(at(other, S3Server::KEY, "very/secret+").list("").await.unwrap_err(), "region");
    let other = Bucket { bucket: "none".into(), ..right() };
    assert_eq!(at(other, S3Server::KEY, "very/secret+").make("huiguan-1").await.unwrap_err(), Fault::Gone);
    let small = at(right(), S3Server::KEY, "very/secret+").parts_of(500);
    let refused = small.put("huiguan-1/a.age", &path).await.unwrap_err();
    assert!(
        matches!(refused, Fault::Other(why) if why.contains("EntityTooSmall")),
        "a good status is believed only with its text"
    );
    // The box's clock alone goes wrong.
    let skewed = Arc::new(AtomicI64::new(clock.load(Ordering::SeqCst) + HOUR));
    let late = S3::new(super::tests::egress(&skewed), right(), S3Server::KEY, "very/secret+");
    denied(late.list("").await.unwrap_err(), "clocks");
}

#[tokio::test]
async fn a_real_webdav_server_keeps_files_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("backup")).unwrap();
    let server = Rclone::start(folder.path()).expect("rclone is installed");
    let (egress, _) = way();
    let at = |root: &str, password: &str| WebDav::new(egress.clone(), &server.base, root, Rclone::USER, password);
    keeps_files(&at("/backup", Rclone::PASSWORD)).await;
    assert!(matches!(at("/backup", "wrong").list("").await.unwrap_err(), Fault::Denied(_)));
    assert_eq!(at("/nowhere", Rclone::PASSWORD).list("").await.unwrap_err(), Fault::Gone);
    // Larger than any buffer on the way.
    let (path, content) = file(&folder, 9 << 20);
    let depot = at("/backup", Rclone::PASSWORD);
    depot.put("huiguan-1/full-1.age", &path).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("backup/huiguan-1/full-1.age")).unwrap(), content);
    assert_eq!(read(&depot, "huiguan-1/full-1.age").await.unwrap(), content);
}

#[tokio::test]
async fn a_real_sftp_server_keeps_files_whole() {
    assert!(Server::is_there(), "these tests want Debian's openssh-server");
    let folder = tempfile::tempdir().unwrap();
    let key = Key::from_seed(&[7; 32], "huiguan").unwrap();
    let mut server = Server::start(&folder.path().join("ssh"), &key.public()).unwrap();
    let target =
        Target { host: server.address.ip().to_string(), port: server.address.port(), user: Server::user().unwrap() };
    let root = folder.path().join("backup");
    std::fs::create_dir(&root).unwrap();
    let pinned = server.fingerprint().unwrap();
    let at = |key: &Key, pinned: Option<&str>, root: &std::path::Path| {
        SftpFolder::new(target.clone(), key.clone(), pinned, root.to_str().unwrap())
    };
    keeps_files(&at(&key, Some(&pinned), &root)).await;
    let other = Key::from_seed(&[8; 32], "huiguan").unwrap();
    assert!(matches!(at(&other, Some(&pinned), &root).list("").await.unwrap_err(), Fault::Denied(_)));
    assert!(matches!(at(&key, None, &root).list("").await.unwrap_err(), Fault::Denied(why) if why.contains(&pinned)));
    assert_eq!(at(&key, Some(&pinned), &root.join("none")).list("").await.unwrap_err(), Fault::Gone);
    // What was being written when the box went down is cleared away, and a connection that broke is made anew.
    let depot = at(&key, Some(&pinned), &root);
    depot.make("huiguan-1").await.unwrap();
    std::fs::write(root.join("huiguan-1/.full-1.age.draft"), "half").unwrap();
    depot.clear("huiguan-1").await.unwrap();
    assert_eq!(depot.list("huiguan-1").await.unwrap(), []);
    server.end().unwrap();
    let (path, content) = file(&folder, 700_000);
    let gone = depot.put("huiguan-1/full-1.age", &path).await;
    assert!(matches!(gone, Err(Fault::Away(_) | Fault::Other(_))), "{gone:?}");
    server.begin().unwrap();
    depot.put("huiguan-1/full-1.age", &path).await.unwrap();
    assert_eq!(read(&depot, "huiguan-1/full-1.age").await.unwrap(), content);
}
