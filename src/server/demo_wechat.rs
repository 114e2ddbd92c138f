//! WeChat in the demonstration: a stand-in on the box's own address that checks what it is sent, so that logging in, messages and pushes can be
//! tried without any account. Only browsers on the box itself reach it.

use crate::{command::say, demo};
use domain::wechat::{AppInput, AppKind};
use gateway::{pay::standin::PayStandin, standin::Standin, wechat::standin::World};
use service::{Ctx, Error, wechat};
use std::sync::Arc;

/// The secret of every app of the demonstration.
const SECRET: &str = "demonstration-secret";

/// The mini-program of the demonstration.
pub const MINI: &str = "wxdemo0000000001";
/// Its official account.
pub const OFFICIAL: &str = "wxdemo0000000002";

/// Starts the stand-in and sets the association's apps up against it; it ends when what is answered is dropped. WeChat Pay's stand-in learns
/// whose openids are whose.
pub async fn start(ctx: &Ctx, base: &str, till: Option<&PayStandin>) -> Result<Standin, Error> {
    let clock = ctx.clock.clone();
    let world = World::new(Arc::new(move || clock.now().0.div_euclid(1_000)));
    let apps = [(AppKind::Mini, MINI), (AppKind::Official, OFFICIAL), (AppKind::Corp, "wwdemo0000000001")];
    for (kind, app) in apps {
        match kind {
            AppKind::Corp => world.corp(app, SECRET, &["chenmishu", "zhangsan"]),
            AppKind::Mini | AppKind::Official => world.app(app, SECRET),
        }
    }
    if let Some(till) = till {
        let world = world.clone();
        till.tell_openids(move |openid| world.app_of_openid(openid));
    }
    let standin = world.start().await.map_err(|error| Error::internal("starting WeChat's stand-in", error))?;
    let actor = demo::secretary(ctx).await?;
    for (kind, app) in apps {
        // A port of its own at each start: the address is saved anew.
        let input = AppInput {
            enabled: true,
            app: app.to_owned(),
            agent: "1000001".to_owned(),
            secret: SECRET.to_owned(),
            base: standin.base.clone(),
            ..AppInput::default()
        };
        wechat::save(ctx, &actor, kind, &input).await?;
        wechat::test(ctx, &actor, kind).await?;
    }
    say(format!(
        "  WeChat          {base}/wechat/login      (a stand-in on this box; settings at {base}/admin/wechat)"
    ));
    Ok(standin)
}
