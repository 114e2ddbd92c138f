//! An index over a few records: what is found by what, who sees what, and what a crash or damage leaves.

use crate::*;
use domain::query::parse;
use jiff::tz::TimeZone;
use std::collections::HashSet;

const PERSON: u8 = 1;
const DOCUMENT: u8 = 4;

fn key(id: u64) -> Key {
    Key { space: 1, kind: PERSON, id, event: 0 }
}

fn person(id: u64, name: &str, phone: &str, company: &str) -> Entry {
    Entry {
        phone: (!phone.is_empty()).then(|| Phone::of(&format!("+86{phone}"))),
        company: company.into(),
        at: id as i64,
        ..Entry::new(key(id), name)
    }
}

fn secret(text: &str) -> String {
    format!("#{text}")
}

fn index(entries: &[Entry]) -> Index {
    let index = Index::create(None, Use::Live).unwrap();
    let changes: Vec<Change> =
        entries.iter().map(|entry| Change { key: entry.key, entries: vec![entry.clone()] }).collect();
    index.apply(&changes, 1).unwrap();
    index
}

fn everywhere(kind: u8) -> Sight {
    Sight { kind, see: Scope::everywhere(), unmasked: Scope::everywhere() }
}

fn masked(kind: u8) -> Sight {
    Sight { kind, see: Scope::everywhere(), unmasked: Scope::default() }
}

fn ask(index: &Index, typed: &str, sights: &[Sight], sort: Sort) -> Found {
    let query = parse(typed, &TimeZone::UTC).unwrap();
    let of = |quick| Ask {
        space: 1,
        query: &query,
        sights,
        kinds: None,
        events: None,
        not_events: None,
        stale: &|_| false,
        secret: &secret,
        sort,
        skip: 0,
        take: 10,
        quick,
    };
    let found = index.find(&of(false)).unwrap();
    let quick = index.find(&of(true)).unwrap();
    assert_eq!(quick.hits, found.hits, "{typed}: the same while somebody types");
    found
}

fn ids(index: &Index, typed: &str) -> Vec<u64> {
    ask(index, typed, &[everywhere(PERSON), everywhere(DOCUMENT)], Sort::Relevance)
        .hits
        .iter()
        .map(|hit| hit.key.id)
        .collect()
}

fn sorted(mut ids: Vec<u64>) -> Vec<u64> {
    ids.sort_unstable();
    ids
}

#[test]
fn people_are_found_as_people_type() {
    let mut secretive = person(9, "赵敏", "13900000009", "");
    secretive.secrets = vec![secret("002x")];
    let index = index(&[
        person(1, "张三丰", "13812345678", "武当山太极文化传播有限公司"),
        person(2, "欧阳锋", "13912340001", "白驼山医药集团"),
        person(3, "司马懿", "13700005678", "魏国科技（北京）有限公司"),
        person(4, "单田芳", "", "鞍山曲艺团"),
        person(5, "阿卜杜拉·买买提", "", ""),
        person(6, "John Smith", "", "Acme Trading Ltd"),
        person(7, "曾国藩", "", "湘军"),
        person(8, "吕布", "", ""),
        secretive,
        person(10, "解晓东", "", ""),
        person(11, "仇和", "", ""),
        person(12, "𬱖㛃", "", ""),
    ]);
    let cases: &[(&str, &[u64])] = &[
        ("三丰", &[1]),
        ("张三丰", &[1]),
        ("阳锋", &[2]),
        ("歐陽鋒", &[2]),
        ("zhangsanfeng", &[1]),
        ("zhangsf", &[1]),
        ("zsf", &[1]),
        ("张sf", &[1]),
        ("zhang三f", &[1]),
        ("zhangsanf", &[1]),
        ("ＺＳＦ", &[1]),
        ("ouyangf", &[2]),
        ("oyf", &[2]),
        ("simayi", &[3]),
        ("shantianfang", &[4]),
        ("stf", &[4]),
        ("dantianfang", &[4]),
        ("zengguofan", &[7]),
        ("xiexd", &[10]),
        ("qiuhe", &[11]),
        ("lvbu", &[8]),
        ("lyubu", &[8]),
        ("拉买买", &[5]),
        ("阿卜杜拉买买提", &[5]),
        ("smith", &[6]),
        ("smi", &[6]),
        ("john smith", &[6]),
        ("smiht", &[6]),
        ("acme", &[6]),
        ("㛃", &[12]),
        ("13812345678", &[1]),
        ("138 1234", &[1]),
        ("+86 138-1234-5678", &[1]),
        ("１２３４５", &[1]),
        ("phone:0001", &[2]),
        ("002X", &[9]),
        ("002x", &[9]),
        ("科技", &[3]),
        ("北京魏国", &[3]),
        ("医药集团", &[2]),
        ("company:太极", &[1]),
        ("name:太极", &[]),
        ("单位：湘军", &[7]),
        ("没有此人", &[]),
        ("\"三丰\"", &[1]),
        ("zhangzhang", &[]),
    ];
    for (typed, expected) in cases {
        assert_eq!(sorted(ids(&index, typed)), *expected, "{typed}");
    }
    assert_eq!(ids(&index, "5678"), [3, 1], "both, whatever the rest");
    assert_eq!(ids(&index, "1234"), [2, 1], "inside a number");
    assert_eq!(sorted(ids(&index, "5678 -司马懿")), [1]);
    assert_eq!(sorted(ids(&index, "date:1970-01-01 公司")), [1, 3]);
    assert!(ids(&index, "公司 after:2020-01-01").is_empty());
}

#[test]
fn the_end_of_a_phone_comes_before_its_middle_and_a_whole_name_before_a_part() {
    let index = index(&[
        person(1, "李明", "13856780000", ""),
        person(2, "李明华", "13800005678", ""),
        person(3, "张李明", "", "李明集团"),
        person(4, "王五", "", "李明"),
    ]);
    assert_eq!(ids(&index, "5678"), [2, 1]);
    assert_eq!(ids(&index, "567"), [2, 1]);
    assert_eq!(ids(&index, "678"), [2, 1]);
    assert_eq!(ids(&index, "李明"), [1, 4, 2, 3]);
}

#[test]
fn masked_digits_are_no_way_to_find_anybody() {
    let mut of = person(1, "张三", "13812345678", "");
    of.secrets = vec![secret("1234")];
    let index = index(&[of]);
    let found = |typed: &str, sight| ask(&index, typed, &[sight], Sort::Relevance).count;
    for (typed, seen) in [
        ("5678", 1),
        ("678", 1),
        ("2345", 0),
        ("1381", 0),
        ("13812345678", 0),
        ("45678", 0),
        ("1234", 0),
        ("张三 -2345", 1),
    ] {
        assert_eq!(found(typed, masked(PERSON)), seen, "{typed} masked");
    }
    for typed in ["5678", "2345", "1381", "13812345678", "45678", "1234"] {
        assert_eq!(found(typed, everywhere(PERSON)), 1, "{typed} unmasked");
    }
    assert_eq!(found("张三 -2345", everywhere(PERSON)), 0);
}

#[test]
fn nothing_is_found_or_counted_outside_of_a_scope() {
    let mut entries = Vec::new();
    for id in 1..=60u64 {
        let mut entry = person(id, &format!("张{}", ["三", "四", "五"][(id % 3) as usize]), "", "");
        entry.key.event = id % 5;
        entry.event = id % 5;
        (entry.department, entry.owner) = (id % 4, id % 7);
        entries.push(entry);
    }
    let index = index(&entries);
    let scopes = [
        Scope::everywhere(),
        Scope::default(),
        Scope { events: HashSet::from([1, 2]), ..Scope::default() },
        Scope { departments: HashSet::from([3]), ..Scope::default() },
        Scope { owner: 5, ..Scope::default() },
        Scope { owner: 6, departments: HashSet::from([1]), events: HashSet::from([4]), all: false },
    ];
    for see in scopes {
        let visible = |entry: &&Entry| {
            see.all
                || see.events.contains(&entry.key.event)
                || entry.department != 0 && see.departments.contains(&entry.department)
                || see.owner != 0 && entry.owner == see.owner
        };
        let expected = entries.iter().filter(visible).count();
        let found =
            ask(&index, "张", &[Sight { kind: PERSON, see: see.clone(), unmasked: Scope::default() }], Sort::Relevance);
        assert_eq!(found.count, expected, "{see:?}");
        assert_eq!(found.kinds.values().sum::<usize>(), expected);
        let with_event = entries.iter().filter(visible).filter(|entry| entry.key.event != 0).count();
        assert_eq!(found.events.values().sum::<usize>(), with_event);
    }
    let query = parse("张", &TimeZone::UTC).unwrap();
    let other = Ask {
        space: 2,
        query: &query,
        sights: &[everywhere(PERSON)],
        kinds: None,
        events: None,
        not_events: None,
        stale: &|_| false,
        secret: &secret,
        sort: Sort::Relevance,
        skip: 0,
        take: 10,
        quick: false,
    };
    assert_eq!(index.find(&other).unwrap().count, 0, "another space");
    let stale = Ask { space: 1, stale: &|key| key.id < 31, ..other };
    assert_eq!(index.find(&stale).unwrap().count, 30, "what changed since is left out");
}

#[test]
fn sorting_paging_and_facets_are_exact() {
    let names = ["张三", "李四", "王五", "阿明", "赵六"];
    let mut entries: Vec<Entry> = names.iter().zip(1..).map(|(name, id)| person(id, name, "", "同一公司")).collect();
    entries[3].event = 9;
    let index = index(&entries);
    let order =
        |sort| ask(&index, "公司", &[everywhere(PERSON)], sort).hits.iter().map(|hit| hit.key.id).collect::<Vec<_>>();
    assert_eq!(order(Sort::Name), [4, 2, 3, 1, 5]);
    assert_eq!(order(Sort::Newest), [5, 4, 3, 2, 1]);
    assert_eq!(order(Sort::Oldest), [1, 2, 3, 4, 5]);
    let query = parse("公司", &TimeZone::UTC).unwrap();
    let sights = [everywhere(PERSON)];
    let page = |skip, kinds, events| {
        index
            .find(&Ask {
                space: 1,
                query: &query,
                sights: &sights,
                kinds,
                events,
                not_events: None,
                stale: &|_| false,
                secret: &secret,
                sort: Sort::Oldest,
                skip,
                take: 2,
                quick: false,
            })
            .unwrap()
    };
    assert_eq!(page(2, None, None).hits.iter().map(|hit| hit.key.id).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(page(4, None, None).count, 5);
    let documents = HashSet::from([DOCUMENT]);
    let none = page(0, Some(&documents), None);
    assert_eq!(
        (none.count, none.kinds[&PERSON], none.hits.len()),
        (0, 5, 0),
        "the kinds are counted beside the choice"
    );
    let event = HashSet::from([9]);
    assert_eq!(page(0, None, Some(&event)).count, 1);
}

#[test]
fn a_document_is_one_hit_with_the_page_that_fits() {
    let page = |page, text: &str| Entry {
        text: text.into(),
        page,
        ..Entry::new(Key { space: 1, kind: DOCUMENT, id: 7, event: 0 }, "采购合同")
    };
    let index = Index::create(None, Use::Live).unwrap();
    let entries = vec![page(1, "甲方与乙方"), page(2, "违约金为百分之五，逾期付款违约"), page(3, "签字 page three")];
    index.apply(&[Change { key: entries[0].key, entries }], 1).unwrap();
    let found = |typed: &str| {
        let found = ask(&index, typed, &[everywhere(DOCUMENT)], Sort::Relevance);
        (found.count, found.hits.first().map(|hit| hit.page))
    };
    assert_eq!(found("违约金"), (1, Some(2)));
    assert_eq!(found("约金为百"), (1, Some(2)));
    assert_eq!(found("three"), (1, Some(3)));
    assert_eq!(found("采购"), (1, Some(1)));
    assert_eq!(found("金违约"), (0, None), "side by side is meant");
    let gone = Change { key: Key { space: 1, kind: DOCUMENT, id: 7, event: 0 }, entries: Vec::new() };
    index.apply(&[gone], 2).unwrap();
    assert_eq!(found("违约金"), (0, None));
}

#[test]
fn the_position_is_kept_with_the_changes_and_damage_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let of = person(1, "张三", "", "");
    {
        let index = Index::create(Some(folder.path()), Use::Live).unwrap();
        index.apply(&[Change { key: of.key, entries: vec![of.clone()] }], 41).unwrap();
        index.add(&person(2, "李四", "", "")).unwrap();
    }
    {
        let (index, position) = Index::open(folder.path(), Use::Live).unwrap();
        assert_eq!(position, 41, "what was not committed is not there");
        assert_eq!((ids(&index, "张三"), ids(&index, "李四")), (vec![1], vec![]));
        let mut prints = Vec::new();
        index.prints(|print| prints.push(print)).unwrap();
        assert_eq!(prints, [(of.key, print(&of))]);
        assert!(index.bytes() > 0);
    }
    let file = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "idx"))
        .max_by_key(|file| file.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(file.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(file.path(), bytes).unwrap();
    assert!(matches!(Index::open(folder.path(), Use::Live), Err(Damage::Broken(_))));
    std::fs::remove_file(file.path()).unwrap();
    assert!(Index::open(folder.path(), Use::Live).is_err());
    assert!(matches!(Index::open(tempfile::tempdir().unwrap().path(), Use::Live), Err(Damage::Missing)));
}

#[test]
fn any_query_is_answered() {
    let index = index(&[person(1, "张三", "13812345678", "公司"), person(2, "John", "", "")]);
    let mut state = 7u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let parts: Vec<char> = "()[]{}\"'-:*^~?/\\+&|!<>=，。：“”「」\u{0}\u{7}\u{1f}\u{200b}\u{202e}\u{fffd}𬱖㛃·ａ１张三zhangsfxi'aneéßǅ٣ 　\n\t"
        .chars()
        .collect();
    for _ in 0..6_000 {
        let length = next(60);
        let typed: String = (0..length).map(|_| parts[next(parts.len())]).collect();
        let Ok(query) = parse(&typed, &TimeZone::UTC) else { continue };
        let sights = [everywhere(PERSON)];
        let asked = Ask {
            space: 1,
            query: &query,
            sights: &sights,
            kinds: None,
            events: None,
            not_events: None,
            stale: &|_| false,
            secret: &secret,
            sort: Sort::Relevance,
            skip: 0,
            take: 10,
            quick: next(2) == 0,
        };
        let found = index.find(&asked).unwrap();
        assert!(found.count <= 2);
        let marks = Marks::of(&query);
        let shown: String = marks.name("张三·John").into_iter().map(|piece| piece.text).collect();
        assert_eq!(shown, "张三·John");
        drop(snippet("张三\u{0}John ", &marks, 5));
    }
}

/// A question to an index as somebody who sees everything.
fn question<'a>(query: &'a domain::query::Query, sights: &'a [Sight], quick: bool) -> Ask<'a> {
    Ask {
        space: 1,
        query,
        sights,
        kinds: None,
        events: None,
        not_events: None,
        stale: &|_| false,
        secret: &secret,
        sort: Sort::Relevance,
        skip: 0,
        take: 10,
        quick,
    }
}

#[test]
fn while_somebody_types_they_find_what_they_may_see_however_much_else_fits() {
    let hidden = (2..2_500u64).map(|id| Entry { department: 1, ..person(id, "张三", "13800001234", "") });
    let seen = Entry { department: 2, ..person(1, "张三", "13811110000", "") };
    let index = index(&std::iter::once(seen).chain(hidden).collect::<Vec<_>>());
    let here = Scope { departments: HashSet::from([2]), ..Scope::default() };
    let sight = Sight { kind: PERSON, see: here.clone(), unmasked: here };
    for typed in ["张三", "三", "zs", "zhangs", "138", "1381"] {
        assert_eq!(ask(&index, typed, std::slice::from_ref(&sight), Sort::Relevance).count, 1, "{typed}");
    }
    assert_eq!(ask(&index, "1234", &[sight], Sort::Relevance).count, 0);
}

#[test]
fn what_fits_by_masked_digits_only_stands_where_it_stands_for_those_who_may_not_see_them() {
    // The end of the first is the middle of the second.
    let index = index(&[person(1, "甲", "13812345678", ""), person(2, "5678", "13956780000", "")]);
    assert_eq!(ids(&index, "5678"), [2, 1]);
    let open: Vec<u64> =
        ask(&index, "5678", &[masked(PERSON)], Sort::Relevance).hits.iter().map(|hit| hit.key.id).collect();
    assert_eq!(open, [2, 1], "by its name, and by the end that everybody sees");
    let ten: Vec<Entry> = (1..=12).map(|id| person(id, "乙", "13812345678", "")).collect();
    let index = self::index(&ten);
    assert_eq!(ask(&index, "345678", &[masked(PERSON)], Sort::Relevance).hits, []);
    assert_eq!(ask(&index, "345678", &[everywhere(PERSON)], Sort::Relevance).hits.len(), 10);
}

/// Queries that find as much as they can in as many ways as there are.
fn greedy(n: usize) -> String {
    const WORDS: &[&str] = &[
        "王",
        "伟",
        "王伟",
        "伟王",
        "公司",
        "有限公司",
        "王伟公司",
        "138",
        "1380",
        "0000",
        "13800",
        "w",
        "wa",
        "wang",
        "ww",
        "wangw",
        "王w",
        "w伟",
        "smiht",
        "wagn",
        "\"有限公司\"",
        "-王",
        "-wang",
        "name:王",
        "company:公",
        "phone:138",
    ];
    let word = |at: usize| WORDS[n.wrapping_mul(7_919).wrapping_add(at * at * 31 + at * n) % WORDS.len()];
    match n % 3 {
        0 => (0..1 + n % 12).map(word).collect::<Vec<_>>().join(" "),
        1 => word(1).repeat(1 + n % 40),
        _ => (0..1 + n % 30).map(word).collect(),
    }
}

#[test]
fn whatever_is_typed_a_search_moves_no_farther_than_its_steps() {
    use crate::{cursor::counted::MOVES, plan::plan, quick::pick, steps::Steps};
    let people: Vec<Entry> = (1..=1_500u64)
        .map(|id| {
            let name = ["王伟", "伟王", "王伟伟", "Wang Wei"][(id % 4) as usize];
            person(id, name, &format!("1380000{:04}", id % 97), "王伟有限公司")
        })
        .collect();
    let index = index(&people);
    let sights = [everywhere(PERSON)];
    let (mut cut, mut whole) = (0, 0);
    for n in 0..600 {
        let typed = greedy(n);
        let Ok(query) = parse(&typed, &TimeZone::UTC) else { continue };
        let asked = question(&query, &sights, true);
        let wants = plan(&query, &secret, 0.0);
        let all = pick(&index, &asked, &wants, usize::MAX, &Steps::new(u32::MAX)).unwrap();
        assert!(!all.spent);
        for steps in [1, 50, 400, 3_000, 20_000, 200_000] {
            MOVES.set(0);
            let found = pick(&index, &asked, &wants, usize::MAX, &Steps::new(steps)).unwrap();
            let moves = MOVES.get();
            assert!(moves <= 3 * u64::from(steps) + 100, "{typed}: {moves} moves with {steps} steps");
            if found.spent {
                cut += 1;
            } else {
                whole += 1;
                assert_eq!(found.hits, all.hits, "{typed} with {steps} steps");
            }
        }
    }
    assert!(cut > 300 && whole > 300, "both happen: {cut} {whole}");
}

/// Everything that a plan looks up.
fn size(node: &crate::plan::Node) -> usize {
    use crate::plan::Node;
    match node {
        Node::All(of) | Node::Any(of) => of.iter().map(size).sum::<usize>() + 1,
        Node::Phrase(words) => words.len(),
        _ => 1,
    }
}

#[test]
fn no_query_asks_for_more_than_so_many_lists() {
    let letters: String = ('a'..='z').cycle().take(200).collect();
    let mixed: String = "张a王b李c陈d".chars().cycle().take(200).collect();
    let words = "zhongguochangcheng ".repeat(10);
    let long = [letters, mixed, words, "王".repeat(200), "有限公司".repeat(50), "1".repeat(200), "a ".repeat(12)];
    for typed in long.into_iter().chain((0..3_000).map(greedy)) {
        let Ok(query) = parse(&typed, &TimeZone::UTC) else { continue };
        let lists: usize =
            crate::plan::plan(&query, &secret, 0.0).iter().flat_map(|want| &want.ways).map(|way| size(&way.node)).sum();
        assert!(lists <= 6_000, "{typed}: {lists}");
    }
}

#[test]
fn an_index_of_many_pieces_becomes_one_when_it_is_built() {
    let index = Index::create(None, Use::Build).unwrap();
    // Each commit makes a piece; none of them may be merged away before the end merges them all.
    for id in 1..=40 {
        let entry = person(id, "王小明", "", "");
        index.apply(&[Change { key: entry.key, entries: vec![entry] }], id).unwrap();
    }
    assert_eq!(index.pieces(), 40);
    index.finish(40).unwrap();
    assert_eq!((index.pieces(), index.entries()), (1, 40));
    assert_eq!(ask(&index, "王小明", &[everywhere(PERSON)], Sort::Relevance).count, 40);
}
