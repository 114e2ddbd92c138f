//! How pages look: maud layout, components, one file per feature. Plain data in, markup out; nothing here reads or decides.

pub mod admin;
pub mod asset;
pub mod component;
pub mod format;
pub mod layout;
pub mod merchant;
pub mod phone;
pub mod privacy;
pub mod rule;
pub mod screen;
pub mod terminal;
pub mod text;

pub use layout::{Eyes, Flash, NavEntry, Shell, Tone};
pub use text::{Lang, Text};
