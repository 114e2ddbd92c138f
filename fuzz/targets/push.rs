//! libFuzzer drives [`fuzz::push`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::push(bytes));
