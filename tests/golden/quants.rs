//! ggml's own blocks, decodings and dot products, type by type.

use ingle::quant::{Activation, GgmlType, TYPES, can_quantize, dequantize, quantize, vec_dot};
use serde_json::Value;
use std::path::Path;

fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// The type's files, or a word that they are not here.
fn each_type(mut check: impl FnMut(GgmlType, &str, &Value, &Path)) {
    let folder = super::folder("quants");
    let types: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("types.json")).unwrap()).unwrap();
    for (name, facts) in types["types"].as_object().unwrap() {
        let ty = GgmlType::from_id(facts["ggml_type_id"].as_u64().unwrap() as u32).unwrap_or_else(|| panic!("{name} has no row"));
        check(ty, name, facts, &folder);
    }
}

fn here(name: &str, folder: &Path) -> bool {
    let here = folder.join(format!("{name}.blocks")).exists();
    if !here {
        eprintln!("golden/quants/{name}: skipped, it is not among the files of this repository");
    }
    here
}

#[test]
fn every_type_has_its_row() {
    each_type(|ty, name, facts, _| {
        let row = TYPES.iter().find(|r| r.ty == ty).unwrap();
        assert_eq!(row.name.to_lowercase(), facts["ggml_name"].as_str().unwrap().to_lowercase(), "{name}");
        assert_eq!(row.block_len as u64, facts["block_values"], "{name}");
        assert_eq!(row.block_bytes as u64, facts["block_bytes"], "{name}");
        let partner = row.partner.map(|p| p.name().to_lowercase()).unwrap();
        assert_eq!(partner, facts["vec_dot_type"].as_str().unwrap().to_lowercase(), "{name}");
    });
}

/// Bit for bit, adversarial blocks included.
#[test]
fn decoding_equals_ggml() {
    super::head(&["type", "values decoded", "equal bit for bit"]);
    each_type(|ty, name, _, folder| {
        if !here(name, folder) {
            return;
        }
        let bytes = std::fs::read(folder.join(format!("{name}.blocks"))).unwrap();
        let expected = floats(&folder.join(format!("{name}.f32")));
        let mut found = vec![0.0; expected.len()];
        dequantize(ty, &bytes, &mut found).unwrap();
        for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(f.to_bits(), e.to_bits(), "{name}: value {i} is {f}, expected {e}");
        }
        super::row(&[name, &found.len().to_string(), "pass"]);
    });
}

fn nmse(found: &[f32], expected: &[f32]) -> f64 {
    let pairs = || found.iter().zip(expected).map(|(f, e)| (f64::from(*f), f64::from(*e)));
    pairs().map(|(f, e)| (f - e) * (f - e)).sum::<f64>() / pairs().map(|(_, e)| e * e).sum::<f64>()
}

/// The share of ggml's own error that encoding may have.
const ENCODE_ROOM: f64 = 1.02;

/// The source is one and the same for all types.
#[test]
fn encoding_loses_no_more_than_ggml() {
    let mut wrong = Vec::new();
    each_type(|ty, name, facts, folder| {
        if !can_quantize(ty) || !here(name, folder) {
            return;
        }
        let source = floats(&folder.join("q8_0.src"));
        let (mut bytes, mut back) = (Vec::new(), vec![0.0; source.len()]);
        quantize(ty, &source, &mut bytes).unwrap();
        dequantize(ty, &bytes, &mut back).unwrap();
        let (found, limit) = (nmse(&back, &source), facts["quantize_nmse"].as_f64().unwrap());
        eprintln!("{name}: {found:.4e}, ggml {limit:.4e}");
        if found > limit * ENCODE_ROOM {
            wrong.push(format!("{name}: {found:.4e}, ggml has {limit:.4e}"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dot_products_equal_ggml() {
    super::head(&["type", "activation", "dot product's distance", "limit", ""]);
    each_type(|ty, name, facts, folder| {
        if !here(name, folder) {
            return;
        }
        let row = floats(&folder.join("activation.f32"));
        let bytes = std::fs::read(folder.join(format!("{name}.blocks"))).unwrap();
        let weights = &bytes[..ty.row_bytes(row.len()).unwrap()];
        let found = f64::from(vec_dot(ty, weights, &Activation::new(ty.partner().unwrap(), &row).unwrap()).unwrap());
        let number = |key: &str| facts[key].as_f64().unwrap();
        let size = number("sum_abs_products");
        let near = if ty.partner() == Some(GgmlType::Q8_1) { 1e-4 } else { 1e-5 };
        let off = (found - number("dot_quantized_activation")).abs();
        assert!(off <= near * size, "{name}: {found} is {off:.2e} off");
        let partner = ty.partner().unwrap().name();
        super::row(&[name, partner, &format!("{:.1e}", off / size), &format!("{near:.0e}"), "pass"]);
        let off = (found - number("dot_exact")).abs();
        assert!(off <= 1.5 * (number("vec_dot") - number("dot_exact")).abs() + 1e-3 * size, "{name}: {found} is {off:.2e} off");
    });
}
