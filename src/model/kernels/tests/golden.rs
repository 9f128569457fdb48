//! The reference data for quantized types (golden/quants): dot products as its README says.

use super::*;
use std::path::PathBuf;

/// A kernel that rounds activations as ggml does comes within this of the sum over what they stand for.
fn of_magnitude(ty: GgmlType) -> f64 {
    if ty.partner() == Some(GgmlType::Q8_1) { 1e-4 } else { 1e-5 }
}

fn folder() -> Option<PathBuf> {
    let golden = std::env::var_os("INGLE_GOLDEN");
    if golden.is_none() {
        eprintln!("skipped: INGLE_GOLDEN is not set, golden/quants was not looked at");
    }
    golden.map(|golden| PathBuf::from(golden).join("quants"))
}

#[test]
fn dot_products_match_the_reference() {
    let Some(folder) = folder() else { return };
    let read = |name: String| std::fs::read(folder.join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let types: serde_json::Value = serde_json::from_slice(&read("types.json".into())).unwrap();
    let activation = floats(GgmlType::F32, &read("activation.f32".into()), 2048);
    for ty in TYPES {
        let name = ty.name().to_lowercase();
        let Some(facts) = types["types"].get(&name) else { continue };
        let number = |key: &str| facts[key].as_f64().unwrap();
        let blocks = read(format!("{name}.blocks"));
        let bytes = &blocks[..ty.row_bytes(2048).unwrap()];
        for set in sets().iter().copied().chain([exact()]) {
            let compute = Compute::new(set, 1);
            // Alone, in a small batch, in a panel, and in a cell.
            for m in [1, 5, 20, 32] {
                let mut prepared = Activations::new();
                compute.prepare(&mut prepared, &activation.repeat(m), m, &[ty]);
                let mut out = vec![0.0; m];
                let rows = WeightRows::new(ty, bytes, 2048, 1).unwrap();
                compute.linear(&prepared, &[Linear::new(rows, &prepared)], &mut out, 1);
                for got in out.into_iter().map(f64::from) {
                    let wanted = if set.is_exact() { "dot_exact" } else { "dot_quantized_activation" };
                    let off = (got - number(wanted)).abs();
                    // A unit's activations are not quantized: it is held to the exact sum alone.
                    let near = off <= of_magnitude(ty) * number("sum_abs_products") || set.wide(ty, m).is_some();
                    assert!(near, "{} {name} m={m}: off by {off}", set.tier().name());
                    let theirs = (number("vec_dot") - number("dot_exact")).abs();
                    let allowed = 1.5 * theirs + 1e-3 * number("sum_abs_products");
                    assert!((got - number("dot_exact")).abs() <= allowed, "{} {name} m={m}", set.tier().name());
                }
            }
        }
    }
}

/// The adversarial blocks are whole: each beside activations of its own.
#[test]
fn adversarial_blocks_agree_with_f64() {
    let Some(folder) = folder() else { return };
    let mut chance = Chance(53);
    for ty in TYPES {
        let Ok(blocks) = std::fs::read(folder.join(format!("{}.blocks", ty.name().to_lowercase()))) else { continue };
        let bytes = &blocks[ty.row_bytes(2048).unwrap()..];
        // Single values may be infinite; those are left out.
        let k = if ty.block_len() == 1 { 28 } else { ty.block_len() };
        let weights =
            floats(ty, &bytes[..bytes.len() / ty.block_bytes() * ty.block_bytes()], bytes.len() / ty.block_bytes() * ty.block_len());
        let n_rows = weights.len() / k;
        let rows = WeightRows::new(ty, &bytes[..n_rows * ty.row_bytes(k).unwrap()], k, n_rows).unwrap();
        for set in sets() {
            let compute = Compute::new(set, 1);
            for m in [1, 3, 8, 21, 32] {
                let x = chance.values(m * k);
                let mut prepared = Activations::new();
                compute.prepare(&mut prepared, &x, m, &[ty]);
                let mut out = vec![0.0; m * n_rows];
                compute.linear(&prepared, &[Linear::new(rows, &prepared)], &mut out, n_rows);
                for (t, x) in x.chunks_exact(k).enumerate() {
                    for (r, w) in weights.chunks_exact(k).enumerate() {
                        if w.iter().any(|w| !w.is_finite()) {
                            continue;
                        }
                        let (w, x_meant) = factors(set, ty, m, w, x);
                        let (sum, abs) = truth(&w, &x_meant);
                        let got = f64::from(out[t * n_rows + r]);
                        // A block's parts are summed before its minimum is taken off, so what counts is their magnitude.
                        let parts = abs + x.iter().map(|x| f64::from(x.abs())).sum::<f64>() * f64::from(largest(&w));
                        assert!(
                            (got - sum).abs() <= of_magnitude(ty) * parts + 1e-30,
                            "{} {ty} m={m} block {r}: {got}, not {sum}",
                            set.tier().name()
                        );
                    }
                }
            }
        }
    }
}

fn largest(w: &[f32]) -> f32 {
    w.iter().fold(0.0, |top: f32, w| top.max(w.abs()))
}
