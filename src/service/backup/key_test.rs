//! Backups of a box whose key is changed: each brings its keys along, and none is followed by parts that it does not open.

use super::{
    test::{KEY, Machine},
    *,
};
use crate::{
    Ctx,
    ctx::test::Dice,
    file::Files,
    key,
    message::{setting, sms},
    seal::{Sealer, lasting},
};
use domain::{
    SmsSetting,
    message::{SmsInput, SmsProvider},
    time::{HOUR, MINUTE},
};
use std::fs;
use store::{Options, Store};

/// What comes back of the folder of backups, as of an instant: the text that was sealed, the keys, and how many files.
async fn back(of: &Machine, disk: &Path, until: Option<Time>) -> (String, KeyRing, usize) {
    let there = tempfile::tempdir().unwrap();
    let (data, key_file) = (there.path().join("data"), there.path().join("huiguan.key"));
    let key = Key::Recovery(RecoveryKey::read(&of.key().await).unwrap());
    let asked = Asked { from: &Site::folder(disk), key, until, data: &data, key_file: &key_file, dry: false };
    let made = restore(&asked, &mut |_| {}).unwrap();
    assert_eq!(made.missing, 0, "files have the same names by every key");
    let keys = KeyRing::read(&fs::read(&key_file).unwrap()).unwrap();
    let (store, _) = Store::open(Options { reserve_bytes: 0, ..Options::new(data.join("store")) }).unwrap();
    let sealer = Sealer::of(&keys).unwrap();
    let ctx =
        Ctx::new(store, of.hands.clone(), Arc::new(Dice::new(9)), sealer, Files::open(&data.join("file")).unwrap());
    key::check(&ctx).unwrap();
    let kept = ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| Ok(view.get::<SmsSetting>(&())?)).unwrap().unwrap();
    let text = ctx.sealer.open(&sms::SEALED, &kept.secret).unwrap();
    // Wherever it was in its turn, it goes on from there.
    key::take_up(&ctx, ctx.sealer.number()).await.unwrap();
    key::reseal(&ctx).await.unwrap();
    assert_eq!(key::left(&ctx).unwrap(), []);
    ctx.store().clone().close().unwrap();
    (text, keys, made.files)
}

/// Changes the sealed text, and lays a file down.
async fn change(of: &Machine, text: &str) {
    let input = SmsInput {
        provider: SmsProvider::Aliyun.code().into(),
        per_number: "10".into(),
        per_day: "100".into(),
        secret: text.into(),
        ..SmsInput::default()
    };
    setting::save_sms(&of.ctx, &of.admin, &input).await.unwrap();
    of.ctx.files.put(format!("file of {text}").as_bytes()).unwrap();
    of.pass(10 * MINUTE);
    of.look().await;
    assert_eq!(of.trouble(), None);
}

#[tokio::test]
async fn a_backup_of_before_between_and_after_a_turn_comes_back_with_the_keys_of_then() {
    let before = Machine::set_up().await;
    save(&before.ctx, &before.admin, &before.input()).await.unwrap();
    change(&before, "one").await;
    let instants = [before.ctx.now()];
    change(&before, "two").await;
    let mut instants = Vec::from(instants);
    instants.push(before.ctx.now());
    let full = before.full();
    assert!(before.parts() > 0, "the second one is a part");

    // Behind midnight, so that the full one of the day before is kept, and before the hour at which another one would be due.
    before.pass(14 * HOUR + 15 * MINUTE);
    // The key turns; the first backup after it is a full one, whatever is due.
    let first = KeyRing::from(KEY);
    let second = first.turned([6; 32], Time(1), lasting(&first)).unwrap();
    let between = before.again(&second, true).await;
    change(&between, "three").await;
    assert_eq!(between.full(), full + 1, "a part behind the old one would not open with its keys");
    instants.push(between.ctx.now());
    key::reseal(&between.ctx).await.unwrap();
    change(&between, "four").await;
    assert_eq!(between.full(), full + 1);
    instants.push(between.ctx.now());
    key::finish(&between.ctx).await.unwrap();

    let after = between.again(&second.finished(), false).await;
    change(&after, "five").await;
    let disk = after.folder.path().join("disk");
    for (number, (instant, text)) in instants.iter().zip(["one", "two", "three", "four"]).enumerate() {
        let (found, keys, files) = back(&after, &disk, Some(*instant)).await;
        let expected = if number < 2 { &first } else { &second };
        assert_eq!((found.as_str(), &keys, files), (text, expected, number + 1), "{number}");
    }
    let (found, keys, files) = back(&after, &disk, None).await;
    // The newest full one is of before the end of the turn, and brings both keys.
    assert_eq!((found.as_str(), keys, files), ("five", second, 5));
}

#[tokio::test]
async fn keys_that_lie_there_are_good_where_they_open_the_backup_and_are_never_laid_over() {
    let of = Machine::set_up().await;
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    change(&of, "one").await;
    let key = RecoveryKey::read(&of.key().await).unwrap();
    let disk = Site::folder(&of.folder.path().join("disk"));
    let first = KeyRing::from(KEY);
    let second = first.turned([6; 32], Time(1), lasting(&first)).unwrap();
    for (lies, good) in [(&first, true), (&second, true), (&second.finished(), false), (&KeyRing::from([1; 32]), false)]
    {
        let there = tempfile::tempdir().unwrap();
        let (data, key_file) = (there.path().join("data"), there.path().join("huiguan.key"));
        fs::write(&key_file, lies.bytes()).unwrap();
        let asked = Asked {
            from: &disk,
            key: Key::Recovery(key.clone()),
            until: None,
            data: &data,
            key_file: &key_file,
            dry: false,
        };
        let laid = restore(&asked, &mut |_| {});
        assert_eq!((laid.is_ok(), data.exists()), (good, good), "{lies:?}");
        assert_eq!(fs::read(&key_file).unwrap(), lies.bytes());
    }
}

#[tokio::test]
async fn the_sheet_names_the_keys_and_is_asked_for_after_a_turn() {
    let of = Machine::set_up().await;
    save(&of.ctx, &of.admin, &of.input()).await.unwrap();
    let first = KeyRing::from(KEY);
    let old = sheet(&of.ctx, &of.admin).await.unwrap();
    assert_eq!(old.keys.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1]);
    let second = first.turned([6; 32], Time(1), lasting(&first)).unwrap();
    let of = of.again(&second, true).await;
    assert!(key::standing(&of.ctx).unwrap().unwrap().sheet);
    let new = sheet(&of.ctx, &of.admin).await.unwrap();
    assert_eq!(new.keys.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((&new.keys[1].1, &new.key), (&old.keys[0].1, &old.key), "the recovery key opens all backups as before");
    assert!(!key::standing(&of.ctx).unwrap().unwrap().sheet);
}
