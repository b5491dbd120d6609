//! Any bytes as the files of the configuration: an error is lines that name a place and hold no secret.

use std::fmt::Display;
use std::path::Path;

use qlara_exporter::config::{Config, Settings};
use qlara_exporter::web_config::WebConfigFile;
use tempfile::TempDir;

/// What stands in the files of secrets, and in the environment.
pub const SECRET: &str = "s3cret-value";

/// A folder with everything that a configuration file can name.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Default for Folder {
    fn default() -> Folder {
        let folder = Folder(TempDir::new().expect("a folder"));
        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let identity = identity.expect("a certificate");
        folder.write("key", SECRET.as_bytes());
        folder.write("cert.pem", identity.cert.pem().as_bytes());
        folder.write("key.pem", identity.signing_key.serialize_pem().as_bytes());
        folder
    }
}

impl Folder {
    /// Any bytes as `--config.file`. Says whether they are a good one.
    pub fn configuration(&self, bytes: &[u8]) -> bool {
        let settings = Settings {
            file: Some(self.write("qlara.yml", bytes)),
            ..Settings::default()
        };
        let environment = |name: &str| (name == "KEY").then(|| SECRET.to_owned());
        match Config::load(&settings, &environment) {
            Ok(config) => assert!(!config.accounts.is_empty()),
            Err(mistakes) => {
                check(&mistakes.0);
                return false;
            }
        }
        true
    }

    /// Any bytes as `--web.config.file`. Says whether they are a good one.
    pub fn web_configuration(&self, bytes: &[u8]) -> bool {
        match WebConfigFile::load(&self.write("web.yml", bytes)) {
            Ok(file) => assert!(file.is_good()),
            Err(mistakes) => {
                check(&mistakes.0);
                return false;
            }
        }
        true
    }

    fn write(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = Path::new(self.0.path()).join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }
}

fn check(mistakes: &[impl Display]) {
    assert!(!mistakes.is_empty());
    for mistake in mistakes {
        let text = mistake.to_string();
        assert!(!text.contains(SECRET), "repeats a secret: {text}");
        assert!(!text.contains(char::is_control), "not one line: {text:?}");
    }
}
