//! Ollama's store: `manifests/HOST/NAMESPACE/MODEL/TAG` is JSON that names layers by digest; `blobs/sha256-HEX` holds them.

use super::{Listed, Surroundings, entries};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A manifest is about a kilobyte; a larger file is none.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Not said aloud: `llama3.2:1b` is what everybody calls registry.ollama.ai/library/llama3.2:1b.
const HOST: &str = "registry.ollama.ai";
const NAMESPACE: &str = "library";
const MODEL_LAYER: &str = "application/vnd.ollama.image.model";
const TENSOR_LAYER: &str = "application/vnd.ollama.image.tensor";

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
    let mut found = Vec::new();
    for (host, hosts) in entries(&root.join("manifests")) {
        for (namespace, namespaces) in entries(&hosts) {
            for (model, models) in entries(&namespaces) {
                for (tag, manifest) in entries(&models) {
                    let name = said_name(&host, &namespace, &model, &tag);
                    found.extend(read_manifest(&manifest).and_then(|manifest| listed(root, &name, &manifest)));
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
    let length = std::fs::metadata(path).ok().filter(|m| m.is_file())?.len();
    if length > MANIFEST_BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// The model's blob, if the manifest names one. A name from the file becomes a path only if it is a plain digest.
fn listed(root: &Path, name: &str, manifest: &Manifest) -> Option<Listed> {
    let layer = |kind: &str| manifest.layers.iter().find(|layer| layer.media_type.starts_with(kind));
    let (layer, unusable) = match (layer(MODEL_LAYER), layer(TENSOR_LAYER)) {
        (Some(model), _) => (model, None),
        (None, Some(tensors)) => (tensors, Some("its layers are single tensors, not a GGUF file")),
        (None, None) => return None,
    };
    let hex = layer.digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let path = root.join("blobs").join(format!("sha256-{hex}"));
    Some(Listed { path, name: name.to_owned(), origin: None, unusable })
}
