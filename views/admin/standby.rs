//! The stand-by box, as the leading one shows it: pairing, how far the other one is behind, and removing it. And the page of a box that does not lead.

use crate::{
    Shell,
    component::{
        Confirm, confirm, empty, heading,
        icon::{Icon, icon},
        notice, post, stat,
    },
    format::count,
    layout::{Tone, admin, bare},
};
use domain::{
    Time,
    standby::{Judged, Lag, Role, Standby, Trouble},
};
use maud::{Markup, html};

/// The page of the leading box.
pub struct Page<'a> {
    /// The follower, and a code that waits.
    pub standby: &'a Standby,
    /// How far it is behind.
    pub lag: Lag,
    /// Its newest group, and this box's.
    pub groups: (u64, u64),
    /// The epoch.
    pub epoch: u64,
    /// Whether a second box could find this one.
    pub found: bool,
    /// A code that was made just now.
    pub code: Option<&'a str>,
    /// The box that this one took over from, while it is not known to have stopped.
    pub loose: Option<&'a str>,
    /// The instant now.
    pub now: Time,
}

/// What is thought of a lag.
fn judged(shell: &Shell, lag: &Lag) -> Markup {
    let text = shell.text();
    match lag.judge() {
        Judged::Follows => notice(Tone::Good, text.t("The stand-by box follows. It could take over at any moment.")),
        Judged::Behind => notice(Tone::Warn, text.t("The stand-by box is there and does not hold everything yet.")),
        Judged::Away if lag.silent.is_none() => notice(
            Tone::Warn,
            text.t("A stand-by box is paired and has not come yet. Start it, and look at its own page."),
        ),
        Judged::Away => {
            notice(Tone::Bad, text.t("The stand-by box is not heard. Look at its power, its network and its own page."))
        }
    }
}

/// A length of time, for people.
fn seconds(shell: &Shell, millis: Option<i64>) -> String {
    let text = shell.text();
    match millis.map(|millis| millis / 1_000) {
        None => text.t("not yet").to_owned(),
        Some(seconds) if seconds < 600 => text.f("{count} s", &[("count", &seconds)]),
        Some(seconds) => text.f("{count} min", &[("count", &(seconds / 60))]),
    }
}

fn figures(shell: &Shell, lag: &Lag, (held, newest): (u64, u64)) -> Markup {
    let text = shell.text();
    let number = |of: u64| count(i64::try_from(of).unwrap_or(i64::MAX));
    html! {
        dl class="stats" {
            (stat(text.t("Changes behind"), &number(lag.groups), None))
            (stat(text.t("Time behind"), &seconds(shell, lag.behind), None))
            (stat(text.t("Files it lacks"), &number(lag.files), None))
            (stat(text.t("Since it was heard"), &seconds(shell, lag.silent), None))
        }
        p class="dim" { (text.f("It holds change {held} of {newest}.", &[("held", &held), ("newest", &newest)])) }
    }
}

/// The page of the leading box.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let paired = of.standby.secret.is_some();
    let actions = html! {
        @if !paired && of.found { (post("/admin/standby/code", "primary", text.t("Make a pairing code"), Icon::Copy)) }
    };
    let content = html! {
        (heading(text.t("Stand-by box"), &actions))
        p class="dim" { (text.t("A second box that follows this one, change by change, and takes its place when somebody says so. This box never waits for it: what was answered here in the last moments before it broke may be missing there.")) }
        @if let Some(address) = of.loose {
            (notice(Tone::Warn, &text.f("This box took over, and the one before it ({address}) has not been reached since. Keep that one off the network until it can reach this one; it then stops by itself.", &[("address", &address)])))
        }
        @if let Some(code) = of.code { (fresh(shell, code)) }
        @if paired {
            (judged(shell, &of.lag))
            (figures(shell, &of.lag, of.groups))
            section class="panel" {
                h2 { (text.t("The other box")) }
                p { (text.t("Address:")) " " code { (of.standby.address) } }
                @if let Some(at) = of.standby.paired_at { p class="dim" { (text.t("Paired:")) " " (shell.format.time(at)) } }
                (confirm(&Confirm {
                    label: text.t("Remove this box"),
                    action: "/admin/standby/remove",
                    warning: text.t("It does not follow any more from here on. What it holds stays on it, with the key: wipe its disk if it leaves the house."),
                    verb: text.t("Remove"),
                }))
            }
        } @else if !of.found {
            (empty(text.t("No stand-by box yet"), text.t("This box does not listen with TLS. Set listen_tls in its settings and start it anew; then a second box can follow it."), None))
        } @else if of.code.is_none() {
            (empty(text.t("No stand-by box yet"), text.t("Install the program on a second box, make a pairing code here, and enter it there."), None))
            @if of.standby.code.is_some() && of.now < of.standby.until {
                p class="dim" { (text.f("A code waits until {time}. A new one makes it worthless.", &[("time", &shell.format.time(of.standby.until))])) }
            }
        }
        section class="panel" {
            h2 { (text.t("When this box breaks")) }
            ol {
                li { (text.t("Be sure that it is off or off the network.")) }
                li { (text.t("On the stand-by box:")) " " code { "huiguan standby promote" } }
                li { (text.t("Lead the address of this box to the other one, or use its own.")) }
            }
            p class="dim" { (text.t("A box that comes back learns of it as soon as it reaches the other one, and stops by itself. Two boxes that cannot reach each other cannot know: that is why a person decides.")) }
        }
        p class="dim" { (text.f("Epoch {epoch}", &[("epoch", &of.epoch)])) }
    };
    admin(shell, text.t("Stand-by box"), &[], &[], &content)
}

fn fresh(shell: &Shell, code: &str) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (icon(Icon::Copy)) (text.t("Pairing code")) }
            p { (text.t("Good for 15 minutes and for one box. Whoever uses it gets everything on this box and its key: show it to nobody else.")) }
            p { code class="code" { (code) } }
            p { (text.t("On the second box, while its program is stopped:")) }
            pre class="code-block" { code { "huiguan standby follow --code '" (code) "' --data /var/lib/huiguan" } }
            p class="dim" { (text.t("Then start its program.")) }
        }
    }
}

/// The page of a box that does not lead.
pub struct Idle<'a> {
    /// What it is.
    pub role: Role,
    /// The association, as far as it is known.
    pub name: Option<&'a str>,
    /// The other box.
    pub other: Option<&'a str>,
    /// How far it is behind.
    pub lag: Lag,
    /// Its newest group, and the leader's.
    pub groups: (u64, u64),
    /// When the newest of what it holds was written.
    pub newest: Option<Time>,
    /// Why it does not follow just now.
    pub trouble: Option<(Time, &'a Trouble)>,
    /// The epoch.
    pub epoch: u64,
}

/// The page of a box that does not lead.
pub fn idle(shell: &Shell, of: &Idle<'_>) -> Markup {
    let text = shell.text();
    let title = match of.role {
        Role::Follower => text.t("This is the stand-by box"),
        Role::Fenced | Role::Leader => text.t("Another box took over from this one"),
    };
    let content = html! {
        h1 { (title) }
        @if let Some(name) = of.name { p { (name) } }
        @match of.role {
            Role::Follower => {
                p { (text.t("It follows the leading box and serves no pages of its own. Open the leading box's address instead.")) }
                @match of.lag.judge() {
                    Judged::Follows => { (notice(Tone::Good, text.t("It follows. It could take over at any moment."))) }
                    Judged::Behind => { (notice(Tone::Warn, text.t("It does not hold everything yet."))) }
                    Judged::Away => { (notice(Tone::Bad, text.t("The leading box is not heard."))) }
                }
                @if let Some((at, trouble)) = of.trouble {
                    (notice(Tone::Warn, &format!("{} {}", shell.format.time(at), text.t(trouble.label()))))
                }
                (figures(shell, &of.lag, of.groups))
                @if let Some(at) = of.newest { p class="dim" { (text.t("The newest of what it holds was written:")) " " (shell.format.time(at)) } }
                section class="panel" {
                    h2 { (text.t("If the leading box is broken")) }
                    ol {
                        li { (text.t("Be sure that it is off or off the network.")) }
                        li { (text.t("Here, on the command line:")) " " code { "huiguan standby promote" } }
                        li { (text.t("Where the leading box cannot be reached, the command says so and asks for --force.")) }
                    }
                }
            }
            Role::Fenced | Role::Leader => {
                p { (text.t("It neither serves nor writes any more, so that no two boxes write. Nothing was removed from it.")) }
                section class="panel" {
                    h2 { (text.t("What to do")) }
                    ol {
                        li { (text.t("Open the leading box, and make a pairing code on its page “Stand-by box”.")) }
                        li { (text.t("Stop the program here, and enter the code:")) " " code { "huiguan standby follow --code …" } }
                        li { (text.t("Changes that only this box saw are then listed, and kept in a folder of their own.")) }
                    }
                }
            }
        }
        @if let Some(other) = of.other { p class="dim" { (text.t("The other box:")) " " code { (other) } } }
        p class="dim" { (text.f("Epoch {epoch}", &[("epoch", &of.epoch)])) }
    };
    bare(shell, title, &content)
}
