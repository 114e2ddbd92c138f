//! Printing: which badges were printed when and by whom, what a terminal prints when somebody is let in, and pictures of people.

use crate::{By, DesignId, DeviceId, EventId, PrintId, TicketId, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// What a printing was for.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Sheets for a part of the list.
    Sheets,
    /// One person's, from the registration.
    One,
    /// At a terminal, when the person was let in.
    Door,
    /// At a terminal, once more.
    DoorAgain,
}

impl Occasion {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Sheets => "Printed with others",
            Self::One => "Printed by hand",
            Self::Door => "Printed at check-in",
            Self::DoorAgain => "Printed again at the terminal",
        }
    }
}

/// One printing. What came out of the printer nobody knows; this is what was sent to it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PrintRun {
    /// Number.
    pub id: PrintId,
    /// The event.
    pub event: EventId,
    /// The design.
    pub design: DesignId,
    /// Its name then.
    pub design_name: String,
    /// Who.
    pub by: By,
    /// When.
    pub at: Time,
    /// What for.
    pub occasion: Occasion,
    /// Whose, in the order they were printed.
    pub tickets: Vec<TicketId>,
}

/// Most people of one printing.
pub const RUN_MAX: usize = 500;

/// What a terminal prints when it lets somebody in.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevicePrint {
    /// The terminal.
    pub device: DeviceId,
    /// Its event.
    pub event: EventId,
    /// The design.
    pub design: DesignId,
}

/// A picture of a ticket's holder, sized and kept as a file.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portrait {
    /// The event.
    pub event: EventId,
    /// The ticket.
    pub ticket: TicketId,
    /// SHA-256 of the stored file.
    pub file: [u8; 32],
    /// When it came.
    pub at: Time,
}

/// Side of a portrait in pixels.
pub const PORTRAIT_SIDE: u32 = 480;
