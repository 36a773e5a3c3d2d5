"""What the comparisons are told in common."""
import argparse
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
PATHS = ("bin", "sluice_peer", "model", "peers")


def parser(description, rounds):
    """To which a comparison adds its own."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    made.add_argument("--sluice-peer", type=pathlib.Path, default=ROOT / "build/release/benchmarks/sluice_peer")
    made.add_argument("--model", type=pathlib.Path, default=ROOT / ".deps/model")
    made.add_argument("--peers", type=pathlib.Path, default=ROOT / ".deps/peers", help="where they are installed")
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument("--json", type=pathlib.Path, help="write every figure to this file, too")
    made.add_argument("--server-flag", action="append", default=[])
    made.set_defaults(threads=len(os.sched_getaffinity(0)))
    return made


def parse(made):
    """The paths are absolute, since workers start elsewhere."""
    arguments = made.parse_args()
    for name in PATHS:
        setattr(arguments, name, getattr(arguments, name).resolve())
    return arguments
