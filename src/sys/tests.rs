use super::{limits, maps, panics, terminal, trial};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn pseudo_terminal() -> (fs::File, OwnedFd) {
    let (mut master, mut slave) = (0, 0);
    // SAFETY: both are filled by openpty and then owned once.
    unsafe {
        assert_eq!(libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut()), 0);
        (fs::File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}

fn modes(fd: RawFd) -> (u32, u32, u32, u32) {
    // SAFETY: tcgetattr fills the struct.
    unsafe {
        let mut t: libc::termios = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(fd, &mut t), 0);
        (t.c_iflag as u32, t.c_oflag as u32, t.c_cflag as u32, t.c_lflag as u32)
    }
}

fn read(master: &mut fs::File, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    master.read_exact(&mut bytes).unwrap();
    bytes
}

/// One test, since a process holds one terminal.
#[test]
fn the_terminal_is_taken_and_given_back_once() {
    let (mut master, slave) = pseudo_terminal();
    let fd = slave.as_raw_fd();
    let before = modes(fd);
    let sequences = terminal::Sequences { enter: b"<in>".to_vec(), leave: b"<out>".to_vec() };
    let guard = terminal::Guard::take_on(fd, fd, sequences).unwrap();
    assert_eq!(read(&mut master, 4), b"<in>");
    assert_ne!(modes(fd), before, "raw");
    assert!(terminal::write(b"frame").unwrap());
    assert_eq!(read(&mut master, 5), b"frame");

    terminal::give_back();
    terminal::give_back();
    assert_eq!(modes(fd), before);
    assert!(!terminal::write(b"late frame").unwrap(), "a frame after the end goes nowhere");
    guard.take_again().unwrap();
    drop(guard);
    assert_eq!(modes(fd), before);
    terminal::write_within(fd, b"|", 100).unwrap();
    assert_eq!(read(&mut master, 15), b"<out><in><out>|");
}

#[test]
fn a_terminal_that_nobody_reads_does_not_hold_up_the_exit() {
    let (_master, slave) = pseudo_terminal();
    let much = vec![b'x'; 1 << 20];
    assert_eq!(terminal::write_within(slave.as_raw_fd(), &much, 50).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn a_terminal_that_goes_away_is_noticed() {
    let (master, slave) = pseudo_terminal();
    let (tell, told) = mpsc::channel();
    terminal::watch_on(slave.as_raw_fd(), move || tell.send(()).unwrap()).unwrap();
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err(), "still there");
    drop(master);
    told.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_trial_ends_its_child_alone() {
    assert!(trial::succeeds(|| true));
    assert!(!trial::succeeds(|| false));
    assert!(!trial::succeeds(|| unsafe { libc::raise(libc::SIGILL) } == 0));
    assert!(!trial::succeeds(|| unsafe { libc::raise(libc::SIGSEGV) } == 0));
}

#[test]
fn a_fenced_panic_is_an_error() {
    assert_eq!(panics::fence(|| 7), Ok(7));
    let failed = panics::fence(|| assert!(std::hint::black_box(false), "went wrong: {}", 3)).unwrap_err();
    assert_eq!(failed.message, "went wrong: 3");
}

const BUS_FILE: &str = "INGLE_TEST_BUS_FILE";

/// Run by the next test in a process of its own: it is meant to die.
#[test]
#[ignore = "dies; run by the_next_touch_of_a_cut_file_says_its_name"]
fn touches_a_cut_file() {
    let path = std::env::var(BUS_FILE).unwrap();
    let file = fs::File::options().read(true).write(true).open(&path).unwrap();
    // SAFETY: the file is cut below; that is what is tested.
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let _watched = maps::watch(&map, "cut\u{1b}.gguf");
    file.set_len(1).unwrap();
    let at = map.len() - 1;
    std::hint::black_box(map[at]);
}

#[test]
fn the_next_touch_of_a_cut_file_says_its_name() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![1; 1 << 16]).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "sys::tests::touches_a_cut_file", "--ignored", "--nocapture"]);
    let done = child.env(BUS_FILE, file.path()).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("error: cut?.gguf became shorter while it was in use."), "{said}");
}

fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn memory_is_the_least_of_machine_and_groups() {
    const MIB: u64 = 1 << 20;
    let info = ("proc/meminfo", "MemTotal:       4194304 kB\nMemFree: 1 kB\nMemAvailable:   2097152 kB\n");
    let free = |files: &[(&str, &str)]| {
        let root = machine(&[&[info], files].concat());
        let m = limits::memory_under(root.path()).unwrap();
        (m.total / MIB, m.available / MIB)
    };
    assert_eq!(free(&[]), (4096, 2048));
    // A limit stands above the process's own group; a file cached in memory is room.
    let version_2 = [
        ("proc/self/cgroup", "0::/user.slice/app\n"),
        ("sys/fs/cgroup/user.slice/memory.max", "1073741824"),
        ("sys/fs/cgroup/user.slice/memory.current", "943718400"),
        ("sys/fs/cgroup/user.slice/memory.stat", "anon 5\ninactive_file 104857600\n"),
        ("sys/fs/cgroup/user.slice/app/memory.max", "max"),
    ];
    assert_eq!(free(&version_2), (1024, 224));
    let version_1 = [
        ("proc/self/cgroup", "12:pids:/x\n7:memory:/docker/abc\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "268435456"),
    ];
    assert_eq!(free(&version_1), (512, 256));
}

#[test]
fn threads_are_the_least_of_mask_quota_and_cores() {
    let threads = |files: &[(&str, &str)], allowed: &[usize]| limits::threads_under(machine(files).path(), allowed);
    let allowed: Vec<usize> = (0..8).collect();
    assert_eq!(threads(&[], &allowed), 8);
    assert_eq!(threads(&[], &[]), 1);
    let pairs: Vec<(String, String)> = (0..8)
        .map(|i| (format!("sys/devices/system/cpu/cpu{i}/topology/core_cpus_list"), format!("{}-{}\n", i / 2 * 2, i / 2 * 2 + 1)))
        .collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(threads(&pairs, &allowed), 4, "two threads of a core count once");
    assert_eq!(threads(&pairs, &[0, 2]), 2);
    let quota = [("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/cpu.max", "250000 100000\n"), ("sys/fs/cgroup/cpu.max", "max 100000")];
    assert_eq!(threads(&quota, &allowed), 3, "rounded up");
    let quota = [
        ("proc/self/cgroup", "4:cpu,cpuacct:/\n"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "100000"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000"),
    ];
    assert_eq!(threads(&quota, &allowed), 1);
    assert_eq!(threads(&[("sys/devices/cpu_core/cpus", "0-1,6\n")], &allowed), 3, "performance cores");
    let capacities: Vec<(String, &str)> =
        (0..8).map(|i| (format!("sys/devices/system/cpu/cpu{i}/cpu_capacity"), if i < 4 { "414" } else { "1024" })).collect();
    let capacities: Vec<(&str, &str)> = capacities.iter().map(|(a, b)| (a.as_str(), *b)).collect();
    assert_eq!(threads(&capacities, &allowed), 4);
}

#[test]
fn this_machine_answers() {
    assert!(limits::threads() >= 1);
    let memory = limits::memory().unwrap();
    assert!(memory.available > 0 && memory.available <= memory.total);
    assert!(limits::resident_bytes().unwrap() <= limits::peak_resident_bytes().unwrap() * 2);
    assert!(super::disk::free_bytes(Path::new("/")).is_ok());
}
