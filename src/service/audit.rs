//! Reading the audit log; its lines are written by each verb and chained by the store.

use crate::{Actor, At, Ctx, Error};
use domain::{AuditLine, Permission};
use rkyv::rancor;

/// The line as the store keeps it.
pub fn encode(line: &AuditLine) -> Result<Vec<u8>, Error> {
    let bytes =
        rkyv::to_bytes::<rancor::Error>(line).map_err(|error| Error::internal("encoding an audit line", error))?;
    Ok(bytes.into_vec())
}

/// Reads a kept line.
pub fn decode(bytes: &[u8]) -> Result<AuditLine, Error> {
    rkyv::from_bytes::<AuditLine, rancor::Error>(bytes).map_err(|error| Error::internal("reading an audit line", error))
}

/// Lines of one page.
pub const PAGE: usize = 100;

/// A page of the log.
#[derive(Debug, Clone)]
pub struct Page {
    /// Lines with their numbers, newest first.
    pub lines: Vec<(u64, AuditLine)>,
    /// The number of the line to go on before, if there are more.
    pub next: Option<u64>,
}

/// A page of the log, newest first, from line `before` downwards.
pub fn page(ctx: &Ctx, actor: &Actor, before: Option<u64>) -> Result<Page, Error> {
    let permit = ctx.permit(actor, Permission::AuditView, At::Space)?;
    ctx.read(&permit, |view| {
        let mut lines = Vec::with_capacity(PAGE);
        for line in view.audit(before).take(PAGE + 1) {
            let (number, bytes) = line?;
            lines.push((number, decode(&bytes)?));
        }
        let more = lines.len() > PAGE;
        lines.truncate(PAGE);
        let next = if more { lines.last().map(|(number, _)| *number) } else { None };
        Ok(Page { lines, next })
    })
}

/// The name of whoever wrote a line.
pub fn who(ctx: &Ctx, actor: &Actor, by: domain::By) -> Result<Option<String>, Error> {
    let permit = ctx.permit(actor, Permission::AuditView, At::Space)?;
    ctx.read(&permit, |view| crate::space::name_of(view, by))
}
