//! Calls against a server that answers badly in every way.

use super::*;
use crate::standin::{Answered, Standin};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

struct Bench {
    egress: Egress,
    hands: Arc<AtomicI64>,
}

fn bench(private_allowed: bool) -> Bench {
    let hands = Arc::new(AtomicI64::new(0));
    let clock = hands.clone();
    let tools = Tools { now: Arc::new(move || Time(clock.load(Ordering::SeqCst))), chance: Arc::new(|| 0) };
    Bench { egress: Egress::new(tools, private_allowed).unwrap(), hands }
}

/// A server that goes through the answers one by one and repeats the last; with how often it was asked.
async fn server(answers: Vec<Answered>) -> (Standin, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let standin = Standin::start(move |_| {
        let at = count.fetch_add(1, Ordering::SeqCst);
        answers[at.min(answers.len() - 1)].clone()
    });
    (standin.await.unwrap(), asked)
}

#[tokio::test]
async fn what_may_be_repeated_is_and_the_rest_is_sent_once() {
    let cases = [
        (true, vec![Answered::status(502, ""), Answered::cut(), Answered::status(200, "ok")], Ok(200), 3),
        (true, vec![Answered::status(500, "")], Err(Done::Unknown), 3),
        (false, vec![Answered::status(500, "")], Err(Done::Unknown), 1),
        (false, vec![Answered::cut()], Err(Done::Unknown), 1),
        (true, vec![Answered::status(403, "no")], Err(Done::Refused), 1),
        (true, vec![Answered::status(429, "").header("retry-after", "7")], Err(Done::Not), 1),
        (true, vec![Answered::status(302, "").header("location", "https://example.org/")], Err(Done::Refused), 1),
    ];
    for (at, (repeatable, answers, expected, times)) in cases.into_iter().enumerate() {
        let (standin, asked) = server(answers).await;
        let call = Call::json("test", &standin.base, "/a", &serde_json::json!({}));
        let call = if repeatable { call.repeatable() } else { call };
        let answer = bench(false).egress.send(call).await;
        assert_eq!(answer.as_ref().map(|reply| reply.status).map_err(|trouble| trouble.done), expected, "case {at}");
        assert_eq!(asked.load(Ordering::SeqCst), times, "case {at}");
        if let Err(trouble) = answer
            && trouble.done == Done::Not
        {
            assert_eq!(trouble.retry_after, Some(7 * SECOND));
        }
    }
}

#[tokio::test]
async fn answers_have_a_limit_and_a_time_and_an_address_where_nobody_listens_is_certainly_not_done() {
    let bench = bench(false);
    let slow = Answered { after: Duration::from_secs(60), ..Answered::status(200, "") };
    let (standin, _) = server(vec![Answered::status(200, vec![b'x'; 2_000]), slow]).await;
    let call = |limit: usize| Call::post("test", &standin.base, "/", "text/plain", "x").answer_max(limit);
    assert_eq!(bench.egress.send(call(1_000)).await.unwrap_err().done, Done::Unknown);
    let late = bench.egress.send(call(9_000).within(Duration::from_millis(100))).await.unwrap_err();
    assert_eq!((late.done, late.why.as_str()), (Done::Unknown, "no answer in time"));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    assert_eq!(bench.egress.send(Call::post("test", &base, "/", "text/plain", "x")).await.unwrap_err().done, Done::Not);
}

#[tokio::test]
async fn the_breaker_leaves_a_failing_base_alone_and_finds_out_when_it_is_back() {
    let bench = bench(false);
    let mut answers = vec![Answered::status(500, ""); 5];
    answers.push(Answered::status(200, "ok"));
    let (standin, asked) = server(answers).await;
    let call = || Call::post("test", &standin.base, "/", "text/plain", "x");
    for _ in 0..5 {
        bench.egress.send(call()).await.unwrap_err();
    }
    let left = bench.egress.send(call()).await.unwrap_err();
    assert_eq!((left.done, left.retry_after, asked.load(Ordering::SeqCst)), (Done::Not, Some(5 * SECOND), 5));
    bench.hands.store(6 * SECOND, Ordering::SeqCst);
    assert_eq!(bench.egress.send(call()).await.unwrap().status, 200);
}

#[tokio::test]
async fn nobody_reaches_into_the_network_by_naming_an_address() {
    let (standin, asked) = server(vec![Answered::status(200, "secret")]).await;
    let (guarded, open) = (bench(false), bench(true));
    let port = standin.base.rsplit(':').next().unwrap();
    let inside = [
        standin.base.clone(),
        format!("https://127.0.0.1:{port}"),
        format!("https://localhost:{port}"),
        format!("https://[::ffff:127.0.0.1]:{port}"),
        format!("https://2130706433:{port}"),
        format!("https://0x7f.1:{port}"),
        "https://169.254.169.254".into(),
        "http://example.org".into(),
        "https://user:pass@example.org".into(),
        "file:///etc/passwd".into(),
        "x".into(),
    ];
    for base in &inside {
        let answer = guarded.egress.send(Call::get("test", base, "/").reach(Reach::Public)).await;
        assert_ne!(answer.unwrap_err().done, Done::Unknown, "{base}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let answer = open.egress.send(Call::get("test", &standin.base, "/").reach(Reach::Public)).await;
    assert_eq!(answer.unwrap().status, 200, "where the administrator allows it");
    let plain = guarded.egress.send(Call::get("test", "http://example.org", "/")).await.unwrap_err();
    assert_eq!(plain.done, Done::Refused, "a configured base is called by TLS, but for the box itself");
}

#[tokio::test]
async fn nothing_that_was_sent_shows_in_debug_or_in_what_went_wrong() {
    let bench = bench(false);
    let call = Call::post("token", "http://127.0.0.1:1", "/hidden-path", "text/plain", "hidden-body")
        .query("secret", "hidden-query")
        .header("authorization", "hidden-header");
    let shown = format!("{call:?}");
    let trouble = bench.egress.send(call).await.unwrap_err();
    for text in [shown, format!("{trouble:?}"), trouble.to_string()] {
        assert!(!text.contains("hidden"), "{text}");
    }
    let reply = Reply { status: 200, headers: vec![("x".into(), "hidden".into())], body: "hidden".into() };
    assert!(!format!("{reply:?}").contains("hidden"));
    assert_eq!(reply.json::<u8>().unwrap_err().done, Done::Unknown);
}

#[tokio::test]
async fn queries_and_forms_are_encoded_and_headers_arrive() {
    let kept: Arc<Mutex<Vec<crate::standin::Asked>>> = Arc::default();
    let keep = kept.clone();
    let standin = Standin::start(move |asked| {
        keep.lock().unwrap().push(asked);
        Answered::json(&serde_json::json!({"a": [1, 2]})).header("x-seen", "1")
    });
    let standin = standin.await.unwrap();
    let call = Call::form("test", &format!("{}/base/", standin.base), "/路?a=1", &[("name", "张 三&")])
        .query("q", "a b+c")
        .header("x-key", "k");
    let reply = bench(false).egress.send(call).await.unwrap();
    assert_eq!(reply.header("x-seen"), Some("1"));
    assert_eq!(reply.json::<serde_json::Value>().unwrap(), serde_json::json!({"a": [1, 2]}));
    let asked = kept.lock().unwrap().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str(), asked.header("x-key")), ("POST", "/base/%E8%B7%AF", "k"));
    assert_eq!((asked.asked("q").as_deref(), asked.asked("a").as_deref()), (Some("a b+c"), Some("1")));
    assert_eq!(asked.pairs(std::str::from_utf8(&asked.body).unwrap()), [("name".to_owned(), "张 三&".to_owned())]);
}

/// Listens, and does with each connection what is said.
async fn raw<F: Future<Output = ()> + Send + 'static>(
    with: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(with(stream));
        }
    });
    base
}

#[tokio::test]
async fn what_does_not_move_any_more_is_given_up_however_long_all_of_it_may_take() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bench = bench(false);
    let stall = Duration::from_millis(200);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    std::fs::write(&path, vec![7; 32 << 20]).unwrap();
    let deaf = raw(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let slice = Slice { path: path.clone(), from: 0, length: 32 << 20 };
    let call = Call::post("test", &deaf.await, "/", "text/plain", "").slice(slice.clone());
    let long = Duration::from_secs(3_600);
    let still = bench.egress.send(call.within(long).stall(stall)).await.unwrap_err();
    assert_eq!((still.done, still.why.as_str()), (Done::Unknown, "nothing moves any more"));
    let small = folder.path().join("small");
    std::fs::write(&small, vec![7; 1_000]).unwrap();
    let longer = Slice { path: small, from: 0, length: 1_001 };
    let (standin, _) = server(vec![Answered::status(200, "")]).await;
    let call = Call::post("test", &standin.base, "/", "text/plain", "").slice(longer).within(long);
    assert!(bench.egress.send(call).await.is_err(), "a file that is shorter than it was is not sent by halves");
    let gone = Slice { path: folder.path().join("none"), ..slice };
    let call = Call::post("test", &standin.base, "/", "text/plain", "").slice(gone);
    assert_eq!(bench.egress.send(call).await.unwrap_err().done, Done::Not);

    for close in [false, true] {
        let half = raw(move |mut stream| async move {
            // Whoever closes without having read resets the connection, and what was said is lost.
            assert!(stream.read(&mut [0; 4_096]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
            if !close {
                std::future::pending::<()>().await;
            }
        });
        let call = Call::get("test", &half.await, "/").within(long).stall(stall);
        let mut flow = bench.egress.open(call).await.unwrap();
        assert_eq!(flow.head.status, 200);
        assert_eq!(flow.chunk().await.unwrap().unwrap(), "half");
        assert!(flow.chunk().await.is_err(), "what breaks off is no end");
    }
    let (standin, _) = server(vec![Answered::status(404, "none")]).await;
    let none = bench.egress.open(Call::get("test", &standin.base, "/")).await.err().unwrap();
    assert_eq!((none.done, none.reply.map(|reply| reply.status)), (Done::Refused, Some(404)));
}
