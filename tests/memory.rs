//! Memory stays bounded whatever the gateways of all accounts return at once: accounts share the budgets for
//! rendered profiles and for response bodies.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exporter_toolkit::server::Timeouts;
use gateway_simulator::RateLimit;
use serde_json::json;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::harness::listener::{Recorder, http_response, read_head};
use crate::harness::scrape::Scrape;
use crate::harness::{Setup, Stack, eventually};
use crate::page::page;

/// A configuration with these accounts; each account's gateway URL contains its name. The timeout leaves slow machines
/// time to read long answers.
fn accounts(limits: &str, gateway: impl std::fmt::Display, names: &[String]) -> String {
    let mut yaml = format!("gateway: {{timeout: 2m}}\nlimits: {{{limits}}}\naccounts:\n");
    for name in names {
        let url = format!("http://{gateway}/{name}");
        let account =
            json!({"name": name, "api_key_env": "QLARA_API_KEY", "gateway": {"url": url}});
        writeln!(yaml, "- {account}").expect("a text");
    }
    yaml
}

/// The list, or the details, of profiles with identifiers and permissions of these lengths.
fn profiles(number: usize, id_length: usize, permissions: usize) -> String {
    let permissions: Vec<String> = (0..permissions)
        .map(|place| format!("{place:x<250}"))
        .collect();
    let profiles: Vec<_> = (0..number)
        .map(|place| {
            json!({"platform": "facebook", "profileId": format!("{place:x<id_length$}"), "name": "n",
                "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z", "permissions": permissions})
        })
        .collect();
    json!({"profiles": profiles}).to_string()
}

fn shown(scrape: &Scrape, account: &str) -> usize {
    let infos = scrape.family("qlara_profile_info");
    let of_account = infos
        .iter()
        .filter(|(labels, _)| labels.contains(&format!("account=\"{account}\"")));
    of_account.count()
}

fn dropped(scrape: &Scrape, account: &str) -> usize {
    let series = format!("qlara_profiles_dropped{{account=\"{account}\",reason=\"limit\"}}");
    scrape.value(&series) as usize
}

/// [exposition-limit]
#[tokio::test]
async fn metrics_of_all_accounts_together_are_limited() {
    const LIMIT: usize = 2 * 1024 * 1024;
    let (small, large) = (profiles(50, 20, 1), profiles(400, 250, 64));
    let gateway = Recorder::start(move |request| {
        let is_small = request.contains("/small");
        http_response("200 OK", "", if is_small { &small } else { &large })
    })
    .await;
    let names: Vec<String> = (0..12)
        .map(|number| {
            format!(
                "{}-{number}",
                if number % 3 == 0 { "small" } else { "large" }
            )
        })
        .collect();
    let limits = format!("exposition_bytes: {LIMIT}");
    let stack = Setup::yaml(&accounts(&limits, gateway.address, &names))
        .start()
        .await;
    for _ in 0..3 {
        let scrape = stack.scrape_after(61).await;
        let length = scrape.text.len();
        assert!((LIMIT / 2..LIMIT * 5 / 4).contains(&length), "{length}");
        for name in &names {
            let (shown, dropped) = (shown(&scrape, name), dropped(&scrape, name));
            match name.starts_with("small") {
                true => assert_eq!((shown, dropped), (50, 0), "{name}"),
                false => assert!(shown > 0 && shown + dropped == 400, "{name}: {shown}"),
            }
        }
    }
    let page = page(&stack, "/").await;
    assert!(page.contains("limits.exposition_bytes"));
}

/// [exposition-limit]
#[tokio::test]
async fn account_with_spare_memory_shrinks_when_others_need_it() {
    let needs_more = Arc::new(AtomicBool::new(false));
    let grown = Arc::clone(&needs_more);
    let gateway = Recorder::start(move |request| {
        let number = match (request.contains("/modest"), grown.load(Ordering::Relaxed)) {
            (false, _) => 5000,
            (true, false) => 10,
            (true, true) => 225,
        };
        http_response("200 OK", "", profiles(number, 20, 2))
    })
    .await;
    let names = ["greedy", "modest"].map(str::to_owned);
    let yaml = accounts("exposition_bytes: 1MiB", gateway.address, &names);
    let stack = Setup::yaml(&yaml).start().await;
    let before = stack.scrape().await;
    assert_eq!(
        (shown(&before, "modest"), dropped(&before, "modest")),
        (10, 0)
    );
    let greedy_before = shown(&before, "greedy");
    assert!(dropped(&before, "greedy") > 0);

    needs_more.store(true, Ordering::Relaxed);
    eventually("it shrinks", async || {
        let scrape = stack.scrape_after(61).await;
        (shown(&scrape, "modest") == 225).then_some(())
    })
    .await;
    // The greedy account may have refreshed while the modest one was still growing.
    let after = stack.scrape_after(61).await;
    assert_eq!(dropped(&after, "modest"), 0);
    let greedy_after = shown(&after, "greedy");
    assert!((1..greedy_before).contains(&greedy_after), "{greedy_after}");

    // The result is stable.
    let again = stack.scrape_after(61).await;
    assert_eq!(
        (shown(&again, "modest"), shown(&again, "greedy")),
        (225, greedy_after)
    );
}

/// A gateway that returns `/small` and `/medium` completely. Of a large body it sends the first 400 KiB, and the rest
/// when the test says so.
async fn start_gateway(release: watch::Receiver<bool>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(respond(stream, release.clone()));
        }
    });
    address
}

async fn respond(mut stream: TcpStream, mut release: watch::Receiver<bool>) {
    let head = read_head(&mut stream).await;
    let (profiles, padding) = match (head.contains("/large"), head.contains("/medium")) {
        (true, _) => (3, 900),
        (_, true) => (2, 300),
        _ => (1, 1),
    };
    let body = profiles_and_padding(profiles, padding);
    let answer = http_response("200 OK", "", body);
    let (first, rest) = answer.split_at(answer.len().min(400 * 1024));
    // The client may have closed the connection.
    let _ = stream.write_all(first).await;
    if !rest.is_empty() {
        let _ = release.wait_for(|release| *release).await;
        let _ = stream.write_all(rest).await;
    }
    let _ = stream.shutdown().await;
}

fn profiles_and_padding(number: usize, padding_kib: usize) -> String {
    let list = profiles(number, 20, 1);
    let padding = "x".repeat(padding_kib * 1024);
    list.replacen('{', &format!("{{\"padding\": \"{padding}\", "), 1)
}

async fn probe(stack: &Stack, account: &str) -> Scrape {
    let request = stack.get(&format!("/probe?account={account}"));
    Scrape::read(request.send().await.expect("a response")).await
}

fn names() -> Vec<String> {
    let large = (0..8).map(|number| format!("large-{number}"));
    large
        .chain(["medium", "small"].map(str::to_owned))
        .collect()
}

/// The body budget is twice the maximum size, 2 MiB here; the large bodies would need 7 MiB.
/// [read-budget]
#[tokio::test]
async fn stalled_large_bodies_do_not_delay_smaller_ones() {
    let (release, released) = watch::channel(false);
    let gateway = start_gateway(released).await;
    let stack = Setup::yaml(&accounts("response_bytes: 1MiB", gateway, &names()))
        .start()
        .await;
    let large = (0..8).map(|number| format!("/probe?account=large-{number}"));
    let waiting: Vec<_> = large
        .map(|path| tokio::spawn(stack.get(&path).send()))
        .collect();
    for (account, profiles) in [("small", 1), ("medium", 2)] {
        let scrape = probe(&stack, account).await;
        assert_eq!(
            scrape.value(&format!("qlara_up{{account=\"{account}\"}}")),
            1.0
        );
        assert_eq!(shown(&scrape, account), profiles);
    }
    drop(release);
    for waiting in waiting {
        waiting.await.expect("a task").expect("a response");
    }
}

/// Each response is from another second, and shares only large segments with the others.
/// [outdated-bodies]
#[tokio::test]
async fn connections_that_do_not_read_metrics_are_evicted() {
    const ACCOUNTS: usize = 150;
    const CLIENTS: usize = 16;
    const NEVER: Duration = Duration::from_secs(3600);
    let accounts = (0..ACCOUNTS).map(|n| format!("- {{name: a{n}, api_key_env: QLARA_API_KEY}}\n"));
    let mut setup = Setup::yaml(&format!("accounts:\n{}", accounts.collect::<String>()));
    // The first scrape has all accounts, also on a slow machine.
    setup.settings.timeout = Some(Duration::from_secs(120));
    // Only the memory limit closes a connection.
    setup.web.timeouts = Timeouts {
        head: NEVER,
        idle: NEVER,
        response: NEVER,
    };
    setup.simulator.profiles = 50;
    setup.simulator.rate_limit = RateLimit::UNLIMITED;
    let stack = setup.start().await;
    let whole = stack.scrape().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        stack.clock.advance(Duration::from_secs(1));
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut client = socket.connect(stack.exporter).await.expect("a connection");
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        client.write_all(request).await.expect("sent");
        let mut first = [0; 15];
        client.read_exact(&mut first).await.expect("a beginning");
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        clients.push(client);
    }
    // At least half of each response is its own. All but the latest response are outdated.
    let outdated = (CLIENTS - 1) * whole.text.len() / 2;
    let excess = outdated - 32 * 1024 * 1024;
    let evicted = excess / whole.text.len();
    assert!(evicted >= 3, "{evicted}");
    for client in &mut clients[..evicted] {
        // After the server has closed, sending fails.
        eventually("the end", async || {
            client.write_all(b"\r\n").await.err().map(|_| ())
        })
        .await;
    }
    let latest = clients.last_mut().expect("a client");
    // With the small buffer, reading takes a minute.
    SockRef::from(&*latest)
        .set_recv_buffer_size(1 << 20)
        .expect("a large buffer");
    let mut rest = Vec::new();
    while rest.len() < whole.text.len() {
        let read = latest.read_buf(&mut rest).await.expect("the rest");
        assert!(read > 0, "{} of {} bytes", rest.len(), whole.text.len());
    }
    assert_eq!(
        stack.scrape_after(1).await.family("qlara_up").len(),
        ACCOUNTS
    );
}
