"""What is measured of a build. Each measure is told once how fast OLD is, for sizes and rates, and then gives its
figures turn by turn; both builds get the same files and the same rates. One with `halves` has two turns a round."""
import pathlib
import statistics
import time
from typing import NamedTuple

import corpora
from figures import cosine
from sluice_process import PROFILE, screen_arguments, write_jobs
from subjects import Failed
from wishes import write_wishes


class Figure(NamedTuple):
    name: str
    unit: str
    more_is_better: bool
    form: str = "{:.0f}"  # of a value
    of_speed: bool = True  # else of size


AGREES = 0.98  # between builds that choose different precisions, too


class Embedding:
    """`sluice embed`: 64 texts a call, four calls in flight, over gRPC."""

    PROBE, IN_FLIGHT, MOST = 64, 4, 16384
    halves = True

    def __init__(self, name, texts, folder, seconds):
        self.figures = (Figure(f"embed, {name} texts", "texts/s", True),)
        self.file, self.probe = folder / f"{name}.txt", folder / f"{name}_probe.txt"
        self.texts, self.seconds, self.count = texts, seconds, 0
        self.rows = {}  # the first of each build's last vectors

    def write(self, file, count):
        lines = [" ".join(self.texts[i % len(self.texts)].split()) for i in range(count)]
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def warm(self, subject):
        """A server that has just started has touched neither its weights nor the memory of a pass."""
        return subject.embed(self.probe, self.PROBE)[0]

    def prepare(self, old):
        self.write(self.probe, self.PROBE)
        self.warm(old)
        rate = self.PROBE / self.warm(old)
        calls = round(rate * self.seconds / self.PROBE)
        self.count = self.PROBE * min(max(calls, self.IN_FLIGHT), self.MOST // self.PROBE)
        self.write(self.file, self.count)

    def turn(self, subject):
        seconds, rows = subject.embed(self.file, self.count)
        self.rows[subject.name] = rows[:self.PROBE]
        least = min((cosine(*pair) for pair in zip(*self.rows.values())), default=1) if len(self.rows) == 2 else 1
        if least < AGREES:
            raise Failed(f"the builds' vectors of one text differ: least cosine {least:.3f}, where {AGREES} is the least")
        return (self.count / seconds,)


class RulesOnly:
    """`sluice screen --gate=rules_only`, every verdict as JSON: reading, uploading, the store, the rules, the results."""

    PROBE, MOST = 1000, 40000
    halves = True

    def __init__(self, folder, seconds):
        self.figures = (Figure("screen, rules only", "postings/s", True),)
        self.file, self.seconds, self.count = folder / "rules_only.jsonl", seconds, 0

    def screen(self, subject, count):
        return subject.screen(screen_arguments(self.file, "rules_only"), count)[0]

    def prepare(self, old):
        write_jobs(self.file, self.PROBE)
        rate = self.PROBE / self.screen(old, self.PROBE)
        self.count = min(max(round(rate * self.seconds), self.PROBE // 10), self.MOST)
        write_jobs(self.file, self.count)

    def turn(self, subject):
        return (self.count / self.screen(subject, self.count),)


class Hundred:
    """`sluice screen` of 100 postings that all go to the model, from the start of the process to its end."""

    COUNT = 100
    halves = True

    def __init__(self, folder, seconds):
        self.figures = (Figure("screen 100, all encoded", "s", False, "{:.3f}"),)
        self.file, self.seconds, self.times = folder / "hundred.jsonl", seconds, 1
        self.profile = write_wishes(PROFILE, folder / "wishes.yaml")
        write_jobs(self.file, self.COUNT)

    def screen(self, subject):
        seconds, verdicts = subject.screen(screen_arguments(self.file, "all", self.profile), self.COUNT)
        encoded = sum(verdict.get("phase2") is not None for verdict in verdicts)
        if encoded != self.COUNT:
            raise Failed(f"{encoded} of {self.COUNT} postings were encoded")
        return seconds

    def prepare(self, old):
        self.screen(old)
        self.times = max(1, round(self.seconds / self.screen(old)))

    def turn(self, subject):
        return (statistics.median(self.screen(subject) for _ in range(self.times)),)


# After the capacity `sluice load` steps through multiples of it; the first call of this one is due after its end.
NO_STEP = "--sweep=0.000001"


class Accept:
    """Batches of ten postings, acknowledged once they are on the disk: as many as eight callers get through, and how
    long one takes at a quarter of what OLD can do."""

    FLAGS = ("--target=batches", "--texts=10", "--connections=4", "--deadline-ms=30000")

    def __init__(self, seconds):
        self.figures = (Figure("durable batches, 8 callers", "batches/s", True),
                        Figure("durable batch at 1/4 load, p50", "ms", False, "{:.2f}"))
        # What was accepted has to be worked off after each of two steps. `sluice load` takes a tenth of a second or more.
        self.seconds, self.rate = max(seconds / 2, 0.1), 0

    def capacity(self, subject):
        step = subject.load(*self.FLAGS, f"--duration={self.seconds}", NO_STEP)["capacity"]
        return step["goodput_per_second"]

    def prepare(self, old):
        self.rate = 0.25 * self.capacity(old)
        old.await_idle()

    def turn(self, subject):
        capacity = self.capacity(subject)
        subject.await_idle()
        step = subject.load(*self.FLAGS, f"--duration={self.seconds}", f"--rate={self.rate:.3f}")["1x"]
        if step["answered"]["count"] == 0:
            raise Failed(f"no call was due in {self.seconds} s at {self.rate:.1f} a second")
        return capacity, step["answered"]["p50_ms"]


class HalfLoad:
    """Embed calls of one text that come whether or not the ones before were answered, at half of what OLD can do."""

    FLAGS = ("--connections=4",)

    def __init__(self, seconds):
        self.figures = (Figure("Embed at half load, p50", "ms", False, "{:.2f}"),
                        Figure("Embed at half load, p99", "ms", False, "{:.2f}"))
        self.seconds, self.rate = seconds, 0

    def prepare(self, old):
        flags = [*self.FLAGS, f"--duration={self.seconds}", NO_STEP]
        capacities = [old.load(*flags)["capacity"]["goodput_per_second"] for _ in range(3)]
        self.rate = 0.5 * statistics.median(capacities)

    def turn(self, subject):
        # p99 needs calls: two and a half times as long as the others.
        step = subject.load(*self.FLAGS, f"--duration={2.5 * self.seconds}", f"--rate={self.rate:.3f}")["1x"]
        if step["answered"]["count"] == 0:
            raise Failed(f"no call was due in {2.5 * self.seconds} s at {self.rate:.1f} a second")
        return step["answered"]["p50_ms"], step["answered"]["p99_ms"]


class Idle:
    """The memory of a server that has started, alone, and nobody has called."""

    alone = True  # the other build's server must not share its pages
    KEYS = ("VmRSS", "Pss") if pathlib.Path("/proc/self/smaps_rollup").exists() else ("VmRSS",)

    def __init__(self, seconds):
        self.figures = (Figure("idle server, resident", "MiB", False, "{:.1f}", of_speed=False),
                        Figure("idle server, PSS", "MiB", False, "{:.1f}", of_speed=False))[:len(self.KEYS)]
        self.seconds = seconds

    def prepare(self, old):
        pass

    def turn(self, subject):
        subject.start()
        try:
            time.sleep(1.5 * self.seconds)
            subject.await_idle()
            return tuple(subject.memory(key) for key in self.KEYS)
        finally:
            subject.stop()


NAMES = ("mixed", "short", "rules_only", "hundred", "accept", "half_load", "idle")


def make(name, folder, seconds):
    rows = corpora.postings()
    half = seconds / 2
    return {"mixed": lambda: Embedding("mixed", corpora.mixed(rows, len(rows)), folder, half),
            "short": lambda: Embedding("short", corpora.short(rows, len(rows)), folder, half),
            "rules_only": lambda: RulesOnly(folder, half),
            "hundred": lambda: Hundred(folder, half),
            "accept": lambda: Accept(seconds),
            "half_load": lambda: HalfLoad(seconds),
            "idle": lambda: Idle(seconds)}[name]()
