//! Searching over a hall: kinds, permissions against a model, what changes while the index lags, building anew, saved searches.

use super::*;
use crate::{
    ctx::test::{Dice, Hall},
    event, registration,
    test::{founded, named, opened},
    ticket_type,
};
use domain::{
    DepartmentId, Document, Event, Notice, NoticeId, Person, PersonId, Scope, Ticket,
    document::Reading,
    event::{Cover, EventInput},
    notice::{About, NoticeState, Purpose},
    permission::{Held, Place},
    ticket::TicketInput,
};
use std::os::unix::fs::MetadataExt;
use std::sync::{Condvar, Mutex};
use store::{Read, Touched};

fn ask(text: &str) -> Question {
    Question { text: text.into(), ..Question::default() }
}

/// Titles of what is found, with the kind.
pub(super) fn titles(ctx: &Ctx, actor: &Actor, text: &str) -> Vec<String> {
    let answer = find(ctx, actor, &ask(text)).unwrap();
    let all: Vec<String> = answer.finds.iter().map(|find| format!("{}:{}", find.kind, find.card.title)).collect();
    assert!(answer.count >= all.len() && answer.kinds.iter().map(|kind| kind.2).sum::<usize>() >= answer.count);
    all
}

pub(super) async fn kept() -> (Hall, Actor) {
    let (hall, admin) = founded().await;
    start(&hall.ctx, None);
    settle(&hall.ctx).await.unwrap();
    (hall, admin)
}

/// Somebody who holds just these.
pub(super) fn holder(account: u64, held: &[(Permission, Scope)]) -> Actor {
    Actor {
        space: SpaceId::ASSOCIATION,
        who: Who::Staff {
            account: domain::AccountId(account),
            person: PersonId(1),
            name: "x".into(),
            session: [0; 32],
            seer: None,
        },
        held: held.iter().map(|(permission, scope)| Held { permission: *permission, scope: *scope }).collect(),
    }
}

#[tokio::test]
async fn people_events_documents_help_and_accounts_are_found_within_a_moment() {
    let (hall, admin) = kept().await;
    let (event, kind) = opened(&hall, &admin).await;
    let input = TicketInput { company: "华为技术有限公司".into(), ..named("欧阳锋", "13812345678") };
    registration::add(&hall.ctx, &admin, event, kind, "贵宾", &input).await.unwrap();
    settle(&hall.ctx).await.unwrap();
    assert_eq!(titles(&hall.ctx, &admin, "阳锋 -type:help"), ["person:欧阳锋", "registration:欧阳锋"]);
    assert_eq!(titles(&hall.ctx, &admin, "oyf type:报名"), ["registration:欧阳锋"]);
    assert_eq!(titles(&hall.ctx, &admin, "5678 -type:person -type:help"), ["registration:欧阳锋"]);
    assert_eq!(titles(&hall.ctx, &admin, "group:贵宾 event:年会"), ["registration:欧阳锋"]);
    assert!(titles(&hall.ctx, &admin, "group:贵宾 -event:年会").is_empty());
    assert_eq!(titles(&hall.ctx, &admin, "年会 -type:help"), ["event:年会"]);
    assert_eq!(titles(&hall.ctx, &admin, "type:account admin"), ["account:管理员"]);
    assert_eq!(
        titles(&hall.ctx, &admin, "type:help name:名单"),
        ["help:从名单到签到：办一场会议", "help:导入参会名单"]
    );
    let answer = find(&hall.ctx, &admin, &ask("华为")).unwrap();
    assert_eq!((answer.count, answer.events[0].1.as_str(), answer.events[0].2), (2, "年会", 1));
    assert_eq!(answer.finds[0].card.facts[0], "13812345678");
    let quick = Question { quick: true, ..ask("name:ouyangf") };
    assert_eq!(find(&hall.ctx, &admin, &quick).unwrap().finds.len(), 2);
    let refused = find(&hall.ctx, &admin, &ask(&"长".repeat(300))).unwrap_err();
    assert_eq!(refused.code(), Some("search.too_long"));
    assert!(find(&hall.ctx, &Actor::visitor(SpaceId::ASSOCIATION), &ask("年会")).is_err());
    stop(&hall.ctx);
}

#[tokio::test]
async fn a_masked_number_finds_by_its_end_only_and_an_identity_card_only_with_permission() {
    let (hall, admin) = kept().await;
    let (event, kind) = opened(&hall, &admin).await;
    let of = event::get(&hall.ctx, &admin, event).unwrap().event;
    let field = domain::field::Field {
        id: 1,
        label: "身份证".into(),
        kind: domain::field::FieldKind::IdCard,
        required: false,
        help: String::new(),
        choices: Vec::new(),
        ..domain::field::Field::default()
    };
    event::save_fields(&hall.ctx, &admin, event, of.revision, vec![field]).await.unwrap();
    let input = TicketInput { answers: vec![(1, "11010519491231002X".into())], ..named("张三", "13812345678") };
    registration::add(&hall.ctx, &admin, event, kind, "", &input).await.unwrap();
    settle(&hall.ctx).await.unwrap();
    let viewer = holder(9, &[(Permission::RegistrationView, Scope::Event(event))]);
    let trusted = holder(
        9,
        &[(Permission::RegistrationView, Scope::Event(event)), (Permission::PersonSensitive, Scope::Event(event))],
    );
    for (text, masked, clear) in
        [("5678", 1, 1), ("2345", 0, 1), ("002X", 0, 1), ("002x", 0, 1), ("13812345678", 0, 1), ("1102", 0, 0)]
    {
        let count = |actor| find(&hall.ctx, actor, &ask(&format!("{text} -type:help"))).unwrap().count;
        assert_eq!((count(&viewer), count(&trusted)), (masked, clear), "{text}");
    }
    let shown = find(&hall.ctx, &viewer, &ask("张三")).unwrap();
    assert!(!shown.finds.is_empty());
    assert!(!format!("{:?}", shown.finds).contains("13812345678"), "{shown:?}");
    stop(&hall.ctx);
}

#[tokio::test]
async fn what_changed_is_not_shown_as_it_was_while_the_index_lags() {
    let (hall, admin) = kept().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("旧名字", "13812345678")).await.unwrap();
    settle(&hall.ctx).await.unwrap();
    let person = ticket.person;
    assert_eq!(find(&hall.ctx, &admin, &ask("旧名字")).unwrap().count, 2);
    // Erased: nothing of the person is left the moment it is committed, whatever the index still says.
    let permit = hall.ctx.own(SpaceId::ASSOCIATION);
    hall.ctx
        .write(&permit, move |work| {
            work.remove::<Person>(&person)?;
            work.remove::<Ticket>(&(event, ticket.id))?;
            work.audit("test.erase", "person", "", "")
        })
        .await
        .unwrap();
    let answer = find(&hall.ctx, &admin, &ask("旧名字")).unwrap();
    assert_eq!((answer.count, answer.finds.len(), answer.kinds.len(), answer.events.len()), (0, 0, 0, 0));
    settle(&hall.ctx).await.unwrap();
    assert_eq!(find(&hall.ctx, &admin, &ask("旧名字")).unwrap().count, 0);
    assert_eq!(hall.ctx.search.state().waiting, 0);
    stop(&hall.ctx);
}

#[tokio::test]
async fn the_programs_own_records_are_taken_in_once_and_again_when_they_are_others() {
    let (hall, admin) = founded().await;
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    // Starts, looks whether they are found, and ends.
    let once = async || {
        let ctx = hall.again();
        start(&ctx, Some(folder.path().to_owned()));
        settle(&ctx).await.unwrap();
        // What waits is not shown as it was.
        while ctx.search.state().waiting > 0 {
            tokio::task::yield_now().await;
        }
        let found = titles(&ctx, &admin, "type:help name:名单");
        assert_eq!(found, ["help:从名单到签到：办一场会议", "help:导入参会名单"]);
        stop(&ctx);
        (std::fs::read_to_string(&own).unwrap(), std::fs::metadata(&own).unwrap().ino())
    };
    let (said, written) = once().await;
    assert!(said.starts_with("1 "), "{said}");
    assert_eq!(once().await, (said.clone(), written), "nothing was taken in again");
    std::fs::write(&own, "1 of another program").unwrap();
    assert_eq!(once().await.0, said);
}

/// A kind that no feature has yet.
struct Customers;

impl Kind for Customers {
    fn number(&self) -> u8 {
        200
    }
    fn name(&self) -> &'static str {
        "customer"
    }
    fn names(&self) -> &'static [&'static str] {
        &["客户"]
    }
    fn label(&self) -> &'static str {
        "Customers"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::SpaceManage)
    }
    // Its records stand in for those of a table to come: departments.
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        change.of::<domain::Department>().map(|(space, id)| Key { space: space.0, kind: 200, id: id.0, event: 0 })
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        let from = from.map(|key| DepartmentId(key.id));
        let keys = view.scan_keys::<domain::Department>(&(), from.as_ref(), Order::Ascending).take(kind::CHUNK);
        keys.map(|id| Ok(Key { space: 1, kind: 200, id: id?.0, event: 0 })).collect()
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<search::Entry>, Error> {
        let of = making.view.get::<domain::Department>(&DepartmentId(key.id))?;
        Ok(of
            .map(|of| search::Entry { department: of.id.0, ..search::Entry::new(*key, &of.name) })
            .into_iter()
            .collect())
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let of = showing.view.get::<domain::Department>(&DepartmentId(key.id))?;
        Ok(of.map(|of| Card {
            place: Place { department: Some(of.id), ..Place::SPACE },
            title: of.name,
            href: "/admin/customer".into(),
            ..Card::default()
        }))
    }
}

#[tokio::test]
async fn a_feature_adds_its_kind_in_one_place() {
    let (hall, admin) = founded().await;
    hall.ctx.search.start(&hall.ctx, None, &[&kinds::Persons, &Customers]);
    let (north, south) = (department(&hall, &admin, "北方客户").await, department(&hall, &admin, "南方客户").await);
    settle(&hall.ctx).await.unwrap();
    assert_eq!(titles(&hall.ctx, &admin, "客户").len(), 2);
    assert_eq!(titles(&hall.ctx, &admin, "bfkh type:客户"), ["customer:北方客户"]);
    let head = holder(5, &[(Permission::SpaceManage, Scope::Department(south))]);
    assert_eq!(titles(&hall.ctx, &head, "客户"), ["customer:南方客户"]);
    assert!(titles(&hall.ctx, &holder(5, &[(Permission::EventView, Scope::Space)]), "客户").is_empty());
    crate::space::remove_department(&hall.ctx, &admin, north).await.unwrap();
    assert_eq!(titles(&hall.ctx, &admin, "客户"), ["customer:南方客户"]);
    stop(&hall.ctx);
}

/// The building of an index does not get past it while it is shut.
static SHUT: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

fn shut(shut: bool) {
    *SHUT.0.lock().unwrap() = shut;
    SHUT.1.notify_all();
}

/// A kind without records at which a building can be held.
struct Gate;

impl Kind for Gate {
    fn number(&self) -> u8 {
        201
    }
    fn name(&self) -> &'static str {
        "gate"
    }
    fn names(&self) -> &'static [&'static str] {
        &[]
    }
    fn label(&self) -> &'static str {
        "Gate"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::SpaceManage)
    }
    fn touched(&self, _: &Touched<'_>) -> Option<Key> {
        None
    }
    fn keys(&self, _: &SpaceView, _: Option<&Key>) -> Result<Vec<Key>, Error> {
        drop(SHUT.1.wait_while(SHUT.0.lock().unwrap(), |shut| *shut).unwrap());
        Ok(Vec::new())
    }
    fn entries(&self, _: &Making<'_>, _: &Key) -> Result<Vec<search::Entry>, Error> {
        Ok(Vec::new())
    }
    fn card(&self, _: &Showing<'_>, _: &Key) -> Result<Option<Card>, Error> {
        Ok(None)
    }
}

#[tokio::test]
async fn what_was_found_stays_found_when_a_new_index_takes_the_place_of_the_old() {
    let (hall, admin) = founded().await;
    hall.ctx.search.start(&hall.ctx, None, &[&Customers, &Gate]);
    settle(&hall.ctx).await.unwrap();
    department(&hall, &admin, "早先客户").await;
    for turn in 1..=5 {
        while hall.ctx.search.state().building.is_some() {
            std::thread::yield_now();
        }
        shut(true);
        rebuild(&hall.ctx, &admin).await.unwrap();
        while hall.ctx.search.state().building.is_none() {
            std::thread::yield_now();
        }
        // It has begun, and the old index finds what changes meanwhile.
        department(&hall, &admin, &format!("客户{turn}")).await;
        settle(&hall.ctx).await.unwrap();
        shut(false);
        while hall.ctx.search.state().building.is_some() {
            assert_eq!(titles(&hall.ctx, &admin, "客户").len(), turn + 1);
        }
        assert_eq!(titles(&hall.ctx, &admin, "客户").len(), turn + 1);
        settle(&hall.ctx).await.unwrap();
        assert_eq!((hall.ctx.search.state().waiting, hall.ctx.search.state().failed), (0, None));
    }
    stop(&hall.ctx);
}

async fn department(hall: &Hall, admin: &Actor, name: &str) -> DepartmentId {
    crate::space::save_department(&hall.ctx, admin, None, name, None).await.unwrap()
}

const FAMILY: &[&str] = &["张", "王", "李", "欧阳", "司马"];
const GIVEN: &[&str] = &["伟", "芳", "建国", "小明", "丽华"];
const FIRMS: &[&str] = &["华为技术", "恒远科技", "大海贸易", ""];

/// A hall with events in departments and of several makers, people at them, and documents.
async fn peopled() -> (Hall, Actor, Vec<Event>, Vec<DepartmentId>) {
    let (hall, admin) = kept().await;
    let mut departments = Vec::new();
    for name in ["会员部", "会务部", "秘书处"] {
        departments.push(department(&hall, &admin, name).await);
    }
    let zone = event::zone(&hall.ctx, admin.space).unwrap();
    let from = hall.ctx.now().plus(1_000_000);
    let mut events = Vec::new();
    for n in 0..8u64 {
        let name = format!("{}{}", ["年会", "论坛", "培训"][(n % 3) as usize], n);
        let input = EventInput {
            name,
            starts: from.to_local(&zone),
            ends: from.plus(9_000_000).to_local(&zone),
            ..EventInput::default()
        };
        let pictures = event::Pictures { cover: Cover::Template(0), main: None };
        let of = departments.get((n % 4) as usize).copied();
        let id = event::create(&hall.ctx, &admin, &input, &pictures, of, "票").await.unwrap();
        let permit = hall.ctx.own(SpaceId::ASSOCIATION);
        let made = hall.ctx.write(&permit, move |work| {
            let mut event = event::load(work.read(), id)?;
            event.owner = domain::AccountId(1 + n % 3);
            work.put(&event)?;
            work.audit("test.owner", "event", "", "")?;
            Ok(event)
        });
        let made = made.await.unwrap();
        let kind = ticket_type::list(&hall.ctx, &admin, id).unwrap()[0].kind.id;
        for m in 0..25u64 {
            let at = n * 25 + m;
            let pick = |list: &[&str], by: u64| list[(by % list.len() as u64) as usize].to_owned();
            let name = pick(FAMILY, at / 3) + &pick(GIVEN, at);
            let phone = if at % 4 == 0 { String::new() } else { format!("138{:08}", at * 7_919 % 100_000_000) };
            let input = TicketInput { company: pick(FIRMS, at / 2), ..named(&name, &phone) };
            let group = if at % 5 == 0 { "贵宾" } else { "" };
            registration::add(&hall.ctx, &admin, id, kind, group, &input).await.unwrap();
        }
        events.push(made);
    }
    for n in 0..30u64 {
        let (event, of) =
            (events.get((n % 11) as usize).map(|event| event.id), departments.get((n % 5) as usize).copied());
        let permit = hall.ctx.own(SpaceId::ASSOCIATION);
        let put = hall.ctx.write(&permit, move |work| {
            let id = domain::DocumentId(work.next_id::<Document>()?);
            work.insert(&Document {
                id,
                name: format!("{}合同{n}.txt", FIRMS[(n % 4) as usize]),
                file: [0; 32],
                bytes: 1,
                event: event.filter(|_| n % 2 == 0),
                department: of,
                owner: domain::AccountId(1 + n % 4),
                created_at: work.now,
                reading: Reading::Nameless,
            })?;
            work.audit("test.document", "document", "", "")
        });
        put.await.unwrap();
    }
    settle(&hall.ctx).await.unwrap();
    (hall, admin, events, departments)
}

fn random_actor(dice: &Dice, events: &[Event], departments: &[DepartmentId]) -> Actor {
    use crate::Random;
    let below = |n: u64| dice.number() % n;
    let mut held = Vec::new();
    let permissions = [
        Permission::RegistrationView,
        Permission::EventView,
        Permission::DocumentView,
        Permission::PersonSensitive,
        Permission::AccountManage,
    ];
    for permission in permissions {
        for _ in 0..below(3) {
            let scope = match below(8) {
                0 => Scope::Space,
                1 | 2 => Scope::Department(departments[below(departments.len() as u64) as usize]),
                3 => Scope::Own,
                _ => Scope::Event(events[below(events.len() as u64) as usize].id),
            };
            held.push((permission, scope));
        }
    }
    holder(1 + below(5), &held)
}

/// Every record with its place, read once.
struct All {
    people: Vec<Person>,
    tickets: Vec<(Ticket, Place)>,
    events: Vec<Event>,
    documents: Vec<(Document, Place)>,
}

impl All {
    fn read(view: &SpaceView) -> Self {
        fn every<R: store::Record>(view: &SpaceView) -> Vec<R> {
            view.scan::<R>(&(), None, Order::Ascending).map(|kept| kept.unwrap().1).collect()
        }
        let place = |ticket: &Ticket| event::place(&event::load(view, ticket.event).unwrap());
        let shelf = |document: &Document| crate::document::place(view, document).unwrap();
        Self {
            people: every(view),
            tickets: every::<Ticket>(view).into_iter().map(|ticket| (ticket.clone(), place(&ticket))).collect(),
            events: every(view),
            documents: every::<Document>(view).into_iter().map(|of| (of.clone(), shelf(&of))).collect(),
        }
    }

    /// What a simple reader of all records would answer, who knows only the actor's `covers`.
    fn modelled(&self, actor: &Actor, text: &str) -> HashSet<(&'static str, u64)> {
        let mut out = HashSet::new();
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let phone_fits = |phone: &Option<String>, place: &Place| {
            let Some(phone) = phone.as_deref().filter(|_| digits) else { return false };
            let local = domain::phone::local(phone);
            if actor.covers(Permission::PersonSensitive, place) {
                return local.contains(text);
            }
            text.len() <= 4 && local.ends_with(text)
        };
        for person in &self.people {
            let fits = person.name.contains(text) || person.company.contains(text);
            let fits = fits || phone_fits(&person.phone, &Place::SPACE);
            if fits && actor.covers(Permission::RegistrationView, &Place::SPACE) {
                out.insert(("person", person.id.0));
            }
        }
        for (ticket, place) in &self.tickets {
            let end = [4, 6].contains(&text.len()) && ticket.number.ends_with(text);
            let number = digits && (end || ticket.number.starts_with(text) && text.len() >= 6);
            let fits = ticket.name.contains(text) || ticket.company.contains(text) || phone_fits(&ticket.phone, place);
            if (fits || number) && actor.covers(Permission::RegistrationView, place) {
                out.insert(("registration", ticket.id.0));
            }
        }
        for event in &self.events {
            if event.name.contains(text) && actor.covers(Permission::EventView, &event::place(event)) {
                out.insert(("event", event.id.0));
            }
        }
        for (document, place) in &self.documents {
            if document.name.contains(text) && actor.covers(Permission::DocumentView, place) {
                out.insert(("document", document.id.0));
            }
        }
        out
    }
}

#[tokio::test]
async fn random_questions_of_random_actors_are_answered_as_a_model_does() {
    use crate::Random;
    let (hall, _, events, departments) = peopled().await;
    let dice = Dice::new(20_261_126);
    let view = hall.ctx.store().view().space(SpaceId::ASSOCIATION);
    let all = All::read(&view);
    let tickets = &all.tickets;
    let mut asked = 0;
    let mut found = 0;
    while asked < 10_000 {
        let actor = random_actor(&dice, &events, &departments);
        for _ in 0..20 {
            let ticket = &tickets[(dice.number() % tickets.len() as u64) as usize].0;
            let name: Vec<char> = ticket.name.chars().collect();
            let text: String = match dice.number() % 6 {
                0 => name[name.len() - 2..].iter().collect(),
                1 => name[..2].iter().collect(),
                2 => ["恒远", "华为", "贸易", "科技", "大海", "技术"][(dice.number() % 6) as usize].into(),
                3 => ["年会", "论坛", "培训", "合同"][(dice.number() % 4) as usize].into(),
                _ => match &ticket.phone {
                    Some(phone) => {
                        let local = domain::phone::local(phone);
                        let length = 3 + (dice.number() % 4) as usize;
                        let from = (dice.number() % (12 - length) as u64) as usize;
                        local[from..from + length].to_owned()
                    }
                    None => ticket.name.clone(),
                },
            };
            let expected = all.modelled(&actor, &text);
            // Help is everybody's and not of the model.
            let only = format!("{text} -type:help -type:account");
            let answer = find(&hall.ctx, &actor, &ask(&only)).unwrap();
            assert_eq!(answer.count, expected.len(), "{text} as {:?}: {:?}\n{:?}", actor.held, answer.kinds, expected);
            for (kind, _, count) in answer.kinds.iter().filter(|kind| !["help", "account"].contains(&kind.0)) {
                assert_eq!(*count, expected.iter().filter(|(of, _)| of == kind).count(), "{text}: {kind}");
            }
            let of_events: usize = answer.events.iter().map(|event| event.2).sum();
            let counted = expected.iter().filter(|(kind, _)| matches!(*kind, "registration" | "event")).count();
            let documents = answer.kinds.iter().find(|kind| kind.0 == "document").map_or(0, |kind| kind.2);
            assert!((counted..=counted + documents).contains(&of_events), "{text}: {of_events} of {counted}");
            for find in &answer.finds {
                let id: u64 = find.card.href.rsplit('/').next().unwrap().parse().unwrap_or(0);
                assert!(find.kind == "person" || expected.contains(&(find.kind, id)), "{text}: {find:?}");
            }
            let quick = find(&hall.ctx, &actor, &Question { quick: true, ..ask(&only) }).unwrap();
            assert!(quick.count <= expected.len() && quick.finds.len() <= expected.len());
            found += expected.len();
            asked += 1;
        }
    }
    assert!(found > 20_000, "the questions find something: {found}");
    stop(&hall.ctx);
}

#[tokio::test]
async fn a_new_index_is_built_beside_the_old_and_says_the_same() {
    let (hall, admin, events, _) = peopled().await;
    let before = find(&hall.ctx, &admin, &ask("欧阳")).unwrap().count;
    assert!(before > 0);
    rebuild(&hall.ctx, &admin).await.unwrap();
    let kind = ticket_type::list(&hall.ctx, &admin, events[0].id).unwrap()[0].kind.id;
    registration::add(&hall.ctx, &admin, events[0].id, kind, "", &named("欧阳修", "")).await.unwrap();
    assert!(find(&hall.ctx, &admin, &ask("欧阳")).unwrap().count >= before, "the old one is searched meanwhile");
    while hall.ctx.search.state().building.is_some() {
        settle(&hall.ctx).await.unwrap();
        tokio::task::yield_now().await;
    }
    // What is told to a person about no event is in no index, and is not missed there.
    let permit = hall.ctx.own(admin.space);
    let telling = hall.ctx.write(&permit, |work| {
        let draft = Notice {
            id: NoticeId(0),
            purpose: Purpose::NewLogin,
            about: About::Person(PersonId(1)),
            name: "欧阳修".into(),
            phone: None,
            text: String::new(),
            values: Vec::new(),
            once: "a log-in".into(),
            state: NoticeState::Waiting,
            created_at: work.now,
            useful_until: None,
        };
        crate::notice::keep(work, draft)?;
        work.audit("notice.keep", "notice", "", "")
    });
    telling.await.unwrap();
    settle(&hall.ctx).await.unwrap();
    assert_eq!(find(&hall.ctx, &admin, &ask("欧阳")).unwrap().count, before + 2);
    let index = hall.ctx.search.index().unwrap();
    let check = compare(&hall.ctx, KINDS, &index, 0).unwrap();
    assert!(check.is_sound() && check.records > 400, "{check:?}");
    let denied = rebuild(&hall.ctx, &holder(2, &[(Permission::EventView, Scope::Space)])).await.unwrap_err();
    assert_eq!(denied.code(), Some("permission.denied"));
    stop(&hall.ctx);
}

#[tokio::test]
async fn kept_searches_are_their_owners_alone() {
    let (hall, admin) = founded().await;
    let other = holder(77, &[]);
    let id = saved::save(&hall.ctx, &admin, "贵宾", "/admin/search?q=1").await.unwrap();
    assert_eq!(
        saved::save(&hall.ctx, &admin, "贵宾", "/admin/search?q=2").await.unwrap(),
        id,
        "the same name is replaced"
    );
    saved::save(&hall.ctx, &admin, "贵宾", "/admin/event?q=2").await.unwrap();
    let of = |actor: &Actor, path: &str| saved::list(&hall.ctx, actor, path).unwrap().len();
    assert_eq!((of(&admin, "/admin/search"), of(&admin, ""), of(&other, "")), (1, 2, 0));
    assert_eq!(saved::remove(&hall.ctx, &other, id).await.unwrap_err().code(), Some("record.missing"));
    for n in 0..domain::search::SAVED_MAX - 2 {
        saved::save(&hall.ctx, &admin, &format!("第{n}个"), "/admin/search?q=1").await.unwrap();
    }
    let full = saved::save(&hall.ctx, &admin, "再来", "/admin/search?q=1").await.unwrap_err();
    assert_eq!(full.code(), Some("search.too_many_saved"));
    saved::remove(&hall.ctx, &admin, id).await.unwrap();
    assert!(saved::save(&hall.ctx, &Actor::visitor(SpaceId::ASSOCIATION), "x", "/admin/search").await.is_err());
}

#[tokio::test]
async fn lists_do_not_find_by_digits_that_they_mask() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    crate::order::test::order_one(&hall, event, kind, "欧阳锋", "13812345678").await.unwrap();
    crate::member::put(&hall.ctx, &admin, "13812345678 欧阳锋").await.unwrap();
    let clerk = holder(7, &[(Permission::RegistrationView, Scope::Space), (Permission::MemberManage, Scope::Space)]);
    for (typed, masked, clear) in [
        ("5678", 1, 1),
        ("2345", 0, 1),
        ("138123", 0, 1),
        ("phone:45678", 0, 1),
        ("oyf", 1, 1),
        ("歐陽", 1, 1),
        ("-欧阳", 0, 0),
    ] {
        let filter = crate::order::Filter { text: typed.into(), ..crate::order::Filter::default() };
        for (actor, expected) in [(&clerk, masked), (&admin, clear)] {
            let orders = crate::order::list(&hall.ctx, actor, event, &filter, 0).await.unwrap();
            let members = crate::member::list(&hall.ctx, actor, typed, 0).await.unwrap();
            assert_eq!((orders.1, members.found), (expected, expected), "{typed}");
        }
    }
    let long = crate::member::list(&hall.ctx, &admin, &"长".repeat(300), 0).await.unwrap_err();
    assert_eq!(long.code(), Some("search.too_long"));
}
