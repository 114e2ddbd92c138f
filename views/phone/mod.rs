//! Pages for visitors on a phone.

pub mod api;
pub mod certificate;
pub mod draw;
pub mod event;
pub mod feedback;
pub mod home;
pub mod invoice;
pub mod login;
pub mod message;
pub mod order;
pub mod own;
pub mod pay;
pub mod poster;
pub mod privacy;
pub mod register;
pub mod root;
pub mod talk;
pub mod ticket;
pub mod wechat;
