//! The identity of this build: version, source revision, compiler.

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The source revision, or `unknown` if the build could not determine it.
pub const REVISION: &str = env!("QLARA_BUILD_REVISION");
/// The version of the compiler.
pub const RUST_VERSION: &str = env!("QLARA_BUILD_RUST_VERSION");
/// The name of the program.
pub const NAME: &str = "qlara-exporter";
/// `User-Agent` of every HTTP request that the exporter sends.
pub const USER_AGENT: &str = concat!("qlara-exporter/", env!("CARGO_PKG_VERSION"));
