//! Codes of an event: made one by one or in bulk, looked up when somebody types one, listed and exported.

use crate::{Actor, At, Ctx, Error, Work, event, sheet, ticket_type};
use domain::{
    EventId, Permission, Refusal, Time, Voucher, VoucherId, problem, refuse,
    voucher::{Effect, VOUCHERS_MAX, VoucherDetails, VoucherInput, check_use, check_voucher, normal, random_code},
};
use store::catalogue::{CODE_USES, VOUCHER_BY_CODE};
use store::{Order as Sort, Read};

/// The code that somebody typed with how many tickets it is still good for; none when nothing was typed.
pub(crate) fn typed(
    view: &impl Read,
    event: EventId,
    code: &str,
    now: Time,
) -> Result<Option<(Voucher, Option<i64>)>, Error> {
    let code = normal(code);
    if code.is_empty() {
        return Ok(None);
    }
    let unknown = || Refusal::invalid(vec![problem!("code", "No code of this event reads like this.")]);
    let voucher = view.find::<Voucher, _>(&VOUCHER_BY_CODE, &(event, code))?.ok_or_else(unknown)?;
    let used = view.count(&CODE_USES, &(event, voucher.id))?;
    let left = check_use(&voucher, used, now).map_err(|refusal| {
        let problem = domain::Problem { field: "code".into(), text: refusal.text, args: refusal.args };
        Refusal::invalid(vec![problem])
    })?;
    Ok(Some((voucher, left)))
}

/// A code with how often it was used.
pub type VoucherRow = (Voucher, i64);

/// Rows of one page.
pub const PAGE: usize = 50;

/// The event's codes, newest first: a page and how many there are.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId, page: usize) -> Result<(Vec<VoucherRow>, usize), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ctx.read(&permit, |view| {
        let keys: Vec<(EventId, VoucherId)> =
            view.scan_keys::<Voucher>(&event, None, Sort::Descending).collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for key in keys.iter().skip(page.saturating_mul(PAGE)).take(PAGE) {
            rows.extend(row(view, key)?);
        }
        Ok((rows, keys.len()))
    })
}

fn row(view: &impl Read, key: &(EventId, VoucherId)) -> Result<Option<VoucherRow>, Error> {
    let Some(voucher) = view.get::<Voucher>(key)? else { return Ok(None) };
    let used = view.count(&CODE_USES, key)?;
    Ok(Some((voucher, used)))
}

/// Whether an event has codes, so that its form asks for one.
pub fn are_there(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<bool, Error> {
    ctx.read(&ctx.public(actor), |view| {
        Ok(view.scan_keys::<Voucher>(&event, None, Sort::Ascending).next().transpose()?.is_some())
    })
}

/// Makes codes: the typed one, or as many as asked for. Answers them.
pub async fn make(ctx: &Ctx, actor: &Actor, event: EventId, input: &VoucherInput) -> Result<Vec<String>, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let kinds = ctx.read(&permit, |view| ticket_type::of_event(view, event))?;
    let known: Vec<_> = kinds.iter().map(|kind| kind.id).collect();
    let details = check_voucher(input, &known, &event::zone(ctx, actor.space)?)?;
    // More than are needed, so that codes that exist already can be passed over.
    let seeds: Vec<u64> = (0..details.count + 20).map(|_| ctx.random.number()).collect();
    ctx.write(&permit, move |work| {
        let there = work.read().scan_keys::<Voucher>(&event, None, Sort::Ascending).count();
        if there + details.count > VOUCHERS_MAX {
            return Err(refuse!(
                Conflict,
                "voucher.too_many",
                "An event can have at most {max} codes.",
                max = VOUCHERS_MAX
            )
            .into());
        }
        let codes = free(work.read(), event, &details, &seeds)?;
        for code in &codes {
            insert(work, event, code, &details)?;
        }
        let what = format!("{} codes | {:?} | {}", codes.len(), details.effect, details.note);
        work.audit("voucher.make", format!("event/{event}"), "", &what)?;
        Ok(codes)
    })
    .await
}

fn free(view: &impl Read, event: EventId, details: &VoucherDetails, seeds: &[u64]) -> Result<Vec<String>, Error> {
    let is_free = |code: &String| {
        Ok::<_, Error>(view.find_key::<Voucher, _>(&VOUCHER_BY_CODE, &(event, code.clone()))?.is_none())
    };
    if let Some(code) = &details.code {
        if !is_free(code)? {
            return Err(Refusal::invalid(vec![problem!("code", "The event has this code already.")]).into());
        }
        return Ok(vec![code.clone()]);
    }
    let mut codes: Vec<String> = Vec::with_capacity(details.count);
    for seed in seeds {
        let code = random_code(*seed);
        if codes.len() < details.count && !codes.contains(&code) && is_free(&code)? {
            codes.push(code);
        }
    }
    if codes.len() < details.count {
        return Err(Error::Internal("no free code was found".into()));
    }
    Ok(codes)
}

fn insert(work: &mut Work<'_, '_>, event: EventId, code: &str, details: &VoucherDetails) -> Result<(), Error> {
    let voucher = Voucher {
        id: VoucherId(work.next_id::<Voucher>()?),
        event,
        code: code.to_owned(),
        effect: details.effect,
        unlocks: details.unlocks,
        kinds: details.kinds.clone(),
        uses: details.uses,
        window: details.window,
        note: details.note.clone(),
        enabled: true,
        created_at: work.now,
    };
    work.insert(&voucher)
}

/// Switches a code off or on again; orders that used it stay as they are.
pub async fn set_enabled(ctx: &Ctx, actor: &Actor, event: EventId, id: VoucherId, enabled: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let voucher = work.read().get::<Voucher>(&(event, id))?.ok_or_else(|| Refusal::missing("code"))?;
        work.put(&Voucher { enabled, ..voucher.clone() })?;
        let word = |on| if on { "enabled" } else { "disabled" };
        work.audit("voucher.switch", format!("event/{event}/voucher/{id}"), word(voucher.enabled), word(enabled))
    })
    .await
}

/// All codes as a file, for whoever hands them out.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    format: sheet::Format,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let ctx = ctx.clone();
    crate::aside(move || {
        let table = ctx.read(&permit, |view| {
            let heads = ["Code", "Takes off", "Uses", "Used", "Note", "State"];
            let mut table = vec![heads.map(&say).to_vec()];
            for key in view.scan_keys::<Voucher>(&event, None, Sort::Ascending) {
                let Some((voucher, used)) = row(view, &key?)? else { continue };
                let effect = match voucher.effect {
                    Effect::Nothing => String::new(),
                    Effect::Percent(percent) => format!("{percent}%"),
                    Effect::Amount(amount) => amount.to_yuan(),
                };
                let uses = voucher.uses.map_or(String::new(), |uses| uses.to_string());
                let state = say(if voucher.enabled { "Enabled" } else { "Disabled" });
                table.push(vec![voucher.code, effect, uses, used.to_string(), voucher.note, state]);
            }
            Ok(table)
        })?;
        sheet::write(format, &table)
    })
    .await
}
