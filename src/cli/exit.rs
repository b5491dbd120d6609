//! Results of the command line that run no command: help, version, and usage errors in one line.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::build;
use exporter_toolkit::redacted::shown_key;
use exporter_toolkit::suggest::closest;

/// The command that reads a password.
const HASH_PASSWORD: &str = "hash-password";
/// The flag that names a file with the API key.
const KEY_FILE: &str = "qlara.api-key-file";

/// The program exits without running a command.
#[derive(Debug)]
pub enum CliExit {
    /// Help or version was requested: print the text and exit with 0.
    Print(String),
    /// Wrong use: print one line and exit with 2.
    WrongUse(String),
}

impl CliExit {
    /// Why clap runs no command with these arguments.
    pub(super) fn new(error: &clap::Error, arguments: &[OsString]) -> CliExit {
        match error.kind() {
            ErrorKind::DisplayHelp => CliExit::Print(error.to_string()),
            ErrorKind::DisplayVersion => CliExit::Print(version()),
            kind => CliExit::WrongUse(match advice(error, kind, arguments) {
                Some(text) => format!("error: {text}"),
                None => {
                    let text = usage_error(error, kind);
                    let hint = if text.ends_with('?') {
                        ""
                    } else {
                        ", try --help"
                    };
                    format!("error: {text}{hint}")
                }
            }),
        }
    }
}

/// The error in one line with what to do instead, if the arguments resemble something that exists.
fn advice(error: &clap::Error, kind: ErrorKind, arguments: &[OsString]) -> Option<String> {
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    if let Some(text) = long_flag_after_one_dash(error, kind, arguments) {
        return Some(text);
    }
    match (kind, named) {
        // Flags before the command are a conflict.
        (ErrorKind::InvalidSubcommand, _) | (ErrorKind::ArgumentConflict, None) => {
            let word = error.get(ContextKind::InvalidSubcommand);
            similar_command(error, &word?.to_string())
        }
        (ErrorKind::UnknownArgument, Some(flag)) if flag.starts_with('-') => {
            similar_flag(&command_of(error), &flag)
        }
        (ErrorKind::UnknownArgument, Some(word)) => similar_command(error, &word),
        _ => None,
    }
}

/// The error in one line. It contains flags, but no values, which may be secrets.
fn usage_error(error: &clap::Error, kind: ErrorKind) -> String {
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    match (kind, named) {
        (ErrorKind::UnknownArgument, Some(flag)) if flag.starts_with('-') => {
            unknown_flag(error, &flag)
        }
        (ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument, _) => unexpected_word(error),
        (ErrorKind::ArgumentConflict, Some(flag)) => conflict(error, &flag),
        (ErrorKind::ArgumentConflict, None) => "flags must come after the command".to_owned(),
        (_, Some(flag)) => format!("{flag}: {}", expectation(error)),
        (_, None) => kind.as_str().unwrap_or("wrong use").to_owned(),
    }
}

fn conflict(error: &clap::Error, flag: &str) -> String {
    match error.get(ContextKind::PriorArg).map(ToString::to_string) {
        Some(other) if other != flag => format!("{flag} cannot be used with {other}"),
        _ => format!("{flag} is given more than once"),
    }
}

fn unknown_flag(error: &clap::Error, flag: &str) -> String {
    match command_of(error).get_name() {
        // The argument may be the password that the command reads from a terminal.
        HASH_PASSWORD => "unknown flag".to_owned(),
        // A negative number is meant as a value.
        _ if flag.parse::<i64>().is_ok() => "unknown flag".to_owned(),
        _ => format!("unknown flag {}", shown_key(name_of(flag))),
    }
}

/// The error for `-log.level`, which older exporters accepted. clap reads it as the short flags `-l`, `-o` and so on, and
/// `-config.file` of `check` as `-c` with the value `onfig.file`, so the whole word is looked up in the arguments.
fn long_flag_after_one_dash(
    error: &clap::Error,
    kind: ErrorKind,
    arguments: &[OsString],
) -> Option<String> {
    let rejected = match kind {
        ErrorKind::UnknownArgument => error.get(ContextKind::InvalidArg)?,
        ErrorKind::ValueValidation => error.get(ContextKind::InvalidValue)?,
        _ => return None,
    };
    let rejected = rejected.to_string();
    let rejected = rejected.trim_start_matches('-');
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let mut words = words.take_while(|word| *word != "--").peekable();
    // Flags come after the command.
    let command = command_named(words.peek().copied());
    words
        .filter(|word| is_long_after_one_dash(word) && word.contains(rejected))
        .find_map(|word| similar_flag(&command, word))
}

fn is_long_after_one_dash(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|name| !name.starts_with('-') && name.chars().count() > 1)
}

/// The error for a flag that resembles one of the command, or for the whole program, one of any command.
fn similar_flag(command: &Command, flag: &str) -> Option<String> {
    let name = name_of(flag);
    let shown = shown_key(name);
    let takes_key_file = flags_of(command).any(|flag| flag == KEY_FILE);
    let is_key = is_named_like_a_key(name);
    if takes_key_file && is_key {
        return Some(format!(
            "unknown flag {shown}: other users of this machine could read the key; set QLARA_API_KEY to the key, or write it to a file and name that with --{KEY_FILE}"
        ));
    }
    if let Some(similar) = closest(name, flags_of(command)) {
        return Some(format!("unknown flag {shown}; did you mean --{similar}?"));
    }
    if command.get_name() == HASH_PASSWORD {
        return None;
    }
    if is_key {
        return Some(format!(
            "unknown flag {shown}: {} takes no API key; other commands take it from QLARA_API_KEY, or from the file that --{KEY_FILE} names",
            command.get_name()
        ));
    }
    let root = super::command();
    let mut commands = root.get_subcommands();
    commands.find_map(|command| {
        let similar = closest(name, flags_of(command))?;
        let command = command.get_name();
        Some(format!(
            "unknown flag {shown}; did you mean \"{command} --{similar}\"?"
        ))
    })
}

/// Whether somebody may expect such a flag to take the API key.
fn is_named_like_a_key(flag: &str) -> bool {
    const NAMES: [&str; 7] = [
        "apikey",
        "key",
        "token",
        "apitoken",
        "secret",
        "password",
        "accesstoken",
    ];
    let letters = flag.chars().filter(char::is_ascii_alphanumeric);
    let letters: String = letters.collect::<String>().to_ascii_lowercase();
    NAMES.contains(&letters.strip_prefix("qlara").unwrap_or(&letters))
}

/// A flag without its value.
fn name_of(flag: &str) -> &str {
    flag.split('=').next().unwrap_or(flag)
}

fn flags_of(command: &Command) -> impl Iterator<Item = &str> {
    command.get_arguments().filter_map(Arg::get_long)
}

fn commands_of(command: &Command) -> Vec<&str> {
    let commands = command.get_subcommands();
    let commands = commands.filter(|command| !command.is_hide_set());
    commands.map(Command::get_name).collect()
}

/// The error for a word that resembles a command, or something else that may be in its place.
fn similar_command(error: &clap::Error, word: &str) -> Option<String> {
    const VERSION: &str = "version";
    let command = command_of(error);
    let commands = commands_of(&command);
    if word == VERSION && !commands.is_empty() {
        return Some(format!(
            "unknown command \"{word}\"; did you mean --{VERSION}?"
        ));
    }
    if commands.is_empty() {
        return similar_after_command(&command, word);
    }
    // After `--` even the name of a command is an argument.
    let similar = closest(word, commands).filter(|similar| *similar != word)?;
    let word = shown_key(word);
    Some(format!(
        "unknown command \"{word}\"; did you mean \"{similar}\"?"
    ))
}

/// The error for a word after a command, if it resembles a flag of the command, or any command.
fn similar_after_command(command: &Command, word: &str) -> Option<String> {
    let name = command.get_name();
    if name == HASH_PASSWORD {
        // The word may be the password.
        return None;
    }
    let shown = shown_key(word);
    let error = format!("unexpected argument \"{shown}\" after \"{name}\"");
    let root = super::command();
    let similar = match closest(word, commands_of(&root)) {
        Some(command) => format!("\"{command}\""),
        None => format!("--{}", closest(word, flags_of(command))?),
    };
    Some(format!("{error}; did you mean {similar}?"))
}

/// The word is not repeated, because it may be an API key.
fn unexpected_word(error: &clap::Error) -> String {
    let command = command_of(error);
    let commands = commands_of(&command);
    match commands.is_empty() {
        true => "unexpected argument".to_owned(),
        false => format!(
            "unexpected argument, expected a flag or one of {}",
            commands.join(", ")
        ),
    }
}

/// The command that rejected an argument: a subcommand, or the whole program. clap names it only in the usage line,
/// "Usage: qlara-exporter check [OPTIONS]".
fn command_of(error: &clap::Error) -> Command {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string);
    let words = usage.as_deref().map(str::split_whitespace);
    command_named(words.and_then(|mut words| words.nth(2)))
}

/// The subcommand with this name, or else the whole program.
fn command_named(name: Option<&str>) -> Command {
    let mut root = super::command();
    // Adds --help and --version.
    root.build();
    let subcommand = name.and_then(|name| root.find_subcommand(name)).cloned();
    subcommand.unwrap_or(root)
}

/// What is expected of the value of a flag.
fn expectation(error: &clap::Error) -> String {
    if let Some(ContextValue::Strings(words)) = error.get(ContextKind::ValidValue)
        && !words.is_empty()
    {
        return format!("expected one of {}", words.join(", "));
    }
    match std::error::Error::source(error) {
        Some(reason) if reason.is::<std::num::ParseIntError>() => {
            "expected a whole number".to_owned()
        }
        Some(reason) => reason.to_string(),
        None if error.kind() == ErrorKind::TooManyValues => "takes no value".to_owned(),
        None => "a value is missing".to_owned(),
    }
}

/// The version in the format of Prometheus' tools.
fn version() -> String {
    format!(
        "qlara-exporter, version {} (revision: {})\n  rust version:     {}\n  platform:         {}/{}\n",
        build::VERSION,
        build::REVISION,
        build::RUST_VERSION,
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}
