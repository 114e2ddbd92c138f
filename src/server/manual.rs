//! The manual page and the shells' completions, written from the command line itself when the package is made.

use clap::Command;
use clap_complete::Shell;
use std::fs;
use std::io;
use std::path::Path;

/// Shells that are served, with the name that each looks for.
const SHELLS: [(Shell, &str); 3] =
    [(Shell::Bash, "huiguan.bash"), (Shell::Zsh, "_huiguan"), (Shell::Fish, "huiguan.fish")];

/// Writes all of them into a folder, which is made.
pub fn write(mut command: Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (shell, name) in SHELLS {
        let mut out = Vec::new();
        clap_complete::generate(shell, &mut command, "huiguan", &mut out);
        fs::write(folder.join(name), out)?;
    }
    let mut out = Vec::new();
    clap_mangen::Man::new(command).title("HUIGUAN").render(&mut out)?;
    fs::write(folder.join("huiguan.1"), out)
}
