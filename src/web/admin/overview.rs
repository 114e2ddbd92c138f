//! The first page after log-in.

use crate::{
    Hall,
    answer::{Answer, page},
    audience::{Staff, Visit},
};
use axum::extract::State;
use domain::Permission;
use views::admin::overview as pages;

/// Totals and what is on next; staff without that permission land on their own account.
pub async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    if !actor.holds(Permission::EventView) {
        return super::elsewhere();
    }
    let all = service::overview::all(&hall.ctx, &actor)?;
    let upcoming: Vec<_> = all.upcoming.into_iter().map(|next| (next.event, next.registered, next.admitted)).collect();
    let shown = pages::Overview {
        events: all.events,
        registered: all.registered,
        admitted: all.admitted,
        upcoming: &upcoming,
        may_create: actor.holds(Permission::EventManage),
    };
    page(pages::overview(&visit.admin_shell(&actor), &shown))
}
