#!/usr/bin/env python3
"""Measures what a server's callers see at 1x, 2x and 5x of its capacity, and beside a bulk batch.

  overload.py --bin build/release/bin --model DIR [--seconds 15] [--jobs 100000] [--server-flag=--replicas=1 …]

Starts sluiced with a temporary data directory on free ports and drives it with `sluice load`, in this order:
  capacity      a closed loop of 8 calls
  1x 2x 5x      open loops at multiples of that, Poisson arrivals, mixed lengths, deadlines of 2 s
  after         half the capacity, at once after 5x: how long until callers are served as before
  alone, beside a tenth of the capacity, alone and then beside a batch of --jobs postings that all go to the model
Prints a table in Markdown, with the processor. The generator runs on the same machine.
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import machine  # noqa: E402
from sluice_process import CACHES_OFF, ROOT, Server  # noqa: E402


def load(arguments, server, *flags):
    """The steps of one `sluice load`, by name."""
    done = subprocess.run(
        [f"{arguments.bin}/sluice", f"--server=127.0.0.1:{server.port}", "load", "--json", "--connections=8",
         f"--duration={arguments.seconds}", *flags],
        check=True, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    return {step["step"]: step for step in map(json.loads, done.stdout.splitlines())}


def write_distinct_postings(path, count):
    """So different from each other that none is taken for another's duplicate."""
    rows = [json.loads(line) for line in open(ROOT / "examples/postings.jsonl", encoding="utf-8")]
    words = sorted({word for row in rows for word in row["description"].split()})
    chance = random.Random(5)
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            row = dict(rows[i % len(rows)], id=str(i))
            sentences = row["description"].split(". ")
            chance.shuffle(sentences)
            row["description"] = ". ".join(sentences) + " " + " ".join(chance.sample(words, 40))
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def recovery_seconds(step, baseline_p50_ms):
    """Until, for the rest of the step, nobody is refused and half the calls take at most twice what they used to."""
    seconds = step["by_second"]
    for first in range(len(seconds)):
        if all(s["refused"] == 0 and s["other"] == 0 and s["p50_ms"] <= 2 * baseline_p50_ms for s in seconds[first:]):
            return first
    return None


def row(name, step, peak):
    answered, refused = step["answered"], step["refused"]
    other = step["failed"]["count"] + step["not_sent"]
    return (f"| {name} | {step['offered_per_second']:.0f} | {step['goodput_per_second']:.0f} | "
            f"{step['goodput_per_second'] / peak:.0%} | {answered['p50_ms']:.0f} / {answered['p99_ms']:.0f} | "
            f"{refused['count']} | {refused['p50_ms']:.1f} / {refused['p99_ms']:.1f} | {other} |")


def beside_batch(arguments, server, folder, rate):
    flags = [f"--rate={rate:.3f}"]
    alone = load(arguments, server, *flags)["1x"]
    jobs = pathlib.Path(folder, "jobs.jsonl")
    write_distinct_postings(jobs, arguments.jobs)
    profile = pathlib.Path(folder, "profile.yaml")
    profile.write_text("text: Engineer who builds services in C++ and Python on Linux.\n")  # vetoes nothing
    batch = subprocess.Popen(
        [f"{arguments.bin}/sluice", f"--server=127.0.0.1:{server.port}", "screen", "--gate=all", "--top=1", f"--jobs={jobs}",
         f"--profile={profile}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=open(pathlib.Path(folder, "screen.log"), "w"))
    beside = {}
    try:
        for part in range(1, arguments.parts + 1):
            step = load(arguments, server, *flags)["1x"]
            said = pathlib.Path(folder, "screen.log").read_text().splitlines()
            phase = said[-1].split()[0] + " " + said[-1].split()[1] if said else "starting"
            beside[f"beside, part {part} (ended in: {re.sub(r'[^a-z ]', '', phase)})"] = step
    finally:
        batch.terminate()
        batch.wait()
    return alone, beside


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--parts", type=int, default=4, help="load steps beside the batch")
    parser.add_argument("--server-flag", action="append", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(f"{arguments.bin}/sluiced", folder, arguments.model, flags=[CACHES_OFF, *arguments.server_flag])
        server.start()
        try:
            print(f"{machine.processor()}; generator on the same machine; {time.strftime('%Y-%m-%d')}\n", flush=True)
            capacity = load(arguments, server)
            rate = capacity["capacity"]["goodput_per_second"]
            steps = load(arguments, server, f"--rate={rate}", "--sweep=1,2,5,0.5")
            before = capacity["1x"]
            peak = max(step["goodput_per_second"] for step in [capacity["capacity"], *steps.values()])
            print("| step | offered/s | answered/s | of peak | latency p50 / p99 ms | refused | refusal p50 / p99 ms | "
                  "failed or not sent |\n|---|---|---|---|---|---|---|---|")
            print(row("capacity, closed loop", capacity["capacity"], peak))
            for name in ("1x", "2x", "5x"):
                print(row(name, steps[name], peak))
            print(row("after 5x: 0.5x", steps["0.5x"], peak))
            half = load(arguments, server, f"--rate={rate * 0.5}")["1x"]
            print(row("0.5x again", half, peak), flush=True)
            recovered = recovery_seconds(steps["0.5x"], half["answered"]["p50_ms"])
            print(f"\nrecovery after 5x: {'not within the step' if recovered is None else f'{recovered} s'}; first 1x: "
                  f"p99 {before['answered']['p99_ms']:.0f} ms\n")
            alone, beside = beside_batch(arguments, server, folder, rate * 0.1)
            print(f"| Embed at a tenth of the capacity | answered | p50 ms | p99 ms | p99 of alone |\n|---|---|---|---|---|")
            for name, step in {"alone": alone, **beside}.items():
                answered = step["answered"]
                print(f"| {name} | {answered['count']} of {step['due']} | {answered['p50_ms']:.1f} | "
                      f"{answered['p99_ms']:.1f} | {answered['p99_ms'] / alone['answered']['p99_ms']:.2f} |", flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
