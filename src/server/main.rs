//! The binary: command line, configuration, boot, listener, signals.

mod announce;
mod boot;
mod clock;
mod command;
mod cores;
mod crowd;
mod demo;
mod demo_merchant;
mod demo_pay;
mod demo_post;
mod demo_print;
mod demo_wechat;
mod doctor;
mod draw;
mod figures;
mod key;
mod listen;
mod machine;
mod manual;
mod patient;
mod proxy;
mod restore;
mod scanner;
mod settings;
mod standby;
mod supervise;
mod tls;
mod tunnel;
mod update;
mod verify;
mod wording;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    command::run()
}
