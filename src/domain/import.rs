//! Importing a list of people into an event (S0-40, S0-45): which column is what, and what becomes of each row.

use crate::{AccountId, EventId, GroupId, ImportId, Problem, TicketId, TicketTypeId, Time, field::Field};
use rkyv::{Archive, Deserialize, Serialize};

/// What a column of the list holds.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Not read.
    Skip,
    /// Name.
    Name,
    /// Phone.
    Phone,
    /// Company.
    Company,
    /// Name of the ticket type; the one chosen for the import when empty.
    TicketType,
    /// Name of the group, made when new; the one chosen for the import when empty.
    Group,
    /// Seat.
    Seat,
    /// Note.
    Note,
    /// Note for the door.
    DoorNote,
    /// Ticket number: finds the registration that the row changes.
    Number,
    /// Answer to the question of that number.
    Answer(u16),
}

/// The fixed columns with the English source text of their heads, in the template's order.
pub const COLUMNS: &[(Column, &str)] = &[
    (Column::Name, "Name"),
    (Column::Phone, "Phone"),
    (Column::Company, "Company"),
    (Column::TicketType, "Ticket type"),
    (Column::Group, "Group"),
    (Column::Seat, "Seat"),
    (Column::Note, "Note"),
    (Column::DoorNote, "Note for the door"),
    (Column::Number, "Ticket number"),
];

/// Heads under which each column is found, in lower case.
const HEADS: &[(Column, &[&str])] = &[
    (Column::Name, &["name", "姓名", "名字", "参会人", "full name", "嘉宾姓名"]),
    (Column::Phone, &["phone", "手机", "手机号", "手机号码", "电话", "联系电话", "mobile", "tel"]),
    (
        Column::Company,
        &["company", "公司", "单位", "企业", "工作单位", "单位名称", "公司名称", "organisation", "organization"],
    ),
    (Column::TicketType, &["ticket type", "ticket", "票种", "门票", "门票名称"]),
    (Column::Group, &["group", "分组", "组别", "所属分组", "人员分组"]),
    (Column::Seat, &["seat", "座位", "座位号", "桌号", "table"]),
    (Column::Note, &["note", "备注", "remark"]),
    (Column::DoorNote, &["note for the door", "door note", "签到提示", "门口提示"]),
    (Column::Number, &["ticket number", "票号"]),
];

/// Which column each head most likely means. No column is taken twice.
pub fn guess(heads: &[String], fields: &[Field]) -> Vec<Column> {
    let mut taken: Vec<Column> = Vec::new();
    heads
        .iter()
        .map(|head| {
            let head = crate::text::line(head).trim_end_matches(['*', '＊', ' ']).to_lowercase();
            let column = by_head(&head, fields).filter(|column| !taken.contains(column)).unwrap_or(Column::Skip);
            taken.push(column);
            column
        })
        .collect()
}

fn by_head(head: &str, fields: &[Field]) -> Option<Column> {
    let fixed = HEADS.iter().find(|(_, heads)| heads.contains(&head)).map(|(column, _)| *column);
    fixed.or_else(|| {
        fields.iter().find(|field| field.label.to_lowercase() == head).map(|field| Column::Answer(field.id))
    })
}

/// Most rows of one list.
pub const ROWS_MAX: usize = 100_000;
/// Most columns of one list.
pub const COLUMNS_MAX: usize = 60;
/// Largest file in bytes.
pub const FILE_MAX: usize = 30 << 20;

/// A list that was uploaded, on its way into the event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Number.
    pub id: ImportId,
    /// The event.
    pub event: EventId,
    /// Who uploaded it.
    pub account: AccountId,
    /// Name of the file as it came.
    pub file_name: String,
    /// SHA-256 of the file, its name in the file store.
    pub file: [u8; 32],
    /// Ticket type of rows that name none.
    pub kind: TicketTypeId,
    /// Group of rows that name none.
    pub group: Option<GroupId>,
    /// What each column is.
    pub columns: Vec<Column>,
    /// Rows below the head.
    pub rows: u32,
    /// How far it is.
    pub state: ImportState,
    /// Rows put in, changed, left as they were, and refused so far.
    pub tally: Tally,
    /// When it was uploaded.
    pub created_at: Time,
}

/// A row that was not taken, kept until somebody fetches the file of refused rows.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The import.
    pub import: ImportId,
    /// Place of the row in the list, from 0 below the heads.
    pub row: u32,
    /// Why, one text per problem.
    pub reasons: Vec<Reason>,
}

/// A kept problem: English source text and the values of its placeholders.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// English source text.
    pub text: String,
    /// Values by name.
    pub args: Vec<(String, String)>,
}

impl From<&Problem> for Reason {
    fn from(problem: &Problem) -> Self {
        let args = problem.args.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Self { text: problem.text.to_owned(), args }
    }
}

/// How far an import is.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// Waiting for the secretariat to look at the preview.
    Preview,
    /// Going in; so many rows are done. Goes on after a restart.
    Running(u32),
    /// All rows have been looked at.
    Finished,
    /// Given up by the secretariat before it began.
    Dropped,
}

/// What became of the rows so far.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// New registrations.
    pub added: u32,
    /// Registrations that got other values.
    pub changed: u32,
    /// Rows that say what is known already.
    pub unchanged: u32,
    /// Rows that could not be taken.
    pub refused: u32,
}

/// What will become, or became, of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowVerdict {
    /// A new registration.
    Add,
    /// Other values for this registration; the names of what changes (English source texts).
    Change(TicketId, Vec<&'static str>),
    /// Nothing new.
    Unchanged(TicketId),
    /// Not taken, and why.
    Refuse(Vec<Problem>),
}

impl Tally {
    /// Counts one row.
    pub fn add(&mut self, verdict: &RowVerdict) {
        let slot = match verdict {
            RowVerdict::Add => &mut self.added,
            RowVerdict::Change(..) => &mut self.changed,
            RowVerdict::Unchanged(_) => &mut self.unchanged,
            RowVerdict::Refuse(_) => &mut self.refused,
        };
        *slot = slot.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldKind;

    #[test]
    fn heads_are_recognised_once_each() {
        let fields = vec![Field {
            id: 7,
            label: "用餐".into(),
            kind: FieldKind::Text,
            required: false,
            help: String::new(),
            choices: vec![],
            ..Field::default()
        }];
        let heads: Vec<String> =
            ["姓名*", " 手机号码 ", "公司", "用餐", "Name", "whatever", "座位号"].map(String::from).to_vec();
        assert_eq!(
            guess(&heads, &fields),
            [Column::Name, Column::Phone, Column::Company, Column::Answer(7), Column::Skip, Column::Skip, Column::Seat]
        );
    }
}
