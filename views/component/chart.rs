//! Charts as SVG with a table behind them for those who cannot see it.

use crate::{format::count, text::Text};
use maud::{Markup, html};

/// A series of figures in the order they are drawn.
pub struct Series<'a> {
    /// What the chart shows.
    pub title: &'a str,
    /// Head of the label column in the table.
    pub label: &'a str,
    /// Head of the value column in the table.
    pub value: &'a str,
    /// Labels and values.
    pub points: Vec<(String, i64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 12.0;

/// The smallest round number (1, 2 or 5 times a power of ten) not below `value`.
fn round_up(value: i64) -> i64 {
    let mut power = 1i64;
    loop {
        for step in [1, 2, 5] {
            let candidate = power.saturating_mul(step);
            if candidate >= value || candidate == i64::MAX {
                return candidate;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// An ISO date without its year, which stands in the table; other labels as they are.
fn short(label: &str) -> &str {
    let date = label.len() == 10
        && label.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if date { label.get(5..).unwrap_or(label) } else { label }
}

/// A bar for each point, at most as many labels as fit.
pub fn bars(text: Text, series: &Series<'_>) -> Markup {
    if series.points.is_empty() {
        return html! { figure class="chart" { figcaption { (series.title) } p class="dim" { (text.t("No figures yet.")) } } };
    }
    let top = round_up(series.points.iter().map(|(_, value)| *value).max().unwrap_or(1).max(5));
    let (inner, height) = (WIDTH - LEFT - 8.0, HEIGHT - BOTTOM - TOP);
    let step = inner / series.points.len() as f64;
    let width = (step * 0.7).clamp(1.0, 36.0);
    let every = series.points.len().div_ceil(8);
    let x = |at: usize| LEFT + step * (at as f64 + 0.5);
    let y = |value: f64| TOP + height * (1.0 - value / top as f64);
    html! {
        figure class="chart" {
            figcaption { (series.title) }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(series.title) {
                @for part in 0..=5i64 {
                    @let at = y(top as f64 * part as f64 / 5.0);
                    line class="grid" x1=(LEFT) x2=(WIDTH - 8.0) y1={ (format!("{at:.1}")) } y2={ (format!("{at:.1}")) } {}
                    text class="axis" x=(LEFT - 6.0) y={ (format!("{:.1}", at + 4.0)) } text-anchor="end" { (count(top * part / 5)) }
                }
                @for (at, (label, value)) in series.points.iter().enumerate() {
                    @let bar = y(*value as f64);
                    rect class="mark" x={ (format!("{:.1}", x(at) - width / 2.0)) } y={ (format!("{bar:.1}")) } width={ (format!("{width:.1}")) } height={ (format!("{:.1}", TOP + height - bar)) } rx="2" { title { (label) ": " (count(*value)) } }
                    @if at % every == 0 { text class="axis" x={ (format!("{:.1}", x(at))) } y=(HEIGHT - 8.0) text-anchor="middle" { (short(label)) } }
                }
            }
            details {
                summary { (text.t("Show as a table")) }
                div class="table" { table {
                    thead { tr { th scope="col" { (series.label) } th scope="col" class="num" { (series.value) } } }
                    tbody { @for (label, value) in &series.points { tr { td { (label) } td class="num" { (count(*value)) } } } }
                } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, top) in [(1, 1), (3, 5), (11, 20), (50, 50), (51, 100), (1_234, 2_000)] {
            assert_eq!(round_up(value), top);
        }
        assert!(round_up(i64::MAX) > 0);
    }

    #[test]
    fn every_point_is_a_bar_and_a_row() {
        let points = (0..40).map(|n| (format!("p{n}"), n)).collect();
        let series = Series { title: "t", label: "l", value: "v", points };
        let svg = bars(Text(Lang::En), &series).into_string();
        assert_eq!(svg.matches("class=\"mark\"").count(), 40);
        assert_eq!(svg.matches("<tr>").count(), 41);
        let none = Series { points: Vec::new(), ..series };
        assert!(bars(Text(Lang::En), &none).into_string().contains("No figures yet."));
    }
}
