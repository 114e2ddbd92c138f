//! What others would use: SQLite FTS5 with trigrams, FTS5 with one token per character and an index over the end of the phone number, and
//! PostgreSQL with pg_trgm; each over the same people, each with the query it is best at.

use super::corpus::Person;
use crate::{Done, load::Figures, say};
use rusqlite::Connection;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// Two characters from inside a name.
    pub infix: Vec<String>,
    /// A word of a company.
    pub company: Vec<String>,
    /// The last four digits of a phone number.
    pub phone: Vec<String>,
}

/// Figures of the three kinds of questions, or why there are none.
pub type Measured = [Figures; 3];

/// Runs questions and takes their times; each must find something.
fn time(questions: &[String], mut ask: impl FnMut(&str) -> Done<usize>) -> Done<Figures> {
    for question in questions.iter().take(20) {
        ask(question)?;
    }
    let (begun, mut waits) = (Instant::now(), Vec::with_capacity(questions.len()));
    for question in questions {
        let asked = Instant::now();
        let found = ask(question)?;
        waits.push(asked.elapsed());
        if found == 0 {
            return Err(format!("nothing was found for {question}").into());
        }
        if begun.elapsed() > Duration::from_secs(60) {
            break;
        }
    }
    Ok(Figures::of(waits, begun.elapsed()))
}

fn apart(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(|c| [c, ' ']).collect()
}

/// SQLite with both kinds of tables.
pub struct Sqlite(Connection);

impl Sqlite {
    /// Fills a database, or opens one that is filled.
    pub fn fill(file: &Path, people: impl Iterator<Item = Person>) -> Done<Self> {
        let filled = file.with_extension("filled");
        let mut db = Connection::open(file)?;
        if filled.exists() {
            db.execute_batch("pragma cache_size = -65536;")?;
            return Ok(Self(db));
        }
        db.execute_batch(
            "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -65536;
             create table person (id integer primary key, name text, company text, phone text);
             create virtual table tri using fts5 (name, company, phone, content='person', content_rowid='id', tokenize='trigram');
             create virtual table single using fts5 (name, company, content='', tokenize='unicode61');",
        )?;
        let tx = db.transaction()?;
        {
            let mut person = tx.prepare("insert into person values (?, ?, ?, ?)")?;
            let mut tri = tx.prepare("insert into tri (rowid, name, company, phone) values (?, ?, ?, ?)")?;
            let mut single = tx.prepare("insert into single (rowid, name, company) values (?, ?, ?)")?;
            for of in people {
                let id = i64::try_from(of.id)?;
                person.execute((id, &of.name, &of.company, &of.phone))?;
                tri.execute((id, &of.name, &of.company, &of.phone))?;
                single.execute((id, apart(&of.name), apart(&of.company)))?;
            }
        }
        tx.commit()?;
        db.execute_batch(
            "create index phone_end on person (substr(phone, -4));
             insert into tri (tri) values ('optimize'); insert into single (single) values ('optimize'); analyze;",
        )?;
        std::fs::write(filled, "")?;
        Ok(Self(db))
    }

    fn count(statement: &mut rusqlite::Statement<'_>, question: &str) -> Done<usize> {
        let mut rows = statement.query([question])?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            found += usize::from(id > 0);
        }
        Ok(found)
    }

    /// The trigram table, whose LIKE looks at every row when there are only two characters.
    pub fn trigram(&self, questions: &Questions) -> Done<Measured> {
        let mut name = self.0.prepare("select rowid from tri where name like ? limit 10")?;
        let mut company = self.0.prepare("select rowid from tri where company like ? limit 10")?;
        let mut phone = self.0.prepare("select rowid from tri where phone like ? limit 10")?;
        Ok([
            time(&questions.infix, |part| Self::count(&mut name, &format!("%{part}%")))?,
            time(&questions.company, |part| Self::count(&mut company, &format!("%{part}%")))?,
            time(&questions.phone, |part| Self::count(&mut phone, &format!("%{part}")))?,
        ])
    }

    /// One token per character, and an index over the end of the phone number.
    pub fn single(&self, questions: &Questions) -> Done<Measured> {
        let mut text = self.0.prepare("select rowid from single where single match ? limit 10")?;
        let mut phone = self.0.prepare("select id from person where substr(phone, -4) = ? limit 10")?;
        let phrase = |column: &str, part: &str| format!("{column} : \"{}\"", apart(part).trim());
        Ok([
            time(&questions.infix, |part| Self::count(&mut text, &phrase("name", part)))?,
            time(&questions.company, |part| Self::count(&mut text, &phrase("company", part)))?,
            time(&questions.phone, |part| Self::count(&mut phone, part))?,
        ])
    }
}

/// A PostgreSQL of its own in a scratch folder, asked through psql, whose own clock is read.
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    psql: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Where Debian puts the programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max()
}

/// A command as the database's own user, since the database does not run as root.
fn as_user(program: &Path) -> Command {
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn done(command: &mut Command) -> Done<()> {
    let said = command.stdin(Stdio::null()).output()?;
    if said.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said.stderr).into_owned().into()) }
}

impl Postgres {
    /// Starts one and fills it, unless it is. None where it is not installed.
    pub fn fill(folder: &Path, people: impl Iterator<Item = Person>) -> Done<Option<Self>> {
        let Some(bin) = programs() else { return Ok(None) };
        let data = folder.join("postgres");
        std::fs::create_dir_all(&data)?;
        done(Command::new("chown").arg("postgres").arg(&data))?;
        for parent in data.ancestors().skip(1).take_while(|parent| parent.starts_with(std::env::temp_dir())) {
            done(Command::new("chmod").arg("a+x").arg(parent))?;
        }
        let cluster = data.join("cluster");
        let filled = folder.join("postgres.filled");
        if !filled.exists() {
            done(as_user(&bin.join("initdb")).arg("-D").arg(&cluster).args([
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-A",
                "trust",
            ]))?;
        }
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories={} -c fsync=off -c shared_buffers=256MB",
            data.display()
        );
        let mut start = as_user(&bin.join("pg_ctl"));
        start.arg("-D").arg(&cluster).args(["-w", "-o", &options, "-l"]).arg(data.join("log")).arg("start");
        let status = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            return Err("PostgreSQL did not start".into());
        }
        let mut psql = as_user(&bin.join("psql"))
            .args(["-qAtX", "-h"])
            .arg(&data)
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = psql.stdin.take().ok_or("no input")?;
        let output = BufReader::new(psql.stdout.take().ok_or("no output")?);
        let mut of = Self { bin, data, psql, input, output };
        if !filled.exists() {
            of.load(people)?;
            std::fs::write(filled, "")?;
        }
        writeln!(of.input, "\\timing on")?;
        Ok(Some(of))
    }

    fn load(&mut self, people: impl Iterator<Item = Person>) -> Done<()> {
        writeln!(
            self.input,
            "create extension pg_trgm; create table person (id bigint primary key, name text, company text, phone text);"
        )?;
        writeln!(self.input, "copy person from stdin;")?;
        for of in people {
            writeln!(self.input, "{}\t{}\t{}\t{}", of.id, of.name, of.company, of.phone)?;
        }
        writeln!(self.input, "\\.")?;
        for column in ["name", "company", "phone"] {
            writeln!(self.input, "create index on person using gin ({column} gin_trgm_ops);")?;
        }
        writeln!(self.input, "vacuum analyze person;\ncheckpoint;\n\\echo filled")?;
        self.input.flush()?;
        self.until("filled").map(|_| ())
    }

    /// Lines up to one that is this.
    fn until(&mut self, end: &str) -> Done<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err(format!("psql ended: {lines:?}").into());
            }
            let line = line.trim_end().to_owned();
            if line == end {
                return Ok(lines);
            }
            lines.push(line);
        }
    }

    /// LIKE over trigram indexes.
    pub fn trigram(&mut self, questions: &Questions) -> Done<Measured> {
        Ok([
            self.ask(&questions.infix, "name", "%", "%")?,
            self.ask(&questions.company, "company", "%", "%")?,
            self.ask(&questions.phone, "phone", "%", "")?,
        ])
    }

    fn ask(&mut self, questions: &[String], column: &str, before: &str, behind: &str) -> Done<Figures> {
        let (begun, mut waits) = (Instant::now(), Vec::new());
        for question in questions {
            // Letters, digits and Chinese only: nothing in it ends the string.
            let plain: String = question.chars().filter(|c| c.is_alphanumeric()).collect();
            writeln!(
                self.input,
                "select id from person where {column} like '{before}{plain}{behind}' limit 10;\n\\echo end"
            )?;
            self.input.flush()?;
            let lines = self.until("end")?;
            let took =
                lines.iter().find_map(|line| line.strip_prefix("Time: ")?.split(' ').next()?.parse::<f64>().ok());
            waits.push(Duration::from_secs_f64(took.ok_or("no time")? / 1_000.0));
            if begun.elapsed() > Duration::from_secs(60) {
                break;
            }
        }
        Ok(Figures::of(waits, begun.elapsed()))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.psql.kill());
        drop(self.psql.wait());
        let mut stop = as_user(&self.bin.join("pg_ctl"));
        stop.arg("-D").arg(self.data.join("cluster")).args(["-m", "fast", "-w", "stop"]);
        if let Err(error) = done(&mut stop) {
            say(format!("PostgreSQL could not be stopped: {error}"));
        }
    }
}
