#!/usr/bin/env python3
"""Two builds in turns in one run: ./dev bench compare OLD [NEW]

Each is a revision (a commit, a branch, a tag), `.` for the work tree, which is also what NEW is when it is not given, or
a directory with bin/sluiced and bin/sluice. Every round starts both servers anew and measures one figure after another,
one build directly after the other, and the other way round in the next round. Ratios are taken round by round, for a
machine's speed moves from minute to minute; figures of throughput are taken in two halves, OLD NEW NEW OLD. docs/performance.md says how to read the table.

Exit code: 0 whatever was slower; with --max-loss 1 for a loss beyond it and beyond its spread; 2 where something could
not be measured, also a figure in whose turns anything failed or was refused.
"""
import argparse
import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "peers"), str(HERE.parent.parent / "integration")]
import machine  # noqa: E402
import measures  # noqa: E402
import paired  # noqa: E402
from checkout import Checkout, Unbuildable  # noqa: E402
from peer_process import say  # noqa: E402
from report import Result, as_json, table  # noqa: E402
from sluice_process import ROOT  # noqa: E402
from subjects import Failed, Subject  # noqa: E402

TOLERANCE_PERCENT = 3
SETTLE_SECONDS = 0.3
DONE, LOSS, NOT_MEASURED = 0, 1, 2


class Comparison:
    """The two subjects, what is measured of them, and what came of it."""

    def __init__(self, subjects, of_names, options):
        self.subjects, self.options = subjects, options
        self.measures = of_names
        self.results = {name: [Result(name, figure) for figure in measure.figures] for name, measure in of_names.items()}
        self.settle_seconds = min(SETTLE_SECONDS, options.seconds / 4)

    def prepare(self):
        """Sizes and rates, by OLD."""
        old = self.subjects[0]
        driven = self.driven()
        if not driven:
            return
        old.start()
        for name in driven:
            say(f"{name}: sizes and rates by {old.name}")
            self.attempt(name, old, self.measures[name].prepare)
            old.await_idle()
        old.stop()

    def driven(self):
        return [name for name, measure in self.measures.items() if not getattr(measure, "alone", False)]

    def live(self, names):
        return [name for name in names if not self.results[name][0].failure]

    def attempt(self, name, subject, what):
        """What it gave, or None: then the figure is out, with the reason."""
        try:
            return what(subject)
        except (Failed, AssertionError) as why:
            say(f"{name}: {subject.name}: {why}")
            for result in self.results[name]:
                result.failure = result.failure or f"{subject.name}: {why}"
            return None

    def turn(self, name, order):
        """A round's values of a figure: of each build the mean of its turns."""
        measure = self.measures[name]
        values = ([], [])
        for place in paired.turns(order, getattr(measure, "halves", False)):
            self.rest()
            values[place].append(self.attempt(name, self.subjects[place], measure.turn))
            if values[place][-1] is None:
                return
        for place in order:
            for result, of_turns in zip(self.results[name], zip(*values[place])):
                result.add(place, statistics.fmean(of_turns))

    def rest(self):
        for subject in self.subjects:
            if subject.server is not None:
                subject.await_idle()
        time.sleep(self.settle_seconds)

    def one_round(self, order):
        for name in self.live(set(self.measures) - set(self.driven())):
            self.turn(name, order)
        names = self.live(self.driven())
        if not names:
            return
        started = [self.subjects[place] for place in order]
        try:
            for subject in started:
                subject.start()
                for name in names:
                    self.attempt(name, subject, getattr(self.measures[name], "warm", lambda _: None))
            for name in self.live(names):
                self.turn(name, order)
        finally:
            for subject in started:
                subject.stop()

    def run(self):
        for subject in self.subjects:
            say(f"{subject.name}: first start")
            subject.calibrate()
            say(f"{subject.name}: {subject.build.label}; {subject.setup}")
        self.prepare()
        for turn, order in enumerate(paired.orders(self.options.rounds)):
            begin = time.monotonic()
            self.one_round(order)
            say(f"round {turn + 1} of {self.options.rounds}: {time.monotonic() - begin:.0f} s")

    def all_results(self):
        return [result for results in self.results.values() for result in results]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW", nargs="?", default=".")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / ".deps/model")
    parser.add_argument("--rounds", type=int, default=8, help="even ones are fairer; fewer than five say nothing")
    parser.add_argument("--seconds", type=float, default=2, help="that a build has for a figure in a round, about")
    parser.add_argument("--only", default=",".join(measures.NAMES), help="of %(default)s")
    parser.add_argument("--max-loss", type=float, metavar="PERCENT", help="exit with 1 where NEW is worse by more")
    parser.add_argument("--json", type=pathlib.Path, help="write every figure of every round to this file, too")
    parser.add_argument("--server-flag", action="append", default=[], help="for both servers, as --server-flag=--replicas=1")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := [name for name in options.only if name not in measures.NAMES]:
        parser.error(f"--only: no figure {', '.join(unknown)}; there are {', '.join(measures.NAMES)}")
    if options.rounds < 1 or not 0.1 <= options.seconds <= 60:
        parser.error("--rounds: at least one; --seconds: 0.1 to 60")
    if options.max_loss is not None and (options.max_loss < 0 or options.rounds < paired.LEAST_ROUNDS):
        parser.error(f"--max-loss: 0 or more, and with at least {paired.LEAST_ROUNDS} rounds")
    options.model = options.model.resolve()
    return options


def warn_of_others():
    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"other work runs on this machine (load {load:.1f}): spreads will be wide")


def compare(options):
    warn_of_others()
    checkout = Checkout(ROOT)
    builds = [checkout.build(name) for name in (options.old, options.new)]
    stolen = machine.StolenTime()
    with tempfile.TemporaryDirectory(prefix="sluice-compare-") as temporary:
        folder = pathlib.Path(temporary)
        generator = builds[1].program("sluice")
        subjects = [Subject(name, build, generator, folder, options) for name, build in zip(("OLD", "NEW"), builds)]
        comparison = Comparison(subjects, {name: measures.make(name, folder, options.seconds) for name in options.only},
                                options)
        comparison.run()
    about = {"processor": machine.processor(), "date": time.strftime("%Y-%m-%d"), "rounds": options.rounds,
             "stolen": stolen.share(),
             "builds": [{"label": subject.build.label, "setup": subject.setup} for subject in subjects]}
    results = comparison.all_results()
    print(table(about, results, TOLERANCE_PERCENT), flush=True)
    if options.json:
        options.json.write_text(json.dumps(as_json(about, results, TOLERANCE_PERCENT), indent=1))
    if any(result.failure for result in results):
        return NOT_MEASURED
    losses = [result.figure.name for result in results
              if options.max_loss is not None and paired.is_loss(result.figure, result.ratios(), options.max_loss)]
    for name in losses:
        say(f"{name}: the loss is beyond {options.max_loss:g} %")
    return LOSS if losses else DONE


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers' end is up to atexit
    try:
        return compare(options)
    except (Unbuildable, Failed, AssertionError) as why:
        say(f"compare: {why}")
    except Exception:  # whose exit code would be that of a loss
        traceback.print_exc()
    return NOT_MEASURED


if __name__ == "__main__":
    sys.exit(main())
