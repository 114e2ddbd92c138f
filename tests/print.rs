//! Posters, printing, certificates, sources, maps and calendars through real sockets: who may what, hostile input, and that figures add up.

use crate::hall::{Client, Hall, event, first_type, local, number, person, terminal};
use serde_json::json;

/// Makes a design; returns its number.
fn design(admin: &Client, event: &str, preset: &str) -> String {
    let made = admin.post(&format!("/admin/event/{event}/design"), &[("preset", preset)]);
    assert_eq!(made.status, 303, "{}", made.body);
    made.location.unwrap().rsplit('/').next().unwrap().to_owned()
}

/// Text as it was before it was escaped.
fn plain(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The fields of the designer's form as a browser would send them without a change.
fn fields(admin: &Client, path: &str) -> Vec<(String, String)> {
    let page = admin.get(path).body;
    let form = page.split("id=\"design\"").nth(1).unwrap().split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
        Some(plain(value))
    };
    let mut found = Vec::new();
    for tag in form
        .split('<')
        .filter(|tag| tag.starts_with("input") || tag.starts_with("textarea") || tag.starts_with("select"))
    {
        let Some(name) = attribute(tag, "name") else { continue };
        let value = if tag.starts_with("input") {
            let boxed = tag.contains("type=\"checkbox\"");
            if tag.contains("type=\"file\"") || boxed && !tag.contains("checked") {
                continue;
            }
            attribute(tag, "value").unwrap_or_default()
        } else if tag.starts_with("textarea") {
            tag.split_once('>').map_or(String::new(), |(_, text)| plain(text))
        } else {
            let options = form.split(&format!("name=\"{name}\"")).nth(1).unwrap().split("</select>").next().unwrap();
            let chosen = options.split("<option").find(|option| option.contains(" selected"));
            chosen.and_then(|option| attribute(option, "value")).unwrap_or_default()
        };
        found.push((name, value));
    }
    found
}

fn post(client: &Client, path: &str, form: &[(String, String)], change: &[(&str, &str)]) -> crate::hall::Answer {
    let kept = form.iter().filter(|(name, _)| !change.iter().any(|(changed, _)| changed == name));
    let pairs: Vec<(&str, &str)> =
        kept.map(|(name, value)| (name.as_str(), value.as_str())).chain(change.iter().copied()).collect();
    client.post(path, &pairs)
}

#[test]
fn a_design_is_changed_by_its_fields_alone() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let id = design(&admin, &event, "badge_sheet");
    let path = format!("/admin/event/{event}/design/{id}");
    let form = fields(&admin, &path);
    let saved = post(&admin, &path, &form, &[("act", "save"), ("e3-x", "7.5"), ("e3-text", "<b>{} 先生")]);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let kept = fields(&admin, &path);
    let of = |name: &str| kept.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!((of("e3-x").as_str(), of("e3-text").as_str(), of("revision").as_str()), ("7.5", "<b>{} 先生", "1"));
    let svg = admin.get(&format!("{path}/preview.svg")).body;
    assert!(svg.contains("&lt;b&gt;李明远 先生") && !svg.contains("<b>"), "{svg}");
    let stale = post(&admin, &path, &form, &[("act", "save"), ("e3-x", "9")]);
    assert!(
        stale.status == 409 && stale.body.contains("value=\"9\""),
        "a stale form is refused and what was typed stays"
    );
    let wrong = post(&admin, &path, &kept, &[("act", "save"), ("e3-w", "far"), ("columns", "9")]);
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("id=\"e-e3-w\"")
            && wrong.body.contains("id=\"e-columns\"")
            && wrong.body.contains("value=\"far\"")
    );
    let added = post(&admin, &path, &kept, &[("act", "add"), ("add", "portrait")]);
    assert_eq!(added.status, 303, "{}", added.body);
    let more = fields(&admin, &path);
    assert_eq!(
        more.iter().filter(|(name, _)| name == "e").count(),
        kept.iter().filter(|(name, _)| name == "e").count() + 1
    );
    let removed = post(&admin, &path, &more, &[("act", "remove-3")]);
    assert_eq!(removed.status, 303, "{}", removed.body);
    assert!(!fields(&admin, &path).iter().any(|(name, _)| name == "e3-x"));
    let sketched = post(&admin, &format!("{path}/preview"), &more, &[("e3-text", "草稿 {}")]);
    assert!(sketched.body.contains("草稿 李明远") && sketched.headers["content-type"].starts_with("image/svg+xml"));
    assert!(!admin.get(&format!("{path}/preview.svg")).body.contains("草稿"), "a preview changes nothing");
}

#[test]
fn hostile_pictures_are_refused_and_named_by_their_field() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "张三", "");
    let id = design(&admin, &event, "poster");
    let path = format!("/admin/event/{event}/design/{id}");
    let form = fields(&admin, &path);
    let pairs: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let script = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let svg = admin.upload(&path, &pairs, ("ground_file", "x.svg", script));
    assert!(svg.status == 422 && svg.body.contains("id=\"e-ground_file\""), "{}", svg.status);
    let png = admin.upload(&path, &pairs, ("ground_file", "x.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff"));
    assert_eq!(png.status, 422);
    let portrait = format!("/admin/event/{event}/registration/{ticket}/portrait/upload");
    let told = admin.upload(&portrait, &[], ("picture", "x.svg", script));
    assert_eq!(told.status, 303);
    assert_eq!(admin.get(&format!("/admin/event/{event}/registration/{ticket}/portrait")).status, 404);
    let huge = vec![7; 100 << 20];
    let mut body =
        b"--cut\r\nContent-Disposition: form-data; name=\"ground_file\"; filename=\"x.jpg\"\r\n\r\n".to_vec();
    body.extend(&huge);
    body.extend(b"\r\n--cut--\r\n");
    let refused = admin.try_send(&path, "multipart/form-data; boundary=cut", body, &[]);
    assert!(refused.is_err() || refused.is_ok_and(|answer| matches!(answer.status, 413 | 422)), "100 MB are too many");
    assert_eq!(admin.get(&path).status, 200, "the hall goes on");
    let foreign = post(&admin, &path, &form, &[("ground", "p999")]);
    assert!(foreign.status == 422, "a picture that is not there");
}

#[test]
fn a_poster_brings_visitors_and_registrations_that_are_counted() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let base = format!("/admin/event/{event}/promotion");
    let nobody = hall.client();
    assert_eq!(nobody.get(&format!("/event/{event}/poster")).status, 404, "off at first");
    assert_eq!(nobody.get(&format!("/event/{event}/poster.png")).status, 404);
    let early = admin.post(&base, &[("revision", "0"), ("posters", "1")]);
    assert!(early.status == 422 && early.body.contains("请先设计一张海报"), "{}", early.body);
    design(&admin, &event, "poster");
    assert_eq!(admin.post(&base, &[("revision", "0"), ("posters", "1")]).status, 303);
    assert_eq!(admin.post(&format!("{base}/source"), &[("source", "门口海报")]).status, 303);
    let png = nobody.get(&format!("/event/{event}/poster.png"));
    assert_eq!((png.status, png.headers["content-type"].as_str()), (200, "image/png"), "{}", png.body);
    let register = |from: &str, name: &str, phone: &str| {
        let visitor = hall.client();
        let page = visitor.get(&format!("/event/{event}?from={from}"));
        assert!(page.body.contains("/poster") && page.body.contains("calendar.ics"));
        visitor.get(&format!("/event/{event}?from={from}"));
        let form = [("name", name), ("phone", phone), ("kind", kind.as_str()), ("once", "")];
        let made = visitor.post(&format!("/event/{event}/register"), &form);
        assert_eq!(made.status, 303, "{}", made.body);
        let link = made.location.unwrap();
        (visitor, link.split('?').next().unwrap().to_owned())
    };
    let (host, ticket) = register("s1", "张三", "13800000001");
    assert!(host.get(&ticket).body.contains(&format!("{ticket}/poster")));
    assert_eq!(host.get(&format!("{ticket}/poster.png")).headers["content-type"], "image/png");
    let svg = host.get(&format!("{ticket}/poster.svg")).body;
    assert!(svg.contains(">张三<"), "the holder's name stands on it");
    register("m1", "李四", "13800000002");
    register("m77", "王五", "13800000003");
    let page = admin.get(&base).body;
    let row = |name: &str| {
        let cells = page.split(&format!(">{name}<")).nth(1).unwrap().split("</tr>").next().unwrap().to_owned();
        cells
            .split("class=\"num\"><div>")
            .skip(1)
            .map(|cell| cell.split('<').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(row("门口海报"), ["1", "1"], "looked at twice by one phone");
    assert_eq!(row("张三"), ["1", "1"]);
    assert!(!page.contains("王五"), "nobody comes by a poster that does not exist");
    for code in ["qr.svg?from=s1", "qr.png?from=s1", "qr?from=s1", "qr.svg", "qr?from=%3Cscript%3E"] {
        assert_eq!(admin.get(&format!("{base}/{code}")).status, 200, "{code}");
    }
    assert_eq!(admin.post(&format!("{base}/source/s1/remove"), &[]).status, 303);
    assert!(admin.get(&base).body.contains("门口海报"), "who brought people stays");
    let data = hall.data.clone();
    let _folder = hall.end_and_keep();
    let verified = std::process::Command::new(env!("CARGO_BIN_EXE_huiguan"))
        .args(["verify", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
    let again = Hall::at(&data);
    let login = again.client();
    assert_eq!(login.post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]).status, 303);
    assert!(login.get(&base).body.contains("门口海报"));
}

#[test]
fn a_shared_link_shows_its_own_card_only_when_it_is_on() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let nobody = hall.client();
    let tag = |name: &str| {
        let page = nobody.get(&format!("/event/{event}")).body;
        page.split(&format!("property=\"og:{name}\" content=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert_eq!(tag("title"), "年会");
    let picture = tag("image");
    let drawn = nobody.get(picture.strip_prefix(&hall.base).unwrap());
    assert_eq!((drawn.status, drawn.headers["content-type"].as_str()), (200, "image/png"), "{picture}");
    let base = format!("/admin/event/{event}/promotion");
    let bare = admin.post(&base, &[("revision", "0"), ("custom", "1")]);
    assert!(bare.status == 422 && bare.body.contains("id=\"e-title\""));
    let form = [("revision", "0"), ("custom", "1"), ("title", "邀您共赴\"盛会\"<"), ("description", "名额有限")];
    assert_eq!(admin.post(&base, &form).status, 303);
    assert_eq!((tag("title").as_str(), tag("description").as_str()), ("邀您共赴&quot;盛会&quot;&lt;", "名额有限"));
    let off = [("revision", "1"), ("title", "邀您共赴"), ("description", "名额有限")];
    assert_eq!(admin.post(&base, &off).status, 303);
    assert_eq!(tag("title"), "年会", "what was typed is kept for another time");
}

#[test]
fn the_place_opens_maps_and_calendars_know_it() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let path = format!("/admin/event/{event}/edit");
    let edit = |revision: &str, more: &[(&str, &str)]| {
        let starts = local(-30);
        let ends = local(300);
        let mut form = vec![
            ("revision", revision),
            ("name", "年会"),
            ("starts", starts.as_str()),
            ("ends", ends.as_str()),
            ("cover", "t0"),
        ];
        form.extend(more);
        admin.post(&path, &form)
    };
    let wrong = edit("2", &[("latitude", "100"), ("longitude", "120.2"), ("datum", "wgs84")]);
    assert!(wrong.status == 422 && wrong.body.contains("id=\"e-latitude\"") && wrong.body.contains("value=\"120.2\""));
    let saved = edit("2", &[("latitude", "30.245853"), ("longitude", "120.209947"), ("datum", "gcj02")]);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let nobody = hall.client();
    let page = nobody.get(&format!("/event/{event}")).body;
    for link in [
        "https://uri.amap.com/marker?position=120.209947,30.245853",
        "https://apis.map.qq.com/",
        "https://maps.apple.com/",
        "geo:30.24",
    ] {
        assert!(page.contains(link), "{link}");
    }
    let file = nobody.get(&format!("/event/{event}/calendar.ics"));
    assert!(file.headers["content-type"].starts_with("text/calendar"));
    assert!(
        file.body.contains("GEO:30.24") && file.body.contains("BEGIN:VEVENT") && file.body.contains("SUMMARY:年会")
    );
    assert_eq!(edit("3", &[]).status, 303);
    assert!(
        nobody.get(&format!("/event/{event}")).body.contains("geo:"),
        "a form without the fields changes nothing of them"
    );
    assert_eq!(edit("4", &[("latitude", ""), ("longitude", "")]).status, 303);
    assert!(!nobody.get(&format!("/event/{event}")).body.contains("geo:"));
}

#[test]
fn a_certificate_is_checked_by_anybody_and_drawn_for_its_holder_alone() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "欧阳锋", "13800000001");
    person(&admin, &event, &kind, "没来", "13800000002");
    let door = terminal(&hall, &admin, &event);
    let scan = json!({ "code": number(&admin, &event, &ticket), "nonce": "n" });
    assert_eq!(door.json("/api/v1/checkin/redeem", &scan).json()["verdict"], "admitted");
    let id = design(&admin, &event, "certificate");
    let base = format!("/admin/event/{event}/certificate");
    assert_eq!(admin.post(&base, &[("design", &id)]).status, 303);
    let list = admin.get(&base).body;
    assert!(list.contains("欧阳锋") && !list.contains("没来"));
    let one = format!("{base}/1");
    let page = admin.get(&one).body;
    let check = page
        .split("/certificate/")
        .find_map(|part| part.get(..19).filter(|code| code.matches('-').count() == 3))
        .unwrap();
    let check = format!("/certificate/{check}");
    let nobody = hall.client();
    let public = nobody.get(&check);
    assert!(
        public.status == 200 && public.body.contains("这张证书有效") && public.body.contains("欧*锋"),
        "{}",
        public.body
    );
    assert!(
        !public.body.contains("欧阳锋") && !public.body.contains("13800000001"),
        "strangers see no more than they need"
    );
    assert_eq!(nobody.get("/certificate/ABCD-EFGH-IJKL-MNOP").status, 404);
    assert_eq!(nobody.get("/certificate?number=xyz").status, 422);
    let found = nobody.get(&format!("/certificate?number={}", check.rsplit('/').next().unwrap().to_lowercase()));
    assert_eq!(found.location.as_deref(), Some(check.as_str()));
    let holder = admin.get(&format!("/admin/event/{event}/registration/{ticket}")).body;
    let link = holder.split("/ticket/").nth(1).unwrap().split('"').next().unwrap();
    let mine = format!("/ticket/{link}/certificate/1");
    assert_eq!(nobody.get(&format!("{mine}/picture.png")).headers["content-type"], "image/png");
    assert!(nobody.get(&format!("{mine}/print")).body.contains("欧阳锋"));
    assert!(nobody.get(&format!("/ticket/{link}")).body.contains(&mine));
    assert_eq!(nobody.get(&format!("{one}/picture.png")).status, 303, "the secretariat's copy is behind the log-in");
    assert_eq!(admin.post(&format!("{one}/revoke"), &[("reason", "")]).status, 422);
    assert_eq!(admin.post(&format!("{one}/revoke"), &[("reason", "姓名有误")]).status, 303);
    let public = nobody.get(&check).body;
    assert!(public.contains("撤销") && public.contains("姓名有误"));
    assert_eq!(nobody.get(&format!("{mine}/picture.png")).status, 404);
    assert_eq!(admin.post(&format!("{one}/reissue"), &[]).status, 303);
    assert!(nobody.get(&check).body.contains("0002"), "the old one names the new one");
    assert_eq!(admin.post(&format!("{one}/reissue"), &[]).status, 303);
    assert!(admin.get(&base).body.matches("欧阳锋").count() >= 2);
}

#[test]
fn a_badge_is_printed_where_its_holder_was_let_in() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let (came, absent) = (person(&admin, &event, &kind, "张三", ""), person(&admin, &event, &kind, "李四", ""));
    let door = terminal(&hall, &admin, &event);
    let scan = json!({ "code": number(&admin, &event, &came), "nonce": "n" });
    door.json("/api/v1/checkin/redeem", &scan);
    let badge = |ticket: &str| door.post(&format!("/terminal/{event}/badge"), &[("ticket", ticket)]);
    assert_eq!(badge(&came).status, 409, "nothing is set");
    assert!(!door.get("/terminal").body.contains("data-badge="));
    let id = design(&admin, &event, "badge_card");
    let set = |design: &str| admin.post(&format!("/admin/event/{event}/device/1/print"), &[("design", design)]);
    assert_eq!(set(&id).status, 303);
    assert!(
        door.get("/terminal").body.contains("data-badge=")
            && door.get("/terminal").body.contains("/page.css?w=900&amp;h=540")
    );
    let drawn = badge(&came);
    assert!(drawn.status == 200 && drawn.body.contains(">张三<"), "{}", drawn.body);
    assert_eq!(badge(&absent).status, 409, "no list of names by the back door");
    assert_eq!(hall.client().post(&format!("/terminal/{event}/badge"), &[("ticket", &came)]).status, 401);
    let page = admin.get(&format!("/admin/event/{event}/registration/{came}")).body;
    assert!(page.contains("签到时打印") && page.contains("大门"));
    let sheets = admin.post(&format!("/admin/event/{event}/print/{id}"), &[("show", "absent")]);
    let run = sheets.location.unwrap();
    let shown = admin.get(&run).body;
    assert!(shown.contains(">李四<") && !shown.contains(">张三<"), "the filter says for whom");
    assert!(shown.contains("/page.css?w=900&amp;h=540") && !shown.contains("style=\""));
    let css = hall.client().get("/page.css?w=900&h=540");
    assert!(css.body.contains("size: 90mm 54mm"), "{}", css.body);
    for bad in ["/page.css", "/page.css?w=1&h=1", "/page.css?w=900&h=99999", "/page.css?w=9%7D&h=900"] {
        assert!((400..500).contains(&hall.client().get(bad).status), "{bad}");
    }
    assert_eq!(admin.post(&format!("/admin/event/{event}/print"), &[("ticket", &came), ("design", &id)]).status, 303);
    let page = admin.get(&format!("/admin/event/{event}/registration/{came}")).body;
    assert!(page.contains("单独打印") && page.contains("补打"));
}
