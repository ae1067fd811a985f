#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times Tradespace and llama.cpp in turn on the same GGUF files and prints a table of medians and ratios.

  against_llama.py --cli build/app/tradespace-cli [--llama COMMAND] [--prompt 512] [--generate 64] [--depth 512] [--kv f16] FILE.gguf ...

--llama  what runs llama.cpp's programs, "llama-bench ..." appended; empty: they are on the PATH
--depth  tokens in the cache before decoding, on both sides
--kv     a cache strategy of ours for the decoding (llama.cpp's cache is in half precision)

Needs nothing but Python's standard library, and a machine with nothing else to do.
"""
import argparse
import json
import pathlib
import shlex
import statistics
import subprocess

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("models", nargs="+", type=pathlib.Path)
parser.add_argument("--cli", default="build/app/tradespace-cli")
parser.add_argument("--llama", default="")
for name, value in (("prompt", 512), ("generate", 64), ("depth", 512), ("threads", 2), ("repetitions", 5)):
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--kv")
options = parser.parse_args()


def run(words):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join(map(str, words))}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def ours(model, activations):
    common = [options.cli, "bench", model, "--threads", options.threads, "--activations", activations, "--repetitions", options.repetitions, "--no-child", "--quiet", "--json"]
    prefill = run([*common, "--prompt", options.prompt, "--generate", 1])["prefill_tokens_per_s"]
    # The prompt of one token stands behind the depth, as llama-bench's first token does.
    decode = run([*common, "--prompt", 1, "--generate", options.generate, "--depth", options.depth, *(["--kv", options.kv] if options.kv else [])])
    return prefill, decode["decode_tokens_per_s"]


def theirs(model):
    common = [*shlex.split(options.llama), "llama-bench", "-m", model, "-t", options.threads, "-r", options.repetitions, "-o", "json"]
    def median(words):
        (test,) = run([*common, *words])
        return statistics.median(test["samples_ts"])
    return median(["-p", options.prompt, "-n", 0]), median(["-p", 0, "-n", options.generate, "-d", options.depth])


print(f"| file | prefill {options.prompt}: exact | int8 activations | llama.cpp | decode behind {options.depth}: exact | int8 activations | llama.cpp |")
print("| --- | --- | --- | --- | --- | --- | --- |")
for model in options.models:
    peer, exact, coarse = theirs(model), ours(model, "f32"), ours(model, "q8")
    cells = []
    for i in (0, 1):
        cells += [f"{side[i]:.1f} ({side[i] / peer[i]:.2f})" for side in (exact, coarse)] + [f"{peer[i]:.1f}"]
    print(f"| {model.stem} | " + " | ".join(cells) + " |", flush=True)
