//! Changes of the web configuration file and of the files that it names.

use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use tracing::Level;

use super::server::Server;
use crate::harness::certificates::{Authority, Identity, client_with};
use crate::harness::log::Log;
use crate::harness::process::run;
use crate::harness::web_config::{Folder, TLS, hash};
use crate::harness::{eventually, make_too_long};

async fn login(server: &Server, password: &str) -> u16 {
    let request = server.get().basic_auth("alice", Some(password));
    request.send().await.expect("a response").status().as_u16()
}

fn users(password: &str) -> String {
    format!("basic_auth_users: {{alice: {}}}\n", hash(password, 4))
}

#[tokio::test]
async fn new_users_apply_to_the_next_request() {
    let server = Folder::with(&users("old"), &Identity::server())
        .serve()
        .await;
    assert_eq!(
        [login(&server, "old").await, login(&server, "new").await],
        [200, 401]
    );
    server.folder.write("web.yml", &users("new"));
    assert_eq!(
        [login(&server, "old").await, login(&server, "new").await],
        [401, 200]
    );
    server.folder.write("web.yml", "{}");
    assert_eq!(login(&server, "whatever").await, 200);
    server.folder.write("web.yml", &users("newer"));
    assert_eq!(
        [login(&server, "new").await, login(&server, "newer").await],
        [401, 200]
    );
}

/// [broken-web-configuration]
#[tokio::test]
async fn broken_file_keeps_the_last_good_one() {
    let good = users("secret");
    let server = Folder::with(&good, &Identity::server()).serve().await;
    for broken in ["[", "tls: {}", "basic_auth_users: {alice: x}", "\u{0}"] {
        server.folder.write("web.yml", broken);
        assert_eq!(
            [login(&server, "secret").await, login(&server, "x").await],
            [200, 401]
        );
        assert!(!server.file.is_up_to_date(), "{broken}");
    }
    std::fs::remove_file(server.folder.path("web.yml")).expect("removed");
    assert_eq!(
        [login(&server, "secret").await, login(&server, "x").await],
        [200, 401]
    );
    assert!(!server.file.is_up_to_date());
    server.folder.write("web.yml", &good);
    assert_eq!(login(&server, "secret").await, 200);
    assert!(server.file.is_up_to_date());
}

/// [file-limit]
#[tokio::test]
async fn oversized_file_keeps_the_last_good_one() {
    let good = users("secret");
    let server = Folder::with(&good, &Identity::server()).serve().await;
    let log = Log::collect(Level::INFO);
    make_too_long(&server.folder.path("web.yml"));
    for _ in 0..2 {
        assert_eq!(
            [login(&server, "secret").await, login(&server, "x").await],
            [200, 401]
        );
        assert!(!server.file.is_up_to_date());
    }
    let lines = log.take();
    assert_eq!(lines.matches("longer than 16 MiB").count(), 1, "{lines}");
    server.folder.write("web.yml", &good);
    assert_eq!(login(&server, "secret").await, 200);
    assert!(server.file.is_up_to_date());
}

/// [empty-web-configuration]
#[tokio::test]
async fn emptied_file_keeps_the_users() {
    let good = users("secret");
    let folder = Folder::with(&good, &Identity::server());
    let file = folder.load().expect("a good web configuration");
    let log = Log::collect(Level::INFO);
    let has_users = async || file.current().await.has_users();
    for empty in ["", "\n", "# nothing\n  # at all", "---\n"] {
        folder.write("web.yml", empty);
        eventually(&format!("trouble with {empty:?}"), async || {
            assert!(has_users().await, "{empty:?}");
            let error = file.error()?.to_string();
            error.contains("the file is empty").then_some(())
        })
        .await;
    }
    folder.write("web.yml", &good);
    assert!(has_users().await && file.is_up_to_date());
    let lines = log.take();
    assert_eq!(lines.matches("the file is empty").count(), 1, "{lines}");

    // An explicit empty block removes all users.
    folder.write("web.yml", "basic_auth_users: {}");
    assert!(!has_users().await && file.is_up_to_date());
    let lines = log.take();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("level=WARN"), "{lines}");
    assert!(lines.contains("requests need no password"), "{lines}");
}

/// The first part of a file can be valid too, with fewer settings.
/// [changing-web-configuration]
#[tokio::test]
async fn half_written_file_is_waited_for() {
    let whole = format!("rate_limit: {{}}\n{}", users("secret"));
    let server = Folder::with(&whole, &Identity::server()).serve().await;
    let mut seen = 0;
    for _ in 0..20 {
        server.folder.write("web.yml", "rate_limit: {}\n");
        let half = Instant::now();
        let (status, long) = tokio::join!(login(&server, "wrong"), async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            server.folder.write("web.yml", &whole);
            half.elapsed() > Duration::from_millis(40)
        });
        // On a busy machine, the first part can be unchanged for long enough to be taken for the complete file.
        if !long {
            assert_eq!(status, 401);
            seen += 1;
        }
        server.file.current().await;
        assert!(server.file.is_up_to_date());
    }
    assert!(seen > 0, "no file was written fast enough");
}

/// [changing-web-configuration]
#[tokio::test]
async fn constantly_changing_file_delays_requests_only_briefly() {
    let folder = Folder::with(&users("secret"), &Identity::server());
    let file = folder.load().expect("a good web configuration");
    let path = folder.path("web.yml");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut longest = Duration::ZERO;
        for number in 0.. {
            let begun = Instant::now();
            std::fs::write(&path, format!("# {number}\nrate_limit: {{}}\n")).expect("a file");
            if stopped.recv_timeout(Duration::from_millis(5)) != Err(RecvTimeoutError::Timeout) {
                break;
            }
            longest = longest.max(begun.elapsed());
        }
        longest
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let begun = Instant::now();
    let config = file.current().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    let is_good = file.is_up_to_date();
    drop(stop);
    // On a busy machine, the file can be unchanged for long enough to be read.
    if writer.join().expect("an end") < Duration::from_millis(40) {
        assert!(config.has_users() && !is_good);
    }
    assert!(!file.current().await.has_users() && file.is_up_to_date());
}

/// [replaced-certificate]
#[tokio::test]
async fn new_certificate_applies_to_the_next_connection() {
    let (old, new) = (Identity::server(), Identity::server());
    let server = Folder::with(TLS, &old).serve().await;
    let shows = async |identity: &Identity| server.accepts(client_with(identity, None)).await;
    assert!(shows(&old).await && !shows(&new).await);
    // Between the two writes, certificate and key do not match.
    server.folder.write("server.crt", &new.cert);
    assert!(shows(&old).await && !shows(&new).await);
    assert!(!server.file.is_up_to_date());
    server.folder.write("server.key", &new.key);
    assert!(shows(&new).await && !shows(&old).await);
    assert!(server.file.is_up_to_date());
}

/// [replaced-client-ca]
#[tokio::test]
async fn new_client_cas_and_sans_apply_to_the_next_connection() {
    let server = Identity::server();
    let (old, new) = (Authority::new("old CA"), Authority::new("new CA"));
    let (of_old, of_new) = (old.issue(Vec::new()), new.issue(Vec::new()));
    let tls = "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert";
    let folder = Folder::with(&format!("{tls}}}"), &server);
    folder.write("ca.crt", &old.cert);
    let running = folder.serve().await;
    // One client for all requests; it may resume its TLS session.
    let (with_old, with_new) = (
        client_with(&server, Some(&of_old)),
        client_with(&server, Some(&of_new)),
    );
    let accepts = async || {
        [
            running.accepts(with_old.clone()).await,
            running.accepts(with_new.clone()).await,
        ]
    };
    assert_eq!(accepts().await, [true, false]);
    running.folder.write("ca.crt", &new.cert);
    assert_eq!(accepts().await, [false, true]);
    running
        .folder
        .write("web.yml", &format!("{tls}, client_allowed_sans: [a]}}"));
    assert_eq!(accepts().await, [false, false]);
}

/// [tls-switch]
#[tokio::test]
async fn switching_tls_needs_a_restart_and_other_changes_do_not() {
    let identity = Identity::server();
    let header = "http_server_config: {headers: {X-Frame-Options: deny}}\n";
    let server = Folder::with(TLS, &identity).serve().await;
    server.folder.write("web.yml", header);
    let answer = server
        .ask(client_with(&identity, None))
        .await
        .expect("a response");
    assert!(answer.contains("x-frame-options: deny\r\n"), "{answer}");
    assert!(!server.file.is_up_to_date());
    server.folder.write("web.yml", TLS);
    let answer = server
        .ask(client_with(&identity, None))
        .await
        .expect("a response");
    assert!(!answer.contains("x-frame-options"), "{answer}");
    assert!(server.file.is_up_to_date());

    let server = Folder::with("", &identity).serve().await;
    server.folder.write("web.yml", &format!("{TLS}{header}"));
    let answer = server.get().send().await.expect("a response");
    assert_eq!(answer.headers()["x-frame-options"], "deny");
    assert!(!server.file.is_up_to_date());
}

#[tokio::test]
async fn each_change_of_the_error_is_logged_once() {
    let folder = Folder::with("", &Identity::server());
    let file = folder.load().expect("a good web configuration");
    let log = Log::collect(Level::INFO);
    let mut logged = Vec::new();
    for text in [
        "",
        "http_server_config: {headers: {Server: a}}",
        "\nhttp_server_config: {headers: {Server: s3cret-value}}",
        "\nhttp_server_config: {headers: {Server: other-value}}",
        "basic_auth_users: {}",
        "rate_limit: {burst: 1}",
    ] {
        folder.write("web.yml", text);
        for _ in 0..3 {
            file.current().await;
        }
        let lines = log.take();
        assert!(!lines.contains("value"), "{lines}");
        let levels = lines
            .lines()
            .map(|line| line.split(' ').nth(1).unwrap_or("").to_owned());
        logged.push(levels.collect::<Vec<_>>().join(" "));
    }
    assert_eq!(
        logged,
        ["", "level=WARN", "level=WARN", "", "level=INFO", ""]
    );
}

#[tokio::test]
async fn weak_tls_settings_are_warned_of_once() {
    let yaml = "tls_server_config: {cert_file: server.crt, key_file: server.key, min_version: TLS10, \
                curve_preferences: [CurveP521, X25519], cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}";
    let folder = Folder::with(yaml, &Identity::server());
    let log = Log::collect(Level::INFO);
    let file = folder.load().expect("a good web configuration");
    for _ in 0..3 {
        file.current().await;
    }
    let lines = log.take();
    for name in [
        "min_version=TLS10",
        "CurveP521",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    ] {
        let with_it: Vec<_> = lines.lines().filter(|line| line.contains(name)).collect();
        assert_eq!(with_it.len(), 1, "{lines}");
        assert!(with_it[0].contains("level=WARN"), "{lines}");
    }
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

/// [web-configuration-pipe]
#[tokio::test]
async fn named_pipe_is_rejected_without_blocking() {
    let server = Folder::with(&users("secret"), &Identity::server())
        .serve()
        .await;
    let web = server.folder.path("web.yml");
    std::fs::remove_file(&web).expect("removed");
    let (code, _, error) = run(Command::new("mkfifo").arg(&web));
    assert_eq!(code, 0, "{error}");
    let log = Log::collect(Level::INFO);
    let begun = Instant::now();
    server.file.current().await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "opening the pipe does not wait for a writer"
    );
    assert!(!server.file.is_up_to_date());
    let lines = log.take();
    assert!(lines.contains("not a regular file"), "{lines}");
    assert_eq!(
        [login(&server, "secret").await, login(&server, "x").await],
        [200, 401]
    );
}
