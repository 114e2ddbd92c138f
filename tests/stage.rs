//! A hall in which a client of the API can do everything: an event with a draw, doors, feedback and a waiting list, a second one that costs
//! money, and stand-ins of WeChat, WeChat Pay and a provider of text messages.

use crate::hall::{Client, Hall, event, first_type, local, person};
use crate::message::{Provider, provider};
use crate::pay::{Wechat, account, send};
use crate::wechat::{MINI, Outside};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub struct Stage {
    pub hall: Hall,
    pub admin: Client,
    /// Somebody with no cookies and no token.
    pub anybody: Client,
    pub outside: Outside,
    pub till: Wechat,
    pub provider: Provider,
    pub event: String,
    pub kind: String,
    pub draw: String,
    /// The check-in list at which people check in alone.
    pub list: String,
}

/// A small picture.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(width, height).write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

/// The code of a page as a camera sees it.
pub fn photo(page: &str) -> Vec<u8> {
    const SCALE: u32 = 6;
    let svg = page.split("<svg class=\"qr\"").nth(1).expect("a code").split("</svg>").next().unwrap();
    let side: u32 = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let mut picture = image::GrayImage::from_pixel(side * SCALE, side * SCALE, image::Luma([255]));
    for spot in svg.split('M').skip(1) {
        let (x, rest) = spot.split_once(' ').unwrap();
        let (x, y): (u32, u32) = (x.parse().unwrap(), rest.split('h').next().unwrap().parse().unwrap());
        for (dx, dy) in (0..SCALE).flat_map(|dx| (0..SCALE).map(move |dy| (dx, dy))) {
            picture.put_pixel(x * SCALE + dx, y * SCALE + dy, image::Luma([0]));
        }
    }
    let mut out = std::io::Cursor::new(Vec::new());
    image::DynamicImage::ImageLuma8(picture).write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

impl Stage {
    pub fn open() -> Self {
        let hall = Hall::fresh();
        let admin = hall.set_up();
        let (outside, till, provider) = (Outside::start(), Wechat::start(false), provider(0));
        outside.set_up(&admin);
        crate::message::set_up(&admin, &provider.base);
        let event = event(&admin, "年会");
        let kind = first_type(&admin, &event);
        let base = format!("/admin/event/{event}");
        let post = |path: &str, form: &[(&str, &str)]| {
            let made = admin.post(path, form);
            assert_eq!(made.status, 303, "{path}: {}", made.body);
            made.location.unwrap()
        };
        let sale =
            [("hold", "30"), ("most", "3"), ("offer", "60"), ("waiting", "1"), ("transfer", "1"), ("cancel", "1")];
        post(&format!("{base}/sale"), &sale);
        let form = [
            ("name", "抽奖"),
            ("wins", "1"),
            ("registered", "1"),
            ("joined", "1"),
            ("strangers", "1"),
            ("messages", "1"),
            ("photos", "1"),
            ("theme", "red"),
            ("look", "sphere"),
            ("masking", "masked"),
            ("show_number", "1"),
        ];
        let draw = post(&format!("{base}/draw/new"), &form).rsplit('/').next().unwrap().to_owned();
        let ends = local(300);
        let form = [("name", "侧门"), ("from", &local(-60)), ("to", &ends), ("multi", "once"), ("own", "printed")];
        let list = post(&format!("{base}/list"), &form);
        let list = list.split("/list/").nth(1).map_or_else(
            || {
                let page = admin.get(&format!("{base}/checkin")).body;
                let link = format!("{base}/list/");
                let ids = page.split(link.as_str()).skip(1);
                let ids = ids.filter_map(|rest| rest.split(['"', '/']).next()?.parse::<u64>().ok());
                ids.max().expect("the list is there").to_string()
            },
            |rest| rest.split(['/', '?']).next().unwrap().to_owned(),
        );
        let form = [
            ("revision", "0"),
            ("opens", &local(-5)),
            ("field", "1"),
            ("field-1-label", "总体评价"),
            ("field-1-kind", "rating"),
            ("field-1-required", "1"),
            ("field", "2"),
            ("field-2-label", "建议"),
            ("field-2-kind", "text"),
        ];
        post(&format!("{base}/feedback/form"), &form);
        let anybody = hall.client();
        Self { hall, admin, anybody, outside, till, provider, event, kind, draw, list }
    }

    /// A new event in an hour, of one type at that price, with so many places, paid through WeChat.
    pub fn priced(&self, name: &str, price: &str, quota: &str, more: &[(&str, &str)]) -> (String, String) {
        let event = event(&self.admin, name);
        let edit = format!("/admin/event/{event}/edit");
        let page = self.admin.get(&edit).body;
        let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let later = [("revision", revision), ("name", name), ("starts", &local(60)), ("ends", &local(300))];
        assert_eq!(self.admin.post(&edit, &later).status, 303);
        let kind = first_type(&self.admin, &event);
        if !price.is_empty() {
            let saved = send(&self.admin, "/admin/pay/account", &account(&self.till, &self.hall.base));
            assert_eq!(saved.status, 303, "{}", saved.body);
            assert_eq!(self.admin.post("/admin/payment", &[("wechat-enabled", "1")]).status, 303);
        }
        let mut form = vec![("name", "标准票"), ("price", price), ("quota", quota), ("enabled", "1")];
        form.extend(more);
        let saved = self.admin.post(&format!("/admin/event/{event}/ticket_type/{kind}"), &form);
        assert_eq!(saved.status, 303, "{}", saved.body);
        let sale = [("hold", "30"), ("most", "3"), ("offer", "60"), ("waiting", "1"), ("cancel", "1")];
        assert_eq!(self.admin.post(&format!("/admin/event/{event}/sale"), &sale).status, 303);
        (event, kind)
    }

    /// Registers somebody for the event; answers the link of the ticket and its number in the list.
    pub fn ticket(&self, name: &str, phone: &str) -> (String, String) {
        let id = person(&self.admin, &self.event, &self.kind, name, phone);
        let page = self.admin.get(&format!("/admin/event/{}/registration/{id}", self.event)).body;
        (page.split("/ticket/").nth(1).unwrap().split('"').next().unwrap().to_owned(), id)
    }

    /// Somebody who is checked in; answers the link of the ticket.
    pub fn guest(&self, name: &str, phone: &str) -> String {
        let (link, id) = self.ticket(name, phone);
        let marked = self.admin.post(&format!("/admin/event/{}/registration/{id}/mark", self.event), &[]);
        assert_eq!(marked.status, 303, "{}", marked.body);
        link
    }

    /// What a code on a page says.
    pub fn scanned(&self, page: &str) -> String {
        let shown = self.admin.get(page);
        assert_eq!(shown.status, 200, "{page}: {}", shown.body);
        let said = self.admin.send("/api/v1/checkin/decode", "image/png", photo(&shown.body), &[]);
        assert_eq!(said.status, 200, "{}", said.body);
        let codes = said.json()["codes"].clone();
        let address = codes[0].as_str().unwrap_or_else(|| panic!("{codes}")).to_owned();
        let code = address.split("code=").nth(1).unwrap_or_else(|| panic!("{address}"));
        code.replace("%2E", ".").replace("%3A", ":").replace("%2D", "-").replace("%5F", "_")
    }

    /// The code by which people check in alone.
    pub fn door_code(&self) -> String {
        self.scanned(&format!("/admin/event/{}/list/{}/code?show=print", self.event, self.list))
    }

    /// The code by which people join the draw.
    pub fn join_code(&self) -> String {
        self.scanned(&format!("/admin/event/{}/draw/{}/code", self.event, self.draw))
    }

    /// The code that a phone was sent last.
    pub fn sms_code(&self, phone: &str) -> String {
        let ends = Instant::now() + Duration::from_secs(60);
        loop {
            let taken = self.provider.providers.taken();
            let mine = taken
                .iter()
                .rev()
                .find(|one| one.phone.ends_with(phone) && one.values.first().is_some_and(|value| value.len() == 6));
            if let Some(one) = mine {
                return one.values[0].clone();
            }
            assert!(Instant::now() < ends, "no code for {phone}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Somebody who is logged in through the mini-program.
    pub fn member(&self, who: &str) -> Client {
        let code = self.outside.world.login_code(MINI, who);
        let begun = self.anybody.json("/api/v1/sessions/wechat", &json!({ "code": code }));
        assert_eq!(begun.status, 201, "{}", begun.body);
        let mut member = self.hall.client();
        member.bearer = begun.json()["token"].as_str().map(str::to_owned);
        member
    }

    /// A device of the event by its token.
    pub fn device(&self, name: &str) -> Client {
        let begun = self.anybody.json("/api/v1/checkin/device/initialise", &json!({ "code": self.pairing(name) }));
        assert_eq!(begun.status, 200, "{}", begun.body);
        let mut device = self.hall.client();
        device.bearer = begun.json()["token"].as_str().map(str::to_owned);
        device
    }

    /// The pairing code of a new terminal.
    pub fn pairing(&self, name: &str) -> String {
        let page = self.admin.post(&format!("/admin/event/{}/device", self.event), &[("name", name)]).body;
        page.split("?code=").nth(1).unwrap().split('<').next().unwrap().to_owned()
    }

    /// A round of the draw whose names roll.
    pub fn roll(&self) {
        let base = format!("/admin/event/{}/draw/{}", self.event, self.draw);
        let form = [("prize", "音箱"), ("mode", "people"), ("quantity", "1"), ("per_turn", "1")];
        let made = self.admin.post(&format!("{base}/round"), &form);
        assert_eq!(made.status, 303, "{}", made.body);
        let page = self.admin.get(&base).body;
        let link = format!("{base}/round/");
        let rounds = page.split(link.as_str()).skip(1);
        let round = rounds.filter_map(|rest| rest.split('"').next()?.parse::<u64>().ok()).max().unwrap().to_string();
        self.act("open", &[("round", &round)]);
        self.act("start", &[]);
    }

    /// Presses something of the draw.
    pub fn act(&self, act: &str, more: &[(&str, &str)]) {
        let base = format!("/admin/event/{}/draw/{}", self.event, self.draw);
        let page = self.admin.get(&base).body;
        let version = page.split("data-version=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let mut form = vec![("act", act), ("seen", version.as_str()), ("json", "1")];
        form.extend_from_slice(more);
        let done = self.admin.post(&format!("{base}/act"), &form);
        assert_eq!(done.status, 200, "{act}: {}", done.body);
    }

    /// The draw's state as its screen is given it.
    pub fn screen(&self) -> Value {
        let page = self.admin.get(&format!("/screen/draw/{}", self.draw)).body;
        let text = page.split("data-state=\"").nth(1).unwrap().split('"').next().unwrap();
        let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        serde_json::from_str(&text).unwrap()
    }

    /// How many lines of the audit log hold a text.
    pub fn lines(&self, text: &str) -> usize {
        let (mut found, mut at) = (0, "/admin/audit".to_owned());
        loop {
            let page = self.admin.get(&at).body;
            found += page.split("<tr").filter(|row| row.contains(&format!("<code>{text}</code>"))).count();
            match page.split("href=\"/admin/audit?before=").nth(1) {
                Some(next) => at = format!("/admin/audit?before={}", next.split('"').next().unwrap()),
                None => return found,
            }
        }
    }
}
