//! Arguments become a command or the screen. Nothing else.

fn main() -> std::process::ExitCode {
    ingle::cli::main(std::env::args_os())
}
