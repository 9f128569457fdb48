//! Layers that keep no more than they look back at, far beyond it: golden files with a window of 8 and 48 tokens.

use super::*;

/// Rows of one pass, so that a window of 8 lies in a ring of 15.
const ROWS: usize = 7;

fn windowed() -> Vec<Golden> {
    let Some(folder) = std::env::var_os("INGLE_GOLDEN") else {
        eprintln!("windows: skipped, INGLE_GOLDEN is not set");
        return Vec::new();
    };
    let names = [
        "afmoe",
        "cohere2",
        "exaone4-32b",
        "gemma2",
        "gemma3",
        "gemma3n",
        "gemma4",
        "gemma4-moe",
        "gpt-oss",
        "gpt-oss-mxfp4",
        "laguna",
        "mimo2",
        "olmo2-swa",
    ];
    names.map(|name| read_golden(&PathBuf::from(&folder).join("archs"), name)).into()
}

/// A session whose windows hold the whole context, and one whose windows forget.
fn sessions(model: &Model, options: &LoadOptions) -> (Session, Session) {
    let (whole, forgetful) = (model.session(options).unwrap(), model.session_of(options, ROWS).unwrap());
    assert!(!whole.needs_snapshots() && forgetful.needs_snapshots());
    (whole, forgetful)
}

#[test]
fn a_window_sees_what_a_whole_cache_shows_it() {
    for golden in windowed() {
        for cache in [CacheType::F16, CacheType::Q8_0] {
            let options = options(cache, false);
            let mut model = Model::load(&golden.file, &options).unwrap();
            let (mut whole, mut forgetful) = sessions(&model, &options);
            for chunk in [ROWS, 3, 1] {
                whole.truncate(0);
                forgetful.truncate(0);
                let expected = run(&mut model, &mut whole, &golden.ids, chunk);
                assert!(run(&mut model, &mut forgetful, &golden.ids, chunk) == expected, "{} in chunks of {chunk}", golden.name);
            }
            let (all, window) = (model.ledger(&whole), model.ledger(&forgetful));
            assert!(window.kv < all.kv && window.kv_max < all.kv_max, "{} keeps {} of {}", golden.name, window.kv, all.kv);
        }
    }
}

#[test]
fn a_window_goes_back_as_far_as_it_holds_or_to_a_mark_or_to_the_beginning() {
    for golden in windowed() {
        let options = options(CacheType::F16, false);
        let mut model = Model::load(&golden.file, &options).unwrap();
        let (mut whole, mut session) = sessions(&model, &options);
        let expected = run(&mut model, &mut whole, &golden.ids, 1);
        let mut goes_on = |session: &mut Session, kept: usize, marked: Option<usize>| {
            for (i, id) in golden.ids.iter().enumerate().skip(kept) {
                if marked == Some(i) {
                    session.snapshot();
                }
                let row = run(&mut model, session, &[*id], 1);
                assert!(row == expected[i * golden.n_vocab..][..golden.n_vocab], "{}: position {i} after {kept}", golden.name);
            }
        };
        goes_on(&mut session, 0, None);
        // The last 15 positions are there, and a token looks back at 7.
        for (to, kept) in [(47, 47), (40, 40), (45, 45), (39, 0)] {
            assert_eq!(session.truncate(to), kept, "{} back to {to}", golden.name);
            goes_on(&mut session, kept, Some(17));
        }
        for (to, kept) in [(30, 17), (17, 17), (41, 41), (16, 0)] {
            assert_eq!(session.truncate(to), kept, "{} back to {to} with a mark at 17", golden.name);
            goes_on(&mut session, kept, None);
        }
    }
}
