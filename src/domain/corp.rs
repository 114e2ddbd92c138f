//! Messages to WeCom members by kind, within the limits that WeCom has for each. Source: developer.work.weixin.qq.com 发送应用消息.

use crate::{Problem, Refusal, problem, text::block};
use serde::{Deserialize, Serialize};

/// A message to members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CorpMessage {
    /// Plain text.
    Text {
        /// At most 2,048 bytes.
        text: String,
    },
    /// A part of Markdown, read in WeCom alone.
    Markdown {
        /// At most 2,048 bytes.
        text: String,
    },
    /// A card with a link.
    Card {
        /// At most 128 bytes.
        title: String,
        /// At most 512 bytes.
        text: String,
        /// At most 2,048 bytes.
        url: String,
    },
    /// A picture that was uploaded.
    Image {
        /// Its media id.
        media: String,
    },
    /// A recording that was uploaded.
    Voice {
        /// Its media id.
        media: String,
    },
    /// A file that was uploaded.
    File {
        /// Its media id.
        media: String,
    },
    /// A notice that opens a mini-program.
    Mini {
        /// App id of the mini-program.
        app: String,
        /// Its page; empty: the first.
        page: String,
        /// 4 to 12 characters.
        title: String,
        /// Name and value, at most 10: 10 and 30 characters.
        items: Vec<(String, String)>,
    },
}

/// Kinds with the English source text of their names.
pub const KINDS: &[(&str, &str)] = &[
    ("text", "Text"),
    ("markdown", "Markdown"),
    ("card", "Card with a link"),
    ("image", "Picture"),
    ("voice", "Recording"),
    ("file", "File"),
    ("mini", "Mini-program notice"),
];

/// What a form holds.
#[derive(Debug, Clone, Default)]
pub struct CorpInput {
    /// Kind.
    pub kind: String,
    /// Text.
    pub text: String,
    /// Title.
    pub title: String,
    /// Link of a card.
    pub url: String,
    /// Media id; empty where the file comes along.
    pub media: String,
    /// The file comes along.
    pub attached: bool,
    /// App id of a mini-program.
    pub app: String,
    /// Its page.
    pub page: String,
    /// Lines `name: value`.
    pub items: String,
}

fn bytes(problems: &mut Vec<Problem>, field: &str, text: &str, max: usize) -> String {
    let text = block(text);
    if text.is_empty() || text.len() > max {
        problems.push(problem!(field, "1 to {max} bytes; a Chinese character has three.", max = max));
    }
    text
}

/// Checks a message to members.
pub fn check_corp(input: &CorpInput) -> Result<CorpMessage, Refusal> {
    let mut wrong = Vec::new();
    let message = match input.kind.as_str() {
        "" | "text" => CorpMessage::Text { text: bytes(&mut wrong, "message", &input.text, 2_048) },
        "markdown" => CorpMessage::Markdown { text: bytes(&mut wrong, "message", &input.text, 2_048) },
        "card" => {
            let url = bytes(&mut wrong, "url", &input.url, 2_048);
            if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
                wrong.push(problem!("url", "An address begins with https://."));
            }
            let title = bytes(&mut wrong, "title", &input.title, 128);
            CorpMessage::Card { title, text: bytes(&mut wrong, "message", &input.text, 512), url }
        }
        "image" => CorpMessage::Image { media: media(&mut wrong, input) },
        "voice" => CorpMessage::Voice { media: media(&mut wrong, input) },
        "file" => CorpMessage::File { media: media(&mut wrong, input) },
        "mini" => mini(&mut wrong, input),
        _ => {
            wrong.push(problem!("kind", "Choose one of the given answers."));
            CorpMessage::Text { text: String::new() }
        }
    };
    Refusal::unless_clean(wrong)?;
    Ok(message)
}

fn media(problems: &mut Vec<Problem>, input: &CorpInput) -> String {
    if input.attached {
        return String::new();
    }
    let media = input.media.trim();
    if media.is_empty() || media.len() > 512 || !media.bytes().all(|b| b.is_ascii_graphic()) {
        problems
            .push(problem!("media", "Choose a file, or give the media id that WeCom answered when it was uploaded."));
    }
    media.to_owned()
}

fn mini(problems: &mut Vec<Problem>, input: &CorpInput) -> CorpMessage {
    let app = input.app.trim().to_owned();
    if !app.starts_with("wx") || app.len() > 64 || !app.bytes().all(|b| b.is_ascii_alphanumeric()) {
        problems
            .push(problem!("mini_app", "This is no id of an app. It begins with wx or ww; copy it from the console."));
    }
    let page = input.page.trim().to_owned();
    if page.starts_with('/') || page.len() > 512 {
        problems.push(problem!("mini_page", "A page has no slash in front."));
    }
    let title = block(&input.title);
    if !(4..=12).contains(&title.chars().count()) {
        problems.push(problem!("title", "4 to 12 characters."));
    }
    let mut items = Vec::new();
    for line in input.items.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once([':', '：']).unwrap_or((line, ""));
        let (name, value) = (name.trim(), value.trim());
        let fits = (1..=10).contains(&name.chars().count()) && (1..=30).contains(&value.chars().count());
        if !fits || items.len() == 10 {
            problems
                .push(problem!("items", "At most 10 lines, each a name of 10 and a value of 30 characters at most."));
            break;
        }
        items.push((name.to_owned(), value.to_owned()));
    }
    CorpMessage::Mini { app, page, title, items }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: &str) -> CorpInput {
        CorpInput {
            kind: kind.into(),
            text: "开会了".into(),
            title: "会议通知".into(),
            url: "https://hall.example.org/".into(),
            media: "3a8asd892asd8asd".into(),
            attached: false,
            app: "wx123123123123123".into(),
            page: "pages/event/index".into(),
            items: "会议：年会\n地点: 二号厅".into(),
        }
    }

    #[test]
    fn each_kind_of_message_to_members_has_its_limits() {
        for (kind, _) in KINDS {
            check_corp(&input(kind)).unwrap();
        }
        for kind in ["image", "voice", "file"] {
            check_corp(&CorpInput { media: String::new(), attached: true, ..input(kind) }).unwrap();
        }
        let cases = [
            (CorpInput { text: String::new(), ..input("text") }, "message"),
            (CorpInput { text: "字".repeat(683), ..input("text") }, "message"),
            (CorpInput { text: "字".repeat(683), ..input("markdown") }, "message"),
            (CorpInput { text: "字".repeat(171), ..input("card") }, "message"),
            (CorpInput { title: "字".repeat(43), ..input("card") }, "title"),
            (CorpInput { url: "javascript:x".into(), ..input("card") }, "url"),
            (CorpInput { url: String::new(), ..input("card") }, "url"),
            (CorpInput { media: "a b".into(), ..input("image") }, "media"),
            (CorpInput { media: String::new(), ..input("file") }, "media"),
            (CorpInput { app: "ww1".into(), ..input("mini") }, "mini_app"),
            (CorpInput { page: "/pages".into(), ..input("mini") }, "mini_page"),
            (CorpInput { title: "会议".into(), ..input("mini") }, "title"),
            (CorpInput { items: "a：b\n".repeat(11), ..input("mini") }, "items"),
            (CorpInput { items: format!("{}：b", "字".repeat(11)), ..input("mini") }, "items"),
            (CorpInput { items: format!("a：{}", "字".repeat(31)), ..input("mini") }, "items"),
            (CorpInput { items: "a".into(), ..input("mini") }, "items"),
            (input("video"), "kind"),
        ];
        for (input, field) in cases {
            assert_eq!(check_corp(&input).unwrap_err().problems[0].field, field, "{input:?}");
        }
    }
}
