use super::*;

/// Values of a row as a plain transformer has them, beside its logits.
fn plain(d: usize, kv: usize, ff: usize) -> usize {
    let (residual_and_input, qkv, attended, input) = (2 * d, d + 2 * kv, d, ff);
    residual_and_input + qkv + attended + ff + input
}

#[test]
fn wide_models_take_fewer_rows_at_a_time() {
    let logits = HEAD_ROWS * 128_256;
    let rows = |row: usize| rows_max(row, logits);
    assert_eq!(rows(plain(2048, 512, 8192)), UBATCH, "a model of 1 billion weights");
    let of_8b = rows(plain(4096, 1024, 14_336));
    assert!((384..UBATCH).contains(&of_8b), "{of_8b}");
    let of_70b = rows(plain(8192, 1024, 28_672));
    assert!((160..of_8b).contains(&of_70b), "{of_70b}");
    for row in [1_000, 50_000, 150_000] {
        let n = rows(row);
        assert!(n.is_multiple_of(ROWS_STEP) && (n * row + logits) * size_of::<f32>() <= BYTES_MAX, "{n} rows of {row}");
    }
    assert_eq!(rows_max(10_000_000, logits), ROWS_STEP, "too wide for all of it");
    assert_eq!(rows_max(1_000, usize::MAX), ROWS_STEP);
}
