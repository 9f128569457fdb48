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
    let mut records = Vec::new();
    run(&options, &tests, |record| {
        records.push(record);
        Ok(())
    })
    .unwrap();
    assert_eq!(records.iter().map(|r| (r.n_prompt, r.n_gen, r.samples_ns.len())).collect::<Vec<_>>(), [(3, 0, 2), (0, 2, 2)]);
    assert!(records.iter().all(|r| r.avg_ts > 0.0 && r.model_size > 0));
}
