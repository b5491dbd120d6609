//! Names, days and numbers on the status page: each says which profile, which day and how many it means.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Setup;
use crate::page::{assert_contains, between, many_accounts, names, page, profile};

/// A profile whose token ends at this time.
fn ending(id: &str, end: &str) -> Value {
    let mut profile = profile("facebook", id, id);
    profile["tokenExpiresAt"] = json!(end);
    profile
}

#[tokio::test]
async fn headline_tells_profiles_with_equal_names_apart() {
    let (_, page) = many_accounts(2).await;
    assert_contains(
        &page,
        &[
            "<bdi>brandco_official</bdi></a> (<bdi>instagram</bdi>, <bdi>a0</bdi>)",
            "<bdi>brandco_official</bdi></a> (<bdi>instagram</bdi>, <bdi>a1</bdi>)",
        ],
    );
    let unnamed = ["fb_1", "fb_2"].map(|id| {
        let mut profile = profile("facebook", id, " ");
        profile["status"] = json!("DISCONNECTED");
        profile["tokenExpiresAt"] = json!("2026-05-15T12:00:00Z");
        profile
    });
    let stack = Setup::default().with_profiles(json!(unnamed)).await;
    let page = self::page(&stack, "/").await;
    for id in ["fb_1", "fb_2"] {
        let link = format!("<i>no name</i> <bdi>{id}</bdi></a> (<bdi>facebook</bdi>)");
        // In the headline and in the timeline.
        assert_eq!(page.matches(&link).count(), 2, "{page}");
    }
}

#[tokio::test]
async fn no_link_has_an_invisible_text() {
    let shown = [
        ("\u{200d}", "<i>no name</i>"),
        ("\u{fe0f} \u{a0}", "<i>no name</i>"),
        ("\u{301}", "\u{25cc}\u{301}"),
        ("\u{200d}\u{301}", "\u{25cc}\u{200d}\u{301}"),
        (
            "\u{200b}\u{200d}",
            "<span class=\"hidden\">U+200B</span>\u{200d}",
        ),
        ("e\u{301}", "e\u{301}"),
    ];
    let profiles = shown.iter().enumerate();
    let profiles: Value = profiles
        .map(|(index, (name, _))| profile("facebook", &format!("fb_{index}"), name))
        .collect();
    let stack = Setup::default().with_profiles(profiles).await;
    let page = page(&stack, "/?sort=verdict").await;
    let links = between(&page, "<a class=\"name\"", "</a>");
    for ((name, text), link) in shown.iter().zip(links) {
        let (_, link) = link.split_once('>').expect("a text");
        let link = link.replace("<bdi>", "").replace("</bdi>", "");
        assert_eq!(link, *text, "{name:?}");
    }
    // A title has a name, too.
    let page = self::page(&stack, "/profile?platform=facebook&id=fb_0").await;
    assert_contains(&page, &["<title>fb_0 – Qlara"]);
}

/// The filter cannot have the element by which rows show hidden characters, but it has the same text.
#[tokio::test]
async fn filter_and_rows_show_hidden_characters_alike() {
    let profiles = json!([profile("face\u{202e}book", "id", "Shop")]);
    let stack = Setup::default().with_profiles(profiles).await;
    let page = page(&stack, "/").await;
    assert_contains(
        &page,
        &[
            "<option value=\"face\u{202e}book\">faceU+202Ebook</option>",
            "face<span class=\"hidden\">U+202E</span>book",
        ],
    );
}

/// The day of a token's end is the one that the gateway states, at its offset.
#[tokio::test]
async fn days_are_those_that_the_gateway_states() {
    for zone in ["UTC", "America/Sao_Paulo", "Asia/Tokyo"] {
        let mut setup = Setup::default();
        setup.web.zone = zone.parse().expect("a zone");
        let stack = setup
            .with_profiles(json!([
                ending("soon", "2026-04-15T00:00:00+02:00"),
                ending("late", "2026-05-05T23:30:00-03:00"),
            ]))
            .await;
        let page = page(&stack, "/").await;
        assert_contains(
            &page,
            &[
                "Reconnect before 15 Apr 2026",
                "<strong>Wed 15 Apr 2026</strong>",
                "<strong>Tue 5 May 2026</strong>",
            ],
        );
    }
}

#[tokio::test]
async fn timeline_says_how_many_ends_follow() {
    let ends = |number: u32| -> Value {
        let day = |index: u32| format!("2026-05-{:02}T12:00:00Z", index + 1);
        let profiles = (0..number).map(|index| ending(&format!("id{index}"), &day(index)));
        profiles.collect()
    };
    for (number, text) in [
        (11, Some("1 more token ends by 11 May 2026: ")),
        (14, Some("4 more tokens end by 14 May 2026: ")),
        (10, None),
    ] {
        let stack = Setup::default().with_profiles(ends(number)).await;
        let page = page(&stack, "/").await;
        let timeline = between(
            &page,
            "<section aria-labelledby=\"timeline-title\"",
            "</section>",
        )[0];
        match text {
            Some(text) => {
                let link =
                    "<a href=\"/?sort=token#profiles\">all profiles by the end of their tokens</a>";
                assert_contains(timeline, &[&format!("{text}{link}")]);
            }
            None => assert!(!timeline.contains(" more "), "{timeline}"),
        }
    }
}

#[tokio::test]
async fn one_profile_needs_attention_and_two_need_it() {
    let ended = ["a", "b"].map(|id| ending(id, "2026-04-09T12:00:00Z"));
    for (number, texts) in [
        (
            1,
            [
                "1 profile that needs attention</caption>",
                "1 profile cannot send",
            ],
        ),
        (
            2,
            [
                "2 profiles that need attention</caption>",
                "2 profiles cannot send",
            ],
        ),
    ] {
        let stack = Setup::default().with_profiles(json!(ended[..number])).await;
        assert_contains(&page(&stack, "/").await, &texts);
    }
}

/// The page of a profile that the gateway no longer lists tells what happened to it.
#[tokio::test]
async fn vanished_profile_keeps_its_changes() {
    let (stays, mut leaves) = (
        profile("facebook", "a", "Stays"),
        profile("facebook", "b", "Leaves"),
    );
    let stack = Setup::default().with_profiles(json!([stays, leaves])).await;
    page(&stack, "/").await;
    leaves["status"] = json!("DISCONNECTED");
    stack.gateway.profiles(&json!([stays, leaves])).await;
    stack.clock.advance(Duration::from_secs(61));
    page(&stack, "/").await;
    stack.gateway.profiles(&json!([stays])).await;
    stack.clock.advance(Duration::from_secs(61));
    let overview = page(&stack, "/").await;
    let path = "/profile?platform=facebook&id=b";
    assert_contains(
        &overview,
        &[&path.replace('&', "&amp;"), "no longer listed"],
    );
    assert_eq!(names(&overview), ["Stays"]);

    let answer = stack.get(path).send().await.expect("a response");
    assert_eq!(answer.status(), 404);
    assert_contains(
        &answer.text().await.expect("a text"),
        &[
            "The gateway does not list this profile",
            "<bdi>Leaves</bdi> · ",
            "The gateway has not listed it since <time datetime=\"2026-04-10T12:02:02Z\">",
            "CONNECTED → <strong>DISCONNECTED</strong>",
        ],
    );
    // A profile that was never listed has no changes.
    let answer = stack.get("/profile?platform=facebook&id=c").send().await;
    let never = answer.expect("a response").text().await.expect("a text");
    assert!(!never.contains("Changes"), "{never}");
}

/// 45 profiles vanish at once: each can still be found, and all changes can be read.
#[tokio::test]
async fn vanished_profiles_can_be_found() {
    let all: Vec<Value> = (10..55)
        .map(|number| {
            profile(
                "whatsapp",
                &format!("wa_{number}"),
                &format!("Shop {number}"),
            )
        })
        .collect();
    for (accounts, all_changes) in [
        ("", "/?sort=verdict"),
        (
            "accounts: [{name: a, api_key_env: QLARA_API_KEY}]",
            "/?account=a",
        ),
    ] {
        let setup = match accounts {
            "" => Setup::default(),
            accounts => Setup::yaml(accounts),
        };
        let stack = setup.with_profiles(json!(all)).await;
        page(&stack, "/").await;
        stack.gateway.profiles(&json!(all[..1])).await;
        stack.clock.advance(Duration::from_secs(61));
        let overview = page(&stack, "/").await;
        let link = format!("24 more changes: <a href=\"{all_changes}#changes\">");
        assert_contains(&overview, &[&link]);
        let changes = page(&stack, all_changes).await;
        let (_, changes) = changes
            .split_once("<section id=\"changes\"")
            .expect("changes");
        assert_eq!(changes.matches("no longer listed").count(), 44);

        let search = page(&stack, "/?q=WA_42").await;
        let (_, found) = search.split_once("No longer listed:").expect("a section");
        let (found, _) = found.split_once("</ul>").expect("a list");
        assert_eq!(found.matches("<li>").count(), 1);
        assert_contains(
            found,
            &[
                "platform=whatsapp&amp;id=wa_42\"><bdi>Shop 42</bdi></a>",
                "since <time datetime=\"2026-04-10T12:01:01Z\">",
            ],
        );
        for (path, gone) in [
            ("/?platform=whatsapp", 44),
            ("/?platform=facebook", 0),
            ("/?verdict=fine", 0),
            ("/?q=wa_10", 0),
        ] {
            let page = page(&stack, path).await;
            let list = page
                .split_once("No longer listed:")
                .map_or("", |(_, rest)| rest);
            let list = list.split_once("</ul>").map_or("", |(list, _)| list);
            assert_eq!(list.matches("<li>").count(), gone, "{path}");
        }

        // An outage hides no changes.
        stack.gateway.faults("status=503").await;
        stack.clock.advance(Duration::from_secs(3600));
        let outage = page(&stack, "/").await;
        assert_contains(&outage, &["Last 24 hours", "no longer listed"]);
    }
}
