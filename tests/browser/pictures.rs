//! The pictures of the documentation, and the page on paper.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::Demo;
use super::chromium::{DARK, LIGHT, browse, size};
use crate::harness::eventually;
use crate::harness::tools::needs;
use crate::page::{many_accounts, page, profile};
use crate::page_size::troubled;

/// Name, window, colour scheme and path of each picture in `docs/images`.
const PICTURES: [(&str, (u32, u32), &str, &str); 4] = [
    ("page.png", (1280, 900), LIGHT, "/"),
    ("page-dark.png", (1280, 900), DARK, "/"),
    ("page-narrow.png", (500, 900), LIGHT, "/"),
    (
        "profile.png",
        (1280, 900),
        LIGHT,
        "/profile?platform=instagram&id=ig_345678",
    ),
];

/// `UPDATE_GOLDEN=1` writes the pictures. Fonts differ between machines, so only their sizes are compared.
#[tokio::test]
async fn pictures_show_the_pages() {
    needs!("chromium");
    let demo = Demo::start().await;
    demo.html_of("/").await;
    let directory = TempDir::new().expect("a folder");
    for (name, window, scheme, path) in PICTURES {
        let file = directory.path().join(name);
        let to = format!("--screenshot={}", file.display());
        browse(window, &[scheme, &to, &demo.url_of(path)]);
        let stored = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("docs/images")
            .join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::copy(&file, &stored).expect("a picture");
        }
        assert_eq!(size(&file), window, "{name}");
        assert_eq!(
            size(&stored),
            window,
            "{name}; set UPDATE_GOLDEN=1 to write it"
        );
    }
}

/// The number of sheets of a printed page.
fn sheets(pdf: &Path) -> usize {
    let bytes = std::fs::read(pdf).expect("a PDF");
    let text = String::from_utf8_lossy(&bytes);
    text.matches("/Type /Page\n").count()
}

/// The number of sheets of a page on paper.
fn printed(html: &str) -> usize {
    let directory = TempDir::new().expect("a folder");
    let copy = directory.path().join("page.html");
    std::fs::write(&copy, html).expect("a file");
    let file = directory.path().join("page.pdf");
    let to = format!("--print-to-pdf={}", file.display());
    let url = format!("file://{}", copy.display());
    browse((1280, 900), &["--no-pdf-header-footer", &to, &url]);
    sheets(&file)
}

#[tokio::test]
async fn twenty_five_accounts_print_on_two_sheets() {
    needs!("chromium");
    let (stack, html) = many_accounts(25).await;
    let sheets = printed(&html);
    assert!((1..=2).contains(&sheets), "{sheets}");

    // Eight profiles each, of which four are in trouble.
    let mut profiles = troubled().as_array().expect("profiles").clone();
    for number in 0..5 {
        let mut profile = profile(
            "facebook",
            &format!("fb_page_{number}99456"),
            "BrandCo Shop",
        );
        if number == 0 {
            profile["permissions"] = json!([]);
        }
        profiles.push(profile);
    }
    stack.gateway.profiles(&json!(profiles)).await;
    stack.clock.advance(Duration::from_secs(61));
    let html = eventually("all profiles", async || {
        Some(page(&stack, "/").await).filter(|page| page.contains("200 profiles ·"))
    });
    let sheets = printed(&html.await);
    assert!((1..=2).contains(&sheets), "{sheets}");
}
