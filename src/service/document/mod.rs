//! Documents: taking files in as a stream, reading their text in the background, listing, handing out, removing (S4-99 … S4-101).

pub mod text;

use crate::{
    Actor, Ctx, Error, Permit,
    actor::event_facts,
    file::{Draft, Files},
};
use domain::{
    Account, DepartmentId, Document, DocumentId, EventId, Permission, Refusal, SpaceId,
    document::{NAME_MAX, Reading, UPLOAD_MAX, Why, form, is_program},
    permission::Place,
    problem, refuse,
};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use store::catalogue::DOCUMENT_BY_WAITING;
use store::{Order, Read};
use tokio::sync::Notify;

/// How texts are read: the program that does it, and a call when there is work.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    wake: Notify,
    /// The hall closes: whatever is being read is given up.
    over: Arc<AtomicBool>,
}

/// Where a document is to belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shelf {
    /// An event.
    pub event: Option<EventId>,
    /// A department.
    pub department: Option<DepartmentId>,
}

/// The place of a document, for permissions.
pub(crate) fn place(_: &impl Read, document: &Document) -> Result<Place, Error> {
    Ok(Place { event: document.event, department: document.department, owner: Some(document.owner) })
}

/// The right to put documents there, and what of it was checked.
pub struct Intake {
    permit: Permit,
    shelf: Shelf,
    draft: Draft,
    name: String,
}

/// Begins to take a file in. Nothing is kept before [`keep`].
pub fn begin(ctx: &Ctx, actor: &Actor, shelf: Shelf, name: &str) -> Result<Intake, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DocumentManage)?;
    let owner = permit.account.ok_or_else(Refusal::denied)?;
    if let Some(event) = shelf.event {
        let there = ctx.read(&permit, |view| event_facts(view, event))?;
        there.ok_or_else(|| Refusal::missing("event"))?;
    }
    if let Some(department) = shelf.department {
        let there = ctx.read(&permit, |view| Ok(view.get::<domain::Department>(&department)?))?;
        there.ok_or_else(|| Refusal::missing("department"))?;
    }
    let place = Place { event: shelf.event, department: shelf.department, owner: Some(owner) };
    if !actor.covers(Permission::DocumentManage, &place) {
        return Err(Refusal::denied().into());
    }
    let plain = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let name = domain::text::line(plain);
    if name.is_empty() {
        return Err(Refusal::invalid(vec![problem!("file", "Choose a file.")]).into());
    }
    if name.chars().count() > NAME_MAX {
        return Err(Refusal::invalid(vec![problem!(
            "file",
            "At most {max} characters; this has {length}.",
            max = NAME_MAX,
            length = name.chars().count()
        )])
        .into());
    }
    if is_program(&name) {
        return Err(refuse!(Invalid, "document.program", "Programs are not taken: {name}.", name = name).into());
    }
    Ok(Intake { permit, shelf, draft: ctx.files.draft(ctx.random.number())?, name })
}

impl Intake {
    /// Takes a piece in; refuses when the file is larger than allowed. Blocks the thread for a moment.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        if self.draft.bytes() + piece.len() as u64 > UPLOAD_MAX {
            return Err(refuse!(
                Invalid,
                "document.too_large",
                "A file may have at most {size} MB: {name}.",
                size = UPLOAD_MAX >> 20,
                name = self.name
            )
            .into());
        }
        self.draft.write(piece)
    }
}

/// Keeps what was taken in, and has its text read.
pub async fn keep(ctx: &Ctx, intake: Intake) -> Result<DocumentId, Error> {
    let Intake { permit, shelf, draft, name } = intake;
    let owner = permit.account.ok_or_else(Refusal::denied)?;
    let bytes = draft.bytes();
    if bytes == 0 {
        return Err(refuse!(Invalid, "document.empty", "This file is empty: {name}.", name = name).into());
    }
    let kept = tokio::task::spawn_blocking(move || draft.keep());
    let file = kept.await.map_err(|error| Error::internal("keeping a file", error))??;
    let reading = if form(&name).has_text() { Reading::Waiting } else { Reading::Nameless };
    let id = ctx
        .write(&permit, move |work| {
            let id = DocumentId(work.next_id::<Document>()?);
            let document = Document {
                id,
                name: name.clone(),
                file,
                bytes,
                event: shelf.event,
                department: shelf.department,
                owner,
                created_at: work.now,
                reading: reading.clone(),
            };
            work.insert(&document)?;
            work.audit("document.upload", format!("document/{id}"), "", &name)?;
            Ok(id)
        })
        .await?;
    ctx.reader.wake.notify_one();
    Ok(id)
}

/// Documents of one page.
pub const PAGE: usize = 50;

/// A document as the list shows it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The document.
    pub document: Document,
    /// Name of its event.
    pub event: Option<String>,
    /// Name of its department.
    pub department: Option<String>,
    /// Name of whoever uploaded it.
    pub owner: String,
    /// Whether the asker may change it.
    pub mine: bool,
}

fn row(view: &impl Read, actor: &Actor, document: Document) -> Result<Row, Error> {
    let event = document.event.map(|id| view.peek::<domain::Event, _>(&id, |event| event.name.as_str().to_owned()));
    let department = document.department.map(|id| view.get::<domain::Department>(&id)).transpose()?.flatten();
    let owner = view.get::<Account>(&document.owner)?.map_or_else(String::new, |account| account.name);
    let mine = actor.covers(Permission::DocumentManage, &place(view, &document)?);
    Ok(Row {
        event: event.transpose()?.flatten(),
        department: department.map(|department| department.name),
        owner,
        mine,
        document,
    })
}

/// Where the actor may put documents, with the names; no name for the association's own.
pub fn shelves(ctx: &Ctx, actor: &Actor) -> Result<Vec<(Shelf, Option<String>)>, Error> {
    let permit = ctx.public(actor);
    let owner = permit.account;
    let may = |shelf: &Shelf| {
        let place = Place { event: shelf.event, department: shelf.department, owner };
        actor.covers(Permission::DocumentManage, &place)
    };
    ctx.read(&permit, |view| {
        let mut out = vec![(Shelf::default(), None)];
        for department in crate::space::all_departments(view)? {
            out.push((Shelf { event: None, department: Some(department.id) }, Some(department.name)));
        }
        for key in view.scan_index(&store::catalogue::EVENT_BY_START, &(), None, Order::Descending).take(SHELVES_MAX) {
            let id = key?;
            let name = view.peek::<domain::Event, _>(&id, |event| event.name.as_str().to_owned())?;
            out.push((Shelf { event: Some(id), department: None }, name));
        }
        out.retain(|(shelf, _)| may(shelf));
        Ok(out)
    })
}

/// Events that are offered as shelves, the latest.
const SHELVES_MAX: usize = 200;

/// The documents that the actor may see, newest first, with how many there are; with a query those that the search finds, best first.
pub fn list(ctx: &Ctx, actor: &Actor, text: &str, page: usize) -> Result<(Vec<Row>, usize), Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DocumentView)?;
    if !text.trim().is_empty() {
        let (ids, found) = crate::search::documents(ctx, actor, text, page)?;
        return ctx.read(&permit, |view| {
            let mut rows = Vec::new();
            for id in ids {
                rows.extend(view.get::<Document>(&id)?.map(|document| row(view, actor, document)).transpose()?);
            }
            Ok((rows, found))
        });
    }
    ctx.read(&permit, |view| {
        let (mut rows, mut found) = (Vec::new(), 0usize);
        for kept in view.scan::<Document>(&(), None, Order::Descending) {
            let document = kept?.1;
            if !actor.covers(Permission::DocumentView, &place(view, &document)?) {
                continue;
            }
            if found >= page.saturating_mul(PAGE) && rows.len() < PAGE {
                rows.push(row(view, actor, document)?);
            }
            found += 1;
        }
        Ok((rows, found))
    })
}

fn load(view: &impl Read, actor: &Actor, id: DocumentId, permission: Permission) -> Result<Document, Error> {
    let document = view.get::<Document>(&id)?.ok_or_else(|| Refusal::missing("document"))?;
    if !actor.covers(permission, &place(view, &document)?) {
        return Err(Refusal::denied().into());
    }
    Ok(document)
}

/// One document with its pages, as far as they were read.
pub fn get(ctx: &Ctx, actor: &Actor, id: DocumentId) -> Result<(Row, Vec<String>), Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DocumentView)?;
    let row = ctx.read(&permit, |view| row(view, actor, load(view, actor, id, Permission::DocumentView)?))?;
    let pages = match &row.document.reading {
        Reading::Read(file, _) => pages(&ctx.files, file)?,
        _ => Vec::new(),
    };
    Ok((row, pages))
}

/// A document's name and where its file lies, for handing it out.
pub fn file(ctx: &Ctx, actor: &Actor, id: DocumentId) -> Result<(Document, PathBuf), Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DocumentView)?;
    let document = ctx.read(&permit, |view| load(view, actor, id, Permission::DocumentView))?;
    let path = ctx.files.path_of(&document.file);
    Ok((document, path))
}

/// The pages of a text that was read.
pub(crate) fn pages(files: &Files, file: &[u8; 32]) -> Result<Vec<String>, Error> {
    let bytes = files.get(file)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::internal("the text of a document", error))
}

/// Has the text read again.
pub async fn retry(ctx: &Ctx, actor: &Actor, id: DocumentId) -> Result<(), Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DocumentManage)?;
    let actor = actor.clone();
    ctx.write(&permit, move |work| {
        let mut document = load(work.read(), &actor, id, Permission::DocumentManage)?;
        if !matches!(document.reading, Reading::Failed(..)) {
            return Err(refuse!(Conflict, "document.not_failed", "The text of this document was read.").into());
        }
        document.reading = Reading::Waiting;
        work.put(&document)?;
        work.audit("document.retry", format!("document/{id}"), "", &document.name)
    })
    .await?;
    ctx.reader.wake.notify_one();
    Ok(())
}

/// Removes a document. Its file goes too, unless another document has the same.
pub async fn remove(ctx: &Ctx, actor: &Actor, id: DocumentId) -> Result<(), Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DocumentManage)?;
    let by = actor.clone();
    let gone = ctx
        .write(&permit, move |work| {
            let document = load(work.read(), &by, id, Permission::DocumentManage)?;
            work.remove::<Document>(&id)?;
            work.audit("document.remove", format!("document/{id}"), &document.name, "")?;
            Ok(document)
        })
        .await?;
    let mut files = vec![gone.file];
    if let Reading::Read(text, _) = gone.reading {
        files.push(text);
    }
    ctx.read(&permit, |view| {
        for kept in view.scan::<Document>(&(), None, Order::Ascending) {
            let kept = kept?.1;
            files.retain(|file| kept.file != *file && !matches!(&kept.reading, Reading::Read(text, _) if text == file));
        }
        Ok(())
    })?;
    for file in files {
        ctx.files.remove(&file)?;
    }
    Ok(())
}

/// Gives up what is being read; it is read at the next start.
pub fn stop(ctx: &Ctx) {
    ctx.reader.over.store(true, Ordering::Relaxed);
}

/// How long the reading process may take, waiting included.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a wait looks whether the hall closes.
const LOOK: Duration = Duration::from_millis(100);
/// Most bytes that it may say.
const SAID_MAX: u64 = 32 << 20;

/// Reads the texts of what waits, one file at a time, in processes of their own: `program` is started with `text`, the form and the path.
/// Ends with the hall.
pub async fn read_texts(ctx: Ctx, program: PathBuf) {
    loop {
        match next_waiting(&ctx) {
            Ok(Some((space, document))) => {
                if let Err(error) = read_one(&ctx, &program, space, document).await {
                    tracing::error!(%error, "a document's text");
                    ctx.reader.wake.notified().await;
                }
            }
            Ok(None) => ctx.reader.wake.notified().await,
            Err(error) => {
                tracing::error!(%error, "documents that wait to be read");
                ctx.reader.wake.notified().await;
            }
        }
    }
}

/// The first document that waits, of whatever space.
fn next_waiting(ctx: &Ctx) -> Result<Option<(SpaceId, Document)>, Error> {
    for space in ctx.spaces()? {
        let found = ctx.read(&ctx.own(space), |view| {
            let first = view.scan_index(&DOCUMENT_BY_WAITING, &true, None, Order::Ascending).next();
            let Some(id) = first.transpose()? else { return Ok(None) };
            Ok(view.get::<Document>(&id)?)
        })?;
        if let Some(document) = found {
            return Ok(Some((space, document)));
        }
    }
    Ok(None)
}

async fn read_one(ctx: &Ctx, program: &std::path::Path, space: SpaceId, document: Document) -> Result<(), Error> {
    let (path, form, program) = (ctx.files.path_of(&document.file), form(&document.name), program.to_owned());
    let (files, over) = (ctx.files.clone(), ctx.reader.over.clone());
    let read = tokio::task::spawn_blocking(move || match run(&program, form.code(), &path, &over) {
        Ok(pages) => {
            let bytes = serde_json::to_vec(&pages).map_err(|error| Error::internal("the text of a document", error))?;
            Ok((Ok(files.put(&bytes)?), pages.len()))
        }
        Err(why) => Ok::<_, Error>((Err(why), 0)),
    });
    let (read, pages) = read.await.map_err(|error| Error::internal("reading a document", error))??;
    let permit = ctx.own(space);
    let pages = u32::try_from(pages).unwrap_or(u32::MAX);
    ctx.write(&permit, move |work| {
        // Removed or taken anew meanwhile: nothing to tell.
        let Some(mut kept) = work.read().get::<Document>(&document.id)? else { return Ok(()) };
        if kept.reading != Reading::Waiting || kept.file != document.file {
            return Ok(());
        }
        kept.reading = match read {
            Ok(file) => Reading::Read(file, pages),
            Err(why) => Reading::Failed(why, 1),
        };
        let said = match &kept.reading {
            Reading::Failed(why, _) => why.code().to_owned(),
            _ => format!("{pages} pages"),
        };
        work.put(&kept)?;
        work.audit("document.read", format!("document/{}", kept.id), "", &said)
    })
    .await
}

/// Starts the reading process and takes what it says; whatever goes wrong with it is the file's fault.
fn run(program: &std::path::Path, form: &str, path: &std::path::Path, over: &AtomicBool) -> Result<Vec<String>, Why> {
    let started = Command::new(program)
        .arg("text")
        .arg(form)
        .arg(path)
        // The allocator must not reserve more than the process may have.
        .env("MIMALLOC_ARENA_RESERVE", "65536")
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = started.map_err(|error| {
        tracing::error!(%error, "the reading process cannot be started");
        Why::Broke
    })?;
    let Some(out) = child.stdout.take() else { return Err(Why::Broke) };
    let (tell, told) = channel();
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = out.take(SAID_MAX).read_to_end(&mut said);
        drop(tell.send(read.map(|_| said)));
    });
    let begun = Instant::now();
    let said = loop {
        match told.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) if begun.elapsed() < PATIENCE && !over.load(Ordering::Relaxed) => {}
            said => break said,
        }
    };
    let slow = matches!(said, Err(RecvTimeoutError::Timeout));
    if slow && let Err(error) = child.kill() {
        tracing::debug!(%error, "the reading process ended by itself");
    }
    let ended = child.wait();
    if reader.join().is_err() {
        tracing::error!("the thread that listens to the reading process panicked");
    }
    let status = ended.map_err(|_| Why::Broke)?;
    // Processor time used up ends it by a signal of its own.
    let spent = std::os::unix::process::ExitStatusExt::signal(&status) == Some(SPENT);
    match said {
        Ok(Ok(said)) if status.success() => understood(&said),
        _ if slow || spent => Err(Why::Slow),
        _ => Err(Why::Broke),
    }
}

/// SIGXCPU, see signal(7).
const SPENT: i32 = 24;

fn understood(said: &[u8]) -> Result<Vec<String>, Why> {
    let text = std::str::from_utf8(said).map_err(|_| Why::Broke)?;
    if let Some(code) = text.strip_prefix('!') {
        return Err(Why::ALL.iter().copied().find(|why| why.code() == code).unwrap_or(Why::Broke));
    }
    serde_json::from_str(text).map_err(|_| Why::Broke)
}

#[cfg(test)]
mod test;
