//! Keeps the web configuration current while its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use super::WebConfig;
use crate::diagnostics::{ConfigError, ConfigErrors};
use crate::redacted::shown_path;
use crate::reloader::{Event, Fingerprint, Loader, ReloadError, Reloader};

/// The web configuration file and the files that it names, if there is one.
#[derive(Debug)]
pub struct WebConfigFile(Option<Reloader<WebConfigLoader>>);

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
                // More likely an accident than the wish to let everybody in.
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
                        "The web configuration file names no users any more: nobody needs a password"
                    );
                }
                if value.needs_restart && !former.needs_restart {
                    warn!(
                        "The web configuration file switches TLS on or off, which needs a restart"
                    );
                }
            }
            Event::Failed(err) => {
                let err = self.describe(err).replace('\n', "; ");
                warn!(
                    err,
                    "The web configuration file cannot be used, the last good one stays in use"
                );
            }
            Event::Recovered => info!("The web configuration file can be used again"),
            Event::Started | Event::Replacing { .. } | Event::Ended => {}
        }
    }
}

impl WebConfigLoader {
    fn describe(&self, error: &ReloadError<ConfigErrors>) -> String {
        match error {
            ReloadError::Load(errors) => errors.to_string(),
            error => format!("{}: {error}", shown_path(&self.0)),
        }
    }
}

impl WebConfigFile {
    /// No file: no TLS, no users, no rate limit.
    pub fn none() -> WebConfigFile {
        WebConfigFile(None)
    }

    /// Reads the file and the files that it names.
    ///
    /// # Errors
    /// All mistakes in the files; a syntax error comes alone.
    pub fn load(path: &Path) -> Result<WebConfigFile, ConfigErrors> {
        let reloader = Reloader::new(WebConfigLoader(path.to_owned()))?;
        Ok(WebConfigFile(Some(reloader)))
    }

    /// Whether there is no file.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Why the file cannot be used. A change that needs a restart is not a fault.
    pub fn fault(&self) -> Option<String> {
        let reloader = self.0.as_ref()?;
        let error = reloader.error()?;
        Some(reloader.loader().describe(&error))
    }

    /// Whether the file is in use as it is.
    pub fn is_good(&self) -> bool {
        let is_good = |reloader: &Reloader<WebConfigLoader>| {
            reloader.is_good() && !reloader.last_good().needs_restart
        };
        self.0.as_ref().is_none_or(is_good)
    }

    /// The configuration, after a look at whether the file or a file that it names has changed. Files that are wrong,
    /// empty, being written, or do not answer within a second leave the last good configuration in use.
    pub async fn current(&self) -> Arc<WebConfig> {
        match &self.0 {
            Some(reloader) => reloader.current().await,
            None => Arc::default(),
        }
    }
}
