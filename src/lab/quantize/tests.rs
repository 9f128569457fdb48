use super::*;
use crate::quant::{dequantize, quantize};
use std::path::PathBuf;

const N_EMBD: u64 = 256;

/// A model in miniature, F32: an odd matrix, a router, a norm, a vector of integers, a long matrix of several slabs' chunks.
fn source(folder: &Path) -> PathBuf {
    let mut w = Writer::new();
    w.set_str("general.architecture", "llama");
    w.set("general.file_type", Value::U32(0));
    let shapes: [(&str, GgmlType, &[u64]); 6] = [
        ("token_embd.weight", GgmlType::F32, &[N_EMBD, 700]),
        ("blk.0.attn_norm.weight", GgmlType::F32, &[N_EMBD]),
        ("blk.0.ffn_gate_inp.weight", GgmlType::F32, &[N_EMBD, 4]),
        ("blk.0.ffn_up.weight", GgmlType::F16, &[96, 3, 2]),
        ("blk.0.ffn_down.weight", GgmlType::BF16, &[7, 3]),
        ("ids", GgmlType::I32, &[4, 2]),
    ];
    let values = |n: usize| -> Vec<f32> { (0..n).map(|i| ((i * 7919) % 2003) as f32 / 1000.0 - 1.0).collect() };
    shapes.iter().for_each(|(name, ty, shape)| w.tensor(name, *ty, shape).unwrap());
    let path = folder.join("source.gguf");
    let mut body = w.begin("source.gguf", std::fs::File::create(&path).unwrap()).unwrap();
    for (_, ty, shape) in shapes {
        let mut bytes = Vec::new();
        match ty {
            GgmlType::I32 => bytes.extend([1u8; 32]),
            _ => quantize(ty, &values(shape.iter().product::<u64>() as usize), &mut bytes).unwrap(),
        }
        body.tensor([Ok(bytes)]).unwrap();
    }
    body.finish().unwrap();
    path
}

fn types(gguf: &Gguf) -> Vec<&'static str> {
    gguf.tensors().iter().map(|t| t.ty.unwrap().name()).collect()
}

fn values(gguf: &Gguf, name: &str) -> Vec<f32> {
    let tensor = gguf.tensor(name).unwrap();
    let mut out = vec![0.0; tensor.n_elements() as usize];
    dequantize(tensor.ty.unwrap(), &gguf.tensor_bytes(tensor).unwrap(), &mut out).unwrap();
    out
}

#[test]
fn matrices_get_the_type_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (source(folder.path()), folder.path().join("out.gguf"));
    for (ty, file_type, expected) in [
        (GgmlType::Q8_0, 7, ["Q8_0", "F32", "F32", "Q8_0", "F16", "I32"]),
        (GgmlType::Q6K, 18, ["Q6_K", "F32", "F32", "Q8_0", "F16", "I32"]),
        (GgmlType::Q4K, 14, ["Q4_K", "F32", "F32", "Q5_0", "F16", "I32"]),
        (GgmlType::Q2K, 10, ["Q2_K", "F32", "F32", "Q4_0", "F16", "I32"]),
        (GgmlType::BF16, 32, ["BF16", "F32", "F32", "BF16", "BF16", "I32"]),
        (GgmlType::F32, 0, ["F32", "F32", "F32", "F32", "F32", "I32"]),
    ] {
        let mut told = Vec::new();
        let summary = quantize_file(&input, &output, ty, &mut |p| told.push((p.done, p.bytes_done, p.bytes_total))).unwrap();
        let made = Gguf::open(&output).unwrap();
        assert_eq!(types(&made), expected, "{ty}");
        assert_eq!((made.u32("general.file_type"), made.u32("general.quantization_version")), (Some(file_type), Some(2)));
        assert_eq!(made.str("general.architecture").as_deref(), Some("llama"));
        assert_eq!((summary.bytes_out, summary.n_tensors, summary.requantized), (made.file_bytes(), 6, false));
        assert!(told.is_sorted() && told.last().unwrap().0 == 5 && told.iter().all(|t| t.1 <= t.2));
        let source = Gguf::open(&input).unwrap();
        assert_eq!(made.tensor_bytes(made.tensor("ids").unwrap()).unwrap()[..], [1; 32]);
        assert_eq!(values(&made, "blk.0.ffn_gate_inp.weight"), values(&source, "blk.0.ffn_gate_inp.weight"));
        let (a, b) = (values(&source, "token_embd.weight"), values(&made, "token_embd.weight"));
        let error = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / a.iter().map(|a| a * a).sum::<f32>();
        assert!(error < 0.1, "{ty}: {error}");
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// Threads and slabs change nothing: the bytes are those of the rows one after the other.
#[test]
fn the_bytes_are_those_of_each_row_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (source(folder.path()), folder.path().join("out.gguf"));
    quantize_file(&input, &output, GgmlType::Q4K, &mut |_| {}).unwrap();
    let mut expected = Vec::new();
    let source = values(&Gguf::open(&input).unwrap(), "token_embd.weight");
    source.chunks(N_EMBD as usize).for_each(|row| quantize(GgmlType::Q4K, row, &mut expected).unwrap());
    let made = Gguf::open(&output).unwrap();
    assert!(*made.tensor_bytes(made.tensor("token_embd.weight").unwrap()).unwrap() == expected[..]);
}

#[test]
fn what_cannot_be_done_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (source(folder.path()), folder.path().join("out.gguf"));
    let said = |input: &Path, output: &Path, ty| quantize_file(input, output, ty, &mut |_| {}).unwrap_err().report().to_string();
    assert!(said(&input, &output, GgmlType::IQ1S).starts_with("IQ1_S cannot be made by this version. Use one of F32, F16,"));
    assert!(said(&input, &input, GgmlType::Q8_0).contains("input and output are the same file. Give the output another name."));
    assert!(said(&folder.path().join("no.gguf"), &output, GgmlType::Q8_0).contains("cannot be opened"));
    assert!(said(&input, Path::new("/nowhere/out.gguf"), GgmlType::Q8_0).contains("cannot be written: no such file"));

    let nan = folder.path().join("nan.gguf");
    let mut w = Writer::new();
    w.tensor("a.weight", GgmlType::F32, &[32, 4]).unwrap();
    let mut body = w.begin("nan.gguf", std::fs::File::create(&nan).unwrap()).unwrap();
    let mut values = [0.5f32; 128];
    values[100] = f32::NAN;
    body.tensor([Ok(values.map(f32::to_le_bytes).as_flattened())]).unwrap();
    body.finish().unwrap();
    assert!(said(&nan, &output, GgmlType::Q8_0).contains("tensor a.weight: value 100 is NaN, expected a finite number."));
    assert!(!output.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn every_type_that_can_be_made_has_a_file_number() {
    for row in crate::quant::TYPES {
        assert_eq!(choice::file_type(row.ty).is_some(), can_quantize(row.ty), "{}", row.name);
    }
}
