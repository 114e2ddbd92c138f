//! Which program wrote a folder, and which tables it knew in which versions: an older one says at once that it is too old, instead of stumbling over
//! records that it cannot read.

use crate::{
    Error,
    catalogue::{self, DROPPED},
};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The file in the store's folder: the program's version, then number, version and name of each table.
const NAME: &str = "written-by";
/// This program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// Tables by number, with version and name.
type Tables = BTreeMap<u16, (u16, String)>;

fn own() -> Tables {
    let all = catalogue::all().into_iter();
    all.map(|erased| (erased.table.id, (erased.version, erased.table.name.to_owned()))).collect()
}

fn text(program: &str, tables: &Tables) -> String {
    let lines: String = tables.iter().map(|(id, (version, name))| format!("{id} {version} {name}\n")).collect();
    format!("{program}\n{lines}")
}

/// None where it is no such file: then it says nothing.
fn read(text: &str) -> Option<(String, Tables)> {
    let mut lines = text.lines();
    let program = lines.next()?.to_owned();
    let table = |line: &str| {
        let mut words = line.splitn(3, ' ');
        Some((words.next()?.parse().ok()?, (words.next()?.parse().ok()?, words.next()?.to_owned())))
    };
    Some((program, lines.map(table).collect::<Option<_>>()?))
}

/// What this program does not know of what was written.
fn unknown(written: &Tables, own: &Tables) -> Option<String> {
    written.iter().find_map(|(id, (version, name))| match own.get(id) {
        Some((known, _)) if known >= version => None,
        Some((known, _)) => Some(format!("{name} in version {version}, and this program reads up to {known}")),
        None if DROPPED.iter().any(|(dropped, _)| dropped == id) => None,
        None => Some(format!("{name}, which this program does not know")),
    })
}

/// Refuses a folder that a newer program wrote.
pub(crate) fn check(folder: &Path) -> Result<(), Error> {
    let text = match fs::read_to_string(folder.join(NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("reading which program wrote the data")(error)),
    };
    let Some((program, tables)) = read(&text) else { return Ok(()) };
    match unknown(&tables, &own()) {
        Some(what) => Err(Error::Newer { program, own: PROGRAM, what }),
        None => Ok(()),
    }
}

/// Says that this program writes the folder from now on.
pub(crate) fn note(folder: &Path) -> Result<(), Error> {
    let (path, draft) = (folder.join(NAME), folder.join("written-by.part"));
    let text = text(PROGRAM, &own());
    if fs::read_to_string(&path).is_ok_and(|kept| kept == text) {
        return Ok(());
    }
    let write = || {
        let mut file = File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(Error::io("noting which program writes the data"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Store};

    #[test]
    fn data_of_a_newer_program_are_refused_in_words_and_of_an_older_one_taken_on() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(Options { reserve_bytes: 0, ..Options::new(folder.path()) });
        open().unwrap().0.close().unwrap();
        let path = folder.path().join(NAME);
        let today = fs::read_to_string(&path).unwrap();
        assert!(today.starts_with(PROGRAM) && today.contains(" backup_plan\n"), "{today}");
        let changed = |change: &dyn Fn(&mut Tables)| {
            let (_, mut tables) = read(&today).unwrap();
            change(&mut tables);
            fs::write(&path, text("9.0.0", &tables)).unwrap();
        };
        changed(&|tables| drop(tables.insert(140, (77, "backup_plan".into()))));
        let said = open().err().unwrap().to_string();
        assert!(
            said.contains("9.0.0") && said.contains("backup_plan in version 77") && said.contains("huiguan update"),
            "{said}"
        );
        changed(&|tables| drop(tables.insert(998, (1, "holograms".into()))));
        let said = open().err().unwrap().to_string();
        assert!(said.contains("holograms, which this program does not know"), "{said}");
        assert!(fs::read_to_string(&path).unwrap().contains("holograms"), "nothing was changed");
        // An older one that knew less, one of before these notes, and one whose note is no note.
        changed(&|tables| drop(tables.remove(&140)));
        open().unwrap().0.close().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), today);
        for note in ["", "x y z"] {
            fs::write(&path, note).unwrap();
            open().unwrap().0.close().unwrap();
        }
        fs::remove_file(&path).unwrap();
        open().unwrap().0.close().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), today);
    }
}
