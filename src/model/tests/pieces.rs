//! What a session keeps, taken out in pieces and put into another one: golden files of each kind of cache.

use super::*;

/// Attention, windows, latent rows, rows of blocks, states, and mixtures of them.
const NAMES: &[&str] =
    &["llama", "gemma3", "gpt-oss", "deepseek2", "deepseek4", "mamba", "rwkv7", "qwen3next", "falcon-h1", "lfm2", "kimi-linear"];
/// Rows of one pass, so that a window of 8 forgets.
const ROWS: usize = 7;
const BORDERS: [usize; 3] = [9, 17, 31];
const LEN: usize = 40;
/// Tokens of a piece where only rows are kept.
const PIECE: usize = 10;

fn each(test: impl Fn(&Golden, &mut Model, Session)) {
    let Some(folder) = std::env::var_os("INGLE_GOLDEN") else {
        eprintln!("pieces: skipped, INGLE_GOLDEN is not set");
        return;
    };
    for name in NAMES {
        let golden = read_golden(&PathBuf::from(&folder).join("archs"), name);
        for cache in [CacheType::F16, CacheType::Q8_0] {
            let options = options(cache, false);
            let mut model = Model::load(&golden.file, &options).unwrap();
            for rows_max in [UBATCH, ROWS] {
                let session = model.session_of(&options, rows_max).unwrap();
                test(&golden, &mut model, session);
            }
        }
    }
}

/// Goes on to `until`, with copies at the borders; the logits of each position.
fn go_on(golden: &Golden, model: &mut Model, session: &mut Session, until: usize) -> Vec<Vec<f32>> {
    let mut out = Vec::new();
    for at in session.len()..until {
        if BORDERS.contains(&at) {
            session.snapshot();
        }
        out.push(run(model, session, &golden.ids[at..=at], 1));
    }
    out
}

fn pieces(session: &Session) -> Vec<(usize, Vec<u8>)> {
    let (mut from, mut out) = (0, Vec::new());
    while from < session.len() {
        let end = session.piece_end(from, PIECE);
        let mut piece = Vec::new();
        session.piece(&(from..end), &mut piece).unwrap();
        assert_eq!(piece.len(), session.piece_bytes(&(from..end)));
        out.push((end, piece));
        from = end;
    }
    out
}

#[test]
fn a_session_goes_on_from_pieces_of_another() {
    each(|golden, model, mut session| {
        let expected = go_on(golden, model, &mut session, golden.ids.len());
        session.truncate(0);
        go_on(golden, model, &mut session, LEN);
        let mut other = model.another(&session).unwrap();
        for (end, piece) in pieces(&session) {
            assert!(!other.arrive(&golden.ids[other.len()..end], &piece[1..]), "{}: a cut piece", golden.name);
            assert!(other.arrive(&golden.ids[other.len()..end], &piece), "{}: to {end}", golden.name);
        }
        assert_eq!((other.ids(), other.len()), (session.ids(), LEN));
        // To the end, and from places before it once more: the nearest that is kept, or that very place.
        for back in [LEN, 35, 31, 20, 5] {
            let kept = other.kept_of(back);
            let left = other.truncate(back);
            assert!(left >= kept && left <= back, "{}: {left} left of {back}", golden.name);
            assert!(go_on(golden, model, &mut other, golden.ids.len()) == expected[left..], "{}: from {left} on", golden.name);
        }
    });
}

#[test]
fn a_session_takes_over_a_part_of_another() {
    each(|golden, model, mut session| {
        let expected = go_on(golden, model, &mut session, golden.ids.len());
        for len in [LEN, 33, 17, 8] {
            let mut other = model.another(&session).unwrap();
            let left = other.take_over(&session, len);
            assert!(left >= session.kept_of(len) && left <= len, "{}: {left} left of {len}", golden.name);
            assert!(go_on(golden, model, &mut other, golden.ids.len()) == expected[left..], "{}: from {left} on", golden.name);
        }
        let left = session.truncate(LEN);
        assert!(go_on(golden, model, &mut session, golden.ids.len()) == expected[left..], "{}: the first one is as it was", golden.name);
    });
}

#[test]
fn copies_are_spread_over_a_long_sequence() {
    let Some(folder) = std::env::var_os("INGLE_GOLDEN") else { return };
    let golden = read_golden(&PathBuf::from(&folder).join("archs"), "mamba");
    let options = options(CacheType::F16, false);
    let mut model = Model::load(&golden.file, &options).unwrap();
    let mut session = model.session(&options).unwrap();
    for at in 0..40 {
        session.snapshot();
        run(&mut model, &mut session, &golden.ids[at..=at], 1);
    }
    let kept: Vec<usize> = (0..40).filter(|at| session.kept_of(*at) == *at && *at > 0).collect();
    assert_eq!(kept.len(), 8);
    assert_eq!(kept[7], 39);
    assert!(kept[0] <= 10, "an early turn has a copy near it: {kept:?}");
}
