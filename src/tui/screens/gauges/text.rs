//! Every gauge, as a row of a table: its name, unit, what it means, and how its figure is written.

use super::state::{Figures, Phase};
use crate::tui::app::App;
use crate::tui::figures::{UNKNOWN, bytes, grouped, known, percent, rate, seconds};
use crate::tui::theme::Meaning;

pub struct Gauge {
    /// The name in the setting `status`, unique.
    pub id: &'static str,
    /// As the panel labels it.
    pub name: &'static str,
    pub unit: &'static str,
    /// What exactly is measured.
    pub meaning: &'static str,
    /// Columns its figure usually takes: it has these also while it is shorter, so that nothing beside it moves.
    pub columns: usize,
    /// The figure as the status line writes it; absent where there is nothing to say at all.
    pub line: fn(&App) -> Option<String>,
}

/// In the order of the status line.
pub const GAUGES: &[Gauge] = &[
    Gauge { id: "model", name: "model", unit: "", meaning: "The model that answers, and its quantization", columns: 0, line: model },
    Gauge {
        id: "placement",
        name: "placement",
        unit: "",
        meaning: "Where the model computes: threads of the CPU, layers on the GPU",
        columns: 0,
        line: placement,
    },
    Gauge {
        id: "context",
        name: "context",
        unit: "tokens, %",
        meaning: "Tokens in the KV cache, of those the context has room for",
        columns: 0,
        line: context,
    },
    Gauge {
        id: "prefill",
        name: "prefill",
        unit: "tok/s",
        meaning: "Prompt tokens computed a second; tokens taken from the cache do not count",
        columns: 0,
        line: prefill,
    },
    Gauge {
        id: "decode",
        name: "decode",
        unit: "tok/s",
        meaning: "Tokens of the last second; in brackets (n-1) over first-to-last token",
        columns: 20,
        line: decode,
    },
    Gauge {
        id: "speculation",
        name: "speculation",
        unit: "%",
        meaning: "Of the tokens guessed ahead, those that came true: accepted/drafted",
        columns: 0,
        line: speculation,
    },
    Gauge { id: "ttft", name: "TTFT", unit: "s", meaning: "From Enter to the first sampled token", columns: 0, line: ttft },
    Gauge {
        id: "memory",
        name: "memory",
        unit: "GiB",
        meaning: "Resident memory of this process: weights, KV cache, scratch, other",
        columns: 0,
        line: memory,
    },
    Gauge {
        id: "gpu",
        name: "GPU",
        unit: "%, GiB, W, °C",
        meaning: "Load, memory, power and temperature of the GPU",
        columns: 0,
        line: gpu,
    },
];

fn model(app: &App) -> Option<String> {
    let models = &app.models;
    let name = match (&models.loading, &models.current) {
        (Some(loading), _) => crate::tui::screens::models::name_of(app, &loading.reference),
        (None, Some(current)) => format!("{} {}", current.facts.name, current.facts.quantization),
        (None, None) => "no model".to_owned(),
    };
    Some(name.trim_end().to_owned())
}

fn placement(app: &App) -> Option<String> {
    let threads = app.models.current.as_ref()?.facts.n_threads;
    (threads > 0).then(|| format!("CPU {threads}t"))
}

/// Used and size of the context.
pub fn context_of(app: &App) -> Option<(u64, u64)> {
    let size = u64::from(app.models.current.as_ref()?.facts.n_ctx);
    let used = u64::from(app.gauges.shown.n_past.unwrap_or(0));
    (size > 0).then_some((used, size))
}

fn context(app: &App) -> Option<String> {
    let (used, size) = context_of(app)?;
    Some(format!("ctx {}/{} {}%", grouped(used), grouped(size), percent(used, size)))
}

fn shown(app: &App) -> &Figures {
    &app.gauges.shown
}

fn prefill(app: &App) -> Option<String> {
    app.models.current.as_ref()?;
    Some(format!("pp {}", known(shown(app).prefill.and_then(|p| p.rate), rate)))
}

fn decode(app: &App) -> Option<String> {
    app.models.current.as_ref()?;
    let figures = shown(app);
    Some(match (figures.decode_now, figures.decode_mean) {
        (None, None) => format!("tg {UNKNOWN} tok/s"),
        (now, mean) => format!("tg {} ({}) tok/s", known(now, rate), known(mean, rate)),
    })
}

pub fn speculation(app: &App) -> Option<String> {
    shown(app).drafted.map(|d| format!("spec {}%", d.percent()))
}

fn ttft(app: &App) -> Option<String> {
    Some(format!("TTFT {}", seconds(shown(app).ttft_ms?)))
}

fn memory(app: &App) -> Option<String> {
    Some(format!("mem {}", bytes(shown(app).machine.process.resident_bytes?)))
}

fn gpu(app: &App) -> Option<String> {
    let gpu = shown(app).machine.gpus.first()?;
    let mut parts = vec![format!("GPU {}%", known(gpu.load_percent, |v| v.to_string()))];
    if let (Some(used), Some(total)) = (gpu.vram_used_bytes, gpu.vram_total_bytes) {
        let gib = |b: u64| format!("{:.1}", b as f64 / (1u64 << 30) as f64);
        parts.push(format!("{}/{} GiB", gib(used), gib(total)));
    }
    parts.extend(gpu.power_w.map(|w| format!("{w:.0} W")));
    parts.extend(gpu.temperature_c.map(|t| format!("{t} °C")));
    Some(parts.join(" "))
}

/// How figures read from devices are written: faint while the gauges rest, since they are not those of now.
pub fn read_meaning(app: &App) -> Meaning {
    if app.watching { Meaning::Text } else { Meaning::Faint }
}

/// What the engine is at, in words; empty while there is nothing to add to the mark.
pub fn phase(app: &App) -> String {
    if let Some(loading) = &app.models.loading {
        return loading.fraction.map_or("loading".to_owned(), |f| format!("loading {:.0}%", f * 100.0));
    }
    match app.gauges.phase {
        Phase::Queued(ahead) if ahead > 0 => format!("queued {ahead}"),
        Phase::Prefill(p) if p.done < p.total => {
            let share = percent(u64::from(p.done), u64::from(p.total));
            let eta = p.eta_s().map(|s| format!(" ETA ~{s:.0} s")).unwrap_or_default();
            format!("prefill {}/{} {share}%{eta}", grouped(u64::from(p.done)), grouped(u64::from(p.total)))
        }
        Phase::Queued(_) | Phase::Prefill(_) | Phase::Decode if app.conversation.is_answering() => "answering".to_owned(),
        Phase::Idle | Phase::Queued(_) | Phase::Prefill(_) | Phase::Decode => String::new(),
    }
}
