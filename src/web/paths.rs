//! Paths of routes, and checks of configured paths.

/// The README of this version.
pub(super) const DOCUMENTATION: &str = "/-/documentation";
/// The metrics of one account.
pub(super) const PROBE: &str = "/probe";
/// The page of one profile.
pub(super) const PROFILE: &str = "/profile";
/// Service discovery: the accounts as targets.
pub(super) const DISCOVERY: &str = "/sd";
/// Where the API begins.
const API: &str = "/api/";
/// The profiles, for programs.
pub(super) const PROFILES: &str = "/api/v1/profiles";
/// The accounts, for programs.
pub(super) const ACCOUNTS: &str = "/api/v1/accounts";
/// The ends of tokens as a calendar.
pub(super) const CALENDAR: &str = "/calendar.ics";
/// Reloads the configuration.
pub(super) const RELOAD: &str = "/-/reload";

/// Checks a value of `--web.route-prefix`.
///
/// # Errors
/// A description of what is wrong with `path`.
pub fn check_route_prefix(path: &str) -> Result<(), &'static str> {
    check_plain_path(path)?;
    match path.trim_end_matches('/').contains("//") || path.starts_with("//") {
        true => Err("must not contain an empty segment"),
        false => Ok(()),
    }
}

/// Checks a value of `--web.telemetry-path`.
///
/// # Errors
/// A description of what is wrong with `path`.
pub fn check_telemetry_path(path: &str) -> Result<(), &'static str> {
    check_plain_path(path)?;
    if path.starts_with("/-/") {
        return Err("must not start with /-/, where health is served");
    }
    if path.starts_with(API) {
        return Err("must not start with /api/, where the API is served");
    }
    if matches!(path, PROBE | DISCOVERY | CALENDAR | PROFILE) {
        return Err(
            "must not be /probe, /sd, /calendar.ics or /profile, which serve something else",
        );
    }
    Ok(())
}

fn check_plain_path(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("must start with a slash");
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || "/-._~".contains(char);
    if !path.chars().all(plain) || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("must be a plain path of letters, digits, - . _ ~ and slashes");
    }
    Ok(())
}
