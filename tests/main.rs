//! Everything a user would notice, through the real program. One binary, since each links the world again.

mod cli;
mod dice;
mod faults;
mod fuzz;
mod golden;
mod house;
mod prompt;
mod pty;
mod screen;
