//! What the status page says about accounts and profiles that are not known.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Setup, Stack};
use crate::page::{assert_contains, between, page, profile, several_accounts};

fn healthy() -> Value {
    json!([
        profile("facebook", "fb_1", "Shop"),
        profile("instagram", "ig_1", "Shop")
    ])
}

/// The state of all profiles and accounts, as `check` says it, as a class of the page.
async fn state(stack: &Stack) -> &'static str {
    let answer = stack
        .get("/api/v1/profiles")
        .send()
        .await
        .expect("a response");
    let report = answer.text().await.expect("a text");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    match report["state"].as_str().expect("a state") {
        "OK" => "fine",
        "WARNING" => "warning",
        "CRITICAL" => "critical",
        _ => "not_checked",
    }
}

/// The page says the same as `check`: an account that is not known as a whole is not checked.
#[tokio::test]
async fn headline_and_icon_have_the_state_of_check() {
    let mut ends_soon = profile("facebook", "fb_2", "Soon");
    ends_soon["tokenExpiresAt"] = json!("2026-04-15T12:00:00Z");
    let warning = json!([ends_soon, profile("instagram", "ig_1", "Shop")]);
    let part = json!({"profiles": healthy(), "total": 40}).to_string();
    for (profiles, faults, list, expected) in [
        (healthy(), "", None, "fine"),
        (warning.clone(), "", None, "warning"),
        (json!([]), "", None, "warning"),
        (json!([{}, healthy()[0]]), "", None, "not_checked"),
        (healthy(), "status=401", None, "not_checked"),
        (healthy(), "status=503", None, "not_checked"),
        (healthy(), "retry-after=120s", None, "not_checked"),
        (healthy(), "details:status=503", None, "not_checked"),
        (warning, "details:status=503", None, "not_checked"),
        (healthy(), "", Some(part), "not_checked"),
    ] {
        let stack = Setup::default().with_profiles(profiles).await;
        stack.gateway.faults(faults).await;
        if let Some(list) = list {
            stack.gateway.set_list_response(list).await;
        }
        let page = page(&stack, "/").await;
        assert_eq!(state(&stack).await, expected, "{faults}");
        assert_contains(&page, &[&format!("<div class=\"headline {expected}\">")]);
        let colour = match expected {
            "fine" => "1b6638",
            "warning" => "b97400",
            _ => "4a4f8c",
        };
        let icon = between(&page, "<link rel=\"icon\"", ">")[0];
        assert!(icon.contains(colour), "{faults}: {icon}");
    }
}

/// Each cause is said once, in words that need no further look.
#[tokio::test]
async fn headline_of_a_single_account_says_what_is_wrong() {
    let part = json!({"profiles": healthy(), "total": 40}).to_string();
    for (profiles, faults, list, title) in [
        (json!([]), "", None, "No profile is connected"),
        (
            healthy(),
            "",
            Some(part),
            "The list is incomplete: it holds 2 of 40 profiles",
        ),
        (
            healthy(),
            "details/facebook:status=503",
            None,
            "The details of facebook cannot be read",
        ),
        (
            json!([{}, healthy()[0]]),
            "",
            None,
            "1 entry of the gateway's list is left out: 1 without a usable platform or id",
        ),
    ] {
        let stack = Setup::default().with_profiles(profiles).await;
        stack.gateway.faults(faults).await;
        if let Some(list) = list {
            stack.gateway.set_list_response(list).await;
        }
        let page = page(&stack, "/").await;
        let expected = title.replace('\'', "&#39;");
        let shown = between(&page, "<title>", " – Qlara profiles")[0];
        assert!(shown == title || shown == expected, "{shown}");
        // The text below the first line does not repeat it.
        let headline = between(&page, "<div class=\"headline", "<section")[0];
        assert_eq!(headline.matches(shown).count(), 1, "{headline}");
    }
    // The details that an expired token blocks follow from the profile that cannot send.
    let mut setup = Setup::default();
    setup.simulator.expired_channel = Some(503);
    assert_contains(
        &page(&setup.start().await, "/").await,
        &[
            "<title>1 profile cannot send – Qlara",
            "The details of instagram cannot be read.",
        ],
    );
}

/// The problem of an account explains nothing about the profiles of another one.
#[tokio::test]
async fn problem_of_an_account_hides_no_profile_of_another() {
    let entry = |name: &str| format!("{{name: {name}, api_key_env: QLARA_API_KEY}}");
    let one = format!("accounts: [{}]", entry("b"));
    let two = format!("accounts: [{}, {}]", entry("a"), entry("b"));
    let mut setup = Setup::yaml(&one);
    setup.web.enable_lifecycle = true;
    let mut without_permissions = profile("facebook", "fb_1", "Shop");
    without_permissions
        .as_object_mut()
        .expect("an object")
        .remove("permissions");
    let stack = setup
        .with_profiles(json!([
            profile("facebook", "fb_2", "Shop"),
            without_permissions
        ]))
        .await;
    assert_contains(
        &page(&stack, "/").await,
        &["<title>1 profile not checked –"],
    );
    // The account `a` is read now, and `b` is not read again yet.
    let whatsapp = json!([profile("whatsapp", "wa_1", "Shop")]);
    stack.gateway.profiles(&whatsapp).await;
    stack.gateway.faults("details/whatsapp:status=503").await;
    stack.reload_with(&two).await;
    let title = "<title>a: details not read, 1 profile not checked –";
    assert_contains(&page(&stack, "/").await, &[title]);
}

/// 25 accounts whose key is refused.
pub async fn refused_accounts() -> Stack {
    let accounts = (0..25).map(|index| format!("  - {{name: a{index}, api_key_env: KEY}}\n"));
    let mut setup = Setup::yaml(&format!("accounts:\n{}", accounts.collect::<String>()));
    setup.variables = vec![("KEY", "another".to_owned())];
    setup.start().await
}

#[tokio::test]
async fn common_cause_of_many_accounts_is_said_once() {
    let stack = refused_accounts().await;
    let overview = page(&stack, "/").await;
    let (headline, accounts) = overview
        .split_once("<section id=\"accounts\"")
        .expect("accounts");
    assert_contains(
        headline,
        &[
            "<title>25 accounts not read: key refused – Qlara",
            "25 accounts: <strong>The gateway refuses the API key (HTTP 401).",
            "Not read since <time datetime=\"2026-04-10T12:00:00Z\">",
            "after <time datetime=\"2026-04-10T12:01:00Z\">",
            "Check that the API key is the right one and active; a new key in the same file needs no restart.",
        ],
    );
    assert_eq!(overview.matches("refuses the API key").count(), 1);
    let lines = between(accounts, "<li>", "</li>");
    assert_eq!(lines.len(), 25);
    for line in lines {
        assert_contains(line, &["<span>key refused</span>"]);
        assert!(line.len() < 300, "{line}");
    }

    stack.clock.advance(Duration::from_secs(600));
    let later = page(&stack, "/").await;
    assert_contains(&later, &["<span>key refused, unread 10m</span>"]);
    // The view of an account has everything.
    let account = page(&stack, "/?account=a3").await;
    assert_contains(
        &account,
        &[
            "About <bdi>a3</bdi>",
            "No data could be read yet",
            "The gateway refuses the API key (HTTP 401).",
            "Not read since",
            "Check that the API key is the right one and active; a new key in the same file needs no restart.",
        ],
    );
}

/// Without data of the selected accounts there are no numbers.
#[tokio::test]
async fn selection_of_an_account_without_data_says_why() {
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    for path in ["/?account=bad", "/?account=bad&q=x&verdict=critical"] {
        let page = page(&stack, path).await;
        let (_, selection) = page
            .split_once("<section id=\"profiles\"")
            .expect("a section");
        assert_contains(
            selection,
            &[
                "The profiles are not known now.",
                "The gateway refuses the API key (HTTP 401).",
            ],
        );
        for claim in ["all <b>", "fine <b>", "No profile matches", "0 profiles"] {
            assert!(!selection.contains(claim), "{claim} in {selection}");
        }
        // Another account can be chosen.
        assert_contains(selection, &["<select name=\"account\">"]);
    }
    // A search does not hide that it knows a part only.
    let search = page(&stack, "/?q=nobody").await;
    assert_contains(
        &search,
        &[
            "No profile matches the filter.",
            "The profiles of 1 account are not known",
            "<bdi>bad</bdi></a>: <strong>The gateway refuses",
        ],
    );
}

/// `/?refresh=1` is read from afar: the age of the data stands in the headline.
#[tokio::test]
async fn headline_of_several_accounts_has_the_ages_of_their_data() {
    let entry = |name: &str| format!("  - {{name: {name}, api_key_env: QLARA_API_KEY}}\n");
    let mut setup = Setup::yaml(&format!("accounts:\n{}{}", entry("a"), entry("b")));
    setup.web.enable_lifecycle = true;
    let stack = setup.start().await;
    let same = page(&stack, "/?refresh=1").await;
    assert_contains(&same, &["2 accounts</a> · Data read 0 s ago"]);
    stack.clock.advance(Duration::from_secs(12));
    let three = format!("accounts:\n{}{}{}", entry("a"), entry("b"), entry("c"));
    stack.reload_with(&three).await;
    let page = page(&stack, "/?refresh=1").await;
    assert_contains(&page, &["3 accounts</a> · Data read 0 s to 12 s ago"]);
}

/// A misspelled address must not look like an answer about profiles.
#[tokio::test]
async fn address_that_names_what_cannot_exist_is_refused() {
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    for (path, reason) in [
        (
            "/?verdict=foo",
            "unknown verdict &quot;foo&quot;, expected one of critical, warning, not_checked, fine",
        ),
        (
            "/?verdict=critcal",
            "unknown verdict &quot;critcal&quot;; did you mean &quot;critical&quot;?",
        ),
        ("/?verdict=<script>", "&lt;script&gt;"),
        ("/?status=foo", "unknown status &quot;foo&quot;, expected"),
        (
            "/?account=nobody",
            "the configuration has no account with this name",
        ),
        ("/profile", "the parameter &quot;platform&quot; is missing"),
        (
            "/profile?platform=facebook&profile=fb_2",
            "the parameter &quot;id&quot; is missing",
        ),
        (
            "/profile?platform=facebook&id=",
            "the parameter &quot;id&quot; is missing",
        ),
        (
            "/profile?acount=good&platform=facebook&id=fb_page_123456",
            "unknown parameter &quot;acount&quot;; did you mean &quot;account&quot;?",
        ),
    ] {
        let answer = stack.get(path).send().await.expect("a response");
        assert_eq!(answer.status(), 400, "{path}");
        assert!(answer.headers().contains_key("content-security-policy"));
        let page = answer.text().await.expect("a text");
        assert_contains(&page, &[reason, "<a href=\"/\">All profiles</a>"]);
        for claim in ["all <b>", "No profile matches", "does not list"] {
            assert!(!page.contains(claim), "{claim} in {page}");
        }
    }
}

/// The list ends before the second expected profile, which may be connected.
#[tokio::test]
async fn expected_profile_past_the_part_that_was_read_is_not_checked() {
    let expected =
        "expected: [{platform: facebook, profile: fb_1}, {platform: facebook, profile: fb_2}]";
    let account = format!("accounts: [{{name: part, api_key_env: QLARA_API_KEY, {expected}}}]\n");
    let one = profile("facebook", "fb_1", "One");
    let two = profile("facebook", "fb_2", "Two");
    for (limits, list) in [
        ("", json!({"profiles": [&one], "total": 2})),
        ("limits: {profiles: 1}\n", json!([&one, &two])),
    ] {
        let setup = Setup::yaml(&format!("{limits}{account}"));
        let stack = setup.with_profiles(list).await;
        let overview = page(&stack, "/").await;
        assert_contains(&overview, &["<bdi>fb_2</bdi>", "expected, but not read"]);
        let answer = stack.get("/api/v1/profiles").send().await;
        let answer = answer.expect("a response").text().await.expect("a text");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let second = &answer["profiles"][0];
        assert_eq!(second["profile"], "fb_2", "{limits}: {answer}");
        assert_eq!(second["verdict"], "not_checked");
        assert_eq!(second["status"], "UNKNOWN");
        assert_eq!(second["findings"][0]["code"], "expected_unread");
    }
}
