//! The memory limit of the process' control group, as set for containers and systemd units.

use std::fs;
use std::path::{Component, Path};

use procfs::{FromRead, ProcessCGroup, ProcessCGroups};

/// cgroup v1 reports "no limit" as a number above this.
const NO_LIMIT: u64 = 1 << 60;

pub(super) fn limit() -> Option<u64> {
    limit_below("/".as_ref())
}

fn limit_below(root: &Path) -> Option<u64> {
    let groups = ProcessCGroups::from_file(root.join("proc/self/cgroup")).ok()?;
    let limits = groups.0.iter().filter_map(|group| limit_of(group, root));
    limits.min()
}

fn limit_of(group: &ProcessCGroup, root: &Path) -> Option<u64> {
    let is_memory = |controller: &String| controller == "memory";
    let (mount, file) = match group.hierarchy {
        0 => ("sys/fs/cgroup", "memory.max"),
        _ if group.controllers.iter().any(is_memory) => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    // A container may see its own group as the root of the mount, under a path from outside.
    let path = Path::new(&group.pathname);
    let is_usable = |path: &&Path| path.components().all(|part| part != Component::ParentDir);
    let paths = path.ancestors().filter(is_usable);
    let limits = paths.filter_map(|path| {
        let path = path.strip_prefix("/").unwrap_or(path);
        number_in(&root.join(mount).join(path).join(file))
    });
    limits.min()
}

/// `None` for `max`, which means no limit.
fn number_in(file: &Path) -> Option<u64> {
    let number: u64 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    (number < NO_LIMIT).then_some(number)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// The limit according to these files.
    fn limit(files: &[(&str, &str)]) -> Option<u64> {
        let root = TempDir::new().expect("a folder");
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        limit_below(root.path())
    }

    #[test]
    fn smallest_limit_of_all_ancestors_applies() {
        let own = ("proc/self/cgroup", "0::/a.slice/b.service\n");
        let group = "sys/fs/cgroup/a.slice/b.service/memory.max";
        let parent = "sys/fs/cgroup/a.slice/memory.max";
        for (of_group, of_parent, limited) in [
            ("max\n", "1000\n", Some(1000)),
            ("500\n", "1000\n", Some(500)),
            ("5000\n", "1000\n", Some(1000)),
            ("max\n", "max\n", None),
            ("", "-1", None),
        ] {
            let files = [own, (group, of_group), (parent, of_parent)];
            assert_eq!(limit(&files), limited, "{of_group:?} {of_parent:?}");
        }
    }

    #[test]
    fn control_group_of_a_container_is_at_the_mount_root() {
        for path in ["/", "/docker/0123", "/../../elsewhere"] {
            let own = format!("0::{path}\n");
            let root = ("sys/fs/cgroup/memory.max", "1000\n");
            assert_eq!(limit(&[("proc/self/cgroup", &own), root]), Some(1000));
            let own = format!("9:cpu:/other\n4:hugetlb,memory:{path}\n0::/\n");
            let root = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
            assert_eq!(limit(&[("proc/self/cgroup", &own), root]), Some(1000));
        }
    }

    #[test]
    fn unlimited_value_means_no_limit() {
        let own = ("proc/self/cgroup", "4:memory:/a\n");
        let limit_of_a = "sys/fs/cgroup/memory/a/memory.limit_in_bytes";
        assert_eq!(limit(&[own, (limit_of_a, "9223372036854771712\n")]), None);
        assert_eq!(limit(&[own, (limit_of_a, "1000\n")]), Some(1000));
    }

    #[test]
    fn unreadable_files_mean_no_limit() {
        assert_eq!(limit(&[]), None);
        assert_eq!(limit(&[("proc/self/cgroup", "nonsense")]), None);
        assert_eq!(limit(&[("proc/self/cgroup", "0::/\n")]), None);
    }
}
