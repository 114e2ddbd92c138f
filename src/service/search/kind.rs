//! The registry of what can be found. A feature adds its kind here, in one place: what of a record is searched, how its changes are
//! noticed, who may see it, and how a find looks.

use super::{kinds, sale};
use crate::{Actor, Error, file::Files, seal::Sealer};
use domain::{Permission, Time, permission::Place, query::Query};
use search::{Entry, Key};
use std::cell::RefCell;
use store::{SpaceView, Touched};

/// What the entries of a record are made with.
pub struct Making<'a> {
    /// The space at one instant.
    pub view: &'a SpaceView,
    /// For sensitive answers, of which only keyed hashes are searched.
    pub sealer: &'a Sealer,
    /// For the texts of documents.
    pub files: &'a Files,
}

/// What a find is shown with.
pub struct Showing<'a> {
    /// The space at one instant.
    pub view: &'a SpaceView,
    /// For the texts of documents.
    pub files: &'a Files,
    /// Who asks.
    pub actor: &'a Actor,
    /// What was looked for.
    pub query: &'a Query,
    /// The page it was found on; 0 for none.
    pub page: u32,
    /// Phone numbers that were shown in full.
    pub phones: &'a RefCell<Vec<String>>,
}

impl Showing<'_> {
    /// A phone number as the asker may see it at that place.
    pub fn phone(&self, e164: &str, place: &Place) -> String {
        if self.actor.covers(Permission::PersonSensitive, place) {
            self.phones.borrow_mut().push(e164.to_owned());
            domain::phone::local(e164)
        } else {
            domain::phone::masked(e164)
        }
    }
}

/// How a find looks. Everything in it is read from the store and as the asker may see it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Card {
    /// Where the record lies, for the permission.
    pub place: Place,
    /// Name or title.
    pub title: String,
    /// What else tells it from others: phone, company, place; short texts.
    pub facts: Vec<String>,
    /// A piece of its text around what was looked for, already cut.
    pub piece: String,
    /// The page that the piece is from; 0 for none.
    pub page: u32,
    /// Its time.
    pub at: Option<Time>,
    /// What is special about it, as an English source text.
    pub note: Option<&'static str>,
    /// Where it opens.
    pub href: String,
}

/// Records that are read at a time while the index is built.
pub const CHUNK: usize = 2_000;

/// One kind of records.
pub trait Kind: Sync {
    /// Its number in the index, never used again.
    fn number(&self) -> u8;
    /// Its name, as it stands in addresses and behind `type:`.
    fn name(&self) -> &'static str;
    /// Other names that people type behind `type:`.
    fn names(&self) -> &'static [&'static str];
    /// English source text of what several of them are called.
    fn label(&self) -> &'static str;
    /// What one must hold at a record's place to see it; none: every member of staff may.
    fn permission(&self) -> Option<Permission>;
    /// Its records lie in the program and not in the store; they are taken in when the program is another than the one that wrote the index, or has a space more.
    fn is_fixed(&self) -> bool {
        false
    }
    /// Where its records lie, for scopes, is where their event lies: in its department, made by its maker.
    fn is_of_event(&self) -> bool {
        false
    }
    /// The record whose entries a change may alter.
    fn touched(&self, change: &Touched<'_>) -> Option<Key>;
    /// Keys of its records behind `from`, in order, at most [`CHUNK`].
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error>;
    /// What is searched of a record: nothing when it is gone, one entry, or one for each page.
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error>;
    /// How a record looks; none when it is gone.
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error>;
}

/// Every kind that is found. A new one is added here and nowhere else.
pub const KINDS: &[&dyn Kind] = &[
    &kinds::Persons,
    &kinds::Registrations,
    &kinds::Events,
    &kinds::Documents,
    &kinds::HelpPages,
    &kinds::Accounts,
    &sale::Orders,
    &sale::Notices,
];

/// The kind of that name, in whatever language it was typed.
pub(super) fn named(kinds: &[&'static dyn Kind], typed: &str) -> Option<&'static dyn Kind> {
    let typed = typed.trim().to_lowercase();
    kinds.iter().copied().find(|kind| kind.name() == typed || kind.names().contains(&typed.as_str()))
}
