//! Paying in the demonstration: a stand-in of WeChat Pay on this box, an account with it, and a ticket that costs something.

use crate::{
    command::say,
    demo_wechat::{MINI, OFFICIAL},
};
use domain::{EventId, payment::Method, ticket_type::TicketTypeInput};
use gateway::pay::standin::{PayStandin, Speaks};
use service::{Actor, Ctx, Error, pay, payment, ticket_type};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Opens the ways to pay, and adds a ticket that costs something.
pub async fn stage(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<(), Error> {
    let ways = [(Method::AtDoor, true, String::new())];
    payment::save(ctx, actor, &ways).await?;
    let lunch = TicketTypeInput {
        name: "参观含午宴".into(),
        price: "68".into(),
        quota: "60".into(),
        note: "含接送车辆与午宴".into(),
        enabled: true,
        ..TicketTypeInput::default()
    };
    ticket_type::save(ctx, actor, event, None, &lunch).await.map(drop)
}

/// Starts the stand-in where phones reach it, when others reach the hall, and makes the association its merchant. Its address is a new one with
/// each start.
pub async fn stand_in(ctx: &Ctx, actor: &Actor, hall: SocketAddr, base: &str) -> Result<Option<PayStandin>, Error> {
    let (egress, tools) = pay::way_out(ctx)?;
    let own = IpAddr::from(Ipv4Addr::LOCALHOST);
    let listen = if hall.ip().is_loopback() { hall.ip() } else { IpAddr::from(Ipv4Addr::UNSPECIFIED) };
    let till = PayStandin::start(SocketAddr::new(listen, 0), egress, tools, true).await;
    let till = till.map_err(|error| Error::internal("starting the stand-in of WeChat Pay", error))?;
    let port = till.base.rsplit(':').next().unwrap_or("").to_owned();
    let near = |ip: IpAddr, port: &str| format!("http://{}", SocketAddr::new(ip, port.parse().unwrap_or(0)));
    let local = if listen.is_loopback() { listen } else { own };
    // The box speaks with it over its own address; phones see the name by which they know the box.
    let host = base.trim_start_matches("http://").trim_start_matches("https://");
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let shown = format!("http://{host}:{port}");
    till.show_at(&shown);
    let hall_near = near(local, &hall.port().to_string());
    let account = domain::pay::AccountInput {
        appid: MINI.into(),
        other: OFFICIAL.into(),
        address: near(local, &port),
        ..till.account(&hall_near, Speaks::First)
    };
    [MINI, OFFICIAL].into_iter().for_each(|app| till.bind(app));
    pay::save(ctx, actor, &account).await?;
    payment::save(ctx, actor, &[(Method::Wechat, true, String::new())]).await?;
    let trouble = pay::check(ctx, actor).await?;
    if !trouble.is_empty() {
        tracing::warn!(trouble, "the stand-in of WeChat Pay was not reached");
    }
    say(format!("  payments        a stand-in of WeChat Pay at {shown} takes no real money"));
    Ok(Some(till))
}
