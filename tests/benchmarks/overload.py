#!/usr/bin/env python3
"""Measures what a server's callers see at 1x, 2x and 5x of its capacity, and beside a bulk batch.

  overload.py --bin build/release/bin --model DIR [--seconds 6] [--rounds 4] [--apart] [--words MIX] [--jobs 100000]
              [--server-flag=--replicas=1 …]

Starts sluiced with a temporary data directory on free ports and drives it with `sluice load`. A round is, in this order:
  capacity      a closed loop of 8 calls
  1x 2x 5x      open loops at multiples of that, Poisson arrivals, mixed lengths, deadlines of 2 s
  after         half the capacity, at once after 5x: how long until callers are served as before
  0.5x again    the same once more, as the baseline of that
Shares are of the best step of the same round, for a machine's speed moves from minute to minute; the table shows medians
over the rounds. After them:
  alone, beside a tenth of the capacity, alone and then beside a batch of --jobs postings that all go to the model
Prints tables in Markdown, with the processor and the time that its host took for others. The generator runs on the same
machine: with --apart it has the second half of the cores, and the server the first.
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import machine  # noqa: E402
from sluice_process import CACHES_OFF, ROOT, Server, Sluice  # noqa: E402


def load(arguments, server, *flags):
    """The steps of one `sluice load`, by name."""
    sluice = Sluice(f"{arguments.bin}/sluice", server.port)
    words = [f"--words={arguments.words}"] if arguments.words else []
    return sluice.load("--connections=8", f"--duration={arguments.seconds}", *words, *flags)


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


def one_round(arguments, server):
    """The steps by name, and as "recovery" the seconds or None."""
    steps = load(arguments, server, "--sweep=1,2,5,0.5")
    half = load(arguments, server, f"--rate={steps['capacity']['goodput_per_second'] * 0.5}")["1x"]
    return {"capacity, closed loop": steps["capacity"], "1x": steps["1x"], "2x": steps["2x"], "5x": steps["5x"],
            "after 5x: 0.5x": steps["0.5x"], "0.5x again": half,
            "recovery": recovery_seconds(steps["0.5x"], half["answered"]["p50_ms"])}


STEPS = ("capacity, closed loop", "1x", "2x", "5x", "after 5x: 0.5x", "0.5x again")


def shares_of_peak(rounds, name):
    return [done[name]["goodput_per_second"] / max(done[step]["goodput_per_second"] for step in STEPS) for done in rounds]


def row(rounds, name):
    def median(figure):
        return statistics.median(figure(done[name]) for done in rounds)

    def latency(outcome):
        had = [done[name][outcome] for done in rounds if done[name][outcome]["count"]]
        if not had:
            return "–"
        return " / ".join(f"{statistics.median(latencies[quantile] for latencies in had):.{1 if outcome == 'refused' else 0}f}"
                          for quantile in ("p50_ms", "p99_ms"))

    shares = shares_of_peak(rounds, name)
    return (f"| {name} | {median(lambda s: s['offered_per_second']):.0f} | "
            f"{median(lambda s: s['goodput_per_second']):.0f} | "
            f"{statistics.median(shares):.0%} ({min(shares):.0%} to {max(shares):.0%}) | "
            f"{latency('answered')} | {sum(done[name]['refused']['count'] for done in rounds)} | {latency('refused')} | "
            f"{sum(done[name]['failed']['count'] + done[name]['not_sent'] for done in rounds)} |")


def at_multiples(arguments, server):
    """Returns the median capacity."""
    stolen = machine.StolenTime()
    rounds = [one_round(arguments, server) for _ in range(arguments.rounds)]
    print("| step | offered/s | answered/s | of the round's best | latency p50 / p99 ms | refused, in all | "
          "refusal p50 / p99 ms | failed or not sent |\n|---|---|---|---|---|---|---|---|")
    for name in STEPS:
        print(row(rounds, name))
    recovered = ["not within the step" if done["recovery"] is None else f"{done['recovery']} s" for done in rounds]
    print(f"\nrecovery after 5x, by round: {', '.join(recovered)}; the host took {stolen.share():.1%} for others\n", flush=True)
    return statistics.median(done[STEPS[0]]["goodput_per_second"] for done in rounds)


class Cores:
    """Where what this process starts next may run."""

    def __init__(self, apart):
        self._all = sorted(os.sched_getaffinity(0))
        self._half = len(self._all) // 2 if apart else 0

    def for_server(self):
        os.sched_setaffinity(0, self._all[:self._half] or self._all)

    def for_generator(self):
        os.sched_setaffinity(0, self._all[self._half:])

    def __str__(self):
        if not self._half:
            return "generator on the same cores"
        return f"server on {self._half} of them, generator on the rest"


def beside_batch(arguments, server, folder, rate):
    flags = [f"--rate={rate:.3f}"]
    jobs = pathlib.Path(folder, "jobs.jsonl")
    write_distinct_postings(jobs, arguments.jobs)
    profile = pathlib.Path(folder, "profile.yaml")
    profile.write_text("text: Engineer who builds services in C++ and Python on Linux.\n")  # vetoes nothing
    stolen = machine.StolenTime()
    steps = {"alone": load(arguments, server, *flags)["1x"]}
    batch = subprocess.Popen(
        [f"{arguments.bin}/sluice", f"--server=127.0.0.1:{server.port}", "screen", "--gate=all", "--top=1", f"--jobs={jobs}",
         f"--profile={profile}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=open(pathlib.Path(folder, "screen.log"), "w"))
    try:
        for part in range(1, arguments.parts + 1):
            step = load(arguments, server, *flags)["1x"]
            said = pathlib.Path(folder, "screen.log").read_text().splitlines()
            phase = " ".join(said[-1].split()[:2]) if said else "starting"
            steps[f"beside, part {part} (ended in: {re.sub(r'[^a-z ]', '', phase)})"] = step
    finally:
        batch.terminate()
        batch.wait()
    print("| Embed at a tenth of the capacity | answered | p50 ms | p99 ms | p99 of alone |\n|---|---|---|---|---|")
    for name, step in steps.items():
        answered = step["answered"]
        print(f"| {name} | {answered['count']} of {step['due']} | {answered['p50_ms']:.1f} | "
              f"{answered['p99_ms']:.1f} | {answered['p99_ms'] / steps['alone']['answered']['p99_ms']:.2f} |")
    print(f"\nthe host took {stolen.share():.1%} for others")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds", type=float, default=6, help="of a step; those beside the batch take twice that")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--words", default="", help="mix of lengths of the calls, WORDS:WEIGHT,…: what calls cost")
    parser.add_argument("--apart", action="store_true", help="server and generator on cores of their own")
    parser.add_argument("--jobs", type=int, default=100_000, help="0: neither alone nor beside a batch")
    parser.add_argument("--parts", type=int, default=4, help="load steps beside the batch")
    parser.add_argument("--server-flag", action="append", default=[])
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least one")
    if arguments.apart and len(os.sched_getaffinity(0)) < 2:
        parser.error("--apart: needs two cores")
    processor = machine.processor()
    cores = Cores(arguments.apart)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(f"{arguments.bin}/sluiced", folder, arguments.model, flags=[CACHES_OFF, *arguments.server_flag])
        cores.for_server()
        server.start()
        cores.for_generator()
        try:
            print(f"{processor}; {cores}; {time.strftime('%Y-%m-%d')}; {arguments.rounds} rounds\n", flush=True)
            capacity = at_multiples(arguments, server)
            if arguments.jobs:
                arguments.seconds *= 2
                beside_batch(arguments, server, folder, capacity * 0.1)
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
