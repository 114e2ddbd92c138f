//! Ways to pay (S0-74, S0-75): which there are, and how the association sets them up. What an order owes is for `order` to say.

use crate::{Refusal, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// A way to pay.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Cash, taken by the secretariat.
    Cash,
    /// A transfer to the association's bank account.
    BankTransfer,
    /// At the door, on the day.
    AtDoor,
    /// Through WeChat, by QR code or inside WeChat.
    Wechat,
}

impl Method {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Cash, Self::BankTransfer, Self::AtDoor, Self::Wechat];

    /// The ways whose money the secretariat records; what comes through WeChat records itself.
    pub const BY_HAND: &[Self] = &[Self::Cash, Self::BankTransfer, Self::AtDoor];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::BankTransfer => "bank_transfer",
            Self::AtDoor => "at_door",
            Self::Wechat => "wechat",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cash => "Cash at the secretariat",
            Self::BankTransfer => "Bank transfer",
            Self::AtDoor => "Pay at the door",
            Self::Wechat => "WeChat Pay",
        }
    }

    /// The way of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.code() == code)
    }

    /// Places that are to be paid this way are kept until the event; the others only as long as the event says.
    pub fn is_kept(self) -> bool {
        matches!(self, Self::AtDoor)
    }
}

/// How the association takes money in one way.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PaymentSetting {
    /// The way.
    pub method: Method,
    /// Buyers can choose it.
    pub enabled: bool,
    /// What a buyer must know: account holder, bank, account number, office hours; several lines.
    pub instructions: String,
}

impl PaymentSetting {
    /// A way that nobody set up.
    pub fn off(method: Method) -> Self {
        Self { method, enabled: false, instructions: String::new() }
    }
}

/// Longest instructions in characters.
pub const INSTRUCTIONS_MAX: usize = 500;

/// Checks a way's form: a bank transfer without an account cannot be offered.
pub fn check_setting(method: Method, enabled: bool, instructions: &str) -> Result<PaymentSetting, Refusal> {
    let mut form = Form::default();
    let field = format!("{}-instructions", method.code());
    let instructions = form.block(&field, instructions, INSTRUCTIONS_MAX);
    if enabled && method == Method::BankTransfer && instructions.is_empty() {
        form.wrong(problem!(field, "Write down the account that people pay to."));
    }
    form.done(PaymentSetting { method, enabled, instructions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_transfer_needs_an_account() {
        let cases = [
            (Method::Cash, true, "", true),
            (Method::BankTransfer, true, " ", false),
            (Method::BankTransfer, true, "中国银行 6222 0000", true),
            (Method::BankTransfer, false, "", true),
        ];
        for (method, enabled, text, sound) in cases {
            assert_eq!(check_setting(method, enabled, text).is_ok(), sound, "{method:?} {text}");
        }
    }

    #[test]
    fn codes_name_one_way_each() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.code()), Some(*method));
        }
        assert_eq!(Method::parse("barter"), None);
    }
}
