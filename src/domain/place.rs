//! Where an event is on the map (S0-15): coordinates by hand or from a phone, in the datum of satellites or of Chinese maps, and the
//! links that open a map.

use crate::{EventId, Problem, problem};
use rkyv::{Archive, Deserialize, Serialize};

/// What coordinates are measured against.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Datum {
    /// As satellites and phones' browsers give them.
    #[default]
    Wgs84,
    /// As Chinese maps give them: shifted by some hundred metres.
    Gcj02,
}

impl Datum {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Wgs84 => "GPS (from a phone)",
            Self::Gcj02 => "Chinese maps (Amap, Tencent)",
        }
    }
}

/// Where an event is, in millionths of a degree.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// The event.
    pub event: EventId,
    /// Latitude, north positive.
    pub latitude: i32,
    /// Longitude, east positive.
    pub longitude: i32,
    /// What they are measured against.
    pub datum: Datum,
}

/// What the event form takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PlaceInput {
    pub latitude: String,
    pub longitude: String,
    pub datum: String,
}

impl PlaceInput {
    /// A kept place as the form shows it.
    pub fn of(place: &EventPlace) -> Self {
        Self {
            latitude: degrees(place.latitude),
            longitude: degrees(place.longitude),
            datum: place.datum.code().to_owned(),
        }
    }
}

/// Millionths as decimal degrees.
pub fn degrees(millionths: i32) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let all = millionths.unsigned_abs();
    format!("{sign}{}.{:06}", all / 1_000_000, all % 1_000_000)
}

/// Reads decimal degrees; digits behind the sixth are cut.
fn read(text: &str, most: i32) -> Option<i32> {
    let text: String = text.trim().chars().map(crate::text::half_width).collect();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain =
        |part: &str, max: usize| (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole, 3) || !plain(rest, 18) {
        return None;
    }
    let rest: String = rest.chars().chain("000000".chars()).take(6).collect();
    let value = whole.parse::<i32>().ok()? * 1_000_000 + rest.parse::<i32>().ok()?;
    (value <= most * 1_000_000).then_some(if negative { -value } else { value })
}

/// Checks the coordinates of the event form: both or none.
pub fn check_place(input: &PlaceInput, event: EventId) -> Result<Option<EventPlace>, Vec<Problem>> {
    if input.latitude.trim().is_empty() && input.longitude.trim().is_empty() {
        return Ok(None);
    }
    let (latitude, longitude) = (read(&input.latitude, 90), read(&input.longitude, 180));
    let mut problems = Vec::new();
    if latitude.is_none() {
        problems.push(problem!("latitude", "Give degrees from -90 to 90, such as 30.245853, or leave both empty."));
    }
    if longitude.is_none() {
        problems.push(problem!("longitude", "Give degrees from -180 to 180, such as 120.209947, or leave both empty."));
    }
    let datum = if input.datum == Datum::Gcj02.code() { Datum::Gcj02 } else { Datum::Wgs84 };
    match (latitude, longitude) {
        (Some(latitude), Some(longitude)) => Ok(Some(EventPlace { event, latitude, longitude, datum })),
        _ => Err(problems),
    }
}

/// Semi-major axis and squared eccentricity of the Krasovsky 1940 ellipsoid, on which the shift of GCJ-02 is computed.
const KRASOVSKY: (f64, f64) = (6_378_245.0, 0.006_693_421_622_965_943);

/// The shift of GCJ-02 at a point, in degrees north and east, as published in the open implementations of the datum; nothing outside China.
fn shift(latitude: f64, longitude: f64) -> (f64, f64) {
    use std::f64::consts::PI;
    if !(0.8293..=55.8271).contains(&latitude) || !(72.004..=137.8347).contains(&longitude) {
        return (0.0, 0.0);
    }
    let (x, y) = (longitude - 105.0, latitude - 35.0);
    let wave = |at: f64, [a, b, c]: [f64; 3], [p, q, r]: [f64; 3]| {
        (a * (p * at).sin() + b * (q * at).sin() + c * (r * at).sin()) * 2.0 / 3.0
    };
    let both = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + both
        + wave(y, [20.0, 40.0, 0.0], [PI, PI / 3.0, 1.0])
        + wave(y, [160.0, 320.0, 0.0], [PI / 12.0, PI / 30.0, 1.0]);
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + both
        + wave(x, [20.0, 40.0, 0.0], [PI, PI / 3.0, 1.0])
        + wave(x, [150.0, 300.0, 0.0], [PI / 12.0, PI / 30.0, 1.0]);
    let (axis, eccentricity) = KRASOVSKY;
    let radians = latitude.to_radians();
    let magic = 1.0 - eccentricity * radians.sin().powi(2);
    let meridian = axis * (1.0 - eccentricity) / (magic * magic.sqrt());
    (north.to_degrees() / meridian, east.to_degrees() / (axis / magic.sqrt() * radians.cos()))
}

impl EventPlace {
    fn plain(&self) -> (f64, f64) {
        (f64::from(self.latitude) / 1e6, f64::from(self.longitude) / 1e6)
    }

    /// Latitude and longitude as satellites give them; exact to about a metre.
    pub fn wgs84(&self) -> (f64, f64) {
        let (latitude, longitude) = self.plain();
        match self.datum {
            Datum::Wgs84 => (latitude, longitude),
            Datum::Gcj02 => {
                let mut guess = (latitude, longitude);
                for _ in 0..3 {
                    let (north, east) = shift(guess.0, guess.1);
                    guess = (latitude - north, longitude - east);
                }
                guess
            }
        }
    }

    /// Latitude and longitude as Chinese maps give them.
    pub fn gcj02(&self) -> (f64, f64) {
        let (latitude, longitude) = self.plain();
        match self.datum {
            Datum::Gcj02 => (latitude, longitude),
            Datum::Wgs84 => {
                let (north, east) = shift(latitude, longitude);
                (latitude + north, longitude + east)
            }
        }
    }

    /// Links that open a map: English source text or name of the map, and address. `name` and `address` are encoded by `encode`.
    pub fn links(&self, name: &str, address: &str, encode: &dyn Fn(&str) -> String) -> Vec<(&'static str, String)> {
        let (latitude, longitude) = self.wgs84();
        let (chinese_latitude, chinese_longitude) = self.gcj02();
        let (name, address) = (encode(name), encode(address));
        let gps = format!("{latitude:.6},{longitude:.6}");
        let chinese = format!("{chinese_latitude:.6},{chinese_longitude:.6}");
        vec![
            (
                "Amap",
                format!(
                    "https://uri.amap.com/marker?position={chinese_longitude:.6},{chinese_latitude:.6}&name={name}&coordinate=gaode&callnative=1"
                ),
            ),
            (
                "Tencent Maps",
                format!(
                    "https://apis.map.qq.com/uri/v1/marker?marker=coord:{chinese};title:{name};addr:{address}&referer=huiguan"
                ),
            ),
            ("Apple Maps", format!("https://maps.apple.com/?ll={chinese}&q={name}")),
            ("Other map", format!("geo:{gps}?q={gps}({name})")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(latitude: i32, longitude: i32, datum: Datum) -> EventPlace {
        EventPlace { event: EventId(1), latitude, longitude, datum }
    }

    #[test]
    fn coordinates_are_given_both_or_not_at_all() {
        let cases = [
            ("", "", Ok(None)),
            ("30.245853", "120.2099471234", Ok(Some((30_245_853, 120_209_947)))),
            ("-3", "１２０．５", Ok(Some((-3_000_000, 120_500_000)))),
            ("90", "180", Ok(Some((90_000_000, 180_000_000)))),
            ("90.1", "1", Err(vec!["latitude"])),
            ("1", "", Err(vec!["longitude"])),
            ("north", "181", Err(vec!["latitude", "longitude"])),
            ("1e5", "1", Err(vec!["latitude"])),
        ];
        for (latitude, longitude, expected) in cases {
            let input = PlaceInput { latitude: latitude.into(), longitude: longitude.into(), datum: String::new() };
            let read = check_place(&input, EventId(1));
            let read = read.map(|place| place.map(|place| (place.latitude, place.longitude)));
            let read = read.map_err(|problems| problems.into_iter().map(|p| p.field).collect::<Vec<_>>());
            assert_eq!(
                read,
                expected.map_err(|fields| fields.into_iter().map(str::to_owned).collect()),
                "{latitude} {longitude}"
            );
        }
        assert_eq!(degrees(-3_000_001), "-3.000001");
    }

    #[test]
    fn the_datum_of_chinese_maps_is_where_they_draw_it() {
        // The gate of Tian'anmen, as both datums give it in the published comparisons.
        let gate = place(39_907_333, 116_391_083, Datum::Wgs84);
        let (latitude, longitude) = gate.gcj02();
        assert!(
            (latitude - 39.908_737).abs() < 0.000_05 && (longitude - 116.397_323).abs() < 0.000_05,
            "{latitude} {longitude}"
        );
        let back = place((latitude * 1e6) as i32, (longitude * 1e6) as i32, Datum::Gcj02).wgs84();
        assert!((back.0 - 39.907_333).abs() < 0.000_01 && (back.1 - 116.391_083).abs() < 0.000_01, "{back:?}");
        assert_eq!(
            place(48_858_370, 2_294_481, Datum::Wgs84).gcj02(),
            (48.858_37, 2.294_481),
            "no shift outside China"
        );
    }

    #[test]
    fn each_map_gets_the_datum_it_draws_by() {
        let links = place(30_245_853, 120_209_947, Datum::Gcj02).links("年会", "1 号", &|text| format!("<{text}>"));
        assert_eq!(links.len(), 4);
        assert!(links[0].1.contains("position=120.209947,30.245853&name=<年会>&coordinate=gaode"));
        assert!(links[1].1.contains("coord:30.245853,120.209947;title:<年会>;addr:<1 号>"));
        assert!(links[2].1.contains("ll=30.245853,120.209947"));
        assert!(
            links[3].1.starts_with("geo:30.24") && !links[3].1.contains("30.245853"),
            "geo: is for satellites' datum"
        );
    }
}
