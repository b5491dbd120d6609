//! Any bytes as the configuration file.

#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::fuzz_target;
use qlara_exporter_fuzz::any_bytes::files::Folder;

thread_local! {
    static FOLDER: LazyCell<Folder> = LazyCell::new(Folder::default);
}

fuzz_target!(|bytes: &[u8]| {
    FOLDER.with(|folder| folder.configuration(bytes));
});
