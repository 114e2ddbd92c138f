//! Big screens for the audience.

pub mod draw;
