//! Replays the corpus of the fuzzer, including every bug that it found.

use crate::any_bytes::files::Folder;
use crate::any_bytes::http::Served;
use crate::any_bytes::responses;

/// The corpus of a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a file"))
        .collect()
}

/// [corpus]
#[test]
fn lists() {
    corpus("list")
        .iter()
        .for_each(|bytes| responses::list(bytes));
}

/// [corpus]
#[test]
fn details() {
    corpus("details")
        .iter()
        .for_each(|bytes| responses::details(bytes));
}

/// [corpus]
#[test]
fn configuration_files() {
    let folder = Folder::default();
    let good = corpus("configuration").into_iter();
    let good = good.filter(|bytes| folder.configuration(bytes)).count();
    assert!(good > 0, "no input is valid");
}

/// [corpus]
#[test]
fn web_configuration_files() {
    let folder = Folder::default();
    let good = corpus("web_configuration").into_iter();
    let good = good.filter(|bytes| folder.web_configuration(bytes)).count();
    assert!(good > 0, "no input is valid");
}

/// [any-request]
#[tokio::test]
async fn requests() {
    let served = Served::start().await;
    for bytes in corpus("http") {
        served.request(&bytes).await;
    }
}
