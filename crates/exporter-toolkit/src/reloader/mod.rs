//! Values loaded from files, such as keys, certificates and configurations, that follow their files while the program
//! runs.
//!
//! A [`Reloader`] keeps the last good value in use while a file is missing, invalid, being written, or on a drive that does
//! not respond. [`Reloader::current`] checks the files before each use, [`Reloader::reload`] loads them on request.
//!
//! ```
//! use std::path::PathBuf;
//!
//! use exporter_toolkit::reloader::{Event, Fingerprint, Loader, Reloader};
//!
//! struct Greeting(PathBuf);
//!
//! impl Loader for Greeting {
//!     type Value = String;
//!     type Error = std::io::Error;
//!
//!     fn load(&self, files: &mut Fingerprint, _: Option<&String>) -> Result<String, Self::Error> {
//!         files.read_text(&self.0)
//!     }
//!
//!     fn on_event(&self, event: Event<'_, Self>) {
//!         match event {
//!             Event::Failed(error) => eprintln!("using the last good greeting: {error}"),
//!             Event::Recovered => eprintln!("the greeting can be read again"),
//!             _ => {}
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let file = folder.path().join("greeting");
//! std::fs::write(&file, "hello")?;
//! let greeting = Reloader::new(Greeting(file.clone()))?;
//! std::fs::write(&file, "good day")?;
//! assert_eq!(*greeting.current().await, "good day");
//! std::fs::remove_file(&file)?;
//! assert_eq!(*greeting.current().await, "good day");
//! assert!(!greeting.is_up_to_date());
//! # Ok(())
//! # }
//! ```

mod fingerprint;
mod loader;
mod reloading;
mod state;

pub use fingerprint::Fingerprint;
pub use loader::{Event, Loader, ReloadError};
pub use reloading::Reloader;
