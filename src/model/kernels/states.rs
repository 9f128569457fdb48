//! One token of one head of a recurrent layer: its state decays, is written to and read. Compiled for each tier as the
//! functions over rows are, by [`state_functions`].

use super::float::{W, exp, fma, total};
use super::set::KernelSet;

/// Columns of a state that are held in registers together.
const COLUMNS: usize = 2 * W;

/// What one token does to a state of keys and values, [key][value].
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    /// [n_keys] each.
    pub q: &'a [f32],
    pub k: &'a [f32],
    /// [n_values]
    pub v: &'a [f32],
    /// What remains of each key's values, or of all.
    pub remains: &'a [f32],
}

/// What one token does to a state that takes out what a removal key finds before it writes, [value][key].
#[derive(Clone, Copy)]
pub struct Removal<'a> {
    /// [n_keys] each; `back` is what is written of what the removal key finds.
    pub q: &'a [f32],
    pub k: &'a [f32],
    pub remains: &'a [f32],
    pub removal: &'a [f32],
    pub back: &'a [f32],
    /// [n_values]
    pub v: &'a [f32],
}

/// What one token does to the states of some channels, [channel][n_state].
#[derive(Clone, Copy)]
pub struct ChannelStep<'a> {
    /// [channel][n_state]
    pub a: &'a [f32],
    /// [channel] each.
    pub dt: &'a [f32],
    pub x: &'a [f32],
    /// [n_state] each.
    pub b: &'a [f32],
    pub c: &'a [f32],
}

/// Each as the method of its name on [`KernelSet`] says.
#[allow(clippy::type_complexity)]
pub(crate) struct StateFns {
    pub delta: unsafe fn(&mut [f32], &Turn, f32, &mut [f32]),
    pub write_and_read: unsafe fn(&mut [f32], &Turn, &mut [f32]),
    pub read_and_write: unsafe fn(&mut [f32], &Turn, &mut [f32]),
    pub remove: unsafe fn(&mut [f32], &Removal, &mut [f32]),
    pub scan_head: unsafe fn(&mut [f32], f32, &[f32], [&[f32]; 2], &mut [f32]),
    pub scan_channels: unsafe fn(&mut [f32], &ChannelStep, &mut [f32]),
}

impl KernelSet {
    /// The delta rule: the state keeps what remains, writes `strength` times what `v` differs from what it holds for `k`,
    /// and `out` is what it then holds for `q`.
    pub fn delta(&self, s: &mut [f32], turn: &Turn, strength: f32, out: &mut [f32]) {
        turn.check(s, out);
        // SAFETY: the set's functions fit this processor; lengths were checked.
        unsafe { (self.states.delta)(s, turn, strength, out) }
    }

    /// The state keeps what remains, writes `v` under `k`, and `out` is what it then holds for `q`.
    pub fn write_and_read(&self, s: &mut [f32], turn: &Turn, out: &mut [f32]) {
        turn.check(s, out);
        // SAFETY: as in `delta`.
        unsafe { (self.states.write_and_read)(s, turn, out) }
    }

    /// The same, but `out` is what the state held for `q` before.
    pub fn read_and_write(&self, s: &mut [f32], turn: &Turn, out: &mut [f32]) {
        turn.check(s, out);
        // SAFETY: as in `delta`.
        unsafe { (self.states.read_and_write)(s, turn, out) }
    }

    /// The state, [value][key], keeps what remains, adds `back` times minus what it held for `removal`, writes `v` under `k`,
    /// and `out` is what it then holds for `q`.
    pub fn remove(&self, s: &mut [f32], step: &Removal, out: &mut [f32]) {
        let (n, n_values) = (step.k.len(), step.v.len());
        assert!([step.q, step.remains, step.removal, step.back].iter().all(|part| part.len() == n));
        assert!(n > 0 && out.len() == n_values && s.len() == n * n_values);
        // SAFETY: as in `delta`.
        unsafe { (self.states.remove)(s, step, out) }
    }

    /// s[i] = s[i] * remains + x[i] * b, and out[i] = s[i] · c.
    pub fn scan_head(&self, s: &mut [f32], remains: f32, x: &[f32], [b, c]: [&[f32]; 2], out: &mut [f32]) {
        assert!(!b.is_empty() && b.len() == c.len() && x.len() == out.len() && s.len() == x.len() * b.len());
        // SAFETY: as in `delta`.
        unsafe { (self.states.scan_head)(s, remains, x, [b, c], out) }
    }

    /// s[i] = s[i] * exp(dt[i] * a[i]) + dt[i] * x[i] * b, and out[i] = s[i] · c.
    pub fn scan_channels(&self, s: &mut [f32], step: &ChannelStep, out: &mut [f32]) {
        let (n, n_state) = (step.dt.len(), step.b.len());
        assert!(n_state > 0 && step.c.len() == n_state && step.x.len() == n && out.len() == n);
        assert!(s.len() == n * n_state && step.a.len() == s.len());
        // SAFETY: as in `delta`.
        unsafe { (self.states.scan_channels)(s, step, out) }
    }
}

impl Turn<'_> {
    fn check(&self, s: &[f32], out: &[f32]) {
        let n = self.k.len();
        assert!(n > 0 && self.q.len() == n && (self.remains.len() == n || self.remains.len() == 1));
        assert!(!self.v.is_empty() && out.len() == self.v.len() && s.len() == n * self.v.len());
    }

    /// What remains of key `i`'s values.
    #[inline(always)]
    fn remains(&self, i: usize) -> f32 {
        self.remains[if self.remains.len() == 1 { 0 } else { i }]
    }
}

/// Calls a function with the first of each block of columns, and with each column that is left over.
macro_rules! by_columns {
    ($function:ident, $fma:ident, $s:expr, $turn:expr, $($with:expr,)* => $out:expr) => {
        let whole = $turn.v.len() / COLUMNS * COLUMNS;
        for first in (0..whole).step_by(COLUMNS) {
            $function::<$fma, COLUMNS>($s, $turn, $($with,)* first, $out);
        }
        for first in whole..$turn.v.len() {
            $function::<$fma, 1>($s, $turn, $($with,)* first, $out);
        }
    };
}

#[inline(always)]
pub(super) fn delta<const FMA: bool>(s: &mut [f32], turn: &Turn, strength: f32, out: &mut [f32]) {
    let together: f32 = turn.q.iter().zip(turn.k).map(|(q, k)| q * k).sum();
    by_columns!(delta_columns, FMA, s, turn, strength, together, => out);
}

/// Read for both the key and the query as if nothing were written, since what is written is then known: its share in the
/// answer is the product of query and key.
#[inline(always)]
fn delta_columns<const FMA: bool, const N: usize>(s: &mut [f32], turn: &Turn, strength: f32, together: f32, first: usize, out: &mut [f32]) {
    let stride = turn.v.len();
    let (mut held, mut given) = ([0.0f32; N], [0.0f32; N]);
    for (i, (k, q)) in turn.k.iter().zip(turn.q).enumerate() {
        let remains = turn.remains(i);
        let (k, q) = (k * remains, q * remains);
        let row = &s[i * stride + first..][..N];
        for c in 0..N {
            held[c] = fma::<FMA>(row[c], k, held[c]);
            given[c] = fma::<FMA>(row[c], q, given[c]);
        }
    }
    let v = &turn.v[first..][..N];
    let mut change = [0.0f32; N];
    for c in 0..N {
        change[c] = strength * (v[c] - held[c]);
        given[c] = fma::<FMA>(change[c], together, given[c]);
    }
    for (i, k) in turn.k.iter().enumerate() {
        let remains = turn.remains(i);
        let row = &mut s[i * stride + first..][..N];
        for c in 0..N {
            row[c] = fma::<FMA>(change[c], *k, row[c] * remains);
        }
    }
    out[first..][..N].copy_from_slice(&given);
}

#[inline(always)]
pub(super) fn write_and_read<const FMA: bool>(s: &mut [f32], turn: &Turn, out: &mut [f32]) {
    by_columns!(written_columns, FMA, s, turn, => out);
}

#[inline(always)]
fn written_columns<const FMA: bool, const N: usize>(s: &mut [f32], turn: &Turn, first: usize, out: &mut [f32]) {
    let (stride, mut given) = (turn.v.len(), [0.0f32; N]);
    let mut v = [0.0f32; N];
    v.copy_from_slice(&turn.v[first..][..N]);
    for (i, (k, q)) in turn.k.iter().zip(turn.q).enumerate() {
        let remains = turn.remains(i);
        let row = &mut s[i * stride + first..][..N];
        for c in 0..N {
            row[c] = fma::<FMA>(v[c], *k, row[c] * remains);
            given[c] = fma::<FMA>(row[c], *q, given[c]);
        }
    }
    out[first..][..N].copy_from_slice(&given);
}

#[inline(always)]
pub(super) fn read_and_write<const FMA: bool>(s: &mut [f32], turn: &Turn, out: &mut [f32]) {
    by_columns!(read_columns, FMA, s, turn, => out);
}

#[inline(always)]
fn read_columns<const FMA: bool, const N: usize>(s: &mut [f32], turn: &Turn, first: usize, out: &mut [f32]) {
    let (stride, mut given) = (turn.v.len(), [0.0f32; N]);
    let mut v = [0.0f32; N];
    v.copy_from_slice(&turn.v[first..][..N]);
    for (i, (k, q)) in turn.k.iter().zip(turn.q).enumerate() {
        let remains = turn.remains(i);
        let row = &mut s[i * stride + first..][..N];
        for c in 0..N {
            given[c] = fma::<FMA>(row[c], *q, given[c]);
            row[c] = fma::<FMA>(v[c], *k, row[c] * remains);
        }
    }
    out[first..][..N].copy_from_slice(&given);
}

#[inline(always)]
pub(super) fn remove<const FMA: bool>(s: &mut [f32], step: &Removal, out: &mut [f32]) {
    let n = step.k.len();
    for ((row, v), out) in s.chunks_exact_mut(n).zip(step.v).zip(out) {
        let found = -super::float::dot::<FMA>(row, step.removal);
        let mut lanes = [0.0f32; W];
        let (states, s_rest) = row.as_chunks_mut::<W>();
        let [(rs, r_rest), (ks, k_rest), (bs, b_rest), (qs, q_rest)] =
            [step.remains, step.k, step.back, step.q].map(|x| x.as_chunks::<W>());
        for ((((s, r), k), b), q) in states.iter_mut().zip(rs).zip(ks).zip(bs).zip(qs) {
            for i in 0..W {
                s[i] = fma::<FMA>(found, b[i], fma::<FMA>(*v, k[i], s[i] * r[i]));
                lanes[i] = fma::<FMA>(s[i], q[i], lanes[i]);
            }
        }
        for (i, ((((s, r), k), b), q)) in s_rest.iter_mut().zip(r_rest).zip(k_rest).zip(b_rest).zip(q_rest).enumerate() {
            *s = fma::<FMA>(found, *b, fma::<FMA>(*v, *k, *s * r));
            lanes[i] = fma::<FMA>(*s, *q, lanes[i]);
        }
        *out = total(lanes);
    }
}

#[inline(always)]
pub(super) fn scan_head<const FMA: bool>(s: &mut [f32], remains: f32, x: &[f32], [b, c]: [&[f32]; 2], out: &mut [f32]) {
    let n = b.len();
    for ((row, x), out) in s.chunks_exact_mut(n).zip(x).zip(out) {
        let mut lanes = [0.0f32; W];
        let (rows, rest) = row.as_chunks_mut::<W>();
        let (bs, b_rest) = b.as_chunks::<W>();
        let (cs, c_rest) = c.as_chunks::<W>();
        for ((row, b), c) in rows.iter_mut().zip(bs).zip(cs) {
            for i in 0..W {
                row[i] = fma::<FMA>(b[i], *x, row[i] * remains);
                lanes[i] = fma::<FMA>(row[i], c[i], lanes[i]);
            }
        }
        for (i, ((s, b), c)) in rest.iter_mut().zip(b_rest).zip(c_rest).enumerate() {
            *s = fma::<FMA>(*b, *x, *s * remains);
            lanes[i] = fma::<FMA>(*s, *c, lanes[i]);
        }
        *out = total(lanes);
    }
}

#[inline(always)]
pub(super) fn scan_channels<const FMA: bool>(s: &mut [f32], step: &ChannelStep, out: &mut [f32]) {
    let n = step.b.len();
    let (bs, b_rest) = step.b.as_chunks::<W>();
    let (cs, c_rest) = step.c.as_chunks::<W>();
    let channels = s.chunks_exact_mut(n).zip(step.a.chunks_exact(n)).zip(step.dt.iter().zip(step.x)).zip(out);
    for (((s, a), (dt, x)), out) in channels {
        let x = dt * x;
        let mut lanes = [0.0f32; W];
        let (states, s_rest) = s.as_chunks_mut::<W>();
        let (rates, a_rest) = a.as_chunks::<W>();
        for (((s, a), b), c) in states.iter_mut().zip(rates).zip(bs).zip(cs) {
            for i in 0..W {
                s[i] = fma::<FMA>(b[i], x, s[i] * exp::<FMA>(dt * a[i]));
                lanes[i] = fma::<FMA>(s[i], c[i], lanes[i]);
            }
        }
        for (i, (((s, a), b), c)) in s_rest.iter_mut().zip(a_rest).zip(b_rest).zip(c_rest).enumerate() {
            *s = fma::<FMA>(*b, x, *s * exp::<FMA>(dt * a));
            lanes[i] = fma::<FMA>(*s, *c, lanes[i]);
        }
        *out = total(lanes);
    }
}

/// The functions above for one tier, as `float_functions` makes those over rows: a module `turns` with a `functions()`.
macro_rules! state_functions {
    ($fma:literal, $(#[$attribute:meta])*) => {
        mod turns {
            use crate::model::kernels::states::{self, ChannelStep, Removal, StateFns, Turn};

            $(#[$attribute])*
            fn delta(s: &mut [f32], turn: &Turn, strength: f32, out: &mut [f32]) {
                states::delta::<$fma>(s, turn, strength, out)
            }
            $(#[$attribute])*
            fn write_and_read(s: &mut [f32], turn: &Turn, out: &mut [f32]) {
                states::write_and_read::<$fma>(s, turn, out)
            }
            $(#[$attribute])*
            fn read_and_write(s: &mut [f32], turn: &Turn, out: &mut [f32]) {
                states::read_and_write::<$fma>(s, turn, out)
            }
            $(#[$attribute])*
            fn remove(s: &mut [f32], step: &Removal, out: &mut [f32]) {
                states::remove::<$fma>(s, step, out)
            }
            $(#[$attribute])*
            fn scan_head(s: &mut [f32], remains: f32, x: &[f32], select: [&[f32]; 2], out: &mut [f32]) {
                states::scan_head::<$fma>(s, remains, x, select, out)
            }
            $(#[$attribute])*
            fn scan_channels(s: &mut [f32], step: &ChannelStep, out: &mut [f32]) {
                states::scan_channels::<$fma>(s, step, out)
            }

            pub(super) fn functions() -> StateFns {
                StateFns { delta, write_and_read, read_and_write, remove, scan_head, scan_channels }
            }
        }
    };
}
pub(super) use state_functions;
