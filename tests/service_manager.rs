//! The notifications to systemd: ready, reloading, watchdog, stopping.

use std::fmt::Write;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::http;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};

const SIGN_OF_LIFE: &str = "WATCHDOG=1";

struct ServiceManager {
    directory: TempDir,
    socket: UnixDatagram,
}

impl ServiceManager {
    fn new() -> ServiceManager {
        let directory = TempDir::new().expect("a folder");
        let socket = UnixDatagram::bind(directory.path().join("notify")).expect("a socket");
        let patience = Some(Duration::from_secs(60));
        socket.set_read_timeout(patience).expect("a socket");
        ServiceManager { directory, socket }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("notify")
    }

    fn hear(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("a message");
        let message = String::from_utf8_lossy(&message[..length]);
        message.trim_end().to_owned()
    }

    /// The next message that is not a watchdog message.
    fn next_message(&self) -> String {
        loop {
            let message = self.hear();
            if message != SIGN_OF_LIFE {
                return message;
            }
        }
    }
}

#[test]
fn systemd_is_notified_of_readiness_reload_watchdog_and_shutdown() {
    let manager = ServiceManager::new();
    let running = Running::start(
        exporter()
            .env("QLARA_API_KEY", "x")
            .env("NOTIFY_SOCKET", manager.path())
            .env("WATCHDOG_USEC", "20000")
            .args(["--web.listen-address", "127.0.0.1:0"]),
    );
    assert_eq!(manager.next_message(), "READY=1");
    running.signal("HUP");
    let reloading = manager.next_message();
    let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    since.expect(&reloading).parse::<u64>().expect("a time");
    assert_eq!(manager.next_message(), "READY=1");
    // Watchdog messages are sent periodically.
    assert_eq!(manager.hear(), SIGN_OF_LIFE);
    running.signal("TERM");
    assert_eq!(manager.next_message(), "STOPPING=1");
    assert!(running.wait().0.success());
}

/// Each reload sends its own READY, also if it fails.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_reloads_send_reloading_and_ready_each() {
    const RELOADS: usize = 8;
    let manager = ServiceManager::new();
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("qlara.yml");
    // A reload of this many accounts takes long enough for the next one to begin.
    let mut accounts = "accounts:\n".to_owned();
    for account in 0..2000 {
        writeln!(
            accounts,
            "- {{name: a{account}, api_key_env: QLARA_API_KEY}}"
        )
        .expect("written");
    }
    std::fs::write(&file, &accounts).expect("a file");
    let port = free_port();
    let _running = Running::start(
        exporter()
            .env("QLARA_API_KEY", "x")
            .env("NOTIFY_SOCKET", manager.path())
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--web.enable-lifecycle"),
    );
    assert_eq!(manager.next_message(), "READY=1");
    for (text, status) in [(accounts.as_str(), 200), ("accounts: [{}]", 500)] {
        std::fs::write(&file, text).expect("a file");
        let reloads: Vec<_> = (0..RELOADS)
            .map(|_| {
                let url = format!("http://127.0.0.1:{port}/-/reload");
                tokio::spawn(http().post(url).send())
            })
            .collect();
        for _ in 0..RELOADS {
            let reloading = manager.next_message();
            assert!(reloading.starts_with("RELOADING=1\n"), "{reloading}");
            assert_eq!(manager.next_message(), "READY=1");
        }
        for reload in reloads {
            let answer = reload.await.expect("a task").expect("a response");
            assert_eq!(answer.status(), status);
        }
    }
}
