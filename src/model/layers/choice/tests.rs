use super::best::best;

fn chosen(scores: &[f32], n: usize) -> Vec<usize> {
    let mut heap = Vec::new();
    best(scores, n, &mut heap);
    heap.sort_unstable();
    heap
}

#[test]
fn the_best_scores_are_kept() {
    let scores: Vec<f32> = (0..100).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
    for n in [1, 2, 3, 16, 63, 99] {
        let mut order: Vec<usize> = (0..100).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let mut expected = order[..n].to_vec();
        expected.sort_unstable();
        assert_eq!(chosen(&scores, n), expected, "of 100 the best {n}");
    }
}

#[test]
fn no_more_are_kept_than_there_are() {
    assert_eq!(chosen(&[3.0, 1.0], 5), [0, 1]);
    assert!(chosen(&[], 5).is_empty());
}

/// What `std::partial_sort` keeps (libstdc++ 13), by which the reference chooses.
#[test]
fn of_equal_scores_the_same_are_kept_as_by_the_reference() {
    let scores = [0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 4.0, 0.0, 1.0];
    assert_eq!(chosen(&scores, 6), [1, 3, 4, 6, 9, 11]);
    assert_eq!(chosen(&scores, 8), [0, 1, 3, 4, 6, 7, 9, 11]);
}

#[test]
fn scores_that_are_no_numbers_do_no_harm() {
    assert_eq!(chosen(&[f32::NAN; 9], 4), [0, 1, 2, 3]);
}
