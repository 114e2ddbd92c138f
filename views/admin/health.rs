//! How the box is: a line for everything that it lives by, and the checklist of the first page.

use crate::{
    Shell,
    component::{
        badge, heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice, post,
    },
    layout::{Tone, admin},
};
use domain::{
    Time,
    health::{Level, Line},
};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// All lines.
    pub lines: &'a [Line],
    /// The worst of them.
    pub worst: Level,
    /// Something was taken off the checklist.
    pub dismissed: bool,
    /// When it was looked at.
    pub at: Time,
}

fn tone(level: Level) -> Tone {
    match level {
        Level::Good => Tone::Good,
        Level::Warn => Tone::Warn,
        Level::Bad => Tone::Bad,
    }
}

/// What to do, with a way to where it is done.
fn advice(shell: &Shell, line: &Line) -> Markup {
    let text = shell.text();
    let way = line.finding.check().href().filter(|_| line.finding.level() > Level::Good);
    html! {
        span {
            (text.t(line.finding.advice()))
            @if let Some(href) = way { " " a href=(href) { (text.f("Go to: {what}", &[("what", &text.t(line.finding.check().label()))])) } }
        }
    }
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Part")),
        Head::plain(text.t("State")),
        Head::plain(text.t("What it means")),
        Head::plain(text.t("What to do")),
    ];
    let row = |line: &Line| Row {
        id: None,
        name: text.t(line.finding.check().label()).to_owned(),
        cells: vec![
            html! { (text.t(line.finding.check().label())) },
            badge(tone(line.finding.level()), text.t(line.finding.level().label())),
            html! { (text.args(line.finding.says(), &line.args)) },
            advice(shell, line),
        ],
    };
    let rows: Vec<Row> = of.lines.iter().map(row).collect();
    let (said, actions) = (
        match of.worst {
            Level::Good => "All is in order.",
            Level::Warn => "Somebody should look after something soon.",
            Level::Bad => "Something does not work, or data are in danger.",
        },
        html! { a class="button" href="/admin/status" { (icon(Icon::Clock)) (text.t("Check again")) } },
    );
    let content = html! {
        (heading(text.t("Status of the box"), &actions))
        (notice(tone(of.worst), text.t(said)))
        (table(text, text.t("Status of the box"), &heads, &rows, false))
        p class="dim" { (text.t("Checked at")) " " (shell.format.time(of.at)) ". " (text.t("On the box itself: huiguan doctor. For programs:")) " " code { "/admin/status.json" } }
        @if of.dismissed { (post("/admin/status/restore", "", text.t("Show dismissed items on the overview again"), Icon::Up)) }
    };
    admin(shell, text.t("Status of the box"), &[], &[], &content)
}

/// What is left to be done, on the first page.
pub fn checklist(shell: &Shell, left: &[Line]) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" aria-labelledby="checklist" {
            h2 id="checklist" { (text.t("Still to be done on this box")) }
            ul class="checklist" {
                @for line in left {
                    li {
                        (badge(tone(line.finding.level()), text.t(line.finding.level().label())))
                        div {
                            strong { (text.t(line.finding.check().label())) } " "
                            (text.args(line.finding.says(), &line.args)) " "
                            span class="dim" { (advice(shell, line)) }
                        }
                        @if line.finding.level() < Level::Bad {
                            form method="post" action={ "/admin/status/" (line.finding.check().code()) "/dismiss" } {
                                button class="quiet" aria-label=(text.f("Dismiss: {what}", &[("what", &text.t(line.finding.check().label()))])) { (text.t("Dismiss")) }
                            }
                        }
                    }
                }
            }
            p { a href="/admin/status" { (icon(Icon::Chart)) " " (text.t("Status of the box")) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::text::{Lang, Text};
    use domain::health::{Check, Finding};

    #[test]
    fn everything_that_can_be_found_is_said_in_chinese() {
        let text = Text(Lang::Zh);
        for finding in Finding::ALL {
            for english in [finding.says(), finding.advice()] {
                assert_ne!(text.t(english), english);
            }
        }
        for check in Check::ALL {
            assert_ne!(text.t(check.label()), check.label());
        }
    }
}
