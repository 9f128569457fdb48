//! What kind of disk a path lies on.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// File systems that other machines may write to at the same time, or that stand before one that is (FUSE: sshfs).
/// Numbers from linux/magic.h and the file systems' own headers.
#[cfg(target_os = "linux")]
const NETWORK: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636F, "OCFS2"),
    (0x0116_1970, "GFS2"),
];

/// The name of the network file system that an existing path lies on; none for a disk of this machine, or where it
/// cannot be told.
pub fn network(path: &Path) -> Option<&'static str> {
    let status = status(path).ok()?;
    #[cfg(target_os = "linux")]
    // The field's type differs between C libraries; magic numbers are 32 bits, and some are sign-extended.
    return NETWORK.iter().find(|(magic, _)| *magic == (status.f_type as i64 & 0xFFFF_FFFF)).map(|(_, name)| *name);
    #[cfg(target_os = "macos")]
    return (status.f_flags & libc::MNT_LOCAL as u32 == 0).then_some("a network disk");
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    return None;
}

/// Bytes that this user can still write on the disk that an existing path lies on.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let status = status(path)?;
    Ok((status.f_bavail as u64).saturating_mul(status.f_bsize as u64))
}

fn status(path: &Path) -> io::Result<libc::statfs> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: statfs is plain numbers, for which zeros are valid; the path ends with a zero byte.
    unsafe {
        let mut status: libc::statfs = std::mem::zeroed();
        if libc::statfs(path.as_ptr(), &mut status) == 0 { Ok(status) } else { Err(io::Error::last_os_error()) }
    }
}
