use super::*;

#[test]
fn the_arguments_are_sound() {
    Cli::command().debug_assert();
}
