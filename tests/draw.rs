//! Draws end to end: the record checked by the box, by the binary alone and by a script written from the description; kills at any moment;
//! who may do what; uploads; what people type.

use crate::hall::{Client, Hall, event, first_type};
use crate::scenario::staff;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

/// A hall with an event, people at tables of three, and a draw.
struct Stand {
    admin: Client,
    event: String,
    draw: String,
    tickets: Vec<String>,
}

impl Stand {
    fn with(hall: &Hall, people: usize) -> Self {
        let admin = hall.set_up();
        let event = event(&admin, "年会");
        let kind = first_type(&admin, &event);
        let tickets = (0..people).map(|n| registered(&admin, &event, &kind, n)).collect();
        let draw = new_draw(&admin, &event, &[("messages", "1"), ("photos", "1"), ("moderated", "1")]);
        Self { admin, event, draw, tickets }
    }

    fn base(&self) -> String {
        format!("/admin/event/{}/draw/{}", self.event, self.draw)
    }

    fn round(&self, prize: &str, mode: &str, quantity: &str, per_turn: &str) -> String {
        let form = [
            ("prize", prize),
            ("mode", mode),
            ("quantity", quantity),
            ("per_turn", per_turn),
            ("first_table", "1"),
            ("last_table", "99"),
        ];
        let made = self.admin.post(&format!("{}/round", self.base()), &form);
        assert_eq!(made.status, 303, "{}", made.body);
        let page = self.admin.get(&self.base()).body;
        let link = format!("{}/round/", self.base());
        let ids = page.split(link.as_str()).skip(1);
        let ids = ids.filter_map(|rest| rest.split('"').next()?.parse::<u64>().ok());
        ids.max().unwrap().to_string()
    }

    fn version(&self) -> String {
        let page = self.admin.get(&self.base()).body;
        page.split("data-version=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    /// Presses something; answers the status and what was said.
    fn press(&self, act: &str, more: &[(&str, &str)]) -> (u16, String) {
        let version = self.version();
        let mut form = vec![("act", act), ("seen", version.as_str()), ("json", "1")];
        form.extend_from_slice(more);
        let answer = self.admin.post(&format!("{}/act", self.base()), &form);
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        (answer.status, said["said"].as_str().unwrap_or("").to_owned())
    }

    fn must(&self, act: &str, more: &[(&str, &str)]) {
        let (status, said) = self.press(act, more);
        assert_eq!(status, 200, "{act}: {said}");
    }

    fn turn(&self, round: &str, act: &str, called: &str) {
        self.must("open", &[("round", round)]);
        self.must(act, &[]);
        self.must("stop", &[("called", called)]);
    }

    fn record(&self) -> String {
        let record = self.admin.get(&format!("/draw/{}/record.json", self.draw));
        assert_eq!(record.status, 200);
        record.body
    }

    /// The state as the screen is given it.
    fn state(&self) -> Value {
        let page = self.admin.get(&format!("/screen/draw/{}", self.draw)).body;
        let text = page.split("data-state=\"").nth(1).unwrap().split('"').next().unwrap();
        serde_json::from_str(
            &text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"),
        )
        .unwrap()
    }
}

/// Registers the nth person; answers the ticket.
fn registered(admin: &Client, event: &str, kind: &str, n: usize) -> String {
    let (name, phone, seat) = (format!("客{n}"), format!("138{n:08}"), format!("{}桌{}", n / 3 + 1, n % 3 + 1));
    let form = [("name", name.as_str()), ("phone", &phone), ("kind", kind), ("seat", &seat)];
    let added = admin.post(&format!("/admin/event/{event}/registration/new"), &form);
    added.location.unwrap().rsplit('/').next().unwrap().to_owned()
}

fn new_draw(admin: &Client, event: &str, more: &[(&str, &str)]) -> String {
    let mut form = vec![
        ("name", "抽奖"),
        ("wins", "1"),
        ("registered", "1"),
        ("theme", "red"),
        ("look", "sphere"),
        ("masking", "masked"),
        ("show_number", "1"),
    ];
    form.extend_from_slice(more);
    let made = admin.post(&format!("/admin/event/{event}/draw/new"), &form);
    assert_eq!(made.status, 303, "{}", made.body);
    made.location.unwrap().rsplit('/').next().unwrap().to_owned()
}

fn offline(file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["draw", "verify"]).arg(file).output().unwrap()
}

fn script(file: &Path) -> Output {
    let script = format!("{}/../../tests/draw.py", env!("CARGO_MANIFEST_DIR"));
    Command::new("python3").arg(script).arg(file).output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// Winners as a set of place and text, as the record of the box says.
fn winners(record: &str) -> BTreeSet<String> {
    let file: Value = serde_json::from_str(record).unwrap();
    let mut out = BTreeSet::new();
    for line in file["lines"].as_array().unwrap() {
        let said: Value = serde_json::from_str(line["body"].as_str().unwrap()).unwrap();
        if matches!(said["act"].as_str(), Some("draw" | "assign")) {
            let turn = said["turn"].as_u64().unwrap_or(0);
            for winner in said["winners"].as_array().unwrap() {
                out.insert(format!("{turn} {} {}", winner["place"], winner["text"].as_str().unwrap()));
            }
        }
    }
    out
}

#[test]
fn the_record_checks_alike_on_the_box_offline_and_by_a_script_from_its_description() {
    let hall = Hall::fresh();
    let stand = Stand::with(&hall, 18);
    let (people, tables) = (stand.round("音箱", "people", "4", "2"), stand.round("茶", "table_people", "1", "1"));
    let (table, spot) = (stand.round("酒", "table", "1", "1"), stand.round("红包", "random", "", "3"));
    let named = stand.round("感谢奖", "designated", "1", "1");
    stand.turn(&people, "start", "4711");
    stand.turn(&people, "start", "88");
    let gone = stand.admin.post(&format!("{}/win/1/void", stand.base()), &[("reason", "不在场"), ("json", "1")]);
    assert_eq!(gone.status, 200, "{}", gone.body);
    stand.turn(&people, "redraw", "九");
    stand.must("open", &[("round", &tables)]);
    stand.must("start", &[]);
    stand.must("cancel", &[("reason", "误按")]);
    for (round, called) in [(&tables, "1"), (&table, "2"), (&spot, "3"), (&spot, "4")] {
        stand.turn(round, "start", called);
    }
    // Who comes last has won nothing yet, so that naming him is never refused.
    registered(&stand.admin, &stand.event, &first_type(&stand.admin, &stand.event), 18);
    let designated =
        stand.admin.post(&format!("{}/round/{named}/designate", stand.base()), &[("phone", "13800000018")]);
    assert_eq!(designated.status, 303);
    stand.must("open", &[("round", &named)]);
    stand.must("start", &[]);
    let record = stand.record();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("draw.json");
    std::fs::write(&file, &record).unwrap();
    let (by_binary, by_script) = (offline(&file), script(&file));
    assert!(by_binary.status.success(), "{}", text(&by_binary.stdout));
    assert!(by_script.status.success(), "{}", text(&by_script.stderr));
    let told = text(&by_binary.stdout);
    let scripted: BTreeSet<String> = text(&by_script.stdout).lines().map(str::to_owned).collect();
    let on_the_box = winners(&record);
    assert_eq!(scripted, on_the_box, "the script found the same winners");
    for winner in &on_the_box {
        let (place, what) = winner.split_once(' ').unwrap().1.split_once(' ').unwrap();
        assert!(told.contains(&format!("{place}. {what}")), "the binary found {winner}: {told}");
    }
    assert!(told.contains("assigned, not drawn") && told.contains("不在场") && told.ends_with(": sound\n"), "{told}");
    let page = hall.client().get(&format!("/draw/{}/verify", stand.draw)).body;
    assert!(page.contains("全部相符") && page.contains("指定，非抽取"), "everybody sees the same");
    // Whatever is changed, all three say so.
    for (from, to) in [
        ("\\\"called\\\":\\\"4711\\\"", "\\\"called\\\":\\\"4712\\\""),
        ("\\\"quantity\\\":4", "\\\"quantity\\\":5"),
        ("不在场", "在场"),
    ] {
        let bent = record.replacen(from, to, 1);
        assert_ne!(bent, record, "{from}");
        std::fs::write(&file, bent).unwrap();
        assert!(!offline(&file).status.success() && !script(&file).status.success(), "{from}");
    }
    std::fs::write(&file, "{}").unwrap();
    assert!(!offline(&file).status.success());
}

/// Sends a stop and lets go: the box is killed before, while or after it answers.
fn stop_and_kill(hall: &mut Hall, stand: &Stand, wait: bool) {
    let session = stand.admin.cookie("hall_session").unwrap();
    let body = format!("act=stop&seen={}&called=7&json=1", stand.version());
    let request = format!(
        "POST {}/act HTTP/1.1\r\nhost: hall\r\ncookie: hall_session={session}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        stand.base(),
        body.len()
    );
    let mut stream = TcpStream::connect(hall.base.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    if wait {
        // The answer has begun: the result is on disk, and nobody has seen a name yet.
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
    }
    hall.kill();
}

#[test]
fn a_kill_between_stop_and_reveal_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let address = hall.base.trim_start_matches("http://").to_owned();
    let stand = Stand::with(&hall, 12);
    let round = stand.round("音箱", "people", "12", "1");
    let mut drawn = 0;
    for turn in 0..6 {
        stand.must("open", &[("round", &round)]);
        stand.must("start", &[]);
        let before = stand.state();
        stop_and_kill(&mut hall, &stand, turn % 2 == 1);
        hall = Hall::listening(&data, &address);
        let after = stand.state();
        match after["phase"].as_str().unwrap() {
            // It had not been taken: the same list waits, and the stop is pressed again.
            "rolling" => {
                assert!(turn % 2 == 0, "what was answered is on disk");
                assert_eq!((&after["list"], &after["turn"]), (&before["list"], &before["turn"]));
                stand.must("stop", &[("called", "8")]);
            }
            phase => assert_eq!(phase, "shown"),
        }
        drawn += 1;
        let shown = stand.state();
        assert_eq!((shown["winners"].as_array().unwrap().len(), shown["wins"].as_u64()), (1, Some(drawn)));
        // A second screen that joins, and the same one again, show exactly this.
        assert_eq!(stand.state(), shown);
        let record: Value = serde_json::from_str(&stand.record()).unwrap();
        assert_eq!(record["head"], shown["head"], "the screen shows the newest line of the record");
        let last = record["lines"].as_array().unwrap().last().unwrap()["body"].as_str().unwrap().to_owned();
        assert!(last.contains(&format!("\"text\":\"{}\"", shown["winners"][0]["lucky"].as_str().unwrap())), "{last}");
    }
    let file = folder.path().join("draw.json");
    std::fs::write(&file, stand.record()).unwrap();
    assert!(offline(&file).status.success() && script(&file).status.success());
    assert!(hall.stop());
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    assert!(verified.status.success() && text(&verified.stdout).contains("no damage"), "{}", text(&verified.stdout));
}

#[test]
fn what_nobody_granted_is_denied_on_every_route_of_draws() {
    let hall = Hall::fresh();
    let stand = Stand::with(&hall, 3);
    let round = stand.round("音箱", "people", "3", "3");
    stand.turn(&round, "start", "1");
    let other = event(&stand.admin, "别的");
    let scope = format!("e{}", stand.event);
    let nobody = hall.client();
    let bare = staff(&hall, &stand.admin, "bare", &[]);
    let viewer = staff(&hall, &stand.admin, "viewer", &[("event.view", &scope)]);
    let runner = staff(&hall, &stand.admin, "runner", &[("draw.run", &scope)]);
    let manager = staff(&hall, &stand.admin, "manager", &[("draw.manage", &scope), ("event.view", &scope)]);
    let d = stand.base();
    // Path, then what viewer, runner and manager get.
    let reads = [
        (format!("/admin/event/{}/draw", stand.event), [200, 200, 200]),
        (format!("/admin/event/{}/draw/new", stand.event), [403, 403, 200]),
        (d.clone(), [200, 200, 200]),
        (format!("{d}/edit"), [403, 403, 200]),
        (format!("{d}/round"), [403, 403, 200]),
        (format!("{d}/round/{round}"), [403, 403, 200]),
        (format!("{d}/remote"), [403, 200, 403]),
        (format!("{d}/win"), [200, 200, 200]),
        (format!("{d}/win/export.csv"), [403, 403, 403]),
        (format!("{d}/claim"), [403, 200, 403]),
        (format!("{d}/entrant"), [403, 200, 200]),
        (format!("{d}/entrant/export.csv"), [403, 403, 403]),
        (format!("{d}/message"), [403, 200, 403]),
        (format!("{d}/commitment"), [200, 200, 200]),
        (format!("/admin/event/{other}/draw"), [403, 403, 403]),
    ];
    for (path, expected) in reads {
        let anonymous = nobody.get(&path);
        assert!(
            anonymous.location.as_deref().is_some_and(|to| to.starts_with("/login")),
            "{path}: {}",
            anonymous.status
        );
        assert_eq!(bare.get(&path).status, 403, "{path} for an account without grants");
        for ((client, name), status) in
            [(&viewer, "viewer"), (&runner, "runner"), (&manager, "manager")].iter().zip(expected)
        {
            assert_eq!(client.get(&path).status, status, "{path} for the {name}");
        }
    }
    let writes = [
        (format!("/admin/event/{}/draw/new", stand.event), [false, true]),
        (format!("{d}/edit"), [false, true]),
        (format!("{d}/round"), [false, true]),
        (format!("{d}/round/{round}"), [false, true]),
        (format!("{d}/round/{round}/remove"), [false, true]),
        (format!("{d}/round/{round}/designate"), [false, false]),
        (format!("{d}/round/{round}/undesignate"), [false, false]),
        (format!("{d}/act"), [true, false]),
        (format!("{d}/spot"), [true, false]),
        (format!("{d}/win/0/void"), [true, false]),
        (format!("{d}/win/0/claim"), [true, false]),
        (format!("{d}/win/0/unclaim"), [true, false]),
        (format!("{d}/entrant"), [false, true]),
        (format!("{d}/entrant/1/remove"), [false, true]),
        (format!("{d}/renew"), [false, true]),
        (format!("{d}/message/show"), [true, false]),
        (format!("{d}/face/t1/show"), [true, false]),
    ];
    let form = [
        ("act", "take"),
        ("id", "1"),
        ("phone", "13800000001"),
        ("reason", "x"),
        ("lucky", "1"),
        ("revision", "0"),
        ("mode", "people"),
    ];
    for (path, [runs, manages]) in writes {
        let anonymous = nobody.post(&path, &form);
        assert!(anonymous.location.as_deref().is_some_and(|to| to.starts_with("/login")), "{path}: {anonymous:?}");
        for (client, may, name) in [
            (&bare, false, "bare"),
            (&viewer, false, "viewer"),
            (&runner, runs, "runner"),
            (&manager, manages, "manager"),
        ] {
            let answer = client.post(&path, &form);
            // An upload that is missing, as here, is refused before the right to it is asked.
            let denied = answer.status == 403;
            if !path.ends_with("/entrant") {
                assert_eq!(denied, !may, "POST {path} as {name}: {} {}", answer.status, answer.body);
            }
        }
    }
    // Screens: by the key, or by the right to look; keys are pressed only with the right to run.
    let screen = format!("/screen/draw/{}", stand.draw);
    assert_eq!((nobody.get(&screen).status, bare.get(&screen).status), (403, 403));
    assert_eq!(nobody.get(&format!("{screen}?key=screen.1.1.AAAA")).status, 403);
    let page = stand.admin.get(&d).body;
    let key = page.split("?key=").nth(1).unwrap().split('"').next().unwrap();
    let shown = nobody.get(&format!("{screen}?key={key}"));
    assert!(shown.status == 200 && !shown.body.contains("data-act"), "a key shows and does not press");
    assert!(runner.get(&screen).body.contains("data-act") && !viewer.get(&screen).body.contains("data-act"));
    assert_eq!(nobody.get(&format!("{screen}/names?key={key}")).status, 200);
    // Drafts are not there for anybody.
    let drafted = stand.admin.post(&format!("/admin/event/{}/withdraw", stand.event), &[]);
    assert_eq!(drafted.status, 303);
    assert_eq!(nobody.get(&format!("/draw/{}", stand.draw)).status, 200, "a withdrawn event's record stays public");
    assert_eq!(nobody.get("/draw/999").status, 404);
}

#[test]
fn people_see_their_numbers_join_write_and_give_pictures() {
    let hall = Hall::fresh();
    let stand = Stand::with(&hall, 2);
    let draw = format!("/draw/{}", stand.draw);
    let phone = hall.client();
    let attend = stand.admin.get(&format!("/admin/event/{}/registration/{}", stand.event, stand.tickets[0])).body;
    let code = attend.split("class=\"code\">").nth(2).unwrap_or("").split('<').next().unwrap().replace(' ', "");
    let found = phone.post("/ticket/find", &[("phone", "13800000000"), ("attend", &code)]);
    assert_eq!(found.status, 303, "{code}");
    let ticket = phone.get(&found.location.unwrap()).body;
    assert!(ticket.contains("幸运号码") && ticket.contains(&draw), "the ticket shows the number and leads to the draw");
    let shown = phone.get(&draw).body;
    assert!(shown.contains("我的幸运号码") && !hall.client().get(&draw).body.contains("我的幸运号码</p>"));
    // Messages: only who is there, and never markup.
    let said = phone.post(&format!("{draw}/message"), &[("message", "<img src=x onerror=alert(1)>")]);
    assert_eq!(said.status, 303);
    assert!(phone.get(&draw).body.contains("签到后才能发送弹幕"));
    let marked = stand.admin.post(&format!("/admin/event/{}/registration/{}/mark", stand.event, stand.tickets[0]), &[]);
    assert_eq!(marked.status, 303);
    let long = phone.post(&format!("{draw}/message"), &[("message", &"长".repeat(61))]);
    assert!(long.status == 422 && long.body.contains(&"长".repeat(61)), "what was typed is kept");
    assert_eq!(phone.post(&format!("{draw}/message"), &[("message", "<img src=x onerror=alert(1)>")]).status, 303);
    let waiting = stand.admin.get(&format!("{}/message", stand.base())).body;
    assert!(waiting.contains("&lt;img src=x") && !waiting.contains("<img src=x"), "it waits, escaped");
    // A picture: what is none is refused; one that is waits, and nobody sees it before.
    let none = phone.upload(&format!("{draw}/face"), &[], ("face", "a.png", b"<svg onload=alert(1)>"));
    assert_eq!(none.status, 303);
    assert!(phone.get(&draw).body.contains("图片"));
    let who = stand.tickets[0].clone();
    assert_eq!(hall.client().get(&format!("{draw}/face/t{who}")).status, 404);
    // Joining is off until the set-up says otherwise.
    assert_eq!(stand.admin.get(&format!("{}/code", stand.base())).status, 409);
    let open = new_draw(&stand.admin, &stand.event, &[("joined", "1"), ("strangers", "1")]);
    let page = stand.admin.get(&format!("/admin/event/{}/draw/{open}/code", stand.event));
    assert_eq!(page.status, 200);
    let stranger = hall.client();
    let forged = stranger.get("/draw/join?code=draw.1.1.0.AAAA");
    assert_eq!(forged.status, 403, "a code is signed by this box");
}

#[test]
fn music_and_pictures_are_known_by_their_content() {
    let hall = Hall::fresh();
    let stand = Stand::with(&hall, 1);
    let form = [
        ("name", "抽奖"),
        ("wins", "1"),
        ("registered", "1"),
        ("theme", "red"),
        ("look", "grid"),
        ("masking", "full"),
        ("revision", "1"),
    ];
    let edit = format!("{}/edit", stand.base());
    let wrong = stand.admin.upload(&edit, &form, ("music_file", "a.mp3", b"<script>alert(1)</script>"));
    assert!(wrong.status == 422 && wrong.body.contains("无法播放该文件") && wrong.body.contains("e-music_file"));
    let right = stand.admin.upload(&edit, &form, ("music_file", "喜洋洋.mp3", b"ID3\x04\0\0\0\0\0\0music"));
    assert_eq!(right.status, 303, "{}", right.body);
    let shown = stand.admin.get(&edit).body;
    assert!(shown.contains("喜洋洋.mp3"));
    let music = hall.client().get("/sound/1");
    assert_eq!((music.status, music.headers["content-type"].as_str()), (200, "audio/mpeg"));
    assert_eq!(music.headers["x-content-type-options"], "nosniff");
    assert_eq!(hall.client().get("/sound/9").status, 404);
    let screen = stand.admin.get(&format!("/screen/draw/{}", stand.draw)).body;
    assert!(screen.contains("/sound/1") && screen.contains("data-look=\"grid\""));
    assert!(!screen.contains("style=\""), "nothing inline");
    let bent = stand.admin.upload(&edit, &[("revision", "0"), ("name", "x")], ("background_file", "a.png", b"GIF89a"));
    assert!(bent.status == 422, "{}", bent.status);
}
