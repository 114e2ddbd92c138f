//! libFuzzer drives [`fuzz::depot`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::depot(bytes));
