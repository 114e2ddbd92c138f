//! The demonstration's merchant: a company with a space of its own and one event, which the platform's home page shows.

use domain::{
    SpaceId,
    event::{Cover, EventInput},
    merchant::{MerchantInput, SettingInput},
    time::{DAY, HOUR},
};
use service::{
    Actor, Ctx, Error, account, event,
    merchant::{self, Picture},
};

/// Login of the merchant.
pub const LOGIN: &str = "qingsong";

/// Makes the merchant with its event, and opens registration for others.
pub async fn stage(ctx: &Ctx, admin: &Actor, password: &str) -> Result<(), Error> {
    let setting = SettingInput {
        purge_days: String::new(),
        auto_public: true,
        open: true,
        title: "会务平台 · 商户登录".into(),
        agreement: "# 商户注册协议\n\n1. 商户对自己发布的会议内容负责。\n2. 门票默认免费；如需收费，请联系平台开通。\n3. 平台可以冻结违反约定的商户。".into(),
    };
    merchant::save_setting(ctx, admin, 0, &setting, Picture::Keep, Picture::Keep).await?;
    // Whoever is added by others chooses a password of their own; so does the demonstration's merchant.
    let given = format!("{password}-given");
    let input = MerchantInput {
        name: "青松文化传播".into(),
        contact: "李经理".into(),
        phone: "13900000001".into(),
        login: LOGIN.into(),
        password: given.clone(),
        ..MerchantInput::default()
    };
    let id = merchant::add(ctx, admin, &input).await?;
    let space = merchant::get(ctx, admin, id)?.merchant.space.unwrap_or(SpaceId::BOX);
    let token = account::log_in(ctx, space, LOGIN, &given, &account::Origin::default()).await?;
    let boss = || {
        let known = account::actor(ctx, space, &token)?;
        known.ok_or_else(|| Error::Internal("the demonstration's merchant cannot log in".into()))
    };
    account::change_password(ctx, &boss()?, &given, password).await?;
    let boss = boss()?;
    invite(ctx, &boss).await
}

/// An event of the merchant, published.
async fn invite(ctx: &Ctx, boss: &Actor) -> Result<(), Error> {
    let zone = event::zone(ctx, boss.space)?;
    let starts = ctx.now().plus(10 * DAY);
    let ends = starts.plus(3 * HOUR);
    let input = EventInput {
        name: "国风音乐会".into(),
        starts: starts.to_local(&zone),
        ends: ends.to_local(&zone),
        province: "浙江省".into(),
        city: "杭州市".into(),
        district: "西湖区".into(),
        address: "曙光路 53 号黄龙剧场".into(),
        intro: "古琴、洞箫与合唱，凭票入场。".into(),
        notice: "演出开始后请勿走动。".into(),
    };
    let pictures = event::Pictures { cover: Cover::Template(4), main: None };
    let id = event::create(ctx, boss, &input, &pictures, None, "入场券").await?;
    event::set_checkin(ctx, boss, id, &starts.plus(-HOUR).to_local(&zone), &ends.to_local(&zone)).await?;
    event::publish(ctx, boss, id).await?;
    Ok(())
}
