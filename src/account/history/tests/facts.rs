//! Changes of the state, the token and the permissions of a profile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Fixture, KEY, RENEWED, change, profile, state, with};
use crate::account::history::{ChangeKind, History, Since};
use crate::gateway::model::Status;

#[tokio::test]
async fn change_of_a_state_is_recorded_when_it_is_read() {
    let fixture = Fixture::start(json!([profile("a"), profile("b")])).await;
    fixture.read().await;
    let first = fixture.now();
    let expired = with("a", "status", json!("TOKEN_EXPIRED"));
    let history = fixture.read_profiles(json!([expired, profile("b")])).await;
    let second = fixture.now();
    let failed = change(second, "a", state(Status::Connected, Status::TokenExpired));
    assert_eq!(history.changes(), std::slice::from_ref(&failed));
    let since = |history: &History, id| history.since("facebook", id);
    assert_eq!(since(&history, "a"), Some(Since::Observed(second)));
    assert_eq!(since(&history, "b"), Some(Since::AtLeast(first)));

    fixture.read().await;
    let history = fixture
        .read_profiles(json!([profile("a"), profile("b")]))
        .await;
    let fourth = fixture.now();
    let works = change(fourth, "a", state(Status::TokenExpired, Status::Connected));
    assert_eq!(history.changes(), [works, failed], "newest first");
    assert_eq!(since(&history, "a"), Some(Since::Observed(fourth)));
    assert_eq!(history.started_at(), Some(first));
}

#[tokio::test]
async fn renewed_token_is_recorded_and_a_missing_expiry_is_not() {
    let fixture = Fixture::start(json!([profile("a"), profile("b")])).await;
    let first = fixture.read().await;
    let without = with("a", "tokenExpiresAt", Value::Null);
    let invalid = with("b", "tokenExpiresAt", json!("soon"));
    let history = fixture.read_profiles(json!([without, invalid])).await;
    assert_eq!(history.changes(), []);
    let back = fixture
        .read_profiles(json!([profile("a"), profile("b")]))
        .await;
    assert_eq!(back.changes(), [], "as it was before");

    let renewed = with("a", "tokenExpiresAt", json!(RENEWED));
    let history = fixture.read_profiles(json!([renewed, profile("b")])).await;
    let kind = ChangeKind::TokenEnd {
        from: Some("2026-06-15T00:00:00Z".parse().expect("a time")),
        to: RENEWED.parse().expect("a time"),
    };
    assert_eq!(history.changes(), [change(fixture.now(), "a", kind)]);
    let since = |history: &History| history.since("facebook", "a");
    assert_eq!(since(&history), since(&first), "the state is the same");
}

#[tokio::test]
async fn first_expiry_of_a_token_is_recorded() {
    let fixture = Fixture::start(json!([with("a", "tokenExpiresAt", Value::Null)])).await;
    fixture.read().await;
    let history = fixture.read_profiles(json!([with("a", "tokenExpiresAt", json!(RENEWED))]));
    let history = history.await;
    let kind = ChangeKind::TokenEnd {
        from: None,
        to: RENEWED.parse().expect("a time"),
    };
    assert_eq!(history.changes(), [change(fixture.now(), "a", kind)]);
}

#[tokio::test]
async fn permissions_lost_and_granted_are_recorded() {
    let fixture = Fixture::start(json!([profile("a")])).await;
    fixture.read().await;
    let other = with("a", "permissions", json!(["pay", "read"]));
    let history = fixture.read_profiles(json!([other])).await;
    let lost = ChangeKind::PermissionLost("write".to_owned());
    let granted = ChangeKind::PermissionGranted("pay".to_owned());
    let changes = [lost, granted].map(|kind| change(fixture.now(), "a", kind));
    assert_eq!(history.changes(), changes);
}

#[tokio::test]
async fn unknown_permissions_are_not_lost() {
    let fixture = Fixture::start(json!([profile("a")])).await;
    fixture.read().await;
    fixture.put("faults", "details:status=503").await;
    assert_eq!(fixture.read().await.changes(), []);
    // Long enough for the details to be dropped.
    fixture.clock.advance(Duration::from_secs(60 * 60));
    let view = fixture.view().await;
    let snapshot = view.snapshot.as_ref().expect("a snapshot");
    assert!(snapshot.profiles[0].details.is_none());
    assert_eq!(view.history.changes(), []);
    fixture.put("faults", "").await;
    let history = fixture.read_profiles(json!([with("a", "permissions", Value::Null)]));
    assert_eq!(history.await.changes(), []);

    let history = fixture.read_profiles(json!([with("a", "permissions", json!(["read"]))]));
    let lost = ChangeKind::PermissionLost("write".to_owned());
    let changes = history.await;
    assert_eq!(changes.changes(), [change(fixture.now(), "a", lost)]);
}

/// Reloads do not change what the gateway grants.
#[tokio::test]
async fn newly_required_permission_is_not_lost() {
    let mut fixture = Fixture::start(json!([profile("a")])).await;
    fixture.read().await;
    fixture.reload(KEY, "permissions: {facebook: [read, pay]}");
    assert_eq!(fixture.read().await.changes(), []);
}

#[tokio::test]
async fn change_during_an_outage_is_recorded_when_it_is_read() {
    let fixture = Fixture::start(json!([profile("a")])).await;
    let before = fixture.read().await;
    fixture.put("faults", "status=503").await;
    fixture.clock.advance(Duration::from_secs(60 * 60));
    let view = fixture.view().await;
    assert!(view.snapshot.is_none(), "too old");
    assert!(Arc::ptr_eq(&view.history, &before));
    fixture.put("faults", "").await;
    let expired = with("a", "status", json!("TOKEN_EXPIRED"));
    let history = fixture.read_profiles(json!([expired])).await;
    let failed = state(Status::Connected, Status::TokenExpired);
    assert_eq!(history.changes(), [change(fixture.now(), "a", failed)]);
    let since = history.since("facebook", "a");
    assert_eq!(since, Some(Since::Observed(fixture.now())));
}
