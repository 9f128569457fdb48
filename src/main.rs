//! Arguments become a command or the screen. Nothing else.

fn main() {}
