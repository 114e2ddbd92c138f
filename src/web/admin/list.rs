//! Check-in lists and gates: forms, trying rules out, figures, codes for checking in alone.

use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    CheckinList, EventId, GateId, ListId, Permission, Refusal, TicketTypeId,
    checkin::{Direction, ListInput, Reason, Rule, Verdict, check_list},
};
use maud::Markup;
use serde_json::Value;
use service::{
    Actor, At, Error,
    checkin::{self, Doors, Thought, Trial, own},
};
use views::{
    Tone,
    admin::list as pages,
    component::{chart::Series, list::query},
    format::Format,
    rule::Names,
};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/list", get(fresh).post(create))
        .route("/event/{event}/list/{list}", get(edit).post(save))
        .route("/event/{event}/list/{list}/try", post(attempt))
        .route("/event/{event}/list/{list}/remove", post(remove))
        .route("/event/{event}/list/{list}/figures", get(figures))
        .route("/event/{event}/list/{list}/code", get(codes))
        .route("/event/{event}/list/{list}/code/renew", post(renew))
        .route("/event/{event}/gate", post(add_gate))
        .route("/event/{event}/gate/{gate}/remove", post(remove_gate))
}

/// The names that rules of an event speak of.
pub fn names<'a>(doors: &'a Doors, format: &'a Format) -> Names<'a> {
    Names {
        kinds: doors.kinds.iter().map(|kind| (kind.id, kind.name.as_str())).collect(),
        groups: doors.groups.iter().map(|group| (group.id, group.name.as_str())).collect(),
        gates: doors.gates.iter().map(|gate| (gate.id, gate.name.as_str())).collect(),
        format,
    }
}

/// What a list's form shows of a kept list.
fn shown(list: &CheckinList, visit: &Visit) -> pages::Typed {
    let zone = &visit.format.zone;
    let local = |end: fn(&domain::Window) -> domain::Time| {
        list.window.as_ref().map_or(String::new(), |window| end(window).to_local(zone))
    };
    let input = ListInput {
        name: list.name.clone(),
        kinds: list.kinds.clone(),
        from: local(|window| window.from),
        to: local(|window| window.to),
        multi: list.multi.code().to_owned(),
        exit_hour: list.exit_hour.map_or(String::new(), |hour| hour.to_string()),
        capacity: list.capacity.map_or(String::new(), |most| most.to_string()),
        collected: list.collected,
        rules: list.rules.as_ref().and_then(|rule| serde_json::to_string(rule).ok()).unwrap_or_default(),
        questions: list.questions.clone(),
        own: list.own.code().to_owned(),
    };
    pages::Typed { input, ..pages::Typed::default() }
}

fn input(fields: &Fields) -> ListInput {
    let text = |name| fields.get(name).to_owned();
    ListInput {
        name: text("name"),
        kinds: fields.all("kinds").filter_map(|id| id.parse().ok().map(TicketTypeId)).collect(),
        from: text("from"),
        to: text("to"),
        multi: text("multi"),
        exit_hour: text("exit_hour"),
        capacity: text("capacity"),
        collected: fields.ticked("collected"),
        rules: text("rules"),
        questions: super::event::typed_questions(fields),
        own: text("own"),
    }
}

fn typed(fields: &Fields) -> pages::Typed {
    let text = |name| fields.get(name).to_owned();
    pages::Typed {
        input: input(fields),
        try_code: text("try_code"),
        try_at: text("try_at"),
        try_gate: text("try_gate"),
        try_exit: fields.get("try_direction") == "exit",
    }
}

struct Page<'a> {
    event: EventId,
    list: Option<ListId>,
    typed: pages::Typed,
    refusal: Option<&'a Refusal>,
    trial: Option<Trial>,
    revision: u32,
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, of: Page<'_>) -> Result<Markup, Error> {
    hall.ctx.permit(actor, Permission::EventManage, At::Event(of.event))?;
    let doors = checkin::doors(&hall.ctx, actor, of.event)?;
    let names = names(&doors, &visit.format);
    let text = visit.text();
    let trial = of.trial.map(|trial| {
        let decision = &trial.decision;
        let (word, tone) = match decision.verdict {
            Verdict::Admitted => (text.t("Admitted").to_owned(), Tone::Good),
            Verdict::Incomplete => (text.t("Questions open").to_owned(), Tone::Warn),
            Verdict::Refused(Reason::AlreadyIn) => (text.t(Reason::AlreadyIn.label()).to_owned(), Tone::Warn),
            Verdict::Refused(reason) => (text.t(reason.label()).to_owned(), Tone::Bad),
        };
        let why = match (&decision.failed, decision.verdict) {
            (Some(test), _) => text.f("What must hold: {rule}", &[("rule", &names.test(test))]),
            (None, Verdict::Incomplete) => {
                let asked = doors.list(of.list.unwrap_or_default()).map(|list| list.questions.as_slice());
                let open = asked.unwrap_or_default().iter().filter(|question| decision.open.contains(&question.id));
                open.map(|question| question.label.as_str()).collect::<Vec<_>>().join(text.t(", "))
            }
            (None, _) => String::new(),
        };
        let who = trial
            .name
            .map(|name| text.f("{name}, came in {n} times before", &[("name", &name), ("n", &trial.entries)]));
        pages::Said { who: who.unwrap_or_default(), word, tone, why }
    });
    let shown = pages::Page {
        event: &doors.event,
        id: of.list,
        typed: &of.typed,
        refusal: of.refusal,
        kinds: &doors.kinds,
        groups: &doors.groups,
        gates: &doors.gates,
        revision: of.revision,
        trial,
        now: hall.ctx.now().to_local(&visit.format.zone),
    };
    Ok(pages::form(&visit.admin_shell(actor), &shown))
}

async fn fresh(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(event): Path<u64>) -> Answer {
    let event = EventId(event);
    let typed = shown(&CheckinList::main(event), &visit);
    page(draw(&hall, &visit, &actor, Page { event, list: None, typed, refusal: None, trial: None, revision: 0 })?)
}

fn kept(hall: &Hall, actor: &Actor, event: EventId, list: ListId) -> Result<CheckinList, Error> {
    let doors = checkin::doors(&hall.ctx, actor, event)?;
    doors.list(list).cloned().ok_or_else(|| Refusal::missing("check-in list").into())
}

async fn edit(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, list)): Path<(u64, u64)>,
) -> Answer {
    let (event, list) = (EventId(event), ListId(list));
    let kept = kept(&hall, &actor, event, list)?;
    let (typed, revision) = (shown(&kept, &visit), kept.revision);
    page(draw(&hall, &visit, &actor, Page { event, list: Some(list), typed, refusal: None, trial: None, revision })?)
}

async fn stored(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    list: Option<ListId>,
    fields: &Fields,
) -> Answer {
    let revision = fields.number("revision")?.unwrap_or(0);
    let id = list.map(|list| (list, revision));
    match checkin::save_list(&hall.ctx, actor, event, id, &input(fields)).await {
        Ok(_) => tell(&format!("/admin/event/{event}/checkin"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            // Whoever saves again after somebody else's change has seen it.
            let stale = error.code() == Some("record.changed");
            let now = list.filter(|_| stale).map(|list| kept(hall, actor, event, list)).transpose()?;
            let revision = now.map_or(revision, |list| list.revision);
            again(error, |refusal| {
                let typed = typed(fields);
                draw(hall, visit, actor, Page { event, list, typed, refusal: Some(refusal), trial: None, revision })
            })
        }
    }
}

async fn create(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    stored(&hall, &visit, &actor, EventId(event), None, &fields).await
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, list)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    stored(&hall, &visit, &actor, EventId(event), Some(ListId(list)), &fields).await
}

/// Tries the form out as it stands. A list that is not kept yet is tried as number `new`.
async fn attempt(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, list)): Path<(u64, String)>,
    fields: Fields,
) -> Answer {
    let event = EventId(event);
    let list: Option<ListId> = list.parse().ok();
    let revision = fields.number("revision")?.unwrap_or(0);
    let old = match list {
        Some(list) => kept(&hall, &actor, event, list)?,
        // A number that no list has: nobody was scanned there.
        None => CheckinList { id: ListId(u64::MAX), ..CheckinList::main(event) },
    };
    let mut asked = input(&fields);
    if asked.name.trim().is_empty() {
        asked.name = visit.text().t("New list").to_owned();
    }
    let tried = check_list(&asked, &old, &visit.format.zone).map_err(Error::from).and_then(|list| {
        let thought = Thought {
            code: fields.get("try_code").to_owned(),
            at: fields.get("try_at").to_owned(),
            gate: fields.number("try_gate")?.map(GateId),
            direction: if fields.get("try_direction") == "exit" { Direction::Exit } else { Direction::Entry },
            list,
        };
        checkin::try_out(&hall.ctx, &actor, event, &thought)
    });
    let typed = typed(&fields);
    match tried {
        Ok(trial) => {
            let of = Page { event, list, typed, refusal: None, trial: Some(trial), revision };
            page(draw(&hall, &visit, &actor, of)?)
        }
        Err(error) => again(error, |refusal| {
            draw(&hall, &visit, &actor, Page { event, list, typed, refusal: Some(refusal), trial: None, revision })
        }),
    }
}

async fn remove(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, list)): Path<(u64, u64)>,
) -> Answer {
    let done = checkin::remove_list(&hall.ctx, &actor, EventId(event), ListId(list)).await;
    told(&visit, &format!("/admin/event/{event}/checkin"), done)
}

async fn add_gate(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    let done = checkin::add_gate(&hall.ctx, &actor, EventId(event), fields.get("gate")).await;
    told(&visit, &format!("/admin/event/{event}/checkin"), done.map(|_| ()))
}

async fn remove_gate(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, gate)): Path<(u64, u64)>,
) -> Answer {
    let done = checkin::remove_gate(&hall.ctx, &actor, EventId(event), GateId(gate)).await;
    told(&visit, &format!("/admin/event/{event}/checkin"), done)
}

async fn figures(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, list)): Path<(u64, u64)>,
) -> Answer {
    let (event, list) = (EventId(event), ListId(list));
    let of = checkin::figures(&hall.ctx, &actor, event, list)?;
    let row = service::event::get(&hall.ctx, &actor, event)?.event;
    page(pages::figures(&visit.admin_shell(&actor), &row, &drawn(&visit, &of)))
}

/// The figures of a list as they are sent to a page that stays open: the counts, and the tables whole.
pub fn live(hall: &Hall, visit: &Visit, actor: &Actor, event: EventId, list: ListId) -> Result<Value, Error> {
    let of = checkin::figures(&hall.ctx, actor, event, list)?;
    let mut said = crate::live::counts(of.counts);
    let tables = pages::tables(&visit.admin_shell(actor), &drawn(visit, &of)).into_string();
    if let Value::Object(said) = &mut said {
        said.insert("tables".to_owned(), tables.into());
    }
    Ok(said)
}

fn drawn<'a>(visit: &'a Visit, of: &'a checkin::ListFigures) -> pages::Figures<'a> {
    let text = visit.text();
    let without = text.t("Without a gate");
    let share = |share: &checkin::Share| pages::Share {
        name: share.name.clone(),
        registered: share.registered,
        admitted: share.admitted,
        inside: share.inside,
        refused: share.refused,
    };
    let worked = |row: &checkin::Worked| pages::Worked {
        name: if row.name.is_empty() { without.to_owned() } else { row.name.clone() },
        entries: row.work.entries,
        exits: row.work.exits,
        inside: row.inside,
        refused: row.work.refused,
    };
    let refusals = of.refusals.iter().filter(|(_, count)| *count > 0).filter_map(|(at, count)| {
        let reason = Reason::ALL.get(usize::from(*at))?;
        Some((text.t(reason.label()).to_owned(), *count))
    });
    pages::Figures {
        list: &of.list,
        counts: [of.counts.registered, of.counts.admitted, of.counts.inside, of.counts.refused],
        kinds: of.kinds.iter().map(share).collect(),
        groups: of.groups.iter().map(share).collect(),
        gates: of.gates.iter().map(worked).collect(),
        scanners: of.scanners.iter().map(worked).collect(),
        refusals: refusals.collect(),
        arrivals: Series {
            title: text.t("Arrivals per minute"),
            label: text.t("Time"),
            value: text.t("People"),
            points: super::event::arrivals(visit, &of.arrivals),
        },
    }
}

/// The code on the screen, or the printed ones.
async fn codes(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, list)): Path<(u64, u64)>,
    Query(asked): Query,
) -> Answer {
    let (event, list) = (EventId(event), ListId(list));
    let address = |code: &str| query(&format!("{}/in", visit.base), &[("code", code)]);
    let row = service::event::get(&hall.ctx, &actor, event)?.event;
    let settings = kept(&hall, &actor, event, list)?;
    if asked.get("show") == "print" {
        let mut sheets = Vec::new();
        for direction in [Direction::Entry, Direction::Exit] {
            let code = own::printed(&hall.ctx, &actor, event, list, direction)?;
            sheets.push((direction, address(&code)));
        }
        return page(pages::printed(&visit.shell(), &row, &settings, &sheets));
    }
    let direction = if asked.get("show") == "exit" { Direction::Exit } else { Direction::Entry };
    let (code, left) = own::screen(&hall.ctx, &actor, event, list, direction)?;
    if asked.get("part") == "code" {
        // The next code for the screen that stands: the picture and for how long.
        let svg = views::component::qr(&address(&code), visit.text().t("Check-in code")).into_string();
        let body = serde_json::json!({ "svg": svg, "left": left }).to_string();
        return download("code.json", "application/json", body.into_bytes());
    }
    page(pages::screen(&visit.shell(), &row, &settings, direction, &address(&code), left))
}

async fn renew(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, list)): Path<(u64, u64)>,
) -> Answer {
    let done = own::renew_printed(&hall.ctx, &actor, EventId(event), ListId(list)).await;
    told(&visit, &format!("/admin/event/{event}/checkin"), done)
}

/// A list's rules in words.
pub fn words(doors: &Doors, format: &Format, list: &CheckinList) -> String {
    list.rules.as_ref().map_or(String::new(), |rule: &Rule| names(doors, format).rule(rule))
}
