//! Points of grids, looked up one by one: each is a load of eight or four weights into its place in a register.

use super::super::grids::{Grid, IQ1M, IQ1S, Magnitudes, Moved, Points};
use super::super::scales::Numbers;
use super::supers::Super;
use std::arch::x86_64::*;

/// Places of a block, at most.
const PLACES: usize = 64;

/// Where the places of a block are put down: a place is read from memory sooner than it is taken from a register. No store
/// crosses a cache line, which loads would wait for.
#[repr(align(64))]
pub(in super::super) struct Room([u16; PLACES]);

impl Room {
    pub(in super::super) fn new() -> Self {
        Self([0; PLACES])
    }
}

/// A block's points in the order of the weights: register `j` below 8.
///
/// # Safety
/// `block` points to `G::BYTES` readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn look_up<G: Grid>(block: *const u8, room: &mut Room) -> impl Fn(usize) -> __m256i {
    // SAFETY: as the caller says; 16 places to a register.
    unsafe {
        for (i, register) in G::places(block).into_iter().enumerate() {
            _mm256_store_si256(room.0.as_mut_ptr().add(16 * i).cast(), register);
        }
    }
    // Or the compiler sees through the memory, to the registers.
    let places = std::hint::black_box(&room.0);
    // SAFETY: places are below the number of points, and as many as eight registers have.
    move |j: usize| unsafe {
        let place = |i: usize| usize::from(*places.get_unchecked(i));
        match G::POINTS {
            Points::Eights(grid) => {
                let at = |i: usize| grid.as_ptr().add(place(4 * j + i)).cast::<i64>().read_unaligned();
                _mm256_setr_epi64x(at(0), at(1), at(2), at(3))
            }
            Points::Fours(grid) => {
                let at = |i: usize| grid.as_ptr().add(place(8 * j + i)).cast::<i32>().read_unaligned();
                _mm256_setr_epi32(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7))
            }
        }
    }
}

/// Each of 32 bytes eight times: register `j` below 8.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn spread(bytes: __m256i) -> impl Fn(usize) -> __m256i {
    /// Bytes `first` to `first + 3`.
    const fn order(first: u8) -> [u8; 32] {
        let mut order = [0; 32];
        let mut i = 0;
        while i < 32 {
            order[i] = first + (i as u8) / 8;
            i += 1;
        }
        order
    }
    const ORDERS: [[u8; 32]; 4] = [order(0), order(4), order(8), order(12)];
    let halves = [_mm256_permute2x128_si256::<0x00>(bytes, bytes), _mm256_permute2x128_si256::<0x11>(bytes, bytes)];
    move |j: usize| {
        // SAFETY: an order is 32 bytes.
        let order = unsafe { _mm256_loadu_si256(ORDERS[j % 4].as_ptr().cast()) };
        _mm256_shuffle_epi8(halves[j / 4], order)
    }
}

/// 1 for each weight, or -1 where its bit is set: register `j` below 8.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn ones(signs: __m256i) -> impl Fn(usize) -> __m256i {
    let which = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    let bytes = spread(signs);
    move |j: usize| {
        let is_set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes(j), which), which);
        _mm256_or_si256(is_set, _mm256_set1_epi8(1))
    }
}

impl<G: Magnitudes> Super for G {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        let Numbers::Moved(by) = G::NUMBERS else { panic!("magnitudes with their signs are moved") };
        let mut room = Room::new();
        // SAFETY: as the caller says.
        let (points, ones) = unsafe { (look_up::<G>(block, &mut room), ones(G::signs(block))) };
        std::array::from_fn(|j| _mm256_add_epi8(_mm256_sign_epi8(points(j), ones(j)), _mm256_set1_epi8(1 << by)))
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn factors(block: *const u8, room: &mut Room) -> impl Fn(usize) -> (__m256i, Option<__m256i>) {
        // SAFETY: as the caller says.
        let (points, ones) = unsafe { (look_up::<G>(block, room), ones(G::signs(block))) };
        move |j: usize| (points(j), Some(ones(j)))
    }
}

/// Points and what is added to them: register `j` below 8.
///
/// # Safety
/// `block` points to `G::BYTES` readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn moved<G: Moved>(block: *const u8, room: &mut Room) -> impl Fn(usize) -> __m256i {
    // SAFETY: as the caller says.
    let (points, shifts) = unsafe { (look_up::<G>(block, room), spread(G::shifts(block))) };
    move |j: usize| _mm256_add_epi8(points(j), shifts(j))
}

macro_rules! moved_points {
    ($($type:ty),*) => {$(
        impl Super for $type {
            #[target_feature(enable = "avx2,fma,f16c")]
            #[inline]
            unsafe fn quants(block: *const u8) -> [__m256i; 8] {
                let mut room = Room::new();
                // SAFETY: as the caller says.
                let moved = unsafe { moved::<Self>(block, &mut room) };
                std::array::from_fn(moved)
            }

            #[target_feature(enable = "avx2,fma,f16c")]
            #[inline]
            unsafe fn factors(block: *const u8, room: &mut Room) -> impl Fn(usize) -> (__m256i, Option<__m256i>) {
                // SAFETY: as the caller says.
                let moved = unsafe { moved::<Self>(block, room) };
                move |j: usize| (moved(j), None)
            }
        }
    )*};
}

moved_points!(IQ1S, IQ1M);
