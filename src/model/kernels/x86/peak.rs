//! Loops of one instruction on registers, and of loads alone.

use super::prefetch;
use crate::model::kernels::peak::{Loop, Peaks, TURN, opaque};
use std::arch::x86_64::*;

/// Sums that do not wait for each other: as many as the longest latency times two a cycle.
pub(super) const CHAINS: usize = 12;

/// The loops of a tier with registers of 32 bytes: `peaks!(features, sum of products of bytes)`.
macro_rules! peaks {
    ($features:literal, $add_bytes:path) => {
        use super::*;

        pub(in super::super::super) const PEAKS: Peaks = Peaks {
            read,
            int8: Some(Loop { n_ops: (CHAINS * 32 * 2) as u64, run: int8 }),
            f32: Some(Loop { n_ops: (CHAINS * 8 * 2) as u64, run: f32 }),
        };

        #[target_feature(enable = $features)]
        fn read(bytes: &[u8]) -> u64 {
            let mut sums = [_mm256_setzero_si256(); 4];
            for turn in bytes.chunks_exact(TURN) {
                prefetch(turn.as_ptr(), TURN);
                for (i, lane) in turn.as_chunks::<32>().0.iter().enumerate() {
                    // SAFETY: 32 bytes are there.
                    let words = unsafe { _mm256_loadu_si256(lane.as_ptr().cast()) };
                    sums[i % 4] = _mm256_add_epi64(sums[i % 4], words);
                }
            }
            let mut words = [0u64; 16];
            for (words, sum) in words.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
                // SAFETY: four words have room for 32 bytes.
                unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), sum) };
            }
            words.iter().fold(0, |sum, word| sum.wrapping_add(*word))
        }

        #[target_feature(enable = $features)]
        fn int8(turns: u64) -> i64 {
            let (mut a, b) = (_mm256_set1_epi8(1), _mm256_set1_epi8(2));
            let mut sums = [_mm256_setzero_si256(); CHAINS];
            for _ in 0..turns {
                for sum in &mut sums {
                    opaque!(ymm_reg, a);
                    *sum = $add_bytes(*sum, a, b);
                }
            }
            let total = sums.into_iter().fold(_mm256_setzero_si256(), |total, sum| _mm256_add_epi32(total, sum));
            i64::from(_mm256_extract_epi32::<0>(total))
        }

        #[target_feature(enable = $features)]
        fn f32(turns: u64) -> i64 {
            let (mut a, b) = (_mm256_set1_ps(0.5), _mm256_set1_ps(0.25));
            let mut sums = [_mm256_setzero_ps(); CHAINS];
            for _ in 0..turns {
                for sum in &mut sums {
                    opaque!(ymm_reg, a);
                    *sum = _mm256_fmadd_ps(a, b, *sum);
                }
            }
            let total = sums.into_iter().fold(_mm256_setzero_ps(), |total, sum| _mm256_add_ps(total, sum));
            _mm256_cvtss_f32(total) as i64
        }
    };
}

pub(in super::super) mod avx2 {
    peaks!("avx2,fma,f16c", super::super::ymm::add_bytes);
}

pub(in super::super) mod avxvnni {
    peaks!("avx2,fma,f16c,avxvnni", _mm256_dpbusd_avx_epi32);
}

pub(in super::super) mod avx512 {
    use super::*;

    pub(in super::super::super) const PEAKS: Peaks = Peaks {
        read,
        int8: Some(Loop { n_ops: (CHAINS * 64 * 2) as u64, run: int8 }),
        f32: Some(Loop { n_ops: (CHAINS * 16 * 2) as u64, run: f32 }),
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn read(bytes: &[u8]) -> u64 {
        let mut sums = [_mm512_setzero_si512(); 4];
        for turn in bytes.chunks_exact(TURN) {
            prefetch(turn.as_ptr(), TURN);
            for (lane, sum) in turn.as_chunks::<64>().0.iter().zip(&mut sums) {
                // SAFETY: 64 bytes are there.
                *sum = _mm512_add_epi64(*sum, unsafe { _mm512_loadu_si512(lane.as_ptr().cast()) });
            }
        }
        sums.into_iter().fold(0, |sum: u64, words| sum.wrapping_add(_mm512_reduce_add_epi64(words).cast_unsigned()))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn int8(turns: u64) -> i64 {
        let (mut a, b) = (_mm512_set1_epi8(1), _mm512_set1_epi8(2));
        let mut sums = [_mm512_setzero_si512(); CHAINS];
        for _ in 0..turns {
            for sum in &mut sums {
                opaque!(zmm_reg, a);
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        let total = sums.into_iter().fold(_mm512_setzero_si512(), |total, sum| _mm512_add_epi32(total, sum));
        i64::from(_mm512_reduce_add_epi32(total))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn f32(turns: u64) -> i64 {
        let (mut a, b) = (_mm512_set1_ps(0.5), _mm512_set1_ps(0.25));
        let mut sums = [_mm512_setzero_ps(); CHAINS];
        for _ in 0..turns {
            for sum in &mut sums {
                opaque!(zmm_reg, a);
                *sum = _mm512_fmadd_ps(a, b, *sum);
            }
        }
        let total = sums.into_iter().fold(_mm512_setzero_ps(), |total, sum| _mm512_add_ps(total, sum));
        _mm512_reduce_add_ps(total) as i64
    }
}
