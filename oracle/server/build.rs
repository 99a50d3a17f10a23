//! Rebuilds the crate when a migration changes; the `migrate!` macro alone would not notice.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
