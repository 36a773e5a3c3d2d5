#!/usr/bin/env python3
"""Kills sluiced with SIGKILL at random moments in the middle of a batch and holds it to its guarantee.

  kill_server.py --bin DIR [--server sluiced] [--model DIR] [--jobs 5000] [--kills 10] [--seed 1] [--gate volume]

A batch is screened once undisturbed. Then the same batch is screened while the server is killed and started again on
the same data directory, `kills` times. Afterwards: every posting has exactly one result (nothing lost, nothing twice),
sequence numbers have no gap, no posting was decided differently, and all of it is the same after a drain and a restart.
Prints the seed, so that a failure replays, and how long it took from exec to the first outcome of a start.
"""
import argparse
import random
import sys
import tempfile
import time

from sluice_process import Server, Sluice, decision, faults, quarantined, screen_arguments, write_jobs


def undisturbed(server, sluice, screen):
    """The decision of each posting, and how long the batch took."""
    server.start()
    started = time.monotonic()
    sluice.run(*screen)
    seconds = time.monotonic() - started
    expected = {result["id"]: decision(result) for result in sluice.results(sluice.batches()[0]["name"])}
    server.stop()
    return expected, seconds


def await_batch(sluice, client):
    while True:
        if listed := sluice.batches():
            return listed[0]["name"]
        if client.ended():
            sys.exit("the client ended before its batch was there")


def seconds_to_first_outcome(server, longest):
    """From exec; nothing when none came within `longest` seconds of readiness."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        if server.metric("sluice_jobs_total") > 0:
            return time.monotonic() - server.started
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--server", default="sluiced")
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
        write_jobs(jobs, arguments.jobs)
        screen = screen_arguments(jobs, arguments.gate)
        calm, server = (Server(f"{arguments.bin}/{arguments.server}", f"{work}/{name}", arguments.model,
                               flags=["--precision=fp32"])  # each would choose for itself
                        for name in ("calm", "killed"))
        expected, calm_seconds = undisturbed(calm, Sluice(f"{arguments.bin}/sluice", calm.port), screen)
        print(f"undisturbed: {len(expected)} results in {calm_seconds:.1f} s", flush=True)

        server.start()
        sluice = Sluice(f"{arguments.bin}/sluice", server.port)
        client = sluice.start(*screen)
        name = await_batch(sluice, client)
        longest = arguments.max_alive_seconds or max(0.2, calm_seconds / arguments.kills)
        done_at_kill, starts, first_outcomes = [], [], []
        for _ in range(arguments.kills):
            time.sleep(generator.uniform(0.01, longest))
            done_at_kill.append(sluice.batch(name)["done"])
            server.kill()
            starts.append(server.start())
            if first := seconds_to_first_outcome(server, longest):
                first_outcomes.append(first - starts[-1])
        batch = sluice.await_end(name, 60 + 4 * calm_seconds)
        client.process.terminate()
        client.close()
        found = sluice.results(name)
        server.stop()
        server.start()
        kept = sluice.results(name) == found
        server.stop()

        alone = quarantined(found)
        wrong = faults(found, expected | alone)
        if 2 * len(alone) > arguments.kills:
            wrong["quarantined without two deaths each"] = sorted(alone)
        print(f"killed {arguments.kills} times with {done_at_kill} done; state {batch['state']}; slowest start "
              f"{max(starts):.2f} s; first outcome after it at most {max(first_outcomes, default=0):.2f} s later "
              f"({len(first_outcomes)} seen); wrong: {wrong or 'nothing'}; "
              f"quarantined for two deaths alone: {len(alone)}; after a drain and another start "
              f"{'the same' if kept else 'OTHERS'}")
        if wrong or not kept or len(found) != arguments.jobs:
            sys.exit(1)


if __name__ == "__main__":
    main()
