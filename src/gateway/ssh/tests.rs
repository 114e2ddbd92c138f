//! Against OpenSSH: host keys, forwarded ports, files.

use super::{standin::Server, *};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn key(seed: u8) -> Key {
    Key::from_seed(&[seed; 32], "huiguan").unwrap()
}

struct Bench {
    server: Server,
    target: Target,
    pinned: String,
    folder: tempfile::TempDir,
}

fn bench(authorized: &str) -> Bench {
    assert!(Server::is_there(), "these tests want Debian's openssh-server");
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("ssh"), authorized).unwrap();
    let target =
        Target { host: server.address.ip().to_string(), port: server.address.port(), user: Server::user().unwrap() };
    let pinned = server.fingerprint().unwrap();
    Bench { server, target, pinned, folder }
}

async fn open(bench: &Bench, key: &Key, pinned: Option<&str>) -> Result<Connection, Trouble> {
    Connection::open(&bench.target, key, pinned, &Arc::default()).await
}

#[test]
fn a_key_is_made_from_its_seed_and_shown_as_openssh_shows_it() {
    let key = key(7);
    assert!(key.public().starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"), "{}", key.public());
    assert!(key.public().ends_with(" huiguan"));
    assert_eq!(key.public(), self::key(7).public());
    assert_ne!(key.public(), self::key(8).public());
    assert!(fingerprint_is_well_formed(&key.fingerprint()));
    for wrong in ["", "SHA256:", "MD5:00:11", "SHA256:abc", &key.fingerprint().replace("SHA256", "SHA512")] {
        assert!(!fingerprint_is_well_formed(wrong), "{wrong}");
    }
}

#[tokio::test]
async fn no_host_key_is_believed_by_itself() {
    let mut bench = bench(&key(1).public());
    assert_eq!(Connection::look(&bench.target, &key(1)).await.as_ref(), Ok(&bench.pinned));
    assert_eq!(open(&bench, &key(1), None).await.err(), Some(Trouble::Unknown(bench.pinned.clone())));
    open(&bench, &key(1), Some(&bench.pinned)).await.unwrap().close().await;
    assert_eq!(open(&bench, &key(2), Some(&bench.pinned)).await.err(), Some(Trouble::Refused));
    bench.server.end().unwrap();
    let gone = open(&bench, &key(1), Some(&bench.pinned)).await.err();
    assert!(matches!(gone, Some(Trouble::Unreachable(_))), "{gone:?}");
    bench.server.new_host_key().unwrap();
    bench.server.begin().unwrap();
    let changed = open(&bench, &key(1), Some(&bench.pinned)).await.err();
    let shown = bench.server.fingerprint().unwrap();
    assert_eq!(changed, Some(Trouble::Changed { pinned: bench.pinned.clone(), shown }));
}

#[tokio::test]
async fn what_does_not_speak_ssh_is_told_in_words() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let target = Target { host: "127.0.0.1".into(), port, user: "x".into() };
    let trouble = Connection::look(&target, &key(1)).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Unreachable(_) | Trouble::Broken(_)), "{trouble}");
    answering.await.unwrap();
}

/// Says everything back that a connection says.
async fn echo(mut connection: Connection) -> (u64, Trouble) {
    let mut served = 0;
    while let Some(forwarded) = connection.next().await {
        assert_eq!(forwarded.from.0, "127.0.0.1");
        served += 1;
        tokio::spawn(async move {
            let (mut reader, mut writer) = tokio::io::split(forwarded.flow);
            tokio::io::copy(&mut reader, &mut writer).await.unwrap();
            writer.shutdown().await.unwrap();
        });
    }
    (served, connection.why_closed().await)
}

#[tokio::test]
async fn a_forwarded_port_carries_bytes_both_ways_and_a_cut_is_noticed() {
    let bench = bench(&format!("restrict,port-forwarding {}", key(1).public()));
    let traffic = Arc::default();
    let connection = Connection::open(&bench.target, &key(1), Some(&bench.pinned), &traffic).await.unwrap();
    let port = connection.forward("127.0.0.1", 0).await.unwrap();
    let taken = connection.forward("127.0.0.1", bench.server.address.port()).await;
    assert!(matches!(taken, Err(Trouble::Port(_))), "{taken:?}");
    let echoing = tokio::spawn(echo(connection));
    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let tries = (0..8).map(|_| {
        let sent = sent.clone();
        tokio::spawn(async move {
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let (mut reader, mut writer) = stream.into_split();
            let expected = sent.clone();
            let writing = tokio::spawn(async move {
                writer.write_all(&sent).await.unwrap();
                writer.shutdown().await.unwrap();
            });
            let mut came = Vec::new();
            reader.read_to_end(&mut came).await.unwrap();
            writing.await.unwrap();
            assert!(came == expected, "{} bytes came", came.len());
        })
    });
    for one in tries {
        one.await.unwrap();
    }
    let figures = traffic.figures();
    assert_eq!((figures.connections, figures.read, figures.written), (8, 24_000_000, 24_000_000));
    bench.server.cut().unwrap();
    let (served, why) = echoing.await.unwrap();
    assert_eq!(served, 8);
    assert!(matches!(why, Trouble::Broken(_)), "{why}");
    assert_eq!(traffic.figures().open, 0);
}

#[tokio::test]
async fn a_connection_that_nobody_reads_holds_up_no_other() {
    let bench = bench(&key(1).public());
    let mut connection = open(&bench, &key(1), Some(&bench.pinned)).await.unwrap();
    let port = connection.forward("127.0.0.1", 0).await.unwrap();
    let mut flood = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let unread = connection.next().await.unwrap();
    let flooding = tokio::spawn(async move {
        let piece = vec![0; 1 << 20];
        // More than is kept of one connection and what lies between: it is cut on the way.
        for _ in 0..200 {
            if flood.write_all(&piece).await.is_err() {
                return true;
            }
        }
        false
    });
    let mut other = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut forwarded = connection.next().await.unwrap();
    other.write_all(b"hello").await.unwrap();
    let mut came = [0; 5];
    forwarded.flow.read_exact(&mut came).await.unwrap();
    assert_eq!(&came, b"hello");
    assert!(flooding.await.unwrap(), "the flood was not cut");
    drop(unread);
}

#[tokio::test]
async fn files_are_written_read_listed_and_removed_by_sftp() {
    let bench = bench(&key(1).public());
    let home = bench.folder.path().join("far");
    std::fs::create_dir(&home).unwrap();
    let home = home.to_str().unwrap();
    let sftp = Sftp::open(open(&bench, &key(1), Some(&bench.pinned)).await.unwrap()).await.unwrap();
    let folder = format!("{home}/backup/2026");
    assert_eq!(sftp.list(&folder).await, Err(Trouble::Missing(folder.clone())));
    sftp.make_folder(&folder).await.unwrap();
    sftp.make_folder(&folder).await.unwrap();
    let content: Vec<u8> = (0..1_500_000_u32).map(|number| (number % 249) as u8).collect();
    let file = format!("{folder}/a.age");
    for content in [&content[..700], &content[..]] {
        assert_eq!(sftp.write(&file, &mut &content[..]).await, Ok(content.len() as u64));
        let mut read = Vec::new();
        assert_eq!(sftp.read(&file, &mut read, 2_000_000).await, Ok(content.len() as u64));
        assert!(read == content);
    }
    let too_much = sftp.read(&file, &mut Vec::new(), 1_000).await;
    assert!(matches!(too_much, Err(Trouble::Limit(_))), "{too_much:?}");
    let listed = sftp.list(&folder).await.unwrap();
    assert_eq!(listed, [Entry { name: "a.age".into(), bytes: 1_500_000, is_folder: false }], "and no draft");
    let above = sftp.list(&format!("{home}/backup")).await.unwrap();
    assert_eq!(above, [Entry { name: "2026".into(), bytes: 0, is_folder: true }]);
    let in_file = sftp.make_folder(&format!("{file}/b")).await;
    assert!(matches!(in_file, Err(Trouble::File { .. })), "{in_file:?}");
    let nowhere = format!("{home}/none/a");
    assert!(matches!(sftp.write(&nowhere, &mut &b"x"[..]).await, Err(Trouble::Missing(_))));
    sftp.remove(&file).await.unwrap();
    sftp.remove(&file).await.unwrap();
    sftp.remove_folder(&folder).await.unwrap();
    assert_eq!(sftp.bytes(&file).await, Err(Trouble::Missing(file)));
    sftp.close().await;
}

#[tokio::test]
async fn an_account_without_sftp_is_told_so() {
    let mut bench = bench(&key(1).public());
    bench.server.end().unwrap();
    bench.server.sftp = false;
    bench.server.begin().unwrap();
    let connection = open(&bench, &key(1), Some(&bench.pinned)).await.unwrap();
    assert!(matches!(Sftp::open(connection).await.err(), Some(Trouble::Broken(_))));
}
