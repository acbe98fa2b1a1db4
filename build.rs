//! Builds the tool again when something of the course changes, since that is part of it.

fn main() {
    for folder in ["book/data", "book/exercises", "book/en/src", "book/zh/src", "build.rs"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
