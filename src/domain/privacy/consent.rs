//! The privacy notice, of which every version stays, and who agreed to which version, when and by which way; or took it back.

use crate::{PersonId, Refusal, Time, audit::By, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// One version of the association's privacy notice. Versions are added, never changed.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PrivacyNotice {
    /// Number, from 1.
    pub version: u32,
    /// What it says; empty: from here on nothing is asked.
    pub text: String,
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// Since when it holds.
    pub at: Time,
    /// Who put it there.
    pub by: By,
}

/// By which way somebody agreed.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentWay {
    /// With the registration form.
    Form,
    /// Through another program, such as the mini-program.
    Api,
    /// On paper; the secretariat took it down.
    Paper,
}

impl ConsentWay {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Api => "api",
            Self::Paper => "paper",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Form => "Registration form",
            Self::Api => "Another program",
            Self::Paper => "On paper",
        }
    }
}

/// Somebody agreed to a version of the notice.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub person: PersonId,
    /// The version.
    pub version: u32,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// When.
    pub at: Time,
    /// By which way.
    pub way: ConsentWay,
    /// Who took it down, where it was on paper.
    pub by: By,
    /// When it was taken back.
    pub withdrawn: Option<Time>,
}

/// Longest notice, in characters.
pub const NOTICE_MAX: usize = 20_000;

/// Checks the text of a new version; empty: nothing is asked from now on. `before`: what holds.
pub fn check_notice(typed: &str, before: &str) -> Result<String, Refusal> {
    let mut form = Form::default();
    let text = form.block("text", typed, NOTICE_MAX);
    if form.problems.is_empty() && text == before {
        form.wrong(problem!("text", "This is the text that holds already."));
    }
    form.done(text)
}

/// Whether whoever registers agreed to the version that holds; none holds: nothing is asked.
pub fn check_agreed(holds: Option<u32>, agreed: Option<u32>) -> Result<(), Refusal> {
    match holds {
        Some(version) if agreed != Some(version) => Err(Refusal::invalid(vec![problem!(
            "privacy_notice",
            "Please read the privacy notice and agree to it. It may have changed since you opened the page."
        )])),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_registers_agrees_to_the_version_that_holds() {
        let cases = [
            (None, None, true),
            (None, Some(1), true),
            (Some(2), Some(2), true),
            (Some(2), Some(1), false),
            (Some(2), None, false),
        ];
        for (holds, agreed, fine) in cases {
            assert_eq!(check_agreed(holds, agreed).is_ok(), fine, "{holds:?} {agreed:?}");
        }
        assert_eq!(check_notice(" 我们保存… ", "").unwrap(), "我们保存…");
        assert!(check_notice("同", "同").is_err() && check_notice(&"长".repeat(NOTICE_MAX + 1), "").is_err());
        assert_eq!(check_notice("", "旧").unwrap(), "", "it can be taken off");
    }
}
