//! Reminders of an event: when they are due, and whether they are still of use.

use crate::{
    Event, EventId, Refusal, ReminderId, Time,
    notice::TEXT_MAX,
    problem,
    text::Form,
    time::{DAY, HOUR},
};
use rkyv::{Archive, Deserialize, Serialize};

/// A message that goes to everybody registered some time before an event begins or after it ends.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Number.
    pub id: ReminderId,
    /// The event.
    pub event: EventId,
    /// Hours before the event begins, or after it ends.
    pub hours: u16,
    /// Which of the two.
    pub side: Side,
    /// What is said; empty: the usual words.
    pub text: String,
    /// When it was written to everybody, and to how many; or that it came too late.
    pub done: Option<(Time, u32)>,
}

/// Before an event begins, or after it ends.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it begins.
    Before,
    /// After it ended.
    After,
}

/// Most reminders of one event.
pub const REMINDERS_MAX: usize = 10;
/// Longest time before or after, in hours: 60 days.
pub const HOURS_MAX: u16 = 60 * 24;
/// A reminder that could not be written in time, because the box was off, is dropped after so long.
const USEFUL_MILLIS: i64 = DAY;

/// What a reminder is to be at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Not yet.
    Later,
    /// Write it now.
    Now,
    /// It came too late: before an event that has begun, or more than a day after it was due.
    TooLate,
}

impl Reminder {
    /// When it is due.
    pub fn at(&self, event: &Event) -> Time {
        match self.side {
            Side::Before => event.time.from.plus(-i64::from(self.hours) * HOUR),
            Side::After => event.time.to.plus(i64::from(self.hours) * HOUR),
        }
    }

    /// What is to be done at `now`.
    pub fn due(&self, event: &Event, now: Time) -> Due {
        let at = self.at(event);
        let over = self.side == Side::Before && now >= event.time.from;
        match now.since(at) {
            late if late < 0 => Due::Later,
            late if over || late > USEFUL_MILLIS => Due::TooLate,
            _ => Due::Now,
        }
    }
}

/// Checks the form; answers hours, side and text.
pub fn check_reminder(hours: &str, side: &str, text: &str) -> Result<(u16, Side, String), Refusal> {
    let mut form = Form::default();
    let read: Option<u16> = hours.trim().parse().ok().filter(|hours| *hours <= HOURS_MAX);
    if read.is_none() {
        form.wrong(problem!("hours", "Give a whole number up to {max}.", max = HOURS_MAX));
    }
    let side = if side == "after" { Side::After } else { Side::Before };
    let text = form.block("words", text, TEXT_MAX);
    form.done((read.unwrap_or(0), side, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Window, event::tests::event};

    #[test]
    fn a_reminder_is_written_once_it_is_due_and_while_it_is_of_use() {
        let event = Event { time: Window { from: Time(100 * HOUR), to: Time(110 * HOUR) }, ..event() };
        let reminder =
            |hours, side| Reminder { id: ReminderId(1), event: event.id, hours, side, text: String::new(), done: None };
        let cases = [
            (reminder(24, Side::Before), 75, Due::Later),
            (reminder(24, Side::Before), 76, Due::Now),
            (reminder(24, Side::Before), 99, Due::Now),
            (reminder(24, Side::Before), 100, Due::TooLate),
            (reminder(72, Side::Before), 53, Due::TooLate),
            (reminder(2, Side::After), 111, Due::Later),
            (reminder(2, Side::After), 112, Due::Now),
            (reminder(2, Side::After), 137, Due::TooLate),
        ];
        for (reminder, hour, due) in cases {
            assert_eq!(
                reminder.due(&event, Time(hour * HOUR)),
                due,
                "{} h {:?} at {hour}",
                reminder.hours,
                reminder.side
            );
        }
        assert!(check_reminder("1441", "before", "").is_err() && check_reminder("2", "after", "谢谢").is_ok());
    }
}
