//! libFuzzer drives [`fuzz::rich`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::rich(bytes));
