#!/usr/bin/env python3
"""Large batches until a server says MEMORY_LOW; once they are done, it takes batches again.

  memory_returns.py --bin DIR [--max-memory-mib 400] [--clients 40] [--batches 4]

So many clients hand in so many batches of 3.8 MB each, all at once. Prints how many were refused at first, and what the
server holds in the end.
"""
import argparse
import json
import tempfile

from sluice_process import PROFILE, Server, Sluice, await_true, memory_mib

POSTING_BYTES = 250_000
POSTINGS = 15


def write_large_jobs(path):
    with open(path, "w", encoding="utf-8") as out:
        for i in range(POSTINGS):
            text = f"C++ engineer {i}. " + "Linux, gRPC and databases all day long. " * (POSTING_BYTES // 40)
            out.write(json.dumps({"id": f"p{i}", "title": "C++ engineer", "description": text}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--max-memory-mib", type=int, default=400)
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--batches", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        write_large_jobs(f"{work}/jobs.jsonl")
        flags = [f"--max-memory-mib={arguments.max_memory_mib}"]
        server = Server(f"{arguments.bin}/sluiced", f"{work}/data", flags=flags)
        sluice = Sluice(f"{arguments.bin}/sluice", server.port)
        server.start()
        before = memory_mib(server.process.pid)
        screen = ["screen", f"--profile={PROFILE}", f"--jobs={work}/jobs.jsonl", "--gate=rules_only"]
        waiting = arguments.clients * arguments.batches
        running, ended = [], []
        while waiting or running:
            while waiting and len(running) < arguments.clients:
                running.append(sluice.start(*screen))
                waiting -= 1
            await_true(lambda: any(call.ended() for call in running), 300, "the end of a client")
            over = [call for call in running if call.ended()]
            running = [call for call in running if call not in over]
            ended += [call.close() for call in over]
        refused = sum(code == 4 for code, _, _ in ended)
        unexpected = [(code, err[-500:]) for code, _, err in ended if code not in (0, 4)]
        if unexpected:
            raise AssertionError(f"clients ended with {unexpected[0]}")
        peak = memory_mib(server.process.pid, "VmHWM")
        # A client tries again a few times by itself; it must not need a minute.
        await_true(lambda: sluice.run(*screen, check=False).returncode == 0, 60, "a batch that is taken")
        low = server.metric("sluice_admission_refused_total", reason="MEMORY_LOW")
        print(f"{len(ended)} batches at once: {low:.0f} times MEMORY_LOW, {refused} refused in the end; memory "
              f"{before:.0f} MiB before, peak {peak:.0f}, {memory_mib(server.process.pid):.0f} after")
        server.stop()


if __name__ == "__main__":
    main()
