//! Folders of `*.gguf` files: loose ones, and those of programs that do no more than that.

use super::{DEPTH_MAX, FILES_MAX, Listed, Surroundings, entries};
use crate::shelf::splits;
use std::path::{Path, PathBuf};

pub(super) fn llama_cpp_roots(s: &Surroundings) -> Vec<PathBuf> {
    [s.variable("LLAMA_CACHE"), s.at_home(".cache/llama.cpp"), s.at_home("Library/Caches/llama.cpp")].into_iter().flatten().collect()
}

pub(super) fn gpt4all_roots(s: &Surroundings) -> Vec<PathBuf> {
    [".local/share/nomic.ai/GPT4All", "Library/Application Support/nomic.ai/GPT4All", ".cache/gpt4all"]
        .into_iter()
        .filter_map(|path| s.at_home(path))
        .collect()
}

/// Files at any depth that a person would lay out by hand.
pub(super) fn list(root: &Path) -> Vec<Listed> {
    let mut found = Vec::new();
    walk(root, root, DEPTH_MAX, &mut found);
    found
}

/// Files in the folder itself.
pub(super) fn list_shallow(root: &Path) -> Vec<Listed> {
    let mut found = Vec::new();
    walk(root, root, 1, &mut found);
    found
}

/// `depth` bounds the recursion, and with it links that lead in a circle.
fn walk(root: &Path, folder: &Path, depth: usize, found: &mut Vec<Listed>) {
    for (name, path) in entries(folder) {
        if found.len() >= FILES_MAX || name.starts_with('.') {
            continue;
        }
        if let Some(stem) = splits::stem(&name) {
            let below = folder.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty());
            found.push(Listed::file(path.clone(), stem, below.map(|below| below.to_string_lossy().into_owned())));
        } else if depth > 1 && path.is_dir() {
            walk(root, &path, depth - 1, found);
        }
    }
}
