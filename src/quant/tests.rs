use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

/// The types this version decodes, encodes and multiplies; all others are decoded and multiplied.
const WHOLE: &[GgmlType] = {
    use GgmlType::*;
    &[F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K]
};

#[test]
fn every_type_has_one_row_under_its_number_and_name() {
    let mut seen = HashSet::new();
    for row in TYPES {
        assert!(seen.insert(row.ty.id()) && row.block_len > 0 && row.block_bytes > 0);
        assert_eq!(GgmlType::from_id(row.ty.id()), Some(row.ty));
        assert_eq!(GgmlType::from_name(&row.name.to_lowercase()), Some(row.ty));
        assert_eq!(row.ty.row(), row);
        if let Some(partner) = row.partner {
            assert_eq!(row.block_len % partner.block_len().min(row.block_len), 0, "{}", row.name);
        }
    }
    assert!(TYPES.is_sorted_by_key(|r| r.ty.id()));
    assert_eq!(REMOVED.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [4, 5, 31, 32, 33, 36, 37, 38]);
    for id in REMOVED.iter().map(|(id, _)| *id).chain([43, 99, u32::MAX]) {
        assert_eq!(GgmlType::from_id(id), None);
    }
}

#[test]
fn rows_are_whole_blocks() {
    assert_eq!(GgmlType::Q4K.row_bytes(512), Some(288));
    assert_eq!(GgmlType::Q4K.row_bytes(128), None);
    assert_eq!(GgmlType::F64.row_bytes(usize::MAX), None, "too many to count");
    let said = dequantize(GgmlType::Q8_0, &[0; 34], &mut [0.0; 33]).unwrap_err();
    assert_eq!(said, QuantError::NotWholeBlocks { ty: GgmlType::Q8_0, values: 33 });
    let said = dequantize(GgmlType::Q8_0, &[0; 33], &mut [0.0; 32]).unwrap_err();
    assert_eq!(said.to_string(), "32 values of type Q8_0 in 33 bytes, expected 34");
    assert_eq!(dequantize(GgmlType::I8, &[0; 50], &mut [0.0; 50]), Err(QuantError::NoDecoder { ty: GgmlType::I8 }));
}

#[test]
fn what_cannot_be_held_is_refused_and_leaves_nothing() {
    let mut row = vec![0.5; 256];
    let mut out = Vec::new();
    row[7] = f32::NAN;
    assert!(matches!(quantize(GgmlType::Q4K, &row, &mut out), Err(QuantError::NotFinite { index: 7, .. })));
    row[7] = 1e6;
    assert_eq!(quantize(GgmlType::F16, &row, &mut out), Err(QuantError::TooLarge { index: 7, value: 1e6 }));
    assert!(out.is_empty());
    quantize(GgmlType::BF16, &row, &mut out).unwrap();
    assert_eq!(out.len(), 512);
}

#[test]
fn a_constant_row_survives_every_type() {
    for ty in WHOLE {
        for value in [0.0f32, 1.0, -1.0] {
            let (mut bytes, mut back) = (Vec::new(), vec![9.0; 256]);
            quantize(*ty, &[value; 256], &mut bytes).unwrap();
            dequantize(*ty, &bytes, &mut back).unwrap();
            assert!(back.iter().all(|x| (x - value).abs() < 0.01), "{ty} makes {} of {value}", back[0]);
        }
    }
}

#[test]
fn activations_round_halves_to_even() {
    let mut x = [0.0f32; 32];
    (x[0], x[1], x[2]) = (127.0, 0.5, 1.5);
    assert_eq!(block_q8_0(&x).qs[..3], [127, 0, 2]);
    let mut x = [0.0f32; 256];
    (x[3], x[4], x[20]) = (-12.7, 12.7, 6.35);
    let block = block_q8_k(&x);
    assert_eq!((block.qs[3], block.qs[4]), (-127, 127), "the first of equal magnitudes is -127");
    assert_eq!((block.bsums[0], block.bsums[1]), (0, i16::from(block.qs[20])));
    assert_eq!(block_q8_k(&[0.0; 256]).d, 0.0);
}

proptest! {
    /// Whatever a block's bytes are, the dot product is that of the decoded values, and nothing overflows.
    #[test]
    fn dots_are_those_of_the_decoded_values(bytes in prop::collection::vec(any::<u8>(), 292), row in prop::collection::vec(-4.0f32..4.0, 256)) {
        for (ty, partner) in TYPES.iter().filter_map(|row| Some((&row.ty, row.partner?))) {
            let n = ty.block_len().max(partner.block_len());
            let mut weights = vec![0.0; n];
            let bytes = &bytes[..ty.row_bytes(n).unwrap().min(292)];
            dequantize(*ty, bytes, &mut weights).unwrap();
            // Sums of larger ones may leave f32.
            if weights.iter().any(|w| !w.is_finite() || w.abs() > 1e30) {
                continue;
            }
            let activation = Activation::new(partner, &row[..n]).unwrap();
            let dot = vec_dot(*ty, bytes, &activation).unwrap();
            let rounded = decoded(&activation);
            let products = || weights.iter().zip(&rounded).map(|(w, y)| f64::from(*w) * f64::from(*y));
            let (exact, size) = (products().sum::<f64>(), products().map(f64::abs).sum::<f64>());
            // A minimum is a large term that may cancel; Q8_1 keeps its factor in half precision.
            let largest = weights.iter().fold(0.0f32, |m, w| m.max(w.abs()));
            let room = f64::from(largest) * n as f64 * 4.0 * if partner == GgmlType::Q8_1 { 1e-3 } else { 1e-5 };
            prop_assert!((f64::from(dot) - exact).abs() <= size * 1e-5 + room, "{} {} {}", ty, dot, exact);
        }
    }

    #[test]
    fn quantizing_stays_near(row in prop::collection::vec(-1.0f32..1.0, 256)) {
        for ty in WHOLE {
            let (mut bytes, mut back) = (Vec::new(), vec![0.0; 256]);
            quantize(*ty, &row, &mut bytes).unwrap();
            prop_assert_eq!(bytes.len(), ty.row_bytes(256).unwrap());
            dequantize(*ty, &bytes, &mut back).unwrap();
            let error = row.iter().zip(&back).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            let size = row.iter().map(|a| a * a).sum::<f32>();
            prop_assert!(error <= 0.2 * size, "{}: {} of {}", ty, error, size);
        }
    }
}

/// The values a rounded activation stands for.
fn decoded(activation: &Activation) -> Vec<f32> {
    match activation {
        Activation::F32(y) => y.clone(),
        Activation::F16(y) => y.iter().map(|y| y.to_f32()).collect(),
        Activation::BF16(y) => y.iter().map(|y| y.to_f32()).collect(),
        Activation::Q8_0(y) => y.iter().flat_map(|b| b.qs.map(|q| b.d.to_f32() * f32::from(q))).collect(),
        Activation::Q8_1(y) => y.iter().flat_map(|b| b.qs.map(|q| b.d.to_f32() * f32::from(q))).collect(),
        Activation::Q8K(y) => y.iter().flat_map(|b| b.qs.map(|q| b.d * f32::from(q))).collect(),
    }
}
