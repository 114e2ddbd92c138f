//! The report: one HTML file with bars.

use crate::{Done, load::Figures};
use std::fmt::Write;
use std::path::Path;

/// Writes the report.
pub fn write(path: &Path, title: &str, words: &str, rows: &[(&str, Figures)], facts: &[(&str, String)]) -> Done<()> {
    let top = rows.iter().map(|(_, figures)| figures.rate).fold(1.0, f64::max);
    let mut out = format!(
        "<!doctype html><meta charset=utf-8><title>{title}</title><style>body{{font:16px/1.6 system-ui;max-width:860px;margin:2em auto;padding:0 1em}}td,th{{padding:.3em 1em .3em 0;text-align:left}}</style><h1>{title}</h1><p>{words}</p><svg viewBox=\"0 0 860 {}\" role=img>",
        rows.len() * 46
    );
    for (at, (label, figures)) in rows.iter().enumerate() {
        let (y, width) = (at * 46, figures.rate / top * 520.0);
        write!(
            out,
            "<text x=0 y={} font-size=14>{label}</text><rect x=220 y={} width={width:.0} height=28 fill=\"#a83a26\"/><text x={:.0} y={} font-size=14>{:.0}/s</text>",
            y + 24,
            y + 5,
            228.0 + width,
            y + 24,
            figures.rate
        )?;
    }
    out.push_str("</svg><table><tr><th>measured<th>per second<th>p50<th>p99</tr>");
    for (label, figures) in rows {
        write!(out, "<tr><td>{label}<td>{:.0}<td>{:.2?}<td>{:.2?}</tr>", figures.rate, figures.p50, figures.p99)?;
    }
    out.push_str("</table><table>");
    for (label, value) in facts {
        write!(out, "<tr><td>{label}<td>{value}</tr>")?;
    }
    out.push_str("</table>");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, out)?;
    Ok(())
}
