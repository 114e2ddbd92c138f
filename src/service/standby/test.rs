//! Two boxes in one process: pairing, following with files, being too late, taking over, and what is refused.

use super::{wire::Hello, *};
use crate::{
    Ctx,
    ctx::test::{Dice, Hands},
    file::Files,
    seal::Sealer,
    test::found,
};
use domain::{Time, standby::Judged};
use std::io::{Error as IoError, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use store::{Options, Store};

const KEY: [u8; 32] = [9; 32];
const PIN: [u8; 32] = [0xab; 32];

/// A box on a real folder.
fn boot(data: &Path, seed: u64, retain: u64) -> Ctx {
    settle(data, Time(7)).unwrap();
    let options = Options {
        segment_bytes: 16 << 10,
        checkpoint_bytes: 24 << 10,
        retain_bytes: retain,
        reserve_bytes: 0,
        ..Options::new(data.join("store"))
    };
    let (store, _) = Store::open(options).unwrap();
    let hands = Arc::new(Hands(AtomicI64::new(1_795_570_200_000)));
    let ctx = Ctx::new(
        store,
        hands,
        Arc::new(Dice::new(seed)),
        Sealer::new(&KEY).unwrap(),
        Files::open(&data.join("file")).unwrap(),
    );
    let standing = register(&ctx, Place { data: data.to_owned(), keys: KEY.into() }).unwrap();
    if standing.role != Role::Leader {
        ctx.store().fence("it does not lead").unwrap();
    }
    show_face(&ctx, Face { address: "box:8443".into(), port: 8443, pin: PIN });
    ctx
}

/// A cable from one box to another; it can be cut, and is not longer than what `pin` opens.
fn cable(to: &Ctx, cut: &Arc<AtomicBool>) -> Dial {
    let (to, cut) = (to.clone(), cut.clone());
    Arc::new(move |_, pin| {
        let (to, cut) = (to.clone(), cut.clone());
        Box::pin(async move {
            if cut.load(Ordering::SeqCst) {
                return Err(IoError::from(ErrorKind::ConnectionRefused));
            }
            if pin != PIN {
                return Err(IoError::from(ErrorKind::PermissionDenied));
            }
            let (near, far) = tokio::io::duplex(64 << 10);
            tokio::spawn(async move { attend(&to, Box::new(far), "10.0.0.9:5000".parse().unwrap()).await });
            Ok(Box::new(near) as Box<dyn Stream>)
        })
    })
}

fn uncut() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

/// A leader with an association, and a follower that was paired with it and has nothing yet.
struct Two {
    near: tempfile::TempDir,
    far: tempfile::TempDir,
    leader: Ctx,
    admin: Actor,
    follower: Ctx,
    cut: Arc<AtomicBool>,
    dial: Dial,
}

async fn two(retain: u64) -> Two {
    let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let leader = boot(near.path(), 1, retain);
    let admin = found(&leader).await;
    let cut = uncut();
    let dial = cable(&leader, &cut);
    let code = Code::read(&code(&leader, &admin).await.unwrap()).unwrap();
    let (answer, parcel) = pair(&dial, &code, 9443).await.unwrap();
    assert_eq!((answer.epoch, parcel.key.as_str()), (1, "09".repeat(32).as_str()));
    unpack(far.path(), &parcel).unwrap();
    let fresh = boot(far.path(), 2, 64 << 20);
    paired(&fresh.sealer, fresh.random.as_ref(), &code, &answer, &parcel.secret).unwrap().keep(far.path()).unwrap();
    fresh.store().clone().close().unwrap();
    drop(fresh);
    let follower = boot(far.path(), 3, 64 << 20);
    Two { near, far, leader, admin, follower, cut, dial }
}

fn sequence(ctx: &Ctx) -> u64 {
    ctx.store().view().sequence()
}

/// Something happens in the hall.
async fn write(ctx: &Ctx, said: u64) -> Result<(), Error> {
    ctx.write(&ctx.own(SpaceId::ASSOCIATION), move |work| work.audit("test.write", said, "", &"x".repeat(200))).await
}

/// Follows in the background until it is told to stop.
fn following(ctx: &Ctx, dial: &Dial) -> tokio::task::JoinHandle<Ended> {
    let (ctx, dial) = (ctx.clone(), dial.clone());
    tokio::spawn(async move { keep_following(&ctx, &dial, 9443).await })
}

/// Waits until something is so; the test's own limit is a minute.
async fn until(what: &str, is: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_holds_everything_that_it_acknowledged_files_included() {
    let of = two(64 << 20).await;
    let before = of.leader.files.put(&vec![7; 300_000]).unwrap();
    let gone = of.leader.files.put(b"gone soon").unwrap();
    let running = following(&of.follower, &of.dial);
    for said in 0..300 {
        write(&of.leader, said).await.unwrap();
        if said == 100 {
            // A file that a group names is there before the group.
            let hash = of.leader.files.put(b"picture").unwrap();
            write(&of.leader, 1_000).await.unwrap();
            let named = sequence(&of.leader);
            until("it comes", || sequence(&of.follower) >= named).await;
            assert_eq!(of.follower.files.get(&hash).unwrap(), b"picture");
        }
    }
    let last = sequence(&of.leader);
    until("the leader knows", || link(&of.leader).held == last && link(&of.leader).files == 0).await;
    assert!(sequence(&of.follower) == last && of.follower.files.has(&before) && of.follower.files.has(&gone));
    of.leader.files.remove(&gone).unwrap();
    until("what is gone is gone there too", || !of.follower.files.has(&gone)).await;
    let lag = link(&of.leader).lag(of.leader.now());
    assert_eq!((lag.groups, lag.judge()), (0, Judged::Follows));
    assert_eq!(link(&of.follower).lag(of.follower.now()).judge(), Judged::Follows);
    assert_eq!(name(&of.follower), name(&of.leader));
    assert!(of.follower.store().verify().is_sound());
    let shown = page(&of.leader, &of.admin).unwrap();
    assert_eq!((shown.standby.address.as_str(), shown.epoch, shown.link.connected), ("10.0.0.9:9443", 1, true));
    assert!(write(&of.follower, 1).await.unwrap_err().code() == Some("standby.fenced"), "it writes nothing of its own");

    // Removed, it is known no more.
    remove(&of.leader, &of.admin).await.unwrap();
    until("it is told so", || matches!(&of.follower.standby.state().link.trouble, Some((_, Trouble::Unpaired)))).await;
    running.abort();
    assert!(page(&of.leader, &of.admin).unwrap().standby.secret.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_too_late_gets_everything_at_once_and_goes_on_by_groups() {
    let of = two(48 << 10).await;
    for said in 0..1_500 {
        write(&of.leader, said).await.unwrap();
        if said % 100 == 0 {
            let store = of.leader.store().clone();
            tokio::task::spawn_blocking(move || store.checkpoint()).await.unwrap().unwrap();
        }
    }
    assert!(of.leader.store().frame(1).is_none(), "the journal does not go back so far");
    assert_eq!(following(&of.follower, &of.dial).await.unwrap(), Ended::Snapshot);
    let Two { far, leader, follower, dial, .. } = of;
    follower.store().clone().close().unwrap();
    drop(follower);
    let follower = boot(far.path(), 4, 64 << 20);
    assert!(sequence(&follower) > 1_400);
    let running = following(&follower, &dial);
    write(&leader, 9_999).await.unwrap();
    let last = sequence(&leader);
    until("it goes on", || sequence(&follower) == last && link(&leader).held == last).await;
    assert!(follower.store().verify().is_sound());
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_over_stops_the_leader_first_and_fetches_what_it_alone_has() {
    let of = two(64 << 20).await;
    for said in 0..20 {
        write(&of.leader, said).await.unwrap();
    }
    assert!(matches!(promote(&of.leader, &of.dial, true).await, Err(Why::Leads(1))));
    let running = following(&of.follower, &of.dial);
    // What can be had without force is had without, whatever somebody says.
    let done = promote(&of.follower, &of.dial, true).await.unwrap();
    let last = sequence(&of.leader);
    assert_eq!(done, Promoted { epoch: 2, last, stopped: true, missing: 0, files: 0 });
    assert!(write(&of.leader, 1).await.unwrap_err().code() == Some("standby.fenced"));
    assert_eq!((sequence(&of.leader), sequence(&of.follower)), (last, last), "not one is missing");
    running.abort();
    let Two { near, far, leader, follower, .. } = of;
    for ctx in [&leader, &follower] {
        ctx.store().clone().close().unwrap();
    }
    drop((leader, follower));
    // Both know it after a restart.
    let (old, new) = (Standing::read(near.path()).unwrap(), Standing::read(far.path()).unwrap());
    assert_eq!((old.role, old.epoch, new.role, new.epoch), (Role::Fenced, 2, Role::Leader, 2));
    assert_eq!((new.fork, new.history == old.history), (Some(last), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_was_away_stops_at_the_first_contact_and_what_it_alone_has_is_listed() {
    let of = two(64 << 20).await;
    write(&of.leader, 1).await.unwrap();
    let running = following(&of.follower, &of.dial);
    let shared = sequence(&of.leader);
    until("it holds it", || sequence(&of.follower) == shared).await;
    running.abort();
    of.cut.store(true, Ordering::SeqCst);
    assert!(matches!(promote(&of.follower, &of.dial, false).await, Err(Why::Away(Trouble::Away(_)))), "not by itself");
    assert_eq!(standing(&of.follower).role, Role::Follower);
    write(&of.leader, 777).await.unwrap();
    let done = promote(&of.follower, &of.dial, true).await.unwrap();
    assert_eq!((done.epoch, done.last, done.stopped), (2, shared, false));
    let Two { near, far, leader, follower, cut, dial, admin } = of;
    follower.store().clone().close().unwrap();
    drop(follower);
    let new = boot(far.path(), 5, 64 << 20);
    begin(&new).await.unwrap();
    assert!(page(&new, &admin).unwrap().standby.secret.is_none(), "nobody follows it yet");
    assert_eq!(page(&new, &admin).unwrap().loose.as_deref(), Some("box:8443"));
    write(&new, 2).await.unwrap();
    assert!(matches!(ask(&new, &dial).await, Err(Trouble::Away(_))), "the old one is not reached");
    cut.store(false, Ordering::SeqCst);

    // Either may speak first: the old one asks, or is told.
    let back = cable(&new, &uncut());
    ask(&leader, &back).await.unwrap();
    assert_eq!((standing(&leader).role, standing(&leader).epoch), (Role::Fenced, 2));
    assert_eq!(write(&leader, 3).await.unwrap_err().code(), Some("standby.fenced"));
    ask(&new, &dial).await.unwrap();
    assert!(page(&new, &admin).unwrap().loose.is_none(), "known to have stopped");
    // It cannot take the hall back while the new one leads.
    assert_eq!(promote(&leader, &back, true).await, Err(Why::Never));
    let list = near.path().join("unseen.txt");
    let count = unseen(leader.store(), shared, &list).unwrap().unwrap();
    let text = std::fs::read_to_string(&list).unwrap();
    assert!(count == 1 && text.contains("test.write 777") && !text.contains("test.write 1 "), "{text}");
    assert_eq!(Standing::read(near.path()).unwrap().role, Role::Fenced);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_forgers_and_other_histories_are_refused() {
    let of = two(64 << 20).await;
    let peer = standing(&of.follower).peer.unwrap();
    let refused = async |hello: Hello| follow::asked(&of.dial, &peer, hello).await.unwrap().1.refused;
    let forged = |secret: &str| Hello::Follow {
        secret: secret.into(),
        epoch: 9,
        history: String::new(),
        last: 0,
        digest: None,
        port: 1,
    };
    assert_eq!(refused(forged("A")).await.as_deref(), Some("standby.unpaired"));
    assert_eq!(standing(&of.leader).epoch, 1, "what a stranger says of epochs is not heard");
    assert_eq!(refused(Hello::Stop { secret: "B".into(), epoch: 5 }).await.as_deref(), Some("standby.unpaired"));
    let forger = Hello::Stand { proof: "standby stand.AAAAAAAAAAAAAAAA".into(), epoch: 9 };
    assert_eq!(refused(forger).await.as_deref(), Some("standby.unpaired"));
    assert_eq!(standing(&of.leader).epoch, 1, "nor what is signed with another key");
    assert_eq!(standing(&of.leader).role, Role::Leader);
    write(&of.leader, 1).await.unwrap();

    // A certificate that is not the paired one's.
    let stranger = Peer { pin: "cd".repeat(32), ..peer.clone() };
    let asked = follow::asked(&of.dial, &stranger, forged("A")).await;
    assert!(matches!(asked.err(), Some(Trouble::Stranger)));
    // Guessing codes is slow.
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "attempt.too_many") && told.len() < 30 {
        told.extend(refused(Hello::Pair { code: "A".into(), port: 1 }).await);
    }
    assert!(told.len() < 30 && told.iter().rev().skip(1).all(|said| said == "standby.bad_code"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_pairs_once_and_groups_of_another_box_are_not_taken() {
    let of = two(64 << 20).await;
    assert_eq!(code(&of.leader, &of.admin).await.unwrap_err().code(), Some("standby.paired"), "one follows already");
    remove(&of.leader, &of.admin).await.unwrap();
    let made = Code::read(&code(&of.leader, &of.admin).await.unwrap()).unwrap();
    let (_, parcel) = pair(&of.dial, &made, 1).await.unwrap();
    assert_ne!(parcel.secret, "");
    let again = pair(&of.dial, &made, 1).await.unwrap_err();
    assert_eq!(again.code(), Some("standby.bad_code"));

    // A leader that is not the one whose groups this box has: nothing fits, so everything is fetched and the old put aside.
    let other = two(64 << 20).await;
    write(&other.leader, 1).await.unwrap();
    let running = following(&other.follower, &other.dial);
    let last = sequence(&other.leader);
    until("it holds it", || sequence(&other.follower) == last).await;
    running.abort();
    let (old, far) = (other.follower, other.far);
    old.store().clone().close().unwrap();
    drop(old);
    // The journal's newest group is another one: as if the leader's disk had forgotten what it had synced.
    std::fs::remove_dir_all(far.path().join("store")).unwrap();
    let (store, _) = Store::open(Options::new(far.path().join("store"))).unwrap();
    for _ in 0..3 {
        store.write_blocking(|tx| tx.space(SpaceId::ASSOCIATION).audit(b"another".to_vec())).unwrap();
    }
    store.close().unwrap();
    let follower = boot(far.path(), 6, 64 << 20);
    assert_eq!(following(&follower, &other.dial).await.unwrap(), Ended::Snapshot);
    follower.store().clone().close().unwrap();
    drop(follower);
    let follower = boot(far.path(), 7, 64 << 20);
    assert_eq!(sequence(&follower), sequence(&other.leader));
    let aside = std::fs::read_dir(far.path().join("standby")).unwrap().flatten();
    assert!(aside.map(|found| found.path()).any(|path| path.join("store").exists()), "what did not fit is kept aside");
}
