"""Reads the material and makes conversations of it.

A file of topics is plain text: `= name` begins a topic, a `> ` line is its answer (`\\n` in it begins a new line),
every other line is a way to ask. In a question `(a|b)` is a choice, `(a|b)?` and `[a]` may be left out, `@word` stands
for a list in macros.txt; `*8 ` before it makes it eight times as frequent. In follow-ups.txt `= topic > topic` stands
before what may be asked about the second topic right after an answer about the first.
"""

import json
import random
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / "material"
REFUSAL = "off_topic"
FOLLOW_UP_SHARE = 0.4
# What people say between two questions.
SMALL_TALK, SMALL_TALK_SHARE = ("ok", "thanks", "again", "limits", "why_dumb", "hello", "bye", "unclear"), 0.1


@dataclass
class Topic:
    name: str
    answers: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)


def normal(text: str) -> str:
    """What two spellings of one question have in common: letters and digits in lower case."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def read_topics() -> dict[str, Topic]:
    topics: dict[str, Topic] = {}
    for path in sorted(FOLDER.glob("[0-9]*.txt")):
        topic = None
        for line in path.read_text().splitlines():
            if not line.strip():
                continue
            if line.startswith("= "):
                topic = topics.setdefault(line[2:].strip(), Topic(line[2:].strip()))
            elif line.startswith("> "):
                topic.answers.append(line[2:].strip().replace("\\n", "\n"))
            else:
                topic.asks.append(line.strip())
    for topic in topics.values():
        if not topic.answers or not topic.asks:
            raise SystemExit(f"topic {topic.name} lacks an answer or a question")
    return topics


def read_follow_ups() -> dict[str, list[tuple[str, str]]]:
    """By the topic just answered: (topic, way to ask)."""
    follow_ups, pair = {}, ("", "")
    for line in (FOLDER / "follow-ups.txt").read_text().splitlines():
        if line.startswith("= "):
            before, _, after = line[2:].partition(" > ")
            pair = (before.strip(), after.strip())
        elif line.strip():
            follow_ups.setdefault(pair[0], []).append((pair[1], line.strip()))
    return follow_ups


def weighted(line: str) -> tuple[float, str]:
    """A way to ask without its `*8 `, and how often it is drawn beside one that has none."""
    m = re.match(r"\*(\d+) (.*)", line)
    return (float(m[1]), m[2]) if m else (1.0, line)


def read_macros() -> dict[str, list[str]]:
    macros = {}
    for line in (FOLDER / "macros.txt").read_text().splitlines():
        if line.startswith("@"):
            name, _, choices = line[1:].partition(" ")
            macros[name] = choices.split("|")
    return macros


MACROS = read_macros()


# A pattern is a list of parts: a string, or a list of alternatives, each of them a pattern.
@lru_cache(maxsize=None)
def parse(text: str):
    pattern, rest = _parse(text, 0, "")
    if rest != len(text):
        raise SystemExit(f"unbalanced: {text}")
    return pattern


def _parse(text: str, at: int, end: str):
    alternatives, parts, plain = [], [], ""

    def flush():
        nonlocal plain
        if plain:
            parts.append(plain)
            plain = ""

    while at < len(text):
        c = text[at]
        if c == "(" or (c == "[" and not text.startswith(("[shelf", "[pasted"), at)):
            flush()
            inner, at = _parse(text, at + 1, ")" if c == "(" else "]")
            if at >= len(text):
                raise SystemExit(f"unclosed {c}: {text}")
            at += 1
            if c == "[":
                inner = inner + [[]]
            elif text.startswith("?", at):
                inner, at = inner + [[]], at + 1
            parts.append(inner)
            continue
        if end and c == end:
            break
        if c == "|" and end:
            flush()
            alternatives.append(parts)
            parts = []
        elif c == "@" and (m := re.match(r"@(\w+)", text[at:])) and m[1] in MACROS:
            flush()
            parts.append([[choice] if choice else [] for choice in MACROS[m[1]]])
            at += len(m[0])
            continue
        else:
            plain += c
        at += 1
    flush()
    alternatives.append(parts)
    return (alternatives if end else parts), at


def draw(pattern, rng: random.Random) -> str:
    out = []
    for part in pattern:
        out.append(part if isinstance(part, str) else draw(rng.choice(part), rng))
    return "".join(out)


def count(pattern) -> int:
    n = 1
    for part in pattern:
        if not isinstance(part, str):
            n *= sum(count(p) for p in part)
    return n


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\s+([?,!])", r"\1", text)).strip()


class Words:
    """Groups of words that may stand for each other, and the lists that off-topic patterns draw from."""

    def __init__(self):
        self.like: dict[str, list[str]] = {}
        for line in (FOLDER / "synonyms.txt").read_text().splitlines():
            group = [w.strip() for w in line.split("|") if w.strip()]
            for word in group:
                self.like.setdefault(word, []).extend(w for w in group if w != word)
        self.longest = max(len(w.split()) for w in self.like)

    def vary(self, text: str, rng: random.Random, chance: float) -> str:
        words, out, i = text.split(), [], 0
        while i < len(words):
            for n in range(min(self.longest, len(words) - i), 0, -1):
                phrase = " ".join(words[i : i + n])
                if phrase in self.like and rng.random() < chance:
                    out.append(rng.choice(self.like[phrase]))
                    i += n
                    break
            else:
                out.append(words[i])
                i += 1
        return " ".join(out)


OPENERS = (
    "hey|hi|hello|please|ok|so|well|um|and|but|now|quick question|question|one question|hey guide|hi guide|hello guide|tell me|"
    "can you tell me|could you tell me|do you know|i wonder|i was wondering|just wondering|excuse me|sorry|ok so|alright|"
    "i have a question|another question|next question|also|then|by the way|btw|hmm|thanks|ah|great|cool|help|i'd like to know|"
    "i would like to know|i want to know|would you tell me|may i ask|please tell me|guide|dear guide|say|listen|maybe you know|"
    "one more thing|and another thing|tell me please|let me ask|i forgot|remind me|what i want to know is|my question is|"
    "can you explain|could you explain|hey there|good morning|first of all|simple question|stupid question|dumb question|newbie here|"
    "i'm new here|i am a beginner|noob question|short question|actually|honestly|basically|look"
).split("|")
CLOSERS = (
    "please|thanks|thank you|in ingle|here|in this program|in ingle please|pls|now|exactly|again|for me|with ingle|in the screen|"
    "right now|today|quickly|i forgot|if i may ask|then|by the way|anyway|in here|in this app|with this program|with this|actually|"
    "in short|briefly|do you know|any idea|can you tell me|help|i have no idea|i'm new|in detail|for beginners|in simple words|"
    "thanks in advance|cheers|at all|really|somehow|or not|i wonder|on linux|on my laptop|step by step"
).split("|")
KEYBOARD = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl", "p": "ol",
    "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil", "l": "kop",
    "z": "asx", "x": "zsc", "c": "xdv", "v": "cfb", "b": "vgn", "n": "bhm", "m": "njk",
}


def misspell(text: str, rng: random.Random) -> str:
    """One slip of the finger: a letter left out, doubled, swapped with its neighbour or hit beside."""
    places = [i for i, c in enumerate(text) if c.isascii() and c.isalpha() and c.islower()]
    if len(places) < 4:
        return text
    i = rng.choice(places[1:])
    c, kind = text[i], rng.randrange(4)
    if kind == 0:
        return text[:i] + text[i + 1 :]
    if kind == 1:
        return text[:i] + c + text[i:]
    if kind == 2 and text[i - 1].isalpha():
        return text[: i - 1] + c + text[i - 1] + text[i + 1 :]
    return text[:i] + rng.choice(KEYBOARD.get(c, c)) + text[i + 1 :]


SMALL_WORDS = set("a an the i me my you your to do does did is are am be of in on for it this that with at can could".split())
HURRIED = (
    (r"\byou\b", "u"), (r"\byour\b", "ur"), (r"\bare\b", "r"), (r"\bplease\b", "pls"), (r"\bthanks\b", "thx"), (r"\band\b", "n"),
    (r"\bwith\b", "w/"), (r"\bwhat is\b", "whats"), (r"\bdo not\b", "dont"), (r"\bcannot\b", "cant"), (r"\bsomething\b", "sth"),
    (r"\bconversation\b", "convo"), (r"\bi want to\b", "i wanna"), (r"\bgoing to\b", "gonna"), (r"\bmessage\b", "msg"),
    (r"\bwhy\b", "y"), (r"\bbecause\b", "cuz"), (r"\bokay\b", "k"), (r"\bpicture\b", "pic"), (r"\bto\b", "2"), (r"\bfor\b", "4"),
)


def hurried(text: str) -> str:
    """As it is typed on a telephone."""
    for long, short in HURRIED:
        text = re.sub(long, short, text)
    return text


def dress(text: str, words: Words | None, rng: random.Random) -> str:
    """The same question as another person would type it."""
    if words and rng.random() < 0.5:
        text = words.vary(text, rng, 0.3)
    if rng.random() < 0.16:
        text = rng.choice(OPENERS) + rng.choice([" ", ", ", ", ", ": ", "! "]) + text
    if rng.random() < 0.10:
        text = text.rstrip("?!. ") + rng.choice([" ", ", "]) + rng.choice(CLOSERS)
    if words and rng.random() < 0.12 and len(parts := text.split()) > 3:
        for _ in range(rng.choice([1, 1, 2]) if len(parts) > 5 else 1):
            parts.pop(rng.randrange(len(parts)))
        text = " ".join(parts)
    if rng.random() < 0.08:
        text = hurried(text)
    if rng.random() < 0.05 and len(parts := [w for w in text.split() if w.lower() not in SMALL_WORDS]) > 1:
        text = " ".join(parts)
    if rng.random() < 0.12:
        for _ in range(rng.choice([1, 1, 1, 2])):
            text = misspell(text, rng)
    if rng.random() < 0.08:
        text = text.replace("'", "")
    if rng.random() < 0.06:
        text = re.sub(r"\b(the|a|an) ", "", text)
    how = rng.random()
    if how < 0.42:
        text = text[:1].upper() + text[1:]
        text = re.sub(r"\bi\b", "I", text) if rng.random() < 0.7 else text
    elif how < 0.45:
        text = text.upper()
    elif how < 0.48:
        text = text.title()
    end = rng.random()
    if text[-1:] not in "?!.":
        if end < 0.48:
            text += "?"
        elif end < 0.58:
            text += "."
        elif end < 0.62:
            text += rng.choice(["??", "!", " ?", "...", "?!", "!!", " :)", " pls"])
    return text


SYSTEMS = [
    "You are a helpful assistant.", "You are the guide of ingle.", "Answer briefly.", "Be brief.", "You are a pirate.",
    "Always answer in French.", "You are ChatGPT, a large language model.", "Be polite.", "Answer in one sentence.",
    "You are a helpful AI.", "Speak like a king.", "Your name is Bob.", "Keep it short and kind.", "You know everything.",
]


class Source:
    """Draws questions with their answers, and conversations of them, the same ones for the same seed."""

    def __init__(self, seed: int, held_out: set[str], off_topic_share: float = 0.22):
        self.rng = random.Random(seed)
        self.words = Words()
        self.topics = read_topics()
        self.held_out = held_out
        self.share = off_topic_share
        self.follow_ups = read_follow_ups()
        self.refusal = self.topics.pop(REFUSAL)
        self.names = list(self.topics)
        self.weights = [sum(weighted(a)[0] for a in self.topics[n].asks) ** 0.5 for n in self.names]
        self.lines = {t.name: self._lines(t) for t in [*self.topics.values(), self.refusal]}

    def answers(self) -> list[str]:
        return sorted({a for t in [*self.topics.values(), self.refusal] for a in t.answers})

    @staticmethod
    def _lines(topic: Topic) -> tuple[list[str], list[float]]:
        """Ways to ask, each with its weight: those with many choices are drawn more often."""
        told = [weighted(a) for a in topic.asks]
        return [line for _, line in told], [w * min(count(parse(line)), 60) ** 0.4 for w, line in told]

    def question(self, after: str | None = None) -> tuple[str, str, str]:
        """(topic, question, answer); `after`: the topic of the answer before it"""
        while True:
            if after in self.follow_ups and self.rng.random() < FOLLOW_UP_SHARE:
                name, line = self.rng.choice(self.follow_ups[after])
            elif after and self.rng.random() < SMALL_TALK_SHARE:
                name = self.rng.choice(SMALL_TALK)
                line = self.rng.choices(*self.lines[name])[0]
            else:
                off = self.rng.random() < self.share
                name = REFUSAL if off else self.rng.choices(self.names, self.weights)[0]
                line = self.rng.choices(*self.lines[name])[0]
            topic = self.refusal if name == REFUSAL else self.topics[name]
            plain = tidy(draw(parse(line), self.rng))
            ask = dress(plain, None if topic is self.refusal else self.words, self.rng)
            if plain and normal(plain) not in self.held_out and normal(ask) not in self.held_out:
                return topic.name, ask, self.rng.choice(topic.answers)

    def conversation(self, lengths=((1, 1),)) -> list[tuple[str, str]]:
        """[(role, text)], beginning with a system message now and then; `lengths`: (questions, weight) pairs."""
        turns, topic = [], None
        if self.rng.random() < 0.08:
            turns.append(("system", self.rng.choice(SYSTEMS)))
        for _ in range(self.rng.choices([n for n, _ in lengths], [w for _, w in lengths])[0]):
            topic, ask, answer = self.question(topic)
            turns += [("user", ask), ("assistant", answer)]
        return turns


def read_questions(name: str) -> list[dict]:
    path = HERE / name
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def held_out() -> set[str]:
    """Questions that must never be trained on: those of the evaluation and of the development set."""
    asks = read_questions("evaluation.jsonl") + read_questions("development.jsonl")
    return {normal(q["ask"]) for q in asks}


if __name__ == "__main__":
    source = Source(1, held_out())
    print(len(source.topics), "topics", sum(len(t.asks) for t in source.topics.values()), "patterns",
          sum(count(parse(a)) for n in source.names for a in source.lines[n][0]), "phrasings;",
          len(source.refusal.asks), "off-topic patterns", sum(count(parse(a)) for a in source.lines[REFUSAL][0]), "phrasings")
    for _ in range(40):
        print(source.question()[:2])
