#!/usr/bin/python3
"""One forward and backward pass of a made checkpoint in PyTorch, at batch 1 and a few tokens: what a gradient costs there.

usage: pytorch_step.py FOLDER

FOLDER holds config.json and model.safetensors of a GPT-2 or Llama layout (benchmarks/Tiebreak.MakeCheckpoint). Weights stay in the file's own type.
"""
import json
import math
import mmap
import os
import struct
import sys

import torch

TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
TOKENS = 3


def weights(path):
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    start = 8 + struct.unpack("<Q", data[:8])[0]
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        tensor = torch.frombuffer(data, dtype=TYPES[entry["dtype"]], count=math.prod(entry["shape"]), offset=start + first)
        yield name, tensor.reshape(entry["shape"]).requires_grad_()


def attention(q, k, v, heads, shared):
    q, k, v = (x.reshape(TOKENS, count, -1).transpose(0, 1) for x, count in ((q, heads), (k, shared), (v, shared)))
    k, v = (x.repeat_interleave(heads // shared, 0) for x in (k, v))
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
    mask = torch.full((TOKENS, TOKENS), float("-inf")).triu(1).to(scores.dtype)
    return (torch.softmax(scores + mask, -1) @ v).transpose(0, 1).reshape(TOKENS, -1)


def gpt2(w, config, tokens):
    norm = lambda x, name: torch.nn.functional.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"])
    dense = lambda x, name: x @ w[name + ".weight"] + w[name + ".bias"]
    x = w["transformer.wte.weight"][tokens] + w["transformer.wpe.weight"][:TOKENS]
    for layer in range(config["n_layer"]):
        name = f"transformer.h.{layer}."
        q, k, v = dense(norm(x, name + "ln_1"), name + "attn.c_attn").chunk(3, -1)
        x = x + dense(attention(q, k, v, config["n_head"], config["n_head"]), name + "attn.c_proj")
        x = x + dense(torch.nn.functional.gelu(dense(norm(x, name + "ln_2"), name + "mlp.c_fc")), name + "mlp.c_proj")
    return norm(x, "transformer.ln_f") @ w["transformer.wte.weight"].T


def llama(w, config, tokens):
    norm = lambda x, name: x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-5).to(x.dtype) * w[name + ".weight"]
    dense = lambda x, name: x @ w[name + ".weight"].T
    heads, shared = config["num_attention_heads"], config["num_key_value_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    angles = torch.outer(torch.arange(TOKENS), config.get("rope_theta", 1e4) ** (-torch.arange(0, size, 2) / size)).repeat(1, 2)

    def turned(x):
        x = x.reshape(TOKENS, -1, size)
        half = torch.cat((-x[..., size // 2:], x[..., :size // 2]), -1)
        return (x * angles.cos()[:, None].to(x.dtype) + half * angles.sin()[:, None].to(x.dtype)).reshape(TOKENS, -1)

    x = w["model.embed_tokens.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}."
        y = norm(x, name + "input_layernorm")
        q, k, v = (dense(y, f"{name}self_attn.{part}_proj") for part in "qkv")
        x = x + dense(attention(turned(q), turned(k), v, heads, shared), name + "self_attn.o_proj")
        y = norm(x, name + "post_attention_layernorm")
        x = x + dense(torch.nn.functional.silu(dense(y, name + "mlp.gate_proj")) * dense(y, name + "mlp.up_proj"), name + "mlp.down_proj")
    head = w.get("lm_head.weight", w["model.embed_tokens.weight"])
    return norm(x, "model.norm") @ head.T


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    models = {"gpt2": gpt2, "llama": llama}
    if config["model_type"] not in models:
        sys.exit(f"error: {config['model_type']} is not written in this script")
    w = dict(weights(os.path.join(folder, "model.safetensors")))
    logits = models[config["model_type"]](w, config, torch.arange(TOKENS))
    loss = torch.nn.functional.cross_entropy(logits.float(), torch.arange(TOKENS))
    loss.backward()
    print(f"loss {loss.item():.6g}, {sum(x.numel() for x in w.values() if x.grad is not None):,} gradients")


main()
