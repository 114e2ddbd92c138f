//! The application's name and logo (S0-4), and the sites that may show its parts in a frame.

use crate::{Actor, At, Ctx, Error, picture};
use domain::{
    Brand, Permission, Picture, PictureId, Refusal, SpaceId,
    brand::{BrandInput, check_brand},
    picture::UPLOAD_MAX,
    problem,
};
use image::ImageFormat;
use std::io::Cursor;
use store::Read;

/// Longest side of a kept logo in pixels.
const LOGO_SIDE: u32 = 256;

/// How the application calls itself, for the settings page.
pub fn get(ctx: &Ctx, actor: &Actor) -> Result<Brand, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, |view| Ok(view.get::<Brand>(&())?.unwrap_or_default()))
}

/// What is done with the logo when the form is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logo {
    /// It stays.
    Keep,
    /// Back to the one drawn by us.
    Remove,
    /// This file becomes the logo.
    Put(Vec<u8>),
}

/// Saves name, logo and sites.
pub async fn save(ctx: &Ctx, actor: &Actor, input: &BrandInput, logo: Logo) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let owner = permit.account.ok_or_else(Refusal::denied)?;
    let checked = check_brand(input, None)?;
    let drop_logo = logo == Logo::Remove;
    let put = match logo {
        Logo::Put(bytes) => Some(keep_file(ctx, bytes).await?),
        Logo::Keep | Logo::Remove => None,
    };
    let saved = ctx
        .write(&permit, move |work| {
            let old = work.read().get::<Brand>(&())?.unwrap_or_default();
            let logo = match put {
                Some((file, width, height)) => {
                    let id = PictureId(work.next_id::<Picture>()?);
                    work.insert(&Picture { id, file, width, height, owner, created_at: work.now })?;
                    Some(id)
                }
                None => old.logo.filter(|_| !drop_logo),
            };
            let brand = Brand { logo, ..checked.clone() };
            work.put(&brand)?;
            work.audit("brand.save", "brand", &format!("{old:?}"), &format!("{brand:?}"))
        })
        .await;
    ctx.space_changed(actor.space);
    saved
}

/// Sizes a logo and keeps it as PNG, which leaves what is transparent so.
async fn keep_file(ctx: &Ctx, bytes: Vec<u8>) -> Result<([u8; 32], u32, u32), Error> {
    if bytes.len() > UPLOAD_MAX {
        let size = UPLOAD_MAX >> 20;
        return Err(
            Refusal::invalid(vec![problem!("logo", "A picture may have at most {size} MB.", size = size)]).into()
        );
    }
    let files = ctx.files.clone();
    let stored = tokio::task::spawn_blocking(move || {
        let decoded = picture::decode(&bytes).map_err(at_logo)?;
        let sized = if decoded.width().max(decoded.height()) > LOGO_SIDE {
            decoded.resize(LOGO_SIDE, LOGO_SIDE, image::imageops::FilterType::Triangle)
        } else {
            decoded
        };
        let mut png = Cursor::new(Vec::new());
        let written = sized.to_rgba8().write_to(&mut png, ImageFormat::Png);
        written.map_err(|error| Error::internal("encoding a logo", error))?;
        Ok::<_, Error>((files.put(&png.into_inner())?, sized.width(), sized.height()))
    });
    stored.await.map_err(|error| Error::internal("reading a logo", error))?
}

/// The problem of a picture tied to the form's field.
fn at_logo(error: Error) -> Error {
    match error {
        Error::Refused(mut refusal) => {
            for problem in &mut refusal.problems {
                problem.field = "logo".to_owned();
            }
            refusal.into()
        }
        error => error,
    }
}

/// The logo's file as PNG with its number; none when the one drawn by us is in use.
pub fn logo(ctx: &Ctx, space: SpaceId) -> Result<Option<(PictureId, Vec<u8>)>, Error> {
    let Some(id) = ctx.known(space)?.and_then(|known| known.brand.logo) else { return Ok(None) };
    let (bytes, _) = picture::file(ctx, &ctx.own(space), id)?;
    Ok(Some((id, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::founded;

    fn png() -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        image::DynamicImage::new_rgba8(600, 300).write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[tokio::test]
    async fn the_application_takes_a_name_and_a_logo_and_gives_them_back() {
        let (hall, admin) = founded().await;
        let input = BrandInput { name: "青松会务".into(), frames: "https://www.example.org".into() };
        save(&hall.ctx, &admin, &input, Logo::Put(png())).await.unwrap();
        let known = hall.ctx.association().unwrap().unwrap();
        assert_eq!((known.brand.name.as_str(), known.space.name.as_str()), ("青松会务", "协会"));
        let (_, bytes) = logo(&hall.ctx, admin.space).unwrap().unwrap();
        let kept = image::load_from_memory(&bytes).unwrap();
        assert_eq!((kept.width(), kept.height(), kept.color().has_alpha()), (256, 128, true));
        save(&hall.ctx, &admin, &BrandInput::default(), Logo::Keep).await.unwrap();
        assert!(logo(&hall.ctx, admin.space).unwrap().is_some(), "a form without a file keeps the logo");
        let wrong = save(&hall.ctx, &admin, &input, Logo::Put(b"<svg onload=alert(1)>".to_vec())).await.unwrap_err();
        assert!(matches!(wrong, Error::Refused(refusal) if refusal.problems[0].field == "logo"));
        save(&hall.ctx, &admin, &BrandInput::default(), Logo::Remove).await.unwrap();
        assert!(logo(&hall.ctx, admin.space).unwrap().is_none());
        let nobody = Actor::visitor(admin.space);
        assert_eq!(save(&hall.ctx, &nobody, &input, Logo::Keep).await.unwrap_err().code(), Some("session.none"));
        assert!(hall.ctx.store().verify().is_sound());
    }
}
