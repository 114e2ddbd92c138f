//! How a verb fails: with a refusal that a person can act on, or with an internal error that is logged with a request id.

use domain::{Kind, Refusal, refuse};

/// What a verb answers when it does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A clear "no" with its reason.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something that should not happen; the text is for the log only.
    #[error("{0}")]
    Internal(String),
    /// What the verb needs of the event in memory is not there yet. Loaded and asked again by [`crate::Ctx::write`]; nobody else sees it.
    #[error("event {0} is not in memory")]
    Unloaded(domain::EventId),
}

impl Error {
    /// An internal error with what was being done.
    pub fn internal(doing: &str, cause: impl std::fmt::Display) -> Self {
        Self::Internal(format!("{doing}: {cause}"))
    }

    /// The refusal's stable code, if it is one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Internal(_) | Self::Unloaded(_) => None,
        }
    }

    /// The same, a refusal speaking of one field: the one that a file came in.
    pub fn at_field(self, field: &str) -> Self {
        match self {
            Self::Refused(mut refusal) => {
                for problem in &mut refusal.problems {
                    problem.field = field.to_owned();
                }
                refusal.into()
            }
            error => error,
        }
    }

    /// True for a refusal of that kind.
    pub fn is(&self, kind: Kind) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind == kind)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::DiskFull { .. } => Self::Refused(refuse!(
                Unavailable,
                "store.disk_full",
                "The box's disk is full. Nothing was changed. Make room on the disk and try again."
            )),
            store::Error::Fenced(_) => Self::Refused(refuse!(
                Unavailable,
                "standby.fenced",
                "Another box took over from this one. Nothing was changed here; open the page at the other box."
            )),
            _ => Self::Internal(format!("store: {error}")),
        }
    }
}
