//! A checksum that is faster than the memory it reads. It finds damage; who forges it could write the file as well.

/// Bytes of one step: a word for each lane.
const STEP: usize = 32;
/// Odd, so that multiplying loses nothing. Bits of the golden ratio and of other irrational numbers.
const FACTORS: [u64; 4] = [0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63];
const TURN: u32 = 29;

/// The sum of `bytes` behind what `seed` sums. Each step turns a lane into another one by a bijection, for whatever word: one
/// changed word always changes the sum.
pub fn sum(seed: u64, bytes: &[u8]) -> u64 {
    let mut lanes = FACTORS.map(|factor| seed ^ factor);
    let (steps, rest) = bytes.as_chunks::<STEP>();
    steps.iter().for_each(|step| take(&mut lanes, step));
    if !rest.is_empty() {
        let mut last = [0; STEP];
        last[..rest.len()].copy_from_slice(rest);
        take(&mut lanes, &last);
    }
    lanes.into_iter().fold(bytes.len() as u64, |sum, lane| {
        let sum = (sum ^ lane).wrapping_mul(FACTORS[0]);
        sum ^ (sum >> 32)
    })
}

fn take(lanes: &mut [u64; 4], step: &[u8; STEP]) {
    for ((lane, word), factor) in lanes.iter_mut().zip(step.as_chunks::<8>().0).zip(FACTORS) {
        *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(factor).rotate_left(TURN);
    }
}
