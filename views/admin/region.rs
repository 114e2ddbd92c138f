//! Suggestions for the place of an event: provinces, and cities with the province that each lies in (S0-14).

use domain::region;
use maud::{Markup, html};

/// The two lists that the fields of the form name.
pub fn lists() -> Markup {
    html! {
        datalist id="provinces" { @for (province, _) in region::all() { option value=(province) {} } }
        datalist id="cities" { @for (province, cities) in region::all() { @for city in cities { option value=(city) data-province=(province) { (province) } } } }
    }
}
