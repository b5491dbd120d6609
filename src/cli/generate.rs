//! Man pages and shell completions, generated from the command line. The output does not depend on the
//! environment.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};

use clap_complete::{Generator, Shell};
use clap_mangen::Man;

use super::commands::{GenerateArgs, command};
use crate::build;
use exporter_toolkit::redacted::shown_path;

const NAME: &str = "qlara-exporter";
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// A file or directory cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", shown_path(path))]
pub struct GenerateError {
    path: PathBuf,
    source: std::io::Error,
}

impl GenerateArgs {
    /// Writes all man pages and completions.
    ///
    /// # Errors
    /// [`GenerateError`] if the directory cannot be written.
    pub fn write(&self) -> Result<(), GenerateError> {
        // `help` needs no page: it shows the texts of the others.
        let mut pages = command().disable_help_subcommand(true);
        pages.build();
        let mut command = command();
        command.build();
        write_into(&self.directory.join("man"), |directory| {
            let mut commands = std::iter::once(&pages).chain(pages.get_subcommands());
            commands.try_for_each(|command| man_page(command).generate_to(directory).map(drop))
        })?;
        write_into(&self.directory.join("completions"), |directory| {
            SHELLS.iter().try_for_each(|shell| {
                let script = completion(*shell, &mut command);
                std::fs::write(directory.join(shell.file_name(NAME)), script)
            })
        })
    }
}

fn completion(shell: Shell, command: &mut clap::Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, NAME, &mut script);
    // In bash, clap_complete replaces the hyphen of the program's name in two different ways, so nothing
    // completes after a subcommand: https://github.com/clap-rs/clap/issues/6421
    let mut script =
        String::from_utf8_lossy(&script).replace("qlara__subcmd__exporter", "qlara__exporter");
    if shell == Shell::Fish {
        // fish's argparse rejects dots in the names of options, and options whose value is not typed yet.
        // The script gives it underscores instead of dots, and goes on after an error. After `help`, the generated
        // script would complete nothing, because it finds `help` itself among the words before.
        for (generated, fixed) in [
            ("optspecs)", "optspecs | string replace -a . _)"),
            ("-opc)", "-opc | string replace -a . _)"),
            ("    or return\n", "    or return 0\n"),
            (" generate help\" -f", " generate\" -f"),
        ] {
            script = script.replace(generated, fixed);
        }
    }
    script
}

/// A man page without a date, so that the same version always gives the same page. The space keeps the
/// position of the other fields of the header.
fn man_page(command: &clap::Command) -> Man {
    Man::new(command.clone())
        .date(" ")
        .source(format!("{NAME} {}", build::VERSION))
        .manual("User Commands")
}

fn write_into(
    directory: &Path,
    write: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), GenerateError> {
    create_dir_all(directory)
        .and_then(|()| write(directory))
        .map_err(|source| GenerateError {
            path: directory.to_owned(),
            source,
        })
}
