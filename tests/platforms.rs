//! Code that exists on Unix or Linux only is in modules of their own, which have a fallback for other systems.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

const UNIX: &str = "unix";
const LINUX: &str = r#"target_os = "linux""#;

/// What exists on Unix only, besides crates.
const UNIX_PATHS: [&str; 10] = [
    "unix_socket(",
    "os::unix::",
    "os::fd::",
    "signal::unix",
    "UnixListener",
    "UnixStream",
    "UnixDatagram",
    "take_unix_listener",
    "take_unix_stream",
    "take_unix_datagram",
];
const LINUX_PATHS: [&str; 2] = ["os::linux::", "mallopt"];

/// The manifests of the workspace's packages, and the folders of their sources.
fn packages() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = root.join("crates").read_dir().expect("a folder");
    let mut folders: Vec<PathBuf> = crates
        .map(|entry| entry.expect("a folder").path())
        .collect();
    folders.push(root.to_owned());
    let package = |folder: PathBuf| {
        let manifest = read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        (manifest, folder.join("src"))
    };
    folders.into_iter().map(package).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.map(|path| match path.is_dir() {
        true => files_below(&path),
        false => vec![path],
    });
    files.flatten().collect()
}

/// The paths of the crates that a package depends on only where `condition` holds.
fn crates_for(condition: &str, manifest: &str) -> Vec<String> {
    let header = format!("[target.'cfg({condition})'.dependencies]\n");
    let (_, section) = manifest.split_once(&header).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', ' ']).next());
    names
        .filter(|name| !name.is_empty())
        .map(|name| format!("{}::", name.replace('-', "_")))
        .collect()
}

/// The code of a file, without comments and tests.
fn code(text: &str) -> String {
    let (code, _) = text
        .split_once("#[cfg(test)]\nmod tests")
        .unwrap_or((text, ""));
    let lines = code.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether the code contains `path` where no longer name ends with it, as `unix::` does with `nix::`.
fn mentions(code: &str, path: &str) -> bool {
    let in_name = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(path)
        .any(|(at, _)| !code[..at].ends_with(in_name))
}

/// The file that declares the module in `file`, and the module's name. `None` for the root of a crate.
fn declaration(file: &Path, sources: &Path) -> Option<(PathBuf, String)> {
    let stem = file.file_stem()?.to_str()?;
    let folder = file.parent()?;
    let (folder, name) = match stem {
        "lib" | "main" => return None,
        "mod" => (folder.parent()?, folder.file_name()?.to_str()?),
        name => (folder, name),
    };
    let parents = match folder == sources {
        true => ["lib.rs", "main.rs"].map(|name| folder.join(name)).to_vec(),
        false => vec![folder.join("mod.rs"), folder.with_extension("rs")],
    };
    let parent = parents.into_iter().find(|parent| parent.exists())?;
    Some((parent, name.to_owned()))
}

/// The condition of the module in `file`, such as `unix`, and the text of the file that declares it. Looks at the modules
/// around it, too.
fn condition(file: &Path, sources: &Path) -> Option<(String, String)> {
    let (parent, name) = declaration(file, sources)?;
    let text = read_to_string(&parent).expect("a module");
    let (before, _) = text.split_once(&format!("mod {name};"))?;
    let attribute = before.trim_end().lines().last().unwrap_or_default();
    let attribute = attribute.strip_prefix("#[cfg(");
    match attribute.and_then(|rest| rest.strip_suffix(")]")) {
        Some(condition) => Some((condition.to_owned(), text)),
        None => condition(&parent, sources),
    }
}

/// Whether code under `condition` is on a system of `kind` only.
fn implies(condition: &str, kind: &str) -> bool {
    let alone = condition == kind || condition.starts_with(&format!("all({kind},"));
    alone || (kind == UNIX && implies(condition, LINUX))
}

#[test]
fn unix_code_is_in_conditional_modules_with_a_fallback() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (manifest, sources) in packages() {
        for (kind, paths) in [(UNIX, &UNIX_PATHS[..]), (LINUX, &LINUX_PATHS[..])] {
            let mut paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
            paths.extend(crates_for(kind, &manifest));
            for file in files_below(&sources) {
                let code = code(&read_to_string(&file).expect("a source file"));
                let used = paths.iter().filter(|path| mentions(&code, path));
                let used: Vec<&String> = used.collect();
                if used.is_empty() {
                    continue;
                }
                let name = file.display();
                match condition(&file, &sources) {
                    Some((condition, parent)) if implies(&condition, kind) => {
                        let fallback = format!("#[cfg(any(not({condition}), test))]\nmod ");
                        if !parent.contains(&fallback) {
                            wrong.push(format!("{name}: no fallback under {fallback}"));
                        }
                        seen.extend(used.into_iter().cloned());
                    }
                    _ => wrong.push(format!("{name}: {used:?} needs #[cfg({kind})]")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for path in [
        "os::unix::",
        "signal::unix",
        "nix::",
        "procfs::",
        "sd_notify::",
    ] {
        assert!(seen.contains(path), "the scan misses {path}: {seen:?}");
    }
}
