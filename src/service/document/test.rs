//! Documents over a hall: limits, shelves, who sees what, and what a removal leaves.

use super::*;
use crate::{
    Who,
    ctx::test::Hall,
    test::{founded, opened},
};
use domain::{Scope, SpaceId, permission::Held};

async fn upload(hall: &Hall, actor: &Actor, shelf: Shelf, name: &str, bytes: &[u8]) -> Result<DocumentId, Error> {
    let mut intake = begin(&hall.ctx, actor, shelf, name)?;
    for piece in bytes.chunks(7) {
        intake.write(piece)?;
    }
    keep(&hall.ctx, intake).await
}

fn holder(account: u64, held: &[(Permission, Scope)]) -> Actor {
    Actor {
        space: SpaceId::ASSOCIATION,
        who: Who::Staff {
            account: domain::AccountId(account),
            person: domain::PersonId(1),
            name: "x".into(),
            session: [0; 32],
            seer: None,
        },
        held: held.iter().map(|(permission, scope)| Held { permission: *permission, scope: *scope }).collect(),
    }
}

#[tokio::test]
async fn documents_stand_on_shelves_and_programs_are_not_taken() {
    let (hall, admin) = founded().await;
    let (event, _) = opened(&hall, &admin).await;
    let shelf = Shelf { event: Some(event), department: None };
    let id = upload(&hall, &admin, shelf, "C:\\合同\\采购合同.txt", b"text").await.unwrap();
    let free = upload(&hall, &admin, Shelf::default(), "照片.jpg", b"jpeg").await.unwrap();
    let (row, pages) = get(&hall.ctx, &admin, id).unwrap();
    assert_eq!((row.document.name.as_str(), row.event.as_deref(), pages.len()), ("采购合同.txt", Some("年会"), 0));
    assert_eq!(row.document.reading, Reading::Waiting);
    assert_eq!(get(&hall.ctx, &admin, free).unwrap().0.document.reading, Reading::Nameless);
    let viewer = holder(9, &[(Permission::DocumentView, Scope::Event(event))]);
    let own = holder(9, &[(Permission::DocumentView, Scope::Own), (Permission::DocumentManage, Scope::Own)]);
    assert_eq!(list(&hall.ctx, &viewer, "", 0).unwrap().1, 1);
    assert_eq!(list(&hall.ctx, &admin, "", 0).unwrap().1, 2);
    assert_eq!(list(&hall.ctx, &own, "", 0).unwrap().1, 0);
    assert_eq!(file(&hall.ctx, &viewer, free).unwrap_err().code(), Some("permission.denied"));
    assert_eq!(remove(&hall.ctx, &viewer, id).await.unwrap_err().code(), Some("permission.denied"));
    assert_eq!(remove(&hall.ctx, &own, id).await.unwrap_err().code(), Some("permission.denied"));
    upload(&hall, &own, Shelf::default(), "mine.md", b"x").await.unwrap();
    assert_eq!(list(&hall.ctx, &own, "", 0).unwrap().1, 1);
    let cases: &[(&str, &[u8], &str)] =
        &[("a.exe", b"x", "document.program"), ("a.txt", b"", "document.empty"), ("", b"x", "input.invalid")];
    for (name, bytes, code) in cases {
        assert_eq!(upload(&hall, &admin, shelf, name, bytes).await.unwrap_err().code(), Some(*code), "{name}");
    }
    let nowhere = Shelf { event: Some(EventId(99)), department: None };
    assert_eq!(upload(&hall, &admin, nowhere, "a.txt", b"x").await.unwrap_err().code(), Some("record.missing"));
    let mut big = begin(&hall.ctx, &admin, shelf, "big.bin").unwrap();
    let piece = vec![0u8; 1 << 20];
    for _ in 0..100 {
        big.write(&piece).unwrap();
    }
    assert_eq!(big.write(b"x").unwrap_err().code(), Some("document.too_large"));
}

#[tokio::test]
async fn a_removed_file_leaves_the_disk_unless_another_document_has_it() {
    let (hall, admin) = founded().await;
    let one = upload(&hall, &admin, Shelf::default(), "a.jpg", b"same").await.unwrap();
    let two = upload(&hall, &admin, Shelf::default(), "b.jpg", b"same").await.unwrap();
    let (_, path) = file(&hall.ctx, &admin, one).unwrap();
    remove(&hall.ctx, &admin, one).await.unwrap();
    assert!(path.exists());
    remove(&hall.ctx, &admin, two).await.unwrap();
    assert!(!path.exists());
    assert_eq!(get(&hall.ctx, &admin, two).unwrap_err().code(), Some("record.missing"));
}

#[test]
fn whatever_the_reading_process_says_is_understood_or_its_own_fault() {
    assert_eq!(understood(br#"["a","b"]"#).unwrap(), ["a", "b"]);
    assert_eq!(understood(b"!locked").unwrap_err(), Why::Locked);
    for said in [&b""[..], b"!what", b"[", b"\xff", b"{}"] {
        assert_eq!(understood(said).unwrap_err(), Why::Broke);
    }
    let run = |program: &str| {
        run(std::path::Path::new(program), "txt", std::path::Path::new("/dev/null"), &AtomicBool::new(false))
    };
    assert_eq!(run("/bin/false").unwrap_err(), Why::Broke);
    assert_eq!(run("/nowhere").unwrap_err(), Why::Broke);
}
