//! Work on whole models: `bench`, `quantize`.

use super::Run;
use serde_json::Value;

#[test]
fn bench_gives_llama_bench_s_fields_in_each_form() {
    let bench = |form: &[&str]| {
        let mut arguments = vec!["bench", "guide", "-p", "4", "-n", "2", "-r", "2", "-t", "1", "--no-warmup"];
        arguments.extend(form);
        Run::new(&arguments).answer().done()
    };
    let records: Value = serde_json::from_slice(&bench(&["--json"]).stdout).unwrap();
    assert_eq!(records.as_array().unwrap().len(), 2);
    assert_eq!((&records[0]["n_prompt"], &records[1]["n_gen"]), (&Value::from(4), &Value::from(2)));
    for key in
        ["model_filename", "model_type", "model_size", "n_threads", "type_k", "n_depth", "avg_ts", "stddev_ts", "samples_ns", "load_ms"]
    {
        assert!(!records[0][key].is_null(), "{key}");
    }
    let lines = bench(&["-o", "jsonl", "-pg", "3,1"]);
    assert_eq!(lines.text().lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 3);
    let table = bench(&[]);
    assert!(table.text().contains("| pp4 |") || table.text().contains(" pp4 |"), "{}", table.text());
    assert!(bench(&["-o", "csv"]).text().starts_with("\"cpu_info\","));
}

#[test]
fn bench_keeps_its_results_and_shows_them_again() {
    let home = tempfile::tempdir().unwrap();
    let bench = |arguments: &[&str]| Run::at(home.path(), &[&["bench"], arguments].concat()).answer().done();
    let measured = ["guide", "-p", "0", "-n", "2", "-r", "1", "-t", "1,2", "--cache", "f16,q8_0", "--no-warmup"];
    let table = bench(&measured);
    let said = table.text();
    assert!(said.contains(" type_k |") && said.contains(" q8_0 |"), "both types are columns: {said}");
    assert!(said.contains(" % of ") && said.contains("2 threads at most: reads "), "{said}");
    let records: Value = serde_json::from_slice(&bench(&[&measured[..], &["--json"]].concat()).stdout).unwrap();
    assert_eq!(records.as_array().unwrap().len(), 4);
    for key in ["n_cores", "kernels", "os", "model_fingerprint", "weight_bytes", "n_ops", "limit_read_gbs"] {
        assert!(!records[0][key].is_null(), "{key}");
    }

    let kept: Value = serde_json::from_slice(&bench(&["--list", "guide", "--json"]).stdout).unwrap();
    assert_eq!(kept.as_array().unwrap().len(), 8);
    assert_eq!(kept[4], records[0]);
    let list = bench(&["--list"]);
    let rows: Vec<&str> = list.text().lines().skip(2).collect();
    assert_eq!(rows.len(), 8);
    assert!(rows[..4].iter().all(|row| row.trim_end().ends_with("– |")), "nothing came before: {rows:#?}");
    assert!(rows[4..].iter().all(|row| row.trim_end().ends_with(" % |")), "the same came before: {rows:#?}");
}

#[test]
fn bench_measures_where_nothing_can_be_kept() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("ingle")).unwrap();
    std::fs::write(home.path().join("ingle/bench"), "a file where the folder would be").unwrap();
    let answer = Run::at(home.path(), &["bench", "guide", "-p", "0", "-n", "1", "-r", "1", "-o", "jsonl"]).answer();
    assert_eq!((answer.status, answer.text().lines().count()), (0, 1), "{answer:?}");
    assert!(answer.stderr.contains("ingle/bench"), "{}", answer.stderr);
}

#[test]
fn bench_without_a_test_is_wrong_usage() {
    Run::new(&["bench", "guide", "-p", "0", "-n", "0"]).answer().failed(2, &["nothing to measure"]);
    Run::new(&["bench", "no-such-model"]).answer().failed(1, &["no-such-model"]);
    for (arguments, parts) in [(&["bench", "guide", "--cache", "q9"][..], ["q9", "q8_0"]), (&["bench"], ["MODEL", "--help"])] {
        let answer = Run::new(arguments).answer();
        assert_eq!(answer.status, 2, "{}", answer.stderr);
        assert!(parts.iter().all(|part| answer.stderr.contains(part)), "{}", answer.stderr);
    }
}

#[test]
fn a_quantized_file_is_a_model_of_that_type() {
    let home = tempfile::tempdir().unwrap();
    let source = crate::golden::folder("archs").join("llama.gguf");
    let small = home.path().join("small.gguf");
    let arguments = ["quantize", source.to_str().unwrap(), small.to_str().unwrap(), "q8_0"];
    let summary: Value = serde_json::from_slice(&Run::new(&[&arguments[..], &["--json"]].concat()).answer().done().stdout).unwrap();
    assert!(summary["bytes_out"].as_u64() < summary["bytes_in"].as_u64(), "{summary}");
    let shown = Run::new(&["show", small.to_str().unwrap(), "--json"]).answer().done();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["facts"]["quantization"], "Q8_0");
    Run::new(&["quantize", small.to_str().unwrap(), small.to_str().unwrap(), "f16"]).answer().failed(1, &["same file"]);
    Run::new(&["quantize", small.to_str().unwrap(), "/nowhere/out.gguf", "f16"]).answer().failed(1, &["out.gguf"]);
    Run::new(&["quantize", "guide", "out.gguf", "q99"]).answer().failed(2, &["q99", "Q4_0"]);
}
