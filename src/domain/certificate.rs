//! Certificates of attendance: the number that proves one, the states it goes through, and how a name is masked on the check page.

use crate::{By, CertificateId, DesignId, EventId, Refusal, TicketId, Time, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// Whether a certificate is worth something.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum CertificateState {
    /// It stands.
    Valid,
    /// It was taken back: when, and why, as the secretariat wrote.
    Revoked(Time, String),
    /// A new one was issued in its place: when, and the new one.
    Replaced(Time, CertificateId),
}

impl CertificateState {
    /// English source text.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Valid => "Valid",
            Self::Revoked(..) => "Revoked",
            Self::Replaced(..) => "Replaced",
        }
    }
}

/// A certificate.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Number of the record.
    pub id: CertificateId,
    /// The event.
    pub event: EventId,
    /// Whose ticket.
    pub ticket: TicketId,
    /// The design it is drawn by.
    pub design: DesignId,
    /// What proves it: 16 characters without look-alikes, 80 random bits.
    pub number: String,
    /// What people call it by: `2026-003-0012`.
    pub serial: String,
    /// The name it was issued to.
    pub name: String,
    /// When it was issued.
    pub issued_at: Time,
    /// Who issued it.
    pub issued_by: By,
    /// Whether it stands.
    pub state: CertificateState,
}

/// Characters of a certificate's number.
pub const NUMBER_LEN: usize = 16;
/// Longest reason in characters.
pub const REASON_MAX: usize = 100;

impl Certificate {
    /// Whether it stands.
    pub fn is_valid(&self) -> bool {
        self.state == CertificateState::Valid
    }
}

/// The readable number: year, event, and its place among the event's certificates, from 1.
pub fn serial(year: i16, event: EventId, place: u64) -> String {
    format!("{year}-{:03}-{place:04}", event.0)
}

/// A number as it is kept, from what people typed: blanks and hyphens are dropped and letters made large. None when it can be none.
pub fn read_number(text: &str) -> Option<String> {
    let number: String = text
        .chars()
        .take(64)
        .map(crate::text::half_width)
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    (number.len() == NUMBER_LEN && number.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(number)
}

/// A number in groups of four, as it is shown.
pub fn grouped(number: &str) -> String {
    let all: Vec<char> = number.chars().collect();
    all.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// A name of which strangers see enough to recognise it: first and last character, or the first of two.
pub fn masked(name: &str) -> String {
    let all: Vec<char> = name.chars().collect();
    match all.as_slice() {
        [] => String::new(),
        [_] => "*".to_owned(),
        [first, _] => format!("{first}*"),
        [first, middle @ .., last] => format!("{first}{}{last}", "*".repeat(middle.len().min(6))),
    }
}

fn standing(certificate: &Certificate) -> Result<(), Refusal> {
    match certificate.state {
        CertificateState::Valid => Ok(()),
        CertificateState::Revoked(..) | CertificateState::Replaced(..) => {
            Err(refuse!(Conflict, "certificate.not_valid", "This certificate is not valid any more."))
        }
    }
}

/// Takes a certificate back; the reason must be given and shows on its check page.
pub fn revoke(certificate: &mut Certificate, reason: &str, now: Time) -> Result<(), Refusal> {
    standing(certificate)?;
    let mut form = Form::default();
    let reason = form.required("reason", reason, REASON_MAX);
    form.done(())?;
    certificate.state = CertificateState::Revoked(now, reason);
    Ok(())
}

/// Puts a new certificate in the place of one that stands or was taken back; what was replaced is not replaced again.
pub fn replace(certificate: &mut Certificate, by: CertificateId, now: Time) -> Result<(), Refusal> {
    if !matches!(certificate.state, CertificateState::Replaced(..)) {
        certificate.state = CertificateState::Replaced(now, by);
        return Ok(());
    }
    standing(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(state: CertificateState) -> Certificate {
        Certificate {
            id: CertificateId(1),
            event: EventId(3),
            ticket: TicketId(1),
            design: DesignId(1),
            number: "ABCD2345EFGH6789".into(),
            serial: serial(2026, EventId(3), 12),
            name: "张三".into(),
            issued_at: Time(0),
            issued_by: By::Box,
            state,
        }
    }

    #[test]
    fn each_state_allows_what_it_allows() {
        let revoked = CertificateState::Revoked(Time(1), "x".into());
        let replaced = CertificateState::Replaced(Time(1), CertificateId(2));
        let cases = [(CertificateState::Valid, true, true), (revoked, false, true), (replaced, false, false)];
        for (state, revokes, replaces) in cases {
            let mut one = certificate(state.clone());
            assert_eq!(revoke(&mut one, "mistake", Time(5)).is_ok(), revokes, "{state:?}");
            assert_eq!(one.state == state, !revokes, "a refusal changes nothing");
            let mut one = certificate(state.clone());
            assert_eq!(replace(&mut one, CertificateId(9), Time(5)).is_ok(), replaces, "{state:?}");
            assert!(!one.is_valid() || !replaces);
        }
        let mut one = certificate(CertificateState::Valid);
        assert_eq!(revoke(&mut one, "  ", Time(5)).unwrap_err().problems[0].field, "reason");
        assert!(one.is_valid());
    }

    #[test]
    fn numbers_are_read_as_people_type_them() {
        let cases = [
            ("ABCD-2345-EFGH-6789", Some("ABCD2345EFGH6789")),
            (" abcd 2345 efgh 6789", Some("ABCD2345EFGH6789")),
            ("ＡBCD2345EFGH6789", Some("ABCD2345EFGH6789")),
            ("ABCD2345EFGH678", None),
            ("ABCD2345EFGH678é", None),
            ("", None),
        ];
        for (text, number) in cases {
            assert_eq!(read_number(text).as_deref(), number, "{text}");
        }
        assert_eq!(grouped("ABCD2345EFGH6789"), "ABCD-2345-EFGH-6789");
        assert_eq!(certificate(CertificateState::Valid).serial, "2026-003-0012");
    }

    #[test]
    fn a_masked_name_is_recognised_and_not_known() {
        let cases = [
            ("张三", "张*"),
            ("欧阳锋", "欧*锋"),
            ("欧阳若曦", "欧**曦"),
            ("王", "*"),
            ("", ""),
            ("Ada Lovelace", "A******e"),
        ];
        for (name, shown) in cases {
            assert_eq!(masked(name), shown);
        }
    }
}
