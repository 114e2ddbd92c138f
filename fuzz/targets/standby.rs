//! libFuzzer drives [`fuzz::standby`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::standby(bytes));
