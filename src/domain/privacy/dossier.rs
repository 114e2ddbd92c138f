//! Everything that is kept of one person, as it is told to them: sections of rows, each value under a name that programs and people read.

use crate::{Time, time::zone};
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json, json};

macro_rules! data {
    ($($name:ident = $code:literal, $label:literal;)*) => {
        /// What a value is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Datum { $($name),* }

        impl Datum {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Stable code, the key in the file for programs.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// English source text.
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label),* }
            }
        }
    };
}

data! {
    Name = "name", "Name";
    Phone = "phone", "Phone";
    Email = "email", "E-mail";
    Company = "company", "Company";
    Event = "event", "Event";
    Number = "number", "Number";
    Group = "group", "Group";
    Seat = "seat", "Seat";
    Note = "note", "Note";
    DoorNote = "door_note", "Note for the door";
    Answers = "answers", "Answers";
    State = "state", "State";
    Source = "source", "Came in by";
    Kind = "kind", "Kind";
    At = "at", "When";
    Since = "since", "On record since";
    Until = "until", "Until";
    Text = "text", "Text";
    Amount = "amount", "Amount";
    Method = "method", "Way to pay";
    TaxNumber = "tax_number", "Tax number";
    Device = "device", "Device";
    Address = "address", "Address";
    File = "file", "File";
    Way = "way", "Way";
    Language = "language", "Language";
    Login = "login", "Login";
    Permission = "permission", "Permission";
    Prize = "prize", "Prize";
    Draw = "draw", "Draw";
    By = "by", "By";
    Value = "value", "Value";
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Somebody's words, or a number as it is written.
    Text(String),
    /// One of the hall's own words: its code and its English source text.
    Word(&'static str, &'static str),
    /// An instant.
    Time(Time),
    /// An amount in fen.
    Fen(i64),
    /// Questions with their answers.
    Pairs(Vec<(String, String)>),
}

/// What is kept in one record.
pub type Row = Vec<(Datum, Value)>;

/// The records of one table that are about the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Name of the table.
    pub table: &'static str,
    /// English source text of what it holds.
    pub label: &'static str,
    /// The records.
    pub rows: Vec<Row>,
}

/// A file in the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its name in the export.
    pub name: String,
    /// Its hash.
    pub file: [u8; 32],
}

/// Everything that is kept of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The association.
    pub space: String,
    /// Its zone.
    pub zone: String,
    /// The person's number.
    pub person: u64,
    /// The person's name.
    pub name: String,
    /// Tag of the language that the person reads.
    pub lang: String,
    /// When it was put together.
    pub at: Time,
    /// What is kept.
    pub sections: Vec<Section>,
    /// The files.
    pub files: Vec<Attached>,
}

/// Version of the format of the file for programs.
pub const FORMAT: u32 = 1;

fn instant(at: Time, zone: &TimeZone) -> String {
    at.zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn json_value(value: &Value, zone: &TimeZone) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Word(code, _) => json!(code),
        Value::Time(at) => json!(instant(*at, zone)),
        Value::Fen(fen) => json!({ "fen": fen, "currency": "CNY" }),
        Value::Pairs(pairs) => pairs.iter().map(|(asked, said)| json!({ "question": asked, "answer": said })).collect(),
    }
}

/// The file for programs (JSON); times with their offset.
pub fn json(of: &Dossier) -> Json {
    let zone = zone(&of.zone).unwrap_or(TimeZone::UTC);
    let mut sections = Map::new();
    for section in &of.sections {
        let row = |row: &Row| -> Json {
            let fields = row.iter().map(|(datum, value)| (datum.code().to_owned(), json_value(value, &zone)));
            Json::Object(fields.collect())
        };
        sections.insert(section.table.to_owned(), section.rows.iter().map(row).collect());
    }
    json!({
        "format": FORMAT,
        "association": of.space,
        "person": of.person,
        "made_at": instant(of.at, &zone),
        "data": sections,
        "files": of.files.iter().map(|file| json!(file.name)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_read_every_value_under_its_code() {
        let row = vec![
            (Datum::Name, Value::Text("张三".into())),
            (Datum::State, Value::Word("active", "Registered")),
            (Datum::At, Value::Time(Time(0))),
            (Datum::Amount, Value::Fen(1_050)),
            (Datum::Answers, Value::Pairs(vec![("饮食".into(), "素".into())])),
        ];
        let dossier = Dossier {
            space: "协会".into(),
            zone: "Asia/Shanghai".into(),
            person: 7,
            name: "张三".into(),
            lang: "zh-CN".into(),
            at: Time(0),
            sections: vec![Section { table: "ticket", label: "Registrations", rows: vec![row] }],
            files: vec![Attached { name: "files/1-a.png".into(), file: [0; 32] }],
        };
        let read = json(&dossier);
        assert_eq!(read["person"], 7);
        assert_eq!(read["made_at"], "1970-01-01T08:00:00+08:00");
        let ticket = &read["data"]["ticket"][0];
        assert_eq!((&ticket["name"], &ticket["state"]), (&json!("张三"), &json!("active")));
        assert_eq!(ticket["amount"]["fen"], 1_050);
        assert_eq!(ticket["answers"][0], json!({ "question": "饮食", "answer": "素" }));
        assert_eq!(read["files"][0], "files/1-a.png");
        let mut codes: Vec<&str> = Datum::ALL.iter().map(|datum| datum.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Datum::ALL.len());
    }
}
