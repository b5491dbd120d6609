//! One line on standard error that counts while many accounts are read.

use std::io::{IsTerminal, Write};

/// With fewer accounts it is over before anybody has read the line.
const MANY: usize = 2;

/// Tells a person how far it is; a log or a mail wants no such line.
pub fn on_terminal() -> impl FnMut(usize, usize) {
    let is_terminal = std::io::stderr().is_terminal();
    move |done, total| {
        if is_terminal && total >= MANY {
            // Nobody is harmed if it cannot be shown.
            let _ = std::io::stderr().write_all(line(done, total).as_bytes());
        }
    }
}

/// Overwrites itself, and is gone at the end.
fn line(done: usize, total: usize) -> String {
    if done == total {
        "\r\x1b[K".to_owned()
    } else {
        format!("\r\x1b[KReading accounts: {done} of {total}")
    }
}
