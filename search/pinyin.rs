//! How Chinese names are spoken: the readings of each character, surnames that are read otherwise (单 shàn, 曾 zēng, 解 xiè, 仇 qiú),
//! taking typed letters apart into syllables and initials, and the order of names.

use crate::normal::{Class, class, folded};
use pinyin::ToPinyin;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Readings of a character that are kept.
const READINGS_MAX: usize = 3;

/// Characters that are read otherwise when they are a surname (现代汉语词典, 第7版, entries marked 姓).
const SURNAMES: &[(char, &str)] = &[
    ('单', "shan"),
    ('曾', "zeng"),
    ('解', "xie"),
    ('仇', "qiu"),
    ('区', "ou"),
    ('查', "zha"),
    ('任', "ren"),
    ('朴', "piao"),
    ('盖', "ge"),
    ('缪', "miao"),
    ('翟', "zhai"),
    ('员', "yun"),
    ('覃', "qin"),
    ('乐', "yue"),
    ('种', "chong"),
    ('秘', "bi"),
    ('冼', "xian"),
    ('洗', "xian"),
    ('折', "she"),
    ('黑', "he"),
    ('繁', "po"),
    ('召', "shao"),
    ('都', "du"),
    ('尉', "wei"),
    ('牟', "mou"),
    ('车', "che"),
    ('华', "hua"),
    ('逄', "pang"),
    ('佴', "nai"),
    ('厍', "she"),
    ('郗', "xi"),
    ('郇', "xun"),
    ('隗', "wei"),
    ('莘', "shen"),
    ('燕', "yan"),
    ('么', "yao"),
    ('晟', "cheng"),
    ('宓', "mi"),
    ('褚', "chu"),
    ('臧', "zang"),
    ('俞', "yu"),
    ('祭', "zhai"),
    ('那', "na"),
    ('撒', "sa"),
    ('谌', "chen"),
    ('訾', "zi"),
    ('芮', "rui"),
];

/// Surnames of two characters in which a character is read otherwise than alone.
const COMPOUND: &[(&str, [&str; 2])] = &[
    ("尉迟", ["yu", "chi"]),
    ("万俟", ["mo", "qi"]),
    ("澹台", ["tan", "tai"]),
    ("长孙", ["zhang", "sun"]),
    ("宰父", ["zai", "fu"]),
    ("单于", ["chan", "yu"]),
    ("令狐", ["ling", "hu"]),
    ("夏侯", ["xia", "hou"]),
    ("皇甫", ["huang", "fu"]),
];

/// Characters that names have in two readings. The rare readings of a dictionary are left out: nobody is called by them.
const SECOND: &[(char, &str)] = &[
    ('乐', "yue"),
    ('乐', "le"),
    ('朝', "zhao"),
    ('朝', "chao"),
    ('长', "zhang"),
    ('长', "chang"),
    ('重', "chong"),
    ('重', "zhong"),
    ('行', "hang"),
    ('行', "xing"),
    ('柏', "bo"),
    ('柏', "bai"),
    ('茜', "xi"),
    ('茜', "qian"),
    ('娜', "nuo"),
    ('晟', "sheng"),
    ('晟', "cheng"),
    ('覃', "tan"),
    ('藏', "zang"),
    ('藏', "cang"),
    ('郗', "chi"),
    ('隗', "kui"),
    ('曾', "zeng"),
    ('单', "shan"),
    ('解', "xie"),
    ('查', "zha"),
    ('盖', "ge"),
    ('朴', "piao"),
    ('尉', "yu"),
    ('乘', "sheng"),
    ('弹', "tan"),
    ('参', "shen"),
    ('奇', "ji"),
    ('夏', "xia"),
];

/// As people type it: ü is v.
fn plain(reading: &str) -> String {
    reading.replace('ü', "v").replace("u:", "v")
}

/// Readings of each character of a name, the likeliest first; nothing for those that have none.
pub fn readings(name: &[char]) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = name.iter().map(|c| of(*c)).collect();
    let mut put = |at: usize, reading: &str| {
        if let Some(kept) = out.get_mut(at) {
            kept.retain(|other| other != reading);
            kept.insert(0, reading.to_owned());
            kept.truncate(READINGS_MAX);
        }
    };
    let head: String = name.iter().take(2).collect();
    if let Some((_, [first, second])) = COMPOUND.iter().find(|(surname, _)| *surname == head) {
        put(0, first);
        put(1, second);
    } else if let Some((_, reading)) =
        name.first().and_then(|first| SURNAMES.iter().find(|(surname, _)| surname == first))
    {
        put(0, reading);
    }
    out
}

/// How a name is spoken, syllables apart (`ou yang feng`), the likeliest reading first; whatever has no reading stands as it is compared.
/// Names sort by the first. The others are those of a surname that is also read otherwise.
pub fn spoken(name: &str) -> Vec<String> {
    let name = folded(name);
    let all = readings(&name);
    let ways = all.first().map_or(1, |first| first.len().max(1));
    let read = |way: usize| {
        let mut out = String::with_capacity(name.len() * 6);
        for (at, (c, readings)) in name.iter().zip(&all).enumerate() {
            match readings.get(if at == 0 { way } else { 0 }) {
                Some(syllable) => {
                    if !out.is_empty() && !out.ends_with(' ') {
                        out.push(' ');
                    }
                    out.push_str(syllable);
                    out.push(' ');
                }
                None => out.push(*c),
            }
        }
        out.truncate(out.trim_end().len());
        out
    };
    (0..ways).map(read).collect()
}

fn of(c: char) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    if class(c) != Class::Wide {
        return out;
    }
    let Some(first) = c.to_pinyin() else { return out };
    out.push(plain(first.plain()));
    for (_, other) in SECOND.iter().filter(|(of, _)| *of == c) {
        if !out.iter().any(|known| known == other) {
            out.push((*other).to_owned());
        }
    }
    out
}

/// Every syllable there is, in order.
pub fn syllables() -> &'static [String] {
    static ALL: OnceLock<Vec<String>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = BTreeSet::new();
        for code in 0x4e00..=0x9fffu32 {
            if let Some(spoken) = char::from_u32(code).and_then(|c| c.to_pinyin()) {
                let plain = plain(spoken.plain());
                if plain.bytes().all(|b| b.is_ascii_lowercase()) && plain.len() > 1 || plain == "a" || plain == "e" {
                    all.insert(plain);
                }
            }
        }
        all.into_iter().collect()
    })
}

fn is_syllable(text: &str) -> bool {
    syllables().binary_search_by(|known| known.as_str().cmp(text)).is_ok()
}

/// Syllables that begin with `head`.
pub fn beginning(head: &str) -> impl Iterator<Item = &'static str> + '_ {
    let from = syllables().partition_point(|known| known.as_str() < head);
    syllables().iter().skip(from).map(String::as_str).take_while(move |known| known.starts_with(head))
}

/// What stands for one character in typed letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// The character itself.
    Char(char),
    /// A whole syllable.
    Syllable(String),
    /// The beginning of one: an initial, or more of it.
    Head(String),
}

/// Ways to take letters apart that are tried.
const WAYS_MAX: usize = 12;
/// Characters that letters may stand for; names are not longer.
const UNITS_MAX: usize = 12;

/// Takes typed letters apart, whole syllables first. A syllable may be cut short at its initial anywhere, and anywhere at the end.
pub fn split(letters: &str) -> Vec<Vec<Unit>> {
    let typed = letters.replace("lyu", "lv").replace("nyu", "nv");
    let mut out = Vec::new();
    let mut way = Vec::new();
    if typed.bytes().all(|b| b.is_ascii_lowercase()) && typed.len() <= 40 {
        walk(&typed, &mut way, &mut out, &mut 2_000);
    }
    out.sort_by_key(|way: &Vec<Unit>| {
        let heads = way.iter().filter(|unit| matches!(unit, Unit::Head(_))).count();
        (heads * 3 + way.len(), heads)
    });
    out.truncate(WAYS_MAX);
    out
}

fn walk(rest: &str, way: &mut Vec<Unit>, out: &mut Vec<Vec<Unit>>, steps: &mut usize) {
    if rest.is_empty() {
        out.push(way.clone());
        return;
    }
    if way.len() >= UNITS_MAX {
        return;
    }
    for length in (1..=rest.len().min(6)).rev() {
        if *steps == 0 {
            return;
        }
        *steps -= 1;
        let Some((head, tail)) = rest.split_at_checked(length) else { continue };
        if is_syllable(head) {
            way.push(Unit::Syllable(head.to_owned()));
            walk(tail, way, out, steps);
            way.pop();
        }
        let initial = length == 1 && !matches!(head, "i" | "u" | "v") || matches!(head, "zh" | "ch" | "sh");
        let cut = tail.is_empty() && !is_syllable(head) && beginning(head).next().is_some();
        if initial && !(length == 1 && is_syllable(head) && !tail.is_empty()) || cut {
            way.push(Unit::Head(head.to_owned()));
            walk(tail, way, out, steps);
            way.pop();
        }
    }
}

/// Bits of one place of a name's order.
const PLACE_BITS: u32 = 9;
/// Places of a name's order.
const PLACES: usize = 7;

/// A number that sorts as names do: by pinyin, character by character, others by their letters. Beyond seven characters names are equal.
pub fn order(name: &[char]) -> u64 {
    static SIGNS: OnceLock<Vec<String>> = OnceLock::new();
    let signs = SIGNS.get_or_init(|| {
        let mut all: BTreeSet<String> = syllables().iter().cloned().collect();
        all.extend(('0'..='9').chain('a'..='z').map(String::from));
        all.into_iter().collect()
    });
    let last = (1 << PLACE_BITS) - 1;
    let spoken = readings(name);
    let places = name.iter().zip(&spoken).filter(|(c, _)| class(**c) != Class::Other);
    let mut number = 0u64;
    let mut left = PLACES;
    for (c, readings) in places.take(PLACES) {
        let sign = readings.first().cloned().unwrap_or_else(|| c.to_string());
        let at = signs.binary_search(&sign).map_or(last, |at| (at as u64 + 1).min(last - 1));
        number = number << PLACE_BITS | at;
        left -= 1;
    }
    number << (PLACE_BITS as usize * left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::folded;

    fn first(name: &str) -> String {
        readings(&folded(name))
            .into_iter()
            .map(|all| all.into_iter().next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn surnames_are_read_as_surnames() {
        let cases = [
            ("单田芳", "shan tian fang"),
            ("曾国藩", "zeng guo fan"),
            ("解缙", "xie jin"),
            ("仇英", "qiu ying"),
            ("任正非", "ren zheng fei"),
            ("区寄", "ou ji"),
            ("尉迟恭", "yu chi gong"),
            ("欧阳锋", "ou yang feng"),
            ("吕布", "lv bu"),
        ];
        for (name, spoken) in cases {
            assert_eq!(first(name), spoken, "{name}");
        }
        assert!(readings(&folded("单")).first().unwrap().contains(&"dan".to_owned()), "the other reading is kept");
        assert!(readings(&folded("李乐")).last().unwrap().contains(&"yue".to_owned()));
        assert!(readings(&folded("a·1")).iter().all(Vec::is_empty));
    }

    #[test]
    fn letters_come_apart_as_they_are_typed() {
        let has = |typed: &str, way: &str| {
            let ways: Vec<String> = split(typed)
                .into_iter()
                .map(|way| {
                    let say = |unit: &Unit| match unit {
                        Unit::Char(c) => c.to_string(),
                        Unit::Syllable(s) => s.clone(),
                        Unit::Head(h) => format!("{h}-"),
                    };
                    way.iter().map(say).collect::<Vec<_>>().join(" ")
                })
                .collect();
            assert!(ways.iter().any(|known| known == way), "{typed}: {ways:?}");
        };
        has("zhangsf", "zhang s- f-");
        has("zsf", "z- s- f-");
        has("zhangsanfeng", "zhang san feng");
        has("zhangsanf", "zhang san f-");
        has("zha", "zha");
        has("xian", "xian");
        has("xian", "xi an");
        has("ouyangf", "ou yang f-");
        has("zhsf", "zh- s- f-");
        has("lyubu", "lv bu");
        has("zhuan", "zhuan");
        has("shuang", "shuang");
        assert!(split("123").is_empty() && split(&"a".repeat(50)).is_empty());
        assert!(split("zzzzzzzzzzzzzzzzzzzzzzzzzzzzz").len() <= 12);
    }

    #[test]
    fn numbers_sort_as_names_do() {
        let mut names = ["张三", "bob", "李四", "阿明", "alice", "王五", "单田芳", "苏轼", "李思", "李"];
        names.sort_by_key(|name| order(&folded(name)));
        assert_eq!(names, ["alice", "阿明", "bob", "李", "李四", "李思", "单田芳", "苏轼", "王五", "张三"]);
    }
}
