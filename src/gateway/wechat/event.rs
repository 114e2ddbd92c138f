//! What a pushed message says, as far as the hall acts on it; everything else is kept as it came.

use super::push::{Push, entries, number};
use serde_json::Value;

/// A pushed message's meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody wrote a text.
    Text {
        /// Who.
        from: String,
        /// What.
        text: String,
    },
    /// Somebody opened the customer service.
    Entered {
        /// Who.
        from: String,
        /// From where, as the page said.
        session: String,
    },
    /// Somebody said yes or no to subscribe messages.
    Consent {
        /// Who.
        from: String,
        /// Template and whether one message more may be sent; a later refusal in the settings ends what was given.
        choices: Vec<(String, bool)>,
        /// It was taken back in the phone's settings.
        withdrawn: bool,
    },
    /// What became of subscribe messages.
    Delivered {
        /// To whom.
        from: String,
        /// Template, and the error's number; 0: it arrived.
        results: Vec<(String, i64)>,
    },
    /// What became of a template message of the official account.
    TemplateDone {
        /// The message's number.
        message: String,
        /// It arrived.
        arrived: bool,
    },
    /// Somebody follows the official account, or no longer.
    Follow {
        /// Who.
        from: String,
        /// They follow.
        follows: bool,
    },
    /// A checked picture or sound.
    Media {
        /// Number of the check.
        trace: String,
        /// `pass`, `review` or `risky`.
        suggest: String,
    },
    /// A customer of a WeCom member came or went.
    Contact(Contact),
    /// Something about the address book: kind of change, and the member or department.
    Book {
        /// `create_user`, `update_party` and so on.
        change: String,
        /// Member or department.
        subject: String,
    },
    /// A WeCom member opened the app, or the like: kind of event and who.
    Other {
        /// Kind of message or event.
        name: String,
        /// Who.
        from: String,
    },
}

/// A change of a customer's relation to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `add_external_contact`, `del_follow_user` and so on.
    pub change: String,
    /// Member.
    pub user: String,
    /// Customer.
    pub external: String,
    /// What the code said through which they met.
    pub state: Option<String>,
    /// For a greeting within 20 seconds.
    pub welcome: Option<String>,
}

impl Event {
    /// Reads a push.
    pub fn of(push: &Push) -> Self {
        let from = push.from().to_owned();
        let fields = &push.fields;
        let text = |name: &str| fields.text(name).to_owned();
        match (push.kind(), push.event()) {
            ("text", _) => Self::Text { from, text: text("Content") },
            ("event", "user_enter_tempsession") => Self::Entered { from, session: text("SessionFrom") },
            ("event", name @ ("subscribe_msg_popup_event" | "subscribe_msg_change_event")) => {
                let withdrawn = name == "subscribe_msg_change_event";
                let part = if withdrawn { "SubscribeMsgChangeEvent" } else { "SubscribeMsgPopupEvent" };
                // In JSON the list stands directly in the message.
                let list = fields.get(part).or_else(|| fields.get("List"));
                let choice =
                    |entry: &&Value| (said(entry, "TemplateId"), said(entry, "SubscribeStatusString") == "accept");
                Self::Consent { from, choices: all(list).iter().map(choice).collect(), withdrawn }
            }
            ("event", "subscribe_msg_sent_event") => {
                let list = fields.get("SubscribeMsgSentEvent").or_else(|| fields.get("List"));
                let result =
                    |entry: &&Value| (said(entry, "TemplateId"), entry.get("ErrorCode").and_then(number).unwrap_or(-1));
                Self::Delivered { from, results: all(list).iter().map(result).collect() }
            }
            ("event", "TEMPLATESENDJOBFINISH") => Self::TemplateDone {
                message: fields.number("MsgID").map_or_else(String::new, |id| id.to_string()),
                arrived: fields.text("Status") == "success",
            },
            ("event", name @ ("subscribe" | "unsubscribe")) => Self::Follow { from, follows: name == "subscribe" },
            ("event", "wxa_media_check") => Self::Media {
                trace: text("trace_id"),
                suggest: fields.get("result").map_or_else(String::new, |result| said(result, "suggest")),
            },
            ("event", "change_external_contact") => {
                let given = |name: &str| Some(text(name)).filter(|value| !value.is_empty());
                Self::Contact(Contact {
                    change: text("ChangeType"),
                    user: text("UserID"),
                    external: text("ExternalUserID"),
                    state: given("State"),
                    welcome: given("WelcomeCode"),
                })
            }
            ("event", "change_contact") => {
                let subject = if fields.text("UserID").is_empty() { text("Id") } else { text("UserID") };
                Self::Book { change: text("ChangeType"), subject }
            }
            ("event", name) => Self::Other { name: name.to_owned(), from },
            (kind, _) => Self::Other { name: kind.to_owned(), from },
        }
    }
}

fn all(list: Option<&Value>) -> Vec<&Value> {
    entries(list).into_iter().take(50).collect()
}

fn said(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wechat::{
        crypt::{Cipher, SALT},
        push::{Door, Signed},
    };

    fn event(message: &str) -> Event {
        let cipher = Cipher::new("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx1").unwrap();
        let door = Door::new("t", Some(cipher));
        let (query, body) = door.push(message, "to", [3; SALT], 500, "n").unwrap();
        Event::of(&door.take(&Signed::parse(&query), body.as_bytes(), 500).unwrap())
    }

    #[test]
    fn consents_are_read_in_both_forms() {
        let expected = |choices: &[(&str, bool)], withdrawn| Event::Consent {
            from: "o1".into(),
            choices: choices.iter().map(|(template, yes)| ((*template).into(), *yes)).collect(),
            withdrawn,
        };
        let head = "<FromUserName>o1</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType>";
        let xml = format!(
            "<xml>{head}<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent><List><TemplateId>a</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List><List><TemplateId>b</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List></SubscribeMsgPopupEvent></xml>"
        );
        assert_eq!(event(&xml), expected(&[("a", true), ("b", false)], false));
        let json = r#"{"FromUserName":"o1","CreateTime":1,"MsgType":"event","Event":"subscribe_msg_popup_event","List":{"TemplateId":"a","SubscribeStatusString":"accept","PopupScene":"0"}}"#;
        assert_eq!(event(json), expected(&[("a", true)], false));
        let json = r#"{"FromUserName":"o1","CreateTime":1,"MsgType":"event","Event":"subscribe_msg_change_event","List":[{"TemplateId":"a","SubscribeStatusString":"reject"}]}"#;
        assert_eq!(event(json), expected(&[("a", false)], true));
        let json = r#"{"FromUserName":"o1","CreateTime":1,"MsgType":"event","Event":"subscribe_msg_sent_event","List":[{"TemplateId":"a","ErrorCode":"0"},{"TemplateId":"b","ErrorCode":1302}]}"#;
        let results = vec![("a".into(), 0), ("b".into(), 1302)];
        assert_eq!(event(json), Event::Delivered { from: "o1".into(), results });
    }

    #[test]
    fn the_documented_events_are_told_apart() {
        let contact = "<xml><ToUserName><![CDATA[toUser]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>1403610513</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_external_contact]]></Event><ChangeType><![CDATA[edit_external_contact]]></ChangeType><UserID><![CDATA[zhangsan]]></UserID><ExternalUserID><![CDATA[woAJ2GCAAAXtWyujaWJHDDGi0mAAAA]]></ExternalUserID><State><![CDATA[teststate]]></State></xml>";
        let expected = Contact {
            change: "edit_external_contact".into(),
            user: "zhangsan".into(),
            external: "woAJ2GCAAAXtWyujaWJHDDGi0mAAAA".into(),
            state: Some("teststate".into()),
            welcome: None,
        };
        assert_eq!(event(contact), Event::Contact(expected));
        let of =
            |rest: &str| event(&format!("<xml><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>{rest}</xml>"));
        let from = "o1".to_owned();
        assert_eq!(
            of("<MsgType>text</MsgType><Content>你好</Content>"),
            Event::Text { from: from.clone(), text: "你好".into() }
        );
        assert_eq!(
            of("<MsgType>event</MsgType><Event>unsubscribe</Event>"),
            Event::Follow { from: from.clone(), follows: false }
        );
        assert_eq!(
            of(
                "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>200163836</MsgID><Status>failed:user block</Status>"
            ),
            Event::TemplateDone { message: "200163836".into(), arrived: false }
        );
        assert_eq!(
            of("<MsgType>event</MsgType><Event>change_contact</Event><ChangeType>delete_party</ChangeType><Id>2</Id>"),
            Event::Book { change: "delete_party".into(), subject: "2".into() }
        );
        assert_eq!(
            of("<MsgType>event</MsgType><Event>user_enter_tempsession</Event><SessionFrom>e7</SessionFrom>"),
            Event::Entered { from: from.clone(), session: "e7".into() }
        );
        assert_eq!(of("<MsgType>image</MsgType>"), Event::Other { name: "image".into(), from });
        let media = r#"{"FromUserName":"o1","CreateTime":1,"MsgType":"event","Event":"wxa_media_check","trace_id":"t","result":{"suggest":"risky","label":20002}}"#;
        assert_eq!(event(media), Event::Media { trace: "t".into(), suggest: "risky".into() });
    }
}
