//! People, companies and documents made by numbers, always the same: common and rare names, compound surnames, minority names, companies
//! that differ by one word.

/// Surnames, commoner ones in front.
const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林",
    "罗", "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "袁", "潘", "于",
    "蒋", "蔡", "余", "杜", "叶", "程", "苏", "魏", "吕", "丁", "任", "沈", "姚", "卢", "姜", "崔", "钟", "谭", "陆",
    "汪", "范", "金", "石", "廖", "贾", "夏", "韦", "付", "方", "白", "邹", "孟", "熊", "秦", "邱", "江", "尹", "薛",
];
/// Surnames of two characters.
const COMPOUND: &[&str] =
    &["欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "令狐", "慕容", "夏侯", "长孙", "司徒"];
/// Surnames that are read otherwise than the character.
const SPOKEN: &[&str] = &["单", "解", "仇", "区", "查", "曾", "朴", "盖", "缪", "翟"];
const GIVEN: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀英建国志海燕晓东雨桐子涵浩然思远佳怡文博美玲庆春梅俊雪玉兰振华立新红梓萱鸣若曦锋嘉豪晨宇航诗群永康淑珍家慧平安乐天朝阳成龙飞鹏云峰山河清泉石松柏林森炎鑫磊焱淼垚";
/// Characters that few names have.
const RARE: &[&str] = &[
    "㛃", "𬱖", "犇", "骉", "翀", "喆", "煜", "璟", "彧", "祎", "昇", "堃", "垚", "淼", "赟", "珺", "瀚", "頔", "龑",
    "曌",
];
const MINORITY: &[&str] = &[
    "阿卜杜拉",
    "买买提",
    "艾合买提",
    "古丽娜尔",
    "阿依古丽",
    "巴特尔",
    "乌兰",
    "扎西",
    "多吉",
    "卓玛",
    "吐尔逊",
    "热依汗",
    "努尔兰",
    "帕提古丽",
    "玉素甫",
];
const CITIES: &[&str] = &[
    "北京", "上海", "深圳", "广州", "杭州", "成都", "武汉", "南京", "西安", "重庆", "苏州", "青岛", "宁波", "长沙",
    "温州", "厦门",
];
const TRADES: &[&str] = &[
    "科技", "贸易", "物流", "食品", "医药", "建设", "纺织", "化工", "传媒", "教育", "机电", "农业", "软件", "环保",
    "能源", "投资",
];
const FORMS: &[&str] = &["有限公司", "股份有限公司", "集团", "有限责任公司"];
const BRANDS: &str = "恒远华兴东方安达明德新叶北辰海川博雅金桥瑞丰云帆绿源启航四通锦绣宏图大业正泰康宁永福天成德隆万和盛世同仁百川鼎力凯旋长青";
/// Words of documents.
const WORDS: &[&str] = &[
    "会员", "大会", "章程", "理事", "决议", "预算", "采购", "合同", "违约", "责任", "付款", "期限", "验收", "标准",
    "保密", "义务", "争议", "仲裁", "通知", "培训", "活动", "方案", "安全", "检查", "财务", "审计", "报告", "年度",
    "工作", "总结", "项目", "合作", "协议", "技术", "服务", "质量", "管理", "制度",
];

/// splitmix64.
pub fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<'a>(list: &[&'a str], seed: u64) -> &'a str {
    usize::try_from(seed % list.len().max(1) as u64).ok().and_then(|at| list.get(at).copied()).unwrap_or("")
}

fn letter(list: &str, seed: u64) -> char {
    let count = list.chars().count() as u64;
    usize::try_from(seed % count.max(1)).ok().and_then(|at| list.chars().nth(at)).unwrap_or('王')
}

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Number, from 1.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Eleven digits.
    pub phone: String,
    /// Company.
    pub company: String,
}

/// The name of a person.
pub fn name(id: u64) -> String {
    let seed = mixed(id);
    match seed % 100 {
        0..4 => format!("{}{}{}", pick(COMPOUND, seed >> 8), letter(GIVEN, seed >> 16), second(seed)),
        4..7 => format!("{}{}{}", pick(SPOKEN, seed >> 8), letter(GIVEN, seed >> 16), second(seed)),
        7..9 => format!("{}·{}", pick(MINORITY, seed >> 8), pick(MINORITY, seed >> 24)),
        9..12 => format!("{}{}{}", pick(SURNAMES, seed >> 8), letter(GIVEN, seed >> 16), pick(RARE, seed >> 24)),
        12 => format!(
            "{} {}",
            pick(&["John", "Mary", "Peter", "Anna", "David", "Linda"], seed >> 8),
            pick(&["Smith", "Johnson", "Müller", "Schneider", "Tanaka", "Williams", "Petrov"], seed >> 16)
        ),
        _ => {
            // Common surnames are common.
            let common = (seed >> 8) % 76;
            let common = common * ((seed >> 40) % 76) / 76;
            format!("{}{}{}", pick(SURNAMES, common), letter(GIVEN, seed >> 16), second(seed))
        }
    }
}

fn second(seed: u64) -> String {
    if (seed >> 50).is_multiple_of(5) { String::new() } else { letter(GIVEN, seed >> 32).to_string() }
}

/// A company. Those of a pair differ by one word.
pub fn company(id: u64) -> String {
    let pair = id / 2;
    let seed = mixed(pair ^ 0x00c0_ffee);
    let brand: String = [letter(BRANDS, seed >> 4), letter(BRANDS, seed >> 12)].iter().collect();
    let trade = pick(TRADES, (seed >> 20) + (id % 2) * (1 + (seed >> 28) % 15));
    format!("{}{brand}{trade}{}", pick(CITIES, seed >> 36), pick(FORMS, seed >> 44))
}

/// A person, at one of so many companies.
pub fn person(id: u64, companies: u64) -> Person {
    let seed = mixed(id ^ 0x0bad_cafe);
    Person {
        id,
        name: name(id),
        phone: format!("1{}{:09}", 3 + seed % 7, mixed(id ^ 0x5eed) % 1_000_000_000),
        company: company((seed >> 16) % companies.max(1)),
    }
}

/// A document: title and pages. One page has a sentence with a number of its own.
pub fn document(id: u64) -> (String, Vec<String>) {
    let seed = mixed(id ^ 0x00d0_c000);
    let title = format!(
        "{}{}{}",
        pick(WORDS, seed),
        pick(WORDS, seed >> 8),
        ["合同", "通知", "纪要", "报告"].get(usize::try_from(id % 4).unwrap_or(0)).copied().unwrap_or("")
    );
    let count = 1 + seed % 4;
    let pages = (0..count).map(|page| {
        let mut text = String::new();
        for word in 0..120u64 {
            text.push_str(pick(WORDS, mixed(id * 1_000_003 + page * 1_009 + word)));
            if word % 9 == 8 {
                text.push('，');
            }
        }
        if page == count - 1 {
            text.push_str(&format!("。{}", sentence(id)));
        }
        text
    });
    (title, pages.collect())
}

/// A sentence that only this document has, on its last page.
pub fn sentence(id: u64) -> String {
    let seed = mixed(id ^ 0x00ab_cdef);
    let chars: String =
        (0..6).map(|at| letter("犀牛望月蓝鲸跃海青鸾飞渡寒蝉凄切落霞孤鹜秋水长天", seed >> (at * 9))).collect();
    format!("本文编号{chars}{id}号")
}
