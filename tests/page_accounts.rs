//! Accounts and problems on the status page, and the gateway requests that it causes.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway_simulator::PREFIX;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Demo;
use crate::harness::listener::Recorder;
use crate::harness::process::{exporter, run};
use crate::harness::{API_KEY, Setup, Stack};
use crate::page::{
    assert_contains, between, many_accounts, names, page, profile, several_accounts,
};

/// [empty-list]
#[tokio::test]
async fn account_without_profiles_is_a_warning_as_in_check() {
    let stack = Setup::default().with_profiles(json!([])).await;
    let page = page(&stack, "/").await;
    assert_contains(
        &page,
        &[
            "<title>No profile is connected – Qlara",
            "No profile is connected",
        ],
    );
}

#[tokio::test]
async fn counts_use_singular_and_plural() {
    let platforms = (0..33).map(|number| profile(&format!("p{number}"), "a", "CONNECTED"));
    let profiles: Value = platforms.collect();
    let stack = Setup::default().with_profiles(profiles).await;
    assert_contains(
        &page(&stack, "/").await,
        &["1 platform is not asked for details: the list names too many"],
    );
}

/// [page]
#[tokio::test]
async fn page_is_served_from_the_cache() {
    let stack = Stack::start().await;
    join_all((0..10).map(|_| page(&stack, "/"))).await;
    stack.scrape().await;
    page(&stack, "/?status=CONNECTED").await;
    assert_eq!(stack.gateway.stats().await.list, 1);
    stack.clock.advance(Duration::from_secs(61));
    assert_contains(&page(&stack, "/").await, &["Data read 0 s ago"]);
    let scrape = stack.scrape().await;
    assert_eq!(stack.gateway.stats().await.list, 2);
    // That metric only counts scrapes.
    assert_eq!(
        scrape.value(r#"qlara_exporter_cache_requests_total{result="hit"}"#),
        2.0
    );
}

/// [page-deadline]
#[tokio::test]
async fn slow_gateway_delays_the_page_only_briefly() {
    let stack = Stack::start().await;
    stack.gateway.faults("list:latency=8s").await;
    let started = Instant::now();
    let page = page(&stack, "/").await;
    assert!(started.elapsed() < Duration::from_secs(6));
    assert_contains(
        &page,
        &[
            "<title>Reading the profiles",
            "Being read for the first time.",
        ],
    );
}

#[tokio::test]
async fn each_account_shows_its_state() {
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    let page = page(&stack, "/").await;
    let section = between(&page, "<section id=\"accounts\"", "</section>")[0];
    let accounts = between(section, "<li>", "</li>");
    let expectations = [
        [
            "<bdi>good</bdi>",
            "read 0 s ago",
            "4 profiles · 2 critical · 1 warning · 1 fine",
        ],
        [
            "<bdi>other</bdi>",
            "read 0 s ago",
            "3 profiles · 1 critical · 2 fine",
        ],
        [
            "<bdi>bad</bdi>",
            "class=\"mark not_checked\"",
            "<span>key refused</span>",
        ],
    ];
    assert_eq!(accounts.len(), 3);
    for (account, texts) in accounts.into_iter().zip(expectations) {
        assert_contains(account, &texts);
    }
    assert_contains(
        &page,
        &["expected, but not connected", "connected, but not expected"],
    );
}

/// [page-errors]
#[tokio::test]
async fn errors_are_explained_with_advice() {
    for (fault, what, advice) in [
        (
            "status=401",
            "refuses the API key (HTTP 401)",
            "the right one and active",
        ),
        ("status=403", "forbids the call (HTTP 403)", "IP allow-list"),
        (
            "retry-after=30s",
            "rate limit of the API key is used up",
            "waits as long as",
        ),
        (
            "status=404",
            "does not know the address",
            "Check gateway.url",
        ),
        (
            "status=418",
            "does not accept the request",
            "its scheme and the whole prefix",
        ),
        (
            "redirect=http://127.0.0.1:9/",
            "The gateway redirects the request",
            "Set gateway.url (--qlara.url) to the final address",
        ),
        (
            "status=503",
            "The gateway reports an error of its own",
            "tries again by itself",
        ),
        ("hang", "did not answer in time", "raise gateway.timeout"),
        (
            "reset",
            "cannot be reached",
            "set the scheme in gateway.url",
        ),
        (
            "garbage",
            "is not as documented",
            "The log says what was found",
        ),
        (
            "endless",
            "longer than limits.response_bytes",
            "Raise limits.response_bytes",
        ),
        (
            "details/facebook:status=503",
            "The details of facebook cannot be read.",
            "permissions and last activity are not known",
        ),
    ] {
        let mut setup = Setup::yaml(
            "limits: {response_bytes: 1MiB}\naccounts: [{name: a, api_key_env: QLARA_API_KEY}]\n",
        );
        setup.settings.timeout = Some(Duration::from_secs(1));
        let stack = setup.start().await;
        stack.gateway.faults(fault).await;
        let page = page(&stack, "/").await;
        assert_contains(&page, &[what, advice]);
        assert!(!page.contains("<title>All"), "{page}");
    }
    let broken = Recorder::start_silent().await;
    let setup = Setup {
        url: Some(format!("https://{}", broken.address)),
        ..Setup::default()
    };
    let page = page(&setup.start().await, "/").await;
    assert_contains(
        &page,
        &[
            "No trusted TLS connection",
            "Check scheme, host and port in gateway.url",
        ],
    );
}

#[tokio::test]
async fn dropped_entries_are_shown() {
    let profiles = json!([
        profile("facebook", "a", "A"),
        profile("facebook", "a", "A"),
        {}
    ]);
    let page = page(&Setup::default().with_profiles(profiles).await, "/").await;
    assert_contains(
        &page,
        &[
            "2 entries of the gateway's list are left out: 1 without a usable platform or id, 1 listed twice",
        ],
    );
}

/// [page-errors]
#[tokio::test]
async fn stale_data_shows_its_age_and_then_expires() {
    let stack = Stack::start().await;
    page(&stack, "/").await;
    stack.gateway.faults("status=503").await;
    stack.clock.advance(Duration::from_secs(10 * 60));
    let stale = page(&stack, "/").await;
    assert_contains(
        &stale,
        &[
            "Data read 10m ago",
            "The gateway reports an error of its own",
        ],
    );
    assert_eq!(names(&stale).len(), 3);
    stack.clock.advance(Duration::from_secs(10 * 60));
    let empty = page(&stack, "/").await;
    assert_contains(
        &empty,
        &[
            "No data: the last data, read 20m ago, is too old to show",
            "<title>The gateway reports an error of its own (HTTP 5xx) ",
            "The profiles are not known now",
        ],
    );
    assert_eq!(names(&empty).len(), 0);
}

#[tokio::test]
async fn verdicts_and_their_order_match_check() {
    let demo = Demo::start().await;
    let (_, audit, _) = run(exporter()
        .args(["check", "--output", "json"])
        .env("QLARA_URL", format!("{}{PREFIX}", demo.gateway()))
        .env("QLARA_API_KEY", API_KEY));
    let audit: Value = serde_json::from_str(&audit).expect("JSON");
    let audited = audit["profiles"].as_array().expect("profiles").iter();
    let audited: Vec<[&str; 2]> = audited
        .map(|profile| [&profile["verdict"], &profile["profile"]])
        .map(|texts| texts.map(|text| text.as_str().expect("a text")))
        .collect();
    assert_eq!(audited.len(), 12);

    let page = demo.html_of("/?sort=verdict").await;
    let shown = between(&page, "<tr role=\"row\"><td", "</th>").into_iter();
    let shown: Vec<[&str; 2]> = shown
        .map(|row| {
            let verdict = between(row, "class=\"badge ", "\"")[0];
            [verdict, between(row, " · <bdi>", "<")[0]]
        })
        .collect();
    assert_eq!(shown, audited);
    assert!(audited.contains(&["critical", "ig_345678"]), "{audited:?}");
}

/// [page]
#[tokio::test]
async fn account_that_cannot_be_read_shows_the_cause_and_no_numbers() {
    for (faults, cause, backoff) in [
        (
            "status=401",
            "The gateway refuses the API key (HTTP 401)",
            60,
        ),
        (
            "status=503",
            "The gateway reports an error of its own (HTTP 5xx)",
            1,
        ),
        (
            "retry-after=120s",
            "The rate limit of the API key is used up (HTTP 429)",
            120,
        ),
    ] {
        let stack = Stack::start().await;
        stack.gateway.faults(faults).await;
        let text = page(&stack, "/").await;
        assert_contains(
            &text,
            &[
                &format!("<title>{cause} – Qlara profiles</title>"),
                "Not read since <time datetime=\"2026-04-10T12:00:00Z\">",
                "The profiles are not known now.",
            ],
        );
        for claim in ["0 profiles", "fine <b>0</b>", "All profiles are fine"] {
            assert!(!text.contains(claim), "{faults}: {claim} in {text}");
        }
        let next = between(&text, "after <time datetime=\"", "\"")[0];
        let next = chrono::DateTime::parse_from_rfc3339(next).expect("a time");
        let noon = chrono::DateTime::parse_from_rfc3339("2026-04-10T12:00:00Z").expect("a time");
        assert_eq!((next - noon).num_seconds(), backoff, "{faults}");

        // The start of the failure stays, and ends with it.
        stack.clock.advance(std::time::Duration::from_secs(301));
        let text = page(&stack, "/").await;
        assert_contains(
            &text,
            &["Not read since <time datetime=\"2026-04-10T12:00:00Z\">"],
        );
        stack.gateway.faults("").await;
        stack.clock.advance(std::time::Duration::from_secs(301));
        let text = page(&stack, "/").await;
        assert!(!text.contains("Not read since"), "{text}");
    }
}

/// [page-accounts]
#[tokio::test]
async fn thousand_accounts_are_on_parts_of_a_small_page() {
    let (stack, first) = many_accounts(1000).await;
    assert!(first.len() < 100 * 1024, "{}", first.len());
    let shown = |page: &str| {
        let section = between(page, "<section id=\"accounts\"", "</section>")[0];
        let names = between(section, "#profiles\"><bdi>", "<").into_iter();
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut seen = std::collections::BTreeSet::new();
    for part in 1..=40 {
        let page = page(&stack, &format!("/?accounts={part}")).await;
        assert_eq!(shown(&page).len(), 25, "{part}");
        seen.extend(shown(&page));
    }
    assert_eq!(seen.len(), 1000);
    // An account's link shows its profiles.
    let account = page(&stack, "/?account=a999").await;
    assert_eq!(names(&account).len(), 3);
    // The form has a text field instead of a thousand choices.
    assert_contains(&account, &["<input name=\"account\" value=\"a999\""]);
}

/// The alerts whose runbooks a page links to, all of which exist.
fn runbooks(page: &str) -> Vec<&str> {
    let names = between(page, "href=\"https://example.com/runbooks/", ".md\"");
    for name in &names {
        let file = format!("{}/docs/runbooks/{name}.md", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&file).exists(), "{file}");
    }
    names
}

/// [page-links]
#[tokio::test]
async fn pages_link_to_dashboards_and_runbooks() {
    let links = "links: {dashboard: \"https://qlara.example/\", grafana: \"https://grafana.example/d/x?orgId=1\", \
                 runbooks: \"https://example.com/runbooks/\"}\n";
    let own = "links: {dashboard: \"https://qlara.example/own\"}";
    let setup = Setup::yaml(&format!(
        "{links}accounts:\n  - {{name: shared, api_key_env: QLARA_API_KEY}}\n  \
         - {{name: a&b, api_key_env: QLARA_API_KEY, {own}}}\n"
    ));
    let stack = setup.start().await;
    let overview = page(&stack, "/").await;
    for dashboard in ["https://qlara.example/\"", "https://qlara.example/own\""] {
        assert_contains(
            &overview,
            &[&format!(
                "in the <a href=\"{dashboard}>Qlara dashboard</a>."
            )],
        );
    }
    let profile = page(
        &stack,
        "/profile?account=a%26b&platform=instagram&id=ig_345678",
    )
    .await;
    assert_contains(
        &profile,
        &[
            "<a href=\"https://qlara.example/own\">Qlara dashboard</a>",
            "<a href=\"https://grafana.example/d/x?orgId=1&amp;var-account=a%26b&amp;var-platform=instagram&amp;var-profile=ig_345678\">",
        ],
    );
    assert_eq!(runbooks(&profile), ["QlaraTokenExpired"]);

    for (fault, alert) in [
        ("status=401", "QlaraGatewayCredentialsRefused"),
        ("retry-after=120s", "QlaraGatewayRateLimited"),
        ("status=503", "QlaraGatewayUnreachable"),
        ("details:status=500", "QlaraDetailsUnavailable"),
    ] {
        let setup = Setup::yaml(&format!(
            "{links}accounts: [{{name: a, api_key_env: QLARA_API_KEY}}]"
        ));
        let stack = setup.start().await;
        stack.gateway.faults(fault).await;
        let page = page(&stack, "/").await;
        assert_eq!(runbooks(&page)[0], alert, "{fault}");
    }
}

/// [profile-page]
#[tokio::test]
async fn profile_page_shows_every_fact_and_every_remedy() {
    let mut setup = Setup::yaml(
        "phone_number: mask\naccounts: [{name: a, api_key_env: QLARA_API_KEY, expected: [{platform: facebook, profile: gone}]}]",
    );
    setup.simulator.profiles = 0;
    let mut broken = profile("facebook", "fb_1", "\u{202e}Shop");
    broken["status"] = json!("SUSPENDED");
    broken["tokenExpiresAt"] = json!("2026-04-11T12:00:00Z");
    broken["username"] = json!("shop");
    broken["pageId"] = json!("123");
    broken["category"] = json!("E-commerce");
    broken["lastActivityAt"] = json!("2026-04-10T11:00:00Z");
    broken["permissions"] = json!(["pages_read_engagement"]);
    let mut phone = profile("whatsapp", "wa_1", "");
    phone["phoneNumber"] = json!("+393331234567");
    let stack = setup.with_profiles(json!([broken, phone])).await;
    let facts = page(&stack, "/profile?account=a&platform=facebook&id=fb_1").await;
    assert_contains(
        &facts,
        &[
            "<title>U+202EShop – Qlara profiles</title>",
            // Every finding with its remedy.
            "token ends in 1d 0h",
            "Reconnect the profile in the Qlara dashboard before messages fail.",
            "status unknown",
            "Look at the profile in the Qlara dashboard.",
            "cannot send: pages_messaging missing",
            "grant all permissions.",
            "connected, but not expected",
            "Add the profile to the expected profiles",
            // Every fact of the documentation.
            "<dt>Status in the gateway's words</dt><dd><bdi>SUSPENDED</bdi>",
            "<dt>Username</dt><dd><bdi>shop</bdi>",
            "<dt>Page id</dt><dd><bdi>123</bdi>",
            "<dt>Category</dt><dd><bdi>E-commerce</bdi>",
            "<time datetime=\"2026-01-10T13:30:00Z\">",
            "<time datetime=\"2026-04-10T11:00:00Z\">",
            "<bdi>pages_read_engagement</bdi> <span class=\"quiet\">granted",
            "<bdi>pages_messaging</bdi> <strong class=\"missing\">missing: cannot send",
            "<dt>Phone number</dt><dd><span class=\"quiet\">not stated",
            // The first read shows no start.
            "since <time datetime=\"2026-04-10T12:00:00Z\">2026-04-10 12:00 UTC</time> or earlier",
            "No change was read.",
        ],
    );
    let whatsapp = page(&stack, "/profile?account=a&platform=whatsapp&id=wa_1").await;
    assert_contains(&whatsapp, &["<i>no name</i>", "+**********67</bdi>"]);
    assert!(!whatsapp.contains("3331234"), "{whatsapp}");
    let missing = page(&stack, "/profile?account=a&platform=facebook&id=gone").await;
    assert_contains(&missing, &["expected, but not connected"]);
    for (path, text) in [
        (
            "/profile?account=a&platform=facebook&id=other",
            "The gateway does not list this profile",
        ),
        (
            "/profile?platform=facebook&id=fb_1",
            "There is no such account",
        ),
        (
            "/profile?account=b&platform=facebook&id=fb_1",
            "There is no such account",
        ),
    ] {
        let answer = stack.get(path).send().await.expect("a response");
        assert_eq!(answer.status(), 404, "{path}");
        assert_contains(&answer.text().await.expect("a text"), &[text]);
    }

    // A change is shown with its time, on this page and on the overview.
    let mut mended = broken.clone();
    mended["status"] = json!("CONNECTED");
    stack.gateway.profiles(&json!([mended, phone])).await;
    stack.clock.advance(Duration::from_secs(61));
    let time = "<time datetime=\"2026-04-10T12:01:01Z\">2026-04-10 12:01 UTC</time>";
    for path in ["/profile?account=a&platform=facebook&id=fb_1", "/"] {
        let page = page(&stack, path).await;
        assert_contains(&page, &["UNKNOWN → <strong>CONNECTED</strong>", time]);
    }

    // The page of a profile that has vanished says when, and leads to the profiles among which it may be again.
    let mut again = broken.clone();
    again["profileId"] = json!("fb_2");
    stack.gateway.profiles(&json!([again, phone])).await;
    stack.clock.advance(Duration::from_secs(61));
    let path = "/profile?account=a&platform=facebook&id=fb_1";
    let vanished = stack.get(path).send().await.expect("a response");
    assert_eq!(vanished.status(), 404);
    let vanished = vanished.text().await.expect("a text");
    assert_contains(
        &vanished,
        &[
            "The gateway does not list this profile",
            "<span>no longer listed</span>",
            "<time datetime=\"2026-04-10T12:02:02Z\">",
            "UNKNOWN → <strong>CONNECTED</strong>",
        ],
    );
    let link = "/?platform=facebook&account=a";
    let shown = format!("href=\"{}#profiles\"", link.replace('&', "&amp;"));
    assert_contains(&vanished, &[&shown]);
    let others = page(&stack, link).await;
    assert_contains(&others, &["id=fb_2\"", "id=gone\""]);
    assert!(!others.contains("wa_1"), "{others}");
    stack.clock.advance(Duration::from_secs(25 * 3600));
    let later = page(&stack, "/").await;
    assert_contains(
        &later,
        &["No change was read.", "Changes are recorded since"],
    );

    // Without data, nothing is claimed.
    stack.gateway.faults("status=503").await;
    stack.clock.advance(Duration::from_secs(3600));
    let unknown = page(&stack, "/profile?account=a&platform=facebook&id=fb_1").await;
    assert_contains(
        &unknown,
        &[
            "This profile is not known now",
            "reports an error of its own",
        ],
    );
}
