//! LM Studio: `PUBLISHER/MODEL/*.gguf` below a folder that its settings may move.

use super::Surroundings;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LmStudioSettings {
    downloads_folder: Option<PathBuf>,
}

pub(super) fn roots(s: &Surroundings) -> Vec<PathBuf> {
    let pointer = s.at_home(".lmstudio-home-pointer").and_then(|path| std::fs::read_to_string(path).ok());
    let pointed = pointer.map(|text| PathBuf::from(text.trim())).filter(|path| path.is_absolute());
    let usual = || [s.at_home(".lmstudio"), s.at_home(".cache/lm-studio")].into_iter().flatten().find(|path| path.is_dir());
    pointed.or_else(usual).map(|home| vec![models_folder(&home)]).unwrap_or_default()
}

fn models_folder(home: &Path) -> PathBuf {
    let settings = std::fs::read(home.join("settings.json")).ok();
    let settings: LmStudioSettings = settings.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    settings.downloads_folder.unwrap_or_else(|| home.join("models"))
}
