//! Functions of one value, over rows: exact to a few units in the last place, in every tier by the same steps.

use super::float::{exp, fma};

/// What a row's values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// e^x
    Exp,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// x / (1 + e^-x)
    Silu,
    /// ln(1 + e^x), x itself where nothing else is left (as ggml: from 20 on).
    Softplus,
    Tanh,
    /// The tanh form of GELU (arXiv 1606.08415).
    Gelu,
}

#[inline(always)]
pub(super) fn curve<const FMA: bool>(which: Curve, x: &mut [f32]) {
    // A loop for each, so that none of them chooses for every value.
    match which {
        Curve::Exp => x.iter_mut().for_each(|x| *x = exp::<FMA>(*x)),
        Curve::Sigmoid => x.iter_mut().for_each(|x| *x = 1.0 / (1.0 + exp::<FMA>(-*x))),
        Curve::Silu => x.iter_mut().for_each(|x| *x /= 1.0 + exp::<FMA>(-*x)),
        Curve::Softplus => x.iter_mut().for_each(|x| *x = softplus::<FMA>(*x)),
        Curve::Tanh => x.iter_mut().for_each(|x| *x = tanh::<FMA>(*x)),
        Curve::Gelu => x.iter_mut().for_each(|x| *x = gelu::<FMA>(*x)),
    }
}

/// Near zero a polynomial, where the other form would lose its digits (Cephes, tanhf).
#[inline(always)]
fn tanh<const FMA: bool>(x: f32) -> f32 {
    const NEAR: f32 = 0.625;
    let size = x.abs();
    let z = x * x;
    let mut p = -5.704_988_7e-3;
    p = fma::<FMA>(p, z, 2.063_909e-2);
    p = fma::<FMA>(p, z, -5.373_971_5e-2);
    p = fma::<FMA>(p, z, 1.333_144_2e-1);
    p = fma::<FMA>(p, z, -3.333_328e-1);
    let near = fma::<FMA>(p * z, x, x);
    let far = (1.0 - 2.0 / (exp::<FMA>(2.0 * size) + 1.0)).copysign(x);
    if size < NEAR { near } else { far }
}

#[inline(always)]
fn gelu<const FMA: bool>(x: f32) -> f32 {
    const ROOT_2_BY_PI: f32 = 0.797_884_6;
    0.5 * x * (1.0 + tanh::<FMA>(ROOT_2_BY_PI * x * fma::<FMA>(0.044_715 * x, x, 1.0)))
}

#[inline(always)]
fn softplus<const FMA: bool>(x: f32) -> f32 {
    const ALL: f32 = 20.0;
    let e = exp::<FMA>(if x > ALL { ALL } else { x });
    let sum = 1.0 + e;
    // What rounding took from the sum is given back in proportion (Kahan's log1p); nothing was left of e where they are one.
    let rest = sum - 1.0;
    let y = if rest == 0.0 { e } else { ln::<FMA>(sum) * (e / rest) };
    if x > ALL { x } else { y }
}

/// The natural logarithm of a normal number: x = 2^n m with m near 1, and a polynomial for ln m (Cephes, logf).
#[inline(always)]
fn ln<const FMA: bool>(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    /// The bits of the root of one half: mantissas from there on.
    const ROOT: u32 = 0x3F35_04F3;
    let shifted = x.to_bits().wrapping_sub(ROOT);
    let n = (shifted as i32 >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(ROOT)) - 1.0;
    let z = m * m;
    let mut p = 7.037_684e-2;
    p = fma::<FMA>(p, m, -1.151_461e-1);
    p = fma::<FMA>(p, m, 1.167_699_9e-1);
    p = fma::<FMA>(p, m, -1.242_014_1e-1);
    p = fma::<FMA>(p, m, 1.424_932_3e-1);
    p = fma::<FMA>(p, m, -1.666_805_8e-1);
    p = fma::<FMA>(p, m, 2.000_071_4e-1);
    p = fma::<FMA>(p, m, -2.499_999_4e-1);
    p = fma::<FMA>(p, m, 3.333_333e-1);
    let y = fma::<FMA>(n, LN_2_LOW, p * m * z);
    let y = fma::<FMA>(-0.5, z, y);
    fma::<FMA>(n, LN_2_HIGH, m + y)
}
