//! Rows, parts of rows and columns reach their work once each, whatever their number.

use super::*;

#[test]
fn every_part_of_a_row_is_done_once() {
    let compute = Compute::new(sets()[0], 3);
    for (n_rows, width) in [(1, 1), (5, 100), (1, 4096), (3, 4097), (2, 20_000)] {
        let mut rows = vec![0.0; n_rows * width];
        compute.each_part(&mut rows, width, |r, part, values| {
            assert_eq!(values.len(), part.len());
            values.iter_mut().zip(part).for_each(|(x, at)| *x += (r * width + at) as f32 + 1.0);
        });
        assert!(rows.iter().enumerate().all(|(at, x)| *x == at as f32 + 1.0), "{n_rows} rows of {width}");
    }
}

#[test]
fn columns_come_with_their_part_of_the_state() {
    let compute = Compute::new(sets()[0], 3);
    for (n_rows, width, each, depth) in [(1, 1, 1, 1), (4, 96, 32, 3), (7, 50, 16, 2), (2, 10, 64, 0)] {
        let (mut rows, mut state) = (vec![0.0; n_rows * width], vec![0.0; width * depth]);
        compute.each_columns((&mut rows, width), each, &mut state, |columns, state, out| {
            assert_eq!(state.len(), columns.len() * depth);
            state.iter_mut().enumerate().for_each(|(i, s)| *s += (columns.start * depth + i) as f32 + 1.0);
            for r in 0..n_rows {
                out.row(r).iter_mut().zip(columns.clone()).for_each(|(x, at)| *x += (r * width + at) as f32 + 1.0);
            }
        });
        let counts = |values: &[f32]| values.iter().enumerate().all(|(at, x)| *x == at as f32 + 1.0);
        assert!(counts(&rows) && counts(&state), "{n_rows} rows of {width}, {each} at a time");
    }
}
