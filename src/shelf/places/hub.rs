//! The Hugging Face hub's cache, which llama.cpp and mistral.rs write too:
//! `models--ORG--NAME/{blobs, refs/main, snapshots/COMMIT/...}`, where snapshots link into blobs.

use super::{DEPTH_MAX, Listed, Surroundings, entries};
use crate::shelf::splits;
use std::path::{Path, PathBuf};

/// All of these may exist and are looked at; the first that is set is where a download would go.
pub(super) fn roots(s: &Surroundings) -> Vec<PathBuf> {
    [
        s.variable("LLAMA_CACHE"),
        s.variable("HF_HUB_CACHE"),
        s.variable("HUGGINGFACE_HUB_CACHE"),
        s.variable("HF_HOME").map(|home| home.join("hub")),
        s.variable("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")),
        s.at_home(".cache/huggingface/hub"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn list(root: &Path) -> Vec<Listed> {
    let mut found = Vec::new();
    for (folder, path) in entries(root) {
        let Some(repository) = folder.strip_prefix("models--").map(|name| name.replacen("--", "/", 1)) else { continue };
        // The newest commit's names win over those of older ones that link to the same blobs.
        let current = std::fs::read_to_string(path.join("refs/main")).unwrap_or_default();
        let mut snapshots = entries(&path.join("snapshots"));
        snapshots.sort_by_key(|(commit, _)| commit != current.trim());
        for (_, snapshot) in snapshots {
            walk(&snapshot, &repository, DEPTH_MAX, &mut found);
        }
    }
    found
}

fn walk(folder: &Path, repository: &str, depth: usize, found: &mut Vec<Listed>) {
    for (name, path) in entries(folder) {
        if let Some(stem) = splits::stem(&name) {
            found.push(Listed::file(path.clone(), stem, Some(repository.to_owned())));
        } else if depth > 1 && path.is_dir() {
            walk(&path, repository, depth - 1, found);
        }
    }
}
