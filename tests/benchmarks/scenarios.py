#!/usr/bin/env python3
"""A few postings at a time, as a person screens them: ./dev bench scenarios

  scenarios.py --bin build/release/bin --sluice-peer PROGRAM --model DIR [--sizes 20,100] [--rounds 3]

In each round, for each size, one after another, through the running server as `sluice screen` calls it:
  all         every posting is encoded: examples/profile.yaml without the rules that reject
  gated       examples/profile.yaml with the default gate, by volume
  rules_only  the same without the model
and beside them the same descriptions one at a time through sentence-transformers (fp32), one at a time through our own
encoder, and all at once through it. Prints tables in Markdown; docs/performance.md says how to read them.
"""
import json
import pathlib
import re
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE / "peers")]
import command_line  # noqa: E402
import install  # noqa: E402
import machine  # noqa: E402
from figures import Spread  # noqa: E402
from peer_process import Unavailable, Worker, environment, exports_of, say, worker_command  # noqa: E402
from sluice_process import CACHES_OFF, PROFILE, Server, Sluice, json_lines, screen_arguments, write_jobs  # noqa: E402
from wishes import write_wishes  # noqa: E402

MODES = {"all": "all", "gated": "volume", "rules_only": "rules_only"}  # the gate's policy
# What was once promised of this design, wherever it was said for so many postings.
CLAIMS = {30: "6 s", 50: "8 s", 100: "8 s CUDA, 12 s MPS, 20 s CPU", 250: "15 s (over 200)"}
RULES_ONLY_CLAIM = {100: "3 s"}
ONE_BY_ONE, AT_ONCE = "one by one", "all queued at once"
PEER, OURS_ONE_BY_ONE, OURS_AT_ONCE = "sentence-transformers", "ours, one by one", "ours, at once"


def phase_seconds(report, phase):
    """From the lines that `sluice screen` ends with; None without such a line."""
    found = re.search(rf"(?m)^{phase} +(?:(\d+) min )?([\d.]+) s$", report)
    return int(found.group(1) or 0) * 60 + float(found.group(2)) if found else None


class Scenario:
    """So many postings, as files for the server and for the engines."""

    def __init__(self, folder, size):
        self.size = size
        self.jobs, self.texts, self.vectors = (folder / f"{size}.{kind}" for kind in ("jsonl", "txt", "f32"))
        write_jobs(self.jobs, size)
        rows = json_lines(self.jobs.read_text(encoding="utf-8"))
        self.texts.write_text("".join(" ".join(row["description"].split()) + "\n" for row in rows), encoding="utf-8")
        self.screened = {mode: [] for mode in MODES}
        self.encoded = {PEER: [], OURS_ONE_BY_ONE: [], OURS_AT_ONCE: []}  # seconds


def screen(server, sluice, scenario, mode, profile):
    """One `sluice screen`, the start of its process included."""
    arguments = screen_arguments(scenario.jobs, MODES[mode], profile)
    busy = server.metric("sluice_encode_seconds_sum")
    start = time.perf_counter()
    done = sluice.run(*arguments)
    seconds = time.perf_counter() - start
    verdicts = [line for line in json_lines(done.stdout) if "verdict" in line]
    if len(verdicts) != scenario.size:
        sys.exit(f"{len(verdicts)} verdicts for {scenario.size} postings")
    return {"seconds": seconds, "phase_one": phase_seconds(done.stderr, "phase one"),
            "phase_two": phase_seconds(done.stderr, "phase two"),
            "encoder_busy": server.metric("sluice_encode_seconds_sum") - busy,
            "encoded": sum(verdict.get("phase2") is not None for verdict in verdicts)}


class Engines:
    """The processes beside the server; one that cannot be had has no figures, and says why."""

    def __init__(self, arguments, folder):
        peers = arguments.peers
        exports = exports_of(arguments.model, peers)
        around = environment(arguments.threads, exports)
        commands = {
            "peer": worker_command(peers / "venv/bin/python", "sentence-transformers-fp32", arguments.model, exports,
                                   arguments.threads),
            "ours": [arguments.sluice_peer, "in_process", arguments.model],
        }
        self.workers = {}
        for name, command in commands.items():
            try:
                self.workers[name] = Worker(command, folder / f"{name}.log", around).await_ready()
            except (Unavailable, OSError) as why:
                say(f"{name}: not measured: {why}")

    def seconds(self, scenario, figure):
        name, layout = {PEER: ("peer", ONE_BY_ONE), OURS_ONE_BY_ONE: ("ours", ONE_BY_ONE),
                        OURS_AT_ONCE: ("ours", AT_ONCE)}[figure]
        if name not in self.workers:
            return None
        return self.workers[name].ask(layout, 1, scenario.texts, scenario.vectors)["seconds"]

    def stop(self):
        for worker in self.workers.values():
            worker.stop()


def play(scenario, server, sluice, engines, profiles):
    for mode in MODES:
        scenario.screened[mode].append(screen(server, sluice, scenario, mode, profiles[mode]))
    for figure, seconds in scenario.encoded.items():
        took = engines.seconds(scenario, figure)
        if took is not None:
            seconds.append(took)


def median_text(figures):
    figures = [figure for figure in figures if figure is not None]
    return f"{Spread(figures).median:.2f}" if figures else ""


def ratio_text(slower, faster):
    return Spread([a / b for a, b in zip(slower, faster)]).text() if slower and faster else "not measured"


def screening_rows(scenario):
    for mode, runs in scenario.screened.items():
        seconds = [run["seconds"] for run in runs]
        claim = (RULES_ONLY_CLAIM if mode == "rules_only" else CLAIMS).get(scenario.size, "")
        yield (f"| {scenario.size} | {mode} | {runs[-1]['encoded']} | {Spread(seconds).text('{:.2f}')} | "
               + " | ".join(median_text(run[key] for run in runs) for key in ("phase_one", "phase_two", "encoder_busy"))
               + f" | {median_text(scenario.encoded[PEER])} | {ratio_text(scenario.encoded[PEER], seconds)} | {claim} |")


def batching_row(scenario):
    def rate(figure):
        return Spread([scenario.size / s for s in scenario.encoded[figure]]).text() if scenario.encoded[figure] else ""

    one_by_one, at_once = scenario.encoded[OURS_ONE_BY_ONE], scenario.encoded[OURS_AT_ONCE]
    return (f"| {scenario.size} | {rate(PEER)} | {rate(OURS_ONE_BY_ONE)} | {rate(OURS_AT_ONCE)} | "
            f"{ratio_text(one_by_one, at_once)} | {ratio_text(scenario.encoded[PEER], at_once)} |")


def report(scenarios):
    print("| postings | mode | encoded | in all, s | phase one, s (once 1–3 s) | phase two, s | encoders busy, s | "
          "sentence-transformers one by one, s | times as fast | once claimed |\n" + "|---" * 10 + "|")
    for scenario in scenarios:
        print("\n".join(screening_rows(scenario)))
    print("\n| texts | sentence-transformers one by one, texts/s | ours one by one | ours at once | batching gives "
          "(5–10 times once claimed) | at once beside sentence-transformers one by one |\n" + "|---" * 6 + "|")
    for scenario in scenarios:
        print(batching_row(scenario))
    sys.stdout.flush()


def parse():
    parser = command_line.parser(__doc__, rounds=3)
    parser.add_argument("--sizes", default="20,30,50,100,250")
    return command_line.parse(parser)


def main():
    arguments = parse()
    problem = install.install(arguments.peers, ["sentence-transformers"])["sentence-transformers"]
    if problem:
        say(f"sentence-transformers cannot be installed: {problem}")
    print(f"{machine.processor()}; {time.strftime('%Y-%m-%d')}; rounds: {arguments.rounds}\n", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        wishes = write_wishes(PROFILE, folder / "wishes.yaml")
        profiles = {"all": wishes, "gated": PROFILE, "rules_only": PROFILE}
        scenarios = [Scenario(folder, int(size)) for size in arguments.sizes.split(",")]
        server = Server(arguments.bin / "sluiced", folder / "data", arguments.model,
                        flags=[CACHES_OFF, *arguments.server_flag])
        server.start()
        sluice = Sluice(arguments.bin / "sluice", server.port)
        engines = Engines(arguments, folder)
        play(Scenario(folder, 16), server, sluice, engines, profiles)  # warms everybody up
        for turn in range(arguments.rounds):
            say(f"round {turn + 1} of {arguments.rounds}")
            for scenario in scenarios:
                play(scenario, server, sluice, engines, profiles)
        engines.stop()
        server.stop()
    report(scenarios)
    if arguments.json:
        arguments.json.write_text(json.dumps([{"postings": s.size, "screened": s.screened, "encoded": s.encoded}
                                              for s in scenarios], indent=1))


if __name__ == "__main__":
    main()
