//! What the fuzzer kept, and every mistake that it found, once more in every test run.

use crate::any_bytes::answers;
use crate::any_bytes::files::Folder;
use crate::any_bytes::http::Served;

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

#[test]
fn lists() {
    corpus("list").iter().for_each(|bytes| answers::list(bytes));
}

#[test]
fn details() {
    corpus("details")
        .iter()
        .for_each(|bytes| answers::details(bytes));
}

#[test]
fn configuration_files() {
    let folder = Folder::default();
    let good = corpus("configuration").into_iter();
    let good = good.filter(|bytes| folder.configuration(bytes)).count();
    assert!(good > 0, "none is a good one");
}

#[test]
fn web_configuration_files() {
    let folder = Folder::default();
    let good = corpus("web_configuration").into_iter();
    let good = good.filter(|bytes| folder.web_configuration(bytes)).count();
    assert!(good > 0, "none is a good one");
}

#[tokio::test]
async fn requests() {
    let served = Served::start().await;
    for bytes in corpus("http") {
        served.request(&bytes).await;
    }
}
