//! What is kept of a person, as it is told to them: one section for each table that knows them, whether it holds something or not.

use super::trace::{Staff, Traces};
use crate::{Ctx, Error, registration::open_answer};
use data_encoding::HEXLOWER;
use domain::{
    AccessLine, By, Erasure, Event, EventId, Person, PersonId, Ticket,
    checkin::Scan,
    draw::{Draw, Round},
    field::AnswerValue,
    outbox::OutKind,
    privacy::dossier::{Attached, Datum, Datum as D, Row, Section, Value},
};
use std::cmp::Reverse;
use store::catalogue::{ACCESS_BY_PERSON, ACCESS_OF_MANY};
use store::{Order as Sort, Read};

/// Lines of the log of who saw, that are told.
const ACCESS_MAX: usize = 1_000;

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// A row of what there is: empty texts are left out.
fn row(values: impl IntoIterator<Item = (Datum, Value)>) -> Row {
    let there = |(_, value): &(Datum, Value)| match value {
        Value::Text(text) => !text.is_empty(),
        Value::Pairs(pairs) => !pairs.is_empty(),
        Value::Word(..) | Value::Time(_) | Value::Fen(_) => true,
    };
    values.into_iter().filter(there).collect()
}

fn some(value: Option<&String>) -> Value {
    text(value.map_or("", String::as_str))
}

/// Whatever a section needs beside its records.
pub(super) struct Telling<'a, V: Read> {
    pub ctx: &'a Ctx,
    pub view: &'a V,
    pub of: &'a Traces,
}

impl<V: Read> Telling<'_, V> {
    fn event(&self, id: EventId) -> Value {
        text(self.of.events.get(&id).map_or_else(|| id.to_string(), |event| event.name.clone()))
    }

    /// Answers under the questions that they answer.
    fn answers(&self, ticket: &Ticket) -> Result<Value, Error> {
        let asked = |id: u16, event: Option<&Event>| {
            let field = event.and_then(|event| event.fields.iter().find(|field| field.id == id));
            field.map_or_else(|| id.to_string(), |field| field.label.clone())
        };
        let mut pairs = Vec::new();
        for answer in &ticket.answers {
            let said = open_answer(&self.ctx.sealer, ticket, answer)?;
            pairs.push((asked(answer.field, self.of.events.get(&ticket.event)), said));
        }
        Ok(Value::Pairs(pairs))
    }

    /// Numbers of questions with answers, where the questions are not at hand.
    fn numbered(answers: &[(u16, String)]) -> Value {
        Value::Pairs(answers.iter().map(|(id, said)| (id.to_string(), said.clone())).collect())
    }

    /// Every section.
    pub(super) fn sections(&self) -> Result<Vec<Section>, Error> {
        let mut all = self.who()?;
        all.extend(self.places()?);
        all.extend(self.money());
        all.extend(self.said());
        all.extend(self.draws()?);
        all.extend(self.staff());
        all.extend(self.asked()?);
        Ok(all)
    }

    fn section<R>(table: &'static str, label: &'static str, records: &[R], tell: impl Fn(&R) -> Row) -> Section {
        Section { table, label, rows: records.iter().map(tell).collect() }
    }

    fn who(&self) -> Result<Vec<Section>, Error> {
        let of = self.of;
        let person = |person: &Person| {
            row([
                (D::Name, text(&person.name)),
                (D::Phone, some(person.phone.as_ref())),
                (D::Company, text(&person.company)),
                (D::Since, Value::Time(person.created_at)),
            ])
        };
        Ok(vec![
            Self::section("person", "Person", &of.persons, person),
            Self::section("identity", "Proved numbers and addresses", &of.identities, |kept| {
                row([
                    (D::Kind, text(kept.kind.code())),
                    (D::Value, text(&kept.value)),
                    (D::At, Value::Time(kept.proved_at)),
                ])
            }),
            Self::section("person_session", "Devices that are logged in", &of.sessions, |kept| {
                row([
                    (D::Device, text(&kept.device)),
                    (D::Address, text(&kept.address)),
                    (D::Since, Value::Time(kept.created_at)),
                    (D::At, Value::Time(kept.seen_at)),
                ])
            }),
            Self::section("person_merge", "Merged records", &of.merges, |kept| {
                row([(D::Number, text(kept.from)), (D::At, Value::Time(kept.at))])
            }),
            Self::section("person_lang", "Language", &of.langs, |kept| row([(D::Language, text(&kept.lang))])),
            Self::section("member", "Membership", &of.members, |kept| {
                row([
                    (D::Name, text(&kept.name)),
                    (D::Phone, text(&kept.phone)),
                    (D::Until, kept.until.map_or_else(|| text(""), Value::Time)),
                    (D::At, Value::Time(kept.changed_at)),
                ])
            }),
            Self::section("wechat_link", "WeChat", &of.links, |kept| {
                row([
                    (D::Kind, text(kept.kind.code())),
                    (D::Value, text(&kept.openid)),
                    (D::Number, some(kept.unionid.as_ref())),
                    (D::Since, Value::Time(kept.created_at)),
                    (D::At, Value::Time(kept.seen_at)),
                ])
            }),
            Self::section("wechat_push", "What WeChat told", &of.pushes, |kept| {
                row([(D::Kind, text(&kept.name)), (D::Text, text(&kept.body)), (D::At, Value::Time(kept.at))])
            }),
        ])
    }

    fn places(&self) -> Result<Vec<Section>, Error> {
        let of = self.of;
        let mut tickets = Vec::new();
        for ticket in &of.tickets {
            let group = match ticket.group {
                Some(group) => self.view.get::<domain::Group>(&(ticket.event, group))?.map(|group| group.name),
                None => None,
            };
            tickets.push(row([
                (D::Event, self.event(ticket.event)),
                (D::Number, text(&ticket.number)),
                (D::Name, text(&ticket.name)),
                (D::Phone, some(ticket.phone.as_ref())),
                (D::Company, text(&ticket.company)),
                (D::Group, some(group.as_ref())),
                (D::Seat, text(&ticket.seat)),
                (D::Note, text(&ticket.note)),
                (D::DoorNote, text(&ticket.door_note)),
                (D::Answers, self.answers(ticket)?),
                (D::State, Value::Word(ticket.state.code(), ticket.state.label())),
                (D::Source, text(ticket.source.label())),
                (D::At, Value::Time(ticket.created_at)),
            ]));
        }
        let mut talks = Vec::new();
        for choice in &of.talks {
            for talk in &choice.talks {
                let title = self.view.get::<domain::Talk>(&(choice.event, *talk))?.map(|talk| talk.title);
                talks.push(row([(D::Event, self.event(choice.event)), (D::Text, some(title.as_ref()))]));
            }
        }
        let scan = |scan: &Scan| {
            row([
                (D::Event, self.event(scan.event)),
                (D::Kind, Value::Word(scan.direction.code(), scan.direction.label())),
                (D::State, text(scan.verdict.reason().map_or(scan.verdict.code(), |reason| reason.code()))),
                (D::Way, text(scan.way.label())),
                (D::At, Value::Time(scan.scanned_at)),
            ])
        };
        Ok(vec![
            Section { table: "ticket", label: "Registered for", rows: tickets },
            Self::section("portrait", "Portraits", &of.portraits, |kept| {
                row([(D::Event, self.event(kept.event)), (D::At, Value::Time(kept.at))])
            }),
            Self::section("door_answers", "Answers given at a door", &of.door_answers, |kept| {
                row([(D::Event, self.event(kept.event)), (D::Answers, Self::numbered(&kept.answers))])
            }),
            Self::section("scan_block", "Check-ins", &of.scans, scan),
            Section { table: "talk_choice", label: "Chosen talks", rows: talks },
            Self::section("feedback_answer", "Feedback", &of.feedback, |kept| {
                row([(D::Event, self.event(kept.event)), (D::Answers, Self::numbered(&kept.answers))])
            }),
            Self::section("certificate", "Certificates", &of.certificates, |kept| {
                row([
                    (D::Event, self.event(kept.event)),
                    (D::Name, text(&kept.name)),
                    (D::Number, text(&kept.serial)),
                    (D::State, text(kept.state.label())),
                    (D::At, Value::Time(kept.issued_at)),
                ])
            }),
            Self::section("waiter", "Waiting list", &of.waiters, |kept| {
                row([
                    (D::Event, self.event(kept.event)),
                    (D::Name, text(&kept.name)),
                    (D::Phone, text(&kept.phone)),
                    (D::State, Value::Word(kept.state.code(), kept.state.label())),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
            Self::section("import", "Imported lists that may name the person", &of.imports, |kept| {
                row([
                    (D::Event, self.event(kept.event)),
                    (D::File, text(&kept.file_name)),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
            Self::section("device", "Helper at a door", &of.helpers, |kept| {
                row([(D::Name, text(&kept.name)), (D::Since, Value::Time(kept.created_at))])
            }),
        ])
    }

    fn money(&self) -> Vec<Section> {
        let of = self.of;
        vec![
            Self::section("order", "Orders", &of.orders, |kept| {
                let entries = kept.entries.iter().map(|entry| {
                    let flow = if entry.flow == domain::order::Flow::In { "" } else { "-" };
                    (entry.method.code().to_owned(), format!("{flow}{} {}", entry.amount.to_yuan(), entry.reference))
                });
                row([
                    (D::Event, self.event(kept.event)),
                    (D::Number, text(&kept.number)),
                    (D::Name, text(&kept.buyer.name)),
                    (D::Phone, some(kept.buyer.phone.as_ref())),
                    (D::Amount, Value::Fen(kept.lines.iter().map(domain::order::Line::due).sum())),
                    (D::State, Value::Word(kept.state.code(), kept.state.label())),
                    (D::Text, text(&kept.reason)),
                    (D::Method, Value::Pairs(entries.collect())),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
            Self::section("invoice", "Invoices", &of.invoices, |kept| {
                row([
                    (D::Name, text(&kept.details.title)),
                    (D::TaxNumber, text(&kept.details.tax_number)),
                    (D::Email, text(&kept.details.email)),
                    (D::Note, text(&kept.details.note)),
                    (D::State, Value::Word(kept.state.code(), kept.state.label())),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
            Self::section("pay_attempt", "Payments", &of.attempts, |kept| {
                row([
                    (D::Number, text(&kept.number)),
                    (D::Amount, Value::Fen(kept.amount.fen)),
                    (D::State, text(kept.state.code())),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
            Self::section("pay_refund", "Refunds", &of.refunds, |kept| {
                row([
                    (D::Number, text(&kept.number)),
                    (D::Amount, Value::Fen(kept.amount.fen)),
                    (D::Text, text(&kept.reason)),
                    (D::Value, text(&kept.account)),
                    (D::State, text(kept.state.code())),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
        ]
    }

    fn said(&self) -> Vec<Section> {
        let of = self.of;
        vec![
            Self::section("notice", "Messages", &of.notices, |kept| {
                let values = kept.values.iter().map(|(name, value)| (name.clone(), value.clone()));
                row([
                    (D::Kind, Value::Word(kept.purpose.code(), kept.purpose.label())),
                    (D::Name, text(&kept.name)),
                    (D::Phone, some(kept.phone.as_ref())),
                    (D::Text, text(&kept.text)),
                    (D::Value, Value::Pairs(values.collect())),
                    (D::State, Value::Word(kept.state.code(), kept.state.label())),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
            Self::section("message_trail", "Ways of messages", &of.trails, |kept| {
                let looked = kept.looked.iter().map(|looked| (looked.way.clone(), looked.why.clone()));
                row([(D::Way, Value::Pairs(looked.collect())), (D::At, Value::Time(kept.at))])
            }),
            Self::section("message_choice", "What was chosen about messages", &of.choices, |kept| {
                row([(D::Email, text(&kept.mail)), (D::Way, text(&kept.first)), (D::Text, text(kept.off.join(", ")))])
            }),
            Self::section("sms_line", "Text messages", &of.texts, |kept| {
                row([(D::Phone, text(&kept.phone)), (D::Kind, text(&kept.occasion)), (D::At, Value::Time(kept.at))])
            }),
            Self::section("outgoing", "What left the box", &of.outgoing, |kept| {
                row([
                    (D::Way, text(OutKind::label(&kept.kind))),
                    (D::Value, text(&kept.target)),
                    (D::State, Value::Word(kept.state.code(), kept.state.label())),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
        ]
    }

    fn draws(&self) -> Result<Vec<Section>, Error> {
        let of = self.of;
        let draw = |id| Ok::<_, Error>(text(self.view.get::<Draw>(&id)?.map_or(String::new(), |draw| draw.name)));
        let mut wins = Vec::new();
        for win in &of.wins {
            let prize = self.view.get::<Round>(&(win.draw, win.round))?.map(|round| round.prize);
            wins.push(row([
                (D::Draw, draw(win.draw)?),
                (D::Prize, some(prize.as_ref())),
                (D::Number, text(&win.lucky)),
                (D::Name, text(&win.name)),
                (D::Company, text(&win.company)),
                (D::Phone, some(win.phone.as_ref())),
                (D::At, Value::Time(win.at)),
            ]));
        }
        let mut entrants = Vec::new();
        for kept in &of.entrants {
            entrants.push(row([
                (D::Draw, draw(kept.draw)?),
                (D::Name, text(&kept.name)),
                (D::Company, text(&kept.company)),
                (D::Phone, some(kept.phone.as_ref())),
                (D::At, Value::Time(kept.created_at)),
            ]));
        }
        let mut messages = Vec::new();
        for kept in &of.messages {
            messages.push(row([
                (D::Draw, draw(kept.draw)?),
                (D::Name, text(&kept.name)),
                (D::Text, text(&kept.text)),
                (D::At, Value::Time(kept.at)),
            ]));
        }
        let mut faces = Vec::new();
        for kept in &of.faces {
            faces.push(row([(D::Draw, draw(kept.draw)?), (D::Name, text(&kept.name)), (D::At, Value::Time(kept.at))]));
        }
        Ok(vec![
            Section { table: "draw_win", label: "Prizes", rows: wins },
            Section { table: "draw_entrant", label: "Draws", rows: entrants },
            Section { table: "draw_message", label: "Messages on the wall of a draw", rows: messages },
            Section { table: "draw_face", label: "Pictures for a draw", rows: faces },
        ])
    }

    fn staff(&self) -> Vec<Section> {
        let of = self.of;
        let account = |kept: &Staff| {
            let grants =
                kept.grants.iter().map(|grant| (grant.permission.code().to_owned(), format!("{:?}", grant.scope)));
            row([
                (D::Name, text(&kept.account.name)),
                (D::Login, text(&kept.account.login)),
                (D::Permission, Value::Pairs(grants.collect())),
                (D::Since, Value::Time(kept.account.created_at)),
                (D::At, kept.account.seen_at.map_or_else(|| text(""), Value::Time)),
            ])
        };
        let logins = of.accounts.iter().flat_map(|kept| &kept.logins).map(|line| {
            row([
                (D::Way, Value::Word(line.way.code(), line.way.label())),
                (D::Device, text(&line.agent)),
                (D::Address, text(&line.address)),
                (D::At, Value::Time(line.at)),
            ])
        });
        let passkeys = of.accounts.iter().flat_map(|kept| &kept.passkeys);
        let passkeys = passkeys.map(|key| row([(D::Name, text(&key.name)), (D::Since, Value::Time(key.created_at))]));
        let searches = of.accounts.iter().flat_map(|kept| &kept.searches);
        let searches = searches.map(|kept| row([(D::Name, text(&kept.name)), (D::Text, text(&kept.address))]));
        vec![
            Self::section("account", "Staff account", &of.accounts, account),
            Section { table: "login_line", label: "Log-ins", rows: logins.collect() },
            Section { table: "passkey", label: "Passkeys", rows: passkeys.collect() },
            Section { table: "saved_search", label: "Saved searches", rows: searches.collect() },
            Self::section("merchant", "Contact of a merchant", &of.merchants, |kept| {
                row([
                    (D::Company, text(&kept.name)),
                    (D::Name, text(&kept.contact)),
                    (D::Phone, text(&kept.phone)),
                    (D::At, Value::Time(kept.created_at)),
                ])
            }),
        ]
    }

    /// What was asked about the person's data, and who saw their numbers.
    fn asked(&self) -> Result<Vec<Section>, Error> {
        let (mut asked, mut seen, mut agreed) = (Vec::new(), Vec::new(), Vec::new());
        for person in &self.of.persons {
            for kept in super::consent::of_person(self.view, person.id)? {
                agreed.push(row([
                    (D::Number, text(kept.version)),
                    (D::Value, text(HEXLOWER.encode(&kept.hash))),
                    (D::Way, Value::Word(kept.way.code(), kept.way.label())),
                    (D::At, Value::Time(kept.at)),
                    (D::Until, kept.withdrawn.map_or_else(|| text(""), Value::Time)),
                ]));
            }
            if let Some(kept) = self.view.get::<Erasure>(&person.id)? {
                asked.push(row([
                    (D::State, Value::Word(kept.state.code(), kept.state.label())),
                    (D::At, Value::Time(kept.asked_at)),
                ]));
            }
            for line in self.accesses(person.id)? {
                let by = match line.by {
                    By::Account(_) | By::Device(_) | By::Client(_) => text("Staff of the association"),
                    By::Person(_) | By::Visitor | By::Box => text("The person"),
                };
                let fields: Vec<&str> = line.seen.iter().map(|seen| seen.code()).collect();
                seen.push(row([
                    (D::By, by),
                    (D::Value, text(fields.join(", "))),
                    (D::Way, text(&line.place)),
                    (D::At, Value::Time(line.at)),
                ]));
            }
        }
        Ok(vec![
            Section { table: "consent", label: "Agreed to the privacy notice", rows: agreed },
            Section { table: "erasure", label: "Requests to erase", rows: asked },
            Section { table: "access_line", label: "Who saw numbers in full", rows: seen },
        ])
    }

    /// Who saw somebody's fields, newest first: among few people, by the index, and among the many of a file.
    fn accesses(&self, person: PersonId) -> Result<Vec<AccessLine>, Error> {
        let mut lines = Vec::new();
        for key in self.view.scan_index(&ACCESS_BY_PERSON, &person, None, Sort::Descending).take(ACCESS_MAX) {
            lines.extend(self.view.get::<AccessLine>(&key?)?);
        }
        for key in self.view.scan_index(&ACCESS_OF_MANY, &(), None, Sort::Descending) {
            let line = self.view.get::<AccessLine>(&key?)?.filter(|line| line.whose.contains(person));
            lines.extend(line);
            // The newest of either kind are enough.
            if lines.len() == 2 * ACCESS_MAX {
                break;
            }
        }
        lines.sort_by_key(|line| Reverse(line.id));
        lines.truncate(ACCESS_MAX);
        Ok(lines)
    }

    /// The files that are the person's, each under a name of its own.
    pub(super) fn files(&self) -> Vec<Attached> {
        let mut files = Vec::new();
        let mut add = |file: [u8; 32], name: &str| {
            let name: String = name
                .chars()
                .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
                .take(80)
                .collect();
            if !files.iter().any(|known: &Attached| known.file == file) {
                files.push(Attached { name: format!("files/{}-{name}", files.len() + 1), file });
            }
        };
        for ticket in &self.of.tickets {
            for answer in &ticket.answers {
                if let AnswerValue::File(upload) = &answer.value {
                    add(upload.file, &upload.name);
                }
            }
        }
        self.of.portraits.iter().for_each(|of| add(of.file, "portrait"));
        self.of.faces.iter().for_each(|of| add(of.file, "face"));
        for order in &self.of.orders {
            order.entries.iter().filter_map(|entry| entry.slip).for_each(|slip| add(slip, "slip"));
        }
        files
    }

    /// The association as the person knows it, and the language that the person reads.
    pub(super) fn around(&self) -> Result<(String, String, String), Error> {
        let known = self.ctx.known(self.view.space_id())?.ok_or_else(|| domain::Refusal::missing("association"))?;
        let lang = crate::message::template::lang_of(self.view, Some(self.of.person()?.id))?;
        Ok((known.space.name.clone(), known.space.zone.clone(), lang))
    }
}
