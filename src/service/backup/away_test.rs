//! Backups on other computers: what is tried when one is chosen, what comes back of them, and what is told when something is wrong there.

use super::test::{KEY, Machine};
use super::*;
use domain::{
    Notice,
    message::{MailInput, SettingInput, template::TemplateInput},
    notice::Purpose,
    time::{HOUR, MINUTE},
};
use gateway::depot::standin::{DavServer, S3Server, Shelf as Kept, Sizes};
use gateway::mail::standin::{MailServer, Rules};
use gateway::ssh::standin::Server;
use std::sync::atomic::Ordering;

const PASSWORD: &str = "p:ss wörd";

fn input(of: &Machine, folder: &str, user: &str, secret: &str) -> PlanInput {
    let plan = plan_of(&of.ctx).unwrap();
    PlanInput { folder: folder.into(), secret: secret.into(), ..input_of(plan.as_ref(), Some(user)) }
}

async fn wrong(of: &Machine, input: &PlanInput) -> (String, String) {
    let Error::Refused(refusal) = save(&of.ctx, &of.admin, input).await.unwrap_err() else { panic!("no refusal") };
    let why = refusal.problems[0].args.iter().map(|(_, value)| value.to_string()).collect::<String>();
    (refusal.problems[0].field.clone(), format!("{} {why}", refusal.problems[0].text))
}

async fn dav() -> (Machine, DavServer) {
    (Machine::set_up().await, DavServer::start("box", PASSWORD).await.unwrap())
}

async fn s3() -> (Machine, S3Server) {
    let of = Machine::set_up().await;
    let hands = of.hands.clone();
    let now = move || Time(hands.0.load(Ordering::SeqCst));
    (of, S3Server::start("very/secret+", Sizes { page: 3, part: 1_000 }, now).await.unwrap())
}

/// Brings everything back from there; answers how many files, or what was wrong.
async fn back(of: &Machine, folder: &str, access: Access) -> Result<Restored, Error> {
    let home = Home::parse(folder).unwrap();
    let key = Key::Recovery(RecoveryKey::read(&of.key().await).unwrap());
    let (egress, handle) = (of.ctx.egress().unwrap().clone(), tokio::runtime::Handle::current());
    tokio::task::spawn_blocking(move || {
        let there = tempfile::tempdir().unwrap();
        let spool = there.path().join("spool");
        let site = Site::new(home, Some(Reached { access, egress, handle, spool }));
        let (data, key_file) = (there.path().join("data"), there.path().join("key"));
        let asked = Asked { from: &site, key, until: None, data: &data, key_file: &key_file, dry: false };
        let restored = restore(&asked, &mut |_| {})?;
        assert_eq!(std::fs::read(&key_file).unwrap(), KEY);
        let options = store::Options { reserve_bytes: 0, ..store::Options::new(data.join("store")) };
        assert!(store::Store::open(options).unwrap().0.verify().is_sound());
        Ok(restored)
    })
    .await
    .unwrap()
}

fn names(kept: &Kept) -> Vec<String> {
    kept.lock().files.keys().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

/// The whole story at a place: backups by the clock, a cut in the middle, no room, and everything comes back.
async fn story(of: &Machine, kept: &Kept, folder: &str, access: Access) {
    of.ctx.files.put(&vec![7; 300_000]).unwrap();
    save(&of.ctx, &of.admin, &input(of, folder, &access.user, &access.secret)).await.unwrap();
    assert!(names(kept).is_empty(), "what was tried is taken away: {:?}", names(kept));
    let sealed = of.ctx.read(&of.ctx.own(SpaceId::ASSOCIATION), |view| Ok(view.get::<BackupAccess>(&())?)).unwrap();
    assert!(!format!("{sealed:?}").contains(&access.secret), "never in the open");
    of.look().await;
    assert_eq!(of.trouble(), None);
    let full = |of: &[String]| of.iter().filter(|name| name.starts_with("full-")).count();
    assert_eq!(full(&names(kept)), 1, "{:?}", names(kept));
    of.pass(5 * MINUTE);
    of.name("一部").await;
    of.look().await;
    assert_eq!(of.trouble(), None);
    assert!(names(kept).iter().any(|name| name.starts_with("part-")));
    assert_eq!(back(of, folder, access.clone()).await.unwrap().files, 1);
    let shown = page(&of.ctx, &of.admin).await.unwrap();
    assert_eq!(shown.shelf.unwrap().unwrap().full.len(), 1);
    assert_eq!(shown.user.as_deref(), Some(access.user.as_str()));
    // The line breaks in the middle of each piece; then there is no room; then all is well.
    for (cut, room, expected) in [(Some(0), None, "Away"), (Some(1), None, "Away"), (None, Some(1_000), "Full")] {
        (kept.lock().cut_after, kept.lock().room) = (cut, room);
        of.pass(26 * HOUR);
        of.look().await;
        assert!(format!("{:?}", of.trouble()).contains(expected), "{:?}", of.trouble());
        assert_eq!(full(&names(kept)), 1, "no half piece counts");
    }
    (kept.lock().cut_after, kept.lock().room) = (None, None);
    of.pass(HOUR);
    of.look().await;
    assert_eq!(of.trouble(), None);
    assert_eq!(full(&names(kept)), 2);
    assert!(names(kept).iter().all(|name| !name.ends_with(".part")), "halves are cleared away");
    assert_eq!(std::fs::read_dir(of.folder.path().join("data/outgoing")).unwrap().count(), 0);
    back(of, folder, access).await.unwrap();
}

#[tokio::test]
async fn backups_go_to_a_webdav_server_and_come_back_from_there() {
    let (of, server) = dav().await;
    let folder = format!("{}/backup", server.base);
    let (field, why) = wrong(&of, &input(&of, &folder, "box", "wrong")).await;
    assert!(field == "secret" && why.contains("does not let the box in"), "{field}: {why}");
    let nowhere = format!("{}/nowhere", server.base);
    assert_eq!(wrong(&of, &input(&of, &nowhere, "box", PASSWORD)).await.0, "folder");
    assert_eq!(wrong(&of, &input(&of, &folder, "box", "")).await.0, "secret", "none is kept yet");
    story(&of, &server.shelf, &folder, Access { user: "box".into(), secret: PASSWORD.into() }).await;
    // A password stays where it was typed for.
    save(&of.ctx, &of.admin, &input(&of, &folder, "box", "")).await.unwrap();
    let other = DavServer::start("box", PASSWORD).await.unwrap();
    assert_eq!(wrong(&of, &input(&of, &format!("{}/backup", other.base), "box", "")).await.0, "secret");
    let denied = Access { user: "box".into(), secret: "wrong".into() };
    let said = back(&of, &folder, denied).await.unwrap_err().to_string();
    assert!(said.contains("does not let the box in") || said.contains("Check the name"), "{said}");
    // Back to a disk: nothing of the password is left.
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    assert!(access_of(&of.ctx).unwrap().is_none());
}

#[tokio::test]
async fn backups_go_to_a_bucket_and_come_back_from_there() {
    let (of, server) = s3().await;
    let at = server.base.clone();
    let folder = format!("s3+{at}/{}/hall?region={}", S3Server::BUCKET, S3Server::REGION);
    let (field, why) = wrong(&of, &input(&of, &folder, S3Server::KEY, "wrong")).await;
    assert!(field == "secret" && why.contains("secret of the access key"), "{field}: {why}");
    let none = format!("s3+{at}/none/hall?region={}", S3Server::REGION);
    assert_eq!(wrong(&of, &input(&of, &none, S3Server::KEY, "very/secret+")).await.0, "folder");
    story(&of, &server.shelf, &folder, Access { user: S3Server::KEY.into(), secret: "very/secret+".into() }).await;
}

/// Against OpenSSH, which `tests/run` installs.
#[tokio::test]
async fn backups_go_to_a_server_by_sftp_whose_key_was_compared_and_come_back_from_there() {
    let of = Machine::set_up().await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("backup");
    std::fs::create_dir(&root).unwrap();
    let line = page(&of.ctx, &of.admin).await.unwrap().ssh;
    assert!(line.starts_with("ssh-ed25519 ") && line.ends_with(" huiguan-backup"), "{line}");
    let server = Server::start(&folder.path().join("ssh"), "").unwrap();
    let (user, pinned) = (Server::user().unwrap(), server.fingerprint().unwrap());
    let bare = format!("sftp://{}{}", server.address, root.display());
    let (field, why) = wrong(&of, &input(&of, &bare, &user, "")).await;
    assert!(field == "folder" && why.contains(&pinned), "{field}: {why}");
    let other = format!("{bare}?host=SHA256:{}", "A".repeat(43));
    assert_eq!(
        wrong(&of, &input(&of, &other, &user, "")).await.0,
        "secret",
        "another key than the one that was compared"
    );
    let address = format!("{bare}?host={pinned}");
    let (field, why) = wrong(&of, &input(&of, &address, &user, "")).await;
    assert!(field == "secret" && why.contains("does not accept the box's key"), "{field}: {why}");
    server.authorize(&line).unwrap();
    save(&of.ctx, &of.admin, &input(&of, &address, &user, "")).await.unwrap();
    of.ctx.files.put(&vec![7; 300_000]).unwrap();
    of.look().await;
    assert_eq!(of.trouble(), None);
    of.pass(5 * MINUTE);
    of.name("一部").await;
    of.look().await;
    assert_eq!(of.trouble(), None);
    let sheet = sheet(&of.ctx, &of.admin).await.unwrap();
    assert_eq!((sheet.user.as_deref(), sheet.folder.starts_with(&bare)), (Some(user.as_str()), true));
    let access = Access { user, secret: sheet.ssh.unwrap() };
    assert_eq!(back(&of, &sheet.folder, access).await.unwrap().files, 1, "by what the sheet says alone");
}

#[tokio::test]
async fn a_full_one_whose_trial_was_cut_short_does_not_count() {
    let (of, server) = dav().await;
    let folder = format!("{}/backup", server.base);
    save(&of.ctx, &of.admin, &input(&of, &folder, "box", PASSWORD)).await.unwrap();
    of.look().await;
    // The program went down between laying the piece there and its trial.
    let line = plan_of(&of.ctx).unwrap().unwrap().line;
    of.name("一部").await;
    of.pass(26 * HOUR);
    let sequence = of.ctx.store().view().sequence();
    let untried = Piece::Full { at: of.ctx.now(), sequence }.name();
    server.shelf.lock().files.insert(format!("/backup/{line}/{untried}"), bytes::Bytes::from_static(b"half"));
    of.pass(MINUTE);
    of.look().await;
    assert_eq!(of.trouble(), None);
    assert!(!names(&server.shelf).contains(&untried), "{:?}", names(&server.shelf));
    back(&of, &folder, Access { user: "box".into(), secret: PASSWORD.into() }).await.unwrap();
}

fn notices(of: &Machine, purpose: Purpose) -> Vec<Notice> {
    let all = of.ctx.read(&of.ctx.own(SpaceId::ASSOCIATION), |view| {
        view.scan::<Notice>(&(), None, Order::Ascending).map(|kept| Ok(kept?.1)).collect::<Result<Vec<Notice>, Error>>()
    });
    all.unwrap().into_iter().filter(|notice| notice.purpose == purpose).collect()
}

#[tokio::test]
async fn those_who_look_after_backups_are_told_once_when_they_fail_and_once_when_all_is_well() {
    let of = Machine::set_up().await;
    let post = MailServer::start(Rules::default()).await.unwrap();
    crate::message::register_own(&of.ctx);
    let mail = MailInput {
        enabled: true,
        host: "127.0.0.1".into(),
        port: post.address.port().to_string(),
        security: "none".into(),
        from: "office@example.org".into(),
        per_day: "100".into(),
        ..MailInput::default()
    };
    crate::message::setting::save_mail(&of.ctx, &of.admin, &mail).await.unwrap();
    crate::message::setting::save(&of.ctx, &of.admin, &SettingInput::default()).await.unwrap();
    for code in ["backup_trouble", "backup_well"] {
        let words = TemplateInput {
            way: "words".into(),
            text: format!("{code} {{time}}"),
            ..TemplateInput::known("words", "", "")
        };
        crate::message::template::save(&of.ctx, &of.admin, code, &[words]).await.unwrap();
    }
    crate::account::set_notice_mail(&of.ctx, &of.admin, "lin@example.org").await.unwrap();
    let counts = async || {
        alert::told(&of.ctx).await.unwrap();
        (notices(&of, Purpose::BackupTrouble).len(), notices(&of, Purpose::BackupWell).len())
    };
    assert_eq!(counts().await, (0, 0), "off");
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    of.look().await;
    assert_eq!(counts().await, (0, 0), "all is well, and was");
    let (disk, away) = (of.folder.path().join("disk"), of.folder.path().join("away"));
    std::fs::rename(&disk, &away).unwrap();
    for _ in 0..3 {
        of.pass(25 * HOUR);
        of.look().await;
        assert_eq!(counts().await, (1, 0), "not at every run");
        assert_eq!(counts().await, (1, 0), "nor at every look");
    }
    std::fs::rename(&away, &disk).unwrap();
    of.look().await;
    assert_eq!(counts().await, (1, 1));
    assert_eq!(counts().await, (1, 1));
    // The box did nothing for two days.
    of.pass(48 * HOUR);
    assert_eq!(counts().await, (2, 1));
    of.look().await;
    assert_eq!(counts().await, (2, 2));
    // By day they go out at once, to whoever holds the permission alone.
    crate::message::dispatch(&of.ctx, SpaceId::ASSOCIATION).await.unwrap();
    crate::outbox::run_due(&of.ctx, SpaceId::ASSOCIATION).await.unwrap();
    let texts: Vec<String> = post.taken().iter().map(|one| format!("{:?} {}", one.to, one.text())).collect();
    assert!(
        texts.iter().any(|text| text.contains("lin@example.org") && text.contains("backup_well 11月30日")),
        "{texts:?}"
    );
    // Switched off while in trouble: it is forgotten, and nothing is told.
    of.pass(48 * HOUR);
    assert_eq!(counts().await, (3, 2));
    save(&of.ctx, &of.admin, &PlanInput { on: false, ..of.input() }).await.unwrap();
    assert_eq!(counts().await, (3, 2));
    let kept =
        of.ctx.read(&of.ctx.own(SpaceId::ASSOCIATION), |view| Ok(view.get::<domain::BackupAlert>(&())?)).unwrap();
    assert_eq!(kept, None);
}
