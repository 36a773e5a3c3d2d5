#!/usr/bin/env python3
"""Batches whose postings are as dear as rules allow, beside a batch of one posting, and a server that is to end meanwhile.

  hostile_batches.py --bin DIR [--batches 4] [--postings 8]

1. A batch of one posting ends while hostile ones of each kind are screened, and after they were cancelled.
2. SIGTERM while they are screened: the process ends within its drain timeout and two seconds, and after the next start
   every posting gets its outcome once.

The bounds here find a hang; the seconds that are printed are the figures.
"""
import argparse
import json
import signal
import sys
import tempfile
import time

from sluice_process import Server, Sluice, await_true

BYTES = 254 << 10
DRAIN_SECONDS = 2
HANG_SECONDS = 120


def shoulds(conditions):
    return [{"id": f"rule-{i}", "effect": "should", **condition} for i, condition in enumerate(conditions)]


def repeated(piece):
    return (piece * (BYTES // len(piece) + 1))[:BYTES]


# Each kind: rules, and the text they read. The last two spend as much as a posting may, rather than more.
KINDS = {
    "patterns over the budget": (shoulds([{"regex": {"pattern": "(?:a{0,31}){31}b"}}] * 24), repeated("a")),
    "phrases that begin alike": (shoulds([{"terms": {"any_of": [f"a b{rule}x{i}" for i in range(1000)]}}
                                          for rule in range(64)]), repeated("a ")),
    "patterns within the budget": (shoulds([{"regex": {"pattern": "[ab]*a[ab]{50}c"}}] * 4), repeated("abaabbab" * 5 + "bba")),
    "a long phrase": (shoulds([{"terms": {"any_of": ["a " * 40 + "b"]}}]), repeated("a ")),
}


def write(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


class Files:
    def __init__(self, work, postings):
        self.work = work
        self.profiles, self.jobs = {}, {}
        for number, (kind, (rules, text)) in enumerate(KINDS.items()):
            self.profiles[kind], self.jobs[kind] = f"{work}/{number}.yaml", f"{work}/{number}.jsonl"
            with open(self.profiles[kind], "w", encoding="utf-8") as out:
                json.dump({"id": "hostile", "text": "storage engineer", "rules": rules}, out)
            write(self.jobs[kind], [{"id": f"h{i}", "title": "Engineer", "description": text} for i in range(postings)])
        with open(f"{work}/small.yaml", "w", encoding="utf-8") as out:
            json.dump({"id": "small", "text": "storage engineer"}, out)
        write(f"{work}/small.jsonl", [{"id": "one", "title": "Storage engineer", "description": "We build storage."}])

    def screen(self, sluice, kind):
        return sluice.start("screen", f"--profile={self.profiles[kind]}", f"--jobs={self.jobs[kind]}", "--gate=rules_only",
                            "--json")

    def time_of_one(self, sluice):
        began = time.monotonic()
        sluice.run("screen", f"--profile={self.work}/small.yaml", f"--jobs={self.work}/small.jsonl", "--gate=rules_only",
                   "--json")
        return time.monotonic() - began


def is_over(batch):
    return batch["state"] not in ("pending", "running", "cancelling")


def beside(arguments, files, kind, work):
    """Seconds that a batch of one posting takes alone, beside hostile ones, and after they were cancelled."""
    server = Server(f"{arguments.bin}/sluiced", work)
    sluice = Sluice(f"{arguments.bin}/sluice", server.port)
    server.start()
    files.time_of_one(sluice)
    alone = files.time_of_one(sluice)
    calls = [files.screen(sluice, kind) for _ in range(arguments.batches)]
    hostile = await_true(lambda: len(found := [b for b in sluice.batches() if b["jobs"] > 1]) == len(calls) and found,
                         HANG_SECONDS, "all hostile batches")
    running = sum(not is_over(batch) for batch in hostile)
    with_them = max(files.time_of_one(sluice) for _ in range(3))
    for batch in hostile:
        sluice.run("batches", "cancel", batch["name"], check=False)
    cancelled = files.time_of_one(sluice)
    for batch in hostile:
        ended = sluice.await_end(batch["name"], HANG_SECONDS)
        if ended["done"] != arguments.postings:
            sys.exit(f"{kind}: not every posting has an outcome: {ended}")
    for call in calls:
        call.close()
    stopped = time.monotonic()
    server.stop()
    print(f"{kind}: one posting took {alone:.2f} s alone, {with_them:.2f} s beside {running} of {len(calls)} batches of "
          f"{arguments.postings}, {cancelled:.2f} s once they were cancelled; SIGTERM took {time.monotonic() - stopped:.2f} s",
          flush=True)
    if max(with_them, cancelled) > HANG_SECONDS:
        sys.exit(f"{kind}: the batch of one posting hung")


def ended_meanwhile(arguments, files, kind, work):
    server = Server(f"{arguments.bin}/sluiced", work, flags=[f"--drain-timeout={DRAIN_SECONDS}s"])
    sluice = Sluice(f"{arguments.bin}/sluice", server.port)
    server.start()
    calls = [files.screen(sluice, kind) for _ in range(arguments.batches)]
    names = await_true(lambda: len(found := [b["name"] for b in sluice.batches()]) == len(calls) and found, HANG_SECONDS,
                       "all hostile batches")
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(HANG_SECONDS)
    took = time.monotonic() - began
    if code not in (0, 1):
        sys.exit(f"{kind}: the server ended with {code}")
    server.start()
    for name in names:
        sluice.await_end(name, HANG_SECONDS)
        found = sluice.results(name)
        if len({result["id"] for result in found}) != arguments.postings or len(found) != arguments.postings:
            sys.exit(f"{kind}: {len(found)} results of {arguments.postings} postings after the restart")
    for call in calls:
        call.close()
    server.stop()
    print(f"{kind}: SIGTERM ended the server in {took:.2f} s, exit {code}; every posting has one outcome", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--postings", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        files = Files(work, arguments.postings)
        for number, kind in enumerate(KINDS):
            beside(arguments, files, kind, f"{work}/beside-{number}")
            ended_meanwhile(arguments, files, kind, f"{work}/ended-{number}")


if __name__ == "__main__":
    main()
