//! Everything a user would notice, through the real program. One binary, since each links the world again.

mod cli;
mod faults;
mod golden;
mod house;
mod prompt;
mod screen;
