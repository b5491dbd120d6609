//! What happens when the file, or one that it names, changes.

use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::subscriber::DefaultGuard;

use super::certificates::{Authority, Identity, client_with};
use super::passwords::hash;
use super::server::{Folder, Server, TLS};
use crate::harness::process::run;

async fn login(server: &Server, password: &str) -> u16 {
    let request = server.get().basic_auth("alice", Some(password));
    request.send().await.expect("an answer").status().as_u16()
}

fn users(password: &str) -> String {
    format!("basic_auth_users: {{alice: {}}}\n", hash(password, 4))
}

#[tokio::test]
async fn new_users_are_in_force_with_the_next_request() {
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
    server.folder.write("web.yml", "");
    assert_eq!(login(&server, "whatever").await, 200);
    server.folder.write("web.yml", &users("newer"));
    assert_eq!(
        [login(&server, "new").await, login(&server, "newer").await],
        [401, 200]
    );
}

#[tokio::test]
async fn a_broken_file_leaves_the_last_good_one_in_force() {
    let good = users("secret");
    let server = Folder::with(&good, &Identity::server()).serve().await;
    for broken in ["[", "tls: {}", "basic_auth_users: {alice: x}", "\u{0}"] {
        server.folder.write("web.yml", broken);
        assert_eq!(
            [login(&server, "secret").await, login(&server, "x").await],
            [200, 401]
        );
        assert!(!server.file.is_good(), "{broken}");
    }
    std::fs::remove_file(server.folder.path("web.yml")).expect("removed");
    assert_eq!(
        [login(&server, "secret").await, login(&server, "x").await],
        [200, 401]
    );
    assert!(!server.file.is_good());
    server.folder.write("web.yml", &good);
    assert_eq!(login(&server, "secret").await, 200);
    assert!(server.file.is_good());
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_the_next_connection() {
    let (old, new) = (Identity::server(), Identity::server());
    let server = Folder::with(TLS, &old).serve().await;
    let shows = async |identity: &Identity| server.lets_in(client_with(identity, None)).await;
    assert!(shows(&old).await && !shows(&new).await);
    // Between the two files, the pair does not match.
    server.folder.write("server.crt", &new.cert);
    assert!(shows(&old).await && !shows(&new).await);
    assert!(!server.file.is_good());
    server.folder.write("server.key", &new.key);
    assert!(shows(&new).await && !shows(&old).await);
    assert!(server.file.is_good());
}

#[tokio::test]
async fn new_authorities_and_names_decide_about_the_next_connection() {
    let server = Identity::server();
    let (old, new) = (Authority::new("old CA"), Authority::new("new CA"));
    let (of_old, of_new) = (old.issue(Vec::new()), new.issue(Vec::new()));
    let tls = "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert";
    let folder = Folder::with(&format!("{tls}}}"), &server);
    folder.write("ca.crt", &old.cert);
    let running = folder.serve().await;
    // One client throughout, which may resume its session.
    let (with_old, with_new) = (
        client_with(&server, Some(&of_old)),
        client_with(&server, Some(&of_new)),
    );
    let lets_in = async || {
        [
            running.lets_in(with_old.clone()).await,
            running.lets_in(with_new.clone()).await,
        ]
    };
    assert_eq!(lets_in().await, [true, false]);
    running.folder.write("ca.crt", &new.cert);
    assert_eq!(lets_in().await, [false, true]);
    running
        .folder
        .write("web.yml", &format!("{tls}, client_allowed_sans: [a]}}"));
    assert_eq!(lets_in().await, [false, false]);
}

#[tokio::test]
async fn switching_tls_needs_a_restart_and_the_rest_does_not() {
    let identity = Identity::server();
    let header = "http_server_config: {headers: {X-Frame-Options: deny}}\n";
    let server = Folder::with(TLS, &identity).serve().await;
    server.folder.write("web.yml", header);
    let answer = server
        .ask(client_with(&identity, None))
        .await
        .expect("an answer");
    assert!(answer.contains("x-frame-options: deny\r\n"), "{answer}");
    assert!(!server.file.is_good());
    server.folder.write("web.yml", TLS);
    let answer = server
        .ask(client_with(&identity, None))
        .await
        .expect("an answer");
    assert!(!answer.contains("x-frame-options"), "{answer}");
    assert!(server.file.is_good());

    let server = Folder::with("", &identity).serve().await;
    server.folder.write("web.yml", &format!("{TLS}{header}"));
    let answer = server.get().send().await.expect("an answer");
    assert_eq!(answer.headers()["x-frame-options"], "deny");
    assert!(!server.file.is_good());
}

/// What this thread logs from now on.
fn log() -> (Arc<Mutex<Vec<u8>>>, DefaultGuard) {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let lines = Arc::clone(&log.0);
    let subscriber = tracing_subscriber::fmt()
        .event_format(qlara_exporter::logging::Format::Logfmt)
        .with_writer(move || log.clone())
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn every_change_of_the_trouble_is_one_line_in_the_log() {
    let folder = Folder::with("", &Identity::server());
    let file = folder.load().expect("a good web configuration");
    let (lines, _guard) = log();
    let mut told = Vec::new();
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
        let lines = String::from_utf8(std::mem::take(&mut *lines.lock())).expect("UTF-8");
        assert!(!lines.contains("value"), "{lines}");
        let levels = lines
            .lines()
            .map(|line| line.split(' ').nth(1).unwrap_or("").to_owned());
        told.push(levels.collect::<Vec<_>>().join(" "));
    }
    assert_eq!(told, ["", "level=WARN", "level=WARN", "", "level=INFO", ""]);
}

#[tokio::test]
async fn weak_names_are_warned_of_once() {
    let yaml = "tls_server_config: {cert_file: server.crt, key_file: server.key, min_version: TLS10, \
                curve_preferences: [CurveP521, X25519], cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}";
    let folder = Folder::with(yaml, &Identity::server());
    let (lines, _guard) = log();
    let file = folder.load().expect("a good web configuration");
    for _ in 0..3 {
        file.current().await;
    }
    let lines = String::from_utf8(lines.lock().clone()).expect("UTF-8");
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

#[tokio::test]
async fn a_pipe_in_the_place_of_the_file_is_refused_at_once() {
    let server = Folder::with(&users("secret"), &Identity::server())
        .serve()
        .await;
    let web = server.folder.path("web.yml");
    std::fs::remove_file(&web).expect("removed");
    let (code, _, error) = run(Command::new("mkfifo").arg(&web));
    assert_eq!(code, 0, "{error}");
    let (lines, _guard) = log();
    let begun = Instant::now();
    server.file.current().await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "nobody waits for a writer"
    );
    assert!(!server.file.is_good());
    let lines = String::from_utf8(lines.lock().clone()).expect("UTF-8");
    assert!(lines.contains("not a regular file"), "{lines}");
    assert_eq!(
        [login(&server, "secret").await, login(&server, "x").await],
        [200, 401]
    );
}
