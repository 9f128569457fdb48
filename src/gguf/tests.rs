use super::header::Header;
use super::*;
use crate::quant::GgmlType;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// About 1 KB with a bit of everything: numbers, texts, arrays, arrays in arrays, four tensors of three types.
fn small_model() -> Vec<u8> {
    let mut w = Writer::new();
    w.set_str("general.architecture", "llama");
    w.set("llama.block_count", Value::U32(1));
    w.set("general.alignment", Value::U32(32));
    w.set("a.f32", Value::F32(f32::NAN));
    w.set("a.f64", Value::F64(f64::INFINITY));
    w.set("a.bool", Value::Bool(true));
    w.set("a.i64", Value::I64(-1));
    w.set("a.u8", Value::U8(7));
    w.set_array("tokenizer.ggml.tokens", ValueType::String, ["<s>", "", "ab"].map(|t| Value::String(t.as_bytes())));
    w.set_array("tokenizer.ggml.scores", ValueType::F32, [0.0, -1.5, 2.0].map(Value::F32));
    w.set_array("a.bools", ValueType::Bool, [true, false].map(Value::Bool));
    let shapes: [(&str, GgmlType, &[u64]); 4] = [
        ("token_embd.weight", GgmlType::F32, &[8, 3]),
        ("output_norm.weight", GgmlType::F32, &[8]),
        ("blk.0.ffn_up.weight", GgmlType::Q8_0, &[32, 2]),
        ("scalar", GgmlType::I32, &[]),
    ];
    for (name, ty, shape) in shapes {
        w.tensor(name, ty, shape).unwrap();
    }
    let mut body = w.begin("small.gguf", Vec::new()).unwrap();
    for n in [96usize, 32, 68, 4] {
        body.tensor([Ok(vec![n as u8; n])]).unwrap();
    }
    body.finish().unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Everything that a caller can do with a header.
fn walk(header: &Header, bytes: &[u8]) {
    for entry in &header.entries {
        let value = entry.value(bytes).expect("what was validated can be read");
        value.describe();
        if let Some(array) = value.as_array() {
            assert_eq!(array.iter().count(), array.len());
        }
    }
    for t in &header.tensors {
        let end = t.start.checked_add(t.n_bytes.unwrap_or(0)).unwrap();
        assert!(end <= bytes.len() as u64);
    }
    header.notes.phrases();
}

#[test]
fn what_is_written_is_read_back() {
    let folder = folder();
    let path = write(folder.path(), "small.gguf", &small_model());
    let gguf = Gguf::open(&path).unwrap();
    assert_eq!((gguf.name(), gguf.version(), gguf.path()), ("small.gguf", 3, Some(path.as_path())));
    assert_eq!(gguf.str("general.architecture").as_deref(), Some("llama"));
    assert_eq!((gguf.u32("llama.block_count"), gguf.u64("a.u8"), gguf.bool("a.bool")), (Some(1), Some(7), Some(true)));
    assert_eq!(gguf.strings("tokenizer.ggml.tokens").unwrap().collect::<Vec<_>>(), [&b"<s>"[..], b"", b"ab"]);
    assert_eq!(gguf.f32s("tokenizer.ggml.scores").unwrap().collect::<Vec<_>>(), [0.0, -1.5, 2.0]);
    let keys: Vec<&str> = gguf.metadata().map(|(k, _)| k).collect();
    assert_eq!((keys.len(), keys[0], keys[10]), (11, "general.architecture", "a.bools"));
    let up = gguf.tensor("blk.0.ffn_up.weight").unwrap();
    assert_eq!((up.ty, &up.shape[..], up.n_bytes, up.type_name()), (Some(GgmlType::Q8_0), &[32, 2][..], Some(68), "Q8_0".to_owned()));
    assert_eq!(&*gguf.tensor_bytes(up).unwrap(), &[68u8; 68]);
    assert_eq!(gguf.notes(), Vec::<String>::new());
    assert_eq!(gguf.fingerprint().0.len(), 64);
}

#[test]
fn absent_is_told_from_another_type() {
    let folder = folder();
    let gguf = Gguf::open(&write(folder.path(), "small.gguf", &small_model())).unwrap();
    assert_eq!(gguf.want_u32("nothing"), Ok(None));
    let said = gguf.want_u32("a.i64").unwrap_err().to_string();
    assert_eq!(said, "key a.i64: found i64 -1, expected a whole number from 0 to 4294967295");
    let said = gguf.want_f32s("tokenizer.ggml.tokens").err().unwrap().to_string();
    assert_eq!(said, "key tokenizer.ggml.tokens: found an array of 3 strings, expected an array of f32");
    assert_eq!((gguf.u32("a.i64"), gguf.f32("a.u8"), gguf.i32s("tokenizer.ggml.scores")), (None, Some(7.0), None));
}

#[test]
fn every_beginning_of_a_file_is_refused_or_sound() {
    let model = small_model();
    assert!(model.len() < 1200, "{} bytes", model.len());
    let whole = Header::parse(&model).unwrap();
    for n in 0..model.len() {
        match Header::parse(&model[..n]) {
            // The last tensor's padding may be missing.
            Ok(header) => {
                assert!(n >= model.len() - 31 && header.tensors.len() == whole.tensors.len(), "{n} bytes pass");
                walk(&header, &model[..n]);
            }
            Err(fault) => drop((fault.to_string(), fault.class(), fault.remedy())),
        }
    }
}

#[test]
fn every_change_of_a_byte_is_refused_or_sound() {
    let model = small_model();
    let mut changed = model.clone();
    for at in 0..model.len() {
        for byte in 0..=255 {
            changed[at] = byte;
            match Header::parse(&changed) {
                Ok(header) => walk(&header, &changed),
                Err(fault) => assert!(!fault.to_string().chars().any(char::is_control)),
            }
        }
        changed[at] = model[at];
    }
}

/// The files of golden/hostile, from which damage begins.
fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hostile");
    let paths = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "gguf"));
    let mut seeds: Vec<Vec<u8>> = paths.map(|p| std::fs::read(p).unwrap()).filter(|b| b.len() < 5000).collect();
    seeds.sort();
    seeds.push(small_model());
    seeds
}

/// Numbers that wrap, end or begin something.
const EDGES: [u64; 12] = [0, 1, 7, 12, 31, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63, u64::MAX - 31, u64::MAX];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(std::env::var("INGLE_FUZZ_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000)))]

    /// Bytes changed, numbers set to their edges, ends cut off. INGLE_FUZZ_RUNS asks for more of it.
    #[test]
    fn damage_is_refused_or_sound(
        seed in prop::sample::select(seeds()),
        bytes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        numbers in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&EDGES)), 0..3),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut file = seed;
        for (at, byte) in bytes.iter().filter(|_| !file.is_empty()).collect::<Vec<_>>() {
            let at = at.index(file.len());
            file[at] = *byte;
        }
        for (at, number) in numbers.iter().filter(|_| file.len() > 8).collect::<Vec<_>>() {
            let at = at.index(file.len() - 8);
            file[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len() + 1));
        }
        match Header::parse(&file) {
            Ok(header) => walk(&header, &file),
            Err(fault) => {
                let said = fault.to_string();
                prop_assert!(!said.chars().any(char::is_control), "{}", said);
            }
        }
    }
}

/// The same model in `count` files, the tensors dealt out in turn.
fn split_model(folder: &Path, count: u16) -> Vec<PathBuf> {
    let names = ["a", "b", "c", "d"];
    (0..count)
        .map(|no| {
            let mut w = Writer::new();
            w.set("split.no", Value::U16(no));
            w.set("split.count", Value::U16(count));
            w.set("split.tensors.count", Value::I32(4));
            let mine: Vec<usize> = (0..4).filter(|i| i % usize::from(count) == usize::from(no)).collect();
            for i in &mine {
                w.tensor(names[*i], GgmlType::F32, &[8]).unwrap();
            }
            let mut body = w.begin("split", Vec::new()).unwrap();
            mine.iter().for_each(|i| body.tensor([Ok(vec![*i as u8; 32])]).unwrap());
            write(folder, &format!("m-{:05}-of-{count:05}.gguf", no + 1), &body.finish().unwrap())
        })
        .collect()
}

#[test]
fn a_split_model_is_one_model() {
    let folder = folder();
    let paths = split_model(folder.path(), 3);
    let gguf = Gguf::open(&paths[0]).unwrap();
    let names: Vec<&str> = gguf.tensors().iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["a", "d", "b", "c"]);
    for (i, name) in ["a", "b", "c", "d"].iter().enumerate() {
        assert_eq!(&*gguf.tensor_bytes(gguf.tensor(name).unwrap()).unwrap(), &[i as u8; 32]);
    }
    assert_eq!(gguf.file_bytes(), paths.iter().map(|p| p.metadata().unwrap().len()).sum::<u64>());
}

#[test]
fn a_split_model_with_a_wrong_part_is_refused_by_name() {
    let refused = |path: &Path| {
        let e = Gguf::open(path).unwrap_err();
        assert_eq!(e.class(), Class::Split);
        e.to_string()
    };
    let f = folder();
    let paths = split_model(f.path(), 3);
    let said = refused(&paths[1]);
    assert!(said.contains("found part 2 of 3, expected the first part, m-00001-of-00003.gguf"), "{said}");

    std::fs::remove_file(&paths[2]).unwrap();
    let said = refused(&paths[0]);
    assert!(said.contains("m-00003-of-00003.gguf: found no such file beside it"), "{said}");

    std::fs::copy(&paths[1], &paths[2]).unwrap();
    let said = refused(&paths[0]);
    assert!(said.contains("m-00003-of-00003.gguf: found part 2 of 3, expected part 3 of 3"), "{said}");

    let moved = f.path().join("other.gguf");
    std::fs::rename(&paths[0], &moved).unwrap();
    assert!(refused(&moved).contains("-00001-of-00003.gguf"));

    // A part that promises more than there is, or that there are.
    let promise = |no: Value<'static>, count: Value<'static>| {
        let mut w = Writer::new();
        w.set("split.no", no);
        w.set("split.count", count);
        write(f.path(), "m.gguf", &w.begin("m", Vec::new()).unwrap().finish().unwrap())
    };
    assert!(refused(&promise(Value::U16(0), Value::U16(2000))).contains("2000 parts"));
    assert!(refused(&promise(Value::U16(2), Value::U16(2))).contains("part 2 of 2"));
    assert!(refused(&promise(Value::U16(0), Value::F32(2.0))).contains("no whole number"));
}

#[test]
fn a_changed_file_is_noticed_and_a_replaced_one_is_not() {
    let folder = folder();
    let path = write(folder.path(), "small.gguf", &small_model());
    let gguf = Gguf::open(&path).unwrap();
    let embd = gguf.tensor_bytes(gguf.tensor("token_embd.weight").unwrap()).unwrap();
    assert_eq!(gguf.unchanged(), Ok(()));
    let (_, bytes) = gguf.maps().next().unwrap();
    bytes.warm(0..bytes.len()).unwrap();

    let other = write(folder.path(), "other.gguf", b"something else");
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(gguf.unchanged(), Ok(()), "the map keeps the old file");
    assert_eq!(&*embd, &[96u8; 96]);

    let path = write(folder.path(), "cut.gguf", &small_model());
    let gguf = Gguf::open(&path).unwrap();
    let (_, bytes) = gguf.maps().next().unwrap();
    let size = bytes.len() as u64;
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    assert_eq!(gguf.unchanged(), Err(("cut.gguf", Changed::Cut { from: size, to: 0 })));
    assert!(cfg!(not(target_os = "linux")) || bytes.warm(0..bytes.len()).is_err(), "an error, no signal");
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let folder = folder();
    let refused = |path: &Path| Gguf::open(path).unwrap_err();
    assert_eq!(refused(folder.path()).class(), Class::Io);
    let missing = refused(&folder.path().join("none.gguf")).to_string();
    assert!(missing.starts_with("none.gguf: cannot be opened: no such file or directory; check the path"), "{missing}");
    let pipe = folder.path().join("pipe.gguf");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(refused(&pipe).class(), Class::Io);
}

#[test]
fn a_new_file_is_whole_or_absent() {
    let folder = folder();
    let path = write(folder.path(), "new.gguf", b"old");
    let mut new = NewFile::create(&path).unwrap();
    std::io::Write::write_all(&mut new, b"half").unwrap();
    assert!(NewFile::create(&path).unwrap_err().to_string().contains("another program is writing it"));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    drop(new);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");

    write(folder.path(), ".new.gguf.part", b"left over by a killed program");
    let mut new = NewFile::create(&path).unwrap();
    std::io::Write::write_all(&mut new, b"new").unwrap();
    new.commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_writer_takes_what_was_planned() {
    let plan = || {
        let mut w = Writer::new();
        w.tensor("a", GgmlType::F32, &[2]).unwrap();
        w.begin("x.gguf", Vec::new()).unwrap()
    };
    let said = |r: Result<(), GgufError>| r.unwrap_err().to_string();
    assert!(said(plan().tensor([Ok([0; 7])])).contains("tensor a: found 7 bytes to write, expected 8"));
    assert!(said(plan().finish().map(drop)).contains("tensor a: found 0 bytes"));
    let mut w = Writer::new();
    assert!(said(w.tensor("a", GgmlType::Q8_0, &[33])).contains("rows of 33 values"));
}
