//! Hands the compiler's version and the source revision to `src/build.rs`.

use std::path::Path;
use std::process::Command;

fn main() {
    for watched in [".git/HEAD", ".git/refs/heads"] {
        // Watching what does not exist would run this at every build.
        if Path::new(watched).exists() {
            println!("cargo:rerun-if-changed={watched}");
        }
    }
    println!("cargo:rerun-if-env-changed=QLARA_BUILD_REVISION");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let rust_version = first_line(&rustc, &["--version"])
        .and_then(|line| line.split(' ').nth(1).map(str::to_owned));
    // A build without the repository, such as one in a container, states the revision itself.
    let revision = std::env::var("QLARA_BUILD_REVISION")
        .ok()
        .or_else(|| first_line("git", &["rev-parse", "HEAD"]));
    let unknown = || "unknown".to_owned();
    println!(
        "cargo:rustc-env=QLARA_BUILD_RUST_VERSION={}",
        rust_version.unwrap_or_else(unknown)
    );
    println!(
        "cargo:rustc-env=QLARA_BUILD_REVISION={}",
        revision.unwrap_or_else(unknown)
    );
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
