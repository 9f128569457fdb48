//! What a file is that is no GGUF: people rename and download all sorts of things.

use super::error::Fault;

/// How a kind of file begins, what it is, and what to do.
const KINDS: &[(&[u8], &str, &str)] = &[
    (b"version https://git-lfs", "a Git LFS pointer", "it only names the real file, fetch that with `git lfs pull`"),
    (b"<!DOCTYPE", "an HTML page", DOWNLOAD_THE_FILE),
    (b"<!doctype", "an HTML page", DOWNLOAD_THE_FILE),
    (b"<html", "an HTML page", DOWNLOAD_THE_FILE),
    (b"<HTML", "an HTML page", DOWNLOAD_THE_FILE),
    (b"ggml", OLD_GGML, CONVERT),
    (b"lmgg", OLD_GGML, CONVERT),
    (b"fmgg", OLD_GGML, CONVERT),
    (b"tjgg", OLD_GGML, CONVERT),
    (b"algg", OLD_GGML, CONVERT),
    (b"ggjt", OLD_GGML, CONVERT),
    (b"ggmf", OLD_GGML, CONVERT),
    (b"ggla", OLD_GGML, CONVERT),
    (b"PK\x03\x04", "a zip archive or PyTorch checkpoint", CONVERT),
    (b"\x80\x02", "a Python pickle", CONVERT),
    (b"\x80\x04", "a Python pickle", CONVERT),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
];
const OLD_GGML: &str = "a GGML file older than GGUF";
const CONVERT: &str = "convert the model to GGUF";
const DOWNLOAD_THE_FILE: &str = "download the model itself, not the page about it";

/// Bytes of an unknown beginning that are shown.
const SHOWN_BYTES: usize = 4;

/// Says what stands where `GGUF` should.
pub(super) fn fault(bytes: &[u8]) -> Fault {
    let kind = KINDS.iter().find(|(begin, ..)| bytes.starts_with(begin));
    if let Some(&(_, found, remedy)) = kind {
        return Fault::Magic { found: found.to_owned(), remedy };
    }
    if is_safetensors(bytes) {
        return Fault::Magic { found: "a safetensors file".to_owned(), remedy: CONVERT };
    }
    let begin = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    let found = format!("\"{}\" at its beginning", begin.escape_ascii());
    Fault::Magic { found, remedy: "check that it is a GGUF model, or pull it again" }
}

/// A length in 8 bytes, then JSON of that length.
fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(8..10).is_some_and(|b| b == b"{\"" || b == b"{ ")
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn what_else_it_may_be_is_named() {
        for (bytes, word) in [
            (&b"version https://git-lfs.github.com/spec/v1\n"[..], "LFS"),
            (b"<!DOCTYPE html><html>", "HTML"),
            (b"tjgg\x03\0\0\0", "GGML"),
            (b"\x10\0\0\0\0\0\0\0{\"a\":1}", "safetensors"),
            (b"PK\x03\x04....", "zip"),
            (b"\x80\x02}q", "pickle"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"\x1b[2J", "\\x1b[2J"),
            (b"", "\"\""),
        ] {
            let said = fault(bytes).to_string();
            assert!(said.contains(word), "{said}");
        }
    }
}
