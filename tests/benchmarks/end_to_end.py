#!/usr/bin/env python3
"""Times the running server as a client sees it, beside sentence-transformers over the same postings.

  end_to_end.py --bin build/release/bin --model DIR [--peer-python PYTHON] [--rounds 3]

Starts sluiced with a temporary data directory on free ports, then in each round, one after another:
  all         1,000 postings with --gate=all and the profile less its must and must_not rules, so that all are encoded
  peer        the same 1,000 texts through sentence-transformers fp32, batch 32 (only with --peer-python)
  hundred     100 postings with the default gate
  rules_only  20,000 postings with --gate=rules_only, through gRPC and the durable store
Prints every round, the median and the ratios, the server's peak memory and the processor.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import machine  # noqa: E402
from sluice_process import CACHES_OFF, ROOT, Server, memory_mib  # noqa: E402
from wishes import write_wishes  # noqa: E402

PEER = r"""
import json, sys, time, torch
from sentence_transformers import SentenceTransformer
torch.set_num_threads(int(sys.argv[3]))
model = SentenceTransformer(sys.argv[1], device="cpu")
texts = [json.loads(line)["description"] for line in open(sys.argv[2], encoding="utf-8")]
model.encode(texts[:64], batch_size=32)
print("ready", flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    print(len(texts) / (time.perf_counter() - start), flush=True)
"""


def write_postings(source, path, count):
    """`count` postings from `source`, repeated under new ids as often as it takes."""
    rows = [json.loads(line) for line in open(source, encoding="utf-8")]
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            row = dict(rows[i % len(rows)])
            if i >= len(rows):
                row["id"] = f"{row['id']}-{i // len(rows)}"
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def screen(arguments, server, profile, jobs, count, *flags):
    start = time.perf_counter()
    done = subprocess.run(
        [f"{arguments.bin}/sluice", f"--server=127.0.0.1:{server.port}", "screen", f"--profile={profile}",
         f"--jobs={jobs}", "--as-of=2026-01-15", "--json", *flags], capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"sluice ended with {done.returncode}: {done.stderr[-2000:]}")
    verdicts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    verdicts = [verdict for verdict in verdicts if "verdict" in verdict]
    if len({verdict["id"] for verdict in verdicts}) != count:
        sys.exit(f"{len(verdicts)} verdicts for {count} postings")
    return seconds, sum(1 for verdict in verdicts if verdict.get("phase2") is not None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--peer-python", help="a Python with sentence-transformers")
    parser.add_argument("--profile", type=pathlib.Path, default=ROOT / "examples/profile.yaml")
    parser.add_argument("--postings", default=ROOT / "examples/postings.jsonl")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server-flag", action="append", default=[])
    arguments = parser.parse_args()

    print(f"processor: {machine.processor()}")

    with tempfile.TemporaryDirectory() as data:
        files = {n: write_postings(arguments.postings, f"{data}/{n}.jsonl", n) for n in (100, 1000, 20000)}
        wishes = write_wishes(arguments.profile, pathlib.Path(data, "wishes.yaml"))
        server = Server(f"{arguments.bin}/sluiced", data, arguments.model, flags=[CACHES_OFF, *arguments.server_flag])
        server.start()
        peer = None
        if arguments.peer_python:
            peer = subprocess.Popen([arguments.peer_python, "-c", PEER, arguments.model, files[1000], str(os.cpu_count())],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            peer.stdout.readline()
        screen(arguments, server, wishes, files[100], 100, "--gate=all")
        figures = {"all": [], "peer": [], "hundred": [], "rules_only": []}
        for turn in range(arguments.rounds):
            seconds, encoded = screen(arguments, server, wishes, files[1000], 1000, "--gate=all")
            figures["all"].append(1000 / seconds)
            line = f"round {turn + 1}: all {1000 / seconds:.1f} postings/s ({encoded} encoded)"
            if peer:
                peer.stdin.write("go\n")
                peer.stdin.flush()
                figures["peer"].append(float(peer.stdout.readline()))
                line += f", sentence-transformers {figures['peer'][-1]:.1f} texts/s"
            seconds, encoded = screen(arguments, server, arguments.profile, files[100], 100)
            figures["hundred"].append(seconds)
            line += f", 100 postings {seconds:.3f} s ({encoded} encoded)"
            seconds, _ = screen(arguments, server, arguments.profile, files[20000], 20000, "--gate=rules_only")
            figures["rules_only"].append(20000 / seconds)
            print(f"{line}, rules_only {20000 / seconds:.0f} postings/s", flush=True)
        print(f"median: all {statistics.median(figures['all']):.1f} postings/s, 100 postings "
              f"{statistics.median(figures['hundred']):.3f} s, rules_only {statistics.median(figures['rules_only']):.0f} postings/s")
        if peer:
            ratios = [ours / theirs for ours, theirs in zip(figures["all"], figures["peer"])]
            print(f"ratio to sentence-transformers fp32: median {statistics.median(ratios):.2f} "
                  f"({min(ratios):.2f}..{max(ratios):.2f})")
            peer.stdin.close()
            peer.wait(30)
        print(f"server memory: peak {memory_mib(server.process.pid, 'VmHWM'):.0f} MiB, now "
              f"{memory_mib(server.process.pid):.0f} MiB")
        server.stop()


if __name__ == "__main__":
    main()
