//! An event as a calendar file (RFC 5545): the same identifier for ever and a sequence number that rises with each change, so that a
//! calendar that has it already changes its entry.

use crate::Ctx;
use domain::{Event, EventPlace, Time, event::EventState};
use icalendar::{Calendar, Component, EventLike, EventStatus, Property};

/// Longest description in characters.
const DESCRIPTION_MAX: usize = 600;

/// UTC as calendars write it.
fn utc(at: Time) -> String {
    at.zoned(&jiff::tz::TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The identifier: the space, the event and when it was made, which no other box has alike.
fn uid(event: &Event, space: domain::SpaceId) -> String {
    format!("event-{}-{}-{}@huiguan", space, event.id, event.created_at.0)
}

/// The calendar file of an event. `url` leads to the invitation, or to the holder's ticket.
pub fn file(ctx: &Ctx, space: domain::SpaceId, event: &Event, place: Option<&EventPlace>, url: &str) -> String {
    let mut entry = icalendar::Event::new();
    entry
        .uid(&uid(event, space))
        .summary(&event.name)
        .sequence(event.revision)
        .status(if event.state == EventState::Withdrawn { EventStatus::Cancelled } else { EventStatus::Confirmed })
        .append_property(Property::new("DTSTAMP", utc(ctx.now())))
        .append_property(Property::new("DTSTART", utc(event.time.from)))
        .append_property(Property::new("DTEND", utc(event.time.to)))
        .append_property(Property::new("URL", url));
    let venue = event.venue.line();
    if !venue.is_empty() {
        entry.location(&venue);
    }
    let mut description: String = event.notice_words().chars().take(DESCRIPTION_MAX).collect();
    if !description.is_empty() {
        description.push('\n');
    }
    description.push_str(url);
    entry.description(&description);
    if let Some(place) = place {
        let (latitude, longitude) = place.wgs84();
        entry.append_property(Property::new("GEO", format!("{latitude:.6};{longitude:.6}")));
    }
    let mut calendar = Calendar::new();
    calendar.append_property(Property::new("METHOD", "PUBLISH"));
    calendar.push(entry.done());
    calendar.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event, test};
    use domain::{SpaceId, event::EventInput, place::Datum, time::HOUR};

    fn line<'a>(file: &'a str, name: &str) -> &'a str {
        file.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {file}"))
    }

    #[tokio::test]
    async fn a_calendar_keeps_its_entry_and_sees_each_change() {
        let (hall, admin) = test::founded().await;
        let (id, _) = test::opened(&hall, &admin).await;
        let read = || event::get(&hall.ctx, &admin, id).unwrap().event;
        let before = file(&hall.ctx, SpaceId::ASSOCIATION, &read(), None, "http://x/event/1");
        hall.advance(HOUR);
        let zone = event::zone(&hall.ctx, admin.space).unwrap();
        let kept = read();
        let input = EventInput {
            name: "年会, 第二场; \\ 换行".into(),
            starts: kept.time.from.to_local(&zone),
            ends: kept.time.to.to_local(&zone),
            address: "之江路 1 号".into(),
            notice: "带证件\nBEGIN:VEVENT".into(),
            ..EventInput::default()
        };
        let pictures = event::Pictures { cover: kept.cover.clone(), main: None };
        event::save(&hall.ctx, &admin, id, kept.revision, &input, &pictures).await.unwrap();
        let place = EventPlace { event: id, latitude: 30_245_853, longitude: 120_209_947, datum: Datum::Wgs84 };
        let after = file(&hall.ctx, SpaceId::ASSOCIATION, &read(), Some(&place), "http://x/event/1");
        assert_eq!(line(&before, "UID:"), line(&after, "UID:"));
        let sequence = |file: &str| line(file, "SEQUENCE:")[9..].parse::<u32>().unwrap();
        assert!(sequence(&after) > sequence(&before), "{after}");
        assert_eq!(line(&after, "SUMMARY:"), "SUMMARY:年会\\, 第二场\\; \\\\ 换行");
        assert_eq!(line(&after, "GEO:"), "GEO:30.245853;120.209947");
        assert_eq!(line(&after, "DTSTART:"), format!("DTSTART:{}", utc(kept.time.from)));
        assert_eq!(after.matches("\nBEGIN:VEVENT").count(), 1, "what people typed begins no entry");
        assert!(after.contains("STATUS:CONFIRMED"));
        event::withdraw(&hall.ctx, &admin, id).await.unwrap();
        assert!(file(&hall.ctx, SpaceId::ASSOCIATION, &read(), None, "x").contains("STATUS:CANCELLED"));
    }
}
