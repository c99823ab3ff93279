//! How many threads this process may keep busy.

use std::path::Path;

/// Threads this process can keep busy: what its affinity mask and its control group's quota leave it, never more than its share
/// and never fewer than one.
///
/// [`std::thread::available_parallelism`] heeds both on Linux; the quota is read here once more, so that it holds on platforms
/// where it does not, and can be tested without a container.
pub fn available_threads() -> usize {
    let here = std::thread::available_parallelism().map_or(1, usize::from);
    quota(Path::new("/")).map_or(here, |quota| here.min(whole(quota)))
}

/// Whole threads of a share of processors.
fn whole(quota: f64) -> usize {
    (quota as usize).max(1)
}

/// Processors that the control groups of this process allow, the least of all above it; none without a limit. `root` is `/`
/// (Linux, `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/`).
fn quota(root: &Path) -> Option<f64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let quotas = groups.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, group) = rest.split_once(':')?;
        let (mount, read): (_, fn(&Path) -> Option<f64>) = match controllers {
            "" => ("sys/fs/cgroup".to_owned(), second),
            it if it.split(',').any(|it| it == "cpu") => (format!("sys/fs/cgroup/{it}"), first),
            _ => return None,
        };
        above(&root.join(mount), group).filter_map(|folder| read(&folder)).reduce(f64::min)
    });
    quotas.reduce(f64::min)
}

/// A group's folder and those of all groups it lies in. In a container the group's own folder may be mounted at the top.
fn above(mount: &Path, group: &str) -> impl Iterator<Item = std::path::PathBuf> {
    let folder = mount.join(group.trim_start_matches('/'));
    let count = Path::new(group).components().count();
    let folders: Vec<_> = folder.ancestors().take(count.max(1)).map(Path::to_owned).collect();
    folders.into_iter().chain([mount.to_owned()])
}

/// Version 2: `cpu.max` holds quota and period in µs, or `max`.
fn second(folder: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(folder.join("cpu.max")).ok()?;
    let mut numbers = text.split_whitespace().map(|it| it.parse::<f64>().ok());
    ratio(numbers.next()??, numbers.next().flatten().unwrap_or(100_000.0))
}

/// Version 1: two files; a quota of −1 is none.
fn first(folder: &Path) -> Option<f64> {
    let number = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<f64>().ok();
    ratio(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
}

fn ratio(quota: f64, period: f64) -> Option<f64> {
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and texts of files.
    type Files<'a> = &'a [(&'a str, &'a str)];

    fn rooted(files: Files<'_>) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_least_quota_of_all_groups_counts_in_either_version() {
        let two = "sys/fs/cgroup/pods/one/cpu.max";
        let cases: [(Files<'_>, Option<f64>); 7] = [
            (&[("proc/self/cgroup", "0::/pods/one\n"), (two, "250000 100000\n")], Some(2.5)),
            (&[("proc/self/cgroup", "0::/pods/one\n"), (two, "max 100000\n")], None),
            (
                &[
                    ("proc/self/cgroup", "0::/pods/one\n"),
                    (two, "max 100000\n"),
                    ("sys/fs/cgroup/pods/cpu.max", "50000 100000"),
                ],
                Some(0.5),
            ),
            (&[("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/cpu.max", "150000 50000")], Some(3.0)),
            (
                &[
                    ("proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\n"),
                    ("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "400000\n"),
                    ("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"),
                ],
                Some(4.0),
            ),
            (
                &[
                    ("proc/self/cgroup", "4:cpu:/a\n"),
                    ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n"),
                    ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
                ],
                None,
            ),
            (&[("proc/self/cgroup", "nonsense\n")], None),
        ];
        for (files, expected) in cases {
            assert_eq!(quota(rooted(files).path()), expected, "{files:?}");
        }
        assert_eq!(quota(Path::new("/no such folder")), None);
    }

    #[test]
    fn half_a_processor_is_one_thread_and_two_and_a_half_are_two() {
        assert_eq!([0.1, 0.5, 1.0, 2.5, 3.999].map(whole), [1, 1, 1, 2, 3]);
        assert!(available_threads() >= 1);
    }

    /// Run by itself in a process of one processor by the test below.
    #[test]
    fn threads_of_this_process() {
        println!("threads: {}", available_threads());
    }

    #[test]
    fn a_process_that_is_bound_to_one_processor_has_one_thread() {
        let me = std::env::current_exe().unwrap();
        let told = std::process::Command::new("taskset")
            .args(["-c", "0"])
            .arg(me)
            .args(["--exact", "threads::tests::threads_of_this_process", "--nocapture"])
            .output();
        match told {
            Ok(told) if told.status.success() => {
                let told = String::from_utf8_lossy(&told.stdout).into_owned();
                assert!(told.contains("threads: 1\n"), "{told}");
            }
            _ => println!("skipped: no taskset here, or no processor 0"),
        }
    }
}
