//! What this program was built from.

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The revision of the source, `unknown` where the build could not tell.
pub const REVISION: &str = env!("QLARA_BUILD_REVISION");
/// The version of the compiler.
pub const RUST_VERSION: &str = env!("QLARA_BUILD_RUST_VERSION");
