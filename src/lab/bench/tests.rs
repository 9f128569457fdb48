use super::*;

#[test]
fn tests_are_named_as_llama_bench_names_them() {
    let name = |n_prompt, n_gen, n_depth| Test { n_prompt, n_gen, n_depth }.name();
    assert_eq!(name(512, 0, 0), "pp512");
    assert_eq!(name(0, 128, 4096), "tg128 @ d4096");
    assert_eq!(name(512, 128, 0), "pp512+tg128");
}

#[test]
fn deviation_is_that_of_a_sample() {
    assert_eq!(mean_and_deviation(&[]), (0.0, 0.0));
    assert_eq!(mean_and_deviation(&[3.0]), (3.0, 0.0));
    assert_eq!(mean_and_deviation(&[2.0, 4.0]), (3.0, 2f64.sqrt()));
}

#[test]
fn a_record_has_one_sample_a_repetition() {
    let options = BenchOptions {
        model: ModelRef::Guide,
        n_threads: 1,
        type_k: CacheType::F16,
        type_v: CacheType::F16,
        repetitions: 2,
        warmup: false,
    };
    let tests = [Test { n_prompt: 3, n_gen: 0, n_depth: 2 }, Test { n_prompt: 0, n_gen: 2, n_depth: 0 }];
    let machine = Machine::this();
    let mut records = Vec::new();
    run(&options, &tests, (&machine, &LIMITS), |record| {
        records.push(record);
        Ok(())
    })
    .unwrap();
    assert_eq!(records.iter().map(|r| (r.n_prompt, r.n_gen, r.samples_ns.len())).collect::<Vec<_>>(), [(3, 0, 2), (0, 2, 2)]);
    assert!(records.iter().all(|r| r.avg_ts > 0.0 && r.model_size > 0 && r.machine == machine));
    // A prompt reads weights once, two tokens twice, the head once for each of both.
    assert!(records[1].weight_bytes > records[0].weight_bytes && records[0].n_ops > records[1].n_ops / 2);
}

const LIMITS: Limits = Limits { n_threads: 1, read_gbs: 10.0, int8_gops: Some(100.0), f32_gflops: None, bf16_gflops: None };

/// A second's record: a decode of one token where nothing else is said.
fn record() -> Record {
    let work = Work { weight_bytes: 7_000_000_000, cached_bytes: 1_000_000_000, n_ops: 14_000_000_000, n_float_ops: 0, n_bf16_ops: 0 };
    Record { n_gen: 1, avg_ns: 1_000_000_000, ..Record::default() }.with(work, &LIMITS)
}

#[test]
fn the_nearest_limit_is_said() {
    let of = |record: Record| record.nearest().map(|(bound, part)| (bound, (part * 100.0).round()));
    assert_eq!(of(record()), Some((Bound::Memory, 80.0)));
    assert_eq!(of(Record { n_ops: 90_000_000_000, ..record() }), Some((Bound::Int8, 90.0)));
    let floats = Record { n_ops: 0, n_float_ops: 95_000_000_000, ..record() };
    assert_eq!(of(Record { limit_f32_gflops: Some(100.0), ..floats.clone() }), Some((Bound::F32, 95.0)));
    let tiles = Record { n_ops: 30_000_000_000, n_bf16_ops: 60_000_000_000, limit_bf16_gflops: Some(100.0), ..record() };
    assert_eq!(of(tiles), Some((Bound::Bf16, 90.0)), "two kinds of products need the time of both");
    assert_eq!(of(floats), Some((Bound::Memory, 80.0)), "a rate that is not known bounds nothing");
    assert_eq!(of(Record::default()), None);
}

#[test]
fn results_are_kept_and_found_again() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("bench");
    let mut store = Store::open(&folder);
    assert!(store.records().is_empty());
    let slow = Record { avg_ts: 1.0, model_fingerprint: "a".to_owned(), ..record() };
    let other = Record { avg_ts: 3.0, n_depth: 7, ..slow.clone() };
    store.keep(slow.clone()).unwrap();
    store.keep(other.clone()).unwrap();
    std::fs::OpenOptions::new()
        .append(true)
        .open(folder.join("results.jsonl"))
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"{\"cut"))
        .unwrap();

    let store = Store::open(&folder);
    assert_eq!(store.records(), [slow.clone(), other.clone()]);
    assert_eq!(store.n_unreadable(), 1);
    let fast = Record { avg_ts: 2.0, ..slow.clone() };
    assert_eq!(store.before(2, &fast), Some(&slow));
    assert_eq!(store.before(0, &fast), None);
    assert_eq!(store.before(2, &Record { type_k: "q8_0".to_owned(), ..fast }), None);
}

#[test]
fn the_best_that_a_machine_was_seen_to_reach_stays() {
    let home = tempfile::tempdir().unwrap();
    let machine = Machine::this();
    let best = |measured: &[Limits]| {
        let (best, kept) = Store::open(home.path()).best(&machine, measured);
        kept.unwrap();
        best
    };
    assert_eq!(best(&[LIMITS]), [LIMITS]);
    let disturbed = Limits { read_gbs: 5.0, int8_gops: Some(120.0), ..LIMITS };
    let two = Limits { n_threads: 2, ..LIMITS };
    assert_eq!(best(&[disturbed, two]), [Limits { int8_gops: Some(120.0), ..LIMITS }, two]);
}
