//! The first steps of a new hall, in a browser, with a power cut in between.

use crate::browser::run_with_power_cuts;

#[test]
fn a_new_hall_is_set_up_step_by_step_in_a_browser() {
    run_with_power_cuts("start.mjs");
}
