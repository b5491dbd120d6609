//! Names, days and numbers on the status page: each says which profile, which day and how many it means.

use serde_json::{Value, json};

use crate::harness::Setup;
use crate::page::{assert_contains, many_accounts, page, profile};

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
