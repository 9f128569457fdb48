//! What other programs answer for the same input.

mod archs;
mod channels;
mod damaged_models;
mod end_to_end;
mod hostile_files;
mod quants;
mod renderings;
mod second_opinion;
mod sequences;
mod token_ids;

use std::path::PathBuf;

/// A folder of golden data: what INGLE_GOLDEN names, whole, or else the chosen few files kept in this repository.
/// A test that goes without the whole says so by name.
pub fn folder(name: &str) -> PathBuf {
    match std::env::var_os("INGLE_GOLDEN") {
        Some(all) => PathBuf::from(all).join(name),
        None => {
            eprintln!("golden/{name}: INGLE_GOLDEN is not set, only the files in tests/golden/{name} are checked");
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
        }
    }
}

/// The beginning of a table, as `benches/golden.sh` shows it.
pub fn head(columns: &[&str]) {
    row(columns);
    println!("|{}", "---|".repeat(columns.len()));
}

pub fn row<T: AsRef<str>>(cells: &[T]) {
    println!("| {} |", cells.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" | "));
}
