//! Gateways whose host names cannot be resolved, because `getaddrinfo` hangs.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::namespace::Namespace;
use crate::harness::process::Running;
use crate::harness::scrape::Scrape;
use crate::harness::tools::{NAMESPACES, needs};
use crate::harness::{API_KEY, eventually};

/// The address of the simulated gateway.
const GATEWAY: &str = "127.0.0.1:8080";
/// Number of threads for DNS lookups.
const MAX_LOOKUPS: usize = 16;

/// A system that resolves names only through `/etc/hosts`, which is a pipe without a writer: every lookup hangs.
struct HangingSystem {
    namespace: Namespace,
    directory: TempDir,
    _gateway: Running,
}

impl HangingSystem {
    fn new() -> HangingSystem {
        let namespace = Namespace::new();
        let directory = TempDir::new().expect("a folder");
        namespace.sh(&format!(
            "cd {}
             echo 'hosts: files' > nsswitch.conf
             mkfifo pipe
             mount --bind nsswitch.conf /etc/nsswitch.conf
             mount --bind pipe /etc/hosts",
            directory.path().display()
        ));
        let listen = format!("--web.listen-address={GATEWAY}");
        HangingSystem {
            _gateway: namespace.start(&[
                "simulate",
                &listen,
                "--burst=1000",
                "--rate-limit=100000",
            ]),
            namespace,
            directory,
        }
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.directory.path().join(name), content).expect("a file");
    }

    /// Ends the hanging lookups without an address. Later lookups find these lines.
    fn heal(&self, hosts: &str) {
        self.write("hosts", hosts);
        let directory = self.directory.path().display();
        // Opening the pipe waits for a reader; closing it ends the input of all readers.
        self.namespace.sh(&format!(
            "mount --bind {directory}/hosts /etc/hosts
             : > {directory}/pipe"
        ));
    }

    async fn exporter(&self, configuration: &str) -> Running {
        self.write("key", API_KEY);
        self.write("qlara.yml", configuration);
        let file = self.directory.path().join("qlara.yml");
        let exporter = self
            .namespace
            .start(&[&format!("--config.file={}", file.display())]);
        self.namespace.exporter_serves().await;
        exporter
    }

    /// The current metrics, without waiting for refreshes.
    fn scrape(&self) -> Scrape {
        let header = "X-Prometheus-Scrape-Timeout-Seconds: 0.6";
        let metrics = self.namespace.get_with("/metrics", header);
        Scrape::parse(metrics.expect("a response"))
    }
}

fn account(configuration: &mut String, name: &str, host: &str) {
    writeln!(
        configuration,
        "  - {{name: {name}, api_key_file: key,\n     \
         gateway: {{url: 'http://{host}/api/v1/partner-gateway'}}}}"
    )
    .expect("a text");
}

/// The threads of the exporter, and those that run a DNS lookup.
fn threads(exporter: &Running) -> (usize, usize) {
    let tasks = Path::new("/proc").join(exporter.id().to_string());
    let tasks = std::fs::read_dir(tasks.join("task")).expect("tasks");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let names: Vec<String> = names.collect();
    let lookups = names.iter().filter(|name| name.trim() == "lookup");
    (names.len(), lookups.count())
}

fn failures(scrape: &Scrape) -> f64 {
    let all = scrape.family("qlara_gateway_request_failures_total");
    let of_lists = all.iter().filter(|(labels, _)| {
        labels.contains(r#"endpoint="socials""#) && labels.contains(r#"reason="timeout""#)
    });
    of_lists.map(|(_, count)| count).sum()
}

/// More accounts than tokio has blocking threads.
/// [hanging-lookups]
#[tokio::test]
async fn hanging_lookups_do_not_delay_other_accounts() {
    needs!(NAMESPACES, "ip", "curl");
    const ACCOUNTS: usize = 600;
    let system = HangingSystem::new();
    let mut configuration =
        "gateway: {timeout: 100ms, allow_http: true}\ncache: {ttl: 1s}\naccounts:\n".to_owned();
    for number in 0..ACCOUNTS {
        account(
            &mut configuration,
            &format!("a{number}"),
            &format!("host-{number}.test"),
        );
    }
    account(&mut configuration, "good", GATEWAY);
    let exporter = system.exporter(&configuration).await;
    eventually(
        "the others to fail, and the good account to be up",
        async || {
            let scrape = system.scrape();
            let is_up = scrape.get(r#"qlara_up{account="good"}"#) == Some(1.0);
            (is_up && failures(&scrape) >= ACCOUNTS as f64).then_some(())
        },
    )
    .await;

    let (all, lookups) = threads(&exporter);
    assert_eq!(lookups, MAX_LOOKUPS);
    assert!(all < 64, "{all} threads");
    let log = exporter.output();
    let expected = "cannot reach the gateway in time: the DNS lookup of host-0.test takes too long";
    assert!(log.contains(expected), "{log}");

    // Reading the key again takes a blocking thread of tokio.
    system.write("key", "another");
    eventually("the good account to use the changed key", async || {
        let scrape = system.scrape();
        (scrape.value(r#"qlara_up{account="good"}"#) == 0.0).then_some(())
    })
    .await;
    for path in ["/-/healthy", "/", "/metrics"] {
        let asked = Instant::now();
        let header = "X-Prometheus-Scrape-Timeout-Seconds: 2";
        assert!(system.namespace.get_with(path, header).is_some(), "{path}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{path}");
    }

    let asked = Instant::now();
    exporter.signal("TERM");
    exporter.wait();
    assert!(asked.elapsed() < Duration::from_secs(5));
}

/// [shared-lookup]
#[tokio::test]
async fn accounts_share_the_lookup_of_a_host_and_recover_after_it() {
    needs!(NAMESPACES, "ip", "curl");
    const ACCOUNTS: usize = 20;
    let system = HangingSystem::new();
    let mut configuration =
        "gateway: {timeout: 1s, allow_http: true}\ncache: {ttl: 1s}\naccounts:\n".to_owned();
    for number in 0..ACCOUNTS {
        account(
            &mut configuration,
            &format!("a{number}"),
            "gateway.test:8080",
        );
    }
    let exporter = system.exporter(&configuration).await;
    eventually("every account to fail twice", async || {
        (failures(&system.scrape()) >= 2.0 * ACCOUNTS as f64).then_some(())
    })
    .await;
    assert_eq!(threads(&exporter).1, 1);

    system.heal("127.0.0.1 gateway.test\n");
    eventually("every account to be up", async || {
        let scrape = system.scrape();
        let up = scrape.family("qlara_up");
        (up.len() == ACCOUNTS && up.iter().all(|(_, up)| *up == 1.0)).then_some(())
    })
    .await;
    assert_eq!(threads(&exporter).1, 0);
}
