//! What an association *is*: records, ids, money, time windows, permissions, refusals, and the pure rules
//! over them. No I/O, no clock, no randomness: time, seeds and lookups are arguments.

pub mod id;

pub use id::*;
