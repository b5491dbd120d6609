//! Reloaders with files that change, break and hang.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use exporter_toolkit::reloader::{Event, Fingerprint, Loader, ReloadError, Reloader};
use futures_util::future::join_all;
use parking_lot::Mutex;

/// Loads the text of a file. Some texts make the load fail, panic or hang.
struct Text {
    path: PathBuf,
    loads: AtomicUsize,
    events: Mutex<Vec<String>>,
    /// A load of `hang` waits for a message on this channel.
    released: Mutex<Receiver<()>>,
}

impl Loader for Text {
    type Value = String;
    type Error = String;

    fn load(&self, files: &mut Fingerprint, _: Option<&String>) -> Result<String, String> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let text = files.read_text(&self.path);
        match text.map_err(|error| error.kind().to_string())?.as_str() {
            "" => Err("empty".to_owned()),
            "panic" => panic!("a defect"),
            "hang" => {
                let _ = self.released.lock().recv();
                Ok("hung".to_owned())
            }
            text => Ok(text.to_owned()),
        }
    }

    fn on_event(&self, event: Event<'_, Text>) {
        self.events.lock().push(match event {
            Event::Failed(error) => format!("failed: {error}"),
            Event::Replaced { value, former } => format!("{former} -> {value}"),
            other => format!("{other:?}"),
        });
    }
}

struct Test {
    folder: tempfile::TempDir,
    release: Sender<()>,
    reloader: Arc<Reloader<Text>>,
}

impl Test {
    fn new(timeout: Duration) -> Test {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("text");
        std::fs::write(&path, "one").expect("a file");
        let (release, released) = channel();
        let loader = Text {
            path,
            loads: AtomicUsize::new(0),
            events: Mutex::default(),
            released: Mutex::new(released),
        };
        let reloader = Reloader::new(loader).expect("a value");
        Test {
            folder,
            release,
            reloader: Arc::new(reloader.with_timeout(timeout)),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("text")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).expect("a file");
    }

    async fn current(&self) -> String {
        self.reloader.current().await.to_string()
    }

    /// The events since the last call.
    fn events(&self) -> Vec<String> {
        std::mem::take(&mut *self.reloader.loader().events.lock())
    }

    fn loads(&self) -> usize {
        self.reloader.loader().loads.swap(0, Ordering::Relaxed)
    }
}

const LONG: Duration = Duration::from_secs(60);

fn remove(path: &Path) {
    std::fs::remove_file(path).expect("a file");
}

#[tokio::test]
async fn last_good_value_stays_and_each_change_is_reported_once() {
    let test = Test::new(LONG);
    assert_eq!(test.current().await, "one");
    assert_eq!(
        (test.loads(), test.events().len()),
        (1, 0),
        "the first load"
    );
    test.write("two");
    assert_eq!(test.current().await, "two");
    assert_eq!(test.events(), ["Replacing", "one -> two"]);
    remove(&test.path());
    for _ in 0..3 {
        assert_eq!(test.current().await, "two");
        assert!(!test.reloader.is_up_to_date());
    }
    assert_eq!(test.events(), ["failed: entity not found"]);
    test.write("");
    assert_eq!(test.current().await, "two");
    assert_eq!(test.events(), ["failed: empty"], "another error");
    test.write("two");
    assert_eq!(test.current().await, "two");
    assert!(test.reloader.is_up_to_date());
    assert_eq!(test.events(), ["Recovered"], "the value did not change");
}

#[tokio::test]
async fn file_that_is_being_written_is_not_loaded() {
    let test = Test::new(LONG);
    let path = test.path();
    let (stop, stopped) = channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut longest = Duration::ZERO;
        for number in 0.. {
            let started = Instant::now();
            std::fs::write(&path, format!("part {number}")).expect("a file");
            if stopped.recv_timeout(Duration::from_millis(5)).is_ok() {
                return longest;
            }
            longest = longest.max(started.elapsed());
        }
        longest
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let value = test.current().await;
    let error = test.reloader.error();
    stop.send(()).expect("the writer runs");
    // On a busy machine the file may stay unchanged for long enough to be used.
    if writer.join().expect("the writer ends") < Duration::from_millis(40) {
        assert_eq!(value, "one");
        // Two loads may both find the file empty, which is an error too.
        let error = error.expect("an error").to_string();
        let unsettled = ReloadError::<String>::Unsettled.to_string();
        assert!(error == unsettled || error == "empty", "{error}");
    }
    assert!(test.current().await.starts_with("part "));
    assert!(test.reloader.is_up_to_date());
}

#[tokio::test]
async fn callers_share_a_load_that_starts_after_their_call() {
    let test = Test::new(LONG);
    test.loads();
    test.write("two");
    let values = join_all((0..50).map(|_| test.current())).await;
    assert!(values.iter().all(|value| value == "two"), "{values:?}");
    assert_eq!(test.loads(), 1);
}

#[tokio::test]
async fn hanging_files_delay_callers_only_until_the_timeout() {
    let test = Test::new(Duration::from_millis(200));
    test.write("hang");
    let started = Instant::now();
    let values = join_all((0..50).map(|_| test.current())).await;
    assert!(values.iter().all(|value| value == "one"), "{values:?}");
    let error = test.reloader.error().expect("an error");
    assert!(matches!(*error, ReloadError::Timeout), "{error}");
    assert!(started.elapsed() < LONG, "all wait at the same time");
    assert_eq!(test.events(), ["failed: reading the files takes too long"]);
    // The next callers do not wait at all.
    for _ in 0..1000 {
        assert_eq!(test.current().await, "one");
    }
    assert!(started.elapsed() < LONG);
    test.write("two");
    test.release.send(()).expect("the load waits");
    while test.current().await != "two" {
        tokio::task::yield_now().await;
    }
    assert!(test.reloader.is_up_to_date());
    // The value is replaced before the events are reported.
    while !test.events().contains(&"Recovered".to_owned()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requested_reload_replaces_the_value_and_reports_each_failure() {
    let test = Test::new(LONG);
    test.reloader.reload().await.expect("a good file");
    assert_eq!(
        test.events(),
        ["Started", "Replacing", "one -> one", "Ended"]
    );
    test.write("");
    for _ in 0..2 {
        let error = test.reloader.reload().await.expect_err("a bad file");
        assert_eq!(error.to_string(), "empty");
        assert_eq!(test.events(), ["Started", "failed: empty", "Ended"]);
    }
    test.write("two");
    test.reloader.reload().await.expect("a good file");
    let expected = ["Started", "Replacing", "one -> two", "Recovered", "Ended"];
    assert_eq!(test.events(), expected);
}

#[tokio::test]
async fn reload_continues_after_its_caller_is_dropped() {
    let test = Test::new(LONG);
    test.write("hang");
    let reloader = Arc::clone(&test.reloader);
    let caller = tokio::spawn(async move { reloader.reload().await.is_ok() });
    while test.reloader.loader().loads.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    caller.abort();
    test.release.send(()).expect("the load waits");
    while *test.reloader.last_good() != "hung" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn panic_in_a_load_is_an_error_and_the_next_load_runs() {
    let test = Test::new(LONG);
    test.write("panic");
    assert_eq!(test.current().await, "one");
    let error = test.reloader.error().expect("an error");
    assert!(matches!(*error, ReloadError::Panicked), "{error}");
    test.write("two");
    assert_eq!(test.current().await, "two");
    assert!(test.reloader.is_up_to_date());
}
