//! Standard input, and password prompts on the terminal, without echo.
//!
//! This module controls the terminal itself, to restore the echo also when a signal ends or stops the program.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use parking_lot::Mutex;
use secrecy::ExposeSecretMut;

use super::error::HashPasswordError;
use super::password::{READ_LIMIT, SecretBytes, buffer};

/// The signals that end or stop a program at a terminal.
const SIGNALS: [Signal; 5] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGTSTP,
];

/// Standard input without the buffer of [`io::Stdin`], which would keep a copy of the password.
pub(super) fn standard_input() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// The terminal with its echo off. Dropping it turns the echo on again.
#[derive(Debug)]
pub(super) struct Terminal(Arc<Echo>);

/// Turns the echo off and on.
#[derive(Debug)]
struct Echo {
    terminal: File,
    /// `None` once the echo is on for good.
    off: Mutex<Option<EchoOff>>,
}

/// The state for turning the echo off again after the program was stopped and continues.
#[derive(Debug)]
struct EchoOff {
    /// The settings to restore.
    before: Termios,
    /// The prompt that waits for an answer.
    prompt: &'static str,
}

impl Terminal {
    /// Turns the echo off. A signal that ends or stops the program turns it on first.
    pub(super) fn without_echo() -> io::Result<Terminal> {
        let terminal = standard_input()?;
        let before = tcgetattr(&terminal)?;
        let echo = Arc::new(Echo {
            terminal,
            off: Mutex::new(Some(EchoOff {
                before: before.clone(),
                prompt: "",
            })),
        });
        let signals = SigSet::from_iter(SIGNALS);
        // Threads inherit the mask, so from now on only the new thread takes these signals.
        signals.thread_block()?;
        thread::Builder::new().spawn({
            let echo = Arc::clone(&echo);
            move || echo.restore_on(&signals)
        })?;
        echo.turn_off(&before)?;
        Ok(Terminal(echo))
    }

    /// Shows the prompt and reads a line with its line end.
    pub(super) fn ask(&self, prompt: &'static str) -> Result<SecretBytes, HashPasswordError> {
        if let Some(off) = &mut *self.0.off.lock() {
            off.prompt = prompt;
        }
        show(prompt);
        let line = read_line(&self.0.terminal);
        show("\n");
        line.map_err(HashPasswordError::Input)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(off) = self.0.off.lock().take() {
            self.0.restore(&off.before);
        }
    }
}

impl Echo {
    fn turn_off(&self, before: &Termios) -> nix::Result<()> {
        let mut silent = before.clone();
        silent
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHONL);
        tcsetattr(&self.terminal, SetArg::TCSAFLUSH, &silent)
    }

    /// Restores the settings and discards unread input, which a shell would show.
    fn restore(&self, before: &Termios) {
        // An error means that the terminal is gone, so it needs no echo.
        let _ = tcsetattr(&self.terminal, SetArg::TCSAFLUSH, before);
    }

    /// Restores the settings at each signal, then lets the signal end or stop the program. The program continues after
    /// SIGCONT, or if it ignores the signal.
    fn restore_on(&self, signals: &SigSet) {
        while let Ok(signal) = signals.wait() {
            let off = self.off.lock();
            if let Some(off) = &*off {
                self.restore(&off.before);
                show("\n");
            }
            raise_unblocked(signal);
            if let Some(off) = &*off
                && self.turn_off(&off.before).is_ok()
            {
                show(off.prompt);
            }
        }
    }
}

/// Shows a prompt. Ignores errors, because standard error may be closed.
fn show(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn raise_unblocked(signal: Signal) {
    let signals = SigSet::from(signal);
    // pthread_sigmask and raise fail for invalid signals only.
    let _ = signals.thread_unblock();
    let _ = raise(signal);
    let _ = signals.thread_block();
}

/// Reads to a line end or to the end of the input. A terminal hands over one line at a time.
fn read_line(input: &File) -> io::Result<SecretBytes> {
    let mut secret = buffer();
    let line = secret.expose_secret_mut();
    while line.len() < READ_LIMIT && !line.ends_with(b"\n") && input.take(1).read_to_end(line)? > 0
    {
    }
    Ok(secret)
}
