//! AVX2: 32 weights to a register. AVX-VNNI is the same with its sums of products, so both tiers are made from one text
//! by [`tier`]; what needs no sums is shared.

mod cached;
mod few;
mod floats;
pub(super) mod long;
mod many;
pub(super) mod plain;
pub(super) mod points;
pub(super) mod supers;
mod tier;
mod tile;
mod turn;
mod twos;
mod unpack;

use std::arch::x86_64::*;

/// `sums + a0 b0 + a1 b1` in each 32-bit lane, of 16-bit numbers.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn add_words(sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(a, b))
}

/// `sums + a0 b0 + .. + a3 b3` in each 32-bit lane, of unsigned `a` and signed `b`. Neighbouring products must add up to
/// 16 bits: unsigned numbers below 64, or the sign moved over.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn add_bytes(sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
    add_words(sums, _mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1))
}

pub(super) mod avx2 {
    super::tier::tier!(
        crate::model::kernels::tier::Tier::Avx2,
        "avx2,fma,f16c",
        crate::model::kernels::x86::ymm::add_words,
        crate::model::kernels::x86::ymm::add_bytes
    );
}

pub(super) mod avxvnni {
    super::tier::tier!(
        crate::model::kernels::tier::Tier::AvxVnni,
        "avx2,fma,f16c,avxvnni",
        std::arch::x86_64::_mm256_dpwssd_avx_epi32,
        std::arch::x86_64::_mm256_dpbusd_avx_epi32
    );
}

/// The tier of AVX-VNNI in the encoding of AVX-512, which more processors have: so that its text is tested there too.
#[cfg(test)]
pub(super) mod evex {
    super::tier::tier!(
        crate::model::kernels::tier::Tier::AvxVnni,
        "avx2,fma,f16c,avx512vl,avx512vnni",
        std::arch::x86_64::_mm256_dpwssd_epi32,
        std::arch::x86_64::_mm256_dpbusd_epi32
    );
}
