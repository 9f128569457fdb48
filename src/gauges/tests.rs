use super::Gauges;
use std::sync::mpsc;
use std::time::Duration;

/// Long against the period of a second, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn figures_come_while_watched_and_not_before() {
    let (sender, machines) = mpsc::channel();
    let gauges = Gauges::start(move |machine| drop(sender.send(machine))).unwrap();
    assert!(machines.recv_timeout(Duration::from_millis(50)).is_err(), "nobody watches yet");
    gauges.watch(true);
    let first = machines.recv_timeout(PATIENCE).unwrap();
    assert!(first.process.resident_bytes.is_some_and(|bytes| bytes > 1 << 20), "{first:?}");
    assert!(first.system.memory_total_bytes >= first.system.memory_available_bytes, "{first:?}");
    assert_eq!((first.process.cpu_percent, first.system.cpu_percent), (None, None), "a load is a difference");
    let second = machines.recv_timeout(PATIENCE).unwrap();
    assert!(second.process.cpu_percent.is_some() && second.system.cpu_percent.is_some(), "{second:?}");
    drop(gauges);
    // The thread drops its sender when it ends.
    while machines.recv_timeout(PATIENCE).is_ok() {}
    assert_eq!(machines.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
}
