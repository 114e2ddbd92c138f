//! Pages for visitors on a phone.

pub mod event;
pub mod order;
pub mod own;
pub mod register;
pub mod ticket;
