//! Loops that measure a processor.

use super::*;

#[test]
fn every_tier_reads_the_same() {
    let mut chance = Chance(7);
    for n_turns in [0, 1, 2, 17, 64] {
        let bytes: Vec<u8> = (0..n_turns * 32).flat_map(|_| chance.bits().to_le_bytes()).collect();
        let truth = bytes.as_chunks::<8>().0.iter().fold(0u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
        for set in available() {
            assert_eq!(set.read(&bytes), truth, "{}", set.tier().name());
        }
    }
}

#[test]
fn loops_tell_what_they_did() {
    for set in available() {
        for peak in [Peak::Int8, Peak::F32, Peak::Bf16] {
            let once = set.exert(peak, 1);
            let has_loop = if peak == Peak::Bf16 { set.wide.is_some() } else { set.tier() != Tier::Scalar };
            assert_eq!(once > 0, has_loop, "{} {peak:?}", set.tier().name());
            assert_eq!(set.exert(peak, 1000), 1000 * once);
        }
    }
}
