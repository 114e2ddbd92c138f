//! Languages: English source text, Chinese catalogue from `assets/text/zh/*.toml`. A text without a translation stays English;
//! the tidy test sees to it that there is none.

use domain::{Args, Refusal};
use rust_embed::RustEmbed;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../assets/text/zh"]
struct Catalogues;

/// A language of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// Simplified Chinese, what the product starts in.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The language of a tag such as `zh-CN` or `en`.
    pub fn parse(tag: &str) -> Option<Self> {
        match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The tag for `lang` attributes and the cookie.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The language's name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zh => "中文",
            Self::En => "English",
        }
    }
}

/// English to Chinese, from all catalogue files.
fn chinese() -> &'static HashMap<String, String> {
    static CHINESE: OnceLock<HashMap<String, String>> = OnceLock::new();
    CHINESE.get_or_init(|| {
        let mut all = HashMap::new();
        for name in Catalogues::iter() {
            let Some(file) = Catalogues::get(&name) else { continue };
            let parsed = std::str::from_utf8(&file.data)
                .ok()
                .and_then(|text| toml::from_str::<HashMap<String, String>>(text).ok());
            all.extend(parsed.unwrap_or_default());
        }
        all
    })
}

/// Texts in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Text(pub Lang);

impl Text {
    /// The text in the reader's language.
    pub fn t<'a>(&self, english: &'a str) -> &'a str
    where
        'static: 'a,
    {
        match self.0 {
            Lang::En => english,
            Lang::Zh => chinese().get(english).map_or(english, String::as_str),
        }
    }

    /// The text with its `{placeholders}` filled.
    pub fn f(&self, english: &str, args: &[(&str, &dyn Display)]) -> String {
        let args: Vec<(&str, String)> = args.iter().map(|(name, value)| (*name, value.to_string())).collect();
        self.fill(english, &args)
    }

    /// As [`Self::f`], with the arguments of a refusal or problem. A value that is itself a text of the catalogue is translated.
    pub fn args(&self, english: &str, args: &Args) -> String {
        let args: Vec<(&str, String)> = args.iter().map(|(name, value)| (*name, self.t(value).to_owned())).collect();
        self.fill(english, &args)
    }

    /// What a refusal says.
    pub fn refusal(&self, refusal: &Refusal) -> String {
        self.args(refusal.text, &refusal.args)
    }

    /// Fills placeholders in one pass, so that values with braces stay as they are.
    pub fn fill<V: AsRef<str>>(&self, english: &str, args: &[(&str, V)]) -> String {
        let mut rest = self.t(english);
        let mut out = String::with_capacity(rest.len() + 16);
        while let Some((before, behind)) = rest.split_once('{') {
            out.push_str(before);
            let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
            match args.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => out.push_str(value.as_ref()),
                None => {
                    out.push('{');
                    out.push_str(name);
                    out.push('}');
                }
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_catalogue_file_is_read_and_no_key_has_two_meanings() {
        let mut seen: HashMap<String, String> = HashMap::new();
        for name in Catalogues::iter() {
            let file = Catalogues::get(&name).unwrap();
            let parsed: HashMap<String, String> = toml::from_str(std::str::from_utf8(&file.data).unwrap()).unwrap();
            for (english, text) in parsed {
                let kept = seen.insert(english.clone(), text.clone());
                assert!(kept.is_none_or(|kept| kept == text), "{english} in {name}");
            }
        }
        assert_eq!(seen.len(), chinese().len());
    }

    #[test]
    fn every_permission_and_way_to_log_in_has_chinese() {
        use domain::login::LoginWay::{Code, Link, Passkey, Password, Recovery, WrongCodes};
        let ways = [Password, Code, Recovery, Passkey, Link, WrongCodes].map(|way| way.label());
        for label in domain::Permission::ALL.iter().map(|permission| permission.label()).chain(ways) {
            assert!(chinese().contains_key(label), "{label}");
        }
    }

    #[test]
    fn values_are_filled_in_once() {
        let text = Text(Lang::En);
        assert_eq!(text.f("{a} of {b}, {c}", &[("a", &"{b}"), ("b", &2)]), "{b} of 2, {c}");
    }
}
