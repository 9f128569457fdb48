//! Trying in a child what could end the process.

/// Seconds after which a child that hangs is ended.
const PATIENCE_S: libc::c_uint = 2;

/// Whether `work` gives true, in a child of this process that dies with it if it must. A child of a process with threads
/// may take no lock: `work` allocates nothing, prints nothing and does not panic.
pub fn succeeds(work: fn() -> bool) -> bool {
    // SAFETY: the child calls only what may be called after a fork of many threads, and leaves without unwinding.
    let child = unsafe { libc::fork() };
    match child {
        -1 => false,
        0 => {
            // SAFETY: as above.
            unsafe {
                die_quietly();
                libc::_exit(if work() { 0 } else { 1 })
            }
        }
        _ => ended_well(child),
    }
}

/// Faults end this process as if nobody had asked to be told of them, without a core file, and so does time.
///
/// # Safety
/// The process is a fresh child.
unsafe fn die_quietly() {
    // SAFETY: plain system calls about this process alone; the set of signals is filled in before it is read.
    unsafe {
        for signal in [libc::SIGILL, libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGTRAP, libc::SIGALRM] {
            libc::signal(signal, libc::SIG_DFL);
        }
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        let mut blocked = std::mem::zeroed();
        libc::sigemptyset(&raw mut blocked);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const blocked, std::ptr::null_mut());
        libc::alarm(PATIENCE_S);
    }
}

/// Waits for a child of this process. Where the system keeps no word of ended children, none ended well.
fn ended_well(child: libc::pid_t) -> bool {
    let mut status = 0;
    loop {
        // SAFETY: the status is ours.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        if waited == child {
            return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
        }
        if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return false;
        }
    }
}
