//! Many rows by units of bfloat16, the one in plain Rust among them.

use super::products::{Case, computes};
use super::*;
use crate::model::kernels::wide::{CELL, CELL_STEP, STEP, Wide};

fn units() -> impl Iterator<Item = (&'static str, &'static Wide)> {
    sets().iter().filter_map(|set| Some((set.tier().name(), set.wide.as_ref()?)))
}

/// The numbers of a panel, [rows][values], from where they should lie.
fn rows_of(panel: &[u16], n_rows: usize, n_steps: usize) -> Vec<f32> {
    let at = |r: usize, i: usize| (r / CELL * n_steps + i / STEP) * CELL_STEP + r % CELL * STEP + i % STEP;
    let number = |r: usize, i: usize| half::bf16::from_bits(panel[at(r, i)]).to_f32();
    (0..n_rows).flat_map(|r| (0..n_steps * STEP).map(move |i| number(r, i))).collect()
}

#[test]
fn panels_are_the_nearest_bfloat16s_of_each_type() {
    for (unit, wide) in units() {
        let mut chance = Chance(61);
        for ty in TYPES {
            let Some(unpack) = (wide.unpack)(ty) else { continue };
            let case = Case::new(&mut chance, ty, 768, 37);
            let row_bytes = ty.row_bytes(768).unwrap();
            for values in [0..768, 256..512, 512..768] {
                let n_steps = values.len() / STEP;
                let mut panel = vec![0xFFFF; 2 * n_steps * CELL_STEP];
                unsafe { unpack(&case.bytes, row_bytes, values.clone(), &mut panel) };
                let want: Vec<f32> = case.weights.chunks_exact(768).flat_map(|w| halved(&w[values.clone()])).collect();
                assert_eq!(rows_of(&panel, 37, n_steps), want, "{unit} {ty} {values:?}");
            }
        }
    }
}

#[test]
fn what_is_missing_of_a_step_or_a_block_is_zero() {
    for (unit, wide) in units() {
        let mut chance = Chance(67);
        for k in [1, 31, 33, 95] {
            let case = Case::new(&mut chance, GgmlType::BF16, k, 5);
            let n_steps = k.div_ceil(STEP);
            let mut panel = vec![0xFFFF; n_steps * CELL_STEP];
            unsafe { (wide.unpack)(GgmlType::BF16).unwrap()(&case.bytes, 2 * k, 0..k, &mut panel) };
            for (row, w) in rows_of(&panel, 5, n_steps).chunks_exact(n_steps * STEP).zip(case.weights.chunks_exact(k)) {
                assert!(row[..k] == *w && row[k..].iter().all(|x| *x == 0.0), "{unit} k={k}");
            }
            for n in [1, 16, 17, 32] {
                let x = chance.values(n * k);
                let mut block = vec![0xFFFF; n_steps * CELL_STEP];
                unsafe { (wide.pack)(&x, k, &mut block) };
                for t in 0..CELL {
                    for i in 0..n_steps * STEP {
                        let at = i / STEP * CELL_STEP + t / 16 * CELL_STEP / 2 + (i % STEP / 2 * 16 + t % 16) * 2 + i % 2;
                        let want = if t < n && i < k { half::bf16::from_f32(x[t * k + i]).to_f32() } else { 0.0 };
                        assert_eq!(half::bf16::from_bits(block[at]).to_f32(), want, "{unit} k={k} n={n} token {t} value {i}");
                    }
                }
            }
        }
    }
}

#[test]
fn cells_of_every_type_agree_with_f64() {
    for compute in computes().filter(|c| c.set().wide.is_some()) {
        let mut chance = Chance(71);
        for ty in TYPES {
            for (k, n_rows, m) in [(256, 1, 32), (512, 33, 49), (768, 64, 65)] {
                Case::new(&mut chance, ty, k, n_rows).check(&compute, &chance.values(m * k), m, ROUNDING);
            }
        }
    }
}

/// Rows too long to be unpacked at once, and more of them than one panel has.
#[test]
fn long_rows_and_many() {
    for compute in computes().filter(|c| c.set().wide.is_some()) {
        let mut chance = Chance(73);
        for ty in [GgmlType::Q4K, GgmlType::Q8_0, GgmlType::BF16] {
            Case::new(&mut chance, ty, 4352, 5).check(&compute, &chance.values(33 * 4352), 33, ROUNDING);
            Case::new(&mut chance, ty, 256, 2300).check(&compute, &chance.values(35 * 256), 35, ROUNDING);
        }
        Case::new(&mut chance, GgmlType::BF16, 2085, 40).check(&compute, &chance.values(40 * 2085), 40, ROUNDING);
    }
}

#[test]
fn a_pair_with_half_a_unit_and_some_rows_of_many() {
    for compute in computes().filter(|c| c.set().wide.is_some()) {
        let mut chance = Chance(79);
        // One of them has no unit in any set.
        let (gate, up) = (Case::new(&mut chance, GgmlType::F16, 256, 45), Case::new(&mut chance, GgmlType::BF16, 256, 45));
        let x = chance.values(40 * 256);
        let (g, u) = (gate.product(&compute, &x, 40), up.product(&compute, &x, 40));
        let mut prepared = Activations::new();
        compute.prepare(&mut prepared, &x, 40, &[gate.ty, up.ty]);
        let mut out = vec![0.0; 40 * 45];
        for (gate, up, g, u) in [(&gate, &up, &g, &u), (&up, &gate, &u, &g)] {
            compute.linear(&prepared, &[Linear::new(up.rows(), &prepared).gated(gate.rows())], &mut out, 45);
            for ((out, g), u) in out.iter().zip(g).zip(u) {
                let want = g / (1.0 + (-g).exp()) * u;
                // Rows of F16 are summed in another order here than where they are many.
                assert!((out - want).abs() <= 1e-4 * want.abs().max(1.0), "{out} is not {want}");
            }
        }
        let mut some = vec![0.0; 3 * 45];
        compute.linear(&prepared, &[Linear::new(up.rows(), &prepared).of_rows(35..38)], &mut some, 45);
        assert_eq!(some, u[35 * 45..38 * 45]);
    }
}
