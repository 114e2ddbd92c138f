//! Certificates of an authority of our own: by port 80, by the DNS, and what it says when it says no.

use super::{standin::Acme, *};
use crate::{
    Tools,
    standin::{Answered, Standin},
};
use domain::Time;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

struct Bench {
    egress: Egress,
    acme: Acme,
    tokens: Arc<Tokens>,
    /// Whether port 80 answers with the tokens.
    answers: Arc<AtomicBool>,
    folder: tempfile::TempDir,
    _web: Standin,
}

const DAYS: [(i32, u8, u8); 2] = [(2026, 11, 1), (2027, 1, 30)];

async fn bench() -> Bench {
    let (tokens, answers) = (Arc::<Tokens>::default(), Arc::new(AtomicBool::new(true)));
    let (laid, open) = (tokens.clone(), answers.clone());
    let web = Standin::start(move |asked| match laid.answer(&asked.path).filter(|_| open.load(Ordering::SeqCst)) {
        Some(answer) => Answered::status(200, answer),
        None => Answered::status(404, "no"),
    });
    let web = web.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = web.base.strip_prefix("http://").unwrap().parse().unwrap();
    let acme = Acme::start(at, folder.path().to_owned(), DAYS).await.unwrap();
    let tools = Tools { now: Arc::new(|| Time(0)), chance: Arc::new(|| 0) };
    Bench { egress: Egress::new(tools, false).unwrap(), acme, tokens, answers, folder, _web: web }
}

fn wanted(of: &Bench, names: &[&str]) -> Wanted {
    Wanted {
        directory: of.acme.directory.clone(),
        contact: "office@example.cn".into(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_certificate_is_issued_for_names_that_answer_and_renewed_by_the_same_account() {
    let of = bench().await;
    let (wanted, way) = (wanted(&of, &["hall.example.cn", "www.example.cn"]), Way::Http(of.tokens.clone()));
    let first = obtain(&of.egress, None, &wanted, &way).await.unwrap();
    assert_eq!(first.chain.matches("BEGIN CERTIFICATE").count(), 2, "{}", first.chain);
    assert!(first.key.contains("PRIVATE KEY") && !first.account.is_empty());
    assert!(of.tokens.0.lock().unwrap().is_empty(), "tokens are taken away");
    // Nonces that went bad meanwhile are no reason to give up.
    of.acme.refuse_nonces(2);
    let second = obtain(&of.egress, Some(&first.account), &wanted, &way).await.unwrap();
    assert_ne!(first.chain, second.chain);
    assert_ne!(first.key, second.key, "each certificate has a key of its own");
    let (accounts, orders, _) = of.acme.counts();
    assert_eq!((accounts, orders), (1, 2));
}

#[tokio::test]
async fn a_name_that_does_not_answer_a_limit_and_a_bad_name_are_told_in_words() {
    let of = bench().await;
    let way = Way::Http(of.tokens.clone());
    of.answers.store(false, Ordering::SeqCst);
    let failed = obtain(&of.egress, None, &wanted(&of, &["hall.example.cn"]), &way).await.err().unwrap();
    let Trouble::Challenge(said) = &failed else { panic!("{failed}") };
    assert!(said.contains("hall.example.cn") && said.contains("HTTP/1.1 404"), "{said}");
    of.answers.store(true, Ordering::SeqCst);
    of.acme.limit(true);
    let limited = obtain(&of.egress, None, &wanted(&of, &["hall.example.cn"]), &way).await.err().unwrap();
    assert!(matches!(&limited, Trouble::Limited(said) if said.contains("this week")), "{limited}");
    of.acme.limit(false);
    let local = obtain(&of.egress, None, &wanted(&of, &["huiguan.local"]), &way).await.err().unwrap();
    assert!(matches!(&local, Trouble::Refused(said) if said.contains("huiguan.local")), "{local}");
    let none = obtain(&of.egress, None, &wanted(&of, &[]), &way).await.err().unwrap();
    assert!(matches!(none, Trouble::Refused(_)), "{none}");
    let gone = Wanted { directory: "http://127.0.0.1:9/directory".into(), ..wanted(&of, &["a.example.cn"]) };
    let gone = obtain(&of.egress, None, &gone, &way).await.err().unwrap();
    assert!(matches!(gone, Trouble::Unreachable(_)), "{gone}");
}

/// A program as a provider of DNS gives it.
fn program(of: &Bench, script: &str) -> PathBuf {
    let path = of.folder.path().join("hook");
    std::fs::write(&path, format!("#!/bin/sh\ncd '{}' || exit 9\n{script}\n", of.folder.path().display())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[tokio::test]
async fn a_program_lays_the_records_of_the_dns_and_takes_them_away() {
    let of = bench().await;
    let script = "echo \"$1 $2\" >> log\ncase $1 in present) echo \"$3\" > \"$2\";; cleanup) rm \"$2\";; esac";
    let way = Way::Dns(program(&of, script));
    let issued = obtain(&of.egress, None, &wanted(&of, &["*.example.cn", "hall.example.org"]), &way).await.unwrap();
    assert!(issued.chain.contains("BEGIN CERTIFICATE"));
    let log = std::fs::read_to_string(of.folder.path().join("log")).unwrap();
    let records = ["_acme-challenge.example.cn", "_acme-challenge.hall.example.org"];
    for record in records {
        assert!(log.contains(&format!("present {record}")) && log.contains(&format!("cleanup {record}")), "{log}");
        assert!(!of.folder.path().join(record).exists());
    }
    let way = Way::Dns(program(&of, "exit 3"));
    let failed = obtain(&of.egress, None, &wanted(&of, &["hall.example.cn"]), &way).await.err().unwrap();
    assert!(matches!(&failed, Trouble::Hook(said) if said.contains('3')), "{failed}");
    let way = Way::Dns(program(&of, "true"));
    let failed = obtain(&of.egress, None, &wanted(&of, &["hall.example.cn"]), &way).await.err().unwrap();
    assert!(matches!(&failed, Trouble::Challenge(said) if said.contains("No TXT record")), "{failed}");
}
