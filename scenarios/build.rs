//! Builds the crate again when a library scenario changes, since they are part of it.

fn main() {
    println!("cargo::rerun-if-changed=library");
    println!("cargo::rerun-if-changed=build.rs");
}
