//! Feeds `fuzz_targets`' sign with whatever libFuzzer thinks of.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz_targets::run("sign", bytes);
});
