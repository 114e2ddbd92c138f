//! Backups of the whole box: the plan, making them by the clock or at once, the recovery key, and what is worth a warning. Only the platform's
//! own staff may; merchants are in it like everybody.

pub(crate) mod alert;
mod pack;
mod restore;
mod run;
mod target;

pub use domain::backup::Trouble;
pub use pack::RecoveryKey;
pub use restore::{Asked, Key, Restored, anchors, detach, restore};
pub(crate) use restore::{apart, new_line as line_of};
pub use target::{Access, Reached, Site};

use crate::{
    Actor, At, Ctx, Error,
    seal::{Kind, Spot, lasting},
};
use domain::{
    BackupAccess, BackupPlan, BackupRun, BackupRunId, KeyRing, Permission, Refusal, SpaceId, Time,
    backup::{AGAIN_MILLIS, Due, Held, Home, Keep, OLD_MILLIS, Piece, PlanInput, Planned, RUNS_MAX},
    problem, refuse,
};
use run::{Done, Made, Run, Want};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use store::{Order, Read};
use target::Target;

/// What the password at another computer is sealed for.
pub(crate) const ACCESS: Spot = Spot::only(Kind::BackupAccess, "backup/access");
/// How long the page waits for what the place holds.
const LOOKED: std::time::Duration = std::time::Duration::from_secs(15);
/// Below the data folder; while it is there, an update is on trial and no backup is begun: what is tried may be taken back, and two histories must
/// not mix.
pub const HELD_BY: &str = "update/state.json";
/// Every how many seconds the clock looks whether something is due.
const LOOK_EVERY: i64 = 20;
/// What the recovery key is sealed for.
pub(crate) const SEALED: Spot = Spot::only(Kind::Recovery, "backup/recovery");
/// Runs on the page.
const SHOWN: usize = 20;

/// What belongs to the box and lies outside of its records.
#[derive(Debug, Clone)]
pub struct Place {
    /// The data folder.
    pub data: PathBuf,
    /// The keys of sensitive fields.
    pub keys: KeyRing,
}

/// Who makes backups.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    place: OnceLock<Place>,
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    /// A run is under way; since when, where it is a full one.
    running: Option<Option<Time>>,
    /// What went wrong last, until something went well.
    trouble: Option<(Time, Trouble)>,
    /// Since when nothing went well.
    failing: Option<Time>,
    /// What the folder of that name held when it was last looked at: so that an idle box does not wake the disk.
    held: Option<(String, Held)>,
}

impl Desk {
    /// The data folder, where the box has a place of its own.
    pub(crate) fn data(&self) -> Option<&Path> {
        self.place.get().map(|place| place.data.as_path())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says where the box's data and key are; without it there are no backups.
pub fn register(ctx: &Ctx, place: Place) {
    if ctx.backup.place.set(place).is_err() {
        tracing::debug!("the place of backups was known");
    }
}

fn permit(ctx: &Ctx, actor: &Actor) -> Result<crate::Permit, Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::denied().into());
    }
    ctx.permit(actor, Permission::BackupManage, At::Space)
}

fn plan_in(view: &impl Read) -> Result<Option<BackupPlan>, Error> {
    Ok(view.get::<BackupPlan>(&())?)
}

fn plan_of(ctx: &Ctx) -> Result<Option<BackupPlan>, Error> {
    ctx.read(&ctx.own(SpaceId::ASSOCIATION), plan_in)
}

fn key_of(ctx: &Ctx, plan: &BackupPlan) -> Result<RecoveryKey, Error> {
    let text = ctx.sealer.open(&SEALED, &plan.sealed)?;
    RecoveryKey::read(&text).ok_or_else(|| Error::Internal("the recovery key cannot be read".into()))
}

/// Who the box is at another computer, with the password in the open.
fn access_of(ctx: &Ctx) -> Result<Option<Access>, Error> {
    let kept = ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| Ok(view.get::<BackupAccess>(&())?))?;
    let Some(BackupAccess { user, sealed }) = kept else { return Ok(None) };
    Ok(Some(Access { user, secret: ctx.sealer.open(&ACCESS, &sealed)? }))
}

/// The seed of the box's key pair for SFTP, made from the box's first key: it is the same for good, since the other computer knows its public half.
fn ssh_secret(ctx: &Ctx) -> Result<String, Error> {
    let place = ctx.backup.place.get().ok_or_else(|| Error::Internal("this box has no place".into()))?;
    Ok(data_encoding::HEXLOWER.encode(&lasting(&place.keys).ssh))
}

/// The line by which another computer lets the box in by SFTP.
fn ssh_public(ctx: &Ctx) -> Result<String, Error> {
    Ok(target::ssh_key(&ssh_secret(ctx)?).map_err(|trouble| Error::Internal(trouble.to_string()))?.public())
}

/// Nobody's host key is believed by itself: whoever names a server by SFTP compares it first.
async fn check_host_key(ctx: &Ctx, plan: &BackupPlan, access: Option<&Access>) -> Result<(), Error> {
    let home = Home::parse(&plan.folder).map_err(|problem| Refusal::invalid(vec![problem]))?;
    let (Home::Sftp { host, port, pinned: None, .. }, Some(access)) = (home, access) else { return Ok(()) };
    let target = gateway::ssh::Target { host, port, user: access.user.clone() };
    let key = target::ssh_key(&ssh_secret(ctx)?).map_err(|trouble| Error::Internal(trouble.to_string()))?;
    let wrong = match gateway::ssh::Connection::look(&target, &key).await {
        Ok(key) => problem!(
            "folder",
            "The other computer shows the host key {key}. Compare it there, as ssh-keygen -l shows it; if it is the same, write ?host={key} behind the address.",
            key = key
        ),
        Err(trouble) => problem!("folder", "The other computer cannot be reached: {why}", why = trouble),
    };
    Err(Refusal::invalid(vec![wrong]).into())
}

/// A place, and the way there. To be called within the runtime.
fn site(ctx: &Ctx, folder: &str, access: Option<Access>) -> Result<Site, Error> {
    let home = Home::parse(folder).map_err(|problem| Error::Internal(problem.text.into()))?;
    let place = ctx.backup.place.get().ok_or_else(|| Error::Internal("this box has no place".into()))?;
    let reached = match access.filter(|_| home.is_away()) {
        Some(access) => Some(Reached {
            access,
            egress: ctx.egress()?.clone(),
            handle: tokio::runtime::Handle::try_current().map_err(|error| Error::Internal(error.to_string()))?,
            spool: place.data.join("outgoing"),
        }),
        None => None,
    };
    Ok(Site::new(home, reached))
}

/// Runs on a thread of its own: a place that hangs holds nobody else.
async fn off<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        store::step_back(19);
        drop(tell.send(work()));
    });
    if let Err(error) = started {
        return Err(Trouble::Other(error.to_string()));
    }
    told.await.unwrap_or_else(|_| Err(Trouble::Other("the backup's thread panicked".into())))
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Page {
    /// The plan, once there is one.
    pub plan: Option<BackupPlan>,
    /// The latest runs, newest first.
    pub runs: Vec<BackupRun>,
    /// Who the box is at another computer.
    pub user: Option<String>,
    /// The line by which another computer lets the box in by SFTP.
    pub ssh: String,
    /// What the folder holds, or why that cannot be told.
    pub shelf: Option<Result<Shelf, Trouble>>,
    /// A run is under way; since when, where it is a full one.
    pub running: Option<Option<Time>>,
    /// What went wrong last.
    pub trouble: Option<(Time, Trouble)>,
    /// What is worth a warning.
    pub warning: Option<Warning>,
}

/// What the folder holds.
#[derive(Debug, Clone)]
pub struct Shelf {
    /// The box's folder.
    pub folder: String,
    /// Full backups, newest first: when, bytes.
    pub full: Vec<(Time, u64)>,
    /// When the newest piece was taken: everything up to then can be restored.
    pub newest: Option<Time>,
    /// Bytes of everything.
    pub bytes: u64,
    /// The recovery key lies there, locked by a passphrase.
    pub locked: bool,
}

/// What somebody should look after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// There are no backups, or they are switched off.
    Off,
    /// The last try failed.
    Failed,
    /// The newest full one is older than a day and a half.
    Old,
}

/// The page.
pub async fn page(ctx: &Ctx, actor: &Actor) -> Result<Page, Error> {
    let permit = permit(ctx, actor)?;
    let (plan, runs) = ctx.read(&permit, |view| {
        let runs = view.scan::<BackupRun>(&(), None, Order::Descending).take(SHOWN);
        let runs: Vec<BackupRun> = runs.map(|kept| Ok(kept?.1)).collect::<Result<_, Error>>()?;
        Ok((plan_in(view)?, runs))
    })?;
    let state = ctx.backup.state().clone();
    let warning = warn(plan.as_ref(), &runs, &state, ctx.now());
    let access = access_of(ctx)?;
    let shelf = match plan.clone() {
        Some(plan) => {
            let site = site(ctx, &plan.folder, access.clone())?;
            let looked = tokio::time::timeout(LOOKED, off("backup-look", move || look(&site, &plan.line))).await;
            Some(looked.unwrap_or_else(|_| Err(Trouble::Away("no answer in time".into()))))
        }
        None => None,
    };
    let user = access.map(|access| access.user);
    Ok(Page { plan, runs, user, ssh: ssh_public(ctx)?, shelf, running: state.running, trouble: state.trouble, warning })
}

fn look(site: &Site, line: &str) -> Result<Shelf, Trouble> {
    let target = Target::open(site, line)?;
    let pieces = target.pieces()?;
    let mut full: Vec<(Time, u64)> = pieces
        .iter()
        .filter_map(|(piece, bytes)| match piece {
            Piece::Full { at, .. } => Some((*at, *bytes)),
            _ => None,
        })
        .collect();
    full.sort_unstable_by(|a, b| b.cmp(a));
    Ok(Shelf {
        folder: target.shown(),
        full,
        newest: domain::backup::Shelf::of(pieces.keys().cloned()).newest().map(|(at, _)| at),
        bytes: pieces.values().sum(),
        locked: pieces.contains_key(&Piece::Recovery),
    })
}

fn warn(plan: Option<&BackupPlan>, runs: &[BackupRun], state: &State, now: Time) -> Option<Warning> {
    if plan.is_none_or(|plan| !plan.on) {
        return Some(Warning::Off);
    }
    if state.trouble.is_some() || runs.first().is_some_and(|run| run.trouble.is_some()) {
        return Some(Warning::Failed);
    }
    // Before the first one, the clock makes it within a minute.
    let good = runs.iter().find(|run| run.trouble.is_none())?;
    (now.since(good.ended) > OLD_MILLIS).then_some(Warning::Old)
}

/// How backups stand, as the box itself asks; none where it has no place of its own.
pub(crate) fn standing(ctx: &Ctx) -> Result<Option<domain::health::Backup>, Error> {
    use domain::health::Backup;
    if ctx.backup.place.get().is_none() {
        return Ok(None);
    }
    ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| {
        let runs = view.scan::<BackupRun>(&(), None, Order::Descending).take(SHOWN);
        let runs: Vec<BackupRun> = runs.map(|kept| Ok(kept?.1)).collect::<Result<_, Error>>()?;
        let warning = warn(plan_in(view)?.as_ref(), &runs, &ctx.backup.state(), ctx.now());
        let good = runs.iter().find(|run| run.trouble.is_none());
        Ok(Some(match (warning, good) {
            (Some(Warning::Off), _) => Backup::Off,
            (Some(Warning::Failed), _) => Backup::Failed,
            (_, None) => Backup::Coming,
            (warning, Some(good)) => Backup::Made(good.ended, warning == Some(Warning::Old)),
        }))
    })
}

/// A form that can be filled in: the plan as it is, or one to begin with.
pub fn input_of(plan: Option<&BackupPlan>, user: Option<&str>) -> PlanInput {
    let keep = plan.map_or_else(Keep::default, |plan| plan.keep);
    PlanInput {
        on: plan.is_none_or(|plan| plan.on),
        folder: plan.map(|plan| plan.folder.clone()).unwrap_or_default(),
        user: user.unwrap_or_default().to_owned(),
        secret: String::new(),
        hour: plan.map_or(3, |plan| plan.hour).to_string(),
        minutes: plan.map_or(5, |plan| plan.minutes).to_string(),
        keep: [keep.days, keep.weeks, keep.months].map(|count| count.to_string()),
        others: plan.map(|plan| plan.others.join("\n")).unwrap_or_default(),
        passphrase: Default::default(),
        revision: plan.map_or(0, |plan| plan.revision),
    }
}

/// A new name for a folder of this box.
fn new_line(ctx: &Ctx) -> String {
    format!("{}{:08x}", target::NAME, ctx.random.number() >> 32)
}

/// Keeps the plan; makes the box's folder and the recovery key where there are none.
pub async fn save(ctx: &Ctx, actor: &Actor, input: &PlanInput) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    let planned = input.check()?;
    if let Err(key) = pack::Locks::read(planned.others.iter().map(String::as_str)) {
        let wrong = problem!("others", "“{key}” is no public key. It begins with age1.", key = key);
        return Err(Refusal::invalid(vec![wrong]).into());
    }
    let place = ctx.backup.place.get().ok_or_else(|| Error::Internal("this box has no place".into()))?;
    if let Home::Folder(folder) = &planned.home
        && (Path::new(folder).starts_with(&place.data) || place.data.starts_with(folder))
    {
        let wrong = problem!("folder", "This folder lies on the box's own data. Choose one on another disk.");
        return Err(Refusal::invalid(vec![wrong]).into());
    }
    let before = plan_of(ctx)?;
    let (line, sealed, recipient) = match &before {
        Some(plan) => (plan.line.clone(), plan.sealed.clone(), plan.recipient.clone()),
        None => fresh_key(ctx)?,
    };
    let after = planned_over(planned.clone(), (line, sealed, recipient), input.revision + 1);
    let access = chosen(ctx, before.as_ref(), &planned)?;
    prepare(ctx, &after, access.clone(), planned.passphrase).await?;
    let kept = match access {
        Some(Access { user, secret }) => {
            Some(BackupAccess { user, sealed: ctx.sealer.seal(ctx.random.as_ref(), &ACCESS, &secret)? })
        }
        None => None,
    };
    put(ctx, &permit, after, input.revision, "backup.plan", Some(kept)).await?;
    // A new folder is looked into anew, and at once.
    let mut state = ctx.backup.state();
    (state.trouble, state.failing, state.held) = (None, None, None);
    Ok(())
}

/// Who the box is at the place of a form. A password that is not typed again is good for the computer that it was typed for.
fn chosen(ctx: &Ctx, before: Option<&BackupPlan>, planned: &Planned) -> Result<Option<Access>, Error> {
    let Some((user, secret)) = planned.access.clone() else { return Ok(None) };
    if matches!(planned.home, Home::Sftp { .. }) {
        return Ok(Some(Access { user, secret: ssh_secret(ctx)? }));
    }
    if !secret.is_empty() {
        return Ok(Some(Access { user, secret }));
    }
    let there = before.and_then(|plan| Home::parse(&plan.folder).ok());
    let same = there.is_some_and(|home| home.base() == planned.home.base());
    match access_of(ctx)?.filter(|_| same) {
        Some(kept) => Ok(Some(Access { user, secret: kept.secret })),
        None => {
            let wrong = problem!("secret", "Type the password of this computer.");
            Err(Refusal::invalid(vec![wrong]).into())
        }
    }
}

fn fresh_key(ctx: &Ctx) -> Result<(String, Vec<u8>, String), Error> {
    let key = RecoveryKey::generate();
    let sealed = ctx.sealer.seal(ctx.random.as_ref(), &SEALED, &key.text())?;
    Ok((new_line(ctx), sealed, key.public()))
}

fn planned_over(of: Planned, (line, sealed, recipient): (String, Vec<u8>, String), revision: u32) -> BackupPlan {
    BackupPlan {
        on: of.on,
        folder: of.home.text(),
        line,
        hour: of.hour,
        minutes: of.minutes,
        keep: of.keep,
        recipient,
        sealed,
        others: of.others,
        revision,
    }
}

/// Makes the folder, and lays the key into it where a passphrase was chosen.
async fn prepare(
    ctx: &Ctx,
    plan: &BackupPlan,
    access: Option<Access>,
    passphrase: Option<String>,
) -> Result<(), Error> {
    check_host_key(ctx, plan, access.as_ref()).await?;
    let (line, key, site) = (plan.line.clone(), key_of(ctx, plan)?, site(ctx, &plan.folder, access)?);
    let made = off("backup-trial", move || {
        Target::prepare(&site, &line).and_then(|target| match passphrase {
            Some(passphrase) => target.put(&Piece::Recovery, |out| key.lock(out, &passphrase)).map(drop),
            None => Ok(()),
        })
    });
    made.await.map_err(|trouble| {
        let wrong = match trouble {
            Trouble::Gone => problem!("folder", "There is no such folder. Make it first, or plug the disk in."),
            Trouble::Full => problem!("folder", "Its disk is full."),
            Trouble::Denied(why) => {
                problem!("secret", "The other computer does not let the box in: {why}", why = why)
            }
            Trouble::Away(why) => problem!("folder", "The other computer cannot be reached: {why}", why = why),
            other => problem!("folder", "Nothing can be written there: {why}", why = other.detail()),
        };
        Refusal::invalid(vec![wrong]).into()
    })
}

async fn put(
    ctx: &Ctx,
    permit: &crate::Permit,
    after: BackupPlan,
    revision: u32,
    action: &'static str,
    access: Option<Option<BackupAccess>>,
) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let before = plan_in(work.read())?;
        crate::event::check_revision(before.as_ref().map_or(0, |plan| plan.revision), revision)?;
        work.put(&after)?;
        match &access {
            Some(Some(access)) => work.put(access)?,
            Some(None) if work.read().get::<BackupAccess>(&())?.is_some() => work.remove::<BackupAccess>(&())?,
            Some(None) | None => {}
        }
        work.audit(action, "backup", &before.as_ref().map(words).unwrap_or_default(), &words(&after))
    })
    .await
}

fn words(plan: &BackupPlan) -> String {
    format!(
        "{} | {}/{} | {}:00 | every {} minutes | {} days, {} weeks, {} months | {} more keys",
        if plan.on { "on" } else { "off" },
        plan.folder,
        plan.line,
        plan.hour,
        plan.minutes,
        plan.keep.days,
        plan.keep.weeks,
        plan.keep.months,
        plan.others.len()
    )
}

/// What the recovery sheet says. The key opens every backup: whoever sees it is in the audit log.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The recovery key.
    pub key: String,
    /// The box's folder.
    pub folder: String,
    /// Who the box is at the other computer, where it is on one.
    pub user: Option<String>,
    /// What that computer lets in by SFTP: the seed of the key pair.
    pub ssh: Option<String>,
    /// The association.
    pub name: String,
    /// The keys of sensitive fields that the box has, newest first: number, fingerprint, when it was made.
    pub keys: Vec<(u32, String, Time)>,
}

/// The recovery sheet.
pub async fn sheet(ctx: &Ctx, actor: &Actor) -> Result<Sheet, Error> {
    let permit = permit(ctx, actor)?;
    let plan = plan_of(ctx)?.ok_or_else(|| Refusal::missing("backup"))?;
    let key = key_of(ctx, &plan)?.text();
    ctx.write(&permit, |work| {
        crate::key::sheet_shown(work)?;
        work.audit("backup.sheet", "backup", "", "the recovery key was shown")
    })
    .await?;
    let name = ctx.association()?.map(|known| known.space.name.clone()).unwrap_or_default();
    let home = Home::parse(&plan.folder).map_err(|problem| Error::Internal(problem.text.into()))?;
    let user = access_of(ctx)?.filter(|_| home.is_away()).map(|access| access.user);
    let ssh = if matches!(home, Home::Sftp { .. }) { Some(ssh_secret(ctx)?) } else { None };
    let place = ctx.backup.place.get().ok_or_else(|| Error::Internal("this box has no place".into()))?;
    let keys = place.keys.all().map(|of| (of.number, crate::key::fingerprint(&of.key), of.made)).collect();
    Ok(Sheet { key, folder: home.join(&plan.line).text(), user, ssh, name, keys })
}

/// Makes a new recovery key, for a sheet that was lost or seen. Backups begin anew in a folder of their own; the old ones stay, with the old key.
pub async fn renew_key(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    let before = plan_of(ctx)?.ok_or_else(|| Refusal::missing("backup"))?;
    let (line, sealed, recipient) = fresh_key(ctx)?;
    let after = BackupPlan { line, sealed, recipient, revision: before.revision + 1, ..before.clone() };
    prepare(ctx, &after, access_of(ctx)?, None).await?;
    put(ctx, &permit, after, before.revision, "backup.key", None).await
}

/// Starts a full backup at once; it goes on in the background.
pub fn start(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    permit(ctx, actor)?;
    let plan = plan_of(ctx)?.ok_or_else(|| Refusal::missing("backup"))?;
    if is_held(ctx) {
        return Err(
            refuse!(Conflict, "backup.held", "An update is on trial just now. Try again in some minutes.").into()
        );
    }
    if ctx.backup.state().running.is_some() {
        return Err(refuse!(Conflict, "backup.running", "A backup is being made just now.").into());
    }
    begin(ctx, plan, Want::Full);
    Ok(())
}

/// Whether it was ever said where backups go.
pub(crate) fn is_planned(ctx: &Ctx) -> Result<bool, Error> {
    Ok(plan_of(ctx)?.is_some())
}

/// Whether an update is on trial.
pub(crate) fn is_held(ctx: &Ctx) -> bool {
    ctx.backup.place.get().is_some_and(|place| place.data.join(HELD_BY).exists())
}

/// Looks whether something is due, every now and then; called by the clock each second.
pub(crate) fn start_due(ctx: &Ctx, space: SpaceId) {
    if space != SpaceId::ASSOCIATION || !crate::job::is_turn(ctx, LOOK_EVERY) || is_held(ctx) {
        return;
    }
    match plan_of(ctx) {
        Ok(Some(plan)) if plan.on && may_be_due(ctx, &plan) => begin(ctx, plan, Want::Due),
        Ok(_) => {}
        Err(error) => tracing::error!(%error, "the backup plan cannot be read"),
    }
}

/// By what is known without looking into the folder.
fn may_be_due(ctx: &Ctx, plan: &BackupPlan) -> bool {
    let (now, state) = (ctx.now(), ctx.backup.state().clone());
    let failed = state.trouble.as_ref().is_some_and(|(at, _)| now.since(*at) < AGAIN_MILLIS && now >= *at);
    if state.running.is_some() || failed {
        return false;
    }
    let Some((_, held)) = state.held.filter(|(line, _)| *line == plan.line) else { return true };
    let Ok(zone) = ctx.zone(SpaceId::ASSOCIATION) else { return false };
    plan.due(held, ctx.store().view().sequence(), now, &zone) != Due::Nothing
}

/// Runs on a thread of its own: a disk may be slow.
fn begin(ctx: &Ctx, plan: BackupPlan, want: Want) {
    {
        let mut state = ctx.backup.state();
        if state.running.is_some() {
            return;
        }
        state.running = Some((want == Want::Full).then(|| ctx.now()));
    }
    let ctx = ctx.clone();
    tokio::spawn(async move {
        let (of, began) = (ctx.clone(), ctx.now());
        let line = plan.line.clone();
        let site = access_of(&of).and_then(|access| site(&of, &plan.folder, access));
        let outcome = off("backup", move || run_now(&of, (&plan, &site.map_err(inner)?), want, began)).await;
        finish(&ctx, began, line, outcome).await;
    });
}

type Outcome = Result<(Done, Held), Trouble>;

fn inner(error: Error) -> Trouble {
    Trouble::Other(error.to_string())
}

fn run_now(ctx: &Ctx, (plan, site): (&BackupPlan, &Site), want: Want, now: Time) -> Outcome {
    let place = ctx.backup.place.get().ok_or_else(|| Trouble::Other("this box has no place".into()))?;
    let (key, zone) = (key_of(ctx, plan).map_err(inner)?, ctx.zone(SpaceId::ASSOCIATION).map_err(inner)?);
    let runs = ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| {
        let runs = view.scan::<BackupRun>(&(), None, Order::Descending);
        runs.map(|kept| Ok(kept?.1)).collect::<Result<Vec<BackupRun>, Error>>()
    });
    let good = runs.map_err(inner)?.into_iter().filter(|run| run.trouble.is_none());
    let proven = good.map(|run| run.sequence).collect();
    let run = Run { ctx, plan, site, proven: &proven, place, key: &key, zone: &zone, now };
    run.run(want, || ctx.backup.state().running = Some(Some(now)))
}

/// Writes down how a run ended. Parts leave no record: a record would be a group of its own, and the next part with it.
async fn finish(ctx: &Ctx, began: Time, line: String, outcome: Outcome) {
    let full = matches!(ctx.backup.state().running, Some(Some(_)));
    let kept = match &outcome {
        Ok((Done::Full(made), _)) => keep(ctx, began, Ok(made.clone())).await,
        Err(trouble) if full => keep(ctx, began, Err(trouble.clone())).await,
        Ok(_) | Err(_) => Ok(()),
    };
    if let Err(error) = kept {
        tracing::error!(%error, "how a backup ended could not be kept");
    }
    let mut state = ctx.backup.state();
    state.running = None;
    match outcome {
        Ok((done, held)) => {
            if done != Done::Nothing {
                tracing::info!(?done, "backup");
            }
            (state.trouble, state.failing, state.held) = (None, None, Some((line, held)));
        }
        Err(trouble) => {
            tracing::error!(%trouble, "the backup failed");
            state.failing = state.failing.or(Some(began));
            (state.trouble, state.held) = (Some((ctx.now(), trouble)), None);
        }
    }
}

async fn keep(ctx: &Ctx, began: Time, outcome: Result<Made, Trouble>) -> Result<(), Error> {
    let (made, trouble) = match outcome {
        Ok(made) => (made, None),
        Err(trouble) => (Made { sequence: 0, bytes: 0, files: (0, 0), records: 0, anchor: None }, Some(trouble)),
    };
    ctx.write(&ctx.own(SpaceId::ASSOCIATION), move |work| {
        let id = BackupRunId(work.next_id::<BackupRun>()?);
        let run = BackupRun {
            id,
            began,
            ended: work.now,
            sequence: made.sequence,
            bytes: made.bytes,
            files: made.files,
            records: made.records,
            trouble: trouble.clone(),
        };
        work.insert(&run)?;
        if let Some(anchor) = &made.anchor {
            crate::anchor::keep(work, anchor)?;
        }
        if let Some(old) = id.0.checked_sub(RUNS_MAX) {
            work.remove::<BackupRun>(&BackupRunId(old))?;
        }
        let said = trouble.as_ref().map_or_else(|| format!("up to group {}", made.sequence), ToString::to_string);
        work.audit("backup.run", format!("backup/{id}"), "", &said)
    })
    .await
}

/// Where the desk stands in a [`Ctx`].
pub(crate) type Shared = Arc<Desk>;

#[cfg(test)]
mod away_test;
#[cfg(test)]
mod key_test;
#[cfg(test)]
mod test;
