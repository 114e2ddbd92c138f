//! libFuzzer drives [`fuzz::query`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::query(bytes));
