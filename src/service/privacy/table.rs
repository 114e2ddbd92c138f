//! What becomes of each table when somebody is erased, and whether its records are told to the person. A table that does not stand here is
//! one that nobody thought of, and fails a test.

/// What becomes of the records of a table that are about somebody who is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They are removed.
    Gone,
    /// They stay without what is personal: of names the initials.
    Frozen,
    /// They stay as they are, for this reason (English source text).
    Kept(&'static str),
    /// They are about nobody.
    Nobody,
}

const NUMBERS: &str = "It holds numbers alone, which lead to nobody any more.";
const DRAW: &str = "The record of a draw proves to all others that it was fair. It goes when its event is archived.";

use Fate::{Frozen, Gone, Kept, Nobody};

/// Every table: its name, whether what it holds is told to the person, what becomes of it.
pub const FATES: &[(&str, bool, Fate)] = &[
    ("person", true, Frozen),
    ("identity", true, Gone),
    ("person_session", true, Gone),
    ("login_code", false, Gone),
    ("person_ticket", false, Gone),
    ("person_order", false, Gone),
    ("person_merge", true, Gone),
    ("person_moved", false, Gone),
    ("person_lang", true, Gone),
    ("wechat_link", true, Gone),
    ("wechat_credit", false, Gone),
    ("wechat_push", true, Gone),
    ("member", true, Gone),
    ("ticket", true, Frozen),
    ("portrait", true, Gone),
    ("door_answers", true, Gone),
    ("scan_block", true, Kept(NUMBERS)),
    ("talk_choice", true, Gone),
    ("feedback_given", false, Kept(NUMBERS)),
    ("feedback_answer", true, Frozen),
    ("certificate", true, Frozen),
    ("ticket_source", false, Kept(NUMBERS)),
    ("print_run", false, Kept(NUMBERS)),
    ("order", true, Frozen),
    ("invoice", true, Frozen),
    ("pay_attempt", true, Frozen),
    ("pay_refund", true, Frozen),
    ("waiter", true, Gone),
    ("notice", true, Gone),
    ("dispatch", false, Gone),
    ("message_trail", true, Gone),
    ("message_choice", true, Gone),
    ("sms_line", true, Gone),
    ("outgoing", true, Gone),
    ("blast_part", false, Kept(NUMBERS)),
    ("draw_win", true, Frozen),
    ("draw_entrant", true, Frozen),
    ("draw_message", true, Gone),
    ("draw_face", true, Gone),
    ("face_check", false, Gone),
    ("draw_line", false, Kept(DRAW)),
    ("draw_round", false, Kept(NUMBERS)),
    ("draw_running", false, Kept(NUMBERS)),
    ("import", true, Gone),
    ("refused_row", false, Gone),
    ("device", true, Frozen),
    ("account", true, Frozen),
    ("grant", false, Gone),
    ("session", false, Gone),
    ("second_step", false, Gone),
    ("known_browser", false, Gone),
    ("login_line", true, Gone),
    ("password_link", false, Gone),
    ("passkey", true, Gone),
    ("saved_search", true, Gone),
    ("eyes", false, Kept(NUMBERS)),
    ("first_password", false, Kept(NUMBERS)),
    ("api_client", false, Kept(NUMBERS)),
    ("client_use", false, Nobody),
    ("merchant", true, Kept("It belongs to the contract with a merchant, and goes with the merchant.")),
    (
        "document",
        false,
        Kept("What a document says is not looked through. Search for the name, and remove what should go."),
    ),
    ("once", false, Kept("Sealed answers that nobody can read without their key; they are gone after a day.")),
    ("erasure", true, Kept("That it was asked for and done, by number alone: after a restore it is done again.")),
    ("access_line", true, Kept(NUMBERS)),
    ("consent", true, Kept(NUMBERS)),
    ("space", false, Nobody),
    ("department", false, Nobody),
    ("device_print", false, Nobody),
    ("event", false, Nobody),
    ("ticket_type", false, Nobody),
    ("group", false, Nobody),
    ("picture", false, Nobody),
    ("checkin_list", false, Nobody),
    ("gate", false, Nobody),
    ("sale", false, Nobody),
    ("payment", false, Nobody),
    ("voucher", false, Nobody),
    ("quota", false, Nobody),
    ("addon", false, Nobody),
    ("reminder", false, Nobody),
    ("brand", false, Nobody),
    ("category", false, Nobody),
    ("event_category", false, Nobody),
    ("home_part", false, Nobody),
    ("feedback_form", false, Nobody),
    ("series", false, Nobody),
    ("event_series", false, Nobody),
    ("talk", false, Nobody),
    ("event_archive", false, Nobody),
    ("seat_plan", false, Nobody),
    ("seating", false, Nobody),
    ("event_view", false, Nobody),
    ("draw", false, Nobody),
    ("draw_secret", false, Nobody),
    ("sound", false, Nobody),
    ("event_place", false, Nobody),
    ("event_share", false, Nobody),
    ("design", false, Nobody),
    ("source", false, Nobody),
    ("source_visits", false, Nobody),
    ("sms_setting", false, Nobody),
    ("mail_setting", false, Nobody),
    ("message_setting", false, Nobody),
    ("message_template", false, Nobody),
    ("message_defaults", false, Nobody),
    ("dispatch_cursor", false, Nobody),
    ("blast", false, Nobody),
    ("webhook", false, Nobody),
    ("checkin_cursor", false, Nobody),
    ("pay_bill", false, Nobody),
    ("pay_account", false, Nobody),
    ("pay_certificate", false, Nobody),
    ("member_offer", false, Nobody),
    ("wechat_app", false, Nobody),
    ("wechat_kept", false, Nobody),
    ("merchant_terms", false, Nobody),
    ("merchant_setting", false, Nobody),
    ("merchant_purge", false, Nobody),
    ("backup_plan", false, Nobody),
    ("backup_run", false, Nobody),
    ("backup_access", false, Nobody),
    ("backup_alert", false, Nobody),
    ("audit_anchor", false, Nobody),
    ("standby", false, Nobody),
    ("tunnel_plan", false, Nobody),
    ("key_turn", false, Nobody),
    ("start", false, Nobody),
    ("checklist", false, Nobody),
    ("retention", false, Nobody),
    ("privacy_notice", false, Nobody),
    ("second_rule", false, Nobody),
];

/// Why something stays that is no table of the space (English source texts): what, and why.
pub const BESIDE: &[(&str, &str)] = &[
    (
        "Audit log",
        "Its lines are chained, so that nobody can change what was done; some name the person as they were called then.",
    ),
    (
        "Backups",
        "Older backups hold everything until their time is over. When one of them is restored, the erasure is done again.",
    ),
];

/// Why tables stay, each reason once.
pub fn reasons() -> Vec<&'static str> {
    let mut found = Vec::new();
    for (_, _, fate) in FATES {
        if let Kept(why) = fate
            && !found.contains(why)
        {
            found.push(*why);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn of_every_table_it_is_decided_what_becomes_of_a_person_in_it() {
        let all: BTreeSet<&str> = store::catalogue::all().iter().map(|erased| erased.table.name).collect();
        let decided: BTreeSet<&str> = FATES.iter().map(|(table, ..)| *table).collect();
        assert_eq!((decided.len(), &decided), (FATES.len(), &all), "each table once");
        let told = FATES.iter().filter(|(_, told, fate)| *told && *fate == Nobody).count();
        assert_eq!(told, 0, "what is about nobody is told to nobody");
        assert_eq!(reasons().len(), 6, "each once");
    }
}
