//! The control groups that this process is in, version 2 and 1.

use std::path::{Path, PathBuf};

/// The folders of the process's group for a controller, from its own up to the mount's root: a limit may stand at any.
/// `root` is `/` but in tests.
pub fn folders(root: &Path, controller: &str) -> Vec<PathBuf> {
    let Ok(groups) = std::fs::read_to_string(root.join("proc/self/cgroup")) else { return Vec::new() };
    let mount = root.join("sys/fs/cgroup");
    let mut out = Vec::new();
    for line in groups.lines() {
        // number:controllers:path; version 2 has number 0 and no controllers
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let base = match controllers {
            "" => mount.clone(),
            names if names.split(',').any(|n| n == controller) => mounted(&mount, names, controller),
            _ => continue,
        };
        // In a container the path is often the host's; then only the mount's root is there.
        let inside = Path::new(path.trim_start_matches('/'));
        out.extend(inside.ancestors().map(|p| base.join(p)).filter(|p| p.is_dir()));
    }
    out
}

/// Version 1 mounts a controller under its own name or all that share the hierarchy ("cpu,cpuacct").
fn mounted(mount: &Path, names: &str, controller: &str) -> PathBuf {
    let shared = mount.join(names);
    if shared.is_dir() { shared } else { mount.join(controller) }
}
