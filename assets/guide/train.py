"""Trains the guide. `python train.py --run FOLDER --minutes 40` goes on from FOLDER's last checkpoint if there is one."""

import argparse
import json
import math
import os
import random
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F

from material import Source, held_out
from network import Network, Shape
from vocabulary import Vocabulary, learn

SEED = 20260110
VOCABULARY_SIZE = 3072
TOKENS_PER_STEP = 3072
PEAK_RATE, LAST_RATE, WARM_STEPS = 2e-3, 4e-5, 150
IGNORED = -100
# An answer is known by its first words; to learn to tell questions apart most examples need not go on to its end.
CUT_SHARE, CUT_TOKENS = 0.6, (6, 14)


def conversation_ids(turns, vocabulary: Vocabulary, rng: random.Random):
    """ids, and for each place the id to predict there or IGNORED: only what the guide says is learned."""
    ids, targets = [], []

    def add(new, learned):
        ids.extend(new)
        targets.extend(new if learned else [IGNORED] * len(new))

    for role, text in turns:
        add([vocabulary.turn_start, *vocabulary.encode(role + "\n")], False)
        if role == "assistant":
            add([*vocabulary.encode(text), vocabulary.turn_end], True)
        else:
            add([*vocabulary.encode(text, 0.06, rng), vocabulary.turn_end], False)
        add(vocabulary.encode("\n"), False)
    if rng.random() < CUT_SHARE:
        last = max(i for i, token in enumerate(ids) if token == vocabulary.turn_start)
        keep = last + 3 + rng.randint(*CUT_TOKENS)
        ids, targets = ids[:keep], targets[:keep]
    return ids, targets


def batches(source: Source, vocabulary: Vocabulary, n_ctx: int):
    """Conversations of like length side by side, so that little is computed on padding."""
    rng = random.Random(source.rng.random())
    while True:
        pool = [conversation_ids(source.conversation(), vocabulary, rng) for _ in range(1500)]
        pool = sorted((c for c in pool if len(c[0]) <= n_ctx), key=lambda c: len(c[0]))
        groups, group = [], []
        for c in pool:
            if group and len(c[0]) * (len(group) + 1) > TOKENS_PER_STEP:
                groups.append(group)
                group = []
            group.append(c)
        rng.shuffle(groups)
        for group in groups:
            width = max(len(ids) for ids, _ in group)
            ids = torch.full((len(group), width), vocabulary.end_of_text)
            targets = torch.full((len(group), width), IGNORED)
            for row, (i, t) in enumerate(group):
                ids[row, : len(i)] = torch.tensor(i)
                targets[row, : len(t)] = torch.tensor(t)
            yield ids[:, :-1], targets[:, 1:]


def rate_at(done: float, step: int) -> float:
    """Warms up by steps, then falls as a cosine over the share of the time that is spent."""
    if step < WARM_STEPS:
        return PEAK_RATE * (step + 1) / WARM_STEPS
    return LAST_RATE + (PEAK_RATE - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def save(path: Path, state: dict):
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def make_vocabulary(run: Path) -> Vocabulary:
    path = run / "vocabulary.json"
    if path.exists():
        return Vocabulary.load(path)
    source = Source(SEED, held_out())
    texts = [t for _ in range(40000) for t in source.question()[1:2]]
    texts += [a for t in [*source.topics.values(), source.refusal] for a in t.answers for _ in range(60)]
    vocabulary = learn(texts, VOCABULARY_SIZE)
    vocabulary.save(path)
    return vocabulary


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--run", type=Path, required=True, help="folder of vocabulary and checkpoints")
    args.add_argument("--minutes", type=float, default=40, help="time to train, over all starts")
    args.add_argument("--threads", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    args.run.mkdir(parents=True, exist_ok=True)
    vocabulary = make_vocabulary(args.run)
    shape = Shape(n_vocab=len(vocabulary))
    network = Network(shape)
    print(f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M parameters, {len(vocabulary)} tokens", flush=True)
    decayed = [p for p in network.parameters() if p.dim() == 2]
    plain = [p for p in network.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
        lr=PEAK_RATE, betas=(0.9, 0.98), fused=True,
    )
    step, spent = 0, 0.0
    checkpoint = args.run / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
        print(f"goes on at step {step}, {spent / 60:.1f} minutes spent", flush=True)

    def keep():
        save(checkpoint, {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
                          "spent": spent, "shape": asdict(shape)})

    data = batches(Source(SEED + step, held_out()), vocabulary, shape.n_ctx)
    network.train()
    losses, seen, begun = [], 0, time.monotonic()
    last, kept = begun, begun
    while spent < args.minutes * 60:
        ids, targets = next(data)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(spent / (args.minutes * 60), step)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = network.hidden(ids)
            learned = targets != IGNORED
            loss = F.cross_entropy(network.logits(hidden[learned]).float(), targets[learned])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        seen += ids.numel()
        losses.append(loss.item())
        now = time.monotonic()
        spent += now - last
        last = now
        if step % 50 == 0:
            print(json.dumps({"step": step, "minutes": round(spent / 60, 2), "loss": round(sum(losses) / len(losses), 4),
                              "tokens_per_s": round(seen / (now - begun))}), flush=True)
            losses = []
        if now - kept > 120:
            keep()
            kept = now
    keep()


if __name__ == "__main__":
    main()
