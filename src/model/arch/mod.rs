//! One small file a family: metadata in, a [`Plan`] out. Nothing here computes or allocates by a declared number.
//!
//! To add a family: a file with a `plan` function that reads what the converter wrote, a row in [`TABLE`], and the
//! golden files that show it right. What needs a new mechanism gets a field in the plan, named for the mechanism.

mod header;
mod llama;

pub use header::{ArchError, Header};

use super::plan::Plan;

/// One architecture: `general.architecture`, and what reads its metadata.
pub struct Architecture {
    pub name: &'static str,
    pub plan: fn(&Header) -> Result<Plan, ArchError>,
}

pub const TABLE: &[Architecture] = &[Architecture { name: "llama", plan: llama::plan }];

/// Reads a file's metadata into the plan of its architecture.
pub fn plan(header: &Header) -> Result<Plan, ArchError> {
    let name = header.architecture()?;
    match TABLE.iter().find(|row| row.name == name) {
        Some(row) => (row.plan)(header),
        None => Err(ArchError::Unknown { name, known: TABLE.iter().map(|row| row.name).collect() }),
    }
}
