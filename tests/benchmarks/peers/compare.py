#!/usr/bin/env python3
"""Sluice beside other engines on the same model, texts and threads: ./dev bench peers

  compare.py --bin build/release/bin --sluice-peer PROGRAM --model DIR [--corpora mixed] [--engines openvino,sluice] …

Installs the peers (install.py), starts every engine in a process of its own, lets each choose among a few batch sizes and
divisions of the threads, then times all of them one after another, round by round. Prints a table a
corpus, in Markdown; docs/performance.md says how to read it.
"""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "integration")]
import command_line  # noqa: E402
import figures  # noqa: E402
import install  # noqa: E402
import machine  # noqa: E402
from peer_process import Unavailable, Worker, environment, exports_of, say, worker_command  # noqa: E402
from sluice_process import CACHES_OFF, Server  # noqa: E402

# name, group of install.py or "sluice", precision ("" where the engine says), needs bf16 instructions
ROWS = [
    ("sluice, in process", "sluice", "", False),
    ("sluice, through gRPC", "sluice", "", False),
    ("openvino-bf16", "openvino", "bf16", True),
    ("openvino-fp32", "openvino", "fp32", False),
    ("openvino-int8", "openvino", "int8", False),
    ("ctranslate2-fp32", "ctranslate2", "fp32", False),
    ("ctranslate2-bf16", "ctranslate2", "bf16", True),
    ("ctranslate2-int8", "ctranslate2", "int8", False),
    ("onnxruntime-fp32", "onnxruntime", "fp32", False),
    ("onnxruntime-int8", "onnxruntime", "int8", False),
    ("sentence-transformers-fp32", "sentence-transformers", "fp32", False),
    ("sentence-transformers-bf16", "sentence-transformers", "bf16", True),
    ("torch-compile-fp32", "sentence-transformers", "fp32", False),
    ("torch-compile-bf16", "sentence-transformers", "bf16", True),
    ("infinity-fp32", "infinity", "fp32", False),
    ("infinity-bf16", "infinity", "bf16", True),
]
BATCHES = {"short": (32, 64, 128), "mixed": (8, 16, 32), "long": (8, 16, 32)}  # that engines choose from
SECONDS_OF_A_CHOICE = 1.5


def chosen_rows(arguments):
    wanted = arguments.engines.split(",") if arguments.engines else [""]
    return [{"name": name, "group": group, "precision": precision, "needs_bf16": needs_bf16,
             "kind": "sluice" if group == "sluice" else "peer"}
            for name, group, precision, needs_bf16 in ROWS if any(word in name for word in wanted)]


def cannot_run(row, arguments, problems):
    """Why not to try, or nothing."""
    if row["needs_bf16"] and not arguments.all and not machine.has_bf16():
        return "the processor has no bf16 instructions, it would be emulated (--all runs it)"
    problem = problems.get(row["group"])
    return f"cannot be installed: {problem}" if problem else ""


class Comparison:
    """The folders, the environment and the processes of one run."""

    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, pathlib.Path(work)
        self.python = arguments.peers / "venv/bin/python"
        self.exports = exports_of(arguments.model, arguments.peers)
        self.environment = environment(arguments.threads, self.exports)
        self.server = None

    def make_corpora(self):
        """Their folder; kept for the next run."""
        folder = self.arguments.peers / "corpora" / f"{self.exports.name}-{self.arguments.texts}"
        if not (folder / "corpora.json").exists():
            say(f"writing texts and reference vectors to {folder}")
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run([self.python, HERE / "corpora.py", self.arguments.model, folder, str(self.arguments.texts)],
                           check=True, env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return folder

    def command(self, name):
        if name == "sluice, in process":
            return [self.arguments.sluice_peer, "in_process", self.arguments.model]
        if name == "sluice, through gRPC":
            self.server = Server(self.arguments.bin / "sluiced", self.work / "data", self.arguments.model,
                                 flags=[CACHES_OFF, *self.arguments.server_flag])
            self.server.start()
            return [self.arguments.sluice_peer, "server", f"127.0.0.1:{self.server.port}"]
        return worker_command(self.python, name, self.arguments.model, self.exports, self.arguments.threads)

    def launch(self, row, problems):
        """Gives the row its worker, or its reason."""
        try:
            if (why := cannot_run(row, self.arguments, problems)):
                raise Unavailable(why)
            row["worker"] = Worker(self.command(row["name"]), self.work / f"{row['name']}.log", self.environment)
        except (Unavailable, OSError) as why:
            self.give_up(row, why)

    def await_ready(self, row):
        try:
            about = row["worker"].await_ready().about
            row.update(setup=about["setup"], precision=about.get("precision", row["precision"]))
            say(f"{row['name']}: ready ({row['setup']})")
        except Unavailable as why:
            del row["worker"]
            self.give_up(row, why)

    def start(self, rows, problems):
        """Sluice first and by itself, for it measures the machine; then the others at once."""
        for row in rows:
            if row["kind"] == "sluice":
                self.launch_and_await([row], problems)
        self.launch_and_await([row for row in rows if row["kind"] != "sluice"], problems)

    def launch_and_await(self, rows, problems):
        for row in rows:
            self.launch(row, problems)
        for row in rows:
            if "worker" in row:
                self.await_ready(row)

    def give_up(self, row, why):
        row["reason"] = str(why)
        say(f"{row['name']}: not measured: {why}")

    def run(self, row, texts_file, choice):
        layout, batch = choice
        return row["worker"].ask(layout, batch, texts_file, self.work / f"{row['name']}.f32")["seconds"]

    def run_warm(self, row, texts_file, choice):
        """After a pass that does not count: whose turn was before has its weights in the caches, and its threads may still spin."""
        self.run(row, texts_file, choice)
        return self.run(row, texts_file, choice)

    def choose(self, row, corpus, texts_file):
        """The fastest layout and batch size."""
        about = row["worker"].about
        choices = [(layout, batch) for layout in about["layouts"]
                   for batch in (self.arguments.batches or BATCHES[corpus] if about["batches"] else (0,))]
        if len(choices) == 1:
            return choices[0]
        return min(choices, key=lambda choice: self.least_seconds(row, texts_file, choice))

    def least_seconds(self, row, texts_file, choice):
        """Of two passes, the first of which warms it up; of up to eight where they are short, and chance tells much."""
        seconds = [self.run(row, texts_file, choice) for _ in range(2)]
        while len(seconds) < 8 and sum(seconds) < SECONDS_OF_A_CHOICE:
            seconds.append(self.run(row, texts_file, choice))
        return min(seconds)


def warm_up(comparison, row, corpus, folder, dimensions):
    """Chooses; then a pass that does not count shows the vectors."""
    choice = comparison.choose(row, corpus, folder / f"{corpus}.txt")
    seconds = comparison.run(row, folder / f"{corpus}.txt", choice)
    layout, batch = choice
    chosen = f"{layout}, batch {batch}" if batch else layout
    cosine = figures.cosines(comparison.work / f"{row['name']}.f32", folder / f"{corpus}.f32", dimensions)
    say(f"  {row['name']}: {chosen}; {seconds:.2f} s")
    return {"choice": choice, "chosen": chosen, "cosine": cosine}


def attempt(comparison, row, what, *arguments):
    """None, and the row given up, when the engine fails at it."""
    try:
        return what(*arguments)
    except (Unavailable, ValueError) as why:
        comparison.give_up(row, why)
        return None


def measure(comparison, corpus, folder, written, rows, ceilings_worker):
    """The corpus's rows and the ceilings of each round."""
    say(f"{corpus}: choosing")
    live = []
    measured = []
    for row in rows:
        entry = {key: row.get(key) for key in ("name", "kind", "precision", "setup", "reason")}
        measured.append(entry)
        warm = "worker" in row and attempt(comparison, entry, warm_up, comparison, row, corpus, folder,
                                           written["dimensions"])
        if warm:
            entry.update(warm, seconds=[])
            live.append((row, entry))
    ceilings = []
    precisions = sorted({entry["precision"] for _, entry in live})
    for turn in range(comparison.arguments.rounds):
        say(f"{corpus}: round {turn + 1} of {comparison.arguments.rounds}")
        if ceilings_worker is not None:
            ceilings.append(ceilings_worker.ask(*precisions))
        for row, entry in live[turn % len(live):] + live[:turn % len(live)]:
            seconds = attempt(comparison, entry, comparison.run_warm, row, folder / f"{corpus}.txt", entry["choice"])
            entry["seconds"].append(seconds)
    for entry in measured:
        if None in entry.get("seconds", ()):
            entry["seconds"] = []
    return measured, ceilings


def plain(value):
    return {"median": value.median, "least": value.least, "greatest": value.greatest}


def report(arguments, corpus, tokens, rows, ceilings):
    figures.summarise(rows, tokens, figures.model_operations(arguments.model, tokens), ceilings)
    print(f"\n### {corpus}: {len(tokens)} texts, {statistics.fmean(tokens):.0f} tokens on average "
          f"({min(tokens)} to {max(tokens)})\n")
    print(f"Rounds: {arguments.rounds}; {figures.ceilings_text(ceilings)}\n")
    print(figures.table(rows), flush=True)


def parse():
    parser = command_line.parser(__doc__, rounds=5)
    parser.add_argument("--corpora", default="short,mixed,long")
    parser.add_argument("--engines", default="", help="only those whose names contain one of these, as in sluice,openvino")
    parser.add_argument("--texts", type=int, default=128, help="mixed ones; four times as many short, half as many long")
    parser.add_argument("--batches", type=lambda text: list(map(int, text.split(","))),
                        help="sizes for the peers to choose from")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--all", action="store_true", help="bf16 also where the processor must emulate it")
    parsed = command_line.parse(parser)
    unknown = set(parsed.corpora.split(",")) - set(BATCHES)
    if unknown or not 1 <= parsed.threads <= len(os.sched_getaffinity(0)):
        parser.error(f"no corpus {', '.join(unknown)}" if unknown else "more threads than cores")
    return parsed


def start_ceilings(comparison):
    try:
        return Worker(comparison.command("ceilings"), comparison.work / "ceilings.log", comparison.environment).await_ready()
    except Unavailable as why:
        say(f"ceilings: {why}")
        return None


def main():
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server's end is up to atexit
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.threads])  # children inherit it
    rows = chosen_rows(arguments)
    # What texts, reference and ceilings are made with comes first, whatever was asked for.
    groups = dict.fromkeys(["sentence-transformers", *(row["group"] for row in rows if row["group"] != "sluice")])
    problems = install.install(arguments.peers, groups)
    if problems["sentence-transformers"]:
        sys.exit(f"no reference to compare with: {problems['sentence-transformers']}")
    print(f"{machine.processor()}; {arguments.threads} threads; {time.strftime('%Y-%m-%d')}")
    results = {"processor": machine.processor(), "threads": arguments.threads, "corpora": {}}
    with tempfile.TemporaryDirectory() as work:
        comparison = Comparison(arguments, work)
        folder = comparison.make_corpora()
        written = json.loads((folder / "corpora.json").read_text())
        comparison.start(rows, problems)
        ceilings_worker = start_ceilings(comparison)
        for corpus in arguments.corpora.split(","):
            tokens = written["corpora"][corpus]["tokens"]
            measured, ceilings = measure(comparison, corpus, folder, written, rows, ceilings_worker)
            report(arguments, corpus, tokens, measured, ceilings)
            results["corpora"][corpus] = {"tokens": tokens, "ceilings": ceilings, "rows": measured}
        for worker in [row["worker"] for row in rows if "worker" in row] + [ceilings_worker]:
            if worker is not None:
                worker.stop()
        if comparison.server is not None:
            comparison.server.stop()
    print("\nSet up: " + "; ".join(f"{row['name']}: {row['setup']}" for row in rows if "setup" in row))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, default=plain, indent=1))


if __name__ == "__main__":
    main()
