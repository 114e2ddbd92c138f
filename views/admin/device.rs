//! Terminals, helpers and attached scanners of an event.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        Confirm, badge, confirm,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, table},
        post, qr,
    },
    layout::Tone,
};
use domain::{
    CheckinList, Device, Event, Gate, ListId, Refusal, Time,
    checkin::Direction,
    device::{DeviceState, Role},
};
use maud::{Markup, html};

/// A pairing code that was just made; shown once.
pub struct Pairing<'a> {
    /// Name of the terminal or helper.
    pub name: &'a str,
    /// The code.
    pub code: &'a str,
    /// The address that pairs whoever opens it.
    pub url: &'a str,
}

/// What stands in the form of a new device.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Typed {
    pub name: String,
    pub sort: String,
    pub phone: String,
    pub port: String,
    pub list: String,
    pub gate: String,
    pub direction: String,
    pub names: bool,
}

/// The page.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its lists.
    pub lists: &'a [CheckinList],
    /// Its gates.
    pub gates: &'a [Gate],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// What stands in the form.
    pub typed: &'a Typed,
    /// Everything that was set up.
    pub devices: &'a [Device],
    /// A new pairing code.
    pub pairing: Option<Pairing<'a>>,
    /// What the box says of its attached scanners, by device file.
    pub ports: &'a [(String, String)],
    /// Now, for the states.
    pub now: Time,
}

/// Codes and English source texts of what can be set up.
const SORTS: [(&str, &str); 4] = [
    ("terminal", "Terminal"),
    ("helper", "Helper, bound by a code"),
    ("helper_phone", "Helper, bound by phone number"),
    ("attached", "Scanner on the box"),
];

fn list_choices(shell: &Shell, lists: &[CheckinList]) -> Vec<(String, String)> {
    let name = |list: &CheckinList| list_name(shell, list);
    lists.iter().map(|list| (list.id.to_string(), name(list))).collect()
}

/// A list's name; the main list has one even if nobody named it.
pub fn list_name(shell: &Shell, list: &CheckinList) -> String {
    if list.name.is_empty() { shell.text().t("Main list").to_owned() } else { list.name.clone() }
}

fn gate_choices(shell: &Shell, gates: &[Gate]) -> Vec<(String, String)> {
    let mut choices = vec![(String::new(), shell.text().t("Without a gate").to_owned())];
    choices.extend(gates.iter().map(|gate| (gate.id.to_string(), gate.name.clone())));
    choices
}

fn ways(shell: &Shell) -> Vec<(String, String)> {
    let text = shell.text();
    [Direction::Entry, Direction::Exit].map(|way| (way.code().to_owned(), text.t(way.label()).to_owned())).to_vec()
}

/// The page.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let content = html! {
        h2 { (text.t("Terminals, helpers and scanners")) }
        (form.summary())
        @if let Some(pairing) = &of.pairing { (pairing_panel(shell, pairing)) }
        (fresh(shell, of, &form))
        @if !of.devices.is_empty() { (devices(shell, of)) }
        p { a href={ "/admin/event/" (of.event.id) "/design#doors" } { (icon(Icon::Print)) " " (text.t("Print badges at check-in")) } }
    };
    event_page(shell, of.event, Tab::Checkin, &[], &content)
}

fn pairing_panel(shell: &Shell, of: &Pairing<'_>) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.f("Pair “{name}”", &[("name", &of.name)])) }
            p { (text.t("Scan this with the terminal, or open the address there. It works once, within 15 minutes, and is not shown again.")) }
            div class="row" { (qr(of.url, text.t("Pairing code"))) div class="stack" { p class="code" { (of.code) } p { code { (of.url) } } } }
        }
    }
}

fn fresh(shell: &Shell, of: &Page<'_>, form: &Form<'_>) -> Markup {
    let (text, typed) = (shell.text(), of.typed);
    let sorts: Vec<(String, String)> =
        SORTS.iter().map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned())).collect();
    html! {
        details class="panel" open[of.refusal.is_some() || of.devices.is_empty()] {
            summary { (icon(Icon::Plus)) (text.t("Set up a terminal, helper or scanner")) }
            form method="post" action={ "/admin/event/" (of.event.id) "/device" } class="form" {
                div class="pair" {
                    (form.select(&Input { name: "sort", label: text.t("What"), value: &typed.sort, ..Input::default() }, &sorts))
                    (form.input(&Input { name: "name", label: text.t("Name, such as the door or the helper"), value: &typed.name, required: true, max: 40, ..Input::default() }))
                }
                div class="pair" {
                    (form.select(&Input { name: "list", label: text.t("Check-in list"), value: &typed.list, ..Input::default() }, &list_choices(shell, of.lists)))
                    (form.select(&Input { name: "gate", label: text.t("Gate"), value: &typed.gate, ..Input::default() }, &gate_choices(shell, of.gates)))
                }
                div class="pair" {
                    (form.select(&Input { name: "direction", label: text.t("Entry or exit"), value: &typed.direction, ..Input::default() }, &ways(shell)))
                    (form.input(&Input { name: "phone", label: text.t("Phone of the helper"), value: &typed.phone, kind: "tel", max: 20, help: text.t("For “Helper, bound by phone number”: it must be registered for this event."), ..Input::default() }))
                }
                (form.input(&Input { name: "port", label: text.t("Device file of the scanner"), value: &typed.port, max: 200, help: text.t("For “Scanner on the box”: /dev/input/by-id/… for a scanner that types, /dev/ttyACM0 for a serial one."), ..Input::default() }))
                (form.checkbox("names", text.t("May search people by name, and keep names while it is alone"), typed.names))
                div class="submit" { button class="primary" { (text.t("Set up")) } }
            }
        }
    }
}

fn state(shell: &Shell, of: &Page<'_>, device: &Device) -> Markup {
    let text = shell.text();
    let (tone, label) = match (device.state(of.now), &device.role) {
        (DeviceState::Waiting, Role::Helper(Some(_))) => (Tone::Info, "Waits for the phone's owner"),
        (DeviceState::Waiting, _) => (Tone::Info, "Waits for pairing"),
        (DeviceState::Lapsed, _) => (Tone::Plain, "Pairing code ended"),
        (DeviceState::Paired, Role::Helper(_)) => (Tone::Good, "Authorised"),
        (DeviceState::Paired, Role::Attached(_)) => (Tone::Good, "Set up"),
        (DeviceState::Paired, Role::Terminal) => (Tone::Good, "Paired"),
        (DeviceState::Revoked, Role::Helper(_)) => (Tone::Bad, "Removed"),
        (DeviceState::Revoked, _) => (Tone::Bad, "Shut out"),
    };
    badge(tone, text.t(label))
}

fn what(shell: &Shell, of: &Page<'_>, device: &Device) -> Markup {
    let text = shell.text();
    html! {
        (device.name) br;
        span class="dim" {
            @match &device.role {
                Role::Terminal => (text.t("Terminal")),
                Role::Helper(None) => (text.t("Helper")),
                Role::Helper(Some(phone)) => { (text.t("Helper")) " · " (domain::phone::masked(phone)) },
                Role::Attached(port) => {
                    (text.t("Scanner on the box")) " · " code { (port) }
                    @if let Some((_, says)) = of.ports.iter().find(|(known, _)| known == port) { " · " (text.t(says)) }
                },
            }
        }
    }
}

fn devices(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Title")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Where it stands")),
        Head::plain(text.t("Actions")),
    ];
    let row = |device: &Device| Row {
        id: None,
        name: device.name.clone(),
        cells: vec![
            what(shell, of, device),
            state(shell, of, device),
            stands(shell, of, device),
            acts(shell, of, device),
        ],
    };
    let rows: Vec<Row> = of.devices.iter().map(row).collect();
    table(text, text.t("Terminals, helpers and scanners"), &heads, &rows, false)
}

fn stands(shell: &Shell, of: &Page<'_>, device: &Device) -> Markup {
    let text = shell.text();
    let gate = of.gates.iter().find(|gate| Some(gate.id) == device.post.gate);
    let list = of.lists.iter().find(|list| list.id == device.post.list);
    let line = html! {
        (list.map_or_else(|| text.t("(deleted)").to_owned(), |list| list_name(shell, list)))
        @if let Some(gate) = gate { " · " (gate.name) }
        " · " (text.t(device.post.direction.label()))
    };
    if device.revoked_at.is_some() {
        return line;
    }
    let form = Form::new(text, None);
    let id = device.id;
    html! {
        details class="move" {
            summary { (line) }
            form method="post" action={ "/admin/device/" (id) "/send" } class="form" {
                (select(&form, &format!("list-{id}"), text.t("Check-in list"), &device.post.list.to_string(), &list_choices(shell, of.lists)))
                (select(&form, &format!("gate-{id}"), text.t("Gate"), &device.post.gate.map_or(String::new(), |gate| gate.to_string()), &gate_choices(shell, of.gates)))
                (select(&form, &format!("direction-{id}"), text.t("Entry or exit"), device.post.direction.code(), &ways(shell)))
                (form.checkbox(&format!("names-{id}"), text.t("May search people by name"), device.post.names))
                button { (text.t("Send there")) }
            }
        }
    }
}

fn select(form: &Form<'_>, name: &str, label: &str, value: &str, choices: &[(String, String)]) -> Markup {
    form.select(&Input { name, label, value, ..Input::default() }, choices)
}

fn acts(shell: &Shell, of: &Page<'_>, device: &Device) -> Markup {
    let text = shell.text();
    if device.state(of.now) == DeviceState::Revoked {
        return html! {};
    }
    let helper = matches!(device.role, Role::Helper(_));
    let (label, verb) = if helper {
        (text.t("Remove"), text.t("Remove this helper"))
    } else {
        (text.t("Shut out"), text.t("Shut out for good"))
    };
    let warning = if helper {
        text.f("{name} can do nothing at this event any more, at once.", &[("name", &device.name)])
    } else {
        text.f("The terminal “{name}” can do nothing any more, at once and for good.", &[("name", &device.name)])
    };
    html! {
        div class="row" {
            @if matches!(device.role, Role::Terminal | Role::Helper(None)) { (post(&format!("/admin/device/{}/renew", device.id), "quiet", text.t("New pairing code"), Icon::Key)) }
            @if let Some(gate) = device.post.gate { a class="quiet" href={ "/terminal/" (of.event.id) "/watch/" (gate) } { (icon(Icon::Door)) (text.t("Screen of this gate")) } }
            (confirm(&Confirm { label, warning: &warning, action: &format!("/admin/device/{}/revoke", device.id), verb }))
        }
    }
}

/// The number of the main list as the forms write it.
pub fn main_list() -> String {
    ListId::MAIN.to_string()
}
