//! Pages for visitors on a phone.

pub mod draw;
pub mod event;
pub mod own;
pub mod ticket;
