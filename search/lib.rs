//! How records are found: what is searched of them, terms of names, pinyin, phones and prose, the index, queries and their highlights.
//! The only room that names tantivy. Which records there are and who may see them is said in `service`.

mod cursor;
mod entry;
mod find;
mod fuzzy;
mod highlight;
mod index;
mod normal;
mod pinyin;
mod plan;
mod quick;
mod steps;
mod walk;
mod words;

pub use entry::{Entry, Key, Phone};
pub use find::{Ask, Found, Hit, PLACES_MAX, Scope, Sight, Sort};
pub use highlight::{Marks, Piece, snippet};
pub use index::{Change, Damage, FORMAT, Index, Print, Use, print};
pub use normal::plain;
pub use pinyin::spoken;
pub use plan::Secret;
pub use words::rest;

#[cfg(test)]
mod test;
