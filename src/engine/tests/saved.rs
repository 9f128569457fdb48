//! What models have read of conversations, after a restart.

use super::reuse::{ask, conversation, files, prompt};
use super::*;

const PLENTY: u64 = 1 << 30;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("states")
    }

    /// An ingle that begins.
    fn start(&self, bytes_max: u64) -> Bench {
        Bench::with(Some(StatesOptions { folder: self.folder(), bytes_max }))
    }

    fn pieces(&self) -> Vec<PathBuf> {
        let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()).collect::<Vec<_>>();
        let mut files: Vec<PathBuf> = entries(&self.folder()).iter().flat_map(|folder| entries(folder)).collect();
        files.sort();
        files
    }

    /// Waits until a piece is there that ends behind so many tokens.
    fn wait_for(&self, end: usize) {
        let begun = pace::now();
        let name = format!("-{end}.kv");
        while !self.pieces().iter().any(|path| path.to_string_lossy().ends_with(&name)) {
            assert!(pace::now() - begun < PATIENCE, "{:?} has nothing up to {end}", self.pieces());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Two turns in one ingle, all of it saved. What was said, with a third question.
fn two_turns(place: &Place, file: &Path, cache: CacheType) -> Vec<u32> {
    let mut bench = place.start(PLENTY);
    let model = bench.load_cached(file.to_owned(), 1024, cache);
    let mut said = prompt(1, 300);
    for _ in 0..2 {
        let (answer, _) = ask(&mut bench, model, conversation(1), &said);
        said.extend(answer);
        place.wait_for(said.len());
        said.extend([3, 1, 4, 1, 5]);
    }
    said
}

/// The answer of an ingle that keeps nothing.
fn fresh(file: &Path, cache: CacheType, ids: &[u32]) -> Vec<u32> {
    let mut bench = Bench::new();
    let model = bench.load_cached(file.to_owned(), 1024, cache);
    ask(&mut bench, model, None, ids).0
}

#[test]
fn a_conversation_goes_on_after_a_restart_as_if_there_had_been_none() {
    for file in files() {
        for cache in [CacheType::F16, CacheType::Q8_0] {
            let place = Place::new();
            let said = two_turns(&place, &file, cache);
            let mut bench = place.start(PLENTY);
            let model = bench.load_cached(file.clone(), 1024, cache);
            let (answer, reused) = ask(&mut bench, model, conversation(1), &said);
            let about = format!("{} {cache:?}", file.display());
            assert_eq!((&answer, reused), (&fresh(&file, cache, &said), said.len() as u32 - 5), "{about}");
            // An edit of the second question goes back to the end of the first answer, or a little further on.
            let edited = [&said[..310], &[2; 40]].concat();
            let (answer, reused) = ask(&mut bench, model, conversation(1), &edited);
            assert!((308..=310).contains(&reused), "{about}: {reused}");
            assert_eq!(answer, fresh(&file, cache, &edited), "{about}");
        }
    }
}

#[test]
fn states_of_another_setup_are_not_taken() {
    let (place, file) = (Place::new(), golden("llama"));
    let said = two_turns(&place, &file, CacheType::F16);
    let other = place.0.path().join("other.gguf");
    std::fs::copy(&file, &other).unwrap();
    let changed = std::fs::File::options().append(true).open(&other).unwrap();
    changed.set_modified(std::fs::metadata(&file).unwrap().modified().unwrap() + Duration::from_secs(1)).unwrap();
    for (file, cache) in [(file, CacheType::Q8_0), (other, CacheType::F16)] {
        let mut bench = place.start(PLENTY);
        let model = bench.load_cached(file.clone(), 1024, cache);
        assert_eq!(ask(&mut bench, model, conversation(1), &said), (fresh(&file, cache, &said), 0));
    }
}

#[test]
fn a_damaged_piece_is_computed_again_and_saved_again() {
    for file in files() {
        let place = Place::new();
        let said = two_turns(&place, &file, CacheType::F16);
        let expected = fresh(&file, CacheType::F16, &said);
        let whole: Vec<_> = place.pieces().into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
        for (bytes, path) in &whole {
            let mut flipped = bytes.clone();
            flipped[bytes.len() * 2 / 3] ^= 4;
            for damaged in [&flipped[..], &bytes[..bytes.len() / 2], &[]] {
                // Nothing that was saved in its place before.
                place.pieces().iter().for_each(|path| std::fs::remove_file(path).unwrap());
                whole.iter().for_each(|(bytes, path)| std::fs::write(path, bytes).unwrap());
                std::fs::write(path, damaged).unwrap();
                let mut bench = place.start(PLENTY);
                let model = bench.load_cached(file.clone(), 1024, CacheType::F16);
                let (answer, reused) = ask(&mut bench, model, conversation(1), &said);
                assert_eq!(answer, expected, "{}", file.display());
                assert!(reused < said.len() as u32 - 5, "{}", file.display());
                place.wait_for(said.len() + answer.len());
                assert_ne!(std::fs::read(path).ok().as_deref(), Some(damaged), "it is not left as it was");
            }
        }
    }
}

#[test]
fn what_is_forgotten_is_gone_from_memory_and_disk() {
    let (place, file) = (Place::new(), golden("llama"));
    let said = two_turns(&place, &file, CacheType::F16);
    let mut bench = place.start(PLENTY);
    let model = bench.load_file(file, 1024);
    let other = prompt(7, 100);
    let (answer, _) = ask(&mut bench, model, conversation(2), &other);
    place.wait_for(other.len() + answer.len());
    ask(&mut bench, model, conversation(1), &said);
    let job = bench.send(|job| Command::Forget { job, conversation: conversation(1).unwrap() });
    bench.until_end(job);
    // The folder goes behind what is on its way to it.
    let begun = pace::now();
    while std::fs::read_dir(place.folder()).unwrap().count() > 1 {
        assert!(pace::now() - begun < PATIENCE, "{:?}", place.pieces());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(ask(&mut bench, model, conversation(3), &said).1, 0);
    let goes_on = [other, answer, vec![4; 20]].concat();
    assert_eq!(ask(&mut bench, model, conversation(2), &goes_on).1, 108, "the other one is as it was");
}

#[test]
fn nothing_is_kept_of_what_is_no_conversation_or_where_there_is_no_room() {
    let (place, file) = (Place::new(), golden("llama"));
    for (bytes_max, of) in [(PLENTY, None), (0, conversation(1)), (1_000, conversation(1))] {
        let mut bench = place.start(bytes_max);
        let model = bench.load_file(file.clone(), 1024);
        ask(&mut bench, model, of, &prompt(1, 100));
        let shutdown = bench.send(|job| Command::Shutdown { job });
        bench.until_end(shutdown);
        assert!(place.pieces().is_empty(), "{:?}", place.pieces());
    }
}
