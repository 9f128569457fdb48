"""A small decoder in the `llama` architecture of GGUF: RMS norm, rotary positions on neighbouring pairs, grouped
heads, SwiGLU. Trained with the pair order that GGUF files store, so nothing is
permuted on the way out."""

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Shape:
    n_vocab: int
    n_ctx: int = 4096
    n_embd: int = 256
    n_layer: int = 4
    n_head: int = 8
    n_head_kv: int = 4
    n_ff: int = 640
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5

    @property
    def head_dim(self):
        return self.n_embd // self.n_head


class Norm(nn.Module):
    def __init__(self, n: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))
        self.epsilon = epsilon

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def rotate(x, cos, sin):
    """x: [batch, head, pos, head_dim]; values 2i and 2i+1 turn together."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Layer(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        kv = s.n_head_kv * s.head_dim
        self.attn_norm = Norm(s.n_embd, s.norm_epsilon)
        self.attn_q = nn.Linear(s.n_embd, s.n_embd, bias=False)
        self.attn_k = nn.Linear(s.n_embd, kv, bias=False)
        self.attn_v = nn.Linear(s.n_embd, kv, bias=False)
        self.attn_output = nn.Linear(s.n_embd, s.n_embd, bias=False)
        self.ffn_norm = Norm(s.n_embd, s.norm_epsilon)
        self.ffn_gate = nn.Linear(s.n_embd, s.n_ff, bias=False)
        self.ffn_up = nn.Linear(s.n_embd, s.n_ff, bias=False)
        self.ffn_down = nn.Linear(s.n_ff, s.n_embd, bias=False)

    def forward(self, x, cos, sin):
        s, (b, t, _) = self.s, x.shape
        h = self.attn_norm(x)
        q = self.attn_q(h).view(b, t, s.n_head, s.head_dim).transpose(1, 2)
        k = self.attn_k(h).view(b, t, s.n_head_kv, s.head_dim).transpose(1, 2)
        v = self.attn_v(h).view(b, t, s.n_head_kv, s.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = s.n_head // s.n_head_kv
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        with torch.autocast("cpu", enabled=False):  # in bfloat16 its backward pass takes longer than all the rest
            a = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=True)
        x = x + self.attn_output(a.transpose(1, 2).reshape(b, t, -1))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Network(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        self.token_embd = nn.Embedding(s.n_vocab, s.n_embd)
        self.blk = nn.ModuleList(Layer(s) for _ in range(s.n_layer))
        self.output_norm = Norm(s.n_embd, s.norm_epsilon)
        self.output = nn.Linear(s.n_embd, s.n_vocab, bias=False)
        for name, p in self.named_parameters():
            if name.endswith(("attn_q.weight", "attn_k.weight", "output.weight")) and "attn_output" not in name:
                nn.init.normal_(p, std=0.02)  # attention begins as a plain mean of what was said
            elif name == "token_embd.weight":
                nn.init.normal_(p, std=1.0)
            elif p.dim() == 2:
                deep = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(p, std=p.shape[1] ** -0.5 / ((2 * s.n_layer) ** 0.5 if deep else 1))
        angles = torch.outer(
            torch.arange(s.n_ctx).float(), s.rope_base ** (-torch.arange(0, s.head_dim, 2).float() / s.head_dim)
        )
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def hidden(self, ids):
        """ids: [batch, pos] -> [batch, pos, n_embd]"""
        t = ids.shape[1]
        x = self.token_embd(ids)
        for layer in self.blk:
            x = layer(x, self.cos[:t], self.sin[:t])
        return self.output_norm(x)

    def logits(self, hidden):
        return self.output(hidden)

    @torch.no_grad()
    def answer(self, ids: list[int], stop: int, limit: int = 200) -> list[int]:
        """The greedy continuation up to (not including) `stop`."""
        said: list[int] = []
        while len(said) < limit:
            h = self.hidden(torch.tensor([ids + said]))[:, -1]
            best = int(self.logits(h).argmax())
            if best == stop:
                break
            said.append(best)
        return said
