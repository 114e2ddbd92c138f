//! What each corpus begins with: small things of every kind that a parser takes. They are made here, so no file of unknown origin lies in the tree.

use crate::{NOW, boxes, hall};
use gateway::depot::Found;
use gateway::wechat::{crypt, push};
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use service::{
    package::{self, Manifest},
    sheet::{Format, write},
    standby::{Answer, Parcel, wire},
};
use std::io::{Cursor, Write};
use store::{Options, Store};

/// Seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "http" => requests(),
        "scanner" => texts(&[
            "100000000007\r\n",
            "https://hall.example/t/ABCDEFGHJKMNPQRSTVWXYZ0123456789\n",
            "１２３４５６",
            "+86 138-0013-8000",
        ])
        .into_iter()
        .chain([vec![2, 1, 3, 1, 11, 1, 28, 1], vec![42, 1, 35, 1, 42, 0, 20, 1, 28, 1]])
        .collect(),
        "query" => texts(&[
            "王小明",
            "phone:138 -name:\"Ada L\" after:2026-01-01",
            "wxm 测试 公司",
            "日期:2026-11 \"unclosed",
            "ﬁne İ ß",
        ]),
        "push" => pushes(),
        "bill" => bills(),
        "frames" => frames(),
        "sheet" => sheets(),
        "picture" => pictures(),
        "text" => documents(),
        "rich" => texts(&[
            "<p>你好 <b>all</b> <a href=\"https://a.cn/?q=1&amp;b\">x</a></p>",
            "<img src=\"/picture/3\" alt=\"a\"><script>x</script><p onclick=x style=\"a\">",
            "<table><tr><td colspan=2>1</table><ul><li>a<li>b</ul><svg><a xlink:href=javascript:x>",
        ]),
        "proxy" => heads(),
        "standby" => messages(),
        "package" => packages(),
        "depot" => lists(),
        other => panic!("{other} has no corpus"),
    }
}

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn requests() -> Vec<Vec<u8>> {
    let cookie = format!("host: hall\r\ncookie: hall_session={}\r\n", hall::SESSION);
    let form = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\n{cookie}origin: http://hall\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let json = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\n{cookie}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n{cookie}\r\n");
    let part = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n姓名,手机\r\n王,13800138000\r\n--b--\r\n";
    let upload = format!(
        "POST /admin/event/1/import HTTP/1.1\r\n{cookie}origin: http://hall\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n\r\n{part}",
        part.len()
    );
    [
        get("/"),
        get("/admin"),
        get("/admin/event/1/registration?q=%E7%8E%8B&sort=name&page=2"),
        get("/admin/search?q=a"),
        get("/event/1"),
        get("/m/3/event/1"),
        get("/asset/app.css"),
        get("/api/v1/event?page=1"),
        form("/admin/event/1", "name=%E4%BC%9A&starts=2026-11-26T10%3A00&ends=2026-11-26T12%3A00"),
        form("/event/1/register", "kind=1&name=%E7%8E%8B&phone=13800138000&agreed=1"),
        form("/login", "login=admin&password=x"),
        json("/api/v1/checkin/redeem", "{\"code\":\"100000000007\",\"nonce\":\"a\",\"event\":1,\"way\":\"typed\"}"),
        json("/api/v1/session/code", "{\"phone\":\"13800138000\"}"),
        upload,
        format!("GET / HTTP/1.1\r\nhost: hall\r\n\r\n{}", get("/admin/person")),
        "POST /api/v1/checkin/redeem HTTP/1.1\r\nhost: hall\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
            .to_owned(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}

fn pushes() -> Vec<Vec<u8>> {
    let (time, nonce) = (NOW.to_string(), "n");
    let query = format!("signature={}&timestamp={time}&nonce={nonce}", crypt::sign(&["token", &time, nonce]));
    let event = format!(
        "<xml><ToUserName><![CDATA[a]]></ToUserName><FromUserName>b</FromUserName><CreateTime>{NOW}</CreateTime><MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent><List><TemplateId>t</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List></SubscribeMsgPopupEvent></xml>"
    );
    let json = format!(
        "{{\"FromUserName\":\"b\",\"CreateTime\":{NOW},\"MsgType\":\"text\",\"Content\":\"你好\",\"MsgId\":7}}"
    );
    assert!(push::Door::new("token", None).take(&push::Signed::parse(&query), event.as_bytes(), NOW).is_ok());
    [event, json].iter().map(|body| format!("{query}\n{body}").into_bytes()).collect()
}

fn bills() -> Vec<Vec<u8>> {
    let trade = "\u{feff}交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易状态,应结订单金额,微信退款单号,商户退款单号,退款金额,手续费,订单金额,申请退款金额\r\n`2026-11-25 10:00:00,`wx1,`1900,`42,`P1,`SUCCESS,`100.00,`0,`0,`0.00,`0.60000,`100.00,`0.00\r\n总交易单数,应结订单总金额\r\n`1,`100.00\r\n";
    let fund = "记账时间,收支类型,收支金额（元）\r\n`2026-11-25 10:00:00,`收入,`12.30\r\n`x,`支出,`-1.00\r\n";
    assert!(gateway::pay::file::trade(trade).unwrap().rows.len() == 1);
    assert!(gateway::pay::file::fund(fund).unwrap().income == 1_230);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(trade.as_bytes()).unwrap();
    vec![trade.into(), fund.into(), packed.finish().unwrap()]
}

/// A journal with a few groups: its segment, cut behind them, and the groups as a part.
fn frames() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(Options::new(folder.path())).unwrap();
    for n in 0..3u8 {
        let line = vec![n; 40];
        let wrote: Result<(), store::Error> =
            store.write_blocking(move |tx| tx.space(domain::SpaceId(1)).audit(line.clone()));
        wrote.unwrap();
    }
    let mut part = Vec::new();
    assert!(store.part(0, store.stats().sequence, &mut part).unwrap());
    let segment = std::fs::read_dir(folder.path().join("journal")).unwrap().flatten();
    let segment = segment.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "seg"));
    let mut segment = std::fs::read(segment.unwrap()).unwrap();
    let used = segment.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    segment.truncate(used);
    assert_eq!(store::look_at_segment(&segment).unwrap(), (3, false));
    assert_eq!(store::look_at_part(&part).unwrap(), 3);
    // What the first group's frame holds.
    let length = u32::from_le_bytes(*part[4..].first_chunk().unwrap()) as usize;
    let group = part[24..24 + length].to_vec();
    assert!(store::look_at_group(&group).unwrap() > 0);
    vec![segment, part, group]
}

fn sheets() -> Vec<Vec<u8>> {
    let rows: Vec<Vec<String>> = [["姓名", "手机", "备注"], ["王小明", "13800138000", "=1+1"], ["Ada", "", "a\"b\nc"]]
        .iter()
        .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
        .collect();
    let mut all: Vec<Vec<u8>> = [Format::Xlsx, Format::Csv].map(|format| write(format, &rows).unwrap()).into();
    all.push(vec![0xd0, 0xd5, 0xc3, 0xfb, b',', b'a', b'\n', 0xcd, 0xf5, b',', b'1', b'\n']);
    all.push(b"a;b\n1;2\n\"x;y\";3".to_vec());
    all
}

fn pictures() -> Vec<Vec<u8>> {
    let code = qrcode::QrCode::new(b"100000000007").unwrap();
    let (side, width) = (code.width() as u32, 3u32);
    let colours = code.to_colors();
    let drawn = GrayImage::from_fn((side + 8) * width, (side + 8) * width, |x, y| {
        let (x, y) = ((x / width).wrapping_sub(4), (y / width).wrapping_sub(4));
        let dark = x < side && y < side && colours[(y * side + x) as usize] == qrcode::Color::Dark;
        Luma([if dark { 0 } else { 255 }])
    });
    let drawn = DynamicImage::ImageLuma8(drawn);
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP]
        .map(|format| {
            let mut out = Cursor::new(Vec::new());
            let picture = if format == ImageFormat::WebP { drawn.to_rgb8().into() } else { drawn.clone() };
            DynamicImage::write_to(&picture, &mut out, format).unwrap();
            out.into_inner()
        })
        .into()
}

fn documents() -> Vec<Vec<u8>> {
    let packed = |form: u8, name: &str, xml: &str| {
        let mut archive = zip::ZipWriter::new(Cursor::new(vec![]));
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(xml.as_bytes()).unwrap();
        [vec![form], archive.finish().unwrap().into_inner()].concat()
    };
    let marked = |form: u8, text: &str| [vec![form], text.as_bytes().to_vec()].concat();
    vec![
        packed(
            0,
            "word/document.xml",
            "<w:document><w:body><w:p><w:r><w:t>今天 &amp; b</w:t></w:r></w:p></w:body></w:document>",
        ),
        packed(1, "ppt/slides/slide1.xml", "<p:sld><a:p><a:r><a:t>一</a:t></a:r></a:p></p:sld>"),
        packed(
            2,
            "content.xml",
            "<office:document-content><text:p>文 <text:s text:c=\"3\"/>字</text:p></office:document-content>",
        ),
        marked(3, "<html><head><title>t</title><style>x</style></head><body><p>a&nbsp;b<br>c</body>"),
        marked(4, "plain 文字"),
        marked(5, "a,b\n1,2"),
    ]
}

/// Heads with what stands behind them.
fn heads() -> Vec<Vec<u8>> {
    let both = ["203.0.113.9:4660", "[2001:db8::1]:99"].map(|address| boxes::heads(address.parse().unwrap()));
    let plain = [b"PROXY UNKNOWN\r\n".to_vec(), [&domain::proxy::MARK[..], &[0x20, 0, 0, 3, 4, 0, 0]].concat()];
    both.into_iter().flatten().chain(plain).map(|head| [head, b"GET / HTTP/1.1".to_vec()].concat()).collect()
}

/// All that two boxes say to each other, and a code.
fn messages() -> Vec<Vec<u8>> {
    use wire::{Ack, Beat, Hello, Message};
    let secret = "abcdefghijklmnopqrstuvwxyz012345".to_owned();
    let follow = Hello::Follow {
        secret: secret.clone(),
        epoch: 2,
        history: "h".into(),
        last: 9,
        digest: Some("00".repeat(32)),
        port: 8_443,
    };
    let parcel = Parcel {
        secret: secret.clone(),
        key: "07".repeat(32),
        certificates: vec![("standby.json".into(), "7b7d".into())],
    };
    let answer = Answer { version: wire::VERSION, last: 3, parcel: Some(parcel), ..Answer::default() };
    let questions = [
        Hello::Pair { code: secret.clone(), port: 8_443 },
        follow,
        Hello::Stop { secret, epoch: 3 },
        Hello::Stand { proof: "p".into(), epoch: 1 },
    ];
    let leads = vec![
        Message::Answer(Box::new(answer)),
        Message::Snapshot(true),
        Message::Part(vec![7; 100]),
        Message::Part(Vec::new()),
        Message::Group(frames().swap_remove(2).into()),
        Message::Beat(Beat { last: 7 }),
        Message::Names(vec![[1; 32], [2; 32]], true),
        Message::Names(Vec::new(), false),
        Message::Piece([4; 32], false, vec![5; 10]),
        Message::Piece([4; 32], true, Vec::new()),
        Message::Gone([6; 32]),
    ];
    let follows = vec![Message::Want(vec![[3; 32]]), Message::Ack(Ack { last: 7, files: 1 })];
    let streams = questions.map(|question| vec![Message::Hello(question)]).into_iter().chain([leads, follows]);
    let code = domain::standby::Code { address: "192.168.1.5:8443".into(), once: "a".repeat(32), pin: [9; 32] };
    streams
        .map(|stream| {
            let mut out = Vec::new();
            for message in stream {
                crate::runtime().unwrap().block_on(wire::send(&mut out, &message)).unwrap();
            }
            out
        })
        .chain([code.text().into_bytes()])
        .collect()
}

/// A package as the makers sign it, and manifests by themselves.
fn packages() -> Vec<Vec<u8>> {
    let (pair, _) = boxes::makers().unwrap();
    let manifest = |program: &[u8]| {
        let (sha256, bytes) = package::hash_of(&mut &*program).unwrap();
        let (name, target, version) = (package::NAME.into(), package::target(), "0.2.0".into());
        serde_json::to_vec(&Manifest { name, version, target, sha256, bytes, since: "0.1.0".into() }).unwrap()
    };
    let (program, other) = (vec![7; 2_000], manifest(b"a program"));
    let whole = package::pack(&manifest(&program), &pair, (2_000, program.as_slice()), Vec::new()).unwrap();
    let key = ring::signature::KeyPair::public_key(&pair).as_ref().try_into().unwrap();
    assert_eq!(package::read(whole.as_slice(), &key, || Ok(Vec::new())).unwrap().1, program);
    let pretty = serde_json::from_slice::<Manifest>(&other).unwrap();
    vec![whole, serde_json::to_vec_pretty(&pretty).unwrap(), other]
}

fn lists() -> Vec<Vec<u8>> {
    let found = |name: &str, bytes, folder| Found { name: name.into(), bytes, folder };
    let dav = [
        (found("钱箱", 0, true), "/backup/钱箱".to_owned()),
        (found("a b.age", 7, false), "/backup/钱箱/a b.age".to_owned()),
    ];
    let s3 = vec![found("full-1.age", 7, false), found("a & b", 0, true)];
    let texts = [
        boxes::folder(&dav),
        boxes::page(&(s3, Some("1/b=".into()))),
        "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>none &#x4e00;</Message></Error>".to_owned(),
        "<a><response><href><![CDATA[https://host/x%2fy/]]></href><!-- no --><status/></response></a>".to_owned(),
    ];
    texts.map(String::into_bytes).into()
}
