//! The key file, and how the box's keys stand after one was changed.

use super::{Finding, Line};

/// How the key file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// There, for its owner alone.
    Safe,
    /// There, and others can read it.
    Open,
    /// Not there.
    Missing,
}

pub(super) fn file(of: KeyFile) -> Line {
    Line::bare(match of {
        KeyFile::Safe => Finding::KeyIsSafe,
        KeyFile::Open => Finding::KeyIsOpen,
        KeyFile::Missing => Finding::KeyIsMissing,
    })
}

/// The keys of a box that has another than its first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Number of the newest.
    pub number: u32,
    /// Older ones that are kept.
    pub older: u64,
    /// What is being sealed anew: values so far, tables that are done, and all tables; none: everything is.
    pub sealing: Option<(u64, u64, u64)>,
    /// Why sealing anew was broken off.
    pub trouble: Option<String>,
    /// The recovery sheet was not shown since.
    pub sheet: bool,
}

pub(super) fn lines(of: &Keys) -> Vec<Line> {
    let number = || ("number", of.number.to_string());
    let mut lines = Vec::new();
    match (&of.sealing, &of.trouble) {
        (Some(_), Some(why)) => lines.push(Line::with(Finding::KeyIsStuck, [number(), ("why", why.clone())])),
        (Some((values, done, all)), None) => lines.push(Line::with(
            Finding::KeySeals,
            [number(), ("values", values.to_string()), ("done", done.to_string()), ("all", all.to_string())],
        )),
        (None, _) if of.older > 0 => {
            lines.push(Line::with(Finding::KeyIsSealed, [number(), ("older", of.older.to_string())]));
        }
        (None, _) => {}
    }
    if of.sheet {
        lines.push(Line::with(Finding::KeySheet, [number()]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_key_is_followed_to_its_end() {
        use Finding::{KeyIsSealed, KeyIsStuck, KeySeals, KeySheet};
        let of = |older, sealing, why: Option<&str>, sheet| Keys {
            number: 2,
            older,
            sealing,
            trouble: why.map(str::to_owned),
            sheet,
        };
        let none: [Finding; 0] = [];
        for (keys, expected) in [
            (of(1, Some((5, 1, 13)), None, true), [KeySeals, KeySheet].as_slice()),
            (of(1, Some((5, 1, 13)), Some("disk"), false), &[KeyIsStuck]),
            (of(1, None, None, false), &[KeyIsSealed]),
            (of(0, None, None, true), &[KeySheet]),
            (of(0, None, None, false), &none),
        ] {
            let found: Vec<Finding> = lines(&keys).iter().map(|line| line.finding).collect();
            assert_eq!(found, expected, "{keys:?}");
        }
        let said = lines(&of(1, Some((5, 1, 13)), None, false))[0].english();
        assert_eq!(said, "Everything is being sealed by key 2: 5 values so far, 1 of 13 parts looked through.");
    }
}
