"""Trains the guide. `python train.py --run FOLDER --minutes 40` goes on from FOLDER's last checkpoint if there is one."""

import argparse
import json
import os
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from material import Source, held_out
from muon import Muon
from network import Network, Shape
from vocabulary import SPLIT, Vocabulary, learn
from words import embedding

SEED = 20260110
VOCABULARY_SIZE = 3375
TOKENS_PER_STEP = 2048
MATRIX_RATE, OTHER_RATE, LAST_SHARE, WARM_STEPS = 0.01, 2e-3, 0.01, 30
IGNORED = -100
LONGEST_STEP_S = 10
# Which answer it is shows in its first tokens. To learn to tell questions apart most examples go on no further than a
# few tokens after the place where the answer differs from all others. Later more answers go on to their ends
# and conversations have several turns.
CUT_AFTER = 2


@dataclass(frozen=True)
class Stage:
    until: float  # share of the time
    cut_share: float
    lengths: tuple  # (questions in a conversation, weight)


STAGES = (
    Stage(0.4, 0.92, ((1, 94), (2, 5), (3, 1))),
    Stage(0.75, 0.45, ((1, 76), (2, 12), (3, 7), (5, 3), (12, 1.5), (40, 0.25))),
    Stage(1.01, 0.7, ((1, 70), (2, 15), (3, 8), (5, 5), (12, 2), (40, 0.1))),
)


def prefix_lengths(answers: list[list[int]]) -> dict[tuple, int]:
    """For each answer how many tokens it takes until no other answer begins so."""
    lengths = {}
    for a in answers:
        shared = 0
        for b in answers:
            if a != b:
                same = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                shared = max(shared, same)
        lengths[tuple(a)] = shared + 1
    return lengths


def conversation_ids(turns, vocabulary: Vocabulary, prefixes: dict, cut_share: float, rng: random.Random):
    """ids; for each place the id to predict there or IGNORED: only what the guide says is learned; and for each place
    where an answer begins its number."""
    ids, targets, numbers = [], [], []

    def add(new, learned):
        ids.extend(new)
        targets.extend(new if learned else [IGNORED] * len(new))

    for role, text in turns:
        add([vocabulary.roles[role]], False)
        if role == "assistant":
            numbers.append((len(ids) - 1, list(prefixes).index(tuple(vocabulary.encode(text)))))
            add([*vocabulary.encode(text), vocabulary.turn_end], True)
        else:
            add([*vocabulary.encode(text, 0.06, rng), vocabulary.turn_end], False)
    if rng.random() < cut_share:
        answer = vocabulary.encode(turns[-1][1])
        rest = len(answer) - prefixes[tuple(answer)] - CUT_AFTER
        if rest > 0:
            del ids[-rest - 1 :], targets[-rest - 1 :]  # the one is the end of the turn
    return ids, targets, numbers


def batches(source: Source, vocabulary: Vocabulary, n_ctx: int, done):
    """Conversations of like length side by side, so that little is computed on padding."""
    rng = random.Random(source.rng.random())
    prefixes = prefix_lengths([vocabulary.encode(a) for a in source.answers()])
    while True:
        stage = next(s for s in STAGES if done() < s.until)
        pool = [
            conversation_ids(source.conversation(stage.lengths), vocabulary, prefixes, stage.cut_share, rng)
            for _ in range(2000)
        ]
        pool = sorted((c for c in pool if len(c[0]) <= n_ctx), key=lambda c: len(c[0]))
        groups, group = [], []
        for c in pool:
            if group and len(c[0]) * (len(group) + 1) > TOKENS_PER_STEP:
                groups.append(group)
                group = []
            group.append(c)
        rng.shuffle(groups)
        for group in groups:
            width = max(len(ids) for ids, *_ in group)
            ids = torch.full((len(group), width), vocabulary.end_of_text)
            targets = torch.full((len(group), width), IGNORED)
            whole = torch.full((len(group), width), IGNORED)
            for row, (i, t, numbers) in enumerate(group):
                ids[row, : len(i)] = torch.tensor(i)
                targets[row, : len(t)] = torch.tensor(t)
                for at, number in numbers:
                    whole[row, at] = number
            yield ids[:, :-1], targets[:, 1:], whole[:, :-1]


def rate_at(done: float, step: int) -> float:
    """The share of the peak rate: warms up by steps, stays, and falls to nearly nothing in the last 80 % of the time."""
    fall = min(1.0, max(0.0, (done - 0.2) / 0.8))
    return min(1.0, (step + 1) / WARM_STEPS) * (LAST_SHARE + (1 - LAST_SHARE) * (1 - fall))


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
    texts += [a for a in source.answers() for _ in range(60)]
    # Which answer it is is said at one stroke where it begins with a token of its own.
    texts += [SPLIT.findall(a)[0] for a in source.answers() for _ in range(400)]
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
    checkpoint = args.run / "checkpoint.pt"
    if not checkpoint.exists():
        network.token_embd.weight.data.copy_(embedding(Source(SEED - 1, held_out()), vocabulary, shape.n_embd))
    matrices = [p for name, p in network.named_parameters() if name.startswith("blk.") and p.dim() == 2]
    others = [p for name, p in network.named_parameters() if not (name.startswith("blk.") and p.dim() == 2)]
    optimizers = [
        Muon(matrices, lr=MATRIX_RATE, weight_decay=0.1),
        torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    ]
    # While it is trained the network also says, where an answer begins, which of all answers it will be: one clear
    # question to learn instead of many small ones spread over the answer's tokens. This part is not exported.
    choice = torch.nn.Linear(shape.n_embd, len(Source(SEED, set()).answers()))
    optimizers.append(torch.optim.AdamW(choice.parameters(), lr=OTHER_RATE, betas=(0.9, 0.98), fused=True))
    peaks = [MATRIX_RATE, OTHER_RATE, OTHER_RATE]
    step, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        if "choice" in state:
            choice.load_state_dict(state["choice"])
        for optimizer, kept in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(kept)
        step, spent = state["step"], state["spent"]
        print(f"goes on at step {step}, {spent / 60:.1f} minutes spent", flush=True)

    def keep():
        save(checkpoint, {
            "network": network.state_dict(), "choice": choice.state_dict(),
            "optimizers": [o.state_dict() for o in optimizers],
            "step": step, "spent": spent, "shape": asdict(shape),
        })

    data = batches(Source(SEED + step, held_out()), vocabulary, shape.n_ctx, lambda: spent / (args.minutes * 60))
    network.train()
    losses, seen, begun = [], 0, time.monotonic()
    last, kept = begun, begun
    while spent < args.minutes * 60:
        ids, targets, whole = next(data)
        share = rate_at(spent / (args.minutes * 60), step)
        for optimizer, peak in zip(optimizers, peaks):
            optimizer.param_groups[0]["lr"] = peak * share
        with torch.autocast("cpu", torch.bfloat16):
            hidden = network.hidden(ids)
            learned = targets != IGNORED
            begins = whole != IGNORED
            loss = F.cross_entropy(network.logits(hidden[learned]).float(), targets[learned])
            understood = F.cross_entropy(choice(hidden[begins]).float(), whole[begins])
        network.zero_grad(set_to_none=True)
        choice.zero_grad(set_to_none=True)
        (loss + understood).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        seen += ids.numel()
        losses.append((loss.item(), understood.item()))
        now = time.monotonic()
        spent += min(now - last, LONGEST_STEP_S)  # time in which the process was halted is not training
        last = now
        if step % 50 == 0:
            mean = [round(sum(kind) / len(losses), 4) for kind in zip(*losses)]
            print(json.dumps({"step": step, "minutes": round(spent / 60, 2), "loss": mean[0], "choice": mean[1],
                              "tokens_per_s": round(seen / (now - begun))}), flush=True)
            losses = []
        if now - kept > 45:
            keep()
            kept = now
    keep()


if __name__ == "__main__":
    main()
