//! What the hall *does*: one file per feature. Each verb checks the permission, loads, asks the rule in `domain`, and
//! commits once with its audit line. Knows neither HTTP nor HTML.

pub mod account;
pub mod actor;
pub mod archive;
mod aside;
pub mod audit;
pub mod brand;
pub mod calendar;
pub mod category;
pub mod certificate;
pub mod checkin;
pub mod ctx;
pub mod design;
pub mod device;
pub mod document;
pub mod draw;
pub mod error;
pub mod event;
pub mod event_view;
pub mod feedback;
pub mod file;
pub mod group;
pub mod home;
pub mod import;
pub mod job;
pub mod limit;
pub mod message;
mod model;
pub mod notice;
pub mod order;
pub mod outbox;
pub mod overview;
pub mod payment;
pub mod picture;
pub mod place;
pub mod portrait;
pub mod poster;
pub mod print;
pub mod promotion;
pub mod quota;
pub mod registration;
pub mod reminder;
pub mod render;
pub mod roster;
pub mod seal;
pub mod search;
pub mod seat;
pub mod series;
pub mod sheet;
pub mod sound;
pub mod space;
pub mod talk;
pub mod ticket_type;
pub mod token;
pub mod upload;
pub mod voucher;
pub mod waiting;
pub mod webhook;
pub mod wechat;

#[cfg(test)]
mod test;

pub use actor::{Actor, At, Permit, Who};
pub use aside::aside;
pub use ctx::{Clock, Ctx, Random, Work};
pub use error::Error;
