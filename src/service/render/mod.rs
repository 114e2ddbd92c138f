//! Drawing designs: as SVG for pages and files, and as PNG on the box. The only place that knows fonts and resvg.

mod cache;
mod font;
mod ground;
mod raster;
mod svg;

pub use cache::Cache;
pub use font::Fonts;
pub use raster::{Pictures, layered, png};
pub use svg::{Card, Href, Links, card, code, sheet};

use domain::refuse;

/// The refusal when no font has Chinese characters.
pub(crate) fn no_font() -> domain::Refusal {
    refuse!(
        Unavailable,
        "render.no_font",
        "The box has no font with Chinese characters, so it cannot draw pictures. Install one, such as the package fonts-wqy-microhei, and start the hall again. Pages for printing work without it."
    )
}

/// Draws an SVG without pictures as PNG of that width in pixels, aside.
pub async fn picture(svg: String, width: u32) -> Result<Vec<u8>, crate::Error> {
    crate::aside(move || png(Fonts::system(), &svg, &Pictures::default(), width)).await
}
