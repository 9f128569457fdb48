//! Golden files written anew: the same model in other words computes the same.

use super::*;
use crate::gguf::{NewFile, Value, Writer};
use crate::quant::{GgmlType, dequantize};
use std::borrow::Cow;
use std::io::Write;

/// A tensor to write.
struct Part<'a> {
    name: String,
    ty: GgmlType,
    shape: Vec<u64>,
    bytes: Cow<'a, [u8]>,
}

/// Every tensor of a file, changed into one or several.
fn parts<'a>(file: &'a Gguf, change: impl Fn(Part<'a>) -> Vec<Part<'a>>) -> Vec<Part<'a>> {
    let read = |t: &crate::gguf::TensorInfo| Part {
        name: t.name.clone(),
        ty: t.ty.unwrap(),
        shape: t.shape.clone(),
        bytes: Cow::Owned(file.tensor_bytes(t).unwrap().to_vec()),
    };
    file.tensors().iter().flat_map(|t| change(read(t))).collect()
}

/// Writes a file with the metadata of another, some of it anew.
fn write(path: &Path, source: &Gguf, keys: &[(&str, Value)], parts: &[&Part]) {
    let mut w = Writer::new();
    source.metadata().for_each(|(key, value)| w.set(key, value));
    keys.iter().for_each(|(key, value)| w.set(key, *value));
    parts.iter().for_each(|p| w.tensor(&p.name, p.ty, &p.shape).unwrap());
    let mut body = w.begin("anew.gguf", NewFile::create(path).unwrap()).unwrap();
    parts.iter().for_each(|p| body.tensor([Ok(&p.bytes)]).unwrap());
    let mut out = body.finish().unwrap();
    out.flush().unwrap();
    out.commit().unwrap();
}

fn logits(file: &Gguf, ids: &[u32]) -> Vec<f32> {
    let options = options(CacheType::F16, false);
    let mut model = Model::load(file, &options).unwrap();
    let mut session = model.session(&options).unwrap();
    run(&mut model, &mut session, ids, 20)
}

/// Logits of a golden file whose tensors were changed.
fn changed<'a>(golden: &'a Golden, change: impl Fn(Part<'a>) -> Vec<Part<'a>>) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anew.gguf");
    let parts = parts(&golden.file, change);
    assert!(parts.len() > golden.file.tensors().len(), "something was changed");
    write(&path, &golden.file, &[], &parts.iter().collect::<Vec<_>>());
    logits(&Gguf::open(&path).unwrap(), &golden.ids)
}

/// How Mixtral's first files were written: a tensor for each expert, `blk.N.ffn_gate.0.weight`.
#[test]
fn experts_may_lie_apart() {
    let golden = golden("llama-moe");
    let apart = changed(&golden, |part| {
        let Some((before, _)) = part.name.split_once("_exps.weight") else { return vec![part] };
        let n_expert = part.shape[2] as usize;
        let each = part.bytes.len() / n_expert;
        let expert = |x: usize| Part {
            name: format!("{before}.{x}.weight"),
            ty: part.ty,
            shape: part.shape[..2].to_vec(),
            bytes: Cow::Owned(part.bytes[x * each..][..each].to_vec()),
        };
        (0..n_expert).map(expert).collect()
    });
    assert_eq!(apart, logits(&golden.file, &golden.ids));
}

/// Weights of FP4 come with a number of their own for the whole tensor, or for each expert.
#[test]
fn a_scale_beside_a_matrix_multiplies_it() {
    for name in ["llama-moe", "llama"] {
        let golden = golden(name);
        let scaled = changed(&golden, |part| {
            let Some(before) = part.name.strip_suffix(".weight").filter(|n| n.starts_with("blk.")) else { return vec![part] };
            if part.shape.len() == 1 || before.ends_with("ffn_gate_inp") {
                return vec![part];
            }
            let n_values = part.shape.iter().product::<u64>() as usize;
            let n_scales = part.shape.get(2).copied().unwrap_or(1);
            let mut values = vec![0.0; n_values];
            dequantize(part.ty, &part.bytes, &mut values).unwrap();
            // Another scale for each, powers of two, so that nothing is lost.
            let scales: Vec<f32> = (0..n_scales).map(|i| 2f32.powi(i as i32 % 3 + 1)).collect();
            for (values, scale) in values.chunks_exact_mut(n_values / scales.len()).zip(&scales) {
                values.iter_mut().for_each(|v| *v /= scale);
            }
            let bytes = |values: &[f32]| Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
            let scale = Part { name: format!("{before}.scale"), ty: GgmlType::F32, shape: vec![n_scales], bytes: bytes(&scales) };
            vec![Part { ty: GgmlType::F32, bytes: bytes(&values), ..part }, scale]
        });
        // Weights of F16 round the activations, those of F32 do not.
        let error = nmse(&scaled, &golden.logits);
        assert!(error <= f64::max(1e-4, 2.0 * golden.own_f16_cache), "{name}: {error:e}");
    }
}

#[test]
fn a_file_in_parts_with_another_alignment_computes_the_same() {
    let golden = golden("llama");
    let folder = tempfile::tempdir().unwrap();
    let all = parts(&golden.file, |part| vec![part]);
    let path = |no: usize| folder.path().join(format!("m-{:05}-of-00003.gguf", no + 1));
    for no in 0..3 {
        let mine: Vec<&Part> = all.iter().skip(no).step_by(3).collect();
        let keys = [
            ("general.alignment", Value::U32(256)),
            ("split.no", Value::U16(no as u16)),
            ("split.count", Value::U16(3)),
            ("split.tensors.count", Value::I32(all.len() as i32)),
        ];
        write(&path(no), &golden.file, &keys, &mine);
    }
    let file = Gguf::open(&path(0)).unwrap();
    assert_eq!(file.tensors().len(), all.len());
    assert!(file.tensors().iter().all(|t| t.offset.is_multiple_of(256)));
    assert_eq!(logits(&file, &golden.ids), logits(&golden.file, &golden.ids));
}

/// A number that is no type's is kept, and loading says whose it is.
#[test]
fn loading_names_the_tensor_whose_type_cannot_be_computed_with() {
    let golden = golden("llama");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.gguf");
    let sound = std::fs::read(golden.file.path().unwrap()).unwrap();
    let name = b"blk.1.ffn_down.weight";
    let at = sound.windows(name.len()).position(|w| w == name).unwrap() + name.len() + 4 + 2 * 8;
    for (id, said) in [
        (4u32, "tensor blk.1.ffn_down.weight has type Q4_2, which was removed from the format"),
        (36, "tensor blk.1.ffn_down.weight has type IQ4_NL_4_4, which was removed from the format"),
        (99, "tensor blk.1.ffn_down.weight has type number 99, which ingle cannot compute with"),
        (24, "tensor blk.1.ffn_down.weight has type I8, which ingle cannot compute with"),
    ] {
        let mut odd = sound.clone();
        odd[at..at + 4].copy_from_slice(&id.to_le_bytes());
        std::fs::write(&path, odd).unwrap();
        let file = Gguf::open(&path).unwrap();
        assert_eq!(file.tensors().len(), golden.file.tensors().len(), "the table is whole");
        let refused = Model::load(&file, &options(CacheType::F16, false)).err().unwrap();
        assert_eq!(refused.to_string(), said);
    }
}
