"""Writes the trained guide as an F32 GGUF: `python export.py --run FOLDER --out guide-f32.gguf`.

`ingle quantize guide-f32.gguf guide.gguf q8_0` then makes the file that is embedded.
"""

import argparse
from pathlib import Path

import gguf
import torch

from network import Network, Shape
from vocabulary import CONTROL, PRE, Vocabulary

# <|system|>...<|im_end|><|user|>...<|im_end|><|assistant|>...<|im_end|>, without newlines: fewer tokens to read.
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def load(run: Path) -> tuple[Network, Vocabulary]:
    vocabulary = Vocabulary.load(run / "vocabulary.json")
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    network = Network(Shape(**state["shape"]))
    network.load_state_dict(state["network"])
    return network.eval(), vocabulary


def write_facts(writer: gguf.GGUFWriter, s: Shape):
    writer.add_name("ingle guide")
    writer.add_author("the ingle maintainers")
    writer.add_description("A tiny model that answers questions about ingle, trained from scratch by its project.")
    writer.add_license("mit")
    writer.add_languages(["en"])
    writer.add_context_length(s.n_ctx)
    writer.add_embedding_length(s.n_embd)
    writer.add_block_count(s.n_layer)
    writer.add_feed_forward_length(s.n_ff)
    writer.add_head_count(s.n_head)
    writer.add_head_count_kv(s.n_head_kv)
    writer.add_rope_dimension_count(s.head_dim)
    writer.add_rope_freq_base(s.rope_base)
    writer.add_layer_norm_rms_eps(s.norm_epsilon)
    writer.add_vocab_size(s.n_vocab)
    # The guide has learned one answer to a question: chance would only make it stumble.
    writer.add_float32("general.sampling.temp", 0.0)


def write_vocabulary(writer: gguf.GGUFWriter, v: Vocabulary):
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE)
    writer.add_token_list(v.tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if t in CONTROL else gguf.TokenType.NORMAL for t in v.tokens])
    writer.add_token_merges([f"{a} {b}" for a, b in v.merges])
    writer.add_bos_token_id(v.end_of_text)
    writer.add_eos_token_id(v.turn_end)
    writer.add_pad_token_id(v.end_of_text)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(TEMPLATE)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--run", type=Path, required=True)
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--type", choices=["f32", "q8_0"], default="f32", help="q8_0: without ingle, for a quick look")
    args = args.parse_args()
    network, vocabulary = load(args.run)
    writer = gguf.GGUFWriter(args.out, "llama")
    write_facts(writer, network.s)
    write_vocabulary(writer, vocabulary)
    q8 = args.type == "q8_0"
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if q8 else gguf.LlamaFileType.ALL_F32)
    for name, p in network.named_parameters():
        full = name if name.endswith(".weight") else name + ".weight"
        values = p.detach().float().numpy()
        if q8 and values.ndim == 2:
            packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(full, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(full, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
