//! A memory-limited control group (cgroup v1 or v2).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use procfs::process::Process;

/// File names, which differ between the versions.
struct Files {
    limit: &'static str,
    peak: &'static str,
}

const VERSION_1: Files = Files {
    limit: "memory.limit_in_bytes",
    peak: "memory.max_usage_in_bytes",
};
const VERSION_2: Files = Files {
    limit: "memory.max",
    peak: "memory.peak",
};

/// A control group, removed on drop if it has no processes left.
pub struct MemoryGroup {
    directory: PathBuf,
    files: Files,
}

impl MemoryGroup {
    /// Creates a group with a memory limit in bytes.
    ///
    /// # Errors
    /// When the group cannot be created, usually for lack of root.
    pub fn new(limit: u64) -> io::Result<MemoryGroup> {
        let (parent, files) = match own_group_of_version_1()? {
            Some(parent) => (parent, VERSION_1),
            None => (PathBuf::from("/sys/fs/cgroup"), VERSION_2),
        };
        let directory = parent.join(format!("qlara-siege-{}", std::process::id()));
        if !directory.exists() {
            fs::create_dir(&directory)?;
        }
        let group = MemoryGroup { directory, files };
        fs::write(group.file(group.files.limit), limit.to_string())?;
        Ok(group)
    }

    /// A process joins the group by writing its id to this file.
    pub fn members(&self) -> PathBuf {
        self.file("cgroup.procs")
    }

    /// Peak memory in bytes, including kernel memory and the page cache.
    pub fn peak(&self) -> Option<u64> {
        let text = fs::read_to_string(self.file(self.files.peak)).ok()?;
        text.trim().parse().ok()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// The folder of this process's own group under the v1 memory controller, or `None` with v2.
fn own_group_of_version_1() -> io::Result<Option<PathBuf>> {
    let groups = Process::myself().and_then(|process| process.cgroups());
    let groups = groups.map_err(io::Error::other)?;
    let mut groups = groups.into_iter();
    let own = groups.find(|group| group.controllers.iter().any(|name| name == "memory"));
    Ok(own.map(|group| {
        let below = group.pathname.trim_start_matches('/');
        Path::new("/sys/fs/cgroup/memory").join(below)
    }))
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.directory);
    }
}
