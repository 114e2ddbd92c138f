//! A person: one record whatever roles and relations they have in the space. Found by phone; roles are other records.

use crate::{PersonId, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// One person in a space.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Number.
    pub id: PersonId,
    /// Name, 1–60 characters.
    pub name: String,
    /// Phone in E.164; unique in the space when given.
    pub phone: Option<String>,
    /// Company or organisation as the person gave it.
    pub company: String,
    /// When the record was made.
    pub created_at: Time,
}

/// Longest name of a person, in characters.
pub const NAME_MAX: usize = 60;
/// Longest company name, in characters.
pub const COMPANY_MAX: usize = 100;
