//! Orders and notices as kinds of what is found.

use super::kind::{CHUNK, Card, Kind, Making, Showing};
use crate::{Error, actor::event_facts};
use domain::{Event, EventId, Notice, NoticeId, Order as Bought, OrderId, Permission};
use search::{Entry, Key, Phone};
use store::{Order, Read, SpaceView, Touched};

/// Orders, each at its event: by number, buyer and phone.
pub struct Orders;

impl Orders {
    fn key(&self, space: u64, event: EventId, id: OrderId) -> Key {
        Key { space, kind: self.number(), id: id.0, event: event.0 }
    }
}

impl Kind for Orders {
    fn number(&self) -> u8 {
        7
    }
    fn name(&self) -> &'static str {
        "order"
    }
    fn names(&self) -> &'static [&'static str] {
        &["订单"]
    }
    fn label(&self) -> &'static str {
        "Orders"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::RegistrationView)
    }
    fn is_of_event(&self) -> bool {
        true
    }
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        change.of::<Bought>().map(|(space, (event, id))| self.key(space.0, event, id))
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        let from = from.map(|key| (EventId(key.event), OrderId(key.id)));
        let space = view.space_id().0;
        let keys = view.scan_keys::<Bought>(&(), from.as_ref(), Order::Ascending).take(CHUNK);
        keys.map(|key| key.map(|(event, id)| self.key(space, event, id)).map_err(Error::from)).collect()
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let at = (EventId(key.event), OrderId(key.id));
        let Some(order) = making.view.get::<Bought>(&at)? else { return Ok(Vec::new()) };
        Ok(vec![Entry {
            at: order.created_at.0,
            phone: order.buyer.phone.as_deref().map(Phone::of),
            words: order.number.clone(),
            numbers: vec![order.number.chars().filter(char::is_ascii_digit).collect()],
            ..Entry::new(*key, &order.buyer.name)
        }])
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let (view, event) = (showing.view, EventId(key.event));
        let Some(order) = view.get::<Bought>(&(event, OrderId(key.id)))? else { return Ok(None) };
        let Some(facts) = event_facts(view, event)? else { return Ok(None) };
        let of = view.peek::<Event, _>(&event, |event| event.name.as_str().to_owned())?;
        let phone = order.buyer.phone.as_deref().map(|phone| showing.phone(phone, &facts.place));
        let said = [order.number, phone.unwrap_or_default(), of.unwrap_or_default()];
        Ok(Some(Card {
            place: facts.place,
            title: order.buyer.name,
            facts: said.into_iter().filter(|fact| !fact.is_empty()).collect(),
            at: Some(order.created_at),
            note: Some(order.state.label()),
            href: format!("/admin/event/{event}/order/{}", order.id),
            ..Card::default()
        }))
    }
}

/// Messages that the secretariat wrote, each to one person.
pub struct Notices;

impl Kind for Notices {
    fn number(&self) -> u8 {
        8
    }
    fn name(&self) -> &'static str {
        "message"
    }
    fn names(&self) -> &'static [&'static str] {
        &["notice", "消息", "通知"]
    }
    fn label(&self) -> &'static str {
        "Messages"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::NoticeSend)
    }
    fn is_of_event(&self) -> bool {
        true
    }
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        // The event stands in the record and not in its key: the entry itself carries it.
        change.of::<Notice>().map(|(space, id)| Key { space: space.0, kind: self.number(), id: id.0, event: 0 })
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        let from = from.map(|key| NoticeId(key.id));
        let space = view.space_id().0;
        let keys = view.scan_keys::<Notice>(&(), from.as_ref(), Order::Ascending).take(CHUNK);
        keys.map(|key| key.map(|id| Key { space, kind: self.number(), id: id.0, event: 0 }).map_err(Error::from))
            .collect()
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let Some(notice) = making.view.get::<Notice>(&NoticeId(key.id))? else { return Ok(Vec::new()) };
        // What belongs to no event stands in the log of its reader alone.
        let Some(event) = notice.about.event() else { return Ok(Vec::new()) };
        Ok(vec![Entry {
            event: event.0,
            at: notice.created_at.0,
            phone: notice.phone.as_deref().map(Phone::of),
            text: notice.text,
            ..Entry::new(*key, &notice.name)
        }])
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let view = showing.view;
        let Some(notice) = view.get::<Notice>(&NoticeId(key.id))? else { return Ok(None) };
        let Some(event) = notice.about.event() else { return Ok(None) };
        let Some(facts) = event_facts(view, event)? else { return Ok(None) };
        Ok(Some(Card {
            place: facts.place,
            title: notice.name,
            facts: vec![notice.text],
            at: Some(notice.created_at),
            note: Some(notice.purpose.label()),
            href: format!("/admin/event/{event}/notice"),
            ..Card::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::{holder, kept, titles};
    use crate::{order::test::order_one, roster::Filter, test::opened};
    use domain::{EventId, Permission, Scope};

    #[tokio::test]
    async fn orders_and_messages_are_found_by_those_who_may_see_them() {
        let (hall, admin) = kept().await;
        let (event, kind) = opened(&hall, &admin).await;
        let order = order_one(&hall, event, kind, "欧阳锋", "13812345678").await.unwrap();
        crate::notice::write(&hall.ctx, &admin, event, &Filter::default(), "请带好身份证").await.unwrap();
        super::super::settle(&hall.ctx).await.unwrap();
        let number = order.number.to_lowercase();
        assert_eq!(titles(&hall.ctx, &admin, &number), ["order:欧阳锋"]);
        assert_eq!(titles(&hall.ctx, &admin, "oyf type:订单"), ["order:欧阳锋"]);
        assert_eq!(titles(&hall.ctx, &admin, "身份证 type:message"), ["message:欧阳锋"]);
        let here = |permission| holder(7, &[(permission, Scope::Event(event))]);
        let there = |permission| holder(7, &[(permission, Scope::Event(EventId(99)))]);
        for (permission, text, found) in [
            (Permission::RegistrationView, number.as_str(), "order:欧阳锋"),
            (Permission::NoticeSend, "身份证", "message:欧阳锋"),
        ] {
            assert!(titles(&hall.ctx, &here(permission), text).contains(&found.to_owned()), "{text}");
            assert!(!titles(&hall.ctx, &there(permission), text).contains(&found.to_owned()), "{text}");
        }
    }
}
