"""The guide's own vocabulary: byte-level BPE, learned from the guide's material and from nothing else.

Text is split as `tokenizer.ggml.pre = gpt-2` says, bytes are written as GPT-2's printable letters (that is what
`tokenizer.ggml.model = gpt2` stores), and merges are applied lowest rank first.
"""

import heapq
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import regex

PRE = "gpt-2"
SPLIT = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")

END_OF_TEXT = "<|endoftext|>"
TURN_END = "<|im_end|>"
ROLES = {role: f"<|{role}|>" for role in ("system", "user", "assistant")}
CONTROL = [END_OF_TEXT, TURN_END, *ROLES.values()]


def byte_letters() -> list[str]:
    """The letter that stands for each byte: printable Latin-1 stands for itself, the rest from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters, next_letter = [], 0x100
    for byte in range(256):
        if byte in plain:
            letters.append(chr(byte))
        else:
            letters.append(chr(next_letter))
            next_letter += 1
    return letters


LETTERS = byte_letters()
BYTES = {letter: byte for byte, letter in enumerate(LETTERS)}


def to_letters(text: str) -> str:
    return "".join(LETTERS[b] for b in text.encode())


class Vocabulary:
    """Tokens in id order: 256 bytes, then one per merge, then the control tokens."""

    def __init__(self, merges: list[tuple[str, str]]):
        self.merges = merges
        self.tokens = LETTERS + [a + b for a, b in merges] + CONTROL
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.end_of_text, self.turn_end = self.ids[END_OF_TEXT], self.ids[TURN_END]
        self.roles = {role: self.ids[token] for role, token in ROLES.items()}
        self._whole: dict[str, list[int]] = {}

    def __len__(self):
        return len(self.tokens)

    def encode(self, text: str, dropout: float = 0.0, rng: random.Random | None = None) -> list[int]:
        """Ids of plain text: control tokens are never matched. With `dropout` merges are skipped by chance, so that
        the model learns to read words in pieces, as misspelt words come."""
        ids: list[int] = []
        for word in SPLIT.findall(text):
            if dropout and rng and rng.random() < dropout:
                ids += self._word(to_letters(word), 0.3, rng)
                continue
            if word not in self._whole:
                self._whole[word] = self._word(to_letters(word))
            ids += self._whole[word]
        return ids

    def _word(self, letters: str, skip: float = 0.0, rng: random.Random | None = None) -> list[int]:
        parts = list(letters)
        while len(parts) > 1:
            ranked = [
                (self.ranks[pair], i)
                for i, pair in enumerate(zip(parts, parts[1:]))
                if pair in self.ranks and not (skip and rng.random() < skip)
            ]
            if not ranked:
                break
            _, i = min(ranked)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        return [self.ids[p] for p in parts]

    def question(self, text: str) -> list[int]:
        """The prompt of a lone question, up to where the answer begins."""
        return [self.roles["user"], *self.encode(text), self.turn_end, self.roles["assistant"]]

    def decode(self, ids) -> str:
        data = bytearray()
        for i in ids:
            token = self.tokens[i]
            data += token.encode() if token in CONTROL else bytes(BYTES[c] for c in token)
        return data.decode(errors="replace")

    def save(self, path: Path):
        path.write_text(json.dumps(self.merges, ensure_ascii=True))

    @classmethod
    def load(cls, path: Path):
        return cls([tuple(m) for m in json.loads(path.read_text())])


def learn(texts, size: int) -> Vocabulary:
    """The classic greedy learner: the most frequent pair becomes a token, ties go to the smaller pair."""
    counts = Counter(word for text in texts for word in SPLIT.findall(text))
    words = [(list(to_letters(w)), n) for w, n in sorted(counts.items())]
    pairs: Counter = Counter()
    where = defaultdict(set)
    for at, (parts, n) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += n
            where[pair].add(at)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while heap and len(merges) < size - 256 - len(CONTROL):
        n, pair = heapq.heappop(heap)
        if pairs[pair] != -n:
            if pairs[pair] > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
            continue
        if -n < 2:
            break
        merges.append(pair)
        for at in list(where[pair]):
            parts, count = words[at]
            merged = _merge(parts, pair)
            for old in zip(parts, parts[1:]):
                pairs[old] -= count
            for new in zip(merged, merged[1:]):
                pairs[new] += count
                where[new].add(at)
                heapq.heappush(heap, (-pairs[new], new))
            words[at] = (merged, count)
        pairs[pair] = 0
    return Vocabulary(merges)


def _merge(parts: list[str], pair: tuple[str, str]) -> list[str]:
    merged, i = [], 0
    while i < len(parts):
        if i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair:
            merged.append(parts[i] + parts[i + 1])
            i += 2
        else:
            merged.append(parts[i])
            i += 1
    return merged
