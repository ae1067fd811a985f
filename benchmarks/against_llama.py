#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times Tradespace and llama.cpp in turn on the same GGUF files and prints a table of medians and ratios.

  against_llama.py --cli build/app/tradespace-cli [--llama COMMAND] [--prompt 512] [--generate 64] [--depth 512] [--kv f16] FILE.gguf ...

--llama  what runs llama.cpp's programs, "llama-bench ..." appended; empty: they are on the PATH
--depth  tokens in the cache before decoding, on both sides
--kv     a cache strategy of ours for the decoding (llama.cpp's cache is in half precision)
--turns  how often each program is run, in random order; what is told is the median, with least and most in JSON on standard error
--only   prefill or decode alone

Needs nothing but Python's standard library, and a machine with nothing else to do.
"""
import argparse
import json
import pathlib
import random
import shlex
import statistics
import subprocess
import sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("models", nargs="+", type=pathlib.Path)
parser.add_argument("--cli", default="build/app/tradespace-cli")
parser.add_argument("--llama", default="")
for name, value in (("prompt", 512), ("generate", 64), ("depth", 512), ("threads", 2), ("repetitions", 5), ("turns", 1)):
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--kv")
parser.add_argument("--only", choices=("prefill", "decode"))
options = parser.parse_args()


def run(words):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join(map(str, words))}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def wants(part):
    return options.only in (None, part)


def ours(model, activations):
    common = [options.cli, "bench", model, "--threads", options.threads, "--activations", activations, "--repetitions", options.repetitions, "--no-child", "--quiet", "--json"]
    speeds = {}
    if wants("prefill"):
        speeds["prefill"] = run([*common, "--prompt", options.prompt, "--generate", 1])["prefill_tokens_per_s"]
    if wants("decode"):  # the prompt of one token stands behind the depth, as llama-bench's first token does
        speeds["decode"] = run([*common, "--prompt", 1, "--generate", options.generate, "--depth", options.depth, *(["--kv", options.kv] if options.kv else [])])["decode_tokens_per_s"]
    return speeds


def theirs(model):
    common = [*shlex.split(options.llama), "llama-bench", "-m", model, "-t", options.threads, "-r", options.repetitions, "-o", "json"]
    def median(words):
        (test,) = run([*common, *words])
        return statistics.median(test["samples_ts"])
    speeds = {}
    if wants("prefill"):
        speeds["prefill"] = median(["-p", options.prompt, "-n", 0])
    if wants("decode"):
        speeds["decode"] = median(["-p", 0, "-n", options.generate, "-d", options.depth])
    return speeds


sides = {"exact": lambda model: ours(model, "f32"), "int8 activations": lambda model: ours(model, "q8"), "llama.cpp": theirs}
parts = {part: title for part, title in (("prefill", f"prefill {options.prompt}"), ("decode", f"decode behind {options.depth}")) if wants(part)}
print("| file | " + " | ".join(f"{title}: exact | int8 activations | llama.cpp" for title in parts.values()) + " |")
print("| --- |" + " --- | --- | --- |" * len(parts))
for model in options.models:
    turns = {side: [] for side in sides}
    for _ in range(options.turns):  # in random order, so that what disturbs the machine meets all alike
        for side in random.sample(list(sides), len(sides)):
            turns[side].append(sides[side](model))
    cells, spread = [], {"file": model.stem}
    for part in parts:
        speeds = {side: [turn[part] for turn in turns[side]] for side in sides}
        peer = statistics.median(speeds["llama.cpp"])
        for side, values in speeds.items():
            middle = statistics.median(values)
            cells.append(f"{middle:.1f}" + ("" if side == "llama.cpp" else f" ({middle / peer:.2f})"))
            spread[f"{part}, {side}"] = [round(min(values), 1), round(max(values), 1)]
    print(f"| {model.stem} | " + " | ".join(cells) + " |", flush=True)
    print(json.dumps(spread), file=sys.stderr, flush=True)
