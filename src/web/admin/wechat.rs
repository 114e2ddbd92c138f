//! The association's apps at WeChat and WeCom: ids and secrets, what the console must be told, tests, proofs of a domain, the latest pushes.

use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{
    Refusal,
    corp::CorpInput,
    wechat::{AppInput, AppKind},
};
use maud::Markup;
use service::{Actor, Error, wechat};
use views::{Tone, admin::wechat as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/wechat", get(show))
        .route("/wechat/code", get(code))
        .route("/wechat/message", post(message).layer(DefaultBodyLimit::max(wechat::MEDIA_MAX + crate::BODY_MAX)))
        .route("/wechat/proof", post(put_proof))
        .route("/wechat/proof/{name}/remove", post(remove_proof))
        .route("/wechat/{kind}", post(save))
        .route("/wechat/{kind}/test", post(test))
}

const PAGE: &str = "/admin/wechat";

fn kind(code: &str) -> Result<AppKind, Refusal> {
    AppKind::parse(code).ok_or_else(|| Refusal::missing("app"))
}

/// What came back with a problem: of which form, and as it was typed.
#[derive(Default)]
struct Typed<'a> {
    app: Option<(AppKind, &'a AppInput)>,
    fields: Option<&'a Fields>,
    refusal: Option<&'a Refusal>,
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, typed: &Typed<'_>) -> Result<Markup, Error> {
    let rows = wechat::settings(&hall.ctx, actor)?;
    let proofs = wechat::proofs(&hall.ctx, actor)?;
    let pushes = wechat::pushes(&hall.ctx, actor)?;
    let apps: Vec<pages::App<'_>> =
        rows.iter().map(|row| pages::App { app: &row.app, standing: row.standing }).collect();
    let field = |name: &str| typed.fields.map_or("", |fields| fields.get(name)).to_owned();
    let shown = pages::Page {
        apps: &apps,
        typed: typed.app,
        base: &visit.base,
        proofs: &proofs,
        pushes: &pushes,
        proof: (field("proof_name"), field("proof_text")),
        message: &field,
        refusal: typed.refusal,
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, &Typed::default())?)
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(code): Path<String>,
    fields: Fields,
) -> Answer {
    let kind = kind(&code)?;
    let typed = |name: &str| fields.get(&format!("{code}-{name}")).to_owned();
    let input = AppInput {
        enabled: fields.ticked(&format!("{code}-enabled")),
        app: typed("app"),
        agent: typed("agent"),
        secret: typed("secret"),
        push_token: typed("push_token"),
        push_key: typed("push_key"),
        base: typed("base"),
    };
    match wechat::save(&hall.ctx, &actor, kind, &input).await {
        Ok(()) => tell(PAGE, Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| {
            let typed = Typed { app: Some((kind, &input)), refusal: Some(refusal), ..Typed::default() };
            draw(&hall, &visit, &actor, &typed)
        }),
    }
}

async fn test(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(code): Path<String>) -> Answer {
    let text = visit.text();
    match wechat::test(&hall.ctx, &actor, kind(&code)?).await {
        Ok(why) if why.is_empty() => tell(PAGE, Tone::Good, text.t("It works.")),
        Ok(why) => tell(PAGE, Tone::Bad, &text.f("It does not work: {why}", &[("why", &why)])),
        Err(error) => told(&visit, PAGE, Err(error)),
    }
}

async fn put_proof(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    match wechat::put_proof(&hall.ctx, &actor, fields.get("proof_name"), fields.get("proof_text")).await {
        Ok(()) => tell(PAGE, Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| {
            let typed = Typed { fields: Some(&fields), refusal: Some(refusal), ..Typed::default() };
            draw(&hall, &visit, &actor, &typed)
        }),
    }
}

async fn remove_proof(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(name): Path<String>) -> Answer {
    let done = wechat::remove_proof(&hall.ctx, &actor, &name).await;
    told(&visit, PAGE, done)
}

async fn message(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let get = |name: &str| fields.get(name).to_owned();
    let input = CorpInput {
        kind: get("kind"),
        text: get("message"),
        title: get("title"),
        url: get("url"),
        media: get("media"),
        attached: false,
        app: get("mini_app"),
        page: get("mini_page"),
        items: get("items"),
    };
    let file = fields.file("upload").map(|file| (file.name.clone(), file.bytes.to_vec()));
    match wechat::to_members(&hall.ctx, &actor, fields.get("members"), &input, file).await {
        Ok(()) => tell(PAGE, Tone::Good, visit.text().t("It lies in the outbox and is sent at once.")),
        Err(error) => again(error, |refusal| {
            let typed = Typed { fields: Some(&fields), refusal: Some(refusal), ..Typed::default() };
            draw(&hall, &visit, &actor, &typed)
        }),
    }
}

/// A mini-program code as a picture, to be printed.
async fn code(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let permit = hall.ctx.permit(&actor, domain::Permission::SpaceManage, service::At::Space)?;
    match wechat::draw_code(&hall.ctx, permit.space, query.get("page"), query.get("scene")).await {
        Ok(bytes) if bytes.starts_with(b"\x89PNG") => download("code.png", "image/png", bytes),
        Ok(bytes) => download("code.jpg", "image/jpeg", bytes),
        Err(error) => told(&visit, PAGE, Err(error)),
    }
}
