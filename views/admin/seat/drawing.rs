//! The table plan as SVG: tables with their seats around them, taken ones filled.

use crate::text::Text;
use domain::seat::{PLAN_HEIGHT, PLAN_WIDTH, SeatPlan, SeatTable, Shape, table_label};
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// Most seats that are drawn around one table.
const DOTS_MAX: u16 = 30;

/// The plan; `heads` says how many sit at each table by its name.
pub fn drawing(text: Text, plan: &SeatPlan, heads: &BTreeMap<String, usize>) -> Markup {
    html! {
        svg class="plan" data-plan viewBox={ "0 0 " (PLAN_WIDTH) " " (PLAN_HEIGHT) } role="group" aria-label=(text.t("Table plan")) {
            rect class="floor" x="1" y="1" width=(PLAN_WIDTH - 2) height=(PLAN_HEIGHT - 2) rx="12" {}
            rect class="stage" x={ (PLAN_WIDTH / 2 - 160) } y="1" width="320" height="20" rx="4" {}
            text class="stage-name" x=(PLAN_WIDTH / 2) y="16" text-anchor="middle" { (text.t("Stage")) }
            @for table in &plan.tables { (one(text, table, heads.get(&table.name).copied().unwrap_or(0))) }
        }
    }
}

fn one(text: Text, table: &SeatTable, heads: usize) -> Markup {
    let label = table_label(&table.name);
    let says = text
        .f("{table}: {heads} of {seats} seats taken", &[("table", &label), ("heads", &heads), ("seats", &table.seats)]);
    let class = match heads.cmp(&usize::from(table.seats)) {
        std::cmp::Ordering::Greater => "table-mark over",
        std::cmp::Ordering::Equal => "table-mark full",
        std::cmp::Ordering::Less => "table-mark",
    };
    html! {
        g class=(class) data-table=(table.id) transform={ "translate(" (table.x) " " (table.y) ")" } aria-label=(says) role="img" {
            (top(table.shape))
            @for (at, (x, y)) in dots(table).into_iter().enumerate() {
                circle class=(if at < heads { "chair taken" } else { "chair" }) cx={ (format!("{x:.1}")) } cy={ (format!("{y:.1}")) } r="7" {}
            }
            text class="table-name" y="-1" text-anchor="middle" { (label) }
            text class="table-heads" y="17" text-anchor="middle" { (heads) "/" (table.seats) }
        }
    }
}

fn top(shape: Shape) -> Markup {
    match shape {
        Shape::Round => html! { circle class="top" r="38" {} },
        Shape::Square => html! { rect class="top" x="-36" y="-36" width="72" height="72" rx="6" {} },
        Shape::Long => html! { rect class="top" x="-62" y="-24" width="124" height="48" rx="6" {} },
    }
}

/// Where the chairs stand around the middle.
fn dots(table: &SeatTable) -> Vec<(f64, f64)> {
    let many = table.seats.min(DOTS_MAX);
    match table.shape {
        Shape::Round | Shape::Square => {
            let far = if table.shape == Shape::Round { 51.0 } else { 56.0 };
            let angle = |n: u16| f64::from(n) / f64::from(many) * TAU - TAU / 4.0;
            (0..many).map(|n| (angle(n).cos() * far, angle(n).sin() * far)).collect()
        }
        Shape::Long => {
            let row = many.div_ceil(2).max(1);
            let across = |n: u16| if row == 1 { 0.0 } else { -54.0 + 108.0 * f64::from(n) / f64::from(row - 1) };
            (0..many).map(|n| (across(n % row), if n < row { -35.0 } else { 35.0 })).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;
    use domain::EventId;

    #[test]
    fn every_table_is_drawn_with_its_chairs_and_taken_ones_are_filled() {
        let table = |id, shape, seats| SeatTable { id, name: format!("{id}<"), seats, shape, x: 100, y: 200 };
        let tables = vec![table(1, Shape::Round, 10), table(2, Shape::Long, 7), table(3, Shape::Square, 500)];
        let plan = SeatPlan { tables, ..SeatPlan::of(EventId(1)) };
        let heads = BTreeMap::from([("1<".to_owned(), 4), ("2<".to_owned(), 8)]);
        let svg = drawing(Text(Lang::En), &plan, &heads).into_string();
        assert_eq!(svg.matches("class=\"chair").count(), 10 + 7 + 30);
        assert_eq!(svg.matches("chair taken").count(), 4 + 7);
        assert_eq!(svg.matches("table-mark over").count(), 1, "eight at a table for seven");
        assert!(svg.contains("translate(100 200)") && !svg.contains("1<\""), "names are escaped");
    }
}
