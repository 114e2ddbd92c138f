//! `huiguan draw verify`: checking the downloaded record of a draw, without any box.

use crate::command::say;
use service::Error;
use std::path::Path;
use std::process::ExitCode;

/// Largest record that is read.
const RECORD_MAX: u64 = 2 << 30;

/// Runs the command.
pub fn verify(path: &Path) -> Result<ExitCode, Error> {
    let read = |error: std::io::Error| Error::internal(&format!("reading {}", path.display()), error);
    let file = std::fs::File::open(path).map_err(read)?;
    if file.metadata().map_err(read)?.len() > RECORD_MAX {
        return Err(Error::Internal(format!("{} is too large for the record of a draw", path.display())));
    }
    let record: domain::draw::File = serde_json::from_reader(std::io::BufReader::new(file))
        .map_err(|error| Error::internal(&format!("{} is not the record of a draw", path.display()), error))?;
    let report = domain::draw::verify(&record);
    let (drawn, assigned) = report.counts();
    say(format!("{} · {}", report.name.1, report.name.0));
    say(format!("commitment {}", report.commitment));
    for turn in &report.turns {
        let of = turn.turn.map_or_else(
            || "assigned, not drawn".to_owned(),
            |number| format!("turn {number}, out of {}, seed {}", turn.count, turn.seed.1),
        );
        say(format!("{} {}: {of}", turn.level, turn.prize).trim_start());
        for (place, text, name) in &turn.winners {
            say(format!("  {place}. {text} {name}"));
        }
    }
    for (text, reason, by) in &report.voids {
        say(format!("taken back: {text}: {reason} ({by})"));
    }
    for problem in &report.problems {
        say(format!("PROBLEM {problem}"));
    }
    say(format!(
        "{} lines, {drawn} drawn, {assigned} assigned, {} taken back, head {}: {}",
        report.lines,
        report.voids.len(),
        report.head,
        if report.problems.is_empty() { "sound" } else { "NOT SOUND" }
    ));
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
