//! Pages for visitors on a phone.

pub mod certificate;
pub mod event;
pub mod own;
pub mod poster;
pub mod ticket;
