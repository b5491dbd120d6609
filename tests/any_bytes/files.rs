//! Any bytes as configuration files: each error is a line that names a position and contains no secret.

use std::fmt::Display;
use std::path::Path;

use exporter_toolkit::web_config::WebConfigFile;
use qlara_exporter::config::{Config, Settings};
use tempfile::TempDir;

/// The secret in files and in the environment. It is random: words in place of a key are printed.
pub const SECRET: &str = "8f14e45fceea167a5a36dedd4bea2543";

/// A directory with everything that a configuration file can name.
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
    /// Any bytes as `--config.file`. Returns whether they are valid.
    pub fn configuration(&self, bytes: &[u8]) -> bool {
        let settings = Settings {
            file: Some(self.write("qlara.yml", bytes)),
            ..Settings::default()
        };
        let environment = |name: &str| (name == "KEY").then(|| SECRET.to_owned());
        match Config::load(&settings, &environment) {
            Ok(config) => assert!(!config.accounts.is_empty()),
            Err(errors) => {
                check(&errors.0);
                return false;
            }
        }
        true
    }

    /// Any bytes as `--web.config.file`. Returns whether they are valid.
    pub fn web_configuration(&self, bytes: &[u8]) -> bool {
        match WebConfigFile::load(&self.write("web.yml", bytes)) {
            Ok(file) => assert!(file.is_up_to_date()),
            Err(errors) => {
                check(&errors.0);
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

fn check(errors: &[impl Display]) {
    assert!(!errors.is_empty());
    for error in errors {
        let text = error.to_string();
        assert!(!text.contains(SECRET), "repeats a secret: {text}");
        assert!(!text.contains(char::is_control), "not one line: {text:?}");
    }
}
