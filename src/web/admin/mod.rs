//! The secretariat's pages.

pub mod account;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod blast;
pub mod brand;
pub mod category;
pub mod certificate;
pub mod checkin;
pub mod client;
pub mod design;
pub mod device;
pub mod document;
pub mod draw;
pub mod event;
pub mod feedback;
pub mod group;
pub mod health;
pub mod help;
pub mod home;
pub mod import;
pub mod income;
pub mod invoice;
pub mod list;
pub mod member;
pub mod merchant;
pub mod message;
pub mod notice;
pub mod order;
pub mod outbox;
pub mod overview;
pub mod pay;
pub mod person;
pub mod picture;
pub mod print;
pub mod privacy;
pub mod promotion;
pub mod registration;
pub mod sale;
pub mod search;
pub mod seat;
pub mod series;
pub mod session;
pub mod setup;
pub mod space;
pub mod standby;
pub mod start;
pub mod talk;
pub mod template;
pub mod ticket_type;
pub mod tunnel;
pub mod webhook;
pub mod wechat;

use crate::{Hall, answer::Answer, answer::see};
use axum::{Router, routing::get};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/", get(overview::show))
        .merge(event::routes())
        .merge(picture::routes())
        .merge(ticket_type::routes())
        .merge(registration::routes())
        .merge(import::routes())
        .merge(order::routes())
        .merge(invoice::routes())
        .merge(member::routes())
        .merge(person::routes())
        .merge(privacy::routes())
        .merge(sale::routes())
        .merge(notice::routes())
        .merge(outbox::routes())
        .merge(message::routes())
        .merge(template::routes())
        .merge(blast::routes())
        .merge(webhook::routes())
        .merge(checkin::routes())
        .merge(device::routes())
        .merge(list::routes())
        .merge(draw::routes())
        .merge(promotion::routes())
        .merge(design::routes())
        .merge(print::routes())
        .merge(certificate::routes())
        .merge(account::routes())
        .merge(client::routes())
        .merge(session::routes())
        .merge(space::routes())
        .merge(audit::routes())
        .merge(backup::routes())
        .merge(standby::routes())
        .merge(start::routes())
        .merge(brand::routes())
        .merge(tunnel::routes())
        .merge(category::routes())
        .merge(group::routes())
        .merge(seat::routes())
        .merge(home::routes())
        .merge(merchant::routes())
        .merge(overview::routes())
        .merge(income::routes())
        .merge(feedback::routes())
        .merge(series::routes())
        .merge(archive::routes())
        .merge(talk::routes())
        .merge(search::routes())
        .merge(document::routes())
        .merge(health::routes())
        .merge(help::routes())
        .merge(wechat::routes())
        .merge(pay::routes())
}

/// Where somebody lands who may not see the overview.
pub(crate) fn elsewhere() -> Answer {
    see("/admin/session")
}
