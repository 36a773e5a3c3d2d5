#!/usr/bin/env python3
"""Kills sluiced with SIGKILL at random moments in the middle of a batch and holds it to its guarantee.

  kill_server.py --bin DIR [--model DIR] [--jobs 5000] [--kills 10] [--seed 1] [--gate volume]

A batch is screened once undisturbed. Then the same batch is screened while the server is killed and started again on
the same data directory, `kills` times. Afterwards: every posting has exactly one result (nothing lost, nothing twice),
sequence numbers have no gap, no posting was decided differently, and all of it is the same after a drain and a restart. Prints the seed, so that a failure replays.
"""
import argparse
import atexit
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, arguments, data, port):
        self.command = [f"{arguments.bin}/sluiced", f"--listen=127.0.0.1:{port}", "--admin=127.0.0.1:0",
                        f"--data={data}", f"--ready-file={data}/ready.json", f"--log-file={data}/sluiced.log"]
        self.command += [f"--model={arguments.model}"] if arguments.model else ["--device=none"]
        self.ready = pathlib.Path(data, "ready.json")

    def start(self):
        self.ready.unlink(missing_ok=True)
        started = time.monotonic()
        self.process = subprocess.Popen(self.command)
        atexit.register(self.process.kill)
        while not (self.ready.exists() and self.ready.stat().st_size):
            if self.process.poll() is not None:
                sys.exit(f"sluiced ended with {self.process.returncode} at start")
            if time.monotonic() - started > 60:
                sys.exit("sluiced was not ready after 60 s")
            time.sleep(0.02)
        return time.monotonic() - started

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            sys.exit(f"sluiced ended with {self.process.returncode} on SIGTERM")


def cli(arguments, port, *command, check=True):
    done = subprocess.run([f"{arguments.bin}/sluice", f"--server=127.0.0.1:{port}", *command], capture_output=True,
                          text=True)
    if check and done.returncode != 0:
        sys.exit(f"sluice {' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def batches(arguments, port):
    out = cli(arguments, port, "batches", "ls", "--json")
    listed = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    for batch in listed:
        batch["done"] = sum(batch[outcome] for outcome in ("succeeded", "failed", "cancelled", "expired"))
    return listed


def results(arguments, port, name):
    out = cli(arguments, port, "batches", "results", name, "--json")
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def decision(result):
    if "verdict" not in result:
        return (result["outcome"], result.get("error", {}).get("message"))
    return (result["verdict"], round(result["phase1"], 9), result.get("phase2"))


def same(one, other):
    """The verdict and phase one to the last digit; phase two within what a start that measured another precision as the
    faster one may change."""
    if other is None or one[:2] != other[:2] or len(one) != len(other):
        return False
    if len(one) < 3 or one[2] is None or other[2] is None:
        return one == other
    return abs(one[2] - other[2]) <= 0.01


def write_jobs(arguments, path):
    rows = [json.loads(line) for line in open(ROOT / "examples/postings.jsonl", encoding="utf-8")]
    with open(path, "w", encoding="utf-8") as out:
        for i in range(arguments.jobs):
            row = dict(rows[i % len(rows)], id=f"p{i:07d}")
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model", default="")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--gate", default="volume")
    parser.add_argument("--max-alive-seconds", type=float, default=0.0, help="0: from the undisturbed run's length")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    generator = random.Random(arguments.seed)

    with tempfile.TemporaryDirectory() as work:
        jobs = f"{work}/jobs.jsonl"
        write_jobs(arguments, jobs)
        screen = ["screen", f"--profile={ROOT}/examples/profile.yaml", f"--jobs={jobs}", "--as-of=2026-01-15",
                  f"--gate={arguments.gate}", "--json"]

        port = free_port()
        os.makedirs(f"{work}/calm")
        calm = Server(arguments, f"{work}/calm", port)
        calm.start()
        started = time.monotonic()
        cli(arguments, port, *screen)
        calm_seconds = time.monotonic() - started
        expected = {result["id"]: decision(result) for result in results(arguments, port, batches(arguments, port)[0]["name"])}
        calm.stop()
        print(f"undisturbed: {len(expected)} results in {calm_seconds:.1f} s", flush=True)

        os.makedirs(f"{work}/killed")
        port = free_port()
        server = Server(arguments, f"{work}/killed", port)
        server.start()
        client = subprocess.Popen([f"{arguments.bin}/sluice", f"--server=127.0.0.1:{port}", *screen],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        name = None
        while name is None:
            listed = batches(arguments, port)
            name = listed[0]["name"] if listed else None
            if client.poll() is not None and name is None:
                sys.exit("the client ended before its batch was there")
        longest = arguments.max_alive_seconds or max(0.2, calm_seconds / arguments.kills)
        done_at_kill, slowest_start = [], 0.0
        for _ in range(arguments.kills):
            time.sleep(generator.uniform(0.01, longest))
            done_at_kill.append(next(batch for batch in batches(arguments, port) if batch["name"] == name)["done"])
            server.kill()
            slowest_start = max(slowest_start, server.start())
        finished = time.monotonic() + 60 + 4 * calm_seconds
        while True:
            batch = next(batch for batch in batches(arguments, port) if batch["name"] == name)
            if batch["state"] not in ("pending", "running"):
                break
            if time.monotonic() > finished:
                sys.exit(f"not finished: {batch}")
            time.sleep(0.1)
        client.terminate()
        client.wait()
        found = results(arguments, port, name)
        server.stop()
        server.start()
        kept = results(arguments, port, name) == found
        server.stop()

        ids = [result["id"] for result in found]
        lost = set(expected) - set(ids)
        twice = len(ids) - len(set(ids))
        differing = [result["id"] for result in found if not same(decision(result), expected.get(result["id"]))]
        gaps = sorted(result["sequence"] for result in found) != list(range(1, len(found) + 1))
        print(f"killed {arguments.kills} times with {done_at_kill} done; slowest start {slowest_start:.2f} s; state "
              f"{batch['state']}; lost {len(lost)}, twice {twice}, decided differently {len(differing)}, "
              f"sequence {'BROKEN' if gaps else 'gap-free'}, after a drain and another start {'the same' if kept else 'OTHERS'}")
        if not kept or lost or twice or differing or gaps or len(found) != arguments.jobs:
            sys.exit(1)


if __name__ == "__main__":
    main()
