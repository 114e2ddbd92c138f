//! Style sheet, modules and pictures that pages link, embedded in the binary; addresses carry the content's hash.

use rust_embed::RustEmbed;
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../assets"]
#[exclude = "text/*"]
struct Assets;

/// A file that a page links.
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Media type.
    pub mime: &'static str,
    /// Strong tag of its content.
    pub tag: String,
}

/// The file of that name.
pub fn asset(name: &str) -> Option<Asset> {
    let file = Assets::get(name)?;
    let mime = match name.rsplit('.').next()? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    };
    Some(Asset { bytes: file.data, mime, tag: short(&file.metadata.sha256_hash()) })
}

fn short(hash: &[u8; 32]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The address of a file, different for each content.
pub fn url(name: &str) -> String {
    let tag = Assets::get(name).map_or_else(String::new, |file| short(&file.metadata.sha256_hash()));
    format!("/asset/{name}?v={tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_embedded_and_texts_are_not_served() {
        assert!(asset("app.css").is_some_and(|asset| asset.mime.starts_with("text/css")));
        assert!(url("app.css").len() > "/asset/app.css?v=".len());
        assert!(asset("text/zh/common.toml").is_none());
        assert!(asset("../Cargo.toml").is_none());
    }
}
