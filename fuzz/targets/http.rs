//! libFuzzer drives [`fuzz::http`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::http(bytes));
