//! Searches that somebody keeps for later.

use crate::{AccountId, Refusal, SearchId, Time, query::QUERY_MAX, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// A search kept under a name, for its owner alone.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SavedSearch {
    /// Number.
    pub id: SearchId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name, 1–40 characters.
    pub name: String,
    /// The page it is of, such as `/admin/search`, with its query: an address on this box.
    pub address: String,
    /// When it was kept.
    pub created_at: Time,
}

/// Most searches that one account keeps.
pub const SAVED_MAX: usize = 50;
/// Longest name in characters.
pub const SAVED_NAME_MAX: usize = 40;

/// Checks the name and the address of a search that is to be kept.
pub fn check_saved(name: &str, address: &str) -> Result<(String, String), Refusal> {
    let mut form = Form::default();
    let name = form.required("name", name, SAVED_NAME_MAX);
    let sound = address.starts_with("/admin/")
        && address.len() <= QUERY_MAX * 12
        && !address.contains(['\\', '"', '<', '>'])
        && !address.contains("//")
        && address.bytes().all(|byte| byte.is_ascii_graphic());
    if !sound {
        return Err(refuse!(Invalid, "search.bad_address", "This search cannot be kept."));
    }
    form.done((name, address.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_searches_of_this_box_are_kept() {
        assert!(check_saved("贵宾", "/admin/search?q=%E8%B4%B5").is_ok());
        for address in ["", "https://evil.example", "//evil.example", "/admin//evil", "/admin/x\ny", "/login"] {
            assert_eq!(check_saved("x", address).unwrap_err().code, "search.bad_address", "{address}");
        }
        assert_eq!(check_saved("", "/admin/search").unwrap_err().code, "input.invalid");
    }
}
