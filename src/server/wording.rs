//! The words of messages that leave the box: what the pages say, in the reader's language.

use domain::Notice;
use jiff::tz::TimeZone;
use service::message::Wording;
use views::{Lang, Shell, format::Format, phone::order::words, text::Text};

/// The hall's own words.
pub struct Words {
    /// Scheme and host that links begin with.
    pub base: Option<String>,
}

impl Wording for Words {
    fn words(&self, notice: &Notice, zone: &TimeZone, lang: &str) -> String {
        let format = Format { text: Text(Lang::parse(lang).unwrap_or_default()), zone: zone.clone() };
        let shell = Shell {
            format,
            space: String::new(),
            logo: None,
            user: None,
            nav: Vec::new(),
            flash: None,
            path: String::new(),
            free: false,
            eyes: None,
            start: None,
        };
        words(&shell, notice)
    }

    fn subject(&self, notice: &Notice, lang: &str) -> String {
        let occasion = Text(Lang::parse(lang).unwrap_or_default()).t(notice.purpose.label()).to_owned();
        let event = notice.values.iter().find(|(name, _)| name == "event").map(|(_, value)| value.as_str());
        match event {
            Some(event) if !event.is_empty() => format!("{occasion} · {event}"),
            _ => occasion,
        }
    }

    fn said(&self, english: &'static str, lang: &str) -> String {
        Text(Lang::parse(lang).unwrap_or_default()).t(english).to_owned()
    }

    fn base(&self) -> Option<String> {
        self.base.clone()
    }
}
