//! Uploaded pictures: decoded within limits, sized, re-encoded (which drops whatever hid in the file), kept as a file.

use crate::{Actor, Ctx, Error, Permit, model::wide};
use bytes::Bytes;
use domain::{
    Permission, Picture, PictureId, Refusal,
    picture::{PIXELS_MAX, SIDE_MAX, UPLOAD_MAX},
    problem, refuse,
};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use store::Read;
use tokio::sync::Semaphore;

/// A picture on disk that no record names yet.
pub(crate) struct Stored {
    /// SHA-256 of the file.
    pub file: [u8; 32],
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
}

/// Decodes, sizes and keeps an upload.
pub(crate) async fn store(ctx: &Ctx, bytes: Vec<u8>) -> Result<Stored, Error> {
    if bytes.len() > UPLOAD_MAX {
        let size = UPLOAD_MAX >> 20;
        return Err(
            Refusal::invalid(vec![problem!("picture", "A picture may have at most {size} MB.", size = size)]).into()
        );
    }
    let files = ctx.files.clone();
    let stored = tokio::task::spawn_blocking(move || {
        let sized = shrink(decode(&bytes)?);
        let encoded = encode(&sized)?;
        Ok::<_, Error>(Stored { file: files.put(&encoded)?, width: sized.width(), height: sized.height() })
    });
    stored.await.map_err(|error| Error::internal("reading a picture", error))?
}

/// Takes an upload for the actor's events, draws or designs; returns the picture's number.
pub async fn upload(ctx: &Ctx, actor: &Actor, bytes: Vec<u8>) -> Result<PictureId, Error> {
    let permit = ctx
        .permit_somewhere(actor, Permission::EventManage)
        .or_else(|_| ctx.permit_somewhere(actor, Permission::DrawManage))
        .or_else(|_| ctx.permit_somewhere(actor, Permission::PrintManage))
        .or_else(|_| ctx.permit_somewhere(actor, Permission::MerchantManage))?;
    let owner = permit.account.ok_or_else(Refusal::denied)?;
    let Stored { file, width, height } = store(ctx, bytes).await?;
    ctx.write(&permit, move |work| {
        let id = PictureId(work.next_id::<Picture>()?);
        work.insert(&Picture { id, file, width, height, owner, created_at: work.now })?;
        work.audit("picture.upload", format!("picture/{id}"), "", &format!("{width}×{height}"))?;
        Ok(id)
    })
    .await
}

/// Longest side of a picture that somebody gives of themselves, in pixels.
const FACE_SIDE: u32 = 320;
/// Largest upload of such a picture in bytes.
pub const FACE_MAX: usize = 8 << 20;

/// Keeps a small picture that belongs to a record of its own; answers the hash of its file.
pub(crate) async fn keep_small(ctx: &Ctx, bytes: Vec<u8>) -> Result<[u8; 32], Error> {
    if bytes.len() > FACE_MAX {
        let size = FACE_MAX >> 20;
        return Err(
            Refusal::invalid(vec![problem!("picture", "A picture may have at most {size} MB.", size = size)]).into()
        );
    }
    let files = ctx.files.clone();
    let kept = crate::aside(move || {
        let picture = decode(&bytes)?;
        let small = picture.resize_to_fill(FACE_SIDE, FACE_SIDE, image::imageops::FilterType::Triangle);
        files.put(&encode(&small)?)
    });
    kept.await
}

fn unreadable() -> Error {
    Refusal::invalid(vec![problem!(
        "picture",
        "This is not a picture that can be read. Take a JPEG, PNG or WebP file."
    )])
    .into()
}

pub(crate) fn decode(bytes: &[u8]) -> Result<DynamicImage, Error> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| unreadable())?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) {
        return Err(unreadable());
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(400 << 20);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| unreadable())?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(
            refuse!(Invalid, "picture.too_large", "This picture has too many pixels. Make it smaller first.").into()
        );
    }
    let turn = decoder.orientation().map_err(|_| unreadable())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| unreadable())?;
    picture.apply_orientation(turn);
    Ok(picture)
}

fn shrink(picture: DynamicImage) -> DynamicImage {
    if picture.width().max(picture.height()) <= SIDE_MAX {
        return picture;
    }
    picture.resize(SIDE_MAX, SIDE_MAX, image::imageops::FilterType::Triangle)
}

pub(crate) fn encode(picture: &DynamicImage) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 85);
    picture.to_rgb8().write_with_encoder(encoder).map_err(|error| Error::internal("encoding a picture", error))?;
    Ok(out)
}

/// A picture of noise as uploads are kept, for benches: noise is what compresses worst.
pub fn noise(width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let mut state = 1u32;
    let pixels = image::RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = u8::try_from(state >> 26).unwrap_or(0);
        let shade = |at: u32, most: u32| u8::try_from(at * 190 / most.max(1)).unwrap_or(0);
        image::Rgb([shade(x, width) + grain, shade(y, height) + grain, 60 + grain])
    });
    encode(&DynamicImage::ImageRgb8(pixels))
}

/// A picture to upload in tests.
#[cfg(test)]
pub(crate) fn noise_png() -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image::load_from_memory(&noise(60, 40).unwrap()).unwrap().write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

/// Longest side of a frame in which codes are looked for, in pixels: enough for a code that fills a tenth of it.
const FRAME_SIDE: u32 = 1_280;
/// Frames that are looked at at a time; the door comes first.
static LOOKING: Semaphore = Semaphore::const_new(1);

/// The QR codes in a frame that a camera took. Refuses when the box is busy with another frame: the next one comes at once anyway.
pub async fn codes(frame: Bytes) -> Result<Vec<String>, Error> {
    let Ok(looking) = LOOKING.try_acquire() else {
        return Err(refuse!(Slow, "picture.busy", "The box is looking at another picture. Try again.").into());
    };
    let found = tokio::task::spawn_blocking(move || Ok(codes_in(&decode(&frame)?)));
    let found = found.await.map_err(|error| Error::internal("looking for codes", error))?;
    drop(looking);
    found
}

pub(crate) fn codes_in(picture: &DynamicImage) -> Vec<String> {
    let picture = if picture.width().max(picture.height()) > FRAME_SIDE {
        picture.resize(FRAME_SIDE, FRAME_SIDE, image::imageops::FilterType::Triangle).to_luma8()
    } else {
        picture.to_luma8()
    };
    let (width, height) = (wide(picture.width()), wide(picture.height()));
    let grey = |x, y| picture.as_raw().get(y * width + x).copied().unwrap_or(u8::MAX);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    prepared.detect_grids().iter().filter_map(|grid| Some(grid.decode().ok()?.1)).collect()
}

/// The file of a picture as JPEG with its hash; pictures of events are public.
pub fn file(ctx: &Ctx, permit: &Permit, id: PictureId) -> Result<(Vec<u8>, [u8; 32]), Error> {
    let picture = ctx.read(permit, |view| Ok(view.get::<Picture>(&id)?))?;
    let picture = picture.ok_or_else(|| Refusal::missing("picture"))?;
    Ok((ctx.files.get(&picture.file)?, picture.file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[test]
    fn pictures_are_sized_and_made_anew() {
        let picture = shrink(decode(&png(3_200, 800)).unwrap());
        assert_eq!((picture.width(), picture.height()), (1_600, 400));
        let jpeg = encode(&picture).unwrap();
        assert_eq!(image::guess_format(&jpeg).unwrap(), ImageFormat::Jpeg);
    }

    #[tokio::test]
    async fn a_code_is_read_out_of_a_frame() {
        let code = qrcode::QrCode::new(b"100000000007").unwrap();
        let side = u32::try_from(code.width()).unwrap();
        let colors = code.to_colors();
        let frame = image::GrayImage::from_fn((side + 8) * 6, (side + 8) * 6, |x, y| {
            let (x, y) = ((x / 6).wrapping_sub(4), (y / 6).wrapping_sub(4));
            let dark = x < side && y < side && colors[wide(y * side + x)] == qrcode::Color::Dark;
            image::Luma([if dark { 20 } else { 230 }])
        });
        let mut png = Cursor::new(Vec::new());
        DynamicImage::ImageLuma8(frame).rotate90().write_to(&mut png, ImageFormat::Png).unwrap();
        assert_eq!(codes(png.into_inner().into()).await.unwrap(), ["100000000007"]);
        assert!(codes(super::tests::png(300, 300).into()).await.unwrap().is_empty());
        assert_eq!(codes(Bytes::from_static(b"GIF89a")).await.unwrap_err().code(), Some("input.invalid"));
    }

    #[test]
    fn what_is_no_picture_or_far_too_large_is_refused() {
        assert!(decode(b"<svg onload=alert(1)>").is_err());
        assert!(decode(b"GIF89a").is_err());
        assert!(decode(&png(10, 10)[..40]).is_err());
        let error = decode(&png(10_000, 7_000)).unwrap_err();
        assert_eq!(error.code(), Some("picture.too_large"));
    }
}
