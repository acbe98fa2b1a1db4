//! Stops the build with one sentence where `--cfg madsim` is missing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_MADSIM").is_none() {
        println!(
            "cargo::error=Trial needs `--cfg madsim`, which .cargo/config.toml sets: build from inside the repository, \
             and unset RUSTFLAGS (it replaces the configuration) or add `--cfg madsim` to it."
        );
    }
}
