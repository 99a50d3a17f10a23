//! Feeds `fuzz_targets`' reference with whatever libFuzzer thinks of.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz_targets::run("reference", bytes);
});
