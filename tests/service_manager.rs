//! What systemd is told: that the exporter serves, reloads, lives and ends.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::harness::process::{Running, exporter};

const SIGN_OF_LIFE: &str = "WATCHDOG=1";

struct ServiceManager {
    socket: UnixDatagram,
}

impl ServiceManager {
    fn hear(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("a message");
        let message = String::from_utf8_lossy(&message[..length]);
        message.trim_end().to_owned()
    }

    /// The next message that is no sign of life.
    fn hear_news(&self) -> String {
        loop {
            let message = self.hear();
            if message != SIGN_OF_LIFE {
                return message;
            }
        }
    }
}

#[test]
fn systemd_hears_of_readiness_reloads_signs_of_life_and_the_end() {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a socket");
    let manager = ServiceManager { socket };
    let running = Running::start(
        exporter()
            .env("QLARA_API_KEY", "x")
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "20000")
            .args(["--web.listen-address", "127.0.0.1:0"]),
    );
    assert_eq!(manager.hear_news(), "READY=1");
    running.signal("HUP");
    let reloading = manager.hear_news();
    let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    since.expect(&reloading).parse::<u64>().expect("a time");
    assert_eq!(manager.hear_news(), "READY=1");
    // Signs of life come by themselves.
    assert_eq!(manager.hear(), SIGN_OF_LIFE);
    running.signal("TERM");
    assert_eq!(manager.hear_news(), "STOPPING=1");
    assert!(running.wait().0.success());
}
