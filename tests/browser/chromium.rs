//! Chromium without a window.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

pub const PHONE: (u32, u32) = (390, 844);
pub const DESKTOP: (u32, u32) = (1280, 900);
pub const DARK: &str = "--blink-settings=preferredColorScheme=0";
pub const LIGHT: &str = "--blink-settings=preferredColorScheme=1";

/// The output of a browser with this window size on standard output and standard error.
pub fn browse((width, height): (u32, u32), arguments: &[&str]) -> String {
    let data = TempDir::new().expect("a folder");
    let mut browser = Command::new("timeout");
    browser.args(["300", "chromium", "--headless", "--no-sandbox"]);
    browser.args([
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--enable-logging=stderr",
    ]);
    let output = browser
        .arg(format!("--user-data-dir={}", data.path().display()))
        .arg(format!("--window-size={width},{height}"))
        .args(arguments)
        .output()
        .expect("chromium");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (output, log) = (text(&output.stdout), text(&output.stderr));
    // The browser reports violations of the Content-Security-Policy there.
    assert!(!log.contains(":CONSOLE"), "{log}");
    output
}

/// Width and height of a picture.
pub fn size(file: &Path) -> (u32, u32) {
    look_at(file).0
}

/// Width and height of a picture, and its mean brightness from 0 to 255.
fn look_at(file: &Path) -> ((u32, u32), f64) {
    let file = std::fs::File::open(file).expect("a screenshot");
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a picture");
    let sum: u64 = pixels.iter().map(|byte| u64::from(*byte)).sum();
    ((info.width, info.height), sum as f64 / pixels.len() as f64)
}

pub fn screenshot(url: &str, size: (u32, u32), scheme: &str) -> f64 {
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("page.png");
    browse(
        size,
        &[scheme, &format!("--screenshot={}", file.display()), url],
    );
    let (real_size, brightness) = look_at(&file);
    assert_eq!(real_size, size);
    brightness
}
