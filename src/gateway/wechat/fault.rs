//! How a call to WeChat or WeCom fails, and what is to be done about it. Both answer with HTTP 200 and a code; the codes are those of
//! developers.weixin.qq.com 全局返回码 and developer.work.weixin.qq.com 全局错误码.

use crate::{Done, Trouble};
use domain::time::{MINUTE, SECOND};
use std::fmt;

/// Why there is no good answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It did not come through, or the answer did not come back.
    Lost(Trouble),
    /// WeChat or WeCom said no.
    Answer {
        /// `errcode`.
        code: i64,
        /// `errmsg`, shortened; names the request (`rid`) that the console explains.
        text: String,
    },
    /// The answer is not of the documented shape.
    Unreadable(String),
    /// It was not sent: what is wrong with it, and at which field.
    Input {
        /// The field, as the protocol spells it.
        field: String,
        /// Why, for the log.
        why: String,
    },
    /// The box could not keep or read a token.
    Kept(String),
}

/// What is to be done about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The same again after so many milliseconds; nothing was done.
    Again(i64),
    /// A new token, then the same again, once.
    Renew,
    /// Not before tomorrow; the day's quota is used up.
    Tomorrow,
    /// Another code from the phone: this one is used, too old or not one.
    NewCode,
    /// Somebody must change the settings here or in the console.
    Settings,
    /// This person cannot be reached this way: no consent, no contact, or too long ago.
    Unreachable,
    /// Never: the same will be refused again.
    Never,
    /// Nobody knows whether it was done.
    Unsure,
}

impl Fault {
    /// An answer's fault.
    pub fn answer(code: i64, text: &str) -> Self {
        Self::Answer { code, text: text.chars().filter(|c| !c.is_control()).take(200).collect() }
    }

    /// The code of an answer.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Answer { code, .. } => Some(*code),
            Self::Lost(_) | Self::Unreadable(_) | Self::Input { .. } | Self::Kept(_) => None,
        }
    }

    /// What is to be done about it.
    pub fn act(&self) -> Act {
        match self {
            Self::Lost(trouble) => match trouble.done {
                Done::Not => Act::Again(trouble.retry_after.unwrap_or(5 * SECOND)),
                Done::Unknown => Act::Unsure,
                Done::Refused => Act::Never,
            },
            Self::Answer { code, .. } => of_code(*code),
            Self::Unreadable(_) => Act::Unsure,
            Self::Input { .. } => Act::Never,
            Self::Kept(_) => Act::Again(MINUTE),
        }
    }
}

/// What is to be done about a code. Unknown ones are final: asking again would not change them.
fn of_code(code: i64) -> Act {
    match code {
        -1 | 45033 | 45035 | 43108 => Act::Again(SECOND),
        44990 | 44991 | 45011 => Act::Again(MINUTE),
        40001 | 40014 | 42001 | 42007 => Act::Renew,
        45009 | 45028 | 44993 => Act::Tomorrow,
        40029 | 40163 => Act::NewCode,
        40002 | 40013 | 40125 | 40164 | 40243 | 41004 | 48001 | 48002 | 50007 | 60020 | 89503 | 89506 | 89507
        | 40037 | 40056 | 301_055 | 41030 | 43107 => Act::Settings,
        40003 | 40226 | 43004 | 43101 | 43104 | 45015 | 45047 | 61010 | 60111 | 81013 | 84061 => Act::Unreachable,
        _ => Act::Never,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(trouble) => write!(f, "{trouble}"),
            Self::Answer { code, text } => write!(f, "{code} {text}"),
            Self::Unreadable(why) => write!(f, "the answer cannot be read: {why}"),
            Self::Input { field, why } => write!(f, "{field}: {why}"),
            Self::Kept(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Lost(trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_has_its_consequence() {
        let cases = [
            (-1, Act::Again(SECOND)),
            (45011, Act::Again(MINUTE)),
            (40001, Act::Renew),
            (40014, Act::Renew),
            (42001, Act::Renew),
            (45009, Act::Tomorrow),
            (40029, Act::NewCode),
            (40163, Act::NewCode),
            (40164, Act::Settings),
            (60020, Act::Settings),
            (48001, Act::Settings),
            (43101, Act::Unreachable),
            (61010, Act::Unreachable),
            (47003, Act::Never),
            (45168, Act::Never),
            (999_999, Act::Never),
        ];
        for (code, act) in cases {
            assert_eq!(Fault::answer(code, "").act(), act, "{code}");
        }
        let lost = |done| Fault::Lost(Trouble::new(done, "x")).act();
        assert_eq!((lost(Done::Unknown), lost(Done::Refused)), (Act::Unsure, Act::Never));
        assert_eq!(lost(Done::Not), Act::Again(5 * SECOND));
        let long = Fault::answer(1, &"x\n".repeat(500)).to_string();
        assert!(long.len() < 210 && !long.contains('\n'));
    }
}
