//! Names, days and numbers on the status page: each says which profile, which day and how many it means.

use serde_json::{Value, json};

use crate::harness::Setup;
use crate::page::{assert_contains, between, many_accounts, page, profile};

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
