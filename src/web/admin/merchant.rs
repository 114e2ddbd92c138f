//! Merchants: the list, one of them, what is decided about it, and the settings for all (S0-85 … S0-93).

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
    space::root,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{
    MerchantId, Refusal,
    merchant::{MerchantInput, MerchantState, SettingInput},
    picture::UPLOAD_MAX,
};
use maud::Markup;
use service::{
    Actor, Error,
    merchant::{self, Decision, Picture},
};
use views::{Tone, admin::merchant as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    // Two pictures in one form.
    let uploads = DefaultBodyLimit::max(2 * UPLOAD_MAX + crate::BODY_MAX);
    Router::new()
        .route("/merchant", get(list))
        .route("/merchant/new", get(new_form).post(create))
        .route("/merchant/setting", get(setting).post(save_setting).layer(uploads))
        .route("/merchant/{merchant}", get(show).post(save))
        .route("/merchant/{merchant}/password", post(password))
        .route("/merchant/{merchant}/{act}", post(act))
}

fn base(id: MerchantId) -> String {
    format!("/admin/merchant/{id}")
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let state = MerchantState::parse(query.get("state"));
    let merchants = merchant::list(&hall.ctx, &actor, state)?;
    let counts = merchant::counts(&hall.ctx, &actor)?;
    let shown = pages::List {
        merchants: &merchants,
        counts: &counts,
        state,
        login: &format!("{}/merchant", visit.base),
        setting: &merchant::setting(&hall.ctx, &actor)?,
    };
    page(pages::list(&visit.admin_shell(&actor), &shown))
}

/// What a merchant's form says.
pub fn input(fields: &Fields) -> MerchantInput {
    let text = |name| fields.get(name).to_owned();
    MerchantInput {
        name: text("name"),
        contact: text("contact"),
        phone: text("phone"),
        login: text("login"),
        password: text("password"),
        note: text("note"),
        charging: fields.ticked("charging"),
    }
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    // Whoever may not look after merchants gets no form either.
    merchant::setting(&hall.ctx, &actor)?;
    page(pages::create(&visit.admin_shell(&actor), &MerchantInput::default(), None))
}

async fn create(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let input = input(&fields);
    match merchant::add(&hall.ctx, &actor, &input).await {
        Ok(id) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| Ok(pages::create(&visit.admin_shell(&actor), &input, Some(refusal)))),
    }
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: MerchantId,
    typed: Option<&MerchantInput>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let of = merchant::get(&hall.ctx, actor, id)?;
    let kept = MerchantInput {
        name: of.merchant.name.clone(),
        contact: of.merchant.contact.clone(),
        phone: domain::phone::local(&of.merchant.phone),
        note: of.merchant.note.clone(),
        charging: of.merchant.charging,
        ..MerchantInput::default()
    };
    let address = of.merchant.space.map(|space| {
        let platform = visit.base.as_str();
        (format!("{platform}{}/login", root(space)), format!("{platform}{}/", root(space)))
    });
    let shown = pages::Page {
        merchant: &of.merchant,
        events: of.events,
        accounts: of.accounts,
        input: typed.unwrap_or(&kept),
        address: address.as_ref().map(|(login, home)| (login.as_str(), home.as_str())),
        purge: merchant::purge_of(&hall.ctx, actor, id)?,
        purge_at: domain::merchant::purge_at(&of.merchant, &merchant::setting(&hall.ctx, actor)?),
        refusal,
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, MerchantId(id), None, None)?)
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, input) = (MerchantId(id), input(&fields));
    match merchant::save(&hall.ctx, &actor, id, fields.needed("revision")?, &input).await {
        Ok(()) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, Some(&input), Some(refusal))),
    }
}

async fn password(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = MerchantId(id);
    match merchant::reset_password(&hall.ctx, &actor, id, fields.get("password")).await {
        Ok(()) => {
            tell(&base(id), Tone::Good, visit.text().t("The password is changed and all its sessions have ended."))
        }
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, None, Some(refusal))),
    }
}

/// What is decided by the press of a button.
async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, act)): Path<(u64, String)>,
    fields: Fields,
) -> Answer {
    let (id, typed) = (MerchantId(id), |name: &str| fields.get(name).to_owned());
    let decision = match act.as_str() {
        "approve" => Decision::Approve(typed("login")),
        "reject" => Decision::Reject(typed("reason")),
        "freeze" => Decision::Freeze(typed("reason")),
        "restore" => Decision::Restore,
        "close" => Decision::Close(typed("typed")),
        "purge" => return purge(&hall, &visit, &actor, id, &fields).await,
        _ => return Err(crate::answer::missing().await),
    };
    match merchant::decide(&hall.ctx, &actor, id, decision).await {
        Err(error) if error.code() == Some("input.invalid") => {
            again(error, |refusal| draw(&hall, &visit, &actor, id, None, Some(refusal)))
        }
        done => told(&visit, &base(id), done),
    }
}

/// Begins to remove the personal data of a deleted merchant; it goes on behind the page.
async fn purge(hall: &Hall, visit: &Visit, actor: &Actor, id: MerchantId, fields: &Fields) -> Answer {
    match merchant::begin_purge(&hall.ctx, actor, id, fields.get("purge")).await {
        Ok(()) => {
            let ctx = hall.ctx.clone();
            tokio::spawn(async move {
                if let Err(error) = merchant::purge(&ctx, id).await {
                    tracing::error!(%error, "a merchant's data could not be removed; the clock goes on with it");
                }
            });
            tell(&base(id), Tone::Good, visit.text().t("The personal data are being removed."))
        }
        Err(error) => again(error, |refusal| draw(hall, visit, actor, id, None, Some(refusal))),
    }
}

async fn setting(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let kept = merchant::setting(&hall.ctx, &actor)?;
    page(pages::setting(&visit.admin_shell(&actor), &kept, None, None))
}

fn change(fields: &Fields, name: &str, drop: &str) -> Picture {
    match fields.file(name) {
        Some(file) => Picture::Put(file.bytes.to_vec()),
        None if fields.ticked(drop) => Picture::Remove,
        None => Picture::Keep,
    }
}

async fn save_setting(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let input = SettingInput {
        auto_public: fields.ticked("auto_public"),
        open: fields.ticked("open"),
        title: fields.get("title").to_owned(),
        agreement: fields.get("agreement").to_owned(),
        purge_days: fields.get("purge_days").to_owned(),
    };
    let (logo, background) = (change(&fields, "logo", "no_logo"), change(&fields, "background", "no_background"));
    let revision = fields.needed("revision")?;
    match merchant::save_setting(&hall.ctx, &actor, revision, &input, logo, background).await {
        Ok(()) => tell("/admin/merchant/setting", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| {
            let kept = merchant::setting(&hall.ctx, &actor)?;
            Ok(pages::setting(&visit.admin_shell(&actor), &kept, Some(&input), Some(refusal)))
        }),
    }
}
