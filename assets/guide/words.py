"""What words are about, before the network is trained: an embedding learned from bags of words.

A question without its order, the mean of its tokens' embeddings, says mostly already which answer it wants. Learning
that takes a minute and spares the network the better part of an hour."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F

from material import Source
from vocabulary import Vocabulary

QUESTIONS, BATCH, ROUNDS, RATE = 120_000, 256, 2, 4e-3


class Bag(nn.Module):
    def __init__(self, n_vocab: int, n_embd: int, n_answers: int):
        super().__init__()
        self.embedding = nn.Embedding(n_vocab, n_embd)
        nn.init.normal_(self.embedding.weight, std=0.05)
        self.hidden = nn.Linear(n_embd, n_embd)
        self.answer = nn.Linear(n_embd, n_answers)

    def forward(self, ids, present):
        """ids: [batch, pos], present: 1 where a token is, 0 on padding -> [batch, answer]"""
        x = F.rms_norm(self.embedding(ids), (self.embedding.embedding_dim,)) * present.unsqueeze(-1)
        x = F.rms_norm(x.sum(1), (x.shape[-1],))
        return self.answer(x + F.silu(self.hidden(x)))


def padded(rows: list[list[int]]):
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    present = torch.zeros(len(rows), width)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        present[i, : len(row)] = 1
    return ids, present


def embedding(source: Source, vocabulary: Vocabulary, n_embd: int) -> torch.Tensor:
    """[n_vocab, n_embd]"""
    number = {answer: i for i, answer in enumerate(source.answers())}
    rng = random.Random(source.rng.random())
    drawn = []
    for _ in range(QUESTIONS):
        _, ask, answer = source.question()
        drawn.append((vocabulary.encode(ask, 0.06, rng), number[answer]))
    bag = Bag(len(vocabulary), n_embd, len(number))
    optimizer = torch.optim.AdamW(bag.parameters(), lr=RATE, weight_decay=0.01)
    for turn in range(ROUNDS):
        rng.shuffle(drawn)
        total = 0.0
        for at in range(0, QUESTIONS, BATCH):
            part = drawn[at : at + BATCH]
            done = (turn + at / QUESTIONS) / ROUNDS
            optimizer.param_groups[0]["lr"] = RATE * (1 - 0.9 * done)
            loss = F.cross_entropy(bag(*padded([ids for ids, _ in part])), torch.tensor([n for _, n in part]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(part)
        print(f"bag of words, round {turn + 1}: loss {total / QUESTIONS:.3f}", flush=True)
    weight = bag.embedding.weight.detach()
    return weight / weight.pow(2).mean(1, keepdim=True).sqrt()
