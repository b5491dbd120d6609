//! Listen addresses, and deadlines of clients.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use exporter_toolkit::server::Timeouts;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::{NAMESPACES, needs};
use crate::harness::{Setup, Stack, eventually, http};

const REQUEST: &[u8] = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";
/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);
/// A test that waits longer fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn serving(addresses: &[&str]) -> Running {
    let addresses = addresses
        .iter()
        .flat_map(|address| ["--web.listen-address", address]);
    Running::start(exporter().env("QLARA_API_KEY", "x").args(addresses))
}

async fn healthy(client: reqwest::Client, url: &str) -> Option<()> {
    let answer = client.get(format!("{url}/-/healthy")).send().await.ok()?;
    (answer.status() == StatusCode::OK).then_some(())
}

fn unix_socket_client(socket: &std::path::Path) -> reqwest::Client {
    let tls = exporter_toolkit::tls::client::client_config(None).expect("a TLS configuration");
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls);
    builder.unix_socket(socket).build().expect("a client")
}

#[tokio::test]
async fn listens_on_all_addresses_of_all_kinds() {
    let directory = tempfile::tempdir().expect("a folder");
    let socket = directory.path().join("qlara.sock");
    let unix = format!("unix://{}", socket.display());
    let ports: Vec<u16> = (0..4).map(|_| free_port()).collect();
    let running = serving(&[
        &format!("127.0.0.1:{}", ports[0]),
        &format!("[::1]:{}", ports[1]),
        &format!("localhost:{}", ports[2]),
        &format!(":{}", ports[3]),
        &unix,
    ]);
    for url in [
        format!("http://127.0.0.1:{}", ports[0]),
        format!("http://[::1]:{}", ports[1]),
        format!("http://localhost:{}", ports[2]),
        format!("http://127.0.0.1:{}", ports[3]),
        format!("http://[::1]:{}", ports[3]),
    ] {
        eventually(&url, async || healthy(http(), &url).await).await;
    }
    eventually(&unix, async || {
        healthy(unix_socket_client(&socket), "http://localhost").await
    })
    .await;
    let check = exporter()
        .arg("healthcheck")
        .env("QLARA_WEB_LISTEN_ADDRESS", &unix)
        .status();
    assert!(check.expect("a run").success());
    running.signal("TERM");
    let (_, log) = running.wait();
    let lines = log
        .lines()
        .filter(|line| line.contains(r#"msg="Listening on""#));
    let lines: Vec<&str> = lines.collect();
    assert!(
        lines.len() == 5 && lines.iter().all(|line| line.ends_with("tls=false")),
        "{log}"
    );
    assert!(!socket.exists(), "the socket is gone with the program");
}

/// [unix-socket]
#[tokio::test]
async fn stale_unix_socket_is_replaced_and_one_in_use_is_not() {
    let directory = tempfile::tempdir().expect("a folder");
    let socket = directory.path().join("qlara.sock");
    let unix = format!("unix://{}", socket.display());
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
    let running = serving(&[&unix]);
    eventually("the exporter", async || {
        healthy(unix_socket_client(&socket), "http://localhost").await
    })
    .await;
    let second = ["--web.listen-address", unix.as_str()];
    let (code, _, error) = run(exporter().env("QLARA_API_KEY", "x").args(second));
    assert_eq!(code, 1);
    assert!(
        error.ends_with(&format!(
            "qlara-exporter: listen {unix}: Address already in use (os error 98)\n"
        )),
        "{error}"
    );
    assert!(
        healthy(unix_socket_client(&socket), "http://localhost")
            .await
            .is_some()
    );
    drop(running);
}

#[tokio::test]
async fn unix_socket_of_a_new_process_is_left_alone() {
    let directory = tempfile::tempdir().expect("a folder");
    let socket = directory.path().join("qlara.sock");
    let unix = format!("unix://{}", socket.display());
    let serves = async || healthy(unix_socket_client(&socket), "http://localhost").await;
    let first = serving(&[&unix]);
    eventually("the first", serves).await;
    std::fs::remove_file(&socket).expect("removed");
    let _second = serving(&[&unix]);
    eventually("the second", serves).await;
    first.signal("TERM");
    assert!(first.wait().0.success());
    assert!(serves().await.is_some());
}

/// [foreign-file]
#[test]
fn file_that_is_no_socket_is_left_alone() {
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("file");
    std::fs::write(&file, "precious").expect("a file");
    let unix = format!("--web.listen-address=unix://{}", file.display());
    let (code, _, _) = run(exporter().env("QLARA_API_KEY", "x").arg(unix));
    assert_eq!(code, 1);
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "precious");
}

#[tokio::test]
async fn sockets_passed_by_systemd_are_used() {
    needs!("systemd-socket-activate");
    let directory = tempfile::tempdir().expect("a folder");
    let socket = directory.path().join("qlara.sock");
    let port = free_port();
    let mut command = Command::new("systemd-socket-activate");
    command
        .args(["--listen", &format!("127.0.0.1:{port}"), "--listen"])
        .arg(&socket)
        .arg("--setenv=QLARA_API_KEY=x")
        .arg(env!("CARGO_BIN_EXE_qlara-exporter"))
        .arg("--web.systemd-socket");
    let running = Running::start(&mut command);
    let url = format!("http://127.0.0.1:{port}");
    eventually("TCP", async || healthy(http(), &url).await).await;
    eventually("the socket", async || {
        healthy(unix_socket_client(&socket), "http://localhost").await
    })
    .await;
    drop(running);
    let alone = exporter()
        .env("QLARA_API_KEY", "x")
        .arg("--web.systemd-socket")
        .output()
        .expect("a run");
    assert_eq!(alone.status.code(), Some(1));
    let error = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(error.contains("systemd passed no socket"), "{error}");
}

/// [probe-address]
#[tokio::test]
async fn probe_listener_serves_only_health() {
    let stack = Stack::start().await;
    let send = async |method: Method, path: &str| {
        let url = format!("http://{}{path}", stack.probe_address);
        let answer = http().request(method, url).send().await;
        answer.expect("a response").status()
    };
    let ask = async |path: &str| send(Method::GET, path).await;
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(ask(path).await, StatusCode::OK);
        assert_eq!(send(Method::HEAD, path).await, StatusCode::OK);
        let refused = StatusCode::METHOD_NOT_ALLOWED;
        assert_eq!(send(Method::POST, path).await, refused);
    }
    for path in [
        "/",
        "/metrics",
        "/probe",
        "/sd",
        "/api/v1/profiles",
        "/api/v1/accounts",
        "/calendar.ics",
        "/-/reload",
        "/-/documentation",
        "/nowhere",
    ] {
        assert_eq!(ask(path).await, StatusCode::NOT_FOUND, "{path}");
    }
}

/// [unknown-path-or-method]
#[tokio::test]
async fn unknown_methods_and_paths_have_different_responses() {
    let stack = Stack::start().await;
    let brew = Method::from_bytes(b"BREW").expect("a method");
    for path in [
        "/",
        "/metrics",
        "/probe",
        "/sd",
        "/api/v1/profiles",
        "/api/v1/accounts",
        "/calendar.ics",
        "/-/healthy",
        "/-/ready",
        "/-/reload",
        "/-/documentation",
    ] {
        for method in [Method::DELETE, brew.clone()] {
            let answer = stack.request(method, path).send().await;
            let status = answer.expect("a response").status();
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
    let nowhere = stack.get("/nowhere").send().await.expect("a response");
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    let text = nowhere.text().await.expect("a text");
    assert_eq!(text, "404 page not found\n");
}

/// [concurrent-requests]
#[tokio::test]
async fn concurrent_requests_are_limited() {
    const READING: [&str; 6] = [
        "/metrics",
        "/probe?account=a",
        "/",
        "/api/v1/profiles",
        "/api/v1/accounts",
        "/calendar.ics",
    ];
    for held_by in READING {
        let mut setup = Setup::yaml("accounts: [{name: a, api_key_env: QLARA_API_KEY}]");
        setup.web.max_requests = 1;
        let stack = setup.start().await;
        stack.gateway.faults("hang").await;
        let waiting = tokio::spawn(stack.get(held_by).send());
        eventually("the request is under way", async || {
            (stack.gateway.stats().await.list == 1).then_some(())
        })
        .await;
        for path in READING {
            let answer = stack.get(path).send().await.expect("a response");
            let refused = StatusCode::SERVICE_UNAVAILABLE;
            assert_eq!(answer.status(), refused, "{path} beside {held_by}");
        }
        for path in ["/-/healthy", "/sd"] {
            let answer = stack.get(path).send().await.expect("a response");
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
        }
        waiting.abort();
    }
}

/// `nc -N`, `socat` and some health checkers half-close the connection after the request.
/// [half-close]
#[tokio::test]
async fn half_closed_client_gets_the_whole_response() {
    let stack = Stack::start().await;
    stack.gateway.faults("latency=50ms").await;
    for round in 0..20 {
        // A refresh is due at each request.
        stack.clock.advance(Duration::from_secs(120));
        for path in ["/metrics", "/", "/-/healthy"] {
            let mut client = connect(stack.exporter).await;
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            // With pipelining, the second request counts as well.
            client
                .write_all(request.repeat(2).as_bytes())
                .await
                .expect("sent");
            client.shutdown().await.expect("half closed");
            let answer = String::from_utf8(rest(client).await).expect("UTF-8");
            let answers = answer.matches("HTTP/1.1 200 OK\r\n").count();
            assert_eq!(answers, 2, "round {round}, {path}: {answer}");
        }
    }
}

/// Runs in its own network namespace, where the kernel option is set.
#[test]
fn port_without_host_accepts_ipv4_despite_bindv6only() {
    needs!(NAMESPACES, "ip");
    const SCRIPT: &str = "set -e
        ip link set lo up
        program=$0 address=$1; shift
        echo 1 > /proc/sys/net/ipv6/bindv6only
        QLARA_API_KEY=x \"$program\" --web.listen-address=\"$address\" & exporter=$!
        trap 'kill $exporter' EXIT
        for host; do
            until \"$program\" healthcheck --web.listen-address=\"$host:10017\" --timeout=1s; do
                kill -0 $exporter; tries=$((tries + 1)); [ $tries -lt 100 ]; sleep 0.1
            done
        done";
    const BOTH: &[&str] = &["127.0.0.1", "[::1]"];
    const IPV4: &[&str] = &["127.0.0.1", "[::ffff:127.0.0.1]"];
    for (address, hosts) in [
        (":10017", BOTH),
        ("[::]:10017", BOTH),
        ("[::0]:10017", BOTH),
        ("[0:0:0:0:0:0:0:0]:10017", BOTH),
        ("[::ffff:127.0.0.1]:10017", IPV4),
        ("[::ffff:0.0.0.0]:10017", IPV4),
    ] {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--net", "sh", "-c", SCRIPT])
            .args([env!("CARGO_BIN_EXE_qlara-exporter"), address])
            .args(hosts);
        let (code, _, error) = run(&mut command);
        assert_eq!(code, 0, "{address}: {error}");
    }
}

/// RFC 9112, section 3.2.
/// [host-header]
#[tokio::test]
async fn request_needs_exactly_one_valid_host() {
    let stack = Stack::start().await;
    for (request, status) in [
        ("HTTP/1.1\r\nHost: a.example:1", 200),
        ("HTTP/1.1\r\nHost: [::1]", 200),
        ("HTTP/1.1\r\nHost:", 200),
        ("HTTP/1.0\r\nA: b", 200),
        ("HTTP/1.0\r\nHost: a", 200),
        ("HTTP/1.1\r\nA: b", 400),
        ("HTTP/1.1\r\nHost: a\r\nHost: a", 400),
        ("HTTP/1.1\r\nHost: a\r\nhost: b", 400),
        ("HTTP/1.0\r\nHost: a\r\nHost: b", 400),
        ("HTTP/1.1\r\nHost: a b", 400),
        ("HTTP/1.1\r\nHost: a/b", 400),
        ("HTTP/1.1\r\nHost: u@a", 400),
        ("HTTP/1.1\r\nHost: a:", 200),
        ("HTTP/1.1\r\nHost: a:b", 400),
        ("HTTP/1.1\r\nHost: a:-1", 400),
        ("HTTP/1.1\r\nHost: a:65536", 400),
        ("HTTP/1.1\r\nHost: [zz]", 400),
        ("HTTP/1.1\r\nHost: [::1", 400),
        ("HTTP/1.1\r\nHost: [::1]:80", 200),
        (&format!("HTTP/1.1\r\nHost: {}:65535", "a".repeat(253)), 200),
        (&format!("HTTP/1.1\r\nHost: {}:65535", "a".repeat(254)), 400),
        ("HTTP/1.1\r\nHost: a,b{", 400),
        ("HTTP/1.0\r\nHost: a b", 400),
    ] {
        let mut client = connect(stack.exporter).await;
        let request = format!("GET /-/healthy {request}\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.expect("sent");
        let answer = String::from_utf8(rest(client).await).expect("UTF-8");
        let line = answer.lines().next().unwrap_or_default();
        assert_eq!(
            line.split(' ').nth(1),
            Some(&*status.to_string()),
            "{request}: {answer}"
        );
    }
}

async fn with_timeouts(timeouts: Timeouts) -> Stack {
    let mut setup = Setup::default();
    setup.web.timeouts = timeouts;
    setup.start().await
}

async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.expect("a connection")
}

/// All bytes until the server closes the connection.
async fn rest(mut client: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let end = client.read_to_end(&mut all);
    // A reset ends the connection too.
    let _ = tokio::time::timeout(PATIENCE, end).await.expect("an end");
    all
}

const SHORT: Duration = Duration::from_millis(200);

/// [client-timeouts]
#[test]
fn client_timeouts_are_the_documented_ones() {
    let Timeouts {
        head,
        idle,
        response,
    } = Timeouts::default();
    let seconds = [head, idle, response].map(|time| time.as_secs());
    assert_eq!(seconds, [10, 5 * 60, 60]);
}

/// [slow-request]
#[tokio::test]
async fn slow_request_head_is_closed() {
    let timeouts = Timeouts {
        head: SHORT,
        idle: NEVER,
        response: NEVER,
    };
    let stack = with_timeouts(timeouts).await;
    let silent = connect(stack.exporter).await;
    assert!(rest(silent).await.is_empty());

    let (mut reader, mut writer) = connect(stack.exporter).await.into_split();
    let trickle = async {
        for byte in REQUEST.iter().cycle() {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(SHORT / 4).await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = trickle => {}
        _ = reader.read_to_end(&mut answer) => {}
    }
    assert!(answer.is_empty(), "closed without an answer");

    // A client that begins a second head and does not finish it is closed as well.
    let mut client = connect(stack.exporter).await;
    client.write_all(REQUEST).await.expect("sent");
    let mut answer = [0; 15];
    client.read_exact(&mut answer).await.expect("a response");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    while client.read_u8().await.expect("the rest") != b'.' {}
    client.write_all(&REQUEST[..10]).await.expect("sent");
    rest(client).await;
}

/// [idle-connection]
#[tokio::test]
async fn idle_connection_is_closed() {
    let timeouts = Timeouts {
        head: NEVER,
        idle: SHORT,
        response: NEVER,
    };
    let stack = with_timeouts(timeouts).await;
    let mut client = connect(stack.exporter).await;
    client.write_all(REQUEST).await.expect("sent");
    let answer = rest(client).await;
    assert!(answer.ends_with(b"qlara-exporter is Healthy.\n"));
}

/// [slow-reader]
#[tokio::test]
async fn connection_that_does_not_read_is_closed() {
    let mut setup = Setup::default();
    setup.simulator.profiles = 20_000;
    setup.web.timeouts = Timeouts {
        head: NEVER,
        idle: NEVER,
        response: SHORT,
    };
    let stack = setup.start().await;
    stack.scrape().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut client = socket.connect(stack.exporter).await.expect("a connection");
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    client.write_all(request).await.expect("sent");
    let mut first = [0; 15];
    client.read_exact(&mut first).await.expect("a beginning");
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    // After the server has closed, sending fails.
    eventually("the end", async || {
        client.write_all(b"\r\n").await.err().map(|_| ())
    })
    .await;
}

/// [waiting-client]
#[tokio::test]
async fn connection_waiting_for_the_gateway_stays_open() {
    let stack = with_timeouts(Timeouts {
        head: SHORT,
        idle: SHORT,
        response: NEVER,
    })
    .await;
    stack.gateway.faults("latency=1500ms").await;
    assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
}

/// [held-connections]
#[tokio::test]
async fn incomplete_requests_do_not_block_others() {
    let stack = Stack::start().await;
    let mut holding = Vec::new();
    for _ in 0..300 {
        let mut client = connect(stack.exporter).await;
        client.write_all(b"GET /metr").await.expect("sent");
        holding.push(client);
    }
    assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
    drop(holding);
}

/// Each client has been served once, and then sends a request that the gateway never answers.
/// [connection-limit]
#[tokio::test]
async fn connections_waiting_for_the_gateway_are_evicted_for_new_ones() {
    let port = free_port();
    // The accept queue completes connections, and no process reads them.
    let gateway = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let gateway_url = format!("http://{}", gateway.local_addr().expect("an address"));
    let mut command = Command::new("sh");
    // Half of the file descriptors are for connections.
    command.args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_qlara-exporter"));
    command.args(["--web.listen-address", &format!("127.0.0.1:{port}")]);
    command.args(["--qlara.url", &gateway_url, "--qlara.timeout", "1h"]);
    let _running = Running::start(command.env("QLARA_API_KEY", "x"));
    let url = format!("http://127.0.0.1:{port}");
    eventually("the exporter", async || healthy(http(), &url).await).await;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut waiting = Vec::new();
    for _ in 0..80 {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind("127.0.0.2:0".parse().expect("an address"))
            .expect("an address");
        let mut client = socket.connect(address).await.expect("a connection");
        let answered = tokio::time::timeout(PATIENCE, ask_on(&mut client)).await;
        answered.expect("in time").expect("a response");
        let metrics = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        client.write_all(metrics).await.expect("sent");
        waiting.push(client);
    }
    let answered = tokio::time::timeout(PATIENCE, healthy(http(), &url)).await;
    assert_eq!(answered, Ok(Some(())));
}

/// The exporter evicts the connections that have made the least progress, and among equal ones those of the
/// address with the most connections.
/// [connection-limit]
#[tokio::test]
async fn connection_flood_blocks_neither_health_nor_a_known_client() {
    let port = free_port();
    let probes = free_port();
    let mut command = Command::new("sh");
    // Half of the file descriptors are for connections.
    command.args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_qlara-exporter"));
    command.args(["--web.listen-address", &format!("127.0.0.1:{port}")]);
    command.args(["--web.probe-listen-address", &format!("127.0.0.1:{probes}")]);
    let _running = Running::start(command.env("QLARA_API_KEY", "x"));
    let (url, probe_url) = (
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{probes}"),
    );
    eventually("the exporter", async || healthy(http(), &url).await).await;
    let documentation = b"GET /-/documentation HTTP/1.1\r\nHost: x\r\n\r\n";
    let (here, elsewhere) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    let half = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nX: ";
    for (sent, strangers_at, known_stays) in [
        (b"".to_vec(), here, true),
        (half.to_vec(), here, true),
        (half.to_vec(), elsewhere, true),
        // Each attacker has been served once, as has the known client.
        (REQUEST.to_vec(), here, false),
        (REQUEST.to_vec(), elsewhere, true),
        // The responses exceed the buffers of both sides, and the clients do not read them.
        (documentation.repeat(300), here, false),
        (documentation.repeat(300), elsewhere, true),
    ] {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut known = connect(address).await;
        ask_on(&mut known).await.expect("a response");
        let mut beginning = connect(address).await;
        beginning.write_all(&REQUEST[..9]).await.expect("sent");
        let mut holding = Vec::new();
        for _ in 0..150 {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_recv_buffer_size(4096).expect("a socket");
            let own = SocketAddr::from((strangers_at, 0));
            socket.bind(own).expect("an address");
            let client = socket.connect(address).await.expect("a connection");
            // The client may be evicted while it sends.
            let _ = client.try_write(&sent);
            holding.push(client);
        }
        let mut late = connect(address).await;
        late.write_all(&REQUEST[..9]).await.expect("sent");
        let answered = tokio::time::timeout(PATIENCE, healthy(http(), &url)).await;
        assert_eq!(answered, Ok(Some(())));
        assert_eq!(healthy(http(), &probe_url).await, Some(()));
        finish(&mut late).await.expect("a response");
        if known_stays {
            ask_on(&mut known).await.expect("a response");
        }
        if strangers_at == elsewhere && sent == half {
            finish(&mut beginning).await.expect("a response");
        }
        drop(holding);
    }
}

/// Sends a request on an idle connection.
async fn ask_on(client: &mut TcpStream) -> std::io::Result<()> {
    client.write_all(&REQUEST[..9]).await?;
    finish(client).await
}

/// The same for a client that has sent nine bytes of its request.
async fn finish(client: &mut TcpStream) -> std::io::Result<()> {
    client.write_all(&REQUEST[9..]).await?;
    let mut answer = [0; 15];
    client.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let mut rest = vec![0; 16 * 1024];
    client.read(&mut rest).await.map(drop)
}

/// [head-limit]
#[tokio::test]
async fn request_lines_and_headers_are_limited() {
    let stack = Stack::start().await;
    let long = "x".repeat(200_000);
    let below = "x".repeat(15_000);
    let with_headers = |count| {
        let headers = "X: y\r\n".repeat(count);
        format!("GET /-/healthy HTTP/1.0\r\n{headers}\r\n")
    };
    for (request, status) in [
        (
            format!("GET /-/healthy HTTP/1.0\r\nX: {below}\r\n\r\n"),
            "200",
        ),
        (with_headers(100), "200"),
        (with_headers(101), "431"),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), "431"),
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
            "431",
        ),
        ("no request at all\r\n\r\n".to_owned(), "400"),
    ] {
        let mut client = connect(stack.exporter).await;
        // The server may have closed before it read all bytes.
        let _ = client.write_all(request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&rest(client).await).into_owned();
        let found = answer.split(' ').nth(1);
        assert_eq!(found, Some(status), "{answer:?}");
    }
    assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
}
