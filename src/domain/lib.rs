//! What an association *is*: records, ids, money, time windows, permissions, refusals, and the pure rules
//! over them. No I/O, no clock, no randomness: time, seeds and lookups are arguments.

pub mod account;
pub mod audit;
pub mod checkin;
pub mod code;
pub mod device;
pub mod document;
pub mod event;
pub mod field;
pub mod help;
pub mod id;
pub mod id_card;
pub mod import;
pub mod money;
pub mod permission;
pub mod person;
pub mod phone;
pub mod picture;
pub mod query;
pub mod refusal;
pub mod search;
pub mod space;
pub mod text;
pub mod ticket;
pub mod ticket_type;
pub mod time;

pub use account::{Account, Grant, Session};
pub use audit::{AuditLine, By};
pub use checkin::{CheckinList, Gate, Scan, ScanBlock};
pub use device::Device;
pub use document::Document;
pub use event::{Event, Group};
pub use id::*;
pub use import::Import;
pub use money::Money;
pub use permission::{Permission, Scope};
pub use person::Person;
pub use picture::Picture;
pub use refusal::{Args, Kind, Problem, Refusal};
pub use search::SavedSearch;
pub use space::{Department, Space};
pub use ticket::{Ticket, TicketState};
pub use ticket_type::TicketType;
pub use time::{Time, Window};
