//! Backups as the clock makes them over days, and what comes back of them: on another machine, at an earlier instant, with a wrong key, out of
//! damaged files.

use super::*;
use crate::ctx::test::{Dice, Hands};
use crate::{Ctx, file::Files, seal::Sealer, space};
use domain::{
    health::Backup,
    time::{DAY, HOUR, MINUTE},
};
use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Options, Store};

pub(super) const KEY: [u8; 32] = [5; 32];

pub(super) struct Machine {
    pub ctx: Ctx,
    pub admin: Actor,
    pub hands: Arc<Hands>,
    pub folder: tempfile::TempDir,
}

impl Machine {
    pub async fn set_up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(folder.path().join("disk")).unwrap();
        // 2026-11-25 09:30 in China.
        let hands = Arc::new(Hands(AtomicI64::new(1_795_570_200_000)));
        let (store, _) = Store::open(Options { reserve_bytes: 0, ..Options::new(data.join("store")) }).unwrap();
        let files = Files::open(&data.join("file")).unwrap();
        let ctx = Ctx::new(store, hands.clone(), Arc::new(Dice::new(3)), Sealer::new(&KEY).unwrap(), files);
        register(&ctx, Place { data, keys: KEY.into() });
        let admin = crate::test::found(&ctx).await;
        Self { ctx, admin, hands, folder }
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    pub fn input(&self) -> PlanInput {
        PlanInput { folder: self.disk().display().to_string(), ..input_of(plan_of(&self.ctx).unwrap().as_ref(), None) }
    }

    pub fn pass(&self, millis: i64) {
        self.hands.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// What the clock does once.
    pub async fn look(&self) {
        begin(&self.ctx, plan_of(&self.ctx).unwrap().unwrap(), Want::Due);
        self.settled().await;
    }

    async fn settled(&self) {
        while self.ctx.backup.state().running.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    fn pieces(&self) -> BTreeSet<Piece> {
        let plan = plan_of(&self.ctx).unwrap().unwrap();
        Target::open(&Site::folder(Path::new(&plan.folder)), &plan.line)
            .unwrap()
            .pieces()
            .unwrap()
            .into_keys()
            .collect()
    }

    pub fn full(&self) -> usize {
        self.pieces().iter().filter(|piece| matches!(piece, Piece::Full { .. })).count()
    }

    pub fn parts(&self) -> usize {
        self.pieces().iter().filter(|piece| matches!(piece, Piece::Part { .. })).count()
    }

    pub async fn name(&self, name: &str) {
        space::save_department(&self.ctx, &self.admin, None, name, None).await.unwrap();
    }

    pub fn trouble(&self) -> Option<Trouble> {
        self.ctx.backup.state().trouble.clone().map(|(_, trouble)| trouble)
    }

    pub async fn key(&self) -> String {
        sheet(&self.ctx, &self.admin).await.unwrap().key
    }

    /// The same box after a restart with other keys; `takes`: which it takes up then.
    pub async fn again(self, keys: &domain::KeyRing, takes: bool) -> Self {
        let Self { ctx, hands, folder, .. } = self;
        ctx.store().clone().close().unwrap();
        drop(ctx);
        let data = folder.path().join("data");
        let (store, _) = Store::open(Options { reserve_bytes: 0, ..Options::new(data.join("store")) }).unwrap();
        let files = Files::open(&data.join("file")).unwrap();
        // Another chance than in the run before: sessions must differ.
        let chance = Dice::new(hands.0.load(Ordering::SeqCst).unsigned_abs());
        let ctx = Ctx::new(store, hands.clone(), Arc::new(chance), Sealer::of(keys).unwrap(), files);
        register(&ctx, Place { data, keys: keys.clone() });
        if takes {
            crate::key::take_up(&ctx, keys.newest().number).await.unwrap();
        }
        let admin = crate::test::log_in(&ctx, "admin").await;
        Self { ctx, admin, hands, folder }
    }

    /// Brings it back elsewhere; answers the context there.
    async fn elsewhere(&self, until: Option<Time>) -> Result<(Ctx, Restored, tempfile::TempDir), Error> {
        let there = tempfile::tempdir().unwrap();
        let (data, key_file) = (there.path().join("data"), there.path().join("etc/huiguan.key"));
        let key = Key::Recovery(RecoveryKey::read(&self.key().await).unwrap());
        let asked =
            Asked { from: &Site::folder(&self.disk()), key, until, data: &data, key_file: &key_file, dry: false };
        let restored = restore(&asked, &mut |_| {})?;
        assert_eq!(fs::read(&key_file).unwrap(), KEY);
        assert_eq!(fs::read_dir(there.path()).unwrap().count(), 2, "no scratch folder stays");
        let (store, _) = Store::open(Options { reserve_bytes: 0, ..Options::new(data.join("store")) }).unwrap();
        assert!(store.verify().is_sound());
        detach(&store, &Dice::new(9), Time(0)).unwrap();
        let files = Files::open(&data.join("file")).unwrap();
        let ctx = Ctx::new(store, self.hands.clone(), Arc::new(Dice::new(4)), Sealer::new(&KEY).unwrap(), files);
        Ok((ctx, restored, there))
    }

    fn departments(&self, ctx: &Ctx) -> Vec<String> {
        space::departments(ctx, &self.admin).unwrap().into_iter().map(|kept| kept.name).collect()
    }
}

#[tokio::test]
async fn the_clock_makes_backups_and_every_instant_comes_back_elsewhere() {
    let of = Machine::set_up().await;
    assert_eq!(standing(&of.ctx).unwrap(), Some(Backup::Off));
    let picture = of.ctx.files.put(b"a picture").unwrap();
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    of.name("一部").await;
    of.look().await;
    assert_eq!((of.full(), of.parts(), of.trouble()), (1, 0, None));
    assert!(matches!(standing(&of.ctx).unwrap(), Some(Backup::Made(_, false))));
    // The run itself is written down, so there is something new; but not before its minutes passed.
    of.look().await;
    assert_eq!(of.parts(), 0);
    let mut instants = Vec::new();
    for (number, name) in ["二部", "三部", "四部"].into_iter().enumerate() {
        of.pass(5 * MINUTE);
        of.name(name).await;
        if number == 1 {
            of.ctx.files.put(b"another picture").unwrap();
        }
        of.look().await;
        assert_eq!((of.parts(), of.trouble()), (number + 1, None));
        instants.push(of.ctx.now());
    }
    of.pass(5 * MINUTE);
    of.look().await;
    assert_eq!(of.parts(), 3, "nothing happened, nothing is written");
    for (count, at) in [(1, instants[0].plus(-1_000)), (2, instants[0]), (3, instants[1]), (4, instants[2])] {
        let (there, restored, _folder) = of.elsewhere(Some(at)).await.unwrap();
        assert_eq!(of.departments(&there).len(), count, "at {at:?}");
        assert!(restored.at <= at && restored.missing == 0);
        assert_eq!(there.files.get(&picture).unwrap(), b"a picture");
        assert_eq!(restored.files, if count < 3 { 1 } else { 2 }, "with the files that belong to it");
        let plan = plan_of(&there).unwrap().unwrap();
        assert!(!plan.on && plan.line != plan_of(&of.ctx).unwrap().unwrap().line, "its history is another");
    }
    assert!(of.elsewhere(Some(instants[0].plus(-HOUR))).await.is_err_and(|error| error.to_string().contains("so old")));
    // The next night, with the parts going on behind it.
    of.pass(18 * HOUR);
    of.look().await;
    assert_eq!((of.full(), of.trouble()), (2, None));
    let (there, restored, _folder) = of.elsewhere(None).await.unwrap();
    assert_eq!((of.departments(&there).len(), restored.at), (4, of.ctx.now()));
}

#[tokio::test]
async fn whoever_restores_hears_how_far_it_is_up_to_the_end() {
    let of = Machine::set_up().await;
    for number in 0..120_u32 {
        of.ctx.files.put(&number.to_be_bytes()).unwrap();
    }
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    of.look().await;
    assert_eq!((of.full(), of.trouble()), (1, None));
    let there = tempfile::tempdir().unwrap();
    let (data, key_file) = (there.path().join("data"), there.path().join("key"));
    let (disk, key) = (Site::folder(&of.disk()), Key::Recovery(RecoveryKey::read(&of.key().await).unwrap()));
    let asked = Asked { from: &disk, key, until: None, data: &data, key_file: &key_file, dry: false };
    let mut said: Vec<String> = Vec::new();
    restore(&asked, &mut |line| said.push(line.to_owned())).unwrap();
    let steps = |of_what: &str| -> Vec<(u64, u64)> {
        let step = |line: &String| {
            let (done, all) = line.strip_suffix(of_what)?.split_once(" of ")?;
            Some((done.parse().ok()?, all.parse().ok()?))
        };
        said.iter().filter_map(step).collect()
    };
    for told in [steps(" MiB of the records"), steps(" files")] {
        let (done, all) = *told.last().expect("it is told how far it is");
        assert!(done == all && all > 0, "it ends complete: {said:?}");
        assert!(told.is_sorted_by(|one, next| one.0 < next.0 && next.1 == all), "it rises: {said:?}");
    }
    assert_eq!(steps(" files"), [(100, 120), (120, 120)]);
}

#[tokio::test]
async fn old_ones_go_and_files_that_nothing_needs_with_them() {
    let of = Machine::set_up().await;
    let (stays, goes) = (of.ctx.files.put(b"stays").unwrap(), of.ctx.files.put(b"goes").unwrap());
    let keep = ["3", "0", "0"].map(str::to_owned);
    save(&of.ctx, &of.admin, &PlanInput { keep, ..of.input() }).await.unwrap();
    for day in 0..8 {
        of.look().await;
        assert_eq!(of.trouble(), None);
        if day == 2 {
            of.ctx.files.remove(&goes).unwrap();
        }
        of.name(&format!("部{day}")).await;
        of.pass(HOUR);
        of.look().await;
        of.pass(DAY - HOUR);
    }
    let pieces = of.pieces();
    let file = |hash| Piece::File(pack::hidden(&KEY.into(), &hash));
    assert!(pieces.contains(&file(stays)) && !pieces.contains(&file(goes)));
    assert_eq!((of.full(), of.parts()), (3, 3));
    assert_eq!(
        pieces.iter().filter(|piece| matches!(piece, Piece::List { .. })).count(),
        3,
        "lists go with their piece"
    );
    of.elsewhere(None).await.unwrap();
}

#[tokio::test]
async fn a_disk_that_is_not_there_or_not_sound_is_told_and_tried_again() {
    let of = Machine::set_up().await;
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    of.look().await;
    let (disk, away) = (of.disk(), of.folder.path().join("away"));
    fs::rename(&disk, &away).unwrap();
    fs::create_dir_all(&disk).unwrap();
    of.pass(DAY);
    of.look().await;
    assert_eq!(of.trouble(), Some(Trouble::Gone), "an empty mount point is no place for backups");
    assert_eq!(fs::read_dir(&disk).unwrap().count(), 0);
    assert_eq!(standing(&of.ctx).unwrap(), Some(Backup::Failed));
    let shown = page(&of.ctx, &of.admin).await.unwrap();
    assert!(matches!(shown.shelf, Some(Err(Trouble::Gone))) && shown.warning == Some(Warning::Failed));
    fs::remove_dir(&disk).unwrap();
    fs::rename(&away, &disk).unwrap();
    of.look().await;
    assert_eq!((of.full(), of.trouble()), (2, None));
    assert!(matches!(standing(&of.ctx).unwrap(), Some(Backup::Made(_, false))));
    // A day and a half without one.
    of.pass(37 * HOUR);
    assert!(matches!(standing(&of.ctx).unwrap(), Some(Backup::Made(_, true))));
    // A full one begins the story anew when the journal does not reach back to the last part.
    let plan = plan_of(&of.ctx).unwrap().unwrap();
    let folder = disk.join(&plan.line);
    for piece in of.pieces() {
        fs::remove_file(folder.join(piece.name())).unwrap();
    }
    fs::write(folder.join(Piece::Full { at: of.ctx.now(), sequence: 1 << 40 }.name()), b"later").unwrap();
    start(&of.ctx, &of.admin).unwrap();
    of.settled().await;
    assert!(
        matches!(of.trouble(), Some(Trouble::Unsound(why)) if why.contains("later state")),
        "an older copy of the box"
    );
}

#[tokio::test]
async fn damage_a_wrong_key_and_a_full_folder_leave_nothing_behind() {
    let of = Machine::set_up().await;
    of.ctx.files.put(b"a picture").unwrap();
    let passphrase = "correct horse battery";
    let input = PlanInput { passphrase: (passphrase.into(), passphrase.into()), ..of.input() };
    save(&of.ctx, &of.admin, &input).await.unwrap();
    of.look().await;
    of.pass(5 * MINUTE);
    of.name("一部").await;
    of.look().await;
    let there = tempfile::tempdir().unwrap();
    let (data, key_file) = (there.path().join("data"), there.path().join("key"));
    let tried = |key: Key, dry: bool| {
        let asked = Asked { from: &Site::folder(&of.disk()), key, until: None, data: &data, key_file: &key_file, dry };
        restore(&asked, &mut |_| {})
    };
    let wrong = tried(Key::Recovery(RecoveryKey::generate()), false).unwrap_err().to_string();
    assert!(wrong.contains("does not open"), "{wrong}");
    let wrong = tried(Key::Passphrase("wrong horse battery".into()), false).unwrap_err().to_string();
    assert!(wrong.contains("does not open"), "{wrong}");
    let right = || Key::Passphrase(passphrase.into());
    assert_eq!(tried(right(), true).unwrap().entries, None);
    assert_eq!(fs::read_dir(there.path()).unwrap().count(), 0, "a dry run leaves nothing");
    // Every piece, bent and cut. The recovery key opens faster than a passphrase.
    let plan = plan_of(&of.ctx).unwrap().unwrap();
    let text = of.key().await;
    let right = || Key::Recovery(RecoveryKey::read(&text).unwrap());
    for piece in of.pieces().into_iter().filter(|piece| *piece != Piece::Recovery) {
        let path = of.disk().join(&plan.line).join(piece.name());
        let whole = fs::read(&path).unwrap();
        let mut bent = whole.clone();
        let middle = bent.len() / 2;
        bent[middle] ^= 1;
        for bytes in [bent.as_slice(), &whole[..whole.len() - 1], &whole[..middle], &[]] {
            fs::write(&path, bytes).unwrap();
            let said = if matches!(piece, Piece::Anchor { .. }) {
                anchors(&Site::folder(&of.disk()), &right()).unwrap_err().to_string()
            } else {
                tried(right(), false).unwrap_err().to_string()
            };
            assert!(said.contains(&piece.name()), "{said}");
            assert_eq!(fs::read_dir(there.path()).unwrap().count(), 0, "{said}");
        }
        fs::write(&path, &whole).unwrap();
    }
    fs::write(&key_file, [1; 32]).unwrap();
    let said = tried(right(), false).unwrap_err().to_string();
    assert!(said.contains("another key") && !data.exists(), "{said}");
    fs::remove_file(&key_file).unwrap();
    fs::create_dir_all(data.join("store")).unwrap();
    assert!(tried(right(), false).unwrap_err().to_string().contains("not empty"));
    fs::remove_dir_all(&data).unwrap();
    tried(right(), false).unwrap();
    assert!(data.join("store").exists() && fs::read(&key_file).unwrap() == KEY);
}

#[tokio::test]
async fn only_the_platforms_staff_may_and_the_key_is_shown_with_a_line_in_the_log() {
    let of = Machine::set_up().await;
    let mut nobody = of.admin.clone();
    nobody.held.clear();
    let mut merchant = of.admin.clone();
    merchant.space = SpaceId(7);
    for actor in [Actor::visitor(SpaceId::ASSOCIATION), nobody, merchant] {
        assert!(page(&of.ctx, &actor).await.is_err() && sheet(&of.ctx, &actor).await.is_err());
        assert!(save(&of.ctx, &actor, &of.input()).await.is_err() && start(&of.ctx, &actor).is_err());
        assert!(renew_key(&of.ctx, &actor).await.is_err());
    }
    assert_eq!(start(&of.ctx, &of.admin).unwrap_err().code(), Some("record.missing"));
    for (folder, why) in
        [("/nowhere/at/all", "no such folder"), (of.folder.path().join("data").to_str().unwrap(), "own data")]
    {
        let error = save(&of.ctx, &of.admin, &PlanInput { folder: folder.into(), ..of.input() }).await.unwrap_err();
        let Error::Refused(refusal) = error else { panic!("{error}") };
        assert!(refusal.problems[0].field == "folder" && refusal.problems[0].text.contains(why), "{refusal:?}");
    }
    let bad = save(&of.ctx, &of.admin, &PlanInput { others: "age1nonsense".into(), ..of.input() }).await.unwrap_err();
    assert!(matches!(bad, Error::Refused(refusal) if refusal.problems[0].field == "others"));
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    let stale = save(&of.ctx, &of.admin, &PlanInput { revision: 0, ..of.input() }).await.unwrap_err();
    assert_eq!(stale.code(), Some("record.changed"));
    // Somebody else's key opens them as well; a new recovery key begins in a new folder.
    let auditor = RecoveryKey::generate();
    save(&of.ctx, &of.admin, &PlanInput { others: auditor.public(), ..of.input() }).await.unwrap();
    start(&of.ctx, &of.admin).unwrap();
    assert_eq!(start(&of.ctx, &of.admin).unwrap_err().code(), Some("backup.running"));
    of.settled().await;
    let old = of.key().await;
    let there = tempfile::tempdir().unwrap();
    let (data, key_file) = (there.path().join("data"), there.path().join("key"));
    let disk = Site::folder(&of.disk());
    let asked = |key| Asked { from: &disk, key, until: None, data: &data, key_file: &key_file, dry: true };
    restore(&asked(Key::Recovery(RecoveryKey::read(&auditor.text()).unwrap())), &mut |_| {}).unwrap();
    renew_key(&of.ctx, &of.admin).await.unwrap();
    assert_ne!(of.key().await, old);
    of.look().await;
    assert_eq!((of.full(), of.trouble()), (1, None));
    let both = restore(&asked(Key::Recovery(RecoveryKey::read(&old).unwrap())), &mut |_| {}).unwrap_err().to_string();
    assert!(both.contains("several boxes"), "{both}");
    let lines = crate::audit::page(&of.ctx, &of.admin, None, "").await.unwrap().lines;
    let actions: Vec<&str> = lines.iter().map(|(_, line)| line.action.as_str()).collect();
    assert!(actions.contains(&"backup.sheet") && actions.contains(&"backup.key"), "{actions:?}");
    assert!(!lines.iter().any(|(_, line)| format!("{line:?}").contains("SECRET")), "the log never holds a key");
}

#[tokio::test]
async fn whoever_was_erased_since_a_backup_is_erased_again_when_it_is_restored() {
    let of = Machine::set_up().await;
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    let person = of
        .ctx
        .write(&of.ctx.own(of.admin.space), |work| {
            let id = domain::PersonId(work.next_id::<domain::Person>()?);
            let (name, phone) = ("欧阳锋".to_owned(), Some("+8613912345678".to_owned()));
            work.insert(&domain::Person { id, name, phone, company: String::new(), created_at: work.now })?;
            work.audit("test", "person", "", "")?;
            Ok(id)
        })
        .await
        .unwrap();
    of.look().await;
    let before = of.ctx.now();
    of.pass(5 * MINUTE);
    crate::privacy::erase(&of.ctx, &of.admin, person, "欧阳锋").await.unwrap();
    crate::privacy::erase_now(&of.ctx, of.admin.space, person).await.unwrap();
    of.look().await;
    assert!(of.pieces().contains(&Piece::Erased) && of.trouble().is_none());
    let (there, restored, _folder) = of.elsewhere(Some(before)).await.unwrap();
    let name = |ctx: &Ctx| {
        ctx.read(&ctx.own(of.admin.space), |view| {
            use store::Read as _;
            Ok(view.get::<domain::Person>(&person)?.unwrap().name)
        })
        .unwrap()
    };
    assert_eq!(name(&there), "欧阳锋", "the older backup still holds it");
    let (store, list, now) = (there.store().clone(), restored.erased, of.ctx.now());
    let again = tokio::task::spawn_blocking(move || crate::privacy::erase_again(&store, &list, now));
    assert_eq!(again.await.unwrap().unwrap(), 1);
    assert_eq!(crate::privacy::erase_due(&there, of.admin.space).await.unwrap(), 1);
    assert_eq!(name(&there), "欧**");
}
