use super::*;

const NONE: [u32; 0] = [];

/// What a lookup guesses behind these ids.
fn guess(ids: &[u32], n: usize) -> Vec<u32> {
    Lookup::new(ids).guess(n)
}

#[test]
fn what_followed_the_same_ids_is_guessed() {
    assert_eq!(guess(&[], 3), NONE);
    assert_eq!(guess(&[1], 3), NONE);
    assert_eq!(guess(&[1, 2, 3, 4], 3), NONE, "no pair came twice");
    assert_eq!(guess(&[1, 2, 3, 4, 9, 1, 2], 3), [3, 4, 9]);
    // The longest agreement counts, of equal ones the newest.
    assert_eq!(guess(&[7, 1, 2, 3, 5, 1, 2, 4, 7, 1, 2], 1), [3]);
    assert_eq!(guess(&[5, 1, 2, 3, 6, 1, 2, 4, 7, 1, 2], 1), [4]);
}

#[test]
fn a_loop_is_guessed_beyond_its_end() {
    assert_eq!(guess(&[1, 2, 3, 1, 2], 7), [3, 1, 2, 3, 1, 2, 3]);
    assert_eq!(guess(&[4, 4, 4], 3), [4, 4, 4]);
}

#[test]
fn a_guess_that_comes_true_is_followed_and_one_that_does_not_is_left() {
    let mut lookup = Lookup::new(&[1, 2, 3, 4, 5, 6, 1, 2]);
    lookup.push(3);
    assert_eq!(lookup.guess(2), [4, 5]);
    lookup.push(9);
    assert_eq!(lookup.guess(2), NONE);
}

#[test]
fn chances_follow_what_came_true() {
    let first = |lookup: &Lookup| lookup.chances(1).next().unwrap();
    let mut lookup = Lookup::new(&[1, 2, 3].repeat(2));
    let expected = first(&lookup);
    for _ in 0..20 {
        [1, 2, 3].into_iter().for_each(|id| lookup.push(id));
    }
    assert!(first(&lookup) > 0.95 && first(&lookup) > expected, "{}", first(&lookup));
    assert_eq!(lookup.chances(7).count(), 7);

    // Each pair comes again, and something else behind it.
    let ids: Vec<u32> = (0..400).collect();
    let mut lookup = Lookup::new(&ids);
    for i in 0..150 {
        [2 * i, 2 * i + 1, 1000 + i].into_iter().for_each(|id| lookup.push(id));
    }
    [10, 11].into_iter().for_each(|id| lookup.push(id));
    assert!(first(&lookup) < 0.1, "{}", first(&lookup));
}

fn cost(figures: &[(usize, f64)]) -> PassCost {
    let mut cost = PassCost::default();
    figures.iter().for_each(|(rows, ms)| cost.took(*rows, *ms));
    cost
}

fn best(cost: &PassCost, chance: f64) -> usize {
    cost.best(std::iter::repeat_n(chance, DRAFT_MAX), 0.0).0
}

#[test]
fn so_many_are_drafted_as_pay() {
    let measured = cost(&[(1, 10.0), (2, 11.0), (4, 13.0), (8, 17.0)]);
    assert_eq!(best(&measured, 1.0), DRAFT_MAX);
    assert_eq!(best(&measured, 0.05), 0, "a row takes a tenth of a step");
    assert_eq!(best(&measured, 0.15), 1);
    let some = best(&measured, 0.6);
    assert!((2..DRAFT_MAX).contains(&some), "{some}");
    assert_eq!(measured.best(std::iter::empty(), 0.0).0, 0, "nothing to draft");
    let with_model = |ms_each| measured.best(std::iter::repeat_n(0.8, DRAFT_MAX), ms_each).0;
    assert!(with_model(0.0) > with_model(2.0) && with_model(2.0) > with_model(10.0), "guesses of a model take time");
    assert_eq!(with_model(10.0), 0);
    let dear = cost(&[(1, 10.0), (2, 20.0), (4, 40.0), (8, 80.0)]);
    assert_eq!(best(&dear, 1.0), 0, "rows cost as much as steps");
}

#[test]
fn nothing_is_drafted_before_a_step_was_measured_and_longer_passes_are_tried_one_after_the_other() {
    assert_eq!(best(&cost(&[]), 1.0), 0);
    assert_eq!(best(&cost(&[(1, 10.0)]), 1.0), 1);
    assert_eq!(best(&cost(&[(1, 10.0), (2, 10.5)]), 1.0), 3);
    assert_eq!(best(&cost(&[(1, 10.0), (2, 10.5), (4, 11.0)]), 1.0), DRAFT_MAX);
}

#[test]
fn what_did_not_pay_is_tried_again_and_steps_are_measured_between() {
    let mut dear = cost(&[(1, 10.0), (2, 30.0)]);
    let mut waited = 0;
    while best(&dear, 0.9) == 0 {
        dear.took(1, 10.0);
        waited += 1;
    }
    assert!((200..300).contains(&waited), "{waited}");
    let mut cheap = cost(&[(1, 10.0), (8, 11.0)]);
    let mut drafted = 0;
    while cheap.is_known() {
        assert_eq!(best(&cheap, 0.9), DRAFT_MAX);
        cheap.took(8, 11.0);
        drafted += 1;
    }
    assert!((30..100).contains(&drafted), "{drafted}");
}

/// A step that waited for something else neither starts nor stops drafting for long.
#[test]
fn one_slow_pass_says_little() {
    let mut cost = cost(&[(1, 10.0), (2, 11.0), (4, 12.0), (8, 14.0)]);
    cost.took(8, 1000.0);
    assert!(best(&cost, 0.95) > 1);
    cost.took(1, 1000.0);
    cost.took(1, 10.0);
    assert_eq!(best(&cost, 0.05), 0);
}
