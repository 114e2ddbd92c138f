//! `huiguan standby`: following another box, taking over, and how it stands.

use super::{line, now, socket};
use crate::{
    boot,
    clock::SystemChance,
    command::{Place, say},
    doctor,
    settings::Settings,
};
use clap::Subcommand;
use data_encoding::HEXLOWER;
use domain::{
    KeyRing,
    standby::{Code, Role},
};
use service::{
    Error,
    file::lay,
    seal::Sealer,
    standby::{self, Answer, Promoted, Standing},
};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use store::{Options, Store};

/// What is asked.
#[derive(Subcommand)]
pub enum Standby {
    /// Follow another box from the next start on, by the code of its page “Stand-by box”; while the server is stopped.
    Follow {
        #[command(flatten)]
        place: Place,
        /// The code.
        #[arg(long, value_name = "CODE")]
        code: String,
    },
    /// Take over: the other box stops, and this one leads.
    Promote {
        #[command(flatten)]
        place: Place,
        /// The other box cannot be reached and is gone or switched off; or what it alone has is to be left behind.
        #[arg(long)]
        force: bool,
    },
    /// Say what this box is, and how far behind.
    Status(Place),
}

/// Longest wait for a box that takes over: it may have to fetch what the other one alone has.
const PROMOTING: Duration = Duration::from_secs(180);

/// Runs the command.
pub fn run(settings: Settings, what: &Standby) -> Result<ExitCode, Error> {
    match what {
        Standby::Follow { place, code } => follow(&place.over(settings), code),
        Standby::Promote { place, force } => promote(&place.over(settings), *force),
        Standby::Status(place) => status(&place.over(settings)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Error::internal("starting", error))
}

fn no(why: impl Into<String>) -> Error {
    Error::Internal(why.into())
}

/// The key of the hall, laid where this box looks for it. A key that is there already must be the same, unless nothing was ever sealed with it.
fn lay_key(settings: &Settings, keys: &KeyRing, data: bool) -> Result<(), Error> {
    let path = settings.key_file();
    let failed = |error: std::io::Error| Error::internal(&format!("writing the key file {}", path.display()), error);
    match fs::read(&path).map(|own| KeyRing::read(&own)) {
        Ok(Ok(own)) if own == *keys => return Ok(()),
        // The other box has changed its key since: it opens what this one sealed.
        Ok(Ok(own)) if data && keys.holds(&own) => return crate::key::put(&path, keys),
        Ok(_) if data => {
            return Err(no(format!(
                "{} is the key of another hall; name a file of its own with --key-file",
                path.display()
            )));
        }
        Ok(_) => fs::rename(&path, path.with_extension("key.before")).map_err(failed)?,
        Err(_) => {}
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    lay(&path, &keys.bytes(), 0o600).map_err(failed)
}

fn follow(settings: &Settings, code: &str) -> Result<ExitCode, Error> {
    let code = Code::read(code).map_err(|refusal| no(refusal.text))?;
    let data = &settings.data;
    if settings.key_file().starts_with(data) {
        return Err(no("the key file must lie outside the data folder"));
    }
    if doctor::is_held(data) {
        return Err(no("the program runs on this folder; stop it first: systemctl stop huiguan"));
    }
    let before = Standing::read(data)?;
    let holds = data.join("store").exists();
    if holds && before.role == Role::Leader && before.history.is_empty() {
        return Err(no(format!(
            "{} holds an association of its own, which following would put aside; name an empty folder with --data",
            data.display()
        )));
    }
    let port = settings.listen_tls.map_or(0, |address| address.port());
    let (answer, parcel) = runtime()?.block_on(standby::pair(&line::dial(), &code, port))?;
    let keys = HEXLOWER
        .decode(parcel.key.as_bytes())
        .ok()
        .and_then(|keys| KeyRing::read(&keys).ok())
        .ok_or_else(|| no("the leading box sent no key"))?;
    lay_key(settings, &keys, holds)?;
    fs::create_dir_all(data).map_err(|error| Error::internal("making the data folder", error))?;
    let (sealer, chance) = (Sealer::of(&keys)?, SystemChance::new());
    let after = standby::paired(&sealer, &chance, &code, &answer, &parcel.secret)?;
    if holds {
        make_room(data, &before, &answer)?;
    }
    standby::unpack(data, &parcel)?;
    after.keep(data)?;
    say(format!("paired with the box at {}, epoch {}", code.address, answer.epoch));
    if settings.listen_tls.is_none() {
        say(
            "set listen_tls in the settings of this box as well: without it, the other one cannot be told when this one took over",
        );
    }
    say(format!("start with `huiguan serve --data {}`; it follows from then on", data.display()));
    Ok(ExitCode::SUCCESS)
}

/// What the box held: it goes on behind it where it is the beginning of the leader's, and puts it aside otherwise, with a list of what the leader never saw.
fn make_room(data: &Path, before: &Standing, answer: &Answer) -> Result<(), Error> {
    let same = before.history == answer.history;
    if same && before.role == Role::Follower {
        return Ok(());
    }
    if before.role == Role::Leader && !(same && answer.epoch > before.epoch) {
        return Err(no("this box leads another hall, or the same one in a later epoch; it does not follow"));
    }
    // First of all: from here on it does not lead, wherever this is cut short.
    Standing { role: Role::Fenced, epoch: answer.epoch.max(before.epoch), ..before.clone() }.keep(data)?;
    let (store, opened) = Store::open(Options { reserve_bytes: 0, ..Options::new(data.join("store")) })?;
    let fork = answer.fork.filter(|_| same);
    if fork.is_some_and(|fork| opened.sequence <= fork) {
        return Ok(store.close()?);
    }
    let list = data.join("standby").join("unseen.txt");
    let lines = match fork {
        Some(fork) => standby::unseen(&store, fork, &list)?,
        None => None,
    };
    store.close()?;
    let aside = standby::put_aside(data, &["store", "file", "search"], now())?;
    if lines.is_some() {
        let moved = fs::rename(&list, aside.join("unseen.txt"));
        moved.map_err(|error| Error::internal("keeping the list of what this box alone has", error))?;
    }
    match lines {
        Some(count) => say(format!(
            "the leading box never saw {count} changes of this one: they are listed in {}",
            aside.join("unseen.txt").display()
        )),
        None => say("what this box alone has cannot be listed"),
    }
    say(format!("everything that it held is kept in {}", aside.display()));
    Ok(())
}

/// What taking over did, in words.
pub fn words(of: &Promoted) -> String {
    let mut text = format!("this box leads from now on: epoch {}, group {}", of.epoch, of.last);
    if of.missing > 0 {
        text.push_str(&format!("; {} groups that the other box alone has are left behind", of.missing));
    }
    if of.files > 0 {
        text.push_str(&format!("; {} files did not come, their pages will say so", of.files));
    }
    if !of.stopped {
        text.push_str("; the other box was not reached: it stops by itself as soon as it can reach this one, keep it off the network until then");
    }
    text
}

fn promote(settings: &Settings, force: bool) -> Result<ExitCode, Error> {
    let failed = |error: std::io::Error| Error::internal("speaking to the running program", error);
    let Ok(mut stream) = UnixStream::connect(socket(&settings.data)) else { return promote_here(settings, force) };
    stream.set_read_timeout(Some(PROMOTING)).map_err(failed)?;
    stream.write_all(if force { b"promote force\n" } else { b"promote\n" }).map_err(failed)?;
    let mut said = String::new();
    BufReader::new(stream).read_line(&mut said).map_err(failed)?;
    match said.trim().split_once(' ') {
        Some(("yes", text)) => {
            say(text);
            Ok(ExitCode::SUCCESS)
        }
        Some((_, text)) => Err(no(text)),
        None => Err(no("the running program did not answer; huiguan standby status says how it stands")),
    }
}

/// The program does not run: it follows for as long as it takes.
fn promote_here(settings: &Settings, force: bool) -> Result<ExitCode, Error> {
    if doctor::is_held(&settings.data) {
        return Err(no("the program runs on this folder and leads; there is nothing to take over"));
    }
    if !settings.data.join("store").exists() {
        return Err(no(format!("{} holds no data", settings.data.display())));
    }
    let ctx = boot::open(settings)?;
    let done = runtime()?.block_on(async {
        let dial = line::dial();
        let (following, with) = (ctx.clone(), dial.clone());
        let port = settings.listen_tls.map_or(0, |address| address.port());
        let following = tokio::spawn(async move { standby::keep_following(&following, &with, port).await });
        let done = standby::promote(&ctx, &dial, force).await;
        following.abort();
        done
    });
    ctx.store().clone().close()?;
    say(words(&done.map_err(|why| no(why.to_string()))?));
    say(format!("start with `huiguan serve --data {}`", settings.data.display()));
    Ok(ExitCode::SUCCESS)
}

fn status(settings: &Settings) -> Result<ExitCode, Error> {
    let of = Standing::read(&settings.data)?;
    let role = match of.role {
        Role::Leader => "leads",
        Role::Follower => "follows",
        Role::Fenced => "was taken over from and does not serve",
    };
    say(format!("this box {role}, epoch {}", of.epoch));
    if let Some(peer) = &of.peer {
        say(format!("the other box: {}", peer.address));
    }
    for line in doctor::says(&settings.data, domain::health::Check::Standby) {
        say(line);
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Time;
    use service::seal::lasting;

    #[test]
    fn keys_of_the_leader_are_laid_where_they_open_what_lies_there_and_nowhere_else() {
        let first = KeyRing::from([1; 32]);
        let second = first.turned([2; 32], Time(1), lasting(&first)).unwrap();
        let other = KeyRing::from([9; 32]);
        // What lies there, what comes, whether there are data, and what lies there then; none: it is refused.
        for (there, comes, data, then) in [
            (None, &second, false, Some(&second)),
            (Some(&first), &first, true, Some(&first)),
            (Some(&first), &second, true, Some(&second)),
            (Some(&second), &first, true, None),
            (Some(&other), &second, true, None),
            (Some(&other), &second, false, Some(&second)),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("box.key");
            if let Some(there) = there {
                fs::write(&path, there.bytes()).unwrap();
            }
            let settings = Settings { key_file: Some(path.clone()), ..Settings::default() };
            let laid = lay_key(&settings, comes, data);
            assert_eq!(laid.is_ok(), then.is_some(), "{there:?} {comes:?} {data}");
            let lies = crate::key::read(&path).unwrap();
            assert_eq!(lies.as_ref(), then.or(there), "{there:?} {comes:?} {data}");
        }
    }
}
