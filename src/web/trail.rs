//! Messages to one person as pages show them.

use domain::{message::template::TrailOf, notice::NoticeState, outbox::OutState};
use service::message::person::{Row, Taken};
use views::{Shell, Tone, component::trail::Trail, phone::order::words};

fn tone(state: OutState) -> Tone {
    match state {
        OutState::Waiting | OutState::Trying => Tone::Info,
        OutState::Sent => Tone::Good,
        OutState::Unsure => Tone::Warn,
        OutState::Refused | OutState::Expired => Tone::Bad,
        OutState::Dropped => Tone::Plain,
    }
}

/// How one way went, in the reader's language.
fn went(shell: &Shell, of: &Taken) -> String {
    let text = shell.text();
    let state = text.t(of.state.map_or("Not kept any more", OutState::label)).to_owned();
    match of.delivered.as_deref() {
        Some("") => format!("{state}，{}", text.t("Delivered")),
        Some(code) => format!("{state}，{} {code}", text.t("Not delivered")),
        None => state,
    }
}

/// Why a notice is not sent, by the word that its record has.
fn why(dropped: &str) -> &'static str {
    match dropped {
        "unwanted" => "They left what goes to many.",
        "too late" => "It would have come too late.",
        "stopped" => "The message to many was stopped.",
        "hand" => "The secretariat decided so.",
        _ => "",
    }
}

/// One row as a page shows it; what the other side said is for the secretariat alone.
pub fn trail(shell: &Shell, row: &Row, with_reasons: bool) -> Trail {
    let text = shell.text();
    let last = row.steps.last();
    let state = match (&row.notice, last.and_then(|step| step.state)) {
        (Some(notice), step) => match &notice.state {
            NoticeState::Sent(..) if step == Some(OutState::Unsure) => (Tone::Warn, OutState::Unsure.label(), ""),
            NoticeState::Sent(..) => (Tone::Good, notice.state.label(), ""),
            NoticeState::Dropped(reason, _) => (Tone::Plain, notice.state.label(), why(reason)),
            NoticeState::Waiting if step.is_some_and(|step| !step.is_final()) => (Tone::Info, "under way", ""),
            NoticeState::Waiting => {
                (Tone::Warn, notice.state.label(), "No way reached the person; it stands on their page.")
            }
        },
        (None, Some(step)) => (tone(step), step.label(), ""),
        (None, None) => (Tone::Plain, "Not kept any more", ""),
    };
    let title = match (&row.notice, row.trail.of) {
        (Some(notice), _) => text.t(notice.purpose.label()),
        (None, TrailOf::Code(_)) => text.t("Code to log in"),
        (None, TrailOf::Notice(_)) => text.t("Message"),
    };
    let taken = row.steps.iter().map(|step| {
        let said = if with_reasons { step.said.clone() } else { String::new() };
        (step.way.clone(), step.at, went(shell, step), said)
    });
    let passed = row.trail.looked.iter().filter(|looked| !looked.why.is_empty());
    Trail {
        at: row.trail.at,
        title: title.to_owned(),
        text: row.notice.as_ref().map_or(String::new(), |notice| words(shell, notice)),
        event: row.event.clone(),
        state: (state.0, text.t(state.1).to_owned(), text.t(state.2).to_owned()),
        taken: taken.collect(),
        passed: passed.map(|looked| (looked.way.clone(), looked.why.clone())).collect(),
    }
}
