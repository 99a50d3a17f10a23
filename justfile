# Every recipe is a script or one cargo call; `just` itself is optional.

# What CI runs.
pre-push:
    scripts/test

# The main job, from nothing to a settled escrow.
demo scenario="scenarios/fastly-2021-06-08.toml":
    scripts/demo {{scenario}}

# Quick feedback while editing.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# One scenario with the development build.
replay scenario:
    BITCOIND_EXE="$(scripts/bitcoind)" cargo run --bin earnest -- replay {{scenario}}

# Kill a node between any two of its effects, everywhere or where WHERE says, such as settled/buyer/commit.after.
crash-walk where="":
    cargo build --bins --features earnest/crash-points,earnest-oracle/crash-points
    BITCOIND_EXE="$(scripts/bitcoind)" CRASH_WALK="{{where}}" cargo test -p blackbox --test crash_walk -- --nocapture
