#!/usr/bin/env python3
"""A batch's life across processes: a client that follows it through kill -9, and a backup taken in its middle.

  life_cycle.py --bin DIR [--jobs 20000]

1. `sluice screen` follows a batch while the server is killed and started again: it ends by itself with exit 0 and every
   result once.
2. SIGUSR1 in the middle of a batch makes a backup; restored into an empty directory the batch in it ends, with every
   result once and no gap.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

from sluice_process import ROOT, Server, Sluice, await_true, write_jobs


def expect(condition, message):
    if not condition:
        sys.exit(message)


def running_batch(arguments, server, sluice):
    """Once some but not all of its jobs are done."""
    await_true(lambda: server.metric("sluice_jobs_total") > 0, 120, "the first outcomes")
    batch = sluice.batches()[0]
    expect(0 < batch["done"] < arguments.jobs, f"the batch was over before it was looked at: {batch}")
    return batch


def expect_all_once(found, jobs):
    expect(len({result["id"] for result in found}) == jobs == len(found), f"{len(found)} results of {jobs} jobs")
    expect(sorted(result["sequence"] for result in found) == list(range(1, jobs + 1)), "sequence numbers have gaps")


def screen(arguments, port, jobs_file, output):
    return subprocess.Popen([f"{arguments.bin}/sluice", f"--server=127.0.0.1:{port}", "screen",
                             f"--profile={ROOT}/examples/profile.yaml", f"--jobs={jobs_file}", "--gate=rules_only",
                             f"--output={output}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def follow_through_a_kill(arguments, work, jobs_file):
    server = Server(f"{arguments.bin}/sluiced", f"{work}/killed")
    sluice = Sluice(f"{arguments.bin}/sluice", server.port)
    server.start()
    client = screen(arguments, server.port, jobs_file, f"{work}/followed.jsonl")
    done = running_batch(arguments, server, sluice)["done"]
    server.kill()
    server.start()
    errors = client.communicate(timeout=300)[1]
    expect(client.returncode == 0, f"the client ended with {client.returncode}: {errors[-2000:]}")
    with open(f"{work}/followed.jsonl", encoding="utf-8") as lines:
        followed = [json.loads(line)["id"] for line in lines]
    expect(len(followed) == len(set(followed)) == arguments.jobs, f"the client wrote {len(followed)} results")
    expect_all_once(sluice.results(sluice.batches()[0]["name"]), arguments.jobs)
    server.stop()
    print(f"followed: killed with {done} of {arguments.jobs} done; the client ended with every result once")


def restore_a_backup(arguments, work, jobs_file):
    server = Server(f"{arguments.bin}/sluiced", f"{work}/live")
    sluice = Sluice(f"{arguments.bin}/sluice", server.port)
    server.start()
    client = screen(arguments, server.port, jobs_file, f"{work}/live.jsonl")
    done = running_batch(arguments, server, sluice)["done"]
    server.process.send_signal(signal.SIGUSR1)
    backups = pathlib.Path(work, "live", "backups")
    backup = await_true(lambda: backups.exists() and next(backups.glob("*.db"), None), 120, "a backup")
    client.communicate(timeout=300)
    expect(client.returncode == 0, "the batch under the backup did not end well")
    server.stop()

    os.makedirs(f"{work}/restored")
    shutil.copy(backup, f"{work}/restored/batches.db")
    with sqlite3.connect(f"file:{backup}?immutable=1", uri=True) as copy:
        expect(copy.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the backup is damaged")
        kept = copy.execute("SELECT count(*) FROM outcome").fetchone()[0]
    expect(kept >= done, f"{done} results were acknowledged before the backup, which has {kept}")
    server = Server(f"{arguments.bin}/sluiced", f"{work}/restored")
    sluice = Sluice(f"{arguments.bin}/sluice", server.port)
    server.start()
    expect("died with work in flight" not in server.log_file.read_text(), "a restored backup was taken for a death")
    name = await_true(sluice.batches, 120, "the restored batch")[0]["name"]
    expect_all_once(sluice.results(name), arguments.jobs)
    server.stop()
    print(f"backup: taken at {done} of {arguments.jobs}, holds {kept}; restored, the batch ended with every result once")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--jobs", type=int, default=40000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        jobs_file = f"{work}/jobs.jsonl"
        write_jobs(jobs_file, arguments.jobs)
        follow_through_a_kill(arguments, work, jobs_file)
        restore_a_backup(arguments, work, jobs_file)


if __name__ == "__main__":
    main()
