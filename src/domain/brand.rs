//! The application's own name and logo (S0-4), and which other sites may show its parts in a frame.

use crate::{PictureId, Refusal, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// How the application calls itself; one record a space.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct Brand {
    /// Name in the head of every page; empty: the association's.
    pub name: String,
    /// Picture in the head and the browser's tab; none: the one drawn by us.
    pub logo: Option<PictureId>,
    /// Origins such as `https://www.example.org` whose pages may hold a home component in a frame.
    pub frames: Vec<String>,
}

/// Longest name of the application in characters; it stands beside buttons.
pub const BRAND_NAME_MAX: usize = 30;
/// Most origins that may frame a part.
pub const FRAMES_MAX: usize = 10;

/// What the settings page takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrandInput {
    /// Name.
    pub name: String,
    /// Origins, one a line.
    pub frames: String,
}

/// Whether a text is an origin that can stand in a header: scheme, host, at most a port.
fn is_origin(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let host = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    host.len() <= 200 && host.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Checks the form; the logo is kept as it is.
pub fn check_brand(input: &BrandInput, logo: Option<PictureId>) -> Result<Brand, Refusal> {
    let mut form = Form::default();
    let name = form.optional("app_name", &input.name, BRAND_NAME_MAX);
    let mut frames: Vec<String> = Vec::new();
    for line in input.frames.lines().map(crate::text::line).filter(|line| !line.is_empty()) {
        let origin = line.trim_end_matches('/').to_ascii_lowercase();
        if !is_origin(&origin) {
            form.wrong(problem!(
                "frames",
                "“{origin}” is no address of a site, such as https://www.example.org.",
                origin = line
            ));
        } else if !frames.contains(&origin) {
            frames.push(origin);
        }
    }
    if frames.len() > FRAMES_MAX {
        form.wrong(problem!("frames", "At most {max} sites.", max = FRAMES_MAX));
    }
    form.done(Brand { name, logo, frames })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_may_frame_a_part() {
        let cases = [
            ("https://www.example.org", true),
            ("https://www.example.org/", true),
            ("http://192.168.1.5:8080", true),
            ("https://*.example.org", true),
            ("HTTPS://Example.ORG", true),
            ("*", false),
            ("example.org", false),
            ("https://a b", false),
            ("https://a;script-src *", false),
            ("https://a/path", false),
            ("https://a:99999", false),
            ("javascript:alert(1)", false),
            ("https://", false),
        ];
        for (typed, taken) in cases {
            let input = BrandInput { frames: typed.into(), ..BrandInput::default() };
            assert_eq!(check_brand(&input, None).is_ok(), taken, "{typed}");
        }
    }

    #[test]
    fn the_brand_is_checked_as_a_whole() {
        let input = BrandInput { name: "长".repeat(31), frames: "x\ny".into() };
        let fields: Vec<_> =
            check_brand(&input, None).unwrap_err().problems.into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["app_name", "frames", "frames"]);
        let input = BrandInput { name: " 青松 会务 ".into(), frames: "https://a.cn\n\nhttps://A.cn/\n".into() };
        let brand = check_brand(&input, Some(PictureId(3))).unwrap();
        assert_eq!((brand.name.as_str(), brand.frames.len(), brand.logo), ("青松 会务", 1, Some(PictureId(3))));
        let many: String = (0..11).map(|n| format!("https://a{n}.cn\n")).collect();
        assert!(check_brand(&BrandInput { name: String::new(), frames: many }, None).is_err());
    }
}
