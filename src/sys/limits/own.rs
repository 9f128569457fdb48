//! Limits that this process puts on itself.

use std::io;

/// Bounds what this process may map and how long it may compute from now on; beyond that the system refuses it memory
/// or ends it. No core is dumped.
pub fn limit_self(address_space_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    set(libc::RLIMIT_CORE, 0, 0)?;
    // The signal that can be told apart comes a second before the one that cannot.
    set(libc::RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)?;
    set(libc::RLIMIT_AS, address_space_bytes, address_space_bytes)
}

/// glibc gives these constants a type of their own.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

fn set(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft as libc::rlim_t, rlim_max: hard as libc::rlim_t };
    // SAFETY: `limit` is a whole rlimit that lives through the call, which only reads it.
    if unsafe { libc::setrlimit(resource, &limit) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
