//! From places to entries.

use super::entry::ModelEntry;
use super::header_cache::{FileState, HeaderCache};
use super::places::{Listed, PLACES, Surroundings};
use super::splits;
use crate::gguf::{self, Gguf};
use crate::model::arch;
use crate::protocol::{GUIDE_NAME, ModelFacts, ModelRef, Report, Settings};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The guide's place: it lies in no folder.
const GUIDE_PLACE: &str = "ingle itself";
/// What a vision model's projector calls itself; it is a part of a model and none alone.
const PROJECTOR_ARCHITECTURE: &str = "clip";
const PROJECTOR_PREFIX: &str = "mmproj";

/// All models that are on this machine now.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// The guide first, then by place and name.
    pub entries: Vec<ModelEntry>,
}

impl Shelf {
    /// Looks everywhere. `header_cache` is a file for what was read, for the next time.
    pub fn scan(surroundings: &Surroundings, header_cache: Option<&Path>) -> Self {
        let mut headers = HeaderCache::open(header_cache);
        let mut entries = vec![guide()];
        let mut seen = HashSet::new();
        for place in PLACES {
            let mut roots = (place.roots)(surroundings);
            roots.retain(|root| root.is_dir() && seen_root(&mut seen, place.name, root));
            for listed in roots.iter().flat_map(|root| (place.list)(root)) {
                entries.extend(Candidate::from(place.name, listed).and_then(|candidate| candidate.entry(&mut seen, &mut headers)));
            }
        }
        headers.save();
        Self { entries }
    }
}

/// A sound file that this version cannot compute: said here, so that nobody waits for it to load.
fn unknown_architecture(facts: &ModelFacts) -> Option<Report> {
    if arch::TABLE.iter().any(|row| row.name == facts.architecture) {
        return None;
    }
    let known: Vec<_> = arch::TABLE.iter().map(|row| row.name).collect();
    let what = format!("{} is of the architecture {}, which this version does not know", facts.name, facts.architecture);
    Some(Report::new(what, format!("Take a model of {}", known.join(", "))).offender(&facts.architecture))
}

/// What was met before: by one road or another it is the same.
type Seen = HashSet<(Option<&'static str>, u64, u64)>;

/// One folder named by two variables is walked once a place.
fn seen_root(seen: &mut Seen, place: &'static str, root: &Path) -> bool {
    std::fs::metadata(root).is_ok_and(|metadata| {
        let state = FileState::of(&metadata);
        seen.insert((Some(place), state.device, state.inode))
    })
}

fn guide() -> ModelEntry {
    let file = gguf::guide();
    let (facts, problem) = match file {
        Ok(file) => (Some(gguf::facts(&file)), None),
        Err(error) => (None, Some(Report::from(error))),
    };
    ModelEntry {
        reference: ModelRef::Guide,
        name: GUIDE_NAME.to_owned(),
        origin: None,
        place: GUIDE_PLACE,
        quantization: facts.as_ref().map(|facts| facts.quantization.clone()).unwrap_or_default(),
        bytes: facts.as_ref().map_or(0, |facts| facts.file_bytes),
        facts,
        params: Settings::default(),
        problem,
    }
}

/// A listed file with the files that belong to it.
struct Candidate {
    place: &'static str,
    listed: Listed,
    /// All parts of a split model, else the file alone.
    files: Vec<PathBuf>,
}

impl Candidate {
    /// Nothing for projectors and for parts whose first part speaks for them.
    fn from(place: &'static str, mut listed: Listed) -> Option<Self> {
        if listed.name.get(..PROJECTOR_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PROJECTOR_PREFIX)) {
            return None;
        }
        let Some(part) = splits::part(&listed.name) else {
            let files = vec![listed.path.clone()];
            return Some(Self { place, listed, files });
        };
        let files = splits::siblings(&listed.path, &part);
        let first_there = files.iter().find(|file| file.exists());
        if first_there.is_some_and(|first| *first != listed.path) {
            return None;
        }
        listed.name = part.stem;
        Some(Self { place, listed, files })
    }

    fn entry(self, seen: &mut Seen, headers: &mut HeaderCache) -> Option<ModelEntry> {
        let path = &self.listed.path;
        let read = match std::fs::metadata(path) {
            Ok(metadata) => {
                let state = FileState::of(&metadata);
                if !seen.insert((None, state.device, state.inode)) {
                    return None;
                }
                self.facts(state, headers)
            }
            Err(error) => Err(Report::new(format!("{} cannot be read: {error}", path.display()), "Pull it again, or remove it")),
        };
        let (facts, problem) = match read {
            Ok(facts) if facts.architecture == PROJECTOR_ARCHITECTURE => return None,
            Ok(facts) => {
                let problem = unknown_architecture(&facts);
                (Some(facts), problem)
            }
            Err(problem) => (None, Some(problem)),
        };
        let bytes = self.files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|metadata| metadata.len()).sum();
        Some(ModelEntry {
            reference: ModelRef::File(self.listed.path),
            name: self.listed.name,
            origin: self.listed.origin,
            place: self.place,
            quantization: facts.as_ref().map(|facts| facts.quantization.clone()).unwrap_or_default(),
            bytes,
            facts,
            params: self.listed.params,
            problem,
        })
    }

    fn facts(&self, state: FileState, headers: &mut HeaderCache) -> Result<ModelFacts, Report> {
        let path = &self.listed.path;
        if let Some(why) = self.listed.unusable {
            return Err(Report::new(format!("{} cannot be run: {why}", self.listed.name), "Pull it as a GGUF file"));
        }
        if let Some(missing) = self.files.iter().find(|file| !file.exists()) {
            return Err(Report::new(format!("the part {} is missing", missing.display()), "Pull the model again"));
        }
        if let Some(facts) = headers.get(&state) {
            return Ok(facts);
        }
        let facts = gguf::facts(&Gguf::open(path)?);
        headers.put(state, facts.clone());
        Ok(facts)
    }
}
