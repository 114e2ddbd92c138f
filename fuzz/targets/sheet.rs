//! libFuzzer drives [`fuzz::sheet`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::sheet(bytes));
