//! What only the system can do: the terminal and its return, signals, files that shrink under a map, limits of memory
//! and processors, kinds of disks, the pool of compute threads.
//!
//! Begin with [`terminal::Guard`]. Process-wide state (signal flags, the map table, the held terminal) lives here and
//! nowhere else. This room knows no text and no sequence: what is written to a terminal is handed in.

pub mod disk;
pub mod limits;
pub mod maps;
pub mod panics;
pub mod pool;
pub mod signals;
pub mod terminal;
#[cfg(test)]
mod tests;
#[cfg(any(test, all(target_os = "linux", target_arch = "x86_64")))]
pub mod trial;
