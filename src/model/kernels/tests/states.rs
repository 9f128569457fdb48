//! What one token does to a state, beside the same in f64, for heads of lengths around those of registers.

use super::*;

/// Numbers of keys and of values.
const SHAPES: [(usize, usize); 5] = [(1, 1), (16, 16), (12, 40), (128, 64), (64, 33)];

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

fn close(found: &[f32], want: &[f64], what: &str) {
    for (i, (found, want)) in found.iter().zip(want).enumerate() {
        assert!((f64::from(*found) - want).abs() <= 2e-5 * (1.0 + want.abs()), "{what}, value {i}: {found}, not {want}");
    }
}

/// The state that remains, and what it holds for `key`.
fn held(s: &[f64], turn: &Turn, key: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let n = turn.v.len();
    let remains = |i: usize| f64::from(turn.remains[i.min(turn.remains.len() - 1)]);
    let s: Vec<f64> = s.iter().enumerate().map(|(at, s)| s * remains(at / n)).collect();
    let found = read(&s, key, n);
    (s, found)
}

fn read(s: &[f64], key: &[f32], n: usize) -> Vec<f64> {
    (0..n).map(|j| key.iter().enumerate().map(|(i, k)| s[i * n + j] * f64::from(*k)).sum()).collect()
}

fn write(s: &mut [f64], key: &[f32], values: &[f64]) {
    for (row, k) in s.chunks_exact_mut(values.len()).zip(key) {
        row.iter_mut().zip(values).for_each(|(s, v)| *s += f64::from(*k) * v);
    }
}

#[test]
fn states_of_keys_and_values() {
    for set in sets() {
        let mut chance = Chance(47);
        for (n_keys, n) in SHAPES {
            for n_remains in [1, n_keys] {
                let (q, k, v, before) = (chance.values(n_keys), chance.values(n_keys), chance.values(n), chance.values(n_keys * n));
                let remains: Vec<f32> = chance.values(n_remains).iter().map(|x| x.abs()).collect();
                let turn = Turn { q: &q, k: &k, v: &v, remains: &remains };
                let (kept, found) = held(&wide(&before), &turn, &k);
                let [mut s, mut out] = [before.clone(), vec![1.0; n]];

                set.delta(&mut s, &turn, 0.7, &mut out);
                let change: Vec<f64> = wide(&v).iter().zip(&found).map(|(v, found)| f64::from(0.7f32) * (v - found)).collect();
                let mut want = kept.clone();
                write(&mut want, &k, &change);
                close(&s, &want, "delta's state");
                close(&out, &read(&want, &q, n), "delta");

                s.copy_from_slice(&before);
                set.write_and_read(&mut s, &turn, &mut out);
                let mut want = kept.clone();
                write(&mut want, &k, &wide(&v));
                close(&s, &want, "the written state");
                close(&out, &read(&want, &q, n), "what was read after writing");

                s.copy_from_slice(&before);
                set.read_and_write(&mut s, &turn, &mut out);
                close(&s, &want, "the state that was read first");
                close(&out, &read(&wide(&before), &q, n), "what was read before writing");
            }
        }
    }
}

#[test]
fn a_removal_key_takes_out_what_it_finds() {
    for set in sets() {
        let mut chance = Chance(53);
        for (n, n_values) in SHAPES {
            let [q, k, remains, removal, back] = [(); 5].map(|()| chance.values(n));
            let (v, before) = (chance.values(n_values), chance.values(n * n_values));
            let [mut s, mut out] = [before.clone(), vec![1.0; n_values]];
            set.remove(&mut s, &Removal { q: &q, k: &k, remains: &remains, removal: &removal, back: &back, v: &v }, &mut out);
            let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
            let mut want = wide(&before);
            for (row, v) in want.chunks_exact_mut(n).zip(&v) {
                let found = -dot(row, &wide(&removal));
                for j in 0..n {
                    row[j] = row[j] * f64::from(remains[j]) + f64::from(*v) * f64::from(k[j]) + found * f64::from(back[j]);
                }
            }
            close(&s, &want, "the state");
            close(&out, &want.chunks_exact(n).map(|row| dot(row, &wide(&q))).collect::<Vec<_>>(), "what was read");
        }
    }
}

#[test]
fn scans_by_heads_and_by_channels() {
    for set in sets() {
        let mut chance = Chance(59);
        for (n_state, n) in SHAPES {
            let (b, c, x, before) = (chance.values(n_state), chance.values(n_state), chance.values(n), chance.values(n * n_state));
            let (dt, a) = (chance.values(n), chance.values(n * n_state));
            for by_channel in [false, true] {
                let [mut s, mut out] = [before.clone(), vec![1.0; n]];
                match by_channel {
                    true => set.scan_channels(&mut s, &ChannelStep { a: &a, dt: &dt, x: &x, b: &b, c: &c }, &mut out),
                    false => set.scan_head(&mut s, 0.6, &x, [&b, &c], &mut out),
                }
                let mut want = wide(&before);
                for (at, s) in want.iter_mut().enumerate() {
                    let (i, dt) = (at / n_state, f64::from(dt[at / n_state]));
                    let (remains, step) = if by_channel { ((dt * f64::from(a[at])).exp(), dt) } else { (f64::from(0.6f32), 1.0) };
                    *s = *s * remains + step * f64::from(x[i]) * f64::from(b[at % n_state]);
                }
                close(&s, &want, "the state");
                let given = want.chunks_exact(n_state).map(|row| row.iter().zip(&c).map(|(s, c)| s * f64::from(*c)).sum());
                close(&out, &given.collect::<Vec<f64>>(), "what was read");
            }
        }
    }
}
