//! A web configuration file in its own directory.

use std::path::PathBuf;

use exporter_toolkit::web_config::WebConfigFile;
use tempfile::TempDir;

use super::certificates::Identity;

/// TLS with the files that [`Folder::with`] writes.
pub const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";

/// The directory of a web configuration file.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(TempDir::new().expect("a folder"))
    }

    /// A directory with this web configuration file and the server's certificate and key.
    pub fn with(yaml: &str, server: &Identity) -> Folder {
        let folder = Folder::new();
        folder.write("server.crt", &server.cert);
        folder.write("server.key", &server.key);
        folder.write("web.yml", yaml);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// Reads `web.yml`. Errors show `DIR` instead of the directory.
    pub fn load(&self) -> Result<WebConfigFile, Vec<String>> {
        let folder = self.0.path().display().to_string();
        WebConfigFile::load(&self.path("web.yml")).map_err(|problems| {
            let texts = problems.0.iter().map(ToString::to_string);
            texts.map(|text| text.replace(&folder, "DIR")).collect()
        })
    }
}

/// A bcrypt hash of a password.
pub fn hash(password: &str, cost: u32) -> String {
    bcrypt::hash(password, cost).expect("a hash")
}
