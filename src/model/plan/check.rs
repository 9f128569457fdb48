//! What must hold in a plan whatever file it was made from: steps take it for granted, and would panic without it.

use super::{
    AttentionPlan, Cached, ChoicePlan, Chooses, IndexerPlan, KeysOf, LatentPlan, MergePlan, Mixer, Plan, PoolPlan, RecurrentPlan,
    SharedRowPlan, StepPlan,
};

/// A layer that cannot be computed as its file describes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("layer {il}: {what}")]
pub struct Misfit {
    pub il: usize,
    pub what: String,
}

impl Plan {
    pub fn check(&self) -> Result<(), Misfit> {
        let cached: Vec<_> = self.cached().collect();
        let mut has_chosen = false;
        for (il, layer) in self.layers.iter().enumerate() {
            self.residuals_fit(&layer.steps).map_err(|what| Misfit { il, what })?;
            for mixer in layer.mixers() {
                let fits = match mixer {
                    Mixer::Attention(a) => self.attention_fits(a, &cached, &mut has_chosen),
                    Mixer::Latent(l) => self.latent_fits(l, &mut has_chosen),
                    Mixer::SharedRow(s) => self.shared_row_fits(s),
                    Mixer::Recurrent(RecurrentPlan::Decay(d)) => {
                        let (n_head, kv) = (d.n_embd / d.head_dim, d.n_head_kv);
                        let fits = kv > 0 && n_head.is_multiple_of(kv) && (d.bonus.is_none() || n_head == kv);
                        or(fits, || format!("{kv} heads for keys do not fit {n_head} heads"))
                    }
                    _ => Ok(()),
                };
                fits.map_err(|what| Misfit { il, what })?;
            }
        }
        Ok(())
    }

    fn attention_fits(&self, a: &AttentionPlan, cached: &[Cached], has_chosen: &mut bool) -> Result<(), String> {
        let heads = a.n_head > 0 && a.n_head_kv > 0 && a.n_head.is_multiple_of(a.n_head_kv);
        or(heads, || format!("{} heads for keys do not fit {} heads", a.n_head_kv, a.n_head))?;
        or(a.head_dim_k > 0 && a.head_dim_v > 0, || "heads of no length".to_owned())?;
        or(!a.values_are_keys || a.head_dim_k == a.head_dim_v, || "keys are no values of another length".to_owned())?;
        self.rope_fits(a.rope, a.head_dim_k)?;
        if let KeysOf::Other(other) = a.keys_of {
            or(cached.get(other) == Some(&a.cached()), || format!("the keys of attention {other} have another shape"))?;
        }
        if let Some(gate) = &a.gate {
            let (width, n) = (gate.width(a), a.n_head * a.head_dim_v);
            or(width > 0 && n.is_multiple_of(width), || format!("{width} gates do not fit {n} values"))?;
        }
        let n_embd = a.out.n_out;
        self.choice_fits(a.choice.as_ref(), n_embd, a.n_head_kv, has_chosen)
    }

    /// What is spread over residuals was merged from them, by a merge that knows how.
    fn residuals_fit(&self, steps: &[StepPlan]) -> Result<(), String> {
        let mut spreads = false;
        for step in steps {
            match step {
                StepPlan::Merge { merge, .. } => {
                    or(self.n_residual() > 0, || "it merges residuals, and there is one".to_owned())?;
                    spreads = match &**merge {
                        MergePlan::Mean => false,
                        MergePlan::Weighted(w) => w.spread.is_some(),
                        MergePlan::Gated(g) => g.spread.is_some(),
                    };
                }
                StepPlan::Ngram(n) => or(n.n == self.n_residual() && n.n > 0, || "it gives to residuals that are not there".to_owned())?,
                StepPlan::Spread { .. } => or(spreads, || "it spreads what it has not merged".to_owned())?,
                _ => {}
            }
        }
        Ok(())
    }

    fn latent_fits(&self, l: &LatentPlan, has_chosen: &mut bool) -> Result<(), String> {
        let n = l.n_head * l.head_dim_v;
        if let Some((gate, _)) = &l.gate {
            or(gate.n_out > 0 && n.is_multiple_of(gate.n_out), || format!("{} gates do not fit {n} values", gate.n_out))?;
        }
        self.rope_fits(l.rope, l.n_rope)?;
        let n_queries = l.q_a.as_ref().map_or(l.kv_a.n_in, |(q_a, _)| q_a.n_out);
        self.choice_fits(l.choice.as_ref(), n_queries, 1, has_chosen)
    }

    /// `n_queries` is the width of what an indexer's queries are made of, `n_head_kv` the heads that may look at keys of
    /// their own.
    fn choice_fits(&self, choice: Option<&ChoicePlan>, n_queries: usize, n_head_kv: usize, has_chosen: &mut bool) -> Result<(), String> {
        match choice {
            None => Ok(()),
            Some(ChoicePlan::Last) => or(*has_chosen, || "it looks at what a layer before has chosen, and none has".to_owned()),
            Some(ChoicePlan::Own(indexer)) => {
                *has_chosen = true;
                let fits = match (indexer.chooses, indexer.pool()) {
                    (Chooses::Keys(_), None) | (Chooses::Blocks(_) | Chooses::Positions(_), Some(_)) => true,
                    (Chooses::BlocksOfHeads { .. }, None) => indexer.n_head == n_head_kv,
                    _ => false,
                };
                or(fits, || format!("an indexer of {} heads that does not choose positions", indexer.n_head))?;
                self.indexer_fits(indexer, n_queries)
            }
        }
    }

    fn indexer_fits(&self, i: &IndexerPlan, n_queries: usize) -> Result<(), String> {
        or(i.n_head > 0 && i.head_dim > 0 && i.chooses.n() > 0, || "an indexer that chooses nothing".to_owned())?;
        or(i.q.n_in == n_queries, || format!("an indexer that reads {} values of {n_queries}", i.q.n_in))?;
        if let Chooses::BlocksOfHeads { size, .. } = i.chooses {
            or(size > 0, || "blocks of no keys".to_owned())?;
        }
        if let Some(pool) = i.pool() {
            self.pool_fits(pool, i.head_dim)?;
        }
        self.rope_fits(i.rope.map(|r| r.rope), i.head_dim)
    }

    fn pool_fits(&self, pool: &PoolPlan, dim: usize) -> Result<(), String> {
        or(pool.ratio > 0 && pool.dim == dim, || format!("pooled rows of {} for heads of {dim}", pool.dim))?;
        self.rope_fits(pool.rope.map(|r| r.rope), dim)
    }

    fn shared_row_fits(&self, s: &SharedRowPlan) -> Result<(), String> {
        let n = s.n_head * s.head_dim;
        or(s.n_head > 0 && s.head_dim > 0, || "heads of no length".to_owned())?;
        or(s.n_group > 0 && n.is_multiple_of(s.n_group) && s.rank > 0, || format!("{} groups do not fit {n} values", s.n_group))?;
        self.rope_fits(Some(s.rope), s.head_dim)?;
        if let Some(pool) = &s.pool {
            self.pool_fits(pool, s.head_dim)?;
        }
        let Some(indexer) = &s.choice else { return Ok(()) };
        // What it chooses are pooled rows, so it must know as many.
        let alike = indexer.pool().map(|p| p.ratio) == s.pool.as_ref().map(|p| p.ratio) && s.pool.is_some();
        or(alike && matches!(indexer.chooses, Chooses::Keys(_)), || "an indexer of other rows than it chooses".to_owned())?;
        self.indexer_fits(indexer, s.q.n_in)
    }

    fn rope_fits(&self, rope: Option<usize>, head_dim: usize) -> Result<(), String> {
        let Some(rope) = rope.and_then(|i| self.ropes.get(i)) else { return Ok(()) };
        let n_rot = rope.n_rot;
        or(n_rot > 0 && n_rot.is_multiple_of(2) && n_rot <= head_dim, || format!("{n_rot} rotated values do not fit heads of {head_dim}"))
    }
}

fn or(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
