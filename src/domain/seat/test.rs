//! Tables of cases for seats, plans and seating, and the properties that hold for whatever people and tables there are.

use super::*;
use proptest::prelude::*;

fn seat(table: &str, place: impl Into<Option<u16>>) -> Option<Seat> {
    Some(Seat { table: table.into(), place: place.into() })
}

#[test]
fn a_seat_text_is_read_as_people_write_it() {
    let cases = [
        ("3", seat("3", None)),
        ("03", seat("3", None)),
        ("3桌", seat("3", None)),
        ("第3桌", seat("3", None)),
        ("3号桌", seat("3", None)),
        ("3号", seat("3", None)),
        ("３桌５座", seat("3", 5)),
        ("3 - 5", seat("3", 5)),
        ("3—5", seat("3", 5)),
        ("3/5", seat("3", 5)),
        ("3桌5", seat("3", 5)),
        ("1桌1", seat("1", 1)),
        ("第3桌第5座", seat("3", 5)),
        ("3桌-5号", seat("3", 5)),
        ("3号桌12号位", seat("3", 12)),
        ("12台3", seat("12", 3)),
        ("3排5座", seat("3排", 5)),
        ("3排", seat("3排", None)),
        ("第第排", seat("排", None)),
        ("第3排", seat("3排", None)),
        ("a1", seat("A1", None)),
        ("A1桌", seat("A1", None)),
        ("A-5", seat("A", 5)),
        ("主桌", seat("主桌", None)),
        ("主桌-5", seat("主桌", 5)),
        ("主桌5座", seat("主桌", 5)),
        ("主席台", seat("主席台", None)),
        ("圆桌会议区-5", seat("圆桌会议区", 5)),
        ("VIP", seat("VIP", None)),
        ("", None),
        ("  ", None),
        ("0", None),
        ("3-", None),
        ("-5", None),
        ("3-0", None),
        ("3-5-7", None),
        ("3-12345", None),
        ("3-五", None),
        ("这是一个非常非常长的座位名称", None),
    ];
    for (text, read_as) in cases {
        assert_eq!(read(text), read_as, "{text}");
    }
}

#[test]
fn a_seat_is_written_so_that_it_is_read_again() {
    for (table, place, text) in [
        ("3", None, "3桌"),
        ("3", Some(5), "3-5"),
        ("主桌", None, "主桌"),
        ("主桌", Some(5), "主桌-5"),
        ("3排", Some(5), "3排-5"),
    ] {
        let seat = Seat { table: table.into(), place };
        assert_eq!(seat.to_string(), text);
        assert_eq!(read(text), Some(seat));
    }
}

fn plan(seats: &[u16]) -> SeatPlan {
    let table = |(n, seats): (usize, &u16)| SeatTable {
        id: u16::try_from(n).unwrap() + 1,
        name: (n + 1).to_string(),
        seats: *seats,
        shape: Shape::Round,
        x: 100,
        y: 100,
    };
    SeatPlan { tables: seats.iter().enumerate().map(table).collect(), next: 99, ..SeatPlan::of(EventId(1)) }
}

fn guest(id: u64, group: u64, seat: &str) -> Guest {
    Guest { ticket: TicketId(id), group: (group > 0).then_some(GroupId(group)), seat: seat.into(), standing: true }
}

#[test]
fn what_is_wrong_with_seats_is_said() {
    let plan = plan(&[2, 3]);
    let mut guests = vec![
        guest(1, 0, "1-1"),
        guest(2, 0, "1桌1座"),
        guest(3, 0, "1桌"),
        guest(4, 0, "9桌"),
        guest(5, 0, "2-4"),
        guest(6, 0, "3-5-7"),
        guest(7, 0, ""),
        guest(8, 0, "2-1"),
    ];
    guests.push(Guest { standing: false, ..guest(9, 0, "2-1") });
    let expected = [
        Conflict::NoTable(TicketId(4), "9".into()),
        Conflict::NoPlace(TicketId(5), Seat { table: "2".into(), place: Some(4) }),
        Conflict::Unreadable(TicketId(6)),
        Conflict::Canceled(TicketId(9)),
        Conflict::Twice(Seat { table: "1".into(), place: Some(1) }, vec![TicketId(1), TicketId(2)]),
        Conflict::Over("1".into(), 2, 3),
    ];
    assert_eq!(conflicts(&plan, &guests), expected);
    let none = SeatPlan::of(EventId(1));
    assert_eq!(conflicts(&none, &guests[..5]).len(), 1, "without a plan only a place taken twice is wrong");
    assert!(conflicts(&plan, &[guest(1, 0, "2-1"), guest(2, 0, "2-2"), guest(3, 0, "1桌")]).is_empty());
}

#[test]
fn groups_sit_together_and_tables_fill_up() {
    // Seats of tables, (ticket, group, seat) of guests, how, then who sits where.
    type Case = (&'static [u16], &'static [(u64, u64, &'static str)], How, &'static [(u64, &'static str)]);
    let keep = How::default();
    let anew = How { anew: true, ..keep };
    let places = How { places: true, ..keep };
    let cases: [Case; 8] = [
        (&[2, 3], &[(1, 1, ""), (2, 1, ""), (3, 1, "")], keep, &[(1, "2桌"), (2, "2桌"), (3, "2桌")]),
        (&[3, 2], &[(1, 1, ""), (2, 1, "")], keep, &[(1, "2桌"), (2, "2桌")]),
        (&[2, 2], &[(1, 1, ""), (2, 1, ""), (3, 1, "")], keep, &[(1, "1桌"), (2, "1桌"), (3, "2桌")]),
        (
            &[3, 3],
            &[(1, 0, ""), (2, 5, ""), (3, 5, ""), (4, 0, "")],
            keep,
            &[(2, "1桌"), (3, "1桌"), (1, "1桌"), (4, "2桌")],
        ),
        (&[2, 4], &[(1, 1, "2桌"), (2, 1, ""), (3, 2, "")], keep, &[(2, "2桌"), (3, "1桌")]),
        (&[1], &[(1, 0, ""), (2, 0, "")], keep, &[(1, "1桌")]),
        (&[2], &[(1, 0, "9桌"), (2, 0, "1-2")], anew, &[(1, "1桌"), (2, "1桌")]),
        (&[3], &[(1, 0, "1-2"), (2, 0, ""), (3, 0, "")], places, &[(2, "1-1"), (3, "1-3")]),
    ];
    for (seats, guests, how, expected) in cases {
        let guests: Vec<Guest> = guests.iter().map(|(id, group, seat)| guest(*id, *group, seat)).collect();
        let found: Vec<(u64, String)> = arrange(&plan(seats), &guests, how)
            .into_iter()
            .map(|(ticket, seat)| (ticket.0, seat.to_string()))
            .collect();
        let expected: Vec<(u64, String)> = expected.iter().map(|(id, seat)| (*id, (*seat).to_owned())).collect();
        assert_eq!(found, expected, "{seats:?} {guests:?}");
    }
}

#[test]
fn a_plan_is_checked_as_a_whole_and_grows_by_numbers() {
    let old = SeatPlan::of(EventId(1));
    let new = |count: &str, name: &str| NewTables {
        count: count.into(),
        seats: "10".into(),
        shape: "long".into(),
        name: name.into(),
    };
    let grown = add_tables(&new("3", ""), &old).unwrap();
    let names: Vec<&str> = grown.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!((names, grown.next, grown.revision), (vec!["1", "2", "3"], 4, 1));
    assert!(grown.tables.iter().all(|table| table.shape == Shape::Long));
    let main = add_tables(&new("1", "主桌"), &grown).unwrap();
    assert_eq!(main.tables[3].name, "主桌");
    let spots: BTreeSet<(u16, u16)> = main.tables.iter().map(|table| (table.x, table.y)).collect();
    assert_eq!(spots.len(), 4, "no two on one spot");
    for (count, name) in
        [("0", ""), ("101", ""), ("x", ""), ("2", "主桌"), ("1", "3桌"), ("1", "3-5"), ("1", &"长".repeat(13))]
    {
        assert!(add_tables(&new(count, name), &main).is_err(), "{count} {name}");
    }
    let row = |id, name: &str, x: &str| TableInput {
        id,
        name: name.into(),
        seats: "8".into(),
        shape: "round".into(),
        x: x.into(),
        y: "40".into(),
        remove: false,
    };
    let changed = check_plan(&[row(1, "第7桌", "10.6"), TableInput { remove: true, ..row(2, "", "") }], &main).unwrap();
    let names: Vec<&str> = changed.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["7", "3", "主桌"]);
    assert_eq!((changed.tables[0].x, changed.tables[0].seats), (11, 8));
    let wrong = check_plan(&[row(1, "2桌", "1300"), row(2, "2", "-1"), row(3, "3-5", "0")], &main).unwrap_err();
    let fields: Vec<&str> = wrong.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["table-1-x", "table-2-name", "table-2-x", "table-3-name"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn whatever_is_read_is_written_so_that_it_is_read_again(text in "[0-9A-Za-z主桌台排号座位第 -]{0,12}") {
        if let Some(seat) = read(&text) {
            prop_assert_eq!(read(&seat.to_string()), Some(seat));
        }
    }

    #[test]
    fn nobody_sits_twice_and_no_table_is_overfull(
        seats in prop::collection::vec(1u16..9, 0..7),
        people in prop::collection::vec((0u64..4, prop::sample::select(vec!["", "1桌", "1-1", "2-3", "5桌", "9桌", "3-5-7"]), prop::bool::weighted(0.9)), 0..60),
        anew: bool,
        places: bool,
    ) {
        let plan = plan(&seats);
        let guests: Vec<Guest> = people.iter().enumerate().map(|(id, (group, seat, standing))| Guest { standing: *standing, ..guest(id as u64, *group, seat) }).collect();
        let how = How { anew, places };
        let found = arrange(&plan, &guests, how);
        prop_assert_eq!(&found, &arrange(&plan, &guests, how), "the same answer each time");
        let tickets: BTreeSet<TicketId> = found.iter().map(|(ticket, _)| *ticket).collect();
        prop_assert_eq!(tickets.len(), found.len(), "nobody twice");
        let by_ticket: BTreeMap<TicketId, &Seat> = found.iter().map(|(ticket, seat)| (*ticket, seat)).collect();
        prop_assert!(guests.iter().all(|guest| guest.standing || !by_ticket.contains_key(&guest.ticket)), "no canceled one");
        let after: Vec<Guest> = guests.iter().map(|guest| {
            let seat = by_ticket.get(&guest.ticket).map_or_else(|| if anew { String::new() } else { guest.seat.clone() }, ToString::to_string);
            Guest { seat, ..guest.clone() }
        }).collect();
        let before = if anew { BTreeMap::new() } else { seated(&plan, &guests) };
        let seats_of = seated(&plan, &after);
        let mut room = 0;
        for table in &plan.tables {
            let was = before.get(&table.name).map_or(0, Vec::len);
            let now = seats_of.get(&table.name).map_or(0, Vec::len);
            prop_assert!(now <= usize::from(table.seats).max(was), "never over capacity by our doing");
            room += usize::from(table.seats).saturating_sub(now);
        }
        let waiting = guests.iter().filter(|guest| guest.standing && (anew || guest.seat.is_empty())).count() - found.len();
        prop_assert!(waiting == 0 || room == 0, "nobody stands while a seat is free");
    }
}
