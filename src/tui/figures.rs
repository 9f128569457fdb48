//! Numbers as the screen writes them: units of memory are binary, thousands are parted, unknown is an en dash.

pub const UNKNOWN: &str = "–";

/// "1.88 GiB", "12.0 MiB", "8 KiB".
pub fn bytes(n: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (size, unit) in UNITS {
        if n >= size {
            let value = n as f64 / size as f64;
            return match unit {
                "GiB" => format!("{value:.2} {unit}"),
                "MiB" => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
    }
    format!("{n} B")
}

/// Figures that stand beneath each other have one unit: that of the largest.
pub fn bytes_like(n: u64, largest: u64) -> String {
    if largest >= 1 << 30 {
        format!("{:.2} GiB", n as f64 / (1u64 << 30) as f64)
    } else {
        format!("{:.1} MiB", n as f64 / (1u64 << 20) as f64)
    }
}

/// "3,120".
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// "3.21 B", "4.2 M".
pub fn count(n: u64) -> String {
    match n {
        1_000_000_000.. => format!("{:.2} B", n as f64 / 1e9),
        1_000_000.. => format!("{:.1} M", n as f64 / 1e6),
        1_000.. => format!("{:.1} k", n as f64 / 1e3),
        _ => n.to_string(),
    }
}

/// A rate in tok/s: one decimal below a hundred, none above.
pub fn rate(v: f32) -> String {
    if v < 100.0 { format!("{v:.1}") } else { grouped(v.round() as u64) }
}

/// Milliseconds as seconds, "0.31 s", or as they are where seconds would say nothing: "8 ms".
pub fn seconds(ms: f64) -> String {
    if ms < 99.5 {
        format!("{ms:.0} ms")
    } else if ms < 10_000.0 {
        format!("{:.2} s", ms / 1000.0)
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

pub fn known<T>(value: Option<T>, format: impl Fn(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), format)
}

/// A share in whole percent.
pub fn percent(used: u64, whole: u64) -> u64 {
    if whole == 0 { 0 } else { (u128::from(used) * 100 / u128::from(whole)).min(u128::from(u64::MAX)) as u64 }
}
