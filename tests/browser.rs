//! The status page in a real browser.

mod chromium;
mod pictures;
mod states;

use serde_json::{Value, json};

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};
use crate::harness::tools::needs;
use crate::harness::{eventually, http};
use crate::page::profile;

use self::chromium::{DARK, DESKTOP, LIGHT, PHONE, browse, screenshot};

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

    fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// The page at this path.
    pub async fn html_of(&self, path: &str) -> String {
        let answer = http()
            .get(self.url_of(path))
            .send()
            .await
            .expect("a response");
        answer.text().await.expect("a text")
    }
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
