//! A drawing as PNG. Pictures come by name; nothing is read from disk or network while it is drawn.

use super::{
    Card, Fonts, no_font,
    svg::{card, overlay},
};
use crate::Error;
use domain::Design;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{ExtendedColorType, ImageEncoder, codecs::png};
use resvg::{
    tiny_skia::{Color, Pixmap, Transform},
    usvg::{self, ImageHrefResolver, ImageKind, Options, Tree},
};
use std::collections::HashMap;
use std::sync::Arc;

/// Files of pictures, JPEG as uploads are kept.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    /// What lies behind the whole drawing, which is then made by [`layered`]. A renderer's filter over that many pixels takes
    /// half of the time of a poster.
    pub ground: Option<Arc<Vec<u8>>>,
    /// By the names that stand in the drawing.
    pub named: HashMap<String, Arc<Vec<u8>>>,
}

/// Longest side in pixels.
const SIDE_MAX: f32 = 4_000.0;

/// A card as SVG for [`png`] with the same pictures: without the picture behind it, which [`png`] lays there itself.
pub fn layered(fonts: &Fonts, design: &Design, of: &Card<'_>, pictures: &Pictures) -> String {
    if pictures.ground.is_some() { overlay(fonts, design, of) } else { card(fonts, design, of) }
}

/// Draws an SVG as PNG of that width in pixels. What holds text needs a font for it.
pub fn png(fonts: &Fonts, svg: &str, pictures: &Pictures, width: u32) -> Result<Vec<u8>, Error> {
    if fonts.family().is_none() && svg.contains("<text") {
        return Err(no_font().into());
    }
    let named = move |name: &str, _: &Options<'_>| pictures.named.get(name).map(|file| ImageKind::JPEG(file.clone()));
    let options = Options {
        fontdb: fonts.database(),
        font_family: fonts.family().unwrap_or("").to_owned(),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(named),
        },
        // Bilinear: uploads are large enough, and finer filters take twice as long.
        image_rendering: usvg::ImageRendering::Smooth,
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).map_err(|error| Error::internal("reading a drawing", error))?;
    let (mut pixmap, scale) = canvas(&tree, width).ok_or_else(|| Error::Internal("a drawing without size".into()))?;
    if let Some(file) = &pictures.ground {
        lay(&mut pixmap, file)?;
    }
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    encode(&pixmap)
}

/// Covers all of it with the middle of a picture.
fn lay(pixmap: &mut Pixmap, file: &[u8]) -> Result<(), Error> {
    let source = crate::picture::decode(file)?.into_rgb8();
    let mut fitted = image::RgbImage::new(pixmap.width(), pixmap.height());
    let how = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).fit_into_destination(None);
    Resizer::new()
        .resize(&source, &mut fitted, &how)
        .map_err(|error| Error::internal("bringing a picture to size", error))?;
    let (pixels, _) = pixmap.data_mut().as_chunks_mut::<4>();
    for (pixel, image::Rgb([red, green, blue])) in pixels.iter_mut().zip(fitted.pixels()) {
        *pixel = [*red, *green, *blue, 255];
    }
    Ok(())
}

/// A white sheet for a drawing, and how many of its pixels are one unit of the drawing.
fn canvas(tree: &Tree, width: u32) -> Option<(Pixmap, f32)> {
    let size: usvg::Size = tree.size();
    let scale = (width as f32 / size.width()).min(SIDE_MAX / size.width()).min(SIDE_MAX / size.height());
    let (width, height) = ((size.width() * scale).round().max(1.0), (size.height() * scale).round().max(1.0));
    let mut pixmap = Pixmap::new(width as u32, height as u32)?;
    pixmap.fill(Color::WHITE);
    Some((pixmap, scale))
}

/// The ground is opaque, so alpha is left out; a quick compression keeps the wait short.
fn encode(pixmap: &Pixmap) -> Result<Vec<u8>, Error> {
    let (width, height) = (pixmap.width(), pixmap.height());
    let (pixels, _) = pixmap.data().as_chunks::<4>();
    let mut rgb = vec![0; pixels.len() * 3];
    let (places, _) = rgb.as_chunks_mut::<3>();
    for (place, [red, green, blue, _]) in places.iter_mut().zip(pixels) {
        *place = [*red, *green, *blue];
    }
    let mut out = Vec::with_capacity(rgb.len() / 4);
    png::PngEncoder::new_with_quality(&mut out, png::CompressionType::Fast, png::FilterType::Sub)
        .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| Error::internal("encoding a drawing", error))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::Href;
    use super::*;
    use domain::{
        DesignId, EventId, PictureId, Time,
        design::{Ground, Values, preset},
    };

    fn poster() -> Design {
        preset::design(preset::find("poster").unwrap(), DesignId(1), EventId(1), Time(0), &|text| text.to_owned())
    }

    fn values() -> Values {
        Values {
            name: "欧阳若曦".into(),
            event: "年度会员大会".into(),
            event_code: "http://192.168.1.5:8080/event/3?from=m17".into(),
            ..Values::default()
        }
    }

    fn codes(png: &[u8]) -> Vec<String> {
        crate::picture::codes_in(&image::load_from_memory(png).unwrap())
    }

    #[test]
    fn a_poster_is_a_picture_whose_code_can_be_scanned() {
        let values = values();
        let svg = card(Fonts::system(), &poster(), &Card { values: &values, links: &|_| None });
        let png = png(Fonts::system(), &svg, &Pictures::default(), 1_080).unwrap();
        let picture = image::load_from_memory(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (1_080, 1_920));
        assert_eq!(codes(&png), std::slice::from_ref(&values.event_code));
        // The name is drawn: without it the picture is another one.
        let nameless = Values { name: String::new(), ..values };
        let svg = card(Fonts::system(), &poster(), &Card { values: &nameless, links: &|_| None });
        assert_ne!(super::png(Fonts::system(), &svg, &Pictures::default(), 1_080).unwrap(), png);
    }

    #[test]
    fn uploaded_pictures_are_drawn_and_no_file_is_read() {
        let design = Design { ground: Ground::Picture(PictureId(7)), elements: Vec::new(), ..poster() };
        let mut green = Vec::new();
        let pixels = image::RgbImage::from_pixel(90, 160, image::Rgb([10, 200, 30]));
        pixels.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut green, 90)).unwrap();
        let links = |href: Href| (href == Href::Picture(PictureId(7))).then(|| "picture:7".to_owned());
        let svg = card(Fonts::system(), &design, &Card { values: &values(), links: &links });
        let green = Arc::new(green);
        let pictures = Pictures { named: HashMap::from([("picture:7".to_owned(), green.clone())]), ground: None };
        let drawn = image::load_from_memory(&png(Fonts::system(), &svg, &pictures, 90).unwrap()).unwrap().to_rgb8();
        let middle = drawn.get_pixel(45, 80);
        assert!(middle[1] > 180 && middle[0] < 40, "{middle:?}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.jpg");
        std::fs::write(&path, green.as_ref()).unwrap();
        let file = |_: Href| Some(path.to_string_lossy().into_owned());
        let svg = card(Fonts::system(), &design, &Card { values: &values(), links: &file });
        let drawn =
            image::load_from_memory(&png(Fonts::system(), &svg, &Pictures::default(), 90).unwrap()).unwrap().to_rgb8();
        assert_eq!(drawn.get_pixel(45, 80).0, [255; 3], "a path is no picture");
    }

    #[test]
    fn a_picture_behind_a_drawing_is_cut_as_the_drawing_itself_would() {
        // Wider than the card: of three stripes only the middle one is seen.
        let stripes = image::RgbImage::from_fn(900, 300, |x, _| match x / 300 {
            0 => image::Rgb([220, 20, 20]),
            1 => image::Rgb([20, 200, 20]),
            _ => image::Rgb([20, 20, 220]),
        });
        let mut file = Vec::new();
        stripes.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95)).unwrap();
        let file = Arc::new(file);
        let design = Design { ground: Ground::Picture(PictureId(7)), ..poster() };
        let (values, links) =
            (values(), |href: Href| (href == Href::Picture(PictureId(7))).then(|| "picture:7".to_owned()));
        let of = Card { values: &values, links: &links };
        let named = Pictures { named: HashMap::from([("picture:7".to_owned(), file.clone())]), ground: None };
        let beneath = Pictures { named: HashMap::new(), ground: Some(file) };
        let whole = png(Fonts::system(), &card(Fonts::system(), &design, &of), &named, 270).unwrap();
        let laid = png(Fonts::system(), &layered(Fonts::system(), &design, &of, &beneath), &beneath, 270).unwrap();
        let (whole, laid) =
            (image::load_from_memory(&whole).unwrap().to_rgb8(), image::load_from_memory(&laid).unwrap().to_rgb8());
        assert_eq!(whole.dimensions(), laid.dimensions());
        let far = |(a, b): (&image::Rgb<u8>, &image::Rgb<u8>)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 24);
        let apart = whole.pixels().zip(laid.pixels()).filter(|pair| far(*pair)).count();
        assert!(apart * 200 < whole.pixels().len(), "{apart} pixels of {} differ", whole.pixels().len());
        let corner = laid.get_pixel(2, 2);
        assert!(corner[1] > 150 && corner[0] < 80, "{corner:?}");
    }

    #[test]
    fn a_box_without_a_chinese_font_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let fonts = Fonts::in_folders(&[folder.path().to_owned()]);
        let svg = card(&fonts, &poster(), &Card { values: &values(), links: &|_| None });
        assert!(svg.contains("欧阳若曦"), "pages are drawn without it");
        assert_eq!(png(&fonts, &svg, &Pictures::default(), 90).unwrap_err().code(), Some("render.no_font"));
    }
}
