//! The legitimate clients, and their response times.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use tokio::time::{Instant, interval, sleep_until};

use crate::exporter::{BRANDS, Exporter, KNOWN_USERS, NEWCOMERS, PASSWORD, Scheme, brand};
use crate::gateway::PROFILES;

/// `scrape_timeout` in seconds, as Prometheus sends it.
const SCRAPE_TIMEOUT: &str = "1";
/// Request timeout of every client.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Response times of one kind of client.
#[derive(Debug, Default)]
pub struct Latencies {
    taken: Vec<Duration>,
    /// Requests without a 200.
    pub failed: u64,
    /// Scrapes without `qlara_up` 1 or without all profiles of a healthy account.
    pub incomplete: u64,
}

impl Latencies {
    /// Number of responses.
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    /// The response time at this per mille of the responses.
    pub fn quantile(&self, of_a_thousand: usize) -> Duration {
        let mut sorted = self.taken.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * of_a_thousand / 1000).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or(REQUEST_TIMEOUT)
    }

    async fn measure(&mut self, request: RequestBuilder, is_complete: impl Fn(&str) -> bool) {
        let begin = Instant::now();
        let answer = async {
            let answer = request.send().await?.error_for_status()?;
            let has_status = answer.status() == StatusCode::OK;
            Ok::<_, reqwest::Error>(has_status.then_some(answer.text().await?))
        };
        match answer.await {
            Ok(Some(text)) => {
                self.taken.push(begin.elapsed());
                self.incomplete += u64::from(!is_complete(&text));
            }
            Ok(None) | Err(_) => self.failed += 1,
        }
    }
}

/// Response times by kind of client.
#[derive(Debug, Default)]
pub struct Seen {
    /// `/-/healthy` over a new connection each time.
    pub health: Latencies,
    /// `/-/healthy` at `--web.probe-listen-address`, over a new connection each time.
    pub probes: Latencies,
    /// `/probe` of each account in turn over one keep-alive connection.
    pub scrapes: Latencies,
    /// First requests of users whose password is not cached yet.
    pub logins: Latencies,
}

/// Sends requests until `end`.
pub async fn run(exporter: &Exporter, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let base = base(exporter);
    let user = KNOWN_USERS[0];
    let anew = client(false);
    tokio::join!(
        every(end, 250, &mut seen.health, |_| {
            let request = anew.get(format!("{base}/-/healthy"));
            (logged_in(exporter, request, user), String::new())
        }),
        every(end, 250, &mut seen.probes, |_| {
            let url = format!("http://{}/-/healthy", exporter.probes);
            (anew.get(url), String::new())
        }),
        scrape(exporter, &base, end, &mut seen.scrapes),
        async {
            if exporter.scheme == Scheme::Https {
                every(end, 2000, &mut seen.logins, |number| {
                    let request = anew.get(format!("{base}/-/healthy"));
                    let user = format!("newcomer-{}", number % NEWCOMERS);
                    (logged_in(exporter, request, &user), String::new())
                })
                .await;
            }
        },
    );
    seen
}

/// Fills the password cache and the data of every healthy account.
pub async fn warm_up(exporter: &Exporter) {
    let (base, client) = (base(exporter), client(true));
    let logins = KNOWN_USERS.map(|user| (user, "/-/healthy".to_owned()));
    let probes = (0..BRANDS).map(|number| {
        let path = format!("/probe?account={}", brand(number));
        (KNOWN_USERS[0], path)
    });
    for (user, path) in logins.into_iter().chain(probes) {
        let request = logged_in(exporter, client.get(format!("{base}{path}")), user);
        let answer = request.send().await.expect("a response");
        answer.error_for_status().expect("a good answer");
    }
}

async fn scrape(exporter: &Exporter, base: &str, end: Instant, scrapes: &mut Latencies) {
    let client = client(true);
    every(end, 100, scrapes, |number| {
        let account = brand(number % BRANDS);
        let request = client.get(format!("{base}/probe?account={account}"));
        let request = request.header("X-Prometheus-Scrape-Timeout-Seconds", SCRAPE_TIMEOUT);
        (logged_in(exporter, request, KNOWN_USERS[0]), account)
    })
    .await;
}

/// Sends a request every `milliseconds` until `end`. `request` also returns the account that the answer must show,
/// or an empty string.
async fn every(
    end: Instant,
    milliseconds: u64,
    latencies: &mut Latencies,
    request: impl Fn(usize) -> (RequestBuilder, String),
) {
    let mut ticks = interval(Duration::from_millis(milliseconds));
    for number in 0.. {
        ticks.tick().await;
        if Instant::now() >= end {
            break;
        }
        let (request, account) = request(number);
        latencies
            .measure(request, |text| {
                account.is_empty() || is_complete(text, &account)
            })
            .await;
    }
    sleep_until(end).await;
}

/// Whether the exposition shows the account as up, with all profiles. Prints what is missing.
fn is_complete(text: &str, account: &str) -> bool {
    let is_up = text.contains(&format!("\nqlara_up{{account=\"{account}\"}} 1\n"));
    let profiles = text.matches("\nqlara_profile_info{").count();
    let is_complete = is_up && profiles == PROFILES;
    if !is_complete {
        eprintln!("{account} lacks profiles: up {is_up}, {profiles} of {PROFILES} profiles");
    }
    is_complete
}

fn base(exporter: &Exporter) -> String {
    match exporter.scheme {
        Scheme::Http => format!("http://{}", exporter.address),
        Scheme::Https => format!("https://{}", exporter.address),
    }
}

fn logged_in(exporter: &Exporter, request: RequestBuilder, user: &str) -> RequestBuilder {
    match exporter.scheme {
        Scheme::Http => request,
        Scheme::Https => request.basic_auth(user, Some(PASSWORD)),
    }
}

fn client(keeps_connections: bool) -> Client {
    let client = Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .timeout(REQUEST_TIMEOUT);
    let client = match keeps_connections {
        true => client,
        false => client.pool_max_idle_per_host(0),
    };
    client.build().expect("a client")
}
