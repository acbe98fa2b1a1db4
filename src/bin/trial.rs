//! The `trial` binary: everything is in the library beside it, so that the book can call it too.

use std::process::ExitCode;

/// Trials allocate many small things: the system's allocator costs them a seventh of their time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trial::main()
}
