#!/usr/bin/env python3
"""Memory of server and client over one long batch of small postings, by rules only.

  long_batch.py --bin DIR [--jobs 1000000]

Prints the resident memory of both before, and its peak during upload and screening; then reads the ranked results to
their end in pages. Linux: memory is VmRSS of /proc.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from sluice_process import CACHES_OFF, ROOT, Server, Sluice, memory_mib  # noqa: E402


class Peak:
    """The greatest resident memory of processes while the block runs."""

    def __init__(self, **pids):
        self.pids, self.peak, self.ended = pids, dict.fromkeys(pids, 0.0), threading.Event()

    def look(self):
        while not self.ended.wait(0.1):
            for name, pid in self.pids.items():
                self.peak[name] = max(self.peak[name], memory_mib(pid))

    def __enter__(self):
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def write_postings(path, jobs):
    titles = ["C++ engineer", "Baker", "Nurse", "Linux administrator", "Teacher", "Data engineer", "Driver"]
    with open(path, "w", encoding="utf-8") as out:
        for i in range(jobs):
            out.write(json.dumps({"id": f"p{i:07d}", "title": titles[i % 7], "company": f"Company {i % 997}",
                                  "description": "Linux and gRPC all day, in a team of five."}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--jobs", type=int, default=1000000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        write_postings(f"{work}/jobs.jsonl", arguments.jobs)
        server = Server(f"{arguments.bin}/sluiced", f"{work}/data", flags=[CACHES_OFF])
        server.start()
        before = memory_mib(server.process.pid)
        started = time.monotonic()
        client = subprocess.Popen(
            [f"{arguments.bin}/sluice", f"--server=127.0.0.1:{server.port}", "screen",
             f"--profile={ROOT}/examples/profile.yaml", f"--jobs={work}/jobs.jsonl", "--gate=rules_only",
             f"--output={work}/ranked.jsonl"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        client_before = memory_mib(client.pid)
        with Peak(server=server.process.pid, client=client.pid) as memory:
            code = client.wait()
        seconds = time.monotonic() - started
        with open(f"{work}/ranked.jsonl", encoding="utf-8") as ranked:
            results = sum(1 for _ in ranked)
        state = Sluice(f"{arguments.bin}/sluice", server.port).batches()[0]["state"]
        size = os.path.getsize(f"{work}/data/batches.db") / 1e6
        server.stop()
        print(f"{arguments.jobs} jobs in {seconds:.0f} s, exit {code}, state {state}, {results} ranked results; server "
              f"{before:.0f} -> {memory.peak['server']:.0f} MiB, client {client_before:.0f} -> "
              f"{memory.peak['client']:.0f} MiB; batches.db {size:.0f} MB")
        if code or results != arguments.jobs:
            sys.exit(1)


if __name__ == "__main__":
    main()
