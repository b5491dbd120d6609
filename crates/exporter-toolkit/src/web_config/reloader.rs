//! Keeps the web configuration current while its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use super::WebConfig;
use crate::diagnostics::{ConfigError, ConfigErrors};
use crate::redacted::shown_path;
use crate::reloader::{Event, Fingerprint, Loader, ReloadError, Reloader};
use crate::systemd;

/// The web configuration file and the files that it names. Without a file, there is neither TLS nor a user nor a rate limit.
///
/// The server looks for changes at each TLS handshake and each request. [`WebConfigFile::reload`] loads the files on
/// request, for `/-/reload` and SIGHUP, and returns their errors.
///
/// ```
/// use exporter_toolkit::web_config::WebConfigFile;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("web.yml");
/// std::fs::write(&path, "rate_limit: {interval: 1s, burst: 5}")?;
/// let file = WebConfigFile::load(&path)?;
/// assert!(file.current().await.has_rate_limit());
///
/// std::fs::write(&path, "rate_limits: {}")?;
/// let error = file.reload().await.expect_err("a misspelled key");
/// assert!(error.to_string().contains("did you mean \"rate_limit\"?"));
/// // The last good configuration stays in use.
/// assert!(file.current().await.has_rate_limit());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct WebConfigFile(Option<Reloader<WebConfigLoader>>);

/// Why the web configuration file cannot be used: one line per error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebConfigError(String);

/// Loads the file at this path.
#[derive(Debug)]
struct WebConfigLoader(PathBuf);

impl Loader for WebConfigLoader {
    type Value = WebConfig;
    type Error = ConfigErrors;

    fn load(
        &self,
        files: &mut Fingerprint,
        last_good: Option<&WebConfig>,
    ) -> Result<WebConfig, ConfigErrors> {
        let mut config = WebConfig::read(&self.0, files)?;
        if let Some(last_good) = last_good {
            if config.is_blank && !last_good.is_blank {
                // An empty file is more likely an accident than a decision to remove all restrictions.
                return Err(ConfigError::new(shown_path(&self.0), "the file is empty").into());
            }
            config.inherit(last_good);
        }
        Ok(config)
    }

    fn on_event(&self, event: Event<'_, WebConfigLoader>) {
        match event {
            Event::Replaced { value, former } => {
                if value.users.is_none() && former.users.is_some() {
                    warn!(
                        "The web configuration file has no users any more, requests need no password"
                    );
                }
                if value.needs_restart && !former.needs_restart {
                    warn!(
                        "The web configuration file switches TLS on or off, which needs a restart"
                    );
                }
            }
            Event::Failed(err) => {
                let err = self.describe(err).to_string().replace('\n', "; ");
                warn!(
                    err,
                    "The web configuration file cannot be used, the last good one stays in use"
                );
            }
            Event::Recovered => info!("The web configuration file can be used again"),
            Event::Started => systemd::reloading(),
            Event::Ended => systemd::ready(),
            Event::Replacing { .. } => {}
        }
    }
}

impl WebConfigLoader {
    /// Errors of the content name their file; all other errors need its path.
    fn describe(&self, error: &ReloadError<ConfigErrors>) -> WebConfigError {
        WebConfigError(match error {
            ReloadError::Load(errors) => errors.to_string(),
            error => format!("{}: {error}", shown_path(&self.0)),
        })
    }
}

impl WebConfigFile {
    /// No file.
    pub fn none() -> WebConfigFile {
        WebConfigFile(None)
    }

    /// Reads the file and the files that it names.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all errors of the files, or with the first syntax error.
    pub fn load(path: &Path) -> Result<WebConfigFile, ConfigErrors> {
        let reloader = Reloader::new(WebConfigLoader(path.to_owned()))?;
        Ok(WebConfigFile(Some(reloader)))
    }

    /// Whether there is no file.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Why the file cannot be used; `None` if it can. A change that needs a restart is not an error.
    pub fn error(&self) -> Option<WebConfigError> {
        let reloader = self.0.as_ref()?;
        let error = reloader.error()?;
        Some(reloader.loader().describe(&error))
    }

    /// Whether the configuration in use is that of the file: the file has no error, and no change waits for a restart.
    pub fn is_up_to_date(&self) -> bool {
        let is_up_to_date = |reloader: &Reloader<WebConfigLoader>| {
            reloader.is_up_to_date() && !reloader.last_good().needs_restart
        };
        self.0.as_ref().is_none_or(is_up_to_date)
    }

    /// Whether connections use TLS, which no reload changes.
    pub(crate) fn enables_tls(&self) -> bool {
        let reloader = self.0.as_ref();
        reloader.is_some_and(|reloader| reloader.last_good().has_tls())
    }

    /// Loads the file again, even if it has not changed, and notifies systemd of the reload.
    ///
    /// # Errors
    /// [`WebConfigError`] if the file cannot be used. The last good configuration then stays in use.
    pub async fn reload(&self) -> Result<(), WebConfigError> {
        let Some(reloader) = &self.0 else {
            return Ok(());
        };
        let result = reloader.reload().await;
        result.map_err(|error| reloader.loader().describe(&error))
    }

    /// The configuration. Checks first whether the file or a file that it names has changed. The last good configuration
    /// stays in use while the files are invalid, empty or being written, or cannot be read within a second.
    pub async fn current(&self) -> Arc<WebConfig> {
        match &self.0 {
            Some(reloader) => reloader.current().await,
            None => Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_file_nothing_is_restricted_or_out_of_date() {
        let file = WebConfigFile::none();
        assert_eq!(file.reload().await, Ok(()));
        assert!(file.is_none() && file.is_up_to_date() && file.error().is_none());
        let config = file.current().await;
        assert!(!config.has_tls() && !config.has_users() && !config.has_rate_limit());
    }
}
