//! The status page at `/`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gateway_simulator::RateLimit;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{API_KEY, Setup, Stack, eventually};

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
    let links = between(page, "<a class=\"name\"", "</a>").into_iter();
    links
        .map(|link| link.split_once("<bdi>").expect("a name").1)
        .map(|name| name.trim_end_matches("</bdi>"))
        .collect()
}

pub fn profile(platform: &str, id: &str, name: &str) -> Value {
    json!({
        "platform": platform, "profileId": id, "name": name, "status": "CONNECTED",
        "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "connectedAt": "2026-01-10T14:30:00+01:00",
        "permissions": ["pages_messaging", "pages_read_engagement", "instagram_basic", "instagram_manage_messages"],
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

/// The accounts `a0`, `a1`, … with three profiles each, and the page when all are read.
pub async fn many_accounts(number: usize) -> (Stack, String) {
    let accounts = (0..number).map(|index| format!("  - {{name: a{index}, api_key_env: KEY}}\n"));
    let mut setup = Setup::yaml(&format!("accounts:\n{}", accounts.collect::<String>()));
    setup.api_key = None;
    setup.variables = vec![("KEY", API_KEY.to_owned())];
    setup.simulator.rate_limit = RateLimit::UNLIMITED;
    let stack = setup.start().await;
    let all = format!("{} profiles ·", number * 3);
    let page = eventually("all accounts", async || {
        Some(page(&stack, "/").await).filter(|page| page.contains(&all))
    });
    let page = page.await;
    (stack, page)
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
            "<title>1 profile cannot send – Qlara profiles</title>",
            "3 profiles · 1 critical · 2 fine",
            "token expired 40d 13h ago",
            "Given up?",
            "Messages fail until somebody reconnects the profile in the Qlara dashboard.",
            "TOKEN_EXPIRED",
            "token ends in 65d 10h",
            "<time datetime=\"2026-02-28T23:00:00Z\">2026-02-28 23:00 UTC (stated as 2026-03-01 +01:00)</time>",
            "Data read 0 s ago",
            "critical <b>1</b>",
            "warning <b>0</b>",
            "fine <b>2</b>",
            "Cannot send: <a href=\"/profile?platform=instagram&amp;id=ig_345678\">",
            "Show 2 profiles with nothing to do",
            concat!("qlara-exporter ", env!("CARGO_PKG_VERSION")),
        ],
    );
}

/// [page]
#[tokio::test]
async fn times_are_in_the_chosen_zone_and_name_it() {
    let mut setup = Setup::default();
    setup.web.zone = "Europe/Rome".parse().expect("a zone");
    let profile = "/profile?platform=facebook&id=fb_page_123456";
    let page = page(&setup.start().await, profile).await;
    assert_contains(
        &page,
        &[
            // The day that the gateway states.
            "<time datetime=\"2026-06-14T22:00:00Z\">2026-06-15 00:00 CEST</time>",
            "<time datetime=\"2026-04-10T12:00:00Z\">2026-04-10 14:00 CEST</time>",
        ],
    );
    assert!(!page.contains(" UTC<"), "{page}");
    let stack = Stack::start().await;
    let page = self::page(&stack, profile).await;
    assert_contains(
        &page,
        &[
            "<time datetime=\"2026-06-14T22:00:00Z\">2026-06-14 22:00 UTC (stated as 2026-06-15 +02:00)</time>",
        ],
    );
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
    let (rest, fine) = rest.split_once("</table>").expect("an end");
    let (given_up, warnings) = rest
        .split_once("Reconnect before 15 Apr 2026")
        .expect("a group");
    assert_eq!(names(urgent), ["less", "undated"]);
    assert_eq!(names(given_up), ["old", "by date", "14 days"]);
    assert_eq!(names(warnings), ["warning"]);
    assert_eq!(names(fine), ["fine"]);
    assert_contains(urgent, &["Reconnect now"]);
    assert_contains(given_up, &["The token ended at least 14 days ago"]);
    // They stay critical: their messages fail.
    assert_contains(&page, &["critical <b>5</b>"]);
}

#[tokio::test]
async fn page_is_accessible_to_screen_readers() {
    let page = page(&Stack::start().await, "/").await;
    for landmark in ["<header>", "<main>", "<footer>", "<h1>", "<caption>"] {
        assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
    }
    assert_contains(
        &page,
        &["<a class=\"skip\" href=\"#profiles\">", "id=\"profiles\""],
    );
    assert_eq!(page.matches("<th scope=\"col\"").count(), 5);
    assert_eq!(page.matches("<th scope=\"row\"").count(), 1);
    let fields = page.matches("<select").count() + page.matches("<input").count();
    assert_eq!(fields, page.matches("<label").count());
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
    for link in links.iter().filter(|link| link.starts_with('/')) {
        let link = link.replace("&amp;", "&");
        let answer = stack.get(&link).send().await.expect("a response");
        assert_eq!(answer.status(), 200, "{link}");
    }
    let documentation = self::page(&stack, "/-/documentation").await;
    assert_contains(
        &documentation,
        &[
            "<h1>qlara-exporter</h1>",
            "<table>",
            "<pre tabindex=\"0\"><code class=\"language-sh\">",
        ],
    );
    // Its links to other files have no target here.
    for link in between(&documentation, "href=\"", "\"") {
        assert!(
            link.starts_with(['/', '#', 'd']) || link.contains("://"),
            "{link}"
        );
        assert!(!link.ends_with(".md"), "{link}");
    }
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
                link.starts_with("/exporters/a&amp;b/") || link.starts_with(['#', 'd']),
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
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; connect-src 'self'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'"
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
        format!("/?platform={query}&q={query}"),
        format!("/?q={query}"),
        format!("/profile?platform={query}&id={query}"),
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
    let shown = names(&page)[0];
    let end =
        "&amp;amp;<span class=\"hidden\">U+202E</span>gpj<span class=\"hidden\">U+2066</span>";
    assert!(shown.ends_with(end), "{shown}");
}

#[tokio::test]
async fn filters_are_in_the_url() {
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    for (query, shown) in [
        // The overview has the other three as lines.
        ("", 4),
        ("?", 4),
        (
            "?platform=&status=&account=&verdict=&q=&sort=&page=&accounts=&refresh=",
            4,
        ),
        ("?nonsense=1&%ff=%zz&sort=nonsense&page=x", 4),
        ("?sort=verdict", 7),
        ("?q=BRANDCO", 6),
        ("?q=fb_gone", 1),
        ("?q=other", 3),
        ("?q=+brandco_OFFICIAL+", 2),
        ("?q=nobody", 0),
        ("?q=brandco&account=good&verdict=FINE", 1),
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
        let is_known = !query.contains("bad");
        if shown == 0 && is_known {
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
            "<form role=\"search\" action=\"/#profiles\" method=\"get\">",
            "<option value=\"facebook\" selected>",
            "<option value=\"CONNECTED\" selected>",
            "<option value=\"good\" selected>",
            "<input type=\"hidden\" name=\"verdict\" value=\"critical\">",
            "href=\"/?verdict=fine&amp;platform=facebook&amp;status=CONNECTED&amp;account=good#profiles\"",
            "aria-current=\"true\" class=\"critical\"",
            // The headline covers all profiles of the account, whatever the filter.
            "<title>good: 2 profiles cannot send, 1 profile with a warning – Qlara profiles</title>",
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
async fn page_of_ten_thousand_profiles_is_limited_and_shows_all_in_parts() {
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
    let overview = eventually("all profiles", async || {
        let page = page(&stack, "/").await;
        page.contains("All 9999 profiles").then_some(page)
    });
    let overview = overview.await;
    assert!(overview.len() < 100 * 1024, "{}", overview.len());
    assert_eq!(names(&overview).len(), 31);
    assert!(overview.matches("<option").count() < 50);
    // The most urgent profile first, with its name shortened.
    assert_eq!(names(&overview)[0], format!("{}…", "x".repeat(120)));
    assert_contains(&overview, &["All 9999 profiles with nothing to do"]);

    let first = page(&stack, "/?sort=verdict").await;
    assert!(first.len() < 100 * 1024, "{}", first.len());
    assert_eq!(names(&first).len(), 30);
    assert_contains(
        &first,
        &[
            "1 to 30 of 10000",
            "href=\"/?sort=verdict&amp;page=334#profiles\"",
        ],
    );
    let last = page(&stack, "/?sort=verdict&page=334").await;
    assert_eq!(names(&last).len(), 10);
    assert_contains(&last, &["9991 to 10000 of 10000"]);
    // A part past the end is the last one.
    let past = page(&stack, "/?sort=verdict&page=1000000").await;
    assert_eq!(names(&past), names(&last));
    // Each link repeats the filter.
    let long = "x".repeat(120);
    let query = format!("/?platform={long}&q={long}");
    let empty = page(&stack, &query).await;
    assert!(empty.len() < OWN_BYTES, "{}", empty.len());
    for query in [format!("/?platform={long}x"), format!("/?q={long}x")] {
        let refused = stack.get(&query).send().await.expect("a response");
        assert_eq!(refused.status().as_u16(), 400);
        let refused = refused.text().await.expect("a text");
        assert_contains(&refused, &["expected at most 120 characters"]);
    }
}

/// [page]
#[tokio::test]
async fn every_critical_profile_precedes_warnings() {
    let warning = |number: usize| {
        let mut profile = profile("facebook", &format!("id{number}"), "warning");
        profile["permissions"] = json!(["pages_messaging"]);
        profile
    };
    let critical = |name: &str, changes: Value| {
        let mut profile = profile("facebook", name, name);
        let changes = changes.as_object().expect("an object").clone();
        profile.as_object_mut().expect("an object").extend(changes);
        profile
    };
    let mut profiles: Vec<Value> = (0..30).map(warning).collect();
    profiles.push(critical("permission", json!({"permissions": []})));
    profiles.push(critical(
        "old",
        json!({"tokenExpiresAt": "2026-01-01T00:00:00Z"}),
    ));
    profiles.push(critical(
        "provider",
        json!({"platform": "whatsapp", "status": "DISCONNECTED"}),
    ));
    let stack = Setup::default().with_profiles(json!(profiles)).await;
    let page = page(&stack, "/").await;
    let (_, table) = page.split_once("<tbody").expect("a table");
    assert_eq!(
        names(table)[..4],
        ["permission", "provider", "old", "warning"]
    );
    assert_contains(table, &["Look at the provider now"]);
    // The group of the same name has a part above and a part below.
    assert_eq!(table.matches("Grant permissions").count(), 2);
}

/// [page-rows]
#[tokio::test]
async fn every_profile_is_on_exactly_one_part() {
    let profiles: Vec<Value> = (0..120)
        .map(|number| {
            profile(
                "facebook",
                &format!("id{number}"),
                &format!("shop {number}"),
            )
        })
        .collect();
    let stack = Setup::default().with_profiles(json!(profiles)).await;
    for order in ["verdict=fine", "sort=profile", "sort=-token", "q=shop"] {
        let mut seen = std::collections::BTreeSet::new();
        for part in 1..=4 {
            let page = page(&stack, &format!("/?{order}&page={part}")).await;
            let names = names(&page);
            assert_eq!(names.len(), 30, "{order}");
            seen.extend(names.into_iter().map(str::to_owned));
        }
        assert_eq!(seen.len(), 120, "{order}");
    }
}

/// [page]
#[tokio::test]
async fn columns_sort_in_both_directions_and_missing_values_come_last() {
    let with = |name: &str, end: Value| {
        let mut profile = profile("facebook", name, name);
        profile["tokenExpiresAt"] = end;
        profile
    };
    let stack = Setup::default()
        .with_profiles(json!([
            with("b", json!("2026-06-03T00:00:00Z")),
            with("C", json!("2026-06-01T00:00:00Z")),
            with("a", json!("2026-06-02T00:00:00Z")),
            with("d", Value::Null),
        ]))
        .await;
    for (sort, order) in [
        ("profile", ["a", "b", "C", "d"]),
        ("-profile", ["d", "C", "b", "a"]),
        ("token", ["C", "a", "b", "d"]),
        ("-token", ["b", "a", "C", "d"]),
    ] {
        let page = page(&stack, &format!("/?sort={sort}")).await;
        assert_eq!(names(&page), order, "{sort}");
    }
    let ascending = page(&stack, "/?sort=token").await;
    assert_contains(
        &ascending,
        &["aria-sort=\"ascending\"><a href=\"/?sort=-token#profiles\">Token ends</a>"],
    );
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
