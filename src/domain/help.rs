//! The help pages, part of the program: short, in Chinese, found by the search like everything else.

/// A help page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Number, never used again.
    pub id: u64,
    /// What its address ends with.
    pub name: &'static str,
    /// The page as Markdown; its first line is the title.
    pub text: &'static str,
}

impl Page {
    /// The title.
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or("").trim_start_matches('#').trim()
    }

    /// Everything below the title.
    pub fn body(&self) -> &'static str {
        self.text.split_once('\n').map_or("", |(_, body)| body)
    }
}

/// Every page in the order of the list.
pub const PAGES: &[Page] = &[
    Page { id: 1, name: "event", text: include_str!("../../docs/help/event.md") },
    Page { id: 2, name: "import", text: include_str!("../../docs/help/import.md") },
    Page { id: 3, name: "checkin", text: include_str!("../../docs/help/checkin.md") },
    Page { id: 4, name: "phone", text: include_str!("../../docs/help/phone.md") },
    Page { id: 5, name: "search", text: include_str!("../../docs/help/search.md") },
    Page { id: 6, name: "document", text: include_str!("../../docs/help/document.md") },
    Page { id: 7, name: "account", text: include_str!("../../docs/help/account.md") },
    Page { id: 8, name: "backup", text: include_str!("../../docs/help/backup.md") },
];

/// The page of that name.
pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_number_a_name_and_a_title_of_its_own() {
        for (at, page) in PAGES.iter().enumerate() {
            assert!(!page.title().is_empty() && page.body().len() > 100, "{}", page.name);
            assert!(PAGES.iter().skip(at + 1).all(|other| other.id != page.id && other.name != page.name));
        }
    }
}
