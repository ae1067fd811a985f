#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares Tradespace's numbers with those of other programs and writes the table README.md beside this file.

  agree.py --cli build/app/tradespace-cli --reference FOLDER --smollm2 FILE.gguf [--llama COMMAND] [--only PART ...]

--reference  a folder with choices-*.json (lm-evaluation-harness), smollm2-*.json (numpy) and llama-cpp.json
--smollm2    SmolLM2-135M-Instruct.Q4_1.gguf (packaging/fetch-models)
--llama      what runs llama.cpp's programs, "llama-perplexity ..." appended; empty: they are on the PATH
--only       choices, perplexity, kl, speed, memory; the results of the others are kept

Needs nothing but Python's standard library. `speed` wants a quiet machine: a stopwatch does not know who else ran.
"""
import argparse
import json
import lzma
import os
import pathlib
import platform
import random
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EMBEDDED = "embedded:ts-16m"


def cli(*args):
    done = subprocess.run([options.cli, *map(str, args), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def llama(*args):
    done = subprocess.run([*shlex.split(options.llama), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}: {done.stdout[-2000:]}")
    return done.stdout


def task_lines(name, count):
    (path,) = (ROOT / "resources/tasks").glob(name + "*.jsonl.xz")
    with lzma.open(path, "rt") as lines:
        return [line for line, _ in zip(lines, range(count))]


def row(what, ours, theirs, difference, bound, holds):
    return {"what": what, "ours": ours, "theirs": theirs, "difference": difference, "bound": bound, "holds": bool(holds)}


def relative(what, ours, theirs, bound, digits=6):
    difference = ours / theirs - 1
    return row(what, f"{ours:.{digits}g}", f"{theirs:.{digits}g}", f"{100 * difference:+.3f} %", f"{100 * bound:g} %", abs(difference) <= bound)


def choices(folder):
    rows = []
    for model, file in ((EMBEDDED, "choices-ts-16m.json"), (options.smollm2, "choices-smollm2-135m-instruct-q4_1.json")):
        reference = json.loads((options.reference / file).read_text())
        for name, expected in reference["tasks"].items():
            task, count = name.removesuffix("_openai"), expected["items"]
            data = folder / (task + ".jsonl")
            data.write_text("".join(task_lines(task, count)))  # the harness took the first lines
            samples = folder / "samples.jsonl"
            result = cli("eval", model, "--task", task, "--data", data, "--samples", samples)
            found = {s["item"]: s for s in map(json.loads, samples.read_text().splitlines())}
            worst = max(abs(found[i][f"ll{c}"] - ll) for i, item in enumerate(expected["table"]) for c, ll in enumerate(item["ll"]))
            metrics = {m: (result["metrics"][m]["value"], expected[m]) for m in ("acc", "acc_norm") if m in expected and m in result["metrics"]}
            equal = len(found) == count and all(abs(a - b) < 1e-9 for a, b in metrics.values())
            show = lambda side: ", ".join(f"{m} {values[side]:g}" for m, values in metrics.items())
            rows.append(row(f"{pathlib.Path(str(model)).name}, {name}, {count} items", show(0), show(1), f"largest of a log-likelihood {worst:.4f}", "0.02; metrics equal", worst <= 0.02 and equal))
    return rows


def perplexity(_):
    own = json.loads((ROOT / "resources/models/ts-16m/reference.json").read_text())
    numpy = json.loads(next(options.reference.glob("smollm2-*.json")).read_text())
    peer = json.loads((options.reference / "llama-cpp.json").read_text())
    whole = cli("eval", EMBEDDED, "--task", "wikitext2")["metrics"]["perplexity"]["value"]
    part = cli("eval", options.smollm2, "--task", "wikitext2", "--limit", 32)["metrics"]["perplexity"]["value"]
    return [relative("ts-16m, WikiText-2, whole (695 chunks of 512); PyTorch, float32", whole, own["perplexity"]["chunked_512"]["targets_257_to_511"]["perplexity_per_exit"][-1], 1e-3, 9),
            relative("SmolLM2 Q4_1, 32 chunks; numpy, float32", part, numpy["wikitext2"]["perplexity"], 1e-3, 9),
            relative("SmolLM2 Q4_1, 32 chunks; llama.cpp (int8 activations)", part, peer["perplexity_32_chunks"]["q4_1"], 5e-3, 9)]


LLAMA = {"Mean PPL(Q)": ("perplexity", 1), "Mean PPL(base)": ("dense_perplexity", 1), "Cor(ln(PPL(Q)), ln(PPL(base)))": ("correlation", 100),
         "Mean ln(PPL(Q)/PPL(base))": ("log_perplexity_ratio", 1), "Mean KLD": ("mean", 1), "99.9% KLD": ("p999", 1), "99.0% KLD": ("p99", 1),
         "95.0% KLD": ("p95", 1), "90.0% KLD": ("p90", 1), "Median KLD": ("median", 1), "Mean Δp": ("mean_delta_p", 100),
         "RMS Δp": ("rms_delta_p", 100), "Same top p": ("same_top", 100)}


def kl(folder):
    """Coarse quantizations, where llama.cpp's int8 activations matter little beside the weights."""
    text, dense, base = folder / "text.txt", folder / "dense.gguf", folder / "base.dat"
    text.write_bytes(lzma.open(ROOT / "resources/tasks/wikitext-2-raw.test.txt.xz").read())
    cli("compress", EMBEDDED, "--out", dense)
    common = ["-f", text, "-c", 512, "-t", os.cpu_count(), "--chunks", 16, "--kl-divergence-base", base]
    llama("llama-perplexity", "-m", dense, *common)
    rows = []
    for kind in ("Q2_K", "Q4_0"):
        coarse = folder / (kind + ".gguf")
        llama("llama-quantize", "--pure", dense, coarse, kind)
        theirs = llama("llama-perplexity", "-m", coarse, *common, "--kl-divergence")
        ours = cli("eval", coarse, "--task", "wikitext2", "--limit", 16, "--against", dense)["kl"]
        for line in theirs.splitlines():
            name, _, rest = line.partition(":")
            name = re.sub(r"\s+", " ", name).strip()
            if name in LLAMA and (number := re.match(r"\s*(-?[0-9.]+)", rest)):
                key, scale = LLAMA[name]
                rows.append(relative(f"ts-16m, {kind} against F16: {name}", scale * ours[key], float(number.group(1)), 0.05))
    return rows


def speed(folder):
    """`bench` against a stopwatch around `generate`, in turns, as a machine's speed changes from second to second: the median of
    many ratios with its interval. A long run less a short one leaves out the start of the process and the prompt. The runs
    are long, a few seconds where there is a model for it, as a new process is slower at first. `bench` waits until two warm-ups
    take the same time and so begins in a quiet moment, which a stopwatch cannot choose: here it warms up once, whatever comes."""
    model, name, short, long = (options.smollm2, "SmolLM2 Q4_1", 32, 544) if options.smollm2 else (EMBEDDED, "ts-16m", 64, 960)
    prompt = folder / "prompt.txt"
    prompt.write_text("The history of the city begins")
    prompt_tokens = len(cli("tokenize", model, "--text", prompt.read_text())["ids"])

    def generate(tokens):
        begin = time.perf_counter()
        made = cli("generate", model, "--prompt-file", prompt, "--tokens", tokens, "--no-stop", "--quiet")
        return time.perf_counter() - begin, (tokens - 1) / made["decode_tokens_per_s"]

    def stopwatch():
        first, second = generate(short), generate(long)
        return [(long - short) / (b - a) for a, b in zip(first, second)]  # outside, and what generate itself says

    def bench():
        return cli("bench", model, "--no-child", "--depth", short, "--prompt", prompt_tokens, "--generate", long - short + 1, "--warmup", 0, "--repetitions", 2)["spread"]["decode_tokens_per_s"]["samples"][1]

    kept = options.kept.get(name, []) if options.more else []
    stopwatch()  # the files are in memory from now on
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        measured = bench() if len(kept) % 2 else None
        outside, own = stopwatch()
        kept.append([measured or bench(), outside, own])
    options.kept[name] = kept
    benched, outside, own = zip(*kept)
    return [turns(f"{name}, decode tokens/s of `bench` (after one repetition to warm up) and of a stopwatch around `generate`, median of {len(kept)} turns", benched, outside),
            turns(f"{name}, decode tokens/s that `generate` says and of the stopwatch around the same run, median of {len(kept)}", own, outside)]


def turns(what, ours, theirs):
    """The median of the ratios, with its 95 % interval (bootstrap)."""
    ratios = [a / b for a, b in zip(ours, theirs)]
    draw = random.Random(1)
    drawn = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(4000))
    low, middle, high = (100 * (r - 1) for r in (drawn[100], statistics.median(ratios), drawn[-101]))
    return row(what, f"{statistics.median(ours):.4g}", f"{statistics.median(theirs):.4g}", f"{middle:+.2f} % ({low:+.2f} to {high:+.2f})", "3 %", abs(middle) <= 3)


def memory(folder):
    """The process that `bench` starts to measure memory alone, started here so that the kernel's account of it can be had."""
    rows = []
    for model, name in ((EMBEDDED, "ts-16m"), (options.smollm2, "SmolLM2 Q4_1")):
        out = folder / "bench.json"
        with out.open("w") as stream:
            process = subprocess.Popen([options.cli, "bench", str(model), "--prompt", "256", "--generate", "16", "--measured-child", "--json"], stdout=stream, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit("bench failed")
        rows.append(relative(f"{name}, peak memory in bytes as `bench` measures it and of the kernel (ru_maxrss of wait4)", json.loads(out.read_text())["peak_bytes"], usage.ru_maxrss * 1024, 0.02, 6))
    return rows


PARTS = {"choices": ("Choice tasks against lm-evaluation-harness 0.4.13 (its own HFLM in float32)", choices),
         "perplexity": ("Perplexity in llama.cpp's protocol", perplexity),
         "kl": ("KL divergence against `llama-perplexity --kl-divergence`, the same two files, 16 chunks of WikiText-2", kl),
         "speed": ("Speed against a stopwatch outside", speed),
         "memory": ("Peak memory against the kernel's account", memory)}


NOTES = {"speed": "The machine's speed swings by a tenth and more within seconds, so the interval counts as much as the median. With `bench`'s usual warm-up\n"
                  "(until two repetitions take the same time, which picks quiet moments) it was ahead of the stopwatch by +2.21 % (-1.23 to +5.42, 246 turns\n"
                  "of a quarter of a second, ts-16m) and +3.15 % (+0.72 to +5.07, 12 turns of three seconds, SmolLM2), both on 2026-11-23."}


def write(results):
    lines = ["# Agreement with others", "",
             "Made by [agree.py](agree.py); `agree.py --help` tells what it needs. What fits an ordinary test run is tested in",
             "`tests/engine/evaluation/` (`tasks_test.cpp`, and `agreement_test.cpp` for the divergence) as well.", ""]
    page = pathlib.Path(__file__).with_name("README.md")
    before = {section.partition("\n")[0]: section for section in page.read_text().split("\n## ")[1:]} if page.exists() else {}
    for part, (title, _) in PARTS.items():
        if part not in results:  # measured elsewhere: stays as it is
            lines += ["## " + before[title].rstrip("\n"), ""] if title in before else []
            continue
        made = results[part]
        lines += [f"## {title}", "", f"{made['when']}, {made['version']}, {made['machine']}", "",
                  "| what | Tradespace | the other | difference | bound | holds |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [f"| {r['what']} | {r['ours']} | {r['theirs']} | {r['difference']} | {r['bound']} | {'yes' if r['holds'] else '**no**'} |" for r in made["rows"]]
        lines += ["", NOTES[part], ""] if part in NOTES else [""]
    page.write_text("\n".join(lines))


def main():
    global options
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cli", required=True)
    parser.add_argument("--reference", type=pathlib.Path)
    parser.add_argument("--smollm2", type=pathlib.Path)
    parser.add_argument("--llama", default="")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=600, help="how long speed is measured")
    parser.add_argument("--more", action="store_true", help="add to the turns of speed that --results has of the same version")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "build/agreement.json")
    options = parser.parse_args()
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    version = subprocess.run([options.cli, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    for part in options.only:
        before = results.get(part, {})
        options.kept = before.get("kept", {}) if before.get("version") == version else {}
        with tempfile.TemporaryDirectory() as folder:
            rows = PARTS[part][1](pathlib.Path(folder))
        results[part] = {"rows": rows, "kept": options.kept, "when": time.strftime("%Y-%m-%d"), "version": version, "machine": f"{os.cpu_count()} cores of {cpu}"}
        options.results.write_text(json.dumps(results, indent=1))
        for r in rows:
            print(("ok  " if r["holds"] else "NO  ") + " | ".join(str(r[k]) for k in ("what", "ours", "theirs", "difference")), flush=True)
    write(results)
    sys.exit(0 if all(r["holds"] for part in options.only for r in results[part]["rows"]) else 1)


main()
