//! Does the search find what was meant? Hundreds of queries over a corpus whose right answers are known from plain comparison of
//! strings, not from the index: the share found among the first ten, and how far up the first right one stands.

use super::corpus;
use crate::{Done, say};
use domain::query;
use search::{Ask, Entry, Index, Key, Phone, Scope, Sight, Sort, Use};
use std::collections::{BTreeMap, BTreeSet};

const PERSON: u8 = 1;
const COMPANY: u8 = 2;
const DOCUMENT: u8 = 3;

/// How large the corpus is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// People.
    pub people: u64,
    /// Companies.
    pub companies: u64,
    /// Documents.
    pub documents: u64,
    /// Queries of each sort.
    pub each: u64,
}

/// A query with everything that is right and what must come first.
struct Case {
    sort: &'static str,
    typed: String,
    /// Whatever is right.
    right: BTreeSet<(u8, u64)>,
    /// One of these must be first; all that are right where this is empty.
    best: BTreeSet<(u8, u64)>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    /// Queries.
    pub queries: usize,
    /// Mean share of the right answers among the first ten.
    pub recall: f64,
    /// Mean of one over the place of the first best answer.
    pub rank: f64,
}

/// The corpus with its index.
struct World {
    people: Vec<corpus::Person>,
    companies: Vec<String>,
    index: Index,
    size: Size,
}

fn key(kind: u8, id: u64) -> Key {
    Key { space: 1, kind, id, event: 0 }
}

fn build(size: Size) -> Done<World> {
    let index = Index::create(None, Use::Build)?;
    let people: Vec<corpus::Person> = (1..=size.people).map(|id| corpus::person(id, size.companies)).collect();
    for person in &people {
        index.add(&entry(person))?;
    }
    let companies: Vec<String> = (0..size.companies).map(corpus::company).collect();
    for (id, name) in (0u64..).zip(&companies) {
        index.add(&Entry { company: name.clone(), ..Entry::new(key(COMPANY, id), name) })?;
    }
    for id in 1..=size.documents {
        let (title, pages) = corpus::document(id);
        for (page, text) in (1u32..).zip(pages) {
            index.add(&Entry { text, page, ..Entry::new(key(DOCUMENT, id), &title) })?;
        }
    }
    index.finish(1)?;
    Ok(World { people, companies, index, size })
}

/// What is searched of a person of the corpus.
fn entry(person: &corpus::Person) -> Entry {
    Entry {
        company: person.company.clone(),
        phone: Some(Phone::of(&format!("+86{}", person.phone))),
        at: i64::try_from(person.id).unwrap_or(0),
        ..Entry::new(key(PERSON, person.id), &person.name)
    }
}

fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// Simplified characters with the traditional ones that people type for them.
const TRADITIONAL: &[(char, char)] = &[
    ('张', '張'),
    ('刘', '劉'),
    ('陈', '陳'),
    ('杨', '楊'),
    ('黄', '黃'),
    ('赵', '趙'),
    ('吴', '吳'),
    ('孙', '孫'),
    ('马', '馬'),
    ('郑', '鄭'),
    ('谢', '謝'),
    ('许', '許'),
    ('韩', '韓'),
    ('冯', '馮'),
    ('邓', '鄧'),
    ('萧', '蕭'),
    ('蒋', '蔣'),
    ('叶', '葉'),
    ('苏', '蘇'),
    ('吕', '呂'),
    ('卢', '盧'),
    ('钟', '鍾'),
    ('谭', '譚'),
    ('陆', '陸'),
    ('贾', '賈'),
    ('韦', '韋'),
    ('伟', '偉'),
    ('静', '靜'),
    ('丽', '麗'),
    ('强', '強'),
    ('军', '軍'),
    ('艳', '豔'),
    ('杰', '傑'),
    ('涛', '濤'),
    ('国', '國'),
    ('晓', '曉'),
    ('东', '東'),
    ('远', '遠'),
    ('庆', '慶'),
    ('兰', '蘭'),
    ('华', '華'),
    ('欧', '歐'),
    ('阳', '陽'),
    ('诸', '諸'),
    ('龙', '龍'),
    ('飞', '飛'),
    ('鹏', '鵬'),
    ('云', '雲'),
    ('红', '紅'),
    ('鸣', '鳴'),
    ('锋', '鋒'),
    ('长', '長'),
    ('尉', '尉'),
    ('迟', '遲'),
];

fn traditional(name: &str) -> String {
    name.chars().map(|c| TRADITIONAL.iter().find(|(simple, _)| *simple == c).map_or(c, |(_, other)| *other)).collect()
}

/// Pinyin of the corpus's surnames of one reading and of its given names, as people type them, from a table of our own.
const SPOKEN: &str = "王wang 李li 张zhang 刘liu 陈chen 杨yang 黄huang 赵zhao 吴wu 周zhou 徐xu 孙sun 马ma 朱zhu \
    胡hu 郭guo 何he 高gao 林lin 罗luo 单shan 解xie 仇qiu 区ou 查zha 曾zeng 朴piao 盖ge 缪miao \
    翟zhai 欧阳ouyang 司马sima 上官shangguan 诸葛zhuge 尉迟yuchi 令狐linghu 慕容murong \
    夏侯xiahou 长孙zhangsun 伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 磊lei 军jun 勇yong \
    艳yan 杰jie 娟juan 涛tao 明ming 超chao 秀xiu 英ying 建jian 国guo 志zhi 海hai 燕yan 晓xiao \
    东dong 雨yu 桐tong 子zi 浩hao 然ran 思si 远yuan 佳jia 怡yi 文wen 博bo 美mei 玲ling 庆qing \
    春chun 梅mei 俊jun 雪xue 玉yu 兰lan 振zhen 华hua 立li 新xin 红hong 鸣ming 锋feng 嘉jia \
    豪hao 晨chen 宇yu 航hang 诗shi 永yong 康kang 家jia 慧hui 平ping 安an 成cheng 龙long 飞fei \
    鹏peng 云yun 峰feng 山shan 松song 森sen 鑫xin 郑zheng 梁liang 谢xie 宋song 唐tang 许xu \
    韩han 冯feng 邓deng 曹cao 彭peng 肖xiao 田tian 董dong 袁yuan 潘pan 于yu 蒋jiang 蔡cai \
    余yu 杜du 叶ye 程cheng 苏su 魏wei 吕lv 丁ding 任ren 沈shen 姚yao 卢lu 姜jiang 崔cui \
    钟zhong 谭tan 陆lu 汪wang 范fan 金jin 石shi 廖liao 贾jia 夏xia 韦wei 付fu 方fang 白bai \
    邹zou 孟meng 熊xiong 秦qin 邱qiu 江jiang 尹yin 薛xue 洋yang 涵han 梓zi 萱xuan 若ruo 曦xi \
    群qun 淑shu 珍zhen 乐le 天tian 朝chao 阳yang 河he 清qing 泉quan 柏bai 炎yan 焱yan 淼miao \
    垚yao 犇ben 骉biao 翀chong 喆zhe 煜yu 璟jing 彧yu 祎yi 昇sheng 堃kun 赟yun 珺jun 瀚han \
    頔di 龑yan 曌zhao 东方dongfang 皇甫huangfu 司徒situ";

/// Second readings that people have.
const ALSO: &str = "乐yue 朝zhao 柏bo 娜nuo 单dan 解jie 仇chou 区qu 查cha 曾ceng 朴pu 盖gai 缪mou 翟di";

fn read<'a>(table: &'static str, text: &'a str) -> impl Iterator<Item = &'static str> + use<'a> {
    table.split_whitespace().filter_map(move |entry| {
        let spoken = entry.strip_prefix(text)?;
        spoken.bytes().all(|b| b.is_ascii_lowercase()).then_some(spoken)
    })
}

/// Syllables of a name by the table: the surname's, then the given name's, each with its readings; none when a part is not in it.
fn readings(name: &str) -> Option<Vec<Vec<&'static str>>> {
    let chars: Vec<char> = name.chars().collect();
    let compound: String = chars.iter().take(2).collect();
    let of = |text: &str| {
        let all: Vec<&'static str> = read(SPOKEN, text).chain(read(ALSO, text)).collect();
        (!all.is_empty()).then_some(all)
    };
    let (mut out, from) = match of(&compound).filter(|_| compound.chars().count() == 2) {
        Some(surname) => (vec![surname], 2),
        None => (vec![of(&chars.first()?.to_string())?], 1),
    };
    for c in chars.iter().skip(from) {
        out.push(of(&c.to_string())?);
    }
    Some(out)
}

/// The likeliest reading.
fn spoken(name: &str) -> Option<Vec<&'static str>> {
    readings(name)?.into_iter().map(|all| all.first().copied()).collect()
}

/// Whether a name may be meant by a surname in pinyin, or as it is written, and initials behind it.
fn is_meant(name: &str, head: &str, rest: &str) -> bool {
    let Some(all) = readings(name) else { return false };
    let initial = |of: &[&str], wanted: char| of.iter().any(|spoken| spoken.starts_with(wanted));
    let fits = |given: &[Vec<&'static str>]| {
        rest.chars().count() <= given.len() && rest.chars().zip(given).all(|(wanted, of)| initial(of, wanted))
    };
    let Some((surname, given)) = all.split_first() else { return false };
    (surname.contains(&head) || name.starts_with(head)) && fits(given)
}

fn cases(world: &World) -> Vec<Case> {
    let mut out = Vec::new();
    people_cases(world, &mut out);
    company_cases(world, &mut out);
    for n in 0..world.size.each {
        let id = 1 + corpus::mixed(n ^ 0xd0c) % world.size.documents;
        let right = BTreeSet::from([(DOCUMENT, id)]);
        let sentence = corpus::sentence(id);
        let typed: String = sentence.chars().skip(4).collect();
        out.push(Case { sort: "sentence of a document", typed, right, best: BTreeSet::new() });
    }
    out
}

fn people_cases(world: &World, out: &mut Vec<Case>) {
    let mut by_name: BTreeMap<String, BTreeSet<(u8, u64)>> = BTreeMap::new();
    let mut by_spoken: BTreeMap<String, BTreeSet<(u8, u64)>> = BTreeMap::new();
    let mut by_end: BTreeMap<&str, BTreeSet<(u8, u64)>> = BTreeMap::new();
    for person in &world.people {
        let of = (PERSON, person.id);
        by_name.entry(bare(&person.name)).or_default().insert(of);
        by_end.entry(person.phone.get(7..).unwrap_or("")).or_default().insert(of);
        if let Some(parts) = spoken(&person.name) {
            by_spoken.entry(parts.concat()).or_default().insert(of);
        }
    }
    let containing = |part: &str| -> BTreeSet<(u8, u64)> {
        world
            .people
            .iter()
            .filter(|person| bare(&person.name).contains(part))
            .map(|person| (PERSON, person.id))
            .collect()
    };
    let mut put = |sort, typed: String, right: BTreeSet<(u8, u64)>, best: BTreeSet<(u8, u64)>| {
        out.push(Case { sort, typed, right, best });
    };
    let each = usize::try_from(world.size.each).unwrap_or(0);
    let some = |salt: u64, wanted: &dyn Fn(&corpus::Person) -> bool| -> Vec<&corpus::Person> {
        let count = world.people.len() as u64;
        let walk = (0..count).filter_map(|n| world.people.get(usize::try_from(corpus::mixed(n ^ salt) % count).ok()?));
        walk.filter(|person| wanted(person)).take(each).collect()
    };
    for person in some(1, &|_| true) {
        let same = by_name.get(&bare(&person.name)).cloned().unwrap_or_default();
        put("whole name", person.name.clone(), same.clone(), same);
    }
    let compound = |person: &corpus::Person| {
        ["欧阳", "司马", "尉迟", "诸葛", "慕容"].iter().any(|known| person.name.starts_with(known))
            && person.name.chars().count() > 3
    };
    for person in some(2, &compound) {
        let part: String = person.name.chars().skip(1).take(2).collect();
        put("two characters from the middle", part.clone(), containing(&part), BTreeSet::new());
    }
    for person in some(3, &|person| person.name.contains('·')) {
        let plain = bare(&person.name);
        let same = by_name.get(&plain).cloned().unwrap_or_default();
        put("minority name without its dot", plain, same.clone(), same);
    }
    let rare = |person: &corpus::Person| person.name.chars().any(|c| "㛃𬱖犇骉翀喆煜璟彧祎堃赟珺頔龑曌".contains(c));
    for person in some(4, &rare) {
        let same = by_name.get(&bare(&person.name)).cloned().unwrap_or_default();
        put("name with a rare character", person.name.clone(), same.clone(), same);
    }
    for person in some(5, &|person| traditional(&person.name) != person.name) {
        let same = by_name.get(&bare(&person.name)).cloned().unwrap_or_default();
        put("traditional characters", traditional(&person.name), same.clone(), same);
    }
    for person in some(6, &|person| spoken(&person.name).is_some_and(|parts| parts.len() > 2)) {
        let typed = spoken(&person.name).unwrap_or_default().concat();
        let same = by_spoken.get(&typed).cloned().unwrap_or_default();
        put("pinyin", typed, same, BTreeSet::new());
    }
    for person in some(7, &|person| {
        spoken(&person.name).is_some_and(|parts| {
            parts.len() > 2 && !person.name.starts_with(['欧', '司', '上', '诸', '尉', '令', '慕', '夏', '长'])
        })
    }) {
        let parts = spoken(&person.name).unwrap_or_default();
        let head = parts.first().copied().unwrap_or("");
        let rest: String = parts.iter().skip(1).filter_map(|part| part.chars().next()).collect();
        let meant = |head: &str| -> BTreeSet<(u8, u64)> {
            let all = world.people.iter().filter(|other| is_meant(&other.name, head, &rest));
            all.map(|other| (PERSON, other.id)).collect()
        };
        put("surname in pinyin and initials", format!("{head}{rest}"), meant(head), BTreeSet::new());
        let surname: String = person.name.chars().take(1).collect();
        put("surname and initials", format!("{surname}{rest}"), meant(&surname), BTreeSet::new());
    }
    for person in some(8, &|_| true) {
        let end = person.phone.get(7..).unwrap_or("");
        put("end of a phone", end.to_owned(), by_end.get(end).cloned().unwrap_or_default(), BTreeSet::new());
    }
    for person in some(9, &|_| true) {
        let part = person.phone.get(2..9).unwrap_or("");
        let right =
            world.people.iter().filter(|other| other.phone.contains(part)).map(|other| (PERSON, other.id)).collect();
        put("seven digits of a phone", part.to_owned(), right, BTreeSet::new());
    }
    for (typed, name) in [
        ("smiht", "Smith"),
        ("jonson", "Johnson"),
        ("schnieder", "Schneider"),
        ("wiliams", "Williams"),
        ("petorv", "Petrov"),
        ("tanakka", "Tanaka"),
    ] {
        let right =
            world.people.iter().filter(|person| person.name.contains(name)).map(|person| (PERSON, person.id)).collect();
        put("mistyped", typed.to_owned(), right, BTreeSet::new());
    }
}

fn company_cases(world: &World, out: &mut Vec<Case>) {
    let mut same: BTreeMap<&str, BTreeSet<(u8, u64)>> = BTreeMap::new();
    for (id, name) in (0u64..).zip(&world.companies) {
        same.entry(name).or_default().insert((COMPANY, id));
    }
    for n in 0..world.size.each {
        let id = corpus::mixed(n ^ 0xc0) % world.size.companies;
        let name = corpus::company(id);
        let best = same.get(name.as_str()).cloned().unwrap_or_default();
        out.push(Case { sort: "whole company", typed: name.clone(), right: best.clone(), best: best.clone() });
        let mut chars = name.chars();
        let city: String = chars.by_ref().take(2).collect();
        let brand: String = chars.by_ref().take(2).collect();
        let trade: String = chars.take(2).collect();
        let fits = |other: &&String| [&city, &brand, &trade].iter().all(|part| other.contains(part.as_str()));
        let right = world
            .companies
            .iter()
            .filter(fits)
            .filter_map(|other| same.get(other.as_str()))
            .flatten()
            .copied()
            .collect();
        out.push(Case {
            sort: "words of a company in any order",
            typed: format!("{trade}{city} {brand}"),
            right,
            best: BTreeSet::new(),
        });
    }
}

/// Asks every query and scores the answers.
pub fn run(size: Size) -> Done<Score> {
    let world = build(size)?;
    let cases = cases(&world);
    let mut sorts: BTreeMap<&str, (usize, f64, f64)> = BTreeMap::new();
    let sight = |kind| Sight { kind, see: Scope::everywhere(), unmasked: Scope::everywhere() };
    let sights = [sight(PERSON), sight(COMPANY), sight(DOCUMENT)];
    for case in &cases {
        let query = query::parse(&case.typed, &jiff::tz::TimeZone::UTC).map_err(|refusal| refusal.code)?;
        // What belongs to companies is asked of companies, as a facet does.
        let company = case.sort.contains("company");
        let kinds = std::collections::HashSet::from([COMPANY]);
        let ask = Ask {
            space: 1,
            query: &query,
            sights: &sights,
            kinds: company.then_some(&kinds),
            events: None,
            not_events: None,
            stale: &|_| false,
            secret: &|text| text.to_owned(),
            sort: Sort::Relevance,
            skip: 0,
            take: 10,
            quick: false,
        };
        let found = world.index.find(&ask)?;
        let hits: Vec<(u8, u64)> = found.hits.iter().map(|hit| (hit.key.kind, hit.key.id)).collect();
        let best = if case.best.is_empty() { &case.right } else { &case.best };
        let place = hits.iter().position(|hit| best.contains(hit));
        let rank = place.map_or(0.0, |place| 1.0 / (place + 1) as f64);
        let possible = case.right.len().clamp(1, 10);
        let recall = hits.iter().filter(|hit| case.right.contains(hit)).count() as f64 / possible as f64;
        let sum = sorts.entry(case.sort).or_default();
        (sum.0, sum.1, sum.2) = (sum.0 + 1, sum.1 + recall, sum.2 + rank);
    }
    say(format!("{:36} {:>8} {:>10} {:>8}", "queries", "count", "recall@10", "MRR"));
    for (sort, (count, recall, rank)) in &sorts {
        say(format!("{sort:36} {count:>8} {:>10.4} {:>8.4}", recall / *count as f64, rank / *count as f64));
    }
    let total = sorts.values().fold((0, 0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1, all.2 + one.2));
    let score = Score { queries: total.0, recall: total.1 / total.0 as f64, rank: total.2 / total.0 as f64 };
    say(format!("{:36} {:>8} {:>10.4} {:>8.4}", "all", score.queries, score.recall, score.rank));
    Ok(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found_over_a_small_corpus() {
        let score = run(Size { people: 3_000, companies: 400, documents: 100, each: 25 }).unwrap();
        assert!(score.queries >= 300 && score.recall >= 0.98 && score.rank >= 0.9, "{score:?}");
    }
}
