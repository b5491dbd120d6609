//! Every state of the pages at several widths, light and dark: axe-core finds nothing, and nothing is wider than the window.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::chromium::{DARK, LIGHT, browse};
use crate::check::check;
use crate::harness::tools::{AXE, folder, needs};
use crate::harness::{Setup, Stack};
use crate::page::{many_accounts, page, profile};
use crate::page_unknown::refused_accounts;

const WIDTHS: [u32; 4] = [320, 360, 768, 1440];
/// The height of a small phone's screen without the browser's own bars.
const FIRST_SCREEN: f64 = 640.0;
/// The height of a line of an account on a phone: two lines of text.
const ACCOUNT_LINE: f64 = 64.0;

/// A page in a state.
struct Shown {
    name: &'static str,
    html: String,
    /// Whether there is a table of profiles.
    has_table: bool,
}

impl Shown {
    async fn of(name: &'static str, stack: &Stack, path: &str) -> Shown {
        let html = page(stack, path).await;
        let has_table = html.contains("<th scope=\"row\"");
        Shown {
            name,
            html,
            has_table,
        }
    }

    /// The HTML of `check`, which may run the scripts of this test.
    async fn audit(name: &'static str, stack: &Stack) -> Shown {
        let audit = check(&stack.gateway, &["--output", "html"]).await.output;
        let policy = r#"http-equiv="Content-Security-Policy""#;
        assert!(audit.contains(policy), "{audit}");
        Shown {
            name,
            html: audit.replace(policy, r#"name="policy""#),
            has_table: false,
        }
    }

    async fn overview(name: &'static str, stack: &Stack) -> Shown {
        Shown::of(name, stack, "/").await
    }
}

async fn with_faults(name: &'static str, faults: &str) -> Shown {
    let stack = Stack::start().await;
    stack.gateway.faults(faults).await;
    Shown::overview(name, &stack).await
}

/// 100 profiles, of which many need attention.
async fn hundred_profiles(faults: &str, page_size: Option<usize>) -> Stack {
    let mut setup = Setup::default();
    setup.simulator.profiles = 100;
    setup.simulator.seed = 3;
    setup.simulator.page_size = page_size.and_then(NonZeroUsize::new);
    let stack = setup.start().await;
    stack.gateway.faults(faults).await;
    stack
}

/// Names that try to break out of the page, of their line and of their direction.
fn hostile() -> Value {
    let names = [
        "<script>document.title='x'</script>\"'>",
        "\u{202e}txt.exe\u{2066}\u{200b}",
        "\u{1b}[31mred\u{7}\r\nnext",
        &"W".repeat(500),
        "مرحبا بالعالم",
        "一二三四五六七八九十一二三四五六七八九十",
        "",
    ];
    let profiles = names.iter().enumerate().map(|(index, name)| {
        let mut profile = profile(
            "facebook",
            &format!("id_{index}_{}", "x".repeat(index * 30)),
            name,
        );
        profile["status"] = json!(["CONNECTED", "TOKEN_EXPIRED"][index % 2]);
        profile
    });
    profiles.collect()
}

async fn all() -> Vec<Shown> {
    let healthy = json!([
        profile("facebook", "fb_1", "Shop"),
        profile("instagram", "ig_1", "Shop")
    ]);
    let fine = Setup::default().with_profiles(healthy.clone()).await;
    let problems = Stack::start().await;
    let nothing = Setup::default().with_profiles(json!([])).await;
    let down = Stack::start().await;
    page(&down, "/").await;
    down.gateway.faults("status=503").await;
    down.clock.advance(Duration::from_secs(10 * 60));
    let part = Stack::start().await;
    let list = json!({"profiles": healthy, "total": 40});
    part.gateway.set_list_response(list.to_string()).await;
    let many: Value = (0..1000)
        .map(|number| {
            profile(
                "facebook",
                &format!("id{number}"),
                &format!("Shop {number}"),
            )
        })
        .collect();
    let many = Setup::default().with_profiles(many).await;
    many.scrape().await;
    let hostile = Setup::default().with_profiles(hostile()).await;
    let accounts = many_accounts(1000).await.0;
    let failing = hundred_profiles("details:status=503", None).await;
    let short_list = hundred_profiles("", Some(20)).await;
    vec![
        Shown::overview("fine", &fine).await,
        Shown::overview("problems", &problems).await,
        Shown::of(
            "a profile",
            &problems,
            "/profile?platform=instagram&id=ig_345678",
        )
        .await,
        Shown::of("a list", &problems, "/?sort=-token&verdict=critical").await,
        Shown::of("no match", &problems, "/?q=nobody&refresh=1").await,
        Shown::overview("nothing connected", &nothing).await,
        Shown::of("the documentation", &problems, "/-/documentation").await,
        with_faults("gateway down before data", "status=503").await,
        Shown::overview("gateway down after data", &down).await,
        with_faults("key refused", "status=401").await,
        with_faults("quota", "retry-after=120s").await,
        with_faults("details failing", "details:status=503").await,
        Shown::overview("list in part", &part).await,
        Shown::overview("25 accounts", &many_accounts(25).await.0).await,
        Shown::overview("25 refused accounts", &refused_accounts().await).await,
        Shown::overview("1,000 accounts", &accounts).await,
        Shown::of("1,000 accounts, critical", &accounts, "/?verdict=CRITICAL").await,
        Shown::of("1,000 accounts, one of them", &accounts, "/?account=a999").await,
        Shown::overview("100 profiles, details failing", &failing).await,
        Shown::overview("100 profiles, list in part", &short_list).await,
        Shown::overview("1,000 profiles", &many).await,
        Shown::of("a part of 1,000 profiles", &many, "/?sort=profile&page=7").await,
        Shown::overview("hostile names", &hostile).await,
        Shown::of("hostile names, listed", &hostile, "/?sort=profile").await,
        Shown::audit("HTML of check", &problems).await,
        Shown::audit("HTML of check, hostile names", &hostile).await,
    ]
}

/// Frames of all pages at all widths, each of which runs axe-core and reports to the document.
fn audit(pages: &[Shown], scheme: &str) -> Vec<Value> {
    let axe = folder("browser/node_modules/axe-core/axe.min.js");
    let scripts = format!(
        "<script src=\"file://{}\"></script><script>{}</script></body>",
        axe.display(),
        include_str!("audit.js")
    );
    let frames = pages.iter().flat_map(|shown| {
        let copy = shown.html.replace("</body>", &scripts);
        let copy = copy.replace('&', "&amp;").replace('"', "&quot;");
        WIDTHS.map(|width| {
            format!(
                "<iframe name=\"{}, {width} px\" width=\"{width}\" height=\"800\" srcdoc=\"{copy}\"></iframe>\n",
                shown.name
            )
        })
    });
    let document = format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"><body>{}",
        frames.collect::<String>()
    );
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("frames.html");
    std::fs::write(&file, document).expect("a file");
    let url = format!("file://{}", file.display());
    let dom = browse(
        (1600, 900),
        &[scheme, "--virtual-time-budget=30000", "--dump-dom", &url],
    );
    let reports = dom.split("<report>").skip(1).map(|rest| {
        let (report, _) = rest.split_once("</report>").expect("an end");
        let report = html_escape::decode_html_entities(report);
        serde_json::from_str(&report).expect("JSON")
    });
    reports.collect()
}

#[tokio::test]
async fn every_state_is_accessible_and_fits_the_window() {
    needs!("chromium", AXE);
    let pages = all().await;
    for scheme in [LIGHT, DARK] {
        let reports = audit(&pages, scheme);
        assert_eq!(reports.len(), pages.len() * WIDTHS.len(), "{reports:?}");
        for report in &reports {
            let name = report["name"].as_str().expect("a name");
            assert_eq!(report["violations"], json!([]), "{name}");
            assert_eq!(report["isDark"], json!(scheme == DARK), "{name}");
            assert!(report["passes"].as_u64() > Some(20), "{report}");
            assert_eq!(report["overflow"], json!([]), "{name}");
            assert_eq!(report["cutWords"], json!([]), "{name}");
            let account_line = report["accountLine"].as_f64();
            assert!(
                account_line < Some(ACCOUNT_LINE),
                "{name}: {account_line:?}"
            );
        }
        // Long names take the space of several problems.
        let problems = pages.iter().filter(|shown| shown.has_table);
        for shown in problems.filter(|shown| !shown.name.starts_with("hostile")) {
            let name = format!("{}, 360 px", shown.name);
            let report = reports.iter().find(|report| report["name"] == *name);
            let top = report.and_then(|report| report["firstProblem"].as_f64());
            assert!(top.expect("a problem") < FIRST_SCREEN, "{name}: {top:?}");
        }
    }
}
