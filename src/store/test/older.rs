//! Values of the hall's own tables as earlier versions of the program wrote them open as what they were. They lie frozen beside the tests, so that a change to
//! the shape by which they are read is seen. A fixture is never changed; a new version of a table adds its own.

use super::migrate::{fixture, put_raw};
use crate::{Key, Read, Record, Store, catalogue, envelope, read::key};
use domain::{
    AccessId, AccessLine, AccountId, By, CategoryId, EventId, HomePart, MerchantSetting, PartId, PayAccount, PersonId,
    PictureId, Session, SpaceId, Time,
    account::{IDLE_MILLIS, SESSION_MILLIS, SessionV1},
    home::{HomePartV1, PartSource, PartStyle},
    merchant::MerchantSettingV1,
    pay::{PayAccountV1, Proof, Test},
    privacy::{AccessLineV1, Seen, Whose},
};

fn home_part() -> HomePartV1 {
    HomePartV1 {
        id: PartId(3),
        title: "近期会议".into(),
        style: PartStyle::List,
        category: Some(CategoryId(4)),
        count: 5,
        position: 2,
        revision: 6,
    }
}

fn session() -> SessionV1 {
    SessionV1 {
        token: [7; 32],
        account: AccountId(3),
        created_at: Time(1),
        expires_at: Time(SESSION_MILLIS),
        agent: "Firefox".into(),
        address: "192.168.1.5".into(),
    }
}

fn merchant_setting() -> MerchantSettingV1 {
    MerchantSettingV1 {
        auto_public: true,
        open: true,
        title: "会务平台".into(),
        logo: Some(PictureId(1)),
        background: None,
        agreement: "协议".into(),
        revision: 2,
    }
}

fn pay_account() -> PayAccountV1 {
    PayAccountV1 {
        appid: "wx0123456789abcdef".into(),
        mchid: "1900000001".into(),
        serial: "5157F09E".into(),
        key: vec![1, 2],
        secret: vec![3],
        proof: Proof::PublicKey("PUB_KEY_ID_1".into(), "PEM".into()),
        address: "https://api.mch.weixin.qq.com".into(),
        public: "https://hall.example.org".into(),
        test: Some(Test { at: Time(5), trouble: "no".into() }),
        changed_at: Time(7),
    }
}

/// A file of five hundred people.
fn access_line() -> AccessLineV1 {
    AccessLineV1 {
        id: AccessId(9),
        at: Time(5),
        by: By::Account(AccountId(3)),
        people: (1..=500).map(PersonId).collect(),
        seen: vec![Seen::Phone],
        place: "list.export".into(),
        event: Some(EventId(8)),
    }
}

/// What lies frozen of a table's version, read by today's program under its key.
fn read<R: Record>(version: u16, at: &R::Key) -> R {
    let bytes = std::fs::read(fixture(&name(R::TABLE.name, version))).unwrap();
    let whole = key(SpaceId::ASSOCIATION, R::TABLE.id, &at.bytes());
    assert_eq!(envelope::open(R::TABLE.id, &whole, &bytes).unwrap().0, version);
    let store = Store::memory();
    put_raw(&store, SpaceId::ASSOCIATION, R::TABLE.id, at, bytes.into());
    let record = store.view().space(SpaceId::ASSOCIATION).get::<R>(at).unwrap().unwrap();
    assert_eq!(record.key().bytes(), at.bytes(), "it lies under its key");
    record
}

fn name(table: &str, version: u16) -> String {
    format!("{table}_v{version}.bin")
}

#[test]
fn records_of_first_versions_open() {
    let part: HomePart = read(1, &PartId(3));
    assert_eq!((part.source, part.title.as_str(), part.count), (PartSource::Both, "近期会议", 5));
    assert_eq!(part, HomePart::from(home_part()));
    let of: Session = read(1, &[7; 32]);
    assert_eq!((of.account, of.agent.as_str(), of.seen_at.plus(IDLE_MILLIS)), (AccountId(3), "Firefox", of.expires_at));
    assert_eq!(of, Session::from(session()));
    let setting: MerchantSetting = read(1, &());
    assert_eq!((setting.purge_days, setting.revision, setting.auto_public), (None, 2, true));
    assert_eq!(setting, MerchantSetting::from(merchant_setting()));
    let account: PayAccount = read(1, &());
    assert_eq!(account.apps().collect::<Vec<_>>(), ["wx0123456789abcdef"]);
    assert_eq!(account, PayAccount::from(pay_account()));
}

#[test]
fn a_line_of_many_people_of_the_first_version_keeps_its_entries_and_a_new_one_has_one() {
    let line: AccessLine = read(1, &AccessId(9));
    assert_eq!(line, AccessLine::from(access_line()));
    let people = access_line().people;
    assert!(line.whose.people().eq(people.iter().copied()));
    assert_eq!(crate::Derived::of(&line).entries.len(), 500, "verify finds the entries that were written with it");
    let mut lines = Whose::lines(&people.into_iter().collect()).into_iter();
    let new = AccessLine { whose: lines.next().unwrap(), ..line };
    assert_eq!(lines.next(), None);
    assert_eq!(crate::Derived::of(&new).entries.len(), 1);
    assert!(new.whose.contains(PersonId(500)) && !new.whose.contains(PersonId(501)));
}

#[test]
fn every_version_that_a_table_had_lies_frozen_and_none_that_it_never_had_is_read() {
    let older: Vec<_> = catalogue::all().into_iter().filter(|of| of.version > 1).collect();
    assert!(older.len() >= 5);
    for of in older {
        for version in 1..of.version {
            let bytes = std::fs::read(fixture(&name(of.table.name, version)))
                .unwrap_or_else(|error| panic!("{} of version {version}: {error}", of.table.name));
            let (kept, content) = envelope::open(of.table.id, &[], &bytes).unwrap();
            assert_eq!(kept, version, "{}", of.table.name);
            assert!((of.derive)(version, content).is_ok(), "{} of version {version}", of.table.name);
            assert!((of.derive)(of.version + 1, content).is_err(), "{} of the future", of.table.name);
        }
    }
}

/// What is frozen, each by the name of its file.
pub(super) fn frozen() -> Vec<(String, bytes::Bytes)> {
    macro_rules! first {
        ($($table:ty = $old:expr),*) => {
            vec![$((
                name(<$table as Record>::TABLE.name, 1),
                envelope::wrap(<$table as Record>::TABLE.id, 1, &rkyv::to_bytes::<rkyv::rancor::Error>(&$old).unwrap()),
            )),*]
        };
    }
    first![
        HomePart = home_part(),
        Session = session(),
        MerchantSetting = merchant_setting(),
        PayAccount = pay_account(),
        AccessLine = access_line()
    ]
}
