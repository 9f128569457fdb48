//! What a model kept can be cut back to any position, and what follows is computed as if nothing had been cut: for every
//! file of golden/archs. Layers that keep a state go back to a copy of it.

use super::folder;
use ingle::gguf::Gguf;
use ingle::model::{Model, SMALL_BATCH, Session};
use ingle::protocol::{CacheType, LoadOptions};
use std::sync::atomic::AtomicBool;

/// Where a copy is kept, and to where sequences of the files' 48 tokens are cut.
const COPY_AT: usize = 17;
const CUTS: [usize; 7] = [47, 40, 31, 17, 16, 3, 0];
/// Sums over other groups of rows round otherwise.
const NMSE_MAX: f64 = 1e-9;

struct Run {
    model: Model,
    session: Session,
    n_vocab: usize,
    ids: Vec<u32>,
}

impl Run {
    /// Logits of the tokens from `from` on, as one chunk.
    fn rest(&mut self, from: usize, until: usize) -> Vec<f32> {
        let mut out = Vec::new();
        let ids = &self.ids[from..until];
        let mut emit = |_: usize, row: &[f32]| out.extend_from_slice(row);
        self.model.forward(&mut self.session, ids, 0..ids.len(), &AtomicBool::new(false), &mut emit).unwrap();
        out
    }
}

#[test]
fn every_model_goes_on_from_where_it_was_cut() {
    let (folder, options) = (
        folder("archs"),
        LoadOptions { n_ctx: 256, n_threads: 1, exact: true, cache_type_k: CacheType::F32, cache_type_v: CacheType::F32, ids_only: true },
    );
    let (mut n_cut, mut n_copied, mut wrong) = (0, 0, Vec::new());
    for (name, json) in super::archs::cases(&folder) {
        let file = Gguf::open(&folder.join(format!("{name}.gguf"))).unwrap();
        let model = Model::load(&file, &options).unwrap_or_else(|e| panic!("{}", e.report(&name)));
        let ids = json["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        let n_vocab = model.n_vocab();
        let mut run = Run { session: model.session(&options).unwrap(), model, n_vocab, ids };
        let n = run.ids.len();
        let whole = run.rest(0, n);
        run.session.truncate(0);
        run.rest(0, COPY_AT);
        run.session.snapshot();
        run.rest(COPY_AT, n);
        for cut in CUTS {
            let left = run.session.truncate(cut);
            if left > cut || (!run.session.needs_snapshots() && left != cut) || (left != cut && left != COPY_AT && left != 0) {
                wrong.push(format!("{name}: cut to {cut}, {left} are left"));
            }
            let error = super::archs::nmse(&run.rest(left, n), &whole[left * run.n_vocab..]);
            if error > NMSE_MAX {
                wrong.push(format!("{name}: from {left} on (cut to {cut}) NMSE {error:.1e}"));
            }
        }
        if run.session.needs_snapshots() { n_copied += 1 } else { n_cut += 1 }
    }
    eprintln!("golden/archs: {n_cut} models go on from any position, {n_copied} from a copy of their states");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(n_cut > 0);
}

/// Rows of passes: the most that speculation computes at once, and fewer.
const ROWS: [usize; 3] = [2, 5, SMALL_BATCH];
/// Longer than blocks of keys, and than the windows of most files.
const LONG: usize = 600;
const CHUNK: usize = 256;

/// What speculation stands on: whether tokens are computed one by one or a few together, and with guesses that are
/// forgotten again between them, their logits are the same to the bit.
#[test]
fn a_few_rows_are_computed_as_each_alone() {
    let (folder, options) = (folder("archs"), LoadOptions { n_ctx: 1024, n_threads: 2, ids_only: true, ..LoadOptions::default() });
    let (mut n_equal, mut wrong) = (0, Vec::new());
    for (name, json) in super::archs::cases(&folder) {
        let file = Gguf::open(&folder.join(format!("{name}.gguf"))).unwrap();
        let model = Model::load(&file, &options).unwrap_or_else(|e| panic!("{}", e.report(&name)));
        let session = model.session(&options).unwrap();
        if !session.can_undo() {
            continue;
        }
        let ids: Vec<u32> = json["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        let n = LONG.min(session.n_ctx());
        let ids: Vec<u32> = ids.iter().copied().cycle().take(n).collect();
        let n_vocab = model.n_vocab();
        let mut run = Run { session, model, n_vocab, ids };
        // The beginning as a prompt is read, then token by token.
        let from = n - 60;
        (0..from).step_by(CHUNK).for_each(|at| drop(run.rest(at, from.min(at + CHUNK))));
        let alone: Vec<f32> = (from..n).flat_map(|at| run.rest(at, at + 1)).collect();
        for rows in ROWS {
            assert_eq!(run.session.truncate(from), from, "{name}");
            let mut together = Vec::new();
            for at in (from..n).step_by(rows) {
                // A guess that turns out wrong.
                let end = n.min(at + rows);
                run.ids[at..end].rotate_left(1);
                run.rest(at, end);
                run.ids[at..end].rotate_right(1);
                assert_eq!(run.session.truncate(at), at, "{name}");
                together.extend(run.rest(at, end));
            }
            let differs = |(a, b): (&f32, &f32)| a.to_bits() != b.to_bits();
            if let Some(at) = alone.iter().zip(&together).position(differs) {
                wrong.push(format!("{name}: {rows} rows at once differ at position {}", from + at / n_vocab));
            }
        }
        n_equal += 1;
    }
    eprintln!("golden/archs: {n_equal} models compute a few rows as each alone");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(n_equal > 0);
}
