//! WeChat and WeCom: mini-program, official account and WeCom app, each a client of its own over one way of asking ([`line`]), one owner of
//! tokens ([`token`]) and one envelope of what is pushed ([`push`]). Stand-ins that check what they are sent are in [`standin`].

pub mod crypt;
pub mod event;
pub mod fault;
pub mod keyword;
pub mod line;
pub mod mini;
pub mod official;
pub mod push;
pub mod standin;
pub mod token;
pub mod wecom;
mod xml;

pub use fault::{Act, Fault};
pub use line::App;
pub use token::{Locks, Shelf, Token, Tokens};

/// Where mini-programs and official accounts ask.
pub const WECHAT: &str = "https://api.weixin.qq.com";
/// Where people give their consent, and WeCom members log in.
pub const OPEN: &str = "https://open.weixin.qq.com";
/// Where WeCom apps ask.
pub const WECOM: &str = "https://qyapi.weixin.qq.com";

#[cfg(test)]
mod test;
