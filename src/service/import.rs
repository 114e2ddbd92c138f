//! Importing a list of people (S0-40, S0-45): upload, preview row by row, then the good rows go in, a few hundred to a
//! transaction with the progress in the same commit, so that an import goes on after a power cut and takes no row twice.
//! Bad rows come back as a file with reasons.

use crate::{
    Actor, At, Ctx, Error, Permit, Work, event, notice,
    quota::Stocks,
    registration,
    registration::{Codes, NewTicket},
    sheet::{self, Format, Sheet},
    ticket_type,
};
use domain::{
    Event, EventId, Group, GroupId, Import, ImportId, Permission, Problem, Refusal, SpaceId, Ticket, TicketState,
    TicketType, TicketTypeId,
    code::{self, Scanned},
    import::{COLUMNS, Column, ImportState, RefusedRow, RowVerdict, Tally, guess},
    problem, refuse,
    ticket::{Filler, Source, TicketDetails, TicketInput, check_ticket},
};
use std::collections::HashMap;
use std::sync::Arc;
use store::catalogue::{IMPORT_BY_EVENT, TICKET_BY_NUMBER, TICKET_BY_PHONE};
use store::{Order, Read};

/// Rows of one transaction: few enough that scans at the door do not wait for it.
const CHUNK: usize = 100;
/// Rows of one page of the preview.
pub const PAGE: usize = 100;

/// The list file with its heads as the export writes them, for filling in (S0-40: export first to get the template).
pub fn template(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    format: Format,
    translate: impl Fn(&str) -> String,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let form = ctx.read(&permit, |view| event::load(view, event))?;
    let fixed = COLUMNS.iter().filter(|(column, _)| *column != Column::Number);
    let mut heads: Vec<String> = fixed.map(|(_, head)| translate(head)).collect();
    heads.extend(form.fields.iter().map(|field| field.label.clone()));
    sheet::write(format, &[heads])
}

/// Takes an uploaded list; nothing goes in before the preview is confirmed.
pub async fn upload(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    file_name: &str,
    bytes: Vec<u8>,
    kind: TicketTypeId,
    group: &str,
) -> Result<ImportId, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let account = permit.account.ok_or_else(Refusal::denied)?;
    let form = ctx.read(&permit, |view| {
        crate::archive::check_open(view, event)?;
        event::load(view, event)
    })?;
    let (bytes, read) = off_thread(move || {
        let read = sheet::read(&bytes)?;
        Ok((bytes, read))
    })
    .await?;
    let columns = guess(&read.heads, &form.fields);
    let rows = u32::try_from(read.rows.len()).unwrap_or(u32::MAX);
    let file = ctx.files.put(&bytes)?;
    let file_name: String = domain::text::line(file_name).chars().take(100).collect();
    let group = domain::text::line(group);
    if group.chars().count() > 40 {
        return Err(Refusal::invalid(vec![problem!(
            "group",
            "At most {max} characters; this has {length}.",
            max = 40,
            length = group.chars().count()
        )])
        .into());
    }
    ctx.write(&permit, move |work| {
        ticket_type::load(work.read(), event, kind)?;
        let group = if group.is_empty() { None } else { Some(event::group_named(work, event, &group)?) };
        let import = Import {
            id: ImportId(work.next_id::<Import>()?),
            event,
            account,
            file_name: file_name.clone(),
            file,
            kind,
            group,
            columns: columns.clone(),
            rows,
            state: ImportState::Preview,
            tally: Tally::default(),
            created_at: work.now,
        };
        work.insert(&import)?;
        work.audit("import.upload", format!("event/{event}/import/{}", import.id), "", &import.file_name)?;
        Ok(import.id)
    })
    .await
}

async fn off_thread<T: Send + 'static>(f: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(f).await.map_err(|error| Error::internal("reading a list", error))?
}

fn load(view: &impl Read, id: ImportId) -> Result<Import, Error> {
    view.get::<Import>(&id)?.ok_or_else(|| Refusal::missing("import").into())
}

/// An import of an event.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId, id: ImportId) -> Result<Import, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let import = ctx.read(&permit, |view| load(view, id))?;
    if import.event == event { Ok(import) } else { Err(Refusal::missing("import").into()) }
}

/// The imports of an event, newest first.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Import>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    ctx.read(&permit, |view| {
        let keys = view.scan_index(&IMPORT_BY_EVENT, &event, None, Order::Descending).take(50);
        keys.map(|key| load(view, key?)).collect()
    })
}

/// Changes what the columns mean, while the import waits.
pub async fn set_columns(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: ImportId,
    columns: Vec<Column>,
) -> Result<(), Error> {
    get(ctx, actor, event, id)?;
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let mut seen = Vec::new();
    for column in columns.iter().filter(|column| **column != Column::Skip) {
        if seen.contains(column) {
            return Err(Refusal::invalid(vec![problem!("columns", "Two columns cannot be the same thing.")]).into());
        }
        seen.push(*column);
    }
    ctx.write(&permit, move |work| {
        let mut import = waiting(work.read(), id)?;
        if columns.len() != import.columns.len() {
            return Err(Refusal::invalid(vec![problem!("columns", "The list has another number of columns.")]).into());
        }
        import.columns.clone_from(&columns);
        work.put(&import)?;
        work.audit("import.columns", format!("event/{event}/import/{id}"), "", "")
    })
    .await
}

fn waiting(view: &impl Read, id: ImportId) -> Result<Import, Error> {
    let import = load(view, id)?;
    if import.state != ImportState::Preview {
        return Err(refuse!(Conflict, "import.begun", "This import has already begun or was given up.").into());
    }
    Ok(import)
}

/// One row of the preview.
#[derive(Debug, Clone)]
pub struct PreviewRow {
    /// The number beside the row in a spreadsheet.
    pub number: u32,
    /// The cells.
    pub cells: Vec<String>,
    /// What will become of it.
    pub verdict: RowVerdict,
}

/// What an import will do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The heads of the list.
    pub heads: Vec<String>,
    /// The rows of the page.
    pub rows: Vec<PreviewRow>,
    /// How many rows the page's filter found.
    pub found: usize,
    /// What will become of all rows.
    pub tally: Tally,
}

/// Looks at every row as the import would; `refused_only` shows just the rows that cannot go in.
pub async fn preview(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: ImportId,
    refused_only: bool,
    page: usize,
) -> Result<Preview, Error> {
    let import = get(ctx, actor, event, id)?;
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let ctx = ctx.clone();
    off_thread(move || {
        let read = sheet::read(&ctx.files.get(&import.file)?)?;
        ctx.read(&permit, |view| {
            let firsts = Arc::new(Firsts::of(&read, &import.columns));
            let mut judge = Judge::new(view, &import, firsts)?;
            let mut preview = Preview { heads: read.heads, rows: Vec::new(), found: 0, tally: Tally::default() };
            for (at, (number, cells)) in (0..).zip(read.rows) {
                let verdict = judge.judge(view, at, &cells)?.verdict;
                preview.tally.add(&verdict);
                if refused_only && !matches!(verdict, RowVerdict::Refuse(_)) {
                    continue;
                }
                if (page * PAGE..(page + 1) * PAGE).contains(&preview.found) {
                    preview.rows.push(PreviewRow { number, cells, verdict });
                }
                preview.found += 1;
            }
            Ok(preview)
        })
    })
    .await
}

/// What a row turned out to be.
struct Judged {
    verdict: RowVerdict,
    details: Option<TicketDetails>,
    kind: TicketTypeId,
    group: String,
    ticket: Option<Ticket>,
}

/// Judges rows one after another, knowing those before: phones that came already, places that are taken.
struct Judge {
    form: Event,
    kinds: Vec<TicketType>,
    groups: Vec<Group>,
    columns: Vec<Column>,
    kind: TicketTypeId,
    group: String,
    places: Stocks,
    firsts: Arc<Firsts>,
}

/// In which row a phone and a ticket number stand first; later rows with the same are refused.
#[derive(Debug, Default)]
struct Firsts {
    phones: HashMap<String, u32>,
    numbers: HashMap<String, u32>,
}

impl Firsts {
    fn of(read: &Sheet, columns: &[Column]) -> Self {
        let mut firsts = Self::default();
        for (at, (_, cells)) in (0..).zip(&read.rows) {
            for (column, cell) in columns.iter().zip(cells) {
                match column {
                    Column::Phone => {
                        if let Some(phone) = domain::phone::normalise(cell) {
                            firsts.phones.entry(phone).or_insert(at);
                        }
                    }
                    Column::Number => {
                        if let Scanned::Number(number) = code::read(cell) {
                            firsts.numbers.entry(number).or_insert(at);
                        }
                    }
                    _ => {}
                }
            }
        }
        firsts
    }
}

impl Judge {
    fn new(view: &impl Read, import: &Import, firsts: Arc<Firsts>) -> Result<Self, Error> {
        let kinds = ticket_type::of_event(view, import.event)?;
        let places = Stocks::read(view, import.event)?;
        let groups = event::groups_of(view, import.event)?;
        let group = groups
            .iter()
            .find(|group| Some(group.id) == import.group)
            .map_or(String::new(), |group| group.name.clone());
        Ok(Self {
            form: event::load(view, import.event)?,
            kinds,
            groups,
            columns: import.columns.clone(),
            kind: import.kind,
            group,
            places,
            firsts,
        })
    }

    fn cell<'a>(&self, cells: &'a [String], column: Column) -> &'a str {
        let at = self.columns.iter().position(|kept| *kept == column);
        at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim())
    }

    /// The group of that name, made when it is not there; asked of the store once a chunk, not once a row.
    fn group_named(&mut self, work: &mut Work<'_, '_>, name: &str) -> Result<Option<GroupId>, Error> {
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(group) = self.groups.iter().find(|group| group.name == name) {
            return Ok(Some(group.id));
        }
        let id = event::group_named(work, self.form.id, name)?;
        self.groups.push(Group { id, event: self.form.id, name: name.to_owned() });
        Ok(Some(id))
    }

    fn judge(&mut self, view: &impl Read, at: u32, cells: &[String]) -> Result<Judged, Error> {
        let input = TicketInput {
            name: self.cell(cells, Column::Name).to_owned(),
            phone: self.cell(cells, Column::Phone).to_owned(),
            company: self.cell(cells, Column::Company).to_owned(),
            seat: self.cell(cells, Column::Seat).to_owned(),
            note: self.cell(cells, Column::Note).to_owned(),
            door_note: self.cell(cells, Column::DoorNote).to_owned(),
            answers: self
                .form
                .fields
                .iter()
                .map(|f| (f.id, self.cell(cells, Column::Answer(f.id)).to_owned()))
                .collect(),
        };
        let (details, mut problems) = match check_ticket(&input, &self.form.fields, Filler::Secretariat) {
            Ok(details) => (Some(details), Vec::new()),
            Err(problems) => (None, problems),
        };
        let kind = self.kind_of(self.cell(cells, Column::TicketType), &mut problems);
        let group = match self.cell(cells, Column::Group) {
            "" => self.group.clone(),
            named => domain::text::line(named),
        };
        if group.chars().count() > 40 {
            problems.push(problem!(
                "group",
                "At most {max} characters; this has {length}.",
                max = 40,
                length = group.chars().count()
            ));
        }
        let phone = details.as_ref().and_then(|details| details.phone.clone());
        let ticket = self.existing(view, at, self.cell(cells, Column::Number), phone.as_deref(), &mut problems)?;
        let mut judged = Judged { verdict: RowVerdict::Add, details, kind, group, ticket };
        judged.verdict = self.verdict(view, at, &judged, phone, problems)?;
        Ok(judged)
    }

    fn kind_of(&self, named: &str, problems: &mut Vec<Problem>) -> TicketTypeId {
        if named.is_empty() {
            return self.kind;
        }
        let found = self.kinds.iter().find(|kind| kind.name == named);
        if found.is_none() {
            problems.push(problem!("ticket_type", "The event has no ticket type “{name}”.", name = named));
        }
        found.map_or(self.kind, |kind| kind.id)
    }

    fn existing(
        &self,
        view: &impl Read,
        at: u32,
        number: &str,
        phone: Option<&str>,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Ticket>, Error> {
        if !number.is_empty() {
            let found = match code::read(number) {
                Scanned::Number(number) => view.find::<Ticket, _>(&TICKET_BY_NUMBER, &number)?,
                _ => None,
            };
            let found = found.filter(|ticket| ticket.event == self.form.id);
            match &found {
                None => problems.push(problem!("number", "No registration of this event has this ticket number.")),
                Some(ticket) if self.firsts.numbers.get(&ticket.number) != Some(&at) => {
                    problems.push(problem!("number", "This ticket number stands in the list twice."));
                }
                Some(_) => {}
            }
            return Ok(found);
        }
        let Some(phone) = phone else { return Ok(None) };
        Ok(view.find::<Ticket, _>(&TICKET_BY_PHONE, &(phone.to_owned(), self.form.id))?)
    }

    fn verdict(
        &mut self,
        view: &impl Read,
        at: u32,
        judged: &Judged,
        phone: Option<String>,
        mut problems: Vec<Problem>,
    ) -> Result<RowVerdict, Error> {
        if let Some(phone) = &phone {
            if self.firsts.phones.get(phone) != Some(&at) {
                problems.push(problem!("phone", "This phone number stands in the list twice."));
            }
            let holder = view.find_key::<Ticket, _>(&TICKET_BY_PHONE, &(phone.clone(), self.form.id))?;
            if judged.ticket.as_ref().is_some_and(|ticket| holder.is_some_and(|(_, id)| id != ticket.id)) {
                problems.push(problem!("phone", "Another registration of this event has this phone number."));
            }
        }
        if judged.ticket.as_ref().is_some_and(|ticket| !ticket.state.holds_place()) {
            problems.push(problem!("number", "This registration is canceled."));
        }
        let Some(details) = judged.details.as_ref().filter(|_| problems.is_empty()) else {
            return Ok(RowVerdict::Refuse(problems));
        };
        let moves = judged.ticket.as_ref().is_none_or(|ticket| ticket.kind != judged.kind);
        if moves && !self.reserve(judged.kind, judged.ticket.as_ref().map(|ticket| ticket.kind)) {
            return Ok(RowVerdict::Refuse(vec![problem!("ticket_type", "No ticket of this type is left.")]));
        }
        let Some(ticket) = &judged.ticket else { return Ok(RowVerdict::Add) };
        let changes = self.changes(ticket, details, judged);
        Ok(if changes.is_empty() { RowVerdict::Unchanged(ticket.id) } else { RowVerdict::Change(ticket.id, changes) })
    }

    fn reserve(&mut self, kind: TicketTypeId, from: Option<TicketTypeId>) -> bool {
        let Some(record) = self.kinds.iter().find(|record| record.id == kind) else { return false };
        if let Some(from) = from {
            self.places.reserve(from, -1);
        }
        let room = self.places.of(kind).left(record) != Some(0);
        match (room, from) {
            (true, _) => self.places.reserve(kind, 1),
            (false, Some(from)) => self.places.reserve(from, 1),
            (false, None) => {}
        }
        room
    }

    /// What an import changes: only what its columns speak of, and never anything into nothing.
    fn changes(&self, ticket: &Ticket, details: &TicketDetails, judged: &Judged) -> Vec<&'static str> {
        let mut changes = Vec::new();
        let mut compare = |label, new: &str, old: &str| {
            if !new.is_empty() && new != old {
                changes.push(label);
            }
        };
        compare("Name", &details.name, &ticket.name);
        compare("Phone", details.phone.as_deref().unwrap_or(""), ticket.phone.as_deref().unwrap_or(""));
        compare("Company", &details.company, &ticket.company);
        compare("Seat", &details.seat, &ticket.seat);
        compare("Note", &details.note, &ticket.note);
        compare("Note for the door", &details.door_note, &ticket.door_note);
        let group =
            self.groups.iter().find(|group| Some(group.id) == ticket.group).map_or("", |group| group.name.as_str());
        compare("Group", &judged.group, group);
        if ticket.kind != judged.kind && self.columns.contains(&Column::TicketType) {
            changes.push("Ticket type");
        }
        let kept = |id: u16| ticket.answers.iter().find(|answer| answer.field == id).map(|answer| &answer.value);
        let differs = |(id, text): &(u16, String)| match kept(*id) {
            Some(domain::field::AnswerValue::Plain(old)) => old != text,
            Some(domain::field::AnswerValue::Region(code, _)) => code.to_string() != *text,
            Some(domain::field::AnswerValue::Chosen(old)) => old.join("\n") != *text,
            _ => true,
        };
        if details.answers.iter().any(differs) {
            changes.push("Answers");
        }
        changes
    }
}

/// Begins an import; [`run`] carries it on.
pub async fn begin(ctx: &Ctx, actor: &Actor, event: EventId, id: ImportId) -> Result<(), Error> {
    get(ctx, actor, event, id)?;
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut import = waiting(work.read(), id)?;
        if !import.columns.contains(&Column::Name) {
            return Err(Refusal::invalid(vec![problem!("columns", "One column must be the name.")]).into());
        }
        import.state = ImportState::Running(0);
        work.put(&import)?;
        work.audit("import.begin", format!("event/{event}/import/{id}"), "", &import.file_name)
    })
    .await
}

/// Gives up an import that has not begun.
pub async fn drop_import(ctx: &Ctx, actor: &Actor, event: EventId, id: ImportId) -> Result<(), Error> {
    get(ctx, actor, event, id)?;
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut import = waiting(work.read(), id)?;
        import.state = ImportState::Dropped;
        work.put(&import)?;
        work.audit("import.drop", format!("event/{event}/import/{id}"), "", &import.file_name)
    })
    .await
}

/// The imports of a space that were running when the box stopped.
pub fn unfinished(ctx: &Ctx, space: SpaceId) -> Result<Vec<ImportId>, Error> {
    ctx.read(&ctx.own(space), |view| {
        let mut found = Vec::new();
        for kept in view.scan::<Import>(&(), None, Order::Ascending) {
            let import = kept?.1;
            if matches!(import.state, ImportState::Running(_)) {
                found.push(import.id);
            }
        }
        Ok(found)
    })
}

/// Carries a running import to its end, from wherever it stands.
pub async fn run(ctx: &Ctx, space: SpaceId, id: ImportId) -> Result<(), Error> {
    let own = ctx.own(space);
    let import = ctx.read(&own, |view| load(view, id))?;
    let permit = Permit { space, by: domain::By::Account(import.account), account: Some(import.account), reads: false };
    let files = ctx.files.clone();
    let columns = import.columns.clone();
    let (read, firsts) = off_thread(move || {
        let read = sheet::read(&files.get(&import.file)?)?;
        let firsts = Arc::new(Firsts::of(&read, &columns));
        Ok((read, firsts))
    })
    .await?;
    loop {
        let import = ctx.read(&permit, |view| load(view, id))?;
        let ImportState::Running(done) = import.state else { return Ok(()) };
        let from = usize::try_from(done).unwrap_or(usize::MAX);
        let rows: Vec<Vec<String>> = read.rows.iter().skip(from).take(CHUNK).map(|(_, row)| row.clone()).collect();
        if rows.is_empty() {
            return finish(ctx, &permit, id).await;
        }
        chunk(ctx, &permit, id, done, rows, firsts.clone()).await?;
    }
}

/// One transaction of rows with the import's progress in it. Rows are judged against what is in the store then, so places that
/// visitors took meanwhile count.
async fn chunk(
    ctx: &Ctx,
    permit: &Permit,
    id: ImportId,
    done: u32,
    rows: Vec<Vec<String>>,
    firsts: Arc<Firsts>,
) -> Result<(), Error> {
    let codes: Vec<Codes> = rows.iter().map(|_| Codes::draw(ctx)).collect();
    let crypt = ctx.clone();
    ctx.write(permit, move |work| {
        let mut import = load(work.read(), id)?;
        if import.state != ImportState::Running(done) {
            return Ok(());
        }
        let mut judge = Judge::new(work.read(), &import, firsts.clone())?;
        for (at, (row, codes)) in (done..).zip(rows.iter().zip(&codes)) {
            let judged = judge.judge(work.read(), at, row)?;
            apply(&crypt, work, &mut judge, &judged, codes)?;
            if let RowVerdict::Refuse(problems) = &judged.verdict {
                work.put(&RefusedRow { import: id, row: at, reasons: problems.iter().map(Into::into).collect() })?;
            }
            import.tally.add(&judged.verdict);
        }
        import.state = ImportState::Running(done.saturating_add(u32::try_from(rows.len()).unwrap_or(u32::MAX)));
        work.put(&import)?;
        work.audit(
            "import.rows",
            format!("event/{}/import/{id}", import.event),
            &done.to_string(),
            &rows.len().to_string(),
        )
    })
    .await
}

fn apply(ctx: &Ctx, work: &mut Work<'_, '_>, judge: &mut Judge, judged: &Judged, codes: &Codes) -> Result<(), Error> {
    let Some(details) = &judged.details else { return Ok(()) };
    let event = judge.form.id;
    match &judged.verdict {
        RowVerdict::Add => {
            let group = judge.group_named(work, &judged.group)?;
            let answers = registration::keep_answers(ctx, &judge.form.fields, &codes.link, &details.answers)?;
            let kind = judge.kinds.iter().find(|kind| kind.id == judged.kind);
            // The verdict took the place off what is left; counting it once more for each row would read all counts each time.
            let ticket = registration::take_counted(
                work,
                &NewTicket {
                    id: None,
                    kind: kind.ok_or_else(|| Refusal::missing("ticket type"))?,
                    details,
                    answers: &answers,
                    group,
                    source: Source::Import,
                    codes,
                    state: TicketState::Active,
                    order: None,
                },
            )?;
            notice::attend_code_imported(work, &ticket)?;
        }
        RowVerdict::Change(id, changes) => {
            let mut ticket = registration::load(work.read(), event, *id)?;
            let before = registration::summary(&ticket);
            let merged = merged(&ticket, details);
            if ticket.phone != merged.phone {
                ticket.person = registration::person_of(work, &merged)?;
            }
            let sealed = registration::keep_answers(ctx, &judge.form.fields, &ticket.link, &merged.answers)?;
            let mut answers: Vec<_> =
                ticket.answers.iter().filter(|old| sealed.iter().all(|new| new.field != old.field)).cloned().collect();
            answers.extend(sealed);
            registration::fill(&mut ticket, &merged, &answers);
            if changes.contains(&"Ticket type") {
                ticket.kind = judged.kind;
            }
            ticket.group = judge.group_named(work, &judged.group)?.or(ticket.group);
            ticket.revision += 1;
            registration::change(work, &ticket, "registration.import", &before)?;
        }
        RowVerdict::Unchanged(_) | RowVerdict::Refuse(_) => {}
    }
    Ok(())
}

/// The row's values over the kept ones: an empty cell changes nothing.
fn merged(ticket: &Ticket, details: &TicketDetails) -> TicketDetails {
    let over = |new: &str, old: &str| if new.is_empty() { old.to_owned() } else { new.to_owned() };
    TicketDetails {
        name: details.name.clone(),
        phone: details.phone.clone().or_else(|| ticket.phone.clone()),
        company: over(&details.company, &ticket.company),
        seat: over(&details.seat, &ticket.seat),
        note: over(&details.note, &ticket.note),
        door_note: over(&details.door_note, &ticket.door_note),
        answers: details.answers.clone(),
    }
}

/// Ends an import.
async fn finish(ctx: &Ctx, permit: &Permit, id: ImportId) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let mut import = load(work.read(), id)?;
        import.state = ImportState::Finished;
        work.put(&import)?;
        let Tally { added, changed, unchanged, refused } = import.tally;
        let outcome = format!("added {added}, changed {changed}, unchanged {unchanged}, refused {refused}");
        work.audit("import.finish", format!("event/{}/import/{id}", import.event), "", &outcome)
    })
    .await
}

/// The refused rows in the shape of the list with the reasons behind; `say` turns a text and its values into the reader's language.
pub fn refused_rows(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: ImportId,
    format: Format,
    say: impl Fn(&str, &[(String, String)]) -> String,
) -> Result<Vec<u8>, Error> {
    let import = get(ctx, actor, event, id)?;
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let read = sheet::read(&ctx.files.get(&import.file)?)?;
    let mut out = vec![read.heads];
    if let Some(heads) = out.first_mut() {
        heads.push(say("Reason", &[]));
    }
    ctx.read(&permit, |view| {
        for kept in view.scan::<RefusedRow>(&id, None, Order::Ascending) {
            let kept = kept?.1;
            let at = usize::try_from(kept.row).unwrap_or(usize::MAX);
            let Some((_, cells)) = read.rows.get(at) else { continue };
            let mut row = cells.clone();
            row.push(kept.reasons.iter().map(|reason| say(&reason.text, &reason.args)).collect::<Vec<_>>().join(" "));
            out.push(row);
        }
        Ok(())
    })?;
    sheet::write(format, &out)
}
