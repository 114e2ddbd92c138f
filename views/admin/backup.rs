//! Backups: how it stands, the plan, the runs, and the sheet with the recovery key.

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice, post, qr, stat,
    },
    format::{count, size},
    layout::{Tone, admin, sheet as printed},
};
use domain::{
    BackupRun, Refusal, Time,
    backup::{MINUTES, OTHERS_MAX, PlanInput, Trouble},
};
use maud::{Markup, html};

/// What the folder holds.
pub struct Shelf<'a> {
    /// The box's folder.
    pub folder: &'a str,
    /// Full backups, newest first: when, bytes.
    pub full: &'a [(Time, u64)],
    /// Everything up to then can be restored.
    pub newest: Option<Time>,
    /// Bytes of everything.
    pub bytes: u64,
    /// The recovery key lies there, locked by a passphrase.
    pub locked: bool,
}

/// The page.
pub struct Page<'a> {
    /// Whether there is a plan, and whether it is on.
    pub plan: Option<bool>,
    /// A password for another computer is set.
    pub secret: bool,
    /// The line by which another computer lets the box in by SFTP.
    pub ssh: &'a str,
    /// The form.
    pub input: &'a PlanInput,
    /// What was wrong with it.
    pub refusal: Option<&'a Refusal>,
    /// The latest runs, newest first.
    pub runs: &'a [BackupRun],
    /// What the folder holds, or why that cannot be told.
    pub shelf: Option<Result<Shelf<'a>, &'a Trouble>>,
    /// A run is under way.
    pub running: bool,
    /// What went wrong last.
    pub trouble: Option<(Time, &'a Trouble)>,
    /// What is worth a warning.
    pub warning: Option<&'static str>,
}

fn told(shell: &Shell, trouble: &Trouble) -> String {
    match trouble.detail() {
        "" => shell.text().t(trouble.label()).to_owned(),
        detail => format!("{} ({detail})", shell.text().t(trouble.label())),
    }
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let actions = html! {
        @if of.plan.is_some() {
            a class="button" href="/admin/backup/sheet" { (icon(Icon::Print)) (text.t("Recovery sheet")) }
            @if !of.running { (post("/admin/backup/now", "primary", text.t("Back up now"), Icon::Check)) }
        }
    };
    let content = html! {
        (heading(text.t("Backups"), &actions))
        p class="dim" { (text.t("Everything on this box, encrypted, on another disk or computer: in full once a day, and what changed since every few minutes. Each full backup is restored for a trial before it counts.")) }
        @if of.running { (notice(Tone::Info, text.t("A backup is being made just now. It may take some minutes; this page can be closed."))) }
        @if let Some(warning) = of.warning { (notice(Tone::Warn, text.t(warning))) }
        @if let Some((at, trouble)) = of.trouble { (notice(Tone::Bad, &format!("{} {}", shell.format.time(at), told(shell, trouble)))) }
        @match &of.shelf {
            Some(Ok(shelf)) => { (held(shell, shelf)) }
            Some(Err(trouble)) if of.trouble.is_none() => { (notice(Tone::Bad, &told(shell, trouble))) }
            Some(Err(_)) => {}
            None => { (empty(text.t("No backups yet"), text.t("Plug in a USB disk, mount a network folder, or name another computer below."), None)) }
        }
        (form(shell, of))
        @if !of.runs.is_empty() { (runs(shell, of.runs)) }
        @if of.plan.is_some() { (renewal(shell)) }
    };
    admin(shell, text.t("Backups"), &[], &[], &content)
}

fn held(shell: &Shell, of: &Shelf<'_>) -> Markup {
    let text = shell.text();
    let none = || text.t("none").to_owned();
    html! {
        dl class="stats" {
            (stat(text.t("Can be restored up to"), &of.newest.map_or_else(none, |at| shell.format.short(at)), None))
            (stat(text.t("Newest full backup"), &of.full.first().map_or_else(none, |(at, _)| shell.format.short(*at)), None))
            (stat(text.t("Full backups"), &count(of.full.len() as i64), None))
            (stat(text.t("On the backup disk"), &size(of.bytes), None))
        }
        p class="dim" { (text.t("Folder of this box:")) " " code { (of.folder) } }
        @if !of.locked { p class="dim" { (text.t("Without a passphrase, only the recovery sheet opens these backups. Print it and keep it outside of this house.")) } }
    }
}

fn form(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let typed = of.input;
    let every = |minutes: &u16| {
        let label = match minutes {
            0 => text.t("Only in full, once a day").to_owned(),
            1 => text.t("Every minute").to_owned(),
            more => text.f("Every {count} minutes", &[("count", more)]),
        };
        (minutes.to_string(), label)
    };
    let minutes: Vec<(String, String)> = MINUTES.iter().map(every).collect();
    let hours: Vec<(String, String)> = (0..24).map(|hour| (hour.to_string(), format!("{hour:02}:00"))).collect();
    let [days, weeks, months] = &typed.keep;
    let number = |name, label, value| {
        form.input(&Input { name, label, value, kind: "number", required: true, max: 3, ..Input::default() })
    };
    html! {
        section class="panel" {
            h2 { (text.t("Where and when")) }
            (form.summary())
            form method="post" action="/admin/backup" class="form" {
                input type="hidden" name="revision" value=(typed.revision);
                (form.checkbox("on", text.t("Make backups by the clock"), typed.on))
                (form.input(&Input { name: "folder", label: text.t("Folder on another disk, or address of another computer"), value: &typed.folder, required: true, max: domain::backup::FOLDER_MAX, help: text.t("A folder from the root, such as /mnt/backup, which the service must be allowed to write in; or https://nas.example.org/backup for WebDAV; or s3+https://host/bucket?region=name for S3-like storage; or sftp://nas.example.org/srv/backup. The box makes a folder of its own in it, and tries it when you save."), ..Input::default() }))
                div class="pair" {
                    (form.input(&Input { name: "user", label: text.t("Name or access key there"), value: &typed.user, max: domain::backup::USER_MAX, autocomplete: "off", help: text.t("Only for another computer; by SFTP the name of the account, without a password."), ..Input::default() }))
                    (form.input(&Input { name: "secret", label: text.t("Password or secret key there"), kind: "password", max: domain::backup::SECRET_MAX, autocomplete: "new-password", help: text.t(if of.secret { "One is set. Leave it empty to keep it." } else { "It is kept sealed and never shown again." }), ..Input::default() }))
                }
                details {
                    summary { (text.t("For SFTP: the key of this box")) }
                    p { (text.t("No password is sent by SFTP. Add this line to the file authorized_keys of the account there:")) }
                    pre { code { (of.ssh) } }
                }
                div class="pair" {
                    (form.select(&Input { name: "hour", label: text.t("In full each day at"), value: &typed.hour, ..Input::default() }, &hours))
                    (form.select(&Input { name: "minutes", label: text.t("What changed since"), value: &typed.minutes, help: text.t("At most so much can be lost when the box breaks."), ..Input::default() }, &minutes))
                }
                fieldset {
                    legend { (text.t("How long backups are kept")) }
                    div class="pair" {
                        (number("days", text.t("Days"), days))
                        (number("weeks", text.t("Weeks"), weeks))
                        (number("months", text.t("Months"), months))
                    }
                    p class="dim" { (text.t("The newest of each day, week and month stays. Whoever is erased here is in old backups until those are gone.")) }
                }
                div class="pair" {
                    (form.input(&Input { name: "passphrase", label: text.t("Passphrase"), kind: "password", max: domain::backup::PASSPHRASE_MAX, autocomplete: "new-password", help: text.t("Lays the recovery key, locked by this passphrase, beside the backups. Leave it empty to change nothing."), ..Input::default() }))
                    (form.input(&Input { name: "passphrase2", label: text.t("Passphrase once more"), kind: "password", max: domain::backup::PASSPHRASE_MAX, autocomplete: "new-password", ..Input::default() }))
                }
                (form.textarea(&Input { name: "others", label: text.t("Further public keys"), value: &typed.others, max: 600, help: &text.f("Of the age program, one a line, at most {max}: their owners can open the backups as well.", &[("max", &OTHERS_MAX)]), ..Input::default() }, 2))
                (submit(text.t("Save"), None))
            }
        }
    }
}

fn runs(shell: &Shell, runs: &[BackupRun]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Began")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Records")),
        Head::plain(text.t("Files")),
        Head::plain(text.t("Size")),
        Head::plain(text.t("Seconds")),
    ];
    let row = |run: &BackupRun| {
        let state = match &run.trouble {
            None => badge(Tone::Good, text.t("Restored for a trial, sound")),
            Some(trouble) => {
                html! { (badge(Tone::Bad, text.t("Failed"))) " " span class="dim" { (told(shell, trouble)) } }
            }
        };
        let known = run.trouble.is_none();
        let figure = |value: String| html! { @if known { (value) } @else { "–" } };
        Row {
            id: None,
            name: shell.format.short(run.began),
            cells: vec![
                html! { (shell.format.time(run.began)) },
                state,
                figure(count(run.records as i64)),
                figure(count(i64::from(run.files.0))),
                figure(size(run.bytes)),
                html! { (count(run.ended.since(run.began) / domain::time::SECOND)) },
            ],
        }
    };
    let rows: Vec<Row> = runs.iter().map(row).collect();
    html! {
        h2 { (text.t("Latest full backups")) }
        (table(text, text.t("Latest full backups"), &heads, &rows, false))
    }
}

fn renewal(shell: &Shell) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("The recovery sheet was lost or seen by somebody")) }
            p { (text.t("Make a new recovery key and print the sheet anew. Backups begin again in a new folder; the old ones stay readable with the old sheet, until you delete their folder.")) }
            (confirm(&Confirm { label: text.t("New recovery key"), warning: text.t("The old sheet opens no backup that is made from now on. A passphrase must be set again."), action: "/admin/backup/key", verb: text.t("Make a new key") }))
        }
    }
}

/// The sheet with the recovery key.
pub struct Sheet<'a> {
    /// The association.
    pub name: &'a str,
    /// The recovery key.
    pub key: &'a str,
    /// The box's folder.
    pub folder: &'a str,
    /// Who the box is at the other computer, where it is on one.
    pub user: Option<&'a str>,
    /// What that computer lets in by SFTP.
    pub ssh: Option<&'a str>,
    /// The keys of the key file, newest first: number and fingerprint.
    pub keys: &'a [(u32, String)],
    /// Now.
    pub now: Time,
}

/// The sheet, for the printer.
pub fn sheet(shell: &Shell, of: &Sheet<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        section class="poster" {
            h1 { (text.t("Recovery sheet")) }
            p class="word" { (of.name) }
            (qr(of.key, text.t("Recovery key")))
            p { code { (of.key) } }
            p { (text.t("Whoever has this key and the backup disk can read everything. Keep this sheet locked up, outside of the house in which the box stands.")) }
            @if let Some(seed) = of.ssh { p { (text.t("Password for the other computer:")) " " code { (seed) } } }
            ol {
                @if let Some(user) = of.user {
                    li { (text.t("Put the program on a new box.")) }
                    li { (text.t("Write the recovery key into a file, here key.txt, and the password of the other computer into another, here password.txt.")) }
                    li { (text.t("Run:")) " " code { "huiguan restore --from '" (of.folder) "' --user '" (user) "' --secret-file password.txt --recovery-key key.txt --data NEW-FOLDER" } }
                } @else {
                    li { (text.t("Put the program on a new box and plug the backup disk in.")) }
                    li { (text.t("Write the recovery key into a file, here key.txt.")) }
                    li { (text.t("Run:")) " " code { "huiguan restore --from " (of.folder) " --recovery-key key.txt --data NEW-FOLDER" } }
                }
                li { (text.t("Start the program with that data folder. Everybody logs in as before.")) }
            }
            p { (text.t("Every backup holds the key file as it was then, older ones too, so this sheet opens all of them. Keys of the box today:"))
                @for (number, fingerprint) in of.keys { br; (text.f("Key {number}", &[("number", number)])) " " code { (fingerprint) } } }
            p class="dim" { (text.t("Printed")) " " (shell.format.time(of.now)) }
        }
    };
    printed(shell, text.t("Recovery sheet"), &content)
}
