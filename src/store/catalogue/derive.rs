//! What each record adds to indexes and counters; the commit takes the old one's off and puts the new one's on.

use super::*;
use std::collections::BTreeMap;

pub(super) fn derive_sms(line: &domain::SmsLine, out: &mut crate::Derived) {
    out.plain(&SMS_BY_REFERENCE, &line.reference);
    if let Some(at) = line.ask_at {
        out.plain(&SMS_TO_ASK, &at.0);
    }
    if let Some(event) = &line.event {
        out.plain(&SMS_BY_EVENT, event);
    }
    out.count(&SMS_OF_DAY, &line.day, 1);
    out.count(&SMS_OF_NUMBER, &(line.day, line.phone.clone()), 1);
}

pub(super) fn derive_outgoing(entry: &domain::Outgoing, out: &mut crate::Derived) {
    out.unique(&OUT_ONCE, &entry.once);
    out.plain(&OUT_BY_STATE, &(entry.state as u8));
    out.count(&OUTGOING, &(entry.state as u8), 1);
    if entry.state == domain::outbox::OutState::Waiting {
        out.plain(&OUT_DUE, &(entry.kind.clone(), entry.due_at.0));
    }
    if let Some(at) = entry.settled_at {
        out.plain(&OUT_SETTLED, &at.0);
        if matches!(entry.state, domain::outbox::OutState::Sent | domain::outbox::OutState::Unsure) {
            out.count(&OUT_SENT, &(entry.kind.clone(), at.0.div_euclid(domain::time::DAY)), 1);
        }
    }
    if let Some(event) = &entry.event {
        out.plain(&OUT_BY_EVENT, event);
    }
}

pub(super) fn derive_wechat_link(link: &domain::WechatLink, out: &mut crate::Derived) {
    out.unique(&WECHAT_BY_OPENID, &(link.app.clone(), link.openid.clone()));
    if let Some(unionid) = &link.unionid {
        out.plain(&WECHAT_BY_UNIONID, unionid);
    }
    if let Some(person) = &link.person {
        out.plain(&WECHAT_BY_PERSON, person);
    }
}

pub(super) fn derive_invoice(invoice: &Invoice, out: &mut crate::Derived) {
    out.plain(&INVOICE_BY_ORDER, &(invoice.event, invoice.order));
    out.count(&INVOICES, &(invoice.event, invoice.state.code().to_owned()), 1);
}

pub(super) fn derive_certificate(certificate: &Certificate, out: &mut crate::Derived) {
    out.unique(&CERTIFICATE_BY_NUMBER, &certificate.number);
    out.plain(&CERTIFICATE_BY_TICKET, &(certificate.event, certificate.ticket));
    out.count(&CERTIFICATES, &certificate.event, 1);
}

pub(super) fn derive_print(run: &PrintRun, out: &mut crate::Derived) {
    for ticket in &run.tickets {
        out.plain(&PRINT_BY_TICKET, &(run.event, *ticket));
    }
}

pub(super) fn derive_erasure(of: &domain::Erasure, out: &mut crate::Derived) {
    if of.is_open() || of.state == domain::privacy::ErasureState::Begun {
        out.plain(&ERASURE_OPEN, &of.asked_at.0);
    }
}

pub(super) fn derive_access(line: &domain::AccessLine, out: &mut crate::Derived) {
    match &line.whose {
        domain::privacy::Whose::Each(people) => people.iter().for_each(|person| out.plain(&ACCESS_BY_PERSON, person)),
        domain::privacy::Whose::Many(_) => out.plain(&ACCESS_OF_MANY, &()),
    }
}

pub(super) fn derive_visits(kept: &SourceVisits, out: &mut crate::Derived) {
    out.count(&VISITS_FROM, &(kept.event, kept.origin.to_string()), i64::from(kept.visits));
}

pub(super) fn derive_attempt(attempt: &domain::Attempt, out: &mut crate::Derived) {
    use domain::pay::AttemptState;
    out.unique(&ATTEMPT_BY_NUMBER, &attempt.number);
    out.plain(&ATTEMPT_BY_ORDER, &(attempt.event, attempt.order));
    if attempt.state.is_pending() {
        out.plain(&ATTEMPT_OPEN, &0);
    }
    if attempt.state == AttemptState::Strange {
        out.plain(&ATTEMPT_OPEN, &1);
    }
    if let (AttemptState::Paid, Some(received)) = (attempt.state, &attempt.received) {
        out.plain(&ATTEMPT_BY_DAY, &domain::pay::day_of(received.at));
    }
}

pub(super) fn derive_pay_refund(refund: &domain::PayRefund, out: &mut crate::Derived) {
    use domain::pay::RefundState;
    out.unique(&REFUND_BY_NUMBER, &refund.number);
    out.plain(&REFUND_BY_ORDER, &(refund.event, refund.order));
    if refund.state.is_pending() {
        out.plain(&REFUND_OPEN, &0);
    }
    if matches!(refund.state, RefundState::Abnormal | RefundState::Refused) {
        out.plain(&REFUND_OPEN, &1);
    }
    if let Some(at) = refund.taken_at {
        out.plain(&REFUND_BY_DAY, &domain::pay::day_of(at));
    }
}

pub(super) fn derive_order(order: &Order, out: &mut crate::Derived) {
    let (event, sums) = (order.event, order.sums());
    out.unique(&ORDER_BY_LINK, &order.link);
    out.unique(&ORDER_BY_NUMBER, &order.number);
    if let (OrderState::PendingPayment, Some(until)) = (order.state, order.hold_until) {
        out.plain(&ORDER_BY_HOLD, &until.0);
    }
    out.count(&ORDERS, &(event, order.state as u8), 1);
    out.count(&OWED, &event, sums.owed());
    out.count(&DUE, &event, if order.state == OrderState::PendingPayment { sums.due() } else { 0 });
    for entry in &order.entries {
        let sign = if entry.flow == Flow::In { 1 } else { -1 };
        out.count(&INCOME, &(event, entry.method as u8), sign * entry.amount.fen);
    }
    let standing = order.lines.iter().filter(|line| order.state.holds_places() && !line.returned);
    for line in standing {
        if let (true, Some(voucher)) = (line.code, order.voucher) {
            out.count(&CODE_USES, &(event, voucher), 1);
        }
        if let Item::AddOn(addon, _) = line.item {
            out.count(&ADDONS_TAKEN, &(event, addon), 1);
        }
    }
}

pub(super) fn derive_waiter(waiter: &Waiter, out: &mut crate::Derived) {
    let place = (waiter.event, waiter.kind);
    out.unique(&WAITER_BY_LINK, &waiter.link);
    match waiter.state {
        WaitState::Waiting => {
            out.plain(&WAITING, &place);
            out.count(&WAITERS, &place, 1);
        }
        WaitState::Offered(until) => {
            out.plain(&OFFER_BY_END, &until.0);
            out.count(&OFFERED, &place, 1);
        }
        WaitState::Taken(_) | WaitState::Lapsed | WaitState::Left => return,
    }
    out.unique(&WAITER_BY_PHONE, &(waiter.event, waiter.kind, waiter.phone.clone()));
}

pub(super) fn derive_reminder(reminder: &Reminder, out: &mut crate::Derived) {
    if reminder.done.is_none() {
        out.plain(&REMINDER_WAITING, &reminder.event);
    }
}

pub(super) fn derive_notice(notice: &Notice, out: &mut crate::Derived) {
    out.unique(&NOTICE_BY_CAUSE, &notice.once);
    out.plain(&NOTICE_BY_SUBJECT, &notice_subject(notice.about));
    let state = match notice.state {
        NoticeState::Waiting => 0,
        NoticeState::Sent(..) => 1,
        NoticeState::Dropped(..) => 2,
    };
    if let Some(event) = notice.about.event() {
        out.plain(&NOTICE_BY_EVENT, &event);
        out.count(&NOTICES, &(event, state), 1);
    }
    if let Some(blast) = notice.blast() {
        out.plain(&NOTICE_BY_BLAST, &blast);
        out.count(&NOTICES_OF_BLAST, &(blast, state), 1);
    }
}

pub(super) fn derive_trail(trail: &domain::MessageTrail, out: &mut crate::Derived) {
    out.plain(&TRAIL_BY_PERSON, &trail.person);
    if let Some(event) = &trail.event {
        out.plain(&TRAIL_BY_EVENT, event);
    }
}

pub(super) fn derive_blast(blast: &domain::Blast, out: &mut crate::Derived) {
    out.unique(&BLAST_BY_ONCE, &blast.once);
    if blast.state == domain::blast::BlastState::Running {
        out.plain(&BLAST_RUNNING, &());
    }
}

pub(super) fn derive_choice(choice: &domain::TalkChoice, out: &mut crate::Derived) {
    for talk in &choice.talks {
        out.count(&TALK_TAKEN, &(choice.event, *talk), 1);
    }
}

pub(super) fn derive_ticket(ticket: &Ticket, out: &mut crate::Derived) {
    let (event, kind) = (ticket.event, ticket.kind);
    out.unique(&TICKET_BY_NUMBER, &ticket.number);
    out.unique(&TICKET_BY_LINK, &ticket.link);
    out.unique(&TICKET_BY_ATTEND, &(event, ticket.attend.clone()));
    out.count(&TICKETS, &(event, ticket.state as u8), 1);
    out.count(&TICKETS_EVER_OF_TYPE, &(event, kind), 1);
    out.count(&REGISTERED_AT, &(event, ticket.created_at.hour()), 1);
    if ticket.state.holds_place() {
        out.count(&TICKETS_OF_TYPE, &(event, kind), 1);
        if let Some(phone) = &ticket.phone {
            out.unique(&TICKET_BY_PHONE, &(phone.clone(), event));
        }
        if let Some(group) = ticket.group {
            out.count(&TICKETS_OF_GROUP, &(event, group), 1);
        }
        for answer in &ticket.answers {
            if let AnswerValue::Chosen(chosen) = &answer.value {
                chosen.iter().for_each(|choice| out.count(&CHOSEN, &(event, answer.field, choice.clone()), 1));
            }
        }
    }
}

/// What the lines of one block add to the counts of a list.
#[derive(Default)]
struct Sums {
    entered: i64,
    refused: i64,
    kinds: BTreeMap<TicketTypeId, i64>,
    groups: BTreeMap<GroupId, i64>,
    minutes: BTreeMap<i64, i64>,
    reasons: BTreeMap<u8, i64>,
}

impl Sums {
    fn admitted(&mut self, change: i8, kind: Option<TicketTypeId>, group: Option<GroupId>, minute: i64) {
        let change = i64::from(change);
        if change == 0 {
            return;
        }
        self.entered += change;
        *self.minutes.entry(minute).or_default() += change;
        self.moved(change, kind, group);
    }

    fn moved(&mut self, change: i64, kind: Option<TicketTypeId>, group: Option<GroupId>) {
        if let Some(kind) = kind {
            *self.kinds.entry(kind).or_default() += change;
        }
        if let Some(group) = group {
            *self.groups.entry(group).or_default() += change;
        }
    }

    fn add(&mut self, line: &Line) {
        match line {
            Line::Scan(scan) => {
                self.admitted(scan.admitted, scan.kind, scan.group, scan.scanned_at.minute());
                if let Some(reason) = scan.verdict.reason() {
                    self.refused += 1;
                    *self.reasons.entry(reason as u8).or_default() += 1;
                }
            }
            Line::Annul(annul) => {
                self.admitted(annul.admitted, Some(annul.kind), annul.group, annul.minute);
            }
            Line::Move(moved) => {
                self.moved(-1, Some(moved.from.0), moved.from.1);
                self.moved(1, Some(moved.to.0), moved.to.1);
            }
            Line::Settle(_) => {}
        }
    }

    fn derive(&self, event: EventId, list: ListId, out: &mut crate::Derived) {
        out.count(&ENTERED, &(event, list), self.entered);
        out.count(&REFUSED, &(event, list), self.refused);
        for (kind, sum) in &self.kinds {
            out.count(&ENTERED_OF_TYPE, &(event, list, *kind), *sum);
        }
        for (group, sum) in &self.groups {
            out.count(&ENTERED_OF_GROUP, &(event, list, *group), *sum);
        }
        for (minute, sum) in &self.minutes {
            out.count(&ARRIVALS, &(event, list, *minute), *sum);
        }
        for (reason, sum) in &self.reasons {
            out.count(&REFUSALS, &(event, list, *reason), *sum);
        }
    }
}

pub(super) fn derive_scans(block: &ScanBlock, out: &mut crate::Derived) {
    let mut lists: BTreeMap<ListId, Sums> = BTreeMap::new();
    for line in &block.lines {
        lists.entry(line.list()).or_default().add(line);
    }
    for (list, sums) in &lists {
        sums.derive(block.event, *list, out);
    }
}

pub(super) fn derive_device(device: &Device, out: &mut crate::Derived) {
    out.plain(&DEVICE_BY_EVENT, &device.event);
    if let Some(token) = &device.token {
        out.unique(&DEVICE_BY_TOKEN, token);
    }
    if let Some(pairing) = &device.pairing {
        out.unique(&DEVICE_BY_CODE, &pairing.code);
    }
}

pub(super) fn derive_client(client: &domain::ApiClient, out: &mut crate::Derived) {
    for secret in &client.secrets {
        out.unique(&CLIENT_BY_SECRET, &secret.hash);
    }
}

pub(super) fn derive_win(win: &draw::Win, out: &mut crate::Derived) {
    if let Some(Who::Ticket(ticket)) = win.who {
        out.plain(&WIN_BY_TICKET, &ticket);
    }
}

pub(super) fn derive_entrant(entrant: &draw::Entrant, out: &mut crate::Derived) {
    if let Some(token) = &entrant.token {
        out.unique(&ENTRANT_BY_TOKEN, token);
    }
    if let Some(phone) = &entrant.phone {
        out.unique(&ENTRANT_BY_PHONE, &(entrant.draw, phone.clone()));
    }
    if let Some(ticket) = entrant.ticket {
        out.unique(&ENTRANT_BY_TICKET, &(entrant.draw, ticket));
    }
    if !entrant.removed {
        out.count(&ENTRANTS, &(entrant.draw, entrant.ticket.is_some()), 1);
    }
}

/// The key of a picture that somebody gave of themselves.
pub(super) fn face_key(face: &draw::Face) -> (DrawId, bool, u64) {
    match face.who {
        Who::Ticket(ticket) => (face.draw, false, ticket.0),
        Who::Extra(entrant) => (face.draw, true, entrant.0),
    }
}

pub(super) fn derive_merchant(merchant: &Merchant, out: &mut crate::Derived) {
    if merchant.state.holds_login() {
        out.unique(&MERCHANT_BY_LOGIN, &merchant.login);
    }
    out.unique(&MERCHANT_BY_LINK, &merchant.link);
    out.count(&MERCHANTS, &(merchant.state as u8), 1);
}

/// A record as the first version of the program kept it.
fn older<Old, New: From<Old>>(version: u16, bytes: &[u8]) -> Result<New, String>
where
    Old: rkyv::Archive,
    Old::Archived: for<'a> rkyv::bytecheck::CheckBytes<rkyv::api::high::HighValidator<'a, rkyv::rancor::Error>>
        + rkyv::Deserialize<Old, rkyv::api::high::HighDeserializer<rkyv::rancor::Error>>,
{
    if version != 1 {
        return Err(format!("unknown version {version}"));
    }
    rkyv::from_bytes::<Old, rkyv::rancor::Error>(bytes).map(New::from).map_err(|error| error.to_string())
}

/// A component of the home page before it had a source.
pub(super) fn older_home_part(version: u16, bytes: &[u8]) -> Result<domain::HomePart, String> {
    older::<domain::home::HomePartV1, _>(version, bytes)
}

/// A session before it was noted when it was used.
pub(super) fn older_session(version: u16, bytes: &[u8]) -> Result<Session, String> {
    older::<domain::account::SessionV1, _>(version, bytes)
}

/// What is decided for merchants before their data went after a time.
pub(super) fn older_merchant_setting(version: u16, bytes: &[u8]) -> Result<domain::MerchantSetting, String> {
    older::<domain::merchant::MerchantSettingV1, _>(version, bytes)
}

/// The account with WeChat Pay before there could be two apps.
pub(super) fn older_pay_account(version: u16, bytes: &[u8]) -> Result<domain::PayAccount, String> {
    older::<domain::pay::PayAccountV1, _>(version, bytes)
}

pub(super) fn derive_document(document: &Document, out: &mut crate::Derived) {
    out.plain(&DOCUMENT_BY_WAITING, &(document.reading == domain::document::Reading::Waiting));
}

pub(super) fn derive_person(person: &Person, out: &mut crate::Derived) {
    if let Some(phone) = &person.phone {
        out.unique(&PERSON_BY_PHONE, phone);
    }
}

pub(super) fn derive_person_session(session: &PersonSession, out: &mut crate::Derived) {
    out.plain(&PERSON_SESSION_BY_PERSON, &session.person);
    out.plain(&PERSON_SESSION_BY_END, &session.expires_at.0);
}

/// A line of the access log before the people of files became runs.
pub(super) fn older_access(version: u16, bytes: &[u8]) -> Result<domain::AccessLine, String> {
    older::<domain::privacy::AccessLineV1, _>(version, bytes)
}
