//! What histories record, read from the simulated gateway as a scrape does.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests of the toolkit"
)]
#[path = "../../../../crates/exporter-toolkit/tests/harness/clock.rs"]
mod clock;
mod facts;
mod presence;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use gateway_simulator::{Options, PREFIX, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Change, ChangeKind, History, MAX_CHANGES, Since};
use crate::account::{Accounts, View};
use crate::config::{Config, Settings};
use crate::gateway::model::Status;
use clock::ManualClock;
use exporter_toolkit::clock::Clock;

const KEY: &str = "simulated";
const RENEWED: &str = "2026-08-15T00:00:00Z";

/// An account at a simulated gateway.
struct Fixture {
    clock: Arc<ManualClock>,
    /// `http://HOST:PORT` of the gateway.
    gateway: String,
    accounts: Accounts,
    http: reqwest::Client,
}

impl Fixture {
    async fn start(profiles: Value) -> Fixture {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gateway = format!("http://{}", listener.local_addr().expect("an address"));
        let options = Options {
            api_key: KEY.into(),
            ..Options::default()
        };
        let simulator = Simulator::new(options, Arc::new(gateway_simulator::SystemClock));
        tokio::spawn(gateway_simulator::serve(Arc::new(simulator), listener));
        let clock = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let accounts = Accounts::new(config(&gateway, KEY, ""), &shared).expect("accounts");
        let fixture = Fixture {
            clock,
            gateway,
            accounts,
            http: http(),
        };
        fixture.put("profiles", profiles.to_string()).await;
        fixture
    }

    async fn put(&self, what: &str, body: impl Into<reqwest::Body>) {
        let request = self.http.put(format!("{}/-/{what}", self.gateway));
        let response = request.body(body).send().await.expect("a response");
        assert!(response.status().is_success(), "{}", response.status());
    }

    /// The history after the next refresh, 61 seconds later.
    async fn read(&self) -> Arc<History> {
        self.view().await.history.clone()
    }

    /// The history after a refresh that reads these profiles.
    async fn read_profiles(&self, profiles: Value) -> Arc<History> {
        self.put("profiles", profiles.to_string()).await;
        self.read().await
    }

    async fn view(&self) -> Arc<View> {
        self.clock.advance(Duration::from_secs(61));
        let entry = self.accounts.entry(None).expect("the account");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        entry.account.look_up().view(deadline).await.0
    }

    /// Reloads the configuration with this key and these further lines.
    fn reload(&mut self, key: &str, yaml: &str) {
        let next = self.accounts.reloaded(config(&self.gateway, key, yaml));
        let next = next.expect("accounts");
        next.reconfigure();
        next.take_over(&self.accounts);
        self.accounts = next;
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

fn http() -> reqwest::Client {
    let tls = exporter_toolkit::tls::client::client_config(None).expect("a TLS configuration");
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls);
    client.no_proxy().build().expect("a client")
}

fn config(gateway: &str, key: &str, yaml: &str) -> Config {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, yaml).expect("a file");
    let settings = Settings {
        url: Some(format!("{gateway}{PREFIX}")),
        file: (!yaml.is_empty()).then(|| file.path().to_owned()),
        ..Settings::default()
    };
    let environment = |name: &str| (name == "QLARA_API_KEY").then(|| key.to_owned());
    Config::load(&settings, &environment).expect("a valid configuration")
}

fn profile(id: &str) -> Value {
    json!({"platform": "facebook", "profileId": id, "name": format!("Name of {id}"), "status": "CONNECTED",
        "tokenExpiresAt": "2026-06-15T00:00:00Z", "permissions": ["read", "write"]})
}

/// The profile with another value of this field.
fn with(id: &str, field: &str, value: Value) -> Value {
    let mut profile = profile(id);
    profile[field] = value;
    profile
}

/// A list that says that it has one more profile.
fn in_part(profiles: Value) -> Value {
    let total = profiles.as_array().expect("profiles").len() + 1;
    json!({"profiles": profiles, "total": total})
}

fn change(at: DateTime<Utc>, id: &str, kind: ChangeKind) -> Change {
    Change {
        at,
        platform: "facebook".to_owned(),
        id: id.to_owned(),
        name: format!("Name of {id}"),
        kind,
    }
}

fn state(from: Status, to: Status) -> ChangeKind {
    ChangeKind::State { from, to }
}

#[tokio::test]
async fn first_read_starts_the_history_without_changes() {
    let fixture = Fixture::start(json!([profile("a")])).await;
    fixture.put("faults", "status=503").await;
    assert_eq!(fixture.read().await.started_at(), None);
    fixture.put("faults", "").await;
    let history = fixture.read().await;
    let first = fixture.now();
    assert_eq!(history.started_at(), Some(first));
    assert_eq!((history.changes(), history.dropped()), (&[][..], 0));
    let since = history.since("facebook", "a");
    assert_eq!(since, Some(Since::AtLeast(first)));
    assert_eq!(history.since("facebook", "b"), None);
    assert_eq!(history.since("instagram", "a"), None);

    let next = fixture.read().await;
    assert!(Arc::ptr_eq(&history, &next), "not copied without a change");
}

#[tokio::test]
async fn oldest_changes_are_dropped_and_counted() {
    let ids: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
    let all = |status: &str| {
        let profiles = ids.iter().map(|id| with(id, "status", json!(status)));
        Value::from(profiles.collect::<Vec<_>>())
    };
    let fixture = Fixture::start(all("CONNECTED")).await;
    fixture.read().await;
    let history = fixture.read_profiles(all("TOKEN_EXPIRING")).await;
    let second = fixture.now();
    assert_eq!((history.changes().len(), history.dropped()), (30, 0));
    let history = fixture.read_profiles(all("TOKEN_EXPIRED")).await;
    let times = history.changes().iter().map(|change| change.at);
    let expected = [(fixture.now(), 30), (second, MAX_CHANGES - 30)];
    let expected = expected.map(|(at, number)| vec![at; number]).concat();
    assert_eq!(times.collect::<Vec<_>>(), expected);
    assert_eq!(history.dropped(), 60 - MAX_CHANGES as u64);
    for id in &ids {
        let since = history.since("facebook", id);
        assert_eq!(since, Some(Since::Observed(fixture.now())), "{id}");
    }
}

#[tokio::test]
async fn history_survives_a_reload_of_the_same_account() {
    let mut fixture = Fixture::start(json!([profile("a")])).await;
    fixture.read().await;
    let list = json!([with("a", "status", json!("DISCONNECTED"))]);
    let before = fixture.read_profiles(list).await;
    assert_eq!(before.changes().len(), 1);
    fixture.reload(KEY, "phone_number: show\ncache: {ttl: 10s}");
    let after = fixture.read().await;
    assert!(Arc::ptr_eq(&before, &after));
    // Another key may belong to another workspace.
    fixture.reload("another key", "");
    assert_eq!(fixture.read().await.started_at(), None);
}

#[tokio::test]
async fn other_field_names_are_no_change() {
    let mut entry = profile("a");
    entry["state"] = json!("DISCONNECTED");
    let mut fixture = Fixture::start(json!([entry])).await;
    fixture.read().await;
    let other = with("b", "status", json!("TOKEN_EXPIRED"));
    let before = fixture.read_profiles(json!([entry, other])).await;
    assert_eq!(before.changes().len(), 1);
    fixture.reload(KEY, "gateway: {fields: {status: state}}");
    let view = fixture.view().await;
    let profiles = &view.snapshot.as_ref().expect("a snapshot").profiles;
    assert_eq!(profiles[0].status, Status::Disconnected);
    assert_eq!(view.history.changes(), before.changes());
    assert_eq!(view.history.started_at(), before.started_at());
    let since = view.history.since("facebook", "a");
    assert_eq!(since, Some(Since::AtLeast(fixture.now())));
    let history = fixture.read_profiles(json!([profile("a")])).await;
    assert_eq!(history.changes().len(), 3, "changes are recorded again");
}
