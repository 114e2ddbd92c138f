//! Identifiers: 64-bit numbers, ascending per table within a space. What a person types or scans is never
//! one of these but an unguessable code (see `code`).

use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A tenant: the association itself, a sub-merchant, a sub-space or an external space.
    SpaceId
    /// One person in a space, whatever roles and relations they have.
    PersonId
    /// A staff login of a person.
    AccountId
    /// A department in the space's tree.
    DepartmentId
    /// A permission with a scope, given to an account.
    GrantId
    /// A check-in terminal, gate or other machine with its own token.
    DeviceId
    /// A program that asks the API with a secret of its own.
    ClientId
    /// An event (meeting, conference, seminar).
    EventId
    /// A kind of ticket an event offers.
    TicketTypeId
    /// One person's place at one event: registration and ticket in one.
    TicketId
    /// A group of attendees within an event (staff, guests, …).
    GroupId
    /// A check-in list of an event.
    ListId
    /// A gate of an event: where a terminal stands.
    GateId
    /// One line of an event's scan log, numbered from 1 within the event.
    ScanId
    /// A picture kept on disk beside the database.
    PictureId
    /// A list file being imported, with its verdict on each row.
    ImportId
    /// What somebody took at one event, for one or several people.
    OrderId
    /// A code that takes something off or opens tickets.
    VoucherId
    /// A number of places that several ticket types share.
    QuotaId
    /// Something that is taken beside a ticket.
    AddOnId
    /// Somebody on a waiting list.
    WaiterId
    /// Something said to one person on one occasion.
    NoticeId
    /// A message that is due before an event or after it.
    ReminderId
    /// A category of events.
    CategoryId
    /// A component of the home page.
    PartId
    /// A series of events.
    SeriesId
    /// A talk or workshop of an event.
    TalkId
    /// A draw of an event.
    DrawId
    /// A round of a draw: one prize.
    RoundId
    /// Somebody who takes part in a draw without a ticket, or joined it by its code.
    EntrantId
    /// A message for the wall of a draw.
    MessageId
    /// A piece of music kept on disk beside the database.
    SoundId
    /// A design of a poster, badge, seat card or certificate.
    DesignId
    /// Where visitors of an event come from, as named by the secretariat.
    SourceId
    /// One printing of badges or seat cards.
    PrintId
    /// A certificate that was issued to somebody.
    CertificateId
    /// A paper kept on disk beside the database.
    DocumentId
    /// A search that somebody keeps.
    SearchId
    /// An attempt to pay an order through WeChat.
    AttemptId
    /// Money that goes back through WeChat.
    PayRefundId
    /// An invoice that somebody asked for.
    InvoiceId
    /// A line of the log of who saw sensitive fields.
    AccessId
    /// A full backup that was made, or tried.
    BackupRunId
    /// Something that is to leave the box.
    OutgoingId
    /// A program that is told what happens.
    WebhookId
    /// A person as WeChat knows them in one app.
    WechatLinkId
    /// A merchant, or an application to become one.
    MerchantId
    /// A message to many.
    BlastId
    /// A log-in to an account.
    LoginId
}

impl SpaceId {
    /// Where records of the box itself live: the list of spaces and nothing that belongs to one.
    pub const BOX: Self = Self(0);
    /// The association itself: the first space, made at set-up.
    pub const ASSOCIATION: Self = Self(1);
}

impl ListId {
    /// The list that every event has from the beginning.
    pub const MAIN: Self = Self(0);
}
