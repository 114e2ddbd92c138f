//! What the demonstration shows of promotion and printing: a poster to share, badges, seat cards, sources, certificates of an event that is over.

use domain::{
    EventId, EventPlace,
    place::{Datum, PlaceInput},
    promotion::ShareInput,
};
use service::{Actor, Ctx, Error, certificate, design, place, promotion};

/// Chinese of the texts that designs begin with: the demonstration speaks Chinese.
fn chinese(english: &str) -> String {
    views::Text(views::Lang::Zh).t(english).to_owned()
}

/// Gives an event designs, sources and a place on the map.
pub async fn stage(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<(), Error> {
    let poster = design::create(ctx, actor, event, "poster", chinese).await?;
    for preset in ["badge_sheet", "badge_label", "seat_tent", "certificate"] {
        design::create(ctx, actor, event, preset, chinese).await?;
    }
    for source in ["朋友圈", "门口海报", "会员微信群"] {
        promotion::add_source(ctx, actor, event, source).await?;
    }
    let share = ShareInput { posters: true, poster: Some(poster), ..ShareInput::default() };
    promotion::save_share(ctx, actor, event, 0, &share).await?;
    let hall = EventPlace { event, latitude: 30_221_570, longitude: 120_216_090, datum: Datum::Gcj02 };
    place::save(ctx, actor, event, &PlaceInput::of(&hall)).await
}

/// Issues the certificates of an event that is over.
pub async fn certify(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<(), Error> {
    for (design, _) in certificate::waiting(ctx, actor, event)? {
        certificate::issue_all(ctx, actor, event, design.id).await?;
    }
    Ok(())
}
