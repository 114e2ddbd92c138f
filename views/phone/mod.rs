//! Pages for visitors on a phone.

pub mod event;
pub mod feedback;
pub mod home;
pub mod own;
pub mod talk;
pub mod ticket;
