//! Patterns behind the elements, drawn by us for any size of card.

/// Appends the pattern of that number over a card of that size.
pub fn draw(out: &mut String, number: u8, width: i32, height: i32) {
    let (w, h) = (f64::from(width), f64::from(height));
    let short = w.min(h);
    let mut put = |part: String| out.push_str(&part);
    let fill = |color: &str| format!("<rect width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>");
    match number {
        0 => {
            put(fill("#8f2a1b"));
            put(format!(
                "<path d=\"M0 0H{w}V{:.0}Q{:.0} {:.0} 0 {:.0}Z\" fill=\"#a83a26\"/>",
                h * 0.62,
                w / 2.0,
                h * 0.78,
                h * 0.62
            ));
            put(rays(w / 2.0, h * 0.36, w.max(h), "#c4523c"));
            put(eaves(w, h));
        }
        1 => {
            put(fill("#1b3350"));
            put(waves(w, h, short, "#3c6a99"));
        }
        2 => {
            put(fill("#1f5136"));
            put(rings(w * 0.88, h * 0.1, short * 0.5, "#3f7d58"));
            put(rings(w * 0.08, h * 0.92, short * 0.42, "#3f7d58"));
        }
        3 => {
            put(fill("#4b2f61"));
            put(rays(w * 0.5, h * 1.02, w.max(h) * 1.1, "#6d4a88"));
        }
        4 => {
            put(fill("#ffffff"));
            let band = h * 0.2;
            put(format!("<rect width=\"{width}\" height=\"{band:.0}\" fill=\"#a83a26\"/>"));
            put(format!("<rect y=\"{band:.0}\" width=\"{width}\" height=\"{:.0}\" fill=\"#d9b45b\"/>", short * 0.012));
            put(format!(
                "<rect y=\"{:.0}\" width=\"{width}\" height=\"{:.0}\" fill=\"#a83a26\"/>",
                h * 0.985,
                h * 0.015 + 1.0
            ));
        }
        _ => {
            put(fill("#fdf9ef"));
            put(frame(w, h, short));
        }
    }
}

fn rays(x: f64, y: f64, length: f64, color: &str) -> String {
    let mut path = String::new();
    for ray in 0..16 {
        let from = f64::from(ray) * std::f64::consts::TAU / 16.0;
        let to = from + std::f64::consts::TAU / 40.0;
        let (a, b) =
            ((x + from.cos() * length, y + from.sin() * length), (x + to.cos() * length, y + to.sin() * length));
        path.push_str(&format!("M{x:.0} {y:.0}L{:.0} {:.0}L{:.0} {:.0}Z", a.0, a.1, b.0, b.1));
    }
    format!("<path d=\"{path}\" fill=\"{color}\" fill-opacity=\"0.28\"/>")
}

/// The roof of a guildhall along the lower edge.
fn eaves(w: f64, h: f64) -> String {
    let (base, roof) = (h * 0.985, h * 0.955);
    format!(
        "<path d=\"M0 {roof:.0}Q{:.0} {roof:.0} {:.0} {:.0}Q{:.0} {roof:.0} {w:.0} {roof:.0}V{base:.0}H0Z\" fill=\"#6f1e12\"/><rect y=\"{base:.0}\" width=\"{w:.0}\" height=\"{:.0}\" fill=\"#d9b45b\"/>",
        w * 0.35,
        w * 0.5,
        h * 0.93,
        w * 0.65,
        h - base
    )
}

fn waves(w: f64, h: f64, short: f64, color: &str) -> String {
    let step = short * 0.12;
    let mut path = String::new();
    for row in 0..8 {
        let y = h - f64::from(row) * step * 0.55;
        path.push_str(&format!("M0 {y:.0}"));
        for _ in 0..=(w / step / 2.0).ceil() as usize {
            path.push_str(&format!("q{:.0} {:.0} {step:.0} 0t{step:.0} 0", step / 2.0, -step * 0.5));
        }
    }
    format!("<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{:.1}\"/>", short * 0.006)
}

fn rings(x: f64, y: f64, radius: f64, color: &str) -> String {
    let ring = |part: i32| format!("<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"{:.0}\"/>", radius * f64::from(part) / 6.0);
    let all: String = (1..=6).map(ring).collect();
    format!("<g fill=\"none\" stroke=\"{color}\" stroke-width=\"{:.1}\">{all}</g>", radius * 0.016)
}

/// A double border with corners, as on a certificate.
fn frame(w: f64, h: f64, short: f64) -> String {
    let border = |inset: f64, color: &str, thick: f64| {
        format!(
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{:.0}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{:.1}\"/>",
            short * inset,
            short * inset,
            w - 2.0 * short * inset,
            h - 2.0 * short * inset,
            short * thick
        )
    };
    let corner = |x: f64, y: f64| {
        format!(
            "<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"{:.0}\" fill=\"#fdf9ef\" stroke=\"#b98a2e\" stroke-width=\"{:.1}\"/>",
            short * 0.028,
            short * 0.005
        )
    };
    let inset = short * 0.045;
    [
        border(0.045, "#b98a2e", 0.008),
        border(0.06, "#a83a26", 0.003),
        corner(inset, inset),
        corner(w - inset, inset),
        corner(inset, h - inset),
        corner(w - inset, h - inset),
    ]
    .concat()
}
