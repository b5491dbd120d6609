//! The status page of the demo in a real browser.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};
use crate::harness::tools::needs;
use crate::harness::{eventually, http};
use crate::page::profile;

const PHONE: (u32, u32) = (390, 844);
const DESKTOP: (u32, u32) = (1280, 900);
const DARK: &str = "--blink-settings=preferredColorScheme=0";
const LIGHT: &str = "--blink-settings=preferredColorScheme=1";

/// A running demo and its status page.
pub struct Demo {
    running: Running,
    url: String,
}

impl Demo {
    pub async fn start() -> Demo {
        let address = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{address}/");
        let running = Running::start(exporter().args([
            "demo",
            "--web.listen-address",
            &address,
            "--profiles",
            "12",
            "--seed",
            "6",
            "--cache.ttl",
            "1s",
        ]));
        eventually("the page", async || http().get(&url).send().await.ok()).await;
        Demo { running, url }
    }

    /// Replaces the profiles of the simulated gateway, and waits until the page shows this name.
    async fn profiles(&self, profiles: &Value, name: &str) {
        let put = http().put(format!("{}/-/profiles", self.gateway()));
        put.body(profiles.to_string())
            .send()
            .await
            .expect("a response");
        eventually("the new profiles", async || {
            self.html().await.contains(name).then_some(())
        })
        .await;
    }

    /// The address of the simulated gateway.
    pub fn gateway(&self) -> String {
        let output = self.running.output();
        let mut words = output.split_whitespace();
        let address = words.find_map(|word| word.strip_suffix("/-/faults"));
        address.expect("the control endpoint").to_owned()
    }

    async fn html(&self) -> String {
        self.html_of("/").await
    }

    /// The page at this path.
    pub async fn html_of(&self, path: &str) -> String {
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let answer = http().get(url).send().await.expect("a response");
        answer.text().await.expect("a text")
    }
}

/// The output of a browser with this window size on standard output and standard error.
fn browse((width, height): (u32, u32), arguments: &[&str]) -> String {
    let data = TempDir::new().expect("a folder");
    let mut browser = Command::new("timeout");
    browser.args(["60", "chromium", "--headless", "--no-sandbox"]);
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

fn screenshot(url: &str, size: (u32, u32), scheme: &str) -> f64 {
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

/// The layout width of the page in a window of this width. The page runs no script, so a copy in a frame is
/// measured; the browser's own window cannot be as narrow.
fn layout_width(html: &str, width: u32) -> u32 {
    let script = "<script>parent.document.body.dataset.width = \
                  [innerWidth, document.documentElement.scrollWidth]</script></body>";
    let copy = html.replace("</body>", script);
    let copy = copy.replace('&', "&amp;").replace('"', "&quot;");
    let frame =
        format!("<body><iframe width=\"{width}\" height=\"800\" srcdoc=\"{copy}\"></iframe>");
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("frame.html");
    std::fs::write(
        &file,
        format!("<!doctype html><meta charset=\"utf-8\">{frame}"),
    )
    .expect("a file");
    let dom = browse(
        DESKTOP,
        &["--dump-dom", &format!("file://{}", file.display())],
    );
    let (_, rest) = dom.split_once("data-width=\"").expect("a measure");
    let (measures, _) = rest.split_once('"').expect("an end");
    let (window, page) = measures.split_once(',').expect("two measures");
    assert_eq!(window, width.to_string());
    page.parse().expect("a number")
}

#[tokio::test]
async fn browser_shows_profiles_verdicts_and_links() {
    needs!("chromium");
    let demo = Demo::start().await;
    for size in [PHONE, DESKTOP] {
        let dom = browse(size, &["--dump-dom", &demo.url]);
        for text in [
            "<bdi>brandco_official</bdi></a>",
            "<bdi>BrandCo Official</bdi></a>",
            "<span aria-hidden=\"true\">✖</span> critical",
            "<span aria-hidden=\"true\">✔</span> fine",
            "token expired",
            "<a href=\"/metrics\">Metrics</a>",
            "<a href=\"/-/healthy\">Health</a>",
            "<a href=\"/-/ready\">Readiness</a>",
            "<a href=\"/-/documentation\">Documentation</a>",
        ] {
            assert!(dom.contains(text), "{text} is not in {dom}");
        }
    }
}

#[tokio::test]
async fn browser_runs_no_code_from_the_gateway() {
    needs!("chromium");
    let demo = Demo::start().await;
    let name =
        "<script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\">";
    let profiles = json!([profile("facebook", "fb_1", name)]);
    demo.profiles(&profiles, "&lt;script&gt;").await;
    let dom = browse(DESKTOP, &["--dump-dom", &demo.url]);
    assert!(
        dom.contains("&lt;script&gt;document.title = 'run'&lt;/script&gt;&lt;img"),
        "{dom}"
    );
    for element in ["<script", "<img", "<title>run"] {
        assert!(!dom.contains(element), "{element} is in {dom}");
    }
}

#[tokio::test]
async fn page_follows_the_colour_scheme_on_phone_and_desktop() {
    needs!("chromium");
    let demo = Demo::start().await;
    for size in [PHONE, DESKTOP] {
        let light = screenshot(&demo.url, size, LIGHT);
        let dark = screenshot(&demo.url, size, DARK);
        assert!(light > 200.0 && dark < 70.0, "{size:?}: {light}, {dark}");
    }
}

#[tokio::test]
async fn page_fits_its_window() {
    needs!("chromium");
    let demo = Demo::start().await;
    let built_in = demo.html().await;
    let long = "W".repeat(500);
    let profiles = json!([profile(&long[..250], &long[..250], &long)]);
    demo.profiles(&profiles, "WWW").await;
    for html in [built_in, demo.html().await] {
        for width in [320, PHONE.0, 820, 850, DESKTOP.0] {
            assert_eq!(layout_width(&html, width), width);
        }
    }
}
