//! Every target takes its corpus, and what comes of bending it, on every machine and the same way each time.

use crate::{
    TARGETS,
    hall::{Dice, answer},
    seeds,
};
use service::Random;
use std::fs;
use std::path::{Path, PathBuf};

/// Bent inputs of each seed. Coverage leads `fuzz/run`, which tries far more.
const BENT: u64 = 40;
/// Longest input.
const LONGEST: usize = 64 << 10;

/// A number below `most`, or 0.
fn below(dice: &Dice, most: usize) -> usize {
    (dice.number() % most.max(1) as u64) as usize
}

/// Numbers and texts at which parsers trip.
const EDGES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"-1",
    b"9223372036854775808",
    b"%00",
    b"\r\n\r\n",
    b"<![CDATA[",
    b"\"",
    b"../",
    "\u{202e}".as_bytes(),
];

fn bent(dice: &Dice, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = seed.to_vec();
    for _ in 0..=below(dice, 4) {
        let at = below(dice, out.len() + 1);
        match below(dice, 6) {
            0 if at < out.len() => out[at] ^= 1 << below(dice, 8),
            1 if at < out.len() => drop(out.drain(at..(at + 1 + below(dice, 16)).min(out.len()))),
            2 => drop(out.splice(at..at, EDGES[below(dice, EDGES.len())].iter().copied())),
            3 => out.truncate(at),
            4 => {
                let from = below(dice, other.len());
                out.truncate(at);
                out.extend_from_slice(&other[from..]);
            }
            _ => {
                let piece = out[at..(at + below(dice, 64)).min(out.len())].to_vec();
                out.splice(at..at, piece);
            }
        }
    }
    out.truncate(LONGEST);
    out
}

/// Inputs that were kept because they reached something new, or broke something once.
fn kept(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn no_parser_breaks_on_its_corpus_or_on_what_comes_of_bending_it() {
    for (name, run) in TARGETS {
        let seeds = seeds::of(name);
        assert!(!seeds.is_empty(), "{name} begins with nothing");
        for seed in &seeds {
            run(seed);
        }
        for (path, input) in kept(name) {
            assert!(input.len() <= LONGEST, "{} is too long", path.display());
            run(&input);
        }
        let dice = Dice::new(name.len() as u64);
        for seed in &seeds {
            for _ in 0..BENT {
                let other = &seeds[below(&dice, seeds.len())];
                run(&bent(&dice, seed, other));
            }
        }
    }
}

/// Without it, what lies behind the log-in would never be tried.
#[test]
fn a_request_with_the_session_is_let_in() {
    let ask =
        |session: &str| answer(format!("GET /admin HTTP/1.1\r\nhost: hall\r\ncookie: {session}\r\n\r\n").as_bytes());
    let (inside, outside) = (ask("hall_session={session}"), ask("hall_session=nothing"));
    assert!(inside.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&inside));
    assert!(outside.starts_with(b"HTTP/1.1 303"), "{}", String::from_utf8_lossy(&outside));
}

/// Writes the seeds where `fuzz/run` asks for them.
#[test]
fn seeds_are_written_for_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    let to = std::env::var_os("HUIGUAN_SEEDS").map_or_else(|| folder.path().to_owned(), PathBuf::from);
    for (name, _) in TARGETS {
        let own = to.join(name);
        fs::create_dir_all(&own).unwrap();
        for (at, seed) in seeds::of(name).iter().enumerate() {
            fs::write(own.join(format!("seed-{at:02}")), seed).unwrap();
        }
        assert!(fs::read_dir(&own).unwrap().count() > 0, "{name}");
    }
}

#[test]
fn a_target_has_a_program_and_a_program_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
    let mut programs: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    programs.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(programs, names);
}
