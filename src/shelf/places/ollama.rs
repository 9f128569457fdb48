//! Ollama's store: `manifests/HOST/NAMESPACE/MODEL/TAG` is JSON that names layers by digest; `blobs/sha256-HEX` holds them.

use super::{Listed, Surroundings, entries};
use crate::protocol::{ModelRef, Scope, Settings, Value, find_setting};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A manifest is about a kilobyte; a larger file is none.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Not said aloud: `llama3.2:1b` is what everybody calls registry.ollama.ai/library/llama3.2:1b.
const HOST: &str = "registry.ollama.ai";
const NAMESPACE: &str = "library";
const MODEL_LAYER: &str = "application/vnd.ollama.image.model";
const TENSOR_LAYER: &str = "application/vnd.ollama.image.tensor";
const PARAMS_LAYER: &str = "application/vnd.ollama.image.params";
/// A dozen numbers and a few stop strings; a larger blob is something else.
const PARAMS_BYTES_MAX: u64 = 64 << 10;

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

pub(super) fn roots(s: &Surroundings) -> Vec<PathBuf> {
    [s.variable("OLLAMA_MODELS"), s.at_home(".ollama/models"), Some(PathBuf::from("/usr/share/ollama/.ollama/models"))]
        .into_iter()
        .flatten()
        .collect()
}

pub(super) fn list(root: &Path) -> Vec<Listed> {
    manifests(root).iter().filter_map(|(name, manifest)| listed(root, name, manifest)).collect()
}

/// Every manifest, with the name that Ollama says for it.
fn manifests(root: &Path) -> Vec<(String, Manifest)> {
    let mut found = Vec::new();
    for (host, hosts) in entries(&root.join("manifests")) {
        for (namespace, namespaces) in entries(&hosts) {
            for (model, models) in entries(&namespaces) {
                for (tag, manifest) in entries(&models) {
                    let name = said_name(&host, &namespace, &model, &tag);
                    found.extend(read_manifest(&manifest).map(|manifest| (name, manifest)));
                }
            }
        }
    }
    found
}

fn said_name(host: &str, namespace: &str, model: &str, tag: &str) -> String {
    let mut name = String::new();
    if host != HOST {
        name.push_str(host);
        name.push('/');
    }
    if namespace != NAMESPACE || host != HOST {
        name.push_str(namespace);
        name.push('/');
    }
    format!("{name}{model}:{tag}")
}

fn read_manifest(path: &Path) -> Option<Manifest> {
    read_json(path, MANIFEST_BYTES_MAX)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path, bytes_max: u64) -> Option<T> {
    let length = std::fs::metadata(path).ok().filter(|m| m.is_file())?.len();
    if length > bytes_max {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

impl Manifest {
    fn layer(&self, kind: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.media_type.starts_with(kind))
    }
}

impl Layer {
    /// A name from the file becomes a path only if it is a plain digest.
    fn blob(&self, root: &Path) -> Option<PathBuf> {
        let hex = self.digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
        Some(root.join("blobs").join(format!("sha256-{hex}")))
    }
}

/// What Ollama keeps beside a model: the settings that it recommends, those of them that ingle has.
fn params(root: &Path, manifest: &Manifest) -> Settings {
    let blob = manifest.layer(PARAMS_LAYER).and_then(|layer| layer.blob(root));
    let said: Option<BTreeMap<String, serde_json::Value>> = blob.and_then(|blob| read_json(&blob, PARAMS_BYTES_MAX));
    let setting = |(name, value): (String, serde_json::Value)| {
        let row = find_setting(&name).filter(|row| row.scope != Scope::Load)?;
        let value: Value = serde_json::from_value(value).ok()?;
        Some((row.name.to_owned(), row.check(value).ok()?))
    };
    Settings(said.into_iter().flatten().filter_map(setting).collect())
}

/// The same for a model that is known by its path alone: a blob of a store, named by the first manifest that has it.
pub fn params_beside(reference: &ModelRef) -> Settings {
    let ModelRef::File(path) = reference else { return Settings::default() };
    let root = path.parent().filter(|folder| folder.ends_with("blobs")).and_then(Path::parent);
    let Some(root) = root else { return Settings::default() };
    let found = manifests(root).into_iter().find_map(|(_, manifest)| {
        let is_it = manifest.layer(MODEL_LAYER).and_then(|layer| layer.blob(root)).is_some_and(|blob| blob == *path);
        is_it.then(|| params(root, &manifest))
    });
    found.unwrap_or_default()
}

/// The model's blob, if the manifest names one.
fn listed(root: &Path, name: &str, manifest: &Manifest) -> Option<Listed> {
    let (layer, unusable) = match (manifest.layer(MODEL_LAYER), manifest.layer(TENSOR_LAYER)) {
        (Some(model), _) => (model, None),
        (None, Some(tensors)) => (tensors, Some("its layers are single tensors, not a GGUF file")),
        (None, None) => return None,
    };
    Some(Listed { path: layer.blob(root)?, name: name.to_owned(), origin: None, unusable, params: params(root, manifest) })
}
