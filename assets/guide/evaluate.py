"""Asks the guide the questions of an evaluation file and counts what is right.

    python evaluate.py --ingle target/release/ingle              the real program, one process a question
    python evaluate.py --gguf guide.gguf                         the file's own weights, computed without ingle
    --file development.jsonl                                     the questions used while tuning

A question is answered if one of its alternatives holds: every word of it occurs in the answer, and the answer is no
refusal. A question outside the subject is answered rightly by the refusal alone.
"""

import argparse
import json
import re
import subprocess
from pathlib import Path

from material import read_questions

REFUSAL_MARK = "i only know ingle"


def holds(word: str, answer: str) -> bool:
    """A word occurs whole: `no` is not in `know`; beginnings such as `generat` end in a star."""
    tail = "" if word.endswith("*") else r"(?![a-z0-9])"
    return re.search(r"(?<![a-z0-9])" + re.escape(word.lower().rstrip("*")) + tail, answer.replace("`", "").lower()) is not None


def right(question: dict, answer: str) -> bool:
    refused = REFUSAL_MARK in answer.lower()
    if question.get("refuse"):
        return refused
    return not refused and any(all(holds(w, answer) for w in alternative) for alternative in question["any"])


def ask_ingle(program: str, model: str):
    def ask(question: str) -> str:
        done = subprocess.run([program, "run", model, "--temp", "0", "--", question], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        if done.returncode:
            raise SystemExit(f"ingle run failed: {done.stderr}")
        return done.stdout.strip()

    return ask


def ask_file(path: Path):
    import gguf
    import torch

    from network import Network, Shape
    from vocabulary import Vocabulary

    file = gguf.GGUFReader(path)

    def number(key: str):
        return file.fields[key].contents()

    merges = [tuple(m.split(" ")) for m in number("tokenizer.ggml.merges")]
    vocabulary = Vocabulary(merges)
    if vocabulary.tokens != number("tokenizer.ggml.tokens"):
        raise SystemExit("the file's tokens are not those its merges make")
    network = Network(Shape(
        n_vocab=len(vocabulary), n_ctx=number("llama.context_length"), n_embd=number("llama.embedding_length"),
        n_layer=number("llama.block_count"), n_head=number("llama.attention.head_count"),
        n_head_kv=number("llama.attention.head_count_kv"), n_ff=number("llama.feed_forward_length"),
    ))
    weights = {t.name: torch.tensor(gguf.quants.dequantize(t.data, t.tensor_type)) for t in file.tensors}
    network.load_state_dict(weights)
    network.eval()

    def ask(question: str) -> str:
        return vocabulary.decode(network.answer(vocabulary.question(question), vocabulary.turn_end))

    return ask


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--ingle", help="the program to ask")
    args.add_argument("--model", default="guide", help="its MODEL")
    args.add_argument("--gguf", type=Path, help="a file to ask without ingle")
    args.add_argument("--file", default="evaluation.jsonl")
    args.add_argument("--answers", type=Path, help="write every answer there, as JSON lines")
    args = args.parse_args()
    if bool(args.ingle) == bool(args.gguf):
        raise SystemExit("give either --ingle PROGRAM or --gguf FILE")
    ask = ask_ingle(args.ingle, args.model) if args.ingle else ask_file(args.gguf)
    tally = {False: [0, 0], True: [0, 0]}
    lines = []
    for question in read_questions(args.file):
        answer = ask(question["ask"])
        ok = right(question, answer)
        outside = bool(question.get("refuse"))
        tally[outside][0] += ok
        tally[outside][1] += 1
        lines.append(json.dumps({"ok": ok, "ask": question["ask"], "answer": answer}, ensure_ascii=False))
        if not ok:
            print(("- should refuse: " if outside else "- ") + question["ask"] + "\n    " + answer.replace("\n", " "))
    if args.answers:
        args.answers.write_text("\n".join(lines) + "\n")
    (inside, n_inside), (refused, n_outside) = tally[False], tally[True]
    print(f"in its subject: {inside} of {n_inside} ({100 * inside / max(1, n_inside):.1f} %)")
    print(f"outside, refused: {refused} of {n_outside} ({100 * refused / max(1, n_outside):.1f} %)")


if __name__ == "__main__":
    main()
