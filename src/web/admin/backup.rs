//! Backups: the page, the plan, a backup at once, the recovery sheet.

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use domain::{Refusal, backup::PlanInput};
use maud::Markup;
use service::{
    Actor, Error,
    backup::{self, Warning},
};
use views::{Tone, admin::backup as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/backup", get(show).post(save))
        .route("/backup/now", post(now))
        .route("/backup/sheet", get(sheet))
        .route("/backup/key", post(key))
}

/// What a warning says.
fn words(warning: Warning) -> &'static str {
    match warning {
        Warning::Off => "This box makes no backups. If its disk breaks, everything is lost.",
        Warning::Failed => "The last backup failed.",
        Warning::Old => "The newest backup is older than a day and a half.",
    }
}

async fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: Option<(&PlanInput, &Refusal)>,
) -> Result<Markup, Error> {
    let of = backup::page(&hall.ctx, actor).await?;
    let kept = backup::input_of(of.plan.as_ref(), of.user.as_deref());
    let shelf = of.shelf.as_ref().map(|shelf| {
        shelf.as_ref().map(|shelf| pages::Shelf {
            folder: &shelf.folder,
            full: &shelf.full,
            newest: shelf.newest,
            bytes: shelf.bytes,
            locked: shelf.locked,
        })
    });
    let shown = pages::Page {
        plan: of.plan.as_ref().map(|plan| plan.on),
        secret: of.user.is_some(),
        ssh: &of.ssh,
        input: typed.map_or(&kept, |(input, _)| input),
        refusal: typed.map(|(_, refusal)| refusal),
        runs: &of.runs,
        shelf,
        running: of.running.is_some_and(|full| full.is_some()),
        trouble: of.trouble.as_ref().map(|(at, trouble)| (*at, trouble)),
        warning: of.warning.filter(|warning| *warning != Warning::Failed).map(words),
    };
    Ok(pages::page(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, None).await?)
}

async fn save(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let text = |name: &str| fields.get(name).to_owned();
    let input = PlanInput {
        on: fields.ticked("on"),
        folder: text("folder"),
        user: text("user"),
        secret: text("secret"),
        hour: text("hour"),
        minutes: text("minutes"),
        keep: ["days", "weeks", "months"].map(text),
        others: text("others"),
        passphrase: (text("passphrase"), text("passphrase2")),
        revision: fields.needed("revision").map_err(Error::from)?,
    };
    match backup::save(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/admin/backup", Tone::Good, visit.text().t("Saved. Print the recovery sheet now.")),
        Err(Error::Refused(refusal)) => {
            let drawn = draw(&hall, &visit, &actor, Some((&input, &refusal))).await?;
            again(Error::Refused(refusal), |_| Ok(drawn))
        }
        Err(error) => Err(error.into()),
    }
}

async fn now(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    told(&visit, "/admin/backup", backup::start(&hall.ctx, &actor))
}

async fn key(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    told(&visit, "/admin/backup", backup::renew_key(&hall.ctx, &actor).await)
}

async fn sheet(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let of = backup::sheet(&hall.ctx, &actor).await?;
    let keys: Vec<(u32, String)> = of.keys.into_iter().map(|(number, print, _)| (number, print)).collect();
    let shown = pages::Sheet {
        name: &of.name,
        key: &of.key,
        folder: &of.folder,
        user: of.user.as_deref(),
        ssh: of.ssh.as_deref(),
        keys: &keys,
        now: hall.ctx.now(),
    };
    page(pages::sheet(&visit.shell(), &shown))
}
