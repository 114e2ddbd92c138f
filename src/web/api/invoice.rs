//! The papers of an order for whoever has its link: receipt and invoices.

use super::{
    input::{Named, Sent},
    order::LineRow,
};
use crate::{
    Hall,
    answer::Failure,
    audience::{Caller, Visit},
};
use axum::{Json, extract::State};
use domain::{invoice::InvoiceInput, order::Flow};
use serde::{Deserialize, Serialize};
use service::{Actor, invoice, order};
use utoipa::ToSchema;

/// Money that came or went.
#[derive(Serialize, ToSchema)]
struct EntryRow {
    /// `in` or `out`.
    flow: &'static str,
    /// In fen.
    amount: i64,
    /// Code of the way to pay.
    method: &'static str,
    /// Number of the slip.
    reference: String,
    at: i64,
}

/// A receipt. It confirms the payment and is no tax invoice.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiptBody {
    /// Who received it.
    from: String,
    /// The buyer.
    name: String,
    number: String,
    event: String,
    lines: Vec<LineRow>,
    entries: Vec<EntryRow>,
    /// Received altogether, in fen.
    received: i64,
}

/// The receipt of an order that was paid.
#[utoipa::path(
    get, path = "/api/v1/orders/{link}/receipt", tag = "order", params(("link" = String, Path)),
    responses((status = 200, body = ReceiptBody))
)]
pub(super) async fn receipt(
    State(hall): State<Hall>,
    visit: Visit,
    Named(link): Named<String>,
) -> Result<Json<ReceiptBody>, Failure> {
    let of = order::own_receipt(&hall.ctx, visit.space, &link)?;
    let entry = |entry: &domain::order::Entry| EntryRow {
        flow: if entry.flow == Flow::Out { "out" } else { "in" },
        amount: entry.amount.fen,
        method: entry.method.code(),
        reference: entry.reference.clone(),
        at: entry.at.0,
    };
    Ok(Json(ReceiptBody {
        from: visit.space_name.clone(),
        name: of.order.buyer.name.clone(),
        number: of.order.number.clone(),
        event: of.event.name,
        lines: of.order.lines.iter().map(LineRow::from).collect(),
        entries: of.order.entries.iter().map(entry).collect(),
        received: of.order.sums().balance(),
    }))
}

/// An invoice.
#[derive(Serialize, ToSchema)]
struct InvoiceRow {
    title: String,
    /// Empty for a person.
    tax_number: String,
    email: String,
    note: String,
    /// `requested`, `issued` or `void`.
    state: &'static str,
    /// Number in the tax office's system, once it is made.
    #[schema(required)]
    number: Option<String>,
    /// Over how much it was made, in fen.
    #[schema(required)]
    amount: Option<i64>,
    /// Why it was taken back.
    reason: String,
    changed: i64,
}

/// The invoices of an order.
#[derive(Serialize, ToSchema)]
pub(super) struct InvoicesBody {
    /// One can be asked for now.
    may_ask: bool,
    /// The newest in front.
    invoices: Vec<InvoiceRow>,
}

fn invoices(hall: &Hall, actor: &Actor, link: &str) -> Result<Json<InvoicesBody>, Failure> {
    let of = invoice::own(&hall.ctx, actor, link)?;
    let row = |of: &domain::Invoice| InvoiceRow {
        title: of.details.title.clone(),
        tax_number: of.details.tax_number.clone(),
        email: of.details.email.clone(),
        note: of.details.note.clone(),
        state: of.state.code(),
        number: of.state.issued().map(|issued| issued.number.clone()),
        amount: of.state.issued().map(|issued| issued.amount.fen),
        reason: match &of.state {
            domain::invoice::InvoiceState::Void(_, reason) => reason.clone(),
            domain::invoice::InvoiceState::Requested | domain::invoice::InvoiceState::Issued(_) => String::new(),
        },
        changed: of.changed_at.0,
    };
    Ok(Json(InvoicesBody { may_ask: of.may_ask(), invoices: of.invoices.iter().map(row).collect() }))
}

/// The invoices of an order, and whether one can be asked for.
#[utoipa::path(
    get, path = "/api/v1/orders/{link}/invoices", tag = "order", params(("link" = String, Path)),
    responses((status = 200, body = InvoicesBody))
)]
pub(super) async fn list(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(link): Named<String>,
) -> Result<Json<InvoicesBody>, Failure> {
    invoices(&hall, &actor, &link)
}

/// To whom an invoice is to be made out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvoiceForm {
    title: String,
    /// It is for a person, who has no tax number.
    #[serde(default)]
    person: bool,
    #[serde(default)]
    tax_number: String,
    /// Where it is sent.
    #[serde(default)]
    email: String,
    #[serde(default)]
    note: String,
}

/// Asks for an invoice, or changes what was asked for as long as it is not made.
#[utoipa::path(
    post, path = "/api/v1/orders/{link}/invoices", tag = "order", request_body = InvoiceForm,
    params(("link" = String, Path)), responses((status = 200, body = InvoicesBody))
)]
pub(super) async fn ask(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(link): Named<String>,
    Sent(form): Sent<InvoiceForm>,
) -> Result<Json<InvoicesBody>, Failure> {
    let InvoiceForm { title, person, tax_number, email, note } = form;
    let input = InvoiceInput { title, person, tax_number, email, note };
    invoice::ask_own(&hall.ctx, &actor, &link, &input).await?;
    invoices(&hall, &actor, &link)
}
