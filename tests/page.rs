//! The status page at `/`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{API_KEY, Setup, Stack};

/// Maximum size of the page without profiles.
const OWN_BYTES: usize = 20 * 1024;

pub async fn page(stack: &Stack, path: &str) -> String {
    let answer = stack.get(path).send().await.expect("a response");
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    answer.text().await.expect("a text")
}

pub fn assert_contains(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is not in {page}");
    }
}

/// The texts between `start` and the next `end`.
pub fn between<'a>(page: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let starts = page.split(start).skip(1);
    starts
        .map(|rest| rest.split_once(end).expect("an end").0)
        .collect()
}

pub fn names(page: &str) -> Vec<&str> {
    between(page, "<bdi class=\"name\">", "<")
}

pub fn profile(platform: &str, id: &str, name: &str) -> Value {
    json!({
        "platform": platform, "profileId": id, "name": name, "status": "CONNECTED",
        "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "connectedAt": "2026-01-10T14:30:00+01:00",
    })
}

/// Two accounts that the gateway accepts, `good` with an expected profile, and one that it rejects.
pub async fn several_accounts(directory: &TempDir) -> Stack {
    let secret = |name: &str, content: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, content).expect("a file");
        file.display().to_string()
    };
    let (good, bad) = (secret("good", API_KEY), secret("bad", "another"));
    let expected =
        "[{platform: facebook, profile: fb_page_123456}, {platform: facebook, profile: fb_gone}]";
    Setup::yaml(&format!(
        "accounts:\n  - {{name: good, api_key_file: {good}, expected: {expected}}}\n  \
         - {{name: other, api_key_file: {good}}}\n  - {{name: bad, api_key_file: {bad}}}\n"
    ))
    .start()
    .await
}

/// [page]
#[tokio::test]
async fn profiles_are_sorted_by_urgency_and_have_verdicts() {
    let stack = Stack::start().await;
    let page = page(&stack, "/").await;
    assert_eq!(
        names(&page),
        [
            "brandco_official",
            "BrandCo Official",
            "BrandCo WhatsApp Business"
        ]
    );
    assert_contains(
        &page,
        &[
            "<html lang=\"en\">",
            "<title>1 profile critical – Qlara profiles</title>",
            "3 profiles · 1 critical · 2 fine",
            "token expired 40d 13h ago",
            "Given up?",
            "Messages fail until somebody reconnects the profile in the Qlara dashboard.",
            "TOKEN_EXPIRED",
            "in 65d 10h",
            "<time datetime=\"2026-06-14T22:00:00Z\">2026-06-14 22:00 UTC (stated as 2026-06-15 +02:00)</time>",
            "Data read 0 s ago",
            "critical <b>1</b>",
            "warning <b>0</b>",
            "fine <b>2</b>",
            concat!("qlara-exporter ", env!("CARGO_PKG_VERSION")),
        ],
    );
}

/// [page]
#[tokio::test]
async fn times_are_in_the_chosen_zone_and_name_it() {
    let mut setup = Setup::default();
    setup.web.zone = "Europe/Rome".parse().expect("a zone");
    let page = page(&setup.start().await, "/").await;
    assert_contains(
        &page,
        &[
            // The day that the gateway states.
            "<time datetime=\"2026-06-14T22:00:00Z\">2026-06-15 00:00 CEST</time>",
            "<time datetime=\"2026-04-10T12:00:00Z\">2026-04-10 14:00 CEST</time>",
        ],
    );
    assert!(!page.contains(" UTC<"), "{page}");
}

/// [page]
#[tokio::test]
async fn profile_that_nobody_repairs_does_not_hide_a_new_failure() {
    let ended = |name: &str, end: &str, status: &str| {
        let mut profile = profile("facebook", name, name);
        profile["tokenExpiresAt"] = json!(end);
        profile["status"] = json!(status);
        profile
    };
    // It is noon of 10 April.
    let stack = Setup::default()
        .with_profiles(json!([
            ended("fine", "2026-06-10T12:00:00Z", "CONNECTED"),
            ended("old", "2025-01-01T00:00:00Z", "TOKEN_EXPIRED"),
            ended("14 days", "2026-03-27T12:00:00Z", "TOKEN_EXPIRED"),
            ended("by date", "2026-03-27T11:00:00Z", "CONNECTED"),
            ended("less", "2026-03-27T12:00:01Z", "TOKEN_EXPIRED"),
            ended("undated", "", "TOKEN_EXPIRED"),
            ended("warning", "2026-04-15T12:00:00Z", "CONNECTED"),
        ]))
        .await;
    let page = page(&stack, "/").await;
    let (urgent, rest) = page.split_once("Given up?").expect("given up");
    let (given_up, fine) = rest.split_once(">Fine<").expect("fine");
    assert_eq!(names(urgent), ["less", "undated", "warning"]);
    assert_eq!(names(given_up), ["old", "by date", "14 days"]);
    assert_eq!(names(fine), ["fine"]);
    assert_contains(given_up, &["The token ended at least 14 days ago"]);
    // They stay critical: their messages fail.
    assert_contains(&page, &["critical <b>5</b>"]);
}

#[tokio::test]
async fn page_is_accessible_to_screen_readers() {
    let page = page(&Stack::start().await, "/").await;
    for landmark in ["<header>", "<main>", "<footer>", "<h1>", "<caption "] {
        assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
    }
    assert_contains(
        &page,
        &["<a class=\"skip\" href=\"#profiles\">", "id=\"profiles\""],
    );
    assert_eq!(page.matches("<th scope=\"col\"").count(), 6);
    assert_eq!(page.matches("<th scope=\"row\"").count(), 3);
    assert_eq!(
        page.matches("<select").count(),
        page.matches("<label>").count()
    );
    for nav in between(&page, "<nav", ">") {
        assert!(nav.contains("aria-label="), "{nav}");
    }
}

/// [documentation-link]
#[tokio::test]
async fn every_link_has_a_target() {
    let stack = Stack::start().await;
    let page = page(&stack, "/").await;
    let links = between(&page, "href=\"", "\"");
    for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
        assert!(links.contains(&path), "{links:?}");
    }
    for link in links.iter().filter(|link| !link.starts_with('#')) {
        let link = link.replace("&amp;", "&");
        let answer = stack.get(&link).send().await.expect("a response");
        assert_eq!(answer.status(), 200, "{link}");
    }
    let documentation = stack.get("/-/documentation").send().await;
    let text = documentation.expect("a response").text().await;
    assert_eq!(text.expect("a text"), include_str!("../README.md"));
}

#[tokio::test]
async fn external_path_prefixes_all_links_and_the_form() {
    let mut setup = Setup::default();
    setup.web.external_url = Some(
        "https://proxy.example/exporters/a&b/"
            .parse()
            .expect("a URL"),
    );
    setup.web.route_prefix = Some(String::new());
    let page = page(&setup.start().await, "/?platform=facebook&verdict=fine").await;
    for attribute in ["href=\"", "action=\""] {
        for link in between(&page, attribute, "\"") {
            assert!(
                link.starts_with("/exporters/a&amp;b/") || link == "#profiles",
                "{link}"
            );
        }
    }
}

#[tokio::test]
async fn content_security_policy_allows_only_the_style() {
    let stack = Stack::start().await;
    let answer = stack.get("/").send().await.expect("a response");
    let headers = answer.headers().clone();
    let page = answer.text().await.expect("a text");
    let style = between(&page, "<style>", "</style>")[0];
    let hash = BASE64_STANDARD.encode(digest(&SHA256, style.as_bytes()));
    assert_eq!(
        headers["content-security-policy"],
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'"
        )
    );
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["cache-control"], "no-store");
    for foreign in [
        "<script", "src=", "style=\"", "//", "url(", "@import", " on",
    ] {
        let tags = between(&page, "<", ">");
        assert!(
            !tags.iter().any(|tag| tag.contains(foreign)) && !style.contains(foreign),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn text_of_the_gateway_is_escaped() {
    let hostile =
        "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u{202e}gpj\u{2066}";
    let profiles = json!([profile(hostile, hostile, hostile)]);
    let stack = Setup::default().with_profiles(profiles).await;
    let query = percent_encoding::utf8_percent_encode(hostile, percent_encoding::NON_ALPHANUMERIC);
    for path in [
        "/".to_owned(),
        format!("/?platform={query}"),
        format!("/?platform={query}&status={query}&account={query}&verdict={query}"),
    ] {
        let page = page(&stack, &path).await;
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
        assert_contains(&page, &["&lt;script&gt;alert(1)&lt;/script&gt;&quot;"]);
        // Text cannot break out of an attribute.
        for tag in between(&page, "<", ">") {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        }
    }
    let page = page(&stack, "/").await;
    let shown = between(&page, "<bdi class=\"name\">", "</bdi>");
    assert!(
        shown[0].ends_with("&amp;amp;\u{fffd}gpj\u{fffd}"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn filters_are_in_the_url() {
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    for (query, shown) in [
        ("", 7),
        ("?", 7),
        ("?platform=&status=&account=&verdict=", 7),
        ("?nonsense=1&%ff=%zz", 7),
        ("?platform=instagram", 2),
        ("?platform=instagram&account=good", 1),
        ("?account=good", 4),
        ("?account=bad", 0),
        ("?status=CONNECTED", 4),
        ("?status=connected", 4),
        ("?status=missing", 1),
        ("?status=DISCONNECTED", 0),
        ("?verdict=critical", 3),
        ("?verdict=warning&account=good", 1),
        (
            "?verdict=fine&platform=whatsapp&status=CONNECTED&account=other",
            1,
        ),
        ("?platform=telegram&platform=whatsapp", 2),
    ] {
        let page = page(&stack, &format!("/{query}")).await;
        assert_eq!(page.matches("<th scope=\"row\"").count(), shown, "{query}");
        if shown == 0 {
            assert_contains(&page, &["No profile matches the filter."]);
        }
    }
    let page = page(
        &stack,
        "/?platform=facebook&account=good&verdict=critical&status=CONNECTED",
    )
    .await;
    assert_contains(
        &page,
        &[
            "<form action=\"/#profiles\" method=\"get\">",
            "<option value=\"facebook\" selected>",
            "<option value=\"CONNECTED\" selected>",
            "<option value=\"good\" selected>",
            "<input type=\"hidden\" name=\"verdict\" value=\"critical\">",
            "href=\"/?verdict=fine&amp;platform=facebook&amp;status=CONNECTED&amp;account=good#profiles\"",
            "aria-current=\"true\" class=\"critical\"",
            // The headline covers all profiles, whatever the filter.
            "<title>3 profiles critical, 1 account not read – Qlara profiles</title>",
        ],
    );
}

#[tokio::test]
async fn page_without_profiles_is_small() {
    let stack = Setup::default().with_profiles(json!([])).await;
    let page = page(&stack, "/").await;
    assert_contains(&page, &["No profiles are connected."]);
    assert!(page.len() < OWN_BYTES, "{}", page.len());
}

/// [page-rows]
#[tokio::test]
async fn page_of_ten_thousand_profiles_is_limited() {
    let name = "x".repeat(1_000);
    let mut profiles: Vec<Value> = (0..9_999)
        .map(|number| {
            let platform = format!("p{}{}", number % 25, &name[..number % 25 * 10]);
            profile(&platform, &format!("id{number}"), "fine")
        })
        .collect();
    let mut urgent = profile("facebook", &name[..250], &name);
    urgent["status"] = json!("TOKEN_EXPIRED");
    profiles.push(urgent);
    let stack = Setup::default().with_profiles(json!(profiles)).await;
    // A scrape waits longer.
    stack.scrape().await;
    let page = page(&stack, "/").await;
    assert!(page.len() < 150 * 1024, "{}", page.len());
    assert_contains(
        &page,
        &["The 100 most urgent of 10000 profiles; 9900 more are not shown."],
    );
    assert_eq!(names(&page).len(), 100);
    assert!(page.matches("<option").count() < 40);
    // The most urgent profile first, with its name shortened.
    assert_eq!(names(&page)[0], format!("{}…", "x".repeat(120)));
    let query = format!("/?platform={0}&account={0}&verdict={0}", "x".repeat(5_000));
    let empty = self::page(&stack, &query).await;
    assert!(empty.len() < OWN_BYTES, "{}", empty.len());
}

/// [page-platforms]
#[tokio::test]
async fn platform_filter_offers_twenty_platforms() {
    let profiles: Vec<Value> = (10..40)
        .map(|number| profile(&format!("p{number}"), "id", "fine"))
        .collect();
    let stack = Setup::default().with_profiles(json!(profiles)).await;
    let page = page(&stack, "/").await;
    let choices = between(&page, "<select name=\"platform\">", "</select>")[0];
    let chosen = between(choices, "<option value=\"", "\"");
    assert_eq!(chosen.len(), 1 + 20, "{choices}");
    // The choice "all" and the documented platforms are always present.
    for platform in ["", "facebook", "instagram", "whatsapp"] {
        assert!(chosen.contains(&platform), "{choices}");
    }
    // A platform without a choice can still be requested by URL.
    assert!(!chosen.contains(&"p39"), "{choices}");
    let asked = self::page(&stack, "/?platform=p39").await;
    assert_eq!(names(&asked).len(), 1);
}
