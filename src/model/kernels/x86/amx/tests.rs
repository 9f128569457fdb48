use super::emulated::Emulated;
use super::tiles::{ROW_BYTES, Tiles, Unit};
use super::{cells, probe};
use crate::model::kernels::wide::{CELL, CELL_STEP, Cells};

/// Numbers of a tile, and of the cells below: three steps and two panels.
const TILE: usize = 16 * 32;
const N_STEPS: usize = 3;

fn can_emulate() -> bool {
    super::emulated().is_some()
}

fn halves(x: impl Iterator<Item = f32>) -> Vec<u16> {
    x.map(|x| half::bf16::from_f32(x).to_bits()).collect()
}

/// A product of two tiles, added to 0.5.
unsafe fn product<T: Tiles>(rows: &[u16], pairs: &[u16]) -> Vec<f32> {
    let mut sums = vec![0.5f32; TILE / 2];
    unsafe {
        let mut tiles = T::begin();
        tiles.load::<1>(sums.as_ptr().cast(), ROW_BYTES);
        tiles.load::<2>(rows.as_ptr().cast(), ROW_BYTES);
        tiles.load::<3>(pairs.as_ptr().cast(), ROW_BYTES);
        tiles.add_product::<1, 2, 3>();
        tiles.store::<1>(sums.as_mut_ptr().cast(), ROW_BYTES);
        tiles.end();
    }
    sums
}

/// As the manual says: value 2 k of a row meets the first of pair k, 2 k + 1 the second.
#[test]
fn a_product_joins_values_and_pairs_in_their_order() {
    if !can_emulate() {
        return eprintln!("skipped: this processor lacks AVX-512 BF16");
    }
    let number = |i: usize| ((i * 37 + 11) % 61) as f32 - 30.0;
    let (rows, pairs) = (halves((0..TILE).map(number)), halves((0..TILE).map(|i| number(i + 7))));
    let got = unsafe { product::<Emulated>(&rows, &pairs) };
    for m in 0..16 {
        for n in 0..16 {
            let of = |k: usize| number(m * 32 + k) * number(k / 2 * 32 + 2 * n + k % 2 + 7);
            assert_eq!(got[m * 16 + n], 0.5 + (0..32).map(of).sum::<f32>(), "row {m} column {n}");
        }
    }
    assert!(probe::multiplies::<Emulated>());
}

#[test]
fn what_is_too_small_to_be_normal_counts_as_zero() {
    if !can_emulate() {
        return eprintln!("skipped: this processor lacks AVX-512 BF16");
    }
    // A bfloat16 of 2^-130 by one of 2^100, and two whose product is 2^-130.
    let tiny = half::bf16::from_bits(8);
    assert_eq!(tiny.to_f32(), 2f32.powi(-130));
    let first = |x: half::bf16| std::iter::once(x.to_bits()).chain(std::iter::repeat(0)).take(TILE).collect::<Vec<u16>>();
    let power = |n: i32| half::bf16::from_f32(2f32.powi(n));
    for (row, pair, want) in [(tiny, power(100), 0.0), (power(-70), power(-60), 0.0), (power(-60), power(-60), 2f32.powi(-120))] {
        let (rows, pairs) = (first(row), first(pair));
        let mut sums = [f32::NAN; TILE / 2];
        unsafe {
            let mut tiles = Emulated::begin();
            tiles.zero::<1>();
            tiles.load::<2>(rows.as_ptr().cast(), ROW_BYTES);
            tiles.load::<3>(pairs.as_ptr().cast(), ROW_BYTES);
            tiles.add_product::<1, 2, 3>();
            tiles.store::<1>(sums.as_mut_ptr().cast(), ROW_BYTES);
            tiles.end();
        }
        assert_eq!(sums[0], want, "{row} by {pair}");
    }
}

/// On a processor with the unit, tiles in plain Rust are its equal to the bit, product by product and through whole cells.
#[test]
fn the_unit_does_what_its_stand_in_does() {
    if !probe::works() {
        return eprintln!("skipped: this processor or system has no AMX");
    }
    compare();
}

/// The system's grant is for all threads, each has registers of its own, and what is in them outlasts a change of threads.
#[test]
fn every_thread_has_a_unit() {
    if !probe::works() {
        return eprintln!("skipped: this processor or system has no AMX");
    }
    let (rows, pairs) = (halves(std::iter::repeat_n(1.0, TILE)), halves(std::iter::repeat_n(1.0, TILE)));
    std::thread::scope(|scope| {
        for thread in 1..=4 {
            let (rows, pairs) = (&rows, &pairs);
            scope.spawn(move || {
                compare();
                let (mut sums, given) = ([f32::NAN; TILE / 2], [thread as f32; TILE / 2]);
                unsafe {
                    let mut tiles = Unit::begin();
                    tiles.load::<1>(given.as_ptr().cast(), ROW_BYTES);
                    tiles.load::<2>(rows.as_ptr().cast(), ROW_BYTES);
                    tiles.load::<3>(pairs.as_ptr().cast(), ROW_BYTES);
                    for _ in 0..100 {
                        std::thread::yield_now();
                        tiles.add_product::<1, 2, 3>();
                    }
                    tiles.store::<1>(sums.as_mut_ptr().cast(), ROW_BYTES);
                    tiles.end();
                }
                assert_eq!(sums, given.map(|first| first + 3200.0));
            });
        }
    });
}

/// Products of the unit and of its stand-in.
fn compare() {
    let number = |i: usize| (i as f32 * 0.7311).sin() * 3.0;
    let (rows, pairs) = (halves((0..2 * N_STEPS * CELL_STEP).map(number)), halves((0..N_STEPS * CELL_STEP).map(|i| number(i + 9))));
    assert_eq!(unsafe { product::<Unit>(&rows, &pairs) }, unsafe { product::<Emulated>(&rows, &pairs) });
    for n_tokens in [3, 16, 17, 32] {
        let cells = Cells { panel: &rows, tokens: &pairs, next: &pairs, n_steps: N_STEPS, n_tokens, stride: 2 * CELL + 16, add: true };
        let mut sums = vec![vec![0.25; CELL * cells.stride]; 2];
        unsafe {
            cells::products::<Unit>(&cells, &mut sums[0]);
            cells::products::<Emulated>(&cells, &mut sums[1]);
        }
        assert_eq!(sums[0], sums[1], "{n_tokens} tokens");
        assert_ne!(sums[0][0], 0.25);
    }
}
