//! Mail against a server that verifies it, and signatures that break with every change.

use super::{dkim::Signer, standin::*, *};

/// A key for tests alone.
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCQO4zhcjw0SDV7
VtmhzOQfGG69sujFLfTSnIsfsPNZz4CIBpCtTJMqHtD+WRHNX9Qg7beZoY9OLuBm
KYNeCp4NkWn9qHcF4d1VjTfdl6gVE3kYlH5cTEyHv+h6dUy5KG1R1PdEZOIVMy2s
UokluMue5hDELdLy4DwAggDKd3ic9AkYqvwvt8iSvNFsFxJyLwMSYQDiC7M7P+ui
CoFMKqVShH0n8ps35mxnRuykgk4Z8/9zzNcPw9PG9w440XH7rwZl0vPXQ9r/G0Dj
C9R3t2wVxGhOxfPuqKPag2FpdIgjfNSK9GVGK4C2VA5PAJLRotqPxC1z9RkjiLBR
cveI2qodAgMBAAECggEAFhJW28Use1+1d3tx8HW3Tx7hC3yObGY8+eHk1GOyycKc
S7SdfTejqaVvnAyrUb9haeyW1RbJJFC+HEQsCz8asr7W9m9KT4ch5M6ohuuHWDpT
pLRMpfkzGO8AN4UtyYPrPsOVV00M3+umCKHUxQYDevyAAlV025/+7qD2WAVyWqou
wltJNGgY/vcZQe/1icMB02Q7H10CGwscfLu91WAuHz3NHP/PJtPdfr+K+btgDyd2
ixbDlkuHnH9DIE3L2BMeDX2ZU+TRKJ2M1B3S9awZmWzsVmXiDZWen362juu8KlX/
fTY+VfJLmXY240Ne4cf24UbEgimfk8rrDANmk4HazQKBgQDICedJJ5DWXEw2pPrh
MGcSwbG2hBqrzjciD24/kiJibH9eVa/3l5gH1qAzFWZhWkqO9YCFh/47Dj8z8ixJ
a7wciRBYuD6E3VodUwN3/F5dujN1nldVrDzvjJ8eMIIwo7+97H5FOsqUJWyaSVQZ
dwYJvGVjjlo7vf48pIn1kt5mMwKBgQC4lQEgQ+0emcjXmvHVKpbp8vOv3lv/E93W
0xvSM2HlVcZRRAgUJ2ousIhA/inkkR1cUFFoCvJlpLWDjL3QESmPtvCIJI5o21x6
icMbeuMK5fRnO4sEYH+pC1zE9G1tA/wKNUAMFAqU0F3O6HCcpwqPf6DoC3tsaHay
569hZ6Q+bwKBgBVu6jcuZBhzvz7DopXqR8D8u/vgX7M03zdpC9kH4WNGWMdUywvu
VD3Sw0t16YhY0lBLAcBM9/J/7km0kwYy4u7zyKqY4yn9RaCKun5qrfnA766UjqsB
T24jVRE5BVoM0YiaBFWKnRYOhHprjPVFiYIVi4+FOynXi5wXzShg2i99AoGAP1HO
SxVCOKckwOHEaA3uK19OvVwYTw6voUxWVOuPf67HE4W1B8TlphKlCzalhGVLnylm
Y7ytnrS8F96mFsRsb4KgTPPNbqchuF+d8MVdMZXlG6zPabb41DKzplT7XNRrF81g
pUQSxS4doCcYyoR7GPL9bdzSgEPtxD26aj21mD0CgYAK68iAEVPi+bWoiKMcqsol
6Jbdw/olLp7hGfwTaYARTWpXIBDgKVX9jjMSxyxfI7zWJIcWo7AUyVqO6vkcGqUq
WCdLn3xfU+lLdLPz7EiBr+sI4Rx/lb56WFLI3Gh+/5WV+woVKtOIsaSlqT/efJYi
+4QBSKIbH9tPeBYFxQshyQ==
-----END PRIVATE KEY-----
";

fn account(server: &MailServer) -> Account {
    Account {
        host: "127.0.0.1".into(),
        port: server.address.port(),
        security: MailSecurity::None,
        user: "hall".into(),
        password: "secret".into(),
        from: ("office@example.org".into(), "江南工商联合会".into()),
        reply_to: "desk@example.org".into(),
        bounce: "bounce@example.org".into(),
        dkim: Some(("example.org".into(), "hall".into(), KEY.into())),
    }
}

fn mail() -> Mail {
    Mail {
        to: ("li.si@example.com".into(), "李四".into()),
        subject: "年会：报名成功".into(),
        text: "您好，李四！\n\n.一行以点开头\n谢谢  。\n\n".into(),
        ours: "n7".into(),
        leave: Some("https://hall.example.org/message/leave/abc".into()),
    }
}

async fn server() -> MailServer {
    let key = Signer::new("example.org", "hall", KEY).unwrap().public_key().to_vec();
    let rules = Rules { login: Some(("hall".into(), "secret".into())), key: Some(key) };
    MailServer::start(rules).await.unwrap()
}

#[tokio::test]
async fn a_mail_arrives_signed_with_its_bounce_address_and_a_way_out() {
    let server = server().await;
    let id = account(&server).send(&mail(), Time(1_795_570_200_000)).await.unwrap();
    let taken = server.taken().pop().unwrap();
    assert_eq!(taken.signature, Ok(()));
    assert_eq!(
        (taken.back.as_str(), taken.to.as_slice()),
        ("bounce@example.org", &["li.si@example.com".to_owned()][..])
    );
    assert_eq!((taken.header("message-id"), id.as_str()), (id.clone(), "<n7@example.org>"));
    assert_eq!(taken.header("list-unsubscribe"), "<https://hall.example.org/message/leave/abc>");
    assert_eq!(taken.header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
    assert_eq!(taken.header("reply-to"), "desk@example.org");
    assert!(taken.header("subject").starts_with("=?utf-8?b?"), "{}", taken.header("subject"));
    assert!(taken.header("date").starts_with("Wed, 25 Nov 2026 01:30:00"));
    assert!(taken.text().contains(".一行以点开头"), "{}", taken.text());
}

#[tokio::test]
async fn what_a_server_says_decides_and_a_connection_that_broke_says_nothing() {
    let server = server().await;
    let account = account(&server);
    let mail = mail();
    let send = || account.send(&mail, Time(0));
    server.answer("550 5.1.1 no such user");
    assert_eq!(send().await.unwrap_err().done, Done::Refused);
    server.answer("451 4.7.1 come back later");
    assert_eq!(send().await.unwrap_err().done, Done::Not);
    server.cut();
    assert_eq!(send().await.unwrap_err().done, Done::Unknown);
    assert_eq!(server.taken().len(), 1, "it was taken all the same");
    let wrong = Account { password: "wrong".into(), ..account.clone() };
    assert_eq!(wrong.send(&mail, Time(0)).await.unwrap_err().done, Done::Refused);
    assert_eq!(wrong.test().await.unwrap_err().done, Done::Refused);
    account.test().await.unwrap();
    let port = server.address.port();
    drop(server);
    let gone = Account { port, ..account.clone() };
    // The server's task ends with it; nobody listens any more.
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(gone.send(&mail, Time(0)).await.unwrap_err().done, Done::Not);
    let open = Account { host: "mail.example.org".into(), ..account };
    assert_eq!(open.send(&mail, Time(0)).await.unwrap_err().done, Done::Refused, "never without TLS over the network");
}

#[test]
fn a_signature_covers_head_and_body_and_survives_what_relays_do() {
    let signer = Signer::new("example.org", "hall", KEY).unwrap();
    let message = b"From: a@example.org\r\nTo: b@example.com\r\nSubject:  two   words\r\n\there\r\n\r\nLine one \r\n\r\nLine  two\r\n\r\n\r\n";
    let signed = |message: &[u8]| {
        let mut all = signer.sign(message, Time(0)).unwrap().into_bytes();
        all.extend_from_slice(message);
        all
    };
    let whole = String::from_utf8(signed(message)).unwrap();
    let verify = |text: &str| dkim::verify(text.as_bytes(), signer.public_key());
    assert_eq!(verify(&whole), Ok(()));
    for (from, to) in
        [("two   words\r\n\there", "two words here"), ("Line one \r\n", "Line one\r\n"), ("two\r\n\r\n\r\n", "two\r\n")]
    {
        assert_eq!(verify(&whole.replace(from, to)), Ok(()), "{from:?}");
    }
    for (from, to) in [
        ("a@example.org", "c@example.org"),
        ("Line one", "Line won"),
        ("two   words", "too words"),
        ("d=example.org", "d=example.net"),
    ] {
        assert!(verify(&whole.replace(from, to)).is_err(), "{from:?}");
    }
    assert_eq!(verify("From: a@example.org\r\n\r\nx\r\n"), Err("not signed".to_owned()));
    let (name, value) = signer.record();
    assert_eq!(name, "hall._domainkey.example.org");
    assert!(value.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"), "{value}");
    assert!(Signer::new("x", "y", "nothing").is_err() && Signer::new("x", "y", &KEY.replace('A', "B")).is_err());
}

#[test]
fn names_and_subjects_from_people_cannot_add_headers() {
    let account = Account {
        host: String::new(),
        port: 1,
        security: MailSecurity::Tls,
        user: String::new(),
        password: String::new(),
        from: ("office@example.org".into(), "x".into()),
        reply_to: String::new(),
        bounce: String::new(),
        dkim: None,
    };
    let mail = Mail {
        to: ("a@example.com".into(), "x\r\nBcc: all@example.com".into()),
        subject: "x\r\nBcc: all@example.com".into(),
        ..mail()
    };
    let (bytes, _) = account.compose(&mail, Time(0)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
    let wrong = Mail { to: ("a@b@c".into(), String::new()), ..mail };
    assert_eq!(account.compose(&wrong, Time(0)).unwrap_err().done, Done::Refused);
}
