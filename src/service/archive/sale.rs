//! What the archive takes out of orders and invoices, and that notices go.

use super::{STEP, keys, subject};
use crate::{Ctx, Error, Permit};
use domain::{
    EventId, Invoice, Notice, NoticeId, Order,
    archive::{freeze_invoice, freeze_order},
};
use store::catalogue::NOTICE_BY_EVENT;
use store::{Order as Sort, Read};

/// Freezes the orders of an event; the pictures of slips that no order names any more are removed.
pub(super) async fn orders(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    for step in keys::<Order>(ctx, permit, id).await?.chunks(STEP) {
        let step = step.to_vec();
        let slips = ctx
            .write(permit, move |work| {
                let (mut slips, mut changed) = (Vec::new(), 0);
                for key in &step {
                    let Some(kept) = work.read().get::<Order>(key)? else { continue };
                    let frozen = freeze_order(&kept);
                    if frozen != kept {
                        slips.extend(kept.entries.iter().filter_map(|entry| entry.slip));
                        work.put(&frozen)?;
                        changed += 1;
                    }
                }
                if changed > 0 {
                    work.audit("archive.freeze", subject(id), &format!("{changed} orders"), "")?;
                }
                Ok(slips)
            })
            .await?;
        for slip in slips {
            ctx.files.remove(&slip)?;
        }
    }
    Ok(())
}

/// Freezes the invoices of an event.
pub(super) async fn invoices(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    for step in keys::<Invoice>(ctx, permit, id).await?.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(permit, move |work| {
            let mut changed = 0;
            for key in &step {
                let Some(kept) = work.read().get::<Invoice>(key)? else { continue };
                let frozen = freeze_invoice(&kept);
                if frozen != kept {
                    work.put(&frozen)?;
                    changed += 1;
                }
            }
            if changed == 0 {
                return Ok(());
            }
            work.audit("archive.freeze", subject(id), &format!("{changed} invoices"), "")
        })
        .await?;
    }
    Ok(())
}

/// Removes the notices of an event: they say who was written to, and what.
pub(super) async fn notices(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    let all = ctx.read(permit, |view| {
        let keys = view.scan_index(&NOTICE_BY_EVENT, &id, None, Sort::Ascending);
        Ok(keys.collect::<Result<Vec<NoticeId>, store::Error>>()?)
    })?;
    for step in all.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(permit, move |work| {
            for key in &step {
                work.remove::<Notice>(key)?;
            }
            work.audit("archive.freeze", subject(id), &format!("{} notices", step.len()), "")
        })
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{begin, run};
    use crate::{
        invoice,
        order::{self, test::order_one},
        test::{founded, opened},
    };
    use domain::{invoice::InvoiceInput, order::EntryInput, time::HOUR};

    #[tokio::test]
    async fn orders_lose_their_buyers_and_notices_go_when_an_event_is_archived() {
        let (hall, admin) = founded().await;
        let (event, kind) = opened(&hall, &admin).await;
        let bought = order_one(&hall, event, kind, "欧阳锋", "13812345678").await.unwrap();
        let money = EntryInput { amount: "10".into(), method: "cash".into(), ..EntryInput::default() };
        order::pay(&hall.ctx, &admin, event, bought.id, bought.revision, &money, None).await.unwrap();
        let wish = InvoiceInput {
            title: "欧阳锋".into(),
            person: true,
            email: "ouyang@example.com".into(),
            note: "白驼山".into(),
            ..InvoiceInput::default()
        };
        invoice::ask(&hall.ctx, &admin, event, bought.id, &wish).await.unwrap();
        hall.advance(6 * HOUR);
        begin(&hall.ctx, &admin, event, "年会").await.unwrap();
        for _ in 0..2 {
            run(&hall.ctx, admin.space, event).await.unwrap();
        }
        let order = order::get(&hall.ctx, &admin, event, bought.id).unwrap().order;
        assert_eq!((order.buyer.name.as_str(), &order.buyer.phone), ("欧**", &None));
        assert_eq!((order.state, order.number), (bought.state, bought.number));
        let of = invoice::get(&hall.ctx, &admin, event, bought.id).unwrap().invoices.remove(0).details;
        assert_eq!((of.title.as_str(), of.email.as_str(), of.note.as_str()), ("欧**", "", ""));
        let late = invoice::ask(&hall.ctx, &admin, event, bought.id, &wish).await.unwrap_err();
        assert_eq!(late.code(), Some("event.archived"));
        assert!(order::notices(&hall.ctx, &admin, event, order.id).unwrap().is_empty());
        assert_eq!(crate::notice::list(&hall.ctx, &admin, event, 0).unwrap().1, [0, 0, 0]);
        let late = order_one(&hall, event, kind, "张三", "13800000001").await.unwrap_err();
        assert!(late.code().is_some(), "nobody registers any more");
    }
}
