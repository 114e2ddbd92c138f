//! Refusals: what the hall says when it will not do what was asked. A refusal is a value with a stable code,
//! arguments and an English source text that the catalogues translate; only the web room turns it into HTTP.

use std::fmt;

/// What kind of refusal this is; the web room chooses the HTTP status by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The input cannot be taken as it is; the field problems say why.
    Invalid,
    /// Nobody is logged in, or the token is not known any more.
    Unknown,
    /// The actor has no permission for this, here.
    Denied,
    /// There is no such thing in this space.
    Missing,
    /// The state of things does not allow it (sold out, already done, changed meanwhile).
    Conflict,
    /// Too many attempts; try again later.
    Slow,
    /// The box cannot take writes just now (disk full, storage fault).
    Unavailable,
}

/// Named values that fill the `{placeholders}` of a text.
pub type Args = Vec<(&'static str, String)>;

/// One thing that is wrong with one field of a form or one column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field's name as the form or the API spells it.
    pub field: String,
    /// English source text with `{placeholders}`.
    pub text: &'static str,
    /// Values for the placeholders.
    pub args: Args,
}

/// A clear "no" with the reason, for a person and for a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Decides how the refusal travels (HTTP status, page or banner).
    pub kind: Kind,
    /// Stable code such as `ticket_type.sold_out`; programs rely on it.
    pub code: &'static str,
    /// English source text with `{placeholders}`.
    pub text: &'static str,
    /// Values for the placeholders.
    pub args: Args,
    /// What is wrong with which field; empty unless the input is invalid.
    pub problems: Vec<Problem>,
}

impl Refusal {
    /// The refusal of a form in which at least one field is wrong.
    pub fn invalid(problems: Vec<Problem>) -> Self {
        Self {
            kind: Kind::Invalid,
            code: "input.invalid",
            text: "Some fields need attention.",
            args: Vec::new(),
            problems,
        }
    }

    /// `Ok` when there is no problem, the refusal of the form otherwise.
    pub fn unless_clean(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        Err(Self::invalid(problems))
    }

    /// There is no such record in this space, or the actor may not know of it.
    pub fn missing(what: &'static str) -> Self {
        crate::refuse!(Missing, "record.missing", "This {what} does not exist, or no longer.", what = what)
    }

    /// The actor has no grant for the permission at this place.
    pub fn denied() -> Self {
        crate::refuse!(
            Denied,
            "permission.denied",
            "You have no permission for this. Ask an administrator of your association."
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)?;
        for problem in &self.problems {
            write!(f, "; {}: {}", problem.field, problem.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Builds a [`Refusal`]: kind, code, English text, then `name = value` for each placeholder.
#[macro_export]
macro_rules! refuse {
    ($kind:ident, $code:literal, $text:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::Refusal {
            kind: $crate::Kind::$kind,
            code: $code,
            text: $text,
            args: vec![$((stringify!($name), $value.to_string())),*],
            problems: Vec::new(),
        }
    };
}

/// Builds a [`Problem`]: field, English text, then `name = value` for each placeholder.
#[macro_export]
macro_rules! problem {
    ($field:expr, $text:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::Problem {
            field: $field.to_string(),
            text: $text,
            args: vec![$((stringify!($name), $value.to_string())),*],
        }
    };
}
