//! End to end: the real binary on a free port, through real sockets, with a real browser; and the tidy test over the tree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod abuse;
mod account;
mod api;
mod backup;
mod browser;
mod client;
mod command;
mod described;
mod door;
mod draw;
mod event;
mod extras;
mod eyes;
mod hall;
mod health;
mod identity;
mod keys;
mod kiosk;
mod merchant;
mod message;
mod mini;
mod once;
mod order;
mod pay;
mod print;
mod privacy;
mod routes;
mod scanner;
mod scenario;
mod search;
mod stage;
mod standby;
mod start;
mod storm;
mod systemd;
mod tidy;
mod tls;
mod tunnel;
mod update;
mod vectors;
mod wechat;
