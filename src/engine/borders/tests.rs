use super::borders;

/// Turns of so many tokens each, their last one 9, and an opening of 3.
fn prompt(turns: &[usize]) -> Vec<u32> {
    let turn = |n: &usize| std::iter::repeat_n(1, n - 1).chain([9]);
    turns.iter().flat_map(turn).chain([1; 3]).collect()
}

fn of(turns: &[usize], reused: usize) -> Vec<usize> {
    borders(&prompt(turns), reused, |id| id == 9)
}

#[test]
fn the_last_turns_end_and_earlier_ones_that_are_far_enough_apart() {
    assert_eq!(of(&[300, 300, 300, 20], 0), [300, 600, 920]);
    assert_eq!(of(&[300, 300, 300, 20], 600), [920], "900 is too near");
    assert_eq!(of(&[20, 20], 20), [40]);
    assert_eq!(of(&[20, 20], 40), [0; 0], "it is where the prompt goes on");
    assert_eq!(of(&[300; 20], 0), [4500, 4800, 5100, 5400, 5700, 6000]);
}

#[test]
fn a_prompt_whose_turns_have_no_ends_stops_before_its_last_token() {
    assert_eq!(borders(&[1; 50], 0, |_| false), [49]);
    assert_eq!(borders(&[1; 50], 40, |_| false), [0; 0], "it is near the place where the prompt goes on");
    assert_eq!(borders(&[1; 1], 0, |_| false), [0; 0]);
    let mut far = prompt(&[300]);
    far.extend([1; 40]);
    assert_eq!(borders(&far, 0, |id| id == 9), [342], "what stands behind the turn is more than an opening");
}
