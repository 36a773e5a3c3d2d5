#!/usr/bin/env python3
"""A server's memory while it embeds texts of random lengths in calls of 1, 16 and 64.

  serving_memory.py --bin build/release/bin --model DIR [--minutes 30]

Prints resident, anonymous and peak memory once a minute, in MiB, then the slope from the fifth minute on. The load is
well below what the machine can do (about 12 texts a second), so that the lengths vary and nothing is refused.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import machine  # noqa: E402
from sluice_process import CACHES_OFF, Server, memory_mib  # noqa: E402

# Calls a second, texts a call, words of a text by weight.
LOADS = ((3, 1, "4:20,16:20,40:20,120:20,190:20"), (0.4, 16, "2:10,16:30,64:30,128:20,190:10"),
         (0.05, 64, "8:20,30:30,150:50"))
SETTLED_MINUTES = 5


def start_load(arguments, server, number):
    rate, texts, words = LOADS[number]
    return subprocess.Popen(
        [f"{arguments.bin}/sluice", f"--server=127.0.0.1:{server.port}", "load", f"--rate={rate}", f"--texts={texts}",
         f"--words={words}", f"--duration={arguments.minutes * 60}", f"--seed={number}", "--deadline-ms=60000"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def slope_per_ten_minutes(resident):
    """By least squares over one value a minute."""
    mean_x, mean_y = (len(resident) - 1) / 2, sum(resident) / len(resident)
    above = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(resident))
    return 10 * above / sum((x - mean_x) ** 2 for x in range(len(resident)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--minutes", type=int, default=30)
    arguments = parser.parse_args()
    print(machine.processor())
    with tempfile.TemporaryDirectory() as work:
        server = Server(f"{arguments.bin}/sluiced", f"{work}/data", arguments.model, flags=[CACHES_OFF])
        server.start()
        loads = [start_load(arguments, server, number) for number in range(len(LOADS))]
        resident = []
        for minute in range(1, arguments.minutes + 1):
            time.sleep(60)
            if server.process.poll() is not None:
                sys.exit(f"the server ended within minute {minute}, with {server.process.returncode}")
            row = [memory_mib(server.process.pid, key) for key in ("VmRSS", "RssAnon", "VmHWM")]
            print(f"{minute:3d} min: resident {row[0]:.1f}, anonymous {row[1]:.1f}, peak {row[2]:.1f} MiB; "
                  f"{server.metric('sluice_microbatch_jobs_sum'):.0f} texts", flush=True)
            resident.append(row[0])
        for load in loads:
            load.wait()
        server.stop()
    if len(resident) > SETTLED_MINUTES + 1:
        print(f"slope: {slope_per_ten_minutes(resident[SETTLED_MINUTES:]):.2f} MiB in ten minutes")


if __name__ == "__main__":
    main()
