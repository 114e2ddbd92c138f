//! Uploaded music: its kind is read from its content, its size is limited, and it is kept as a file like pictures are.

use crate::{Actor, Ctx, Error, Permit};
use domain::{
    Permission, Refusal, Sound, SoundId, problem,
    sound::{SOUND_MAX, SOUND_NAME_MAX, SoundKind},
};
use store::Read;

fn wrong(problem: domain::Problem) -> Error {
    Refusal::invalid(vec![problem]).into()
}

/// Takes an upload of somebody who sets draws up; returns its number.
pub async fn upload(ctx: &Ctx, actor: &Actor, name: &str, bytes: Vec<u8>) -> Result<SoundId, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::DrawManage)?;
    let owner = permit.account.ok_or_else(Refusal::denied)?;
    if bytes.len() > SOUND_MAX {
        return Err(wrong(problem!("music", "A piece of music may have at most {size} MB.", size = SOUND_MAX >> 20)));
    }
    let kind = SoundKind::of(&bytes).ok_or_else(|| {
        wrong(problem!("music", "This is not music that can be played. Take an MP3, M4A, Ogg or WAV file."))
    })?;
    let size = bytes.len() as u64;
    let files = ctx.files.clone();
    let stored = tokio::task::spawn_blocking(move || files.put(&bytes)).await;
    let file = stored.map_err(|error| Error::internal("keeping a piece of music", error))??;
    let name: String = domain::text::line(name).chars().take(SOUND_NAME_MAX).collect();
    ctx.write(&permit, move |work| {
        let id = SoundId(work.next_id::<Sound>()?);
        work.insert(&Sound { id, file, kind, name: name.clone(), bytes: size, owner, created_at: work.now })?;
        work.audit("sound.upload", format!("sound/{id}"), "", &format!("{name} ({size} bytes)"))?;
        Ok(id)
    })
    .await
}

/// A piece of music with its bytes; what draws play is public.
pub fn file(ctx: &Ctx, permit: &Permit, id: SoundId) -> Result<(Vec<u8>, SoundKind), Error> {
    let sound = ctx.read(permit, |view| Ok(view.get::<Sound>(&id)?))?;
    let sound = sound.ok_or_else(|| Refusal::missing("music"))?;
    Ok((ctx.files.get(&sound.file)?, sound.kind))
}
