//! Suggestions for the place of an event: provinces, cities with the province that each lies in, and the districts that were typed before (S0-14).

use domain::region;
use maud::{Markup, html};

/// The lists that the fields of the form name; `districts` are cities with districts.
pub fn lists(districts: &[(String, String)]) -> Markup {
    html! {
        datalist id="provinces" { @for (province, _) in region::all() { option value=(province) {} } }
        datalist id="cities" { @for (province, cities) in region::all() { @for city in cities { option value=(city) data-province=(province) { (province) } } } }
        datalist id="districts" { @for (city, district) in districts { option value=(district) data-city=(city) { (city) } } }
    }
}
