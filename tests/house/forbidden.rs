//! Calls that may not stand in some places.

use super::scan::Source;

/// Where `unsafe` may stand: the decoder's kernels and devices, the file's mapping, the system.
const UNSAFE_ALLOWED: &[&str] =
    &["src/model/kernels/", "src/model/kernels.rs", "src/model/device/", "src/model/device.rs", "src/gguf/map", "src/sys/"];

/// What `update` may not call, as pieces of source, and what it is.
const IMPURE: &[(&[&str], &str)] = &[
    (&["Instant", "::", "now"], "a clock"),
    (&["SystemTime"], "a clock"),
    (&["Timestamp", "::", "now"], "a clock"),
    (&["Zoned", "::", "now"], "a clock"),
    (&["std", "::", "env"], "the environment"),
    (&["env", "::", "var"], "the environment"),
    (&["env", "::", "var_os"], "the environment"),
    (&["std", "::", "fs"], "the disk"),
    (&["fs", "::"], "the disk"),
    (&["File", "::"], "the disk"),
    (&["std", "::", "thread"], "a thread"),
    (&["thread", "::"], "a thread"),
    (&["tokio"], "a task"),
    (&["mpsc"], "a channel"),
    (&["std", "::", "process"], "a process"),
    (&["std", "::", "net"], "the network"),
    (&["now_v7"], "chance"),
    (&["new_v4"], "chance"),
    (&["rand", "::"], "chance"),
    (&["getrandom"], "chance"),
    (&["RandomState"], "chance"),
    (&["println", "!"], "the terminal"),
    (&["eprintln", "!"], "the terminal"),
    (&["stdout"], "the terminal"),
    (&["stdin"], "the terminal"),
];

/// State that a whole process shares belongs to `sys` alone; a value computed once and then only read is none.
const SHARED: &[&str] =
    &["Mutex", "RwLock", "RefCell", "Cell", "AtomicBool", "AtomicU8", "AtomicU32", "AtomicU64", "AtomicUsize", "AtomicI64"];

/// Names that say nothing.
pub const NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];

pub fn wrong(source: &Source) -> Vec<String> {
    let mut out = Vec::new();
    let is_update = source.room() == "tui" && source.modules.iter().any(|m| m == "update");
    for (at, piece) in source.pieces.iter().enumerate() {
        let place = || format!("{}:{}", source.name, piece.line);
        if piece.text == "unsafe" && !UNSAFE_ALLOWED.iter().any(|p| source.name.starts_with(p)) {
            out.push(format!("{}: unsafe", place()));
        }
        for (calls, what) in IMPURE {
            // `std::fs::read` is found once, as std::fs.
            let counted = at > 0 && source.text(at - 1) == "::" && matches!(calls[0], "fs" | "thread" | "env");
            if is_update && !counted && source.has(at, calls) {
                out.push(format!("{}: {} asks {what}", place(), calls.concat()));
            }
        }
        if piece.text == "static" && source.room() != "sys" && !source.is_test() && is_shared(source, at) {
            out.push(format!("{}: a static that changes", place()));
        }
    }
    out
}

/// Whether the static that begins here can change: its type says so.
fn is_shared(source: &Source, at: usize) -> bool {
    let kind = (at + 1..source.pieces.len()).map(|i| source.text(i)).take_while(|text| !matches!(*text, "=" | ";" | "{"));
    kind.into_iter().any(|text| text == "mut" || SHARED.contains(&text))
}

#[test]
fn each_kind_of_wrong_call_is_found() {
    let wrongs = |name, text| wrong(&Source::new(name, text)).len();
    assert_eq!(wrongs("src/tui/screens/chat/update.rs", "fn f() { let t = std::time::Instant::now(); }"), 1);
    assert_eq!(wrongs("src/tui/screens/chat/update.rs", "fn f(env: &Env) { env.now; // std::fs\n }"), 0);
    assert_eq!(wrongs("src/tui/run.rs", "fn f() { std::fs::read(p) }"), 0);
    assert_eq!(wrongs("src/quant/mod.rs", "fn f() { unsafe { g() } }"), 1);
    assert_eq!(wrongs("src/sys/tty.rs", "fn f() { unsafe { g() } }"), 0);
    assert_eq!(wrongs("src/engine/mod.rs", "static N: AtomicU64 = AtomicU64::new(0);"), 1);
    assert_eq!(wrongs("src/engine/mod.rs", "static NAMES: LazyLock<Vec<u8>> = LazyLock::new(f); fn g(x: &'static Mutex<u8>) {}"), 0);
}
