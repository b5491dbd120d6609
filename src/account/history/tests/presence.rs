//! Which profiles appear and disappear.

use serde_json::json;

use super::{Fixture, KEY, change, in_part, profile, state, with};
use crate::account::history::{ChangeKind, Since};
use crate::gateway::model::Status;

#[tokio::test]
async fn profile_that_vanishes_and_returns_has_a_new_start() {
    let fixture = Fixture::start(json!([profile("a"), profile("b")])).await;
    fixture.read().await;
    let history = fixture.read_profiles(json!([profile("b")])).await;
    let gone = change(fixture.now(), "a", ChangeKind::Disappeared);
    assert_eq!(history.changes(), std::slice::from_ref(&gone));
    assert_eq!(history.since("facebook", "a"), None);
    let history = fixture
        .read_profiles(json!([profile("a"), profile("b")]))
        .await;
    let back = change(fixture.now(), "a", ChangeKind::Appeared);
    assert_eq!(history.changes(), [back, gone]);
    let since = history.since("facebook", "a");
    assert_eq!(since, Some(Since::Observed(fixture.now())));
}

#[tokio::test]
async fn every_profile_of_an_emptied_list_disappears() {
    let fixture = Fixture::start(json!([profile("b"), profile("a")])).await;
    fixture.read().await;
    let history = fixture.read_profiles(json!([])).await;
    let gone = |id| change(fixture.now(), id, ChangeKind::Disappeared);
    assert_eq!(history.changes(), [gone("a"), gone("b")]);
}

#[tokio::test]
async fn absence_from_a_partial_list_is_no_disappearance() {
    let fixture = Fixture::start(json!([profile("a"), profile("b")])).await;
    fixture.read().await;
    let first = fixture.now();
    let history = fixture.read_profiles(in_part(json!([profile("b")]))).await;
    assert_eq!(history.changes(), []);
    assert_eq!(
        history.since("facebook", "a"),
        Some(Since::AtLeast(first)),
        "as last read"
    );
    let history = fixture
        .read_profiles(json!([profile("a"), profile("b")]))
        .await;
    assert_eq!(history.changes(), [], "it has been there all the time");

    fixture.read_profiles(in_part(json!([profile("b")]))).await;
    let history = fixture.read_profiles(json!([profile("b")])).await;
    let gone = change(fixture.now(), "a", ChangeKind::Disappeared);
    assert_eq!(history.changes(), [gone]);
}

#[tokio::test]
async fn change_in_a_partial_list_is_recorded() {
    let fixture = Fixture::start(json!([profile("a"), profile("b")])).await;
    fixture.read().await;
    let expired = with("a", "status", json!("TOKEN_EXPIRED"));
    let list = in_part(json!([expired, profile("c")]));
    let history = fixture.read_profiles(list).await;
    let failed = state(Status::Connected, Status::TokenExpired);
    let changes = [("a", failed), ("c", ChangeKind::Appeared)];
    let changes = changes.map(|(id, kind)| change(fixture.now(), id, kind));
    assert_eq!(history.changes(), changes);
}

/// A profile that a partial list left out may have been connected before.
#[tokio::test]
async fn unknown_profile_after_partial_lists_is_no_appearance() {
    let fixture = Fixture::start(in_part(json!([profile("a")]))).await;
    fixture.read().await;
    let history = fixture.read_profiles(in_part(json!([profile("b")]))).await;
    assert_eq!(history.changes(), []);
    assert_eq!(history.since("facebook", "a"), None, "forgotten");
    let history = fixture
        .read_profiles(json!([profile("a"), profile("b")]))
        .await;
    assert_eq!(history.changes(), []);
    let since = history.since("facebook", "a");
    assert_eq!(since, Some(Since::AtLeast(fixture.now())));
    let all = json!([profile("a"), profile("b"), profile("c")]);
    let history = fixture.read_profiles(all).await;
    let new = change(fixture.now(), "c", ChangeKind::Appeared);
    assert_eq!(history.changes(), [new], "after a whole list");
}

/// An entry without an identity may be the missing profile.
#[tokio::test]
async fn profile_whose_entry_becomes_invalid_has_not_disappeared() {
    let fixture = Fixture::start(json!([profile("a"), profile("b")])).await;
    fixture.read().await;
    let history = fixture.read_profiles(json!([profile("b"), "broken"])).await;
    assert_eq!(history.changes(), []);
    let history = fixture.read().await;
    assert_eq!(history.changes(), [], "the entry is still invalid");
    let history = fixture
        .read_profiles(json!([profile("a"), profile("b")]))
        .await;
    assert_eq!(history.changes(), []);
}

#[tokio::test]
async fn invalid_entry_that_stays_hides_no_change() {
    let fixture = Fixture::start(json!([profile("a"), profile("b"), "broken"])).await;
    fixture.read().await;
    let list = json!([profile("b"), profile("c"), "broken"]);
    let history = fixture.read_profiles(list).await;
    let changes = [("c", ChangeKind::Appeared), ("a", ChangeKind::Disappeared)];
    let changes = changes.map(|(id, kind)| change(fixture.now(), id, kind));
    assert_eq!(history.changes(), changes);

    let list = json!([profile("b"), profile("c"), profile("d")]);
    let history = fixture.read_profiles(list).await;
    assert_eq!(
        history.changes(),
        changes,
        "the broken entry may be this profile"
    );
}

#[tokio::test]
async fn profiles_past_a_limit_have_not_disappeared() {
    let mut fixture = Fixture::start(json!([profile("a"), profile("b")])).await;
    fixture.read().await;
    fixture.reload(KEY, "limits: {profiles: 1}");
    assert_eq!(fixture.read().await.changes(), []);
    fixture.reload(KEY, "");
    assert_eq!(fixture.read().await.changes(), []);
}
