//! Icons drawn by us on a grid of 24, in the colour of the text around them.

use maud::{Markup, html};

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Icon {
    Hall,
    Calendar,
    Ticket,
    People,
    Person,
    Door,
    Device,
    Settings,
    Key,
    Log,
    Import,
    Export,
    Plus,
    Edit,
    Copy,
    Check,
    Cross,
    Warn,
    Info,
    Search,
    Print,
    Globe,
    Clock,
    Place,
    Chart,
    Leave,
    Branch,
    Up,
    Home,
}

/// The icon's strokes.
fn path(of: Icon) -> &'static str {
    match of {
        Icon::Hall => "M3 9c4 0 7-2 9-5 2 3 5 5 9 5M5 9v9M19 9v9M10 18v-5h4v5M3 20h18",
        Icon::Calendar => "M4 6h16v14H4zM4 10h16M8 3v5M16 3v5",
        Icon::Ticket => "M3 7h18v3a2 2 0 0 0 0 4v3H3v-3a2 2 0 0 0 0-4zM14 7v10",
        Icon::People => {
            "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2 20c0-4 3-6 7-6s7 2 7 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.5.7 4 2.6 4 5.5"
        }
        Icon::Person => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4.5 3.5-7 8-7s8 2.5 8 7",
        Icon::Door => "M6 21V4l9-1v18M6 4h12v17M3 21h18M12 12v1",
        Icon::Device => "M6 3h12v18H6zM11 18h2",
        Icon::Settings => {
            "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1"
        }
        Icon::Key => "M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12h9M18 12v4",
        Icon::Log => "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
        Icon::Import => "M12 4v11M7 11l5 5 5-5M4 20h16",
        Icon::Export => "M12 16V5M7 9l5-5 5 5M4 20h16",
        Icon::Plus => "M12 5v14M5 12h14",
        Icon::Edit => "M4 20l1-5L16 4l4 4L9 19zM13 7l4 4",
        Icon::Copy => "M9 9h11v11H9zM15 9V4H4v11h5",
        Icon::Check => "M5 13l5 5L19 7",
        Icon::Cross => "M6 6l12 12M18 6L6 18",
        Icon::Warn => "M12 4L2 20h20zM12 10v5M12 17.5v.5",
        Icon::Info => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v6M12 7.5v.5",
        Icon::Search => "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
        Icon::Print => "M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z",
        Icon::Globe => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
        Icon::Clock => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l4 2",
        Icon::Place => "M12 21c-5-5-7-8-7-11a7 7 0 0 1 14 0c0 3-2 6-7 11zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
        Icon::Chart => "M4 20h16M7 20v-7M12 20V6M17 20v-10",
        Icon::Leave => "M14 4h6v16h-6M4 12h11M11 8l4 4-4 4",
        Icon::Branch => "M9 3h6v5H9zM3 16h6v5H3zM15 16h6v5h-6zM12 8v4M6 16v-4h12v4",
        Icon::Up => "M12 20V5M6 11l6-6 6 6",
        Icon::Home => "M4 11l8-7 8 7M6 10v10h12V10M10 20v-6h4v6",
    }
}

/// The icon; decoration only, so the words beside it must say the same.
pub fn icon(of: Icon) -> Markup {
    html! {
        svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false" { path d=(path(of)) {} }
    }
}
