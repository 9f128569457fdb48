//! The model inside the program.

use super::error::GgufError;
use super::file::Gguf;
use crate::protocol::GUIDE_NAME;

/// Its whole file: the linker lays it beside the code, so it is mapped like any other and paid for page by page.
static BYTES: &[u8] = include_bytes!("../../assets/guide/guide.gguf");

/// The guide, validated like any file.
pub fn guide() -> Result<Gguf, GgufError> {
    Gguf::from_static(GUIDE_NAME, BYTES)
}
