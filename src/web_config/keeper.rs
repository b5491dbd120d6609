//! The file in force, and the looks at whether it has changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::{info, warn};

use super::WebConfig;
use super::reading::Contents;
use crate::config::ConfigErrors;
use crate::reread::Rereader;

/// For how long a file that has changed must stay as it is.
const SETTLING: Duration = Duration::from_millis(50);
/// How often a file that goes on changing is read, within the second that its readers wait.
const READINGS: u32 = 10;

/// The web configuration file, or that there is none.
#[derive(Debug)]
pub struct WebConfigFile {
    watch: Option<Watch>,
    in_force: Mutex<Arc<WebConfig>>,
    /// What keeps the file as it stands from being in force.
    trouble: Mutex<Option<Trouble>>,
}

/// What keeps a file from being in force as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    /// It cannot be used, or not be read.
    Fault(String),
    /// It is in force, but for a change that takes effect with the next start.
    NeedsRestart(&'static str),
}

impl Trouble {
    fn text(&self) -> &str {
        match self {
            Trouble::Fault(text) => text,
            Trouble::NeedsRestart(text) => text,
        }
    }
}

#[derive(Debug)]
struct Watch {
    path: PathBuf,
    rereader: Rereader<Look>,
    /// How many looks have been begun.
    begun: AtomicU64,
    last: tokio::sync::Mutex<Last>,
}

/// The last look that has ended.
#[derive(Debug)]
struct Last {
    number: u64,
    contents: Arc<Contents>,
    trouble: Option<Trouble>,
}

/// What a look finds.
#[derive(Debug)]
enum Look {
    /// Nothing has changed.
    Unchanged,
    /// Something has, and is written to its end.
    Changed(Contents, Result<WebConfig, ConfigErrors>),
    /// Something is being written for long.
    Unsettled,
}

impl Look {
    /// Whoever writes a file in place empties it first: what two readings in a row agree on is taken.
    fn at(path: &Path, before: &Contents) -> Look {
        if before.are_still_there() {
            return Look::Unchanged;
        }
        for _ in 0..READINGS {
            let (contents, config) = WebConfig::read(path);
            sleep(SETTLING);
            if contents.are_still_there() {
                return Look::Changed(contents, config);
            }
        }
        Look::Unsettled
    }
}

impl Watch {
    /// What keeps a look from its end.
    fn about(&self, work: &str) -> Trouble {
        let path = self.path.display();
        Trouble::Fault(format!(
            "{path}: {work} it, or a file that it names, takes too long"
        ))
    }
}

impl WebConfigFile {
    /// No file: no TLS, no users, no limit, and nothing to look at.
    pub fn none() -> WebConfigFile {
        WebConfigFile {
            watch: None,
            in_force: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Reads the file and those it names.
    ///
    /// # Errors
    /// All that is wrong, without any secret; a mistake of form comes alone.
    pub fn load(path: &Path) -> Result<WebConfigFile, ConfigErrors> {
        let (contents, config) = WebConfig::read(path);
        let last = Last {
            number: 0,
            contents: Arc::new(contents),
            trouble: None,
        };
        Ok(WebConfigFile {
            in_force: Mutex::new(Arc::new(config?)),
            trouble: Mutex::default(),
            watch: Some(Watch {
                path: path.to_owned(),
                rereader: Rereader::default(),
                begun: AtomicU64::new(0),
                last: tokio::sync::Mutex::new(last),
            }),
        })
    }

    /// Whether there is no file.
    pub fn is_none(&self) -> bool {
        self.watch.is_none()
    }

    /// Why the file as it stands cannot be used. A change that waits for a restart is no fault.
    pub fn fault(&self) -> Option<String> {
        match &*self.trouble.lock() {
            Some(Trouble::Fault(text)) => Some(text.clone()),
            Some(Trouble::NeedsRestart(_)) | None => None,
        }
    }

    /// Whether the file as it stands is in force.
    pub fn is_good(&self) -> bool {
        self.trouble.lock().is_none()
    }

    /// The configuration in force, after a look at whether the file or one that it names has
    /// changed. A file that is broken or empty, is being written, or does not answer within a second
    /// leaves the last good configuration in force.
    pub async fn current(&self) -> Arc<WebConfig> {
        if let Some(watch) = &self.watch {
            self.look(watch).await;
        }
        Arc::clone(&self.in_force.lock())
    }

    /// One look at a time; whoever waits for his is served by any that was begun after he came.
    async fn look(&self, watch: &Watch) {
        let came = watch.begun.load(Ordering::Relaxed);
        let mut last = watch.last.lock().await;
        if last.number > came {
            return;
        }
        let number = watch.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let (path, before) = (watch.path.clone(), Arc::clone(&last.contents));
        let look = move || Look::at(&path, &before);
        let found = watch.rereader.look(look).await;
        last.number = number;
        match found {
            Some(Look::Unchanged) => self.tell(last.trouble.clone()),
            Some(Look::Changed(contents, config)) => {
                last.contents = Arc::new(contents);
                last.trouble = self.adopt(config, &watch.path);
                self.tell(last.trouble.clone());
            }
            Some(Look::Unsettled) => self.tell(Some(watch.about("writing"))),
            None => self.tell(Some(watch.about("reading"))),
        }
    }

    /// Puts a new configuration in force, and says what keeps it from being so.
    fn adopt(&self, config: Result<WebConfig, ConfigErrors>, path: &Path) -> Option<Trouble> {
        let mut config = match config {
            Ok(config) => config,
            Err(mistakes) => return Some(Trouble::Fault(mistakes.to_string())),
        };
        let mut in_force = self.in_force.lock();
        if config.is_blank && !in_force.is_blank {
            // More likely an accident than the wish to let everybody in.
            let text = format!("{}: the file is empty", path.display());
            return Some(Trouble::Fault(text));
        }
        if config.users.is_none() && in_force.users.is_some() {
            warn!("The web configuration file names no users any more: nobody needs a password");
        }
        let switches_tls = config.tls.is_some() != in_force.tls.is_some();
        config.inherit(&in_force);
        *in_force = Arc::new(config);
        switches_tls.then_some(Trouble::NeedsRestart(
            "switching TLS on or off needs a restart",
        ))
    }

    /// Logs every change of the trouble once.
    fn tell(&self, trouble: Option<Trouble>) {
        let mut before = self.trouble.lock();
        if *before == trouble {
            return;
        }
        match &trouble {
            Some(trouble) => {
                let err = trouble.text().replace('\n', "; ");
                warn!(
                    err,
                    "The web configuration file is not in force as it stands"
                );
            }
            None => info!("The web configuration file is in force again as it stands"),
        }
        *before = trouble;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_look_that_hangs_holds_nobody_up_for_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("web.yml");
        let write = |text: &str| std::fs::write(&path, text).expect("a file");
        write("# nothing");
        let file = WebConfigFile::load(&path).expect("a good web configuration");
        let watch = file.watch.as_ref().expect("a file to look at");
        let (answer, hanging) = mpsc::channel::<()>();
        let look = move || {
            let _ = hanging.recv();
            Look::Unchanged
        };
        assert!(watch.rereader.look(look).await.is_none());
        write("http_server_config: {headers: {X-Frame-Options: deny}}");
        let begun = Instant::now();
        join_all((0..50).map(|_| file.current())).await;
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "all wait at once"
        );
        assert!(!file.is_good());
        drop(answer);
        // What the look brings is of old; whoever comes next sees the new.
        file.current().await;
        assert_eq!(file.current().await.headers["x-frame-options"], "deny");
        assert!(file.is_good());
    }
}
