//! How the outside is reached: one way out ([`egress`]), the outside's protocols, and a stand-in on the box's own address for each of them.
//! Nothing here knows records; what is to be sent and what became of it is for `service` to keep.

pub mod acme;
pub mod address;
mod breaker;
pub mod depot;
pub mod egress;
pub mod mail;
pub mod pay;
pub mod sms;
pub mod ssh;
pub mod standin;
pub mod wechat;
mod xml;

pub use egress::{Call, Done, Egress, Reach, Reply, Tools, Trouble};
