//! The binary: command line, configuration, boot, listener, signals.

mod boot;
mod clock;
mod command;
mod demo;
mod demo_post;
mod demo_print;
mod demo_wechat;
mod listen;
mod scanner;
mod settings;
mod wording;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    command::run()
}
