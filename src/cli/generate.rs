//! Man pages and shell completions, made of the command line itself: always the same, whatever the
//! environment.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::{Generator, Shell};
use clap_mangen::Man;

use super::Cli;
use crate::build;
use crate::hidden::shown_path;

const NAME: &str = "qlara-exporter";
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Flags of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Folder to write to, in man and completions; it is made if need be
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// A file or folder cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write {}: {source}", shown_path(path))]
pub struct GenerateError {
    path: PathBuf,
    source: std::io::Error,
}

impl GenerateArgs {
    /// Writes all of them.
    ///
    /// # Errors
    /// [`GenerateError`] if the folder cannot be written.
    pub fn write(&self) -> Result<(), GenerateError> {
        let mut command = Cli::command();
        command.build();
        write_into(&self.directory.join("man"), |folder| {
            let mut commands = std::iter::once(&command).chain(command.get_subcommands());
            commands.try_for_each(|command| man_page(command).generate_to(folder).map(drop))
        })?;
        write_into(&self.directory.join("completions"), |folder| {
            SHELLS.iter().try_for_each(|shell| {
                let script = completion(*shell, &mut command);
                std::fs::write(folder.join(shell.file_name(NAME)), script)
            })
        })
    }
}

fn completion(shell: Shell, command: &mut clap::Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, NAME, &mut script);
    // For bash, clap_complete spells the program's hyphen in two ways, and nothing after a subcommand
    // completes: https://github.com/clap-rs/clap/issues/6421
    let mut script =
        String::from_utf8_lossy(&script).replace("qlara__subcmd__exporter", "qlara__exporter");
    if shell == Shell::Fish {
        // fish's argparse knows no dots in options, and refuses one that still waits for its value: it
        // sees underscores, and what it refuses is no subcommand.
        for (written, meant) in [
            ("optspecs)", "optspecs | string replace -a . _)"),
            ("-opc)", "-opc | string replace -a . _)"),
            ("    or return\n", "    or return 0\n"),
        ] {
            script = script.replace(written, meant);
        }
    }
    script
}

/// Without a date, since only the version says how old it is; a space keeps its place.
fn man_page(command: &clap::Command) -> Man {
    Man::new(command.clone())
        .date(" ")
        .source(format!("{NAME} {}", build::VERSION))
        .manual("User Commands")
}

fn write_into(
    folder: &Path,
    write: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), GenerateError> {
    create_dir_all(folder)
        .and_then(|()| write(folder))
        .map_err(|source| GenerateError {
            path: folder.to_owned(),
            source,
        })
}
