//! libFuzzer drives [`fuzz::bill`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::bill(bytes));
