//! Numbers to super-blocks: a search gives each group its scale and minimum in f32, these are brought to small
//! integers under the block's own scale, and the values are rounded once more under what was really stored.

use super::blocks::*;
use super::search::{GROUP_MAX_EPS, affine, largest, mean_square, nearest, positive, symmetric, weigh};
use half::f16;

/// Scales and minimums of `N` groups under the block's own.
struct Stored<const N: usize> {
    d: f16,
    dmin: f16,
    scales: [u8; N],
    mins: [u8; N],
    quants: [u8; 256],
}

/// Searches each of `N` groups for quants from 0 to `q_max`, brings their scales and minimums to integers from 0 to
/// `most`, and rounds the values again. `mean_square` is what errors are weighed with.
fn search_affine<const N: usize>(x: &[f32; 256], q_max: i32, most: i32, mean_square: f32) -> Stored<N> {
    let mut quants = [0; 256];
    let len = x.len() / N;
    let mut weights = [0.0f32; 32];
    let weights = &mut weights[..len];
    let mut group_weights = [0.0; N];
    let groups: [_; N] = std::array::from_fn(|j| {
        let group = j * len..(j + 1) * len;
        weigh(&x[group.clone()], mean_square, weights);
        group_weights[j] = weights.iter().sum();
        affine(&x[group.clone()], weights, q_max, &mut quants[group])
    });
    let (mut scales, mut mins) = ([0; N], [0; N]);
    let d = f16::from_f32(positive(&groups.map(|g| g.scale), &group_weights, most, &mut scales));
    let dmin = f16::from_f32(positive(&groups.map(|g| g.min), &group_weights, most, &mut mins));
    for (v, q) in quants.iter_mut().enumerate() {
        let j = v / len;
        let (d, m) = (d.to_f32() * f32::from(scales[j]), dmin.to_f32() * f32::from(mins[j]));
        // A group whose scale came out as zero keeps the search's quants: they mean nothing.
        if d != 0.0 {
            *q = nearest((x[v] + m) / d, 0, q_max) as u8;
        }
    }
    Stored { d, dmin, scales, mins, quants }
}

fn pack_two_bits(quants: &[u8; 256]) -> [u8; 64] {
    let mut qs = [0; 64];
    for (v, q) in quants.iter().enumerate() {
        let (byte, shift) = two_bit_place(v);
        qs[byte] |= (q & 3) << shift;
    }
    qs
}

fn pack_nibbles(quants: &[u8; 256]) -> [u8; 128] {
    let mut qs = [0; 128];
    for (v, q) in quants.iter().enumerate() {
        let (byte, shift) = nibble_place(v);
        qs[byte] |= (q & 0xF) << shift;
    }
    qs
}

/// Bit `bit` of each quant: that of value 32 k + i is bit k of byte i.
fn pack_high_bit(quants: &[u8; 256], bit: u32) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (v, q) in quants.iter().enumerate() {
        bytes[v % 32] |= ((q >> bit) & 1) << (v / 32);
    }
    bytes
}

pub(super) fn q2_k(x: &[f32; 256]) -> BlockQ2K {
    let found = search_affine::<16>(x, 3, 15, mean_square(x));
    let scales = std::array::from_fn(|j| found.scales[j] | (found.mins[j] << 4));
    BlockQ2K { scales, qs: pack_two_bits(&found.quants), d: found.d, dmin: found.dmin }
}

pub(super) fn q4_k(x: &[f32; 256]) -> BlockQ4K {
    let found = search_affine::<8>(x, 15, 63, 2.0 * mean_square(x));
    let scales = pack_six_bit(&found.scales, &found.mins);
    BlockQ4K { d: found.d, dmin: found.dmin, scales, qs: pack_nibbles(&found.quants) }
}

pub(super) fn q5_k(x: &[f32; 256]) -> BlockQ5K {
    let found = search_affine::<8>(x, 31, 63, 2.0 * mean_square(x));
    let (scales, qh) = (pack_six_bit(&found.scales, &found.mins), pack_high_bit(&found.quants, 4));
    BlockQ5K { d: found.d, dmin: found.dmin, scales, qh, qs: pack_nibbles(&found.quants) }
}

/// Rounds each value under its group's stored scale, the lowest quant as 0. A group without a scale is all zeros.
fn round_signed(x: &[f32; 256], d: f16, scales: &[i8; 16], q_max: i32) -> [u8; 256] {
    std::array::from_fn(|v| {
        let d = d.to_f32() * f32::from(scales[v / 16]);
        let q = if d == 0.0 { 0 } else { nearest(x[v] / d, -q_max, q_max - 1) };
        (q + q_max) as u8
    })
}

pub(super) fn q3_k(x: &[f32; 256]) -> BlockQ3K {
    let mean_square = 2.0 * mean_square(x);
    let (mut weights, mut group_weights) = ([0.0; 16], [0.0; 16]);
    let groups: [f32; 16] = std::array::from_fn(|j| {
        let group = &x[j * 16..(j + 1) * 16];
        weigh(group, mean_square, &mut weights);
        group_weights[j] = weights.iter().sum();
        symmetric(group, &weights, 4, &mut [0; 16])
    });
    let mut scales = [0; 16];
    let d = f16::from_f32(symmetric(&groups, &group_weights, 32, &mut scales));
    let quants = round_signed(x, d, &scales, 4);
    let mut packed = [0u8; 12];
    for (j, scale) in scales.iter().enumerate() {
        let s = (scale + 32) as u8;
        packed[j % 8] |= (s & 0xF) << (j / 8 * 4);
        packed[8 + j % 4] |= (s >> 4) << (j / 4 * 2);
    }
    BlockQ3K { hmask: pack_high_bit(&quants, 2), qs: pack_two_bits(&quants), scales: packed, d }
}

pub(super) fn q6_k(x: &[f32; 256]) -> BlockQ6K {
    // With six bits every value is near enough to weigh all errors alike.
    let groups: [f32; 16] = std::array::from_fn(|j| symmetric(&x[j * 16..(j + 1) * 16], &[1.0; 16], 32, &mut [0; 16]));
    let (d, scales) = six_bit_scales(&groups);
    let quants = round_signed(x, d, &scales, 32);
    let (mut ql, mut qh) = ([0u8; 128], [0u8; 64]);
    for (v, q) in quants.iter().enumerate() {
        let (half, within) = (v / 128, v % 128);
        ql[half * 64 + within % 64] |= (q & 0xF) << (within / 64 * 4);
        qh[half * 32 + within % 32] |= (q >> 4) << (within / 32 * 2);
    }
    BlockQ6K { ql, qh, scales, d }
}

/// Q6_K's group scales have a whole byte each: the one of largest magnitude becomes -128.
fn six_bit_scales(groups: &[f32; 16]) -> (f16, [i8; 16]) {
    let max = largest(groups);
    if max.abs() < GROUP_MAX_EPS {
        return (f16::ZERO, [0; 16]);
    }
    let inverse = -128.0 / max;
    (f16::from_f32(1.0 / inverse), groups.map(|s| nearest(inverse * s, -128, 127) as i8))
}
