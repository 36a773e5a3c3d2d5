#!/usr/bin/env python3
"""A real Prometheus scrapes real servers under load, and every expression in deploy/ has data.

  live_prometheus_test.py --bin DIR --model DIR

Starts sluiced twice, once with the model and the Kubernetes configuration file and once without a model, keeps the first
busy with postings and texts, and lets Prometheus run the tracked configuration and rules, faster. Then:
  * no metric that a dashboard, rule or alert names is missing on /metrics, and none that docs/operations.md promises
  * every dashboard expression returns a number
  * every alert has what it compares: its expression with `bool` comparisons returns 0 or 1
  * every recording rule records, and no rule fails to evaluate
"""
import argparse
import contextlib
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import tools

tools.enter()

import yaml

import expressions
from tools import PROMETHEUS, ROOT

LONGEST_SECONDS = 60
STARTS = 3
STARTS_WITH = ("sluice_", "process_", "grpc_server_")


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what}: not after {seconds} s")
        time.sleep(0.1)


@contextlib.contextmanager
def running(command, log):
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def sluiced(arguments, work, name, *flags):
    """Yields the gRPC and admin addresses."""
    ready, log = work / f"{name}.json", work / f"{name}.log"
    command = [f"{arguments.bin}/sluiced", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", f"--data={work}/{name}",
               f"--ready-file={ready}", *flags]
    with running(command, log) as process:
        def is_ready():
            if process.poll() is not None:
                sys.exit(f"sluiced ended with {process.returncode}: {log.read_text()}")
            return ready.exists() and ready.stat().st_size > 0
        wait_for("sluiced ready", is_ready)
        addresses = json.loads(ready.read_text())
        yield addresses["grpc"], addresses["admin"]


def start_with_model(arguments, work, stack, *flags):
    """A server measures the encoder when it starts and goes without one that is too slow, as on a machine that is busy with
    other tests just then: such a start is tried again."""
    for attempt in range(STARTS):
        grpc, admin = stack.enter_context(sluiced(arguments, work, f"model-{attempt}", *flags, f"--model={arguments.model}"))
        if 'tier="emergency"' not in fetch(f"http://{admin}/metrics"):
            return grpc, admin
        print("the machine was too busy for the encoder; started again", flush=True)
    sys.exit(f"{STARTS} starts, each without the encoder: {(work / f'model-{STARTS - 1}.log').read_text()}")


class Load:
    """Screens the example postings and embeds texts until it is stopped or LONGEST_SECONDS are over: one call of each kind
    at a time. Every screening's postings are new to the embedding cache, and half of every call's texts."""

    def __init__(self, arguments, server, work):
        self.work = work
        self.postings = [json.loads(line) for line in (ROOT / "examples/postings.jsonl").open(encoding="utf-8")]
        command = [f"{arguments.bin}/sluice", f"--server={server}"]
        self.calls = [
            [*command, "screen", f"--profile={ROOT}/examples/profile.yaml", f"--jobs={work}/postings.jsonl",
             "--as-of=2026-01-15", "--json"],
            [*command, "embed", f"--input={work}/texts.txt", f"--output={work}/vectors.npy"],
        ]
        self.inputs = [self.write_postings, self.write_texts]
        self.stopped = threading.Event()
        self.failure = None
        self.done = [0] * len(self.calls)
        self.end = time.monotonic() + LONGEST_SECONDS
        self.threads = [threading.Thread(target=self.repeat, args=(i,)) for i in range(len(self.calls))]

    def write_postings(self, number):
        with open(self.work / "postings.jsonl", "w", encoding="utf-8") as out:
            for posting in self.postings:
                out.write(json.dumps({**posting, "title": f"{posting['title']} {number}"}) + "\n")

    def write_texts(self, number):
        texts = [f"a text of some words, number {i}" for i in range(32)]
        texts += [f"{text}, for the {number}th time" for text in texts]
        (self.work / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")

    def repeat(self, i):
        while not self.stopped.is_set() and time.monotonic() < self.end:
            self.inputs[i](self.done[i])
            done = subprocess.run(self.calls[i], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                self.failure = f"{' '.join(self.calls[i])} ended with {done.returncode}: {done.stderr[-1000:]}"
                return
            self.done[i] += 1
            self.stopped.wait(0.3)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


@contextlib.contextmanager
def prometheus(work, targets):
    """Yields its address. The tracked configuration, with these targets, every second."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(path) for path in expressions.RULES]
    config["scrape_configs"][0]["static_configs"] = [{"targets": targets}]
    (work / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    log = work / "prometheus.log"
    command = [PROMETHEUS, f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/tsdb",
               "--web.listen-address=127.0.0.1:0", "--log.level=info"]
    with running(command, log) as process:
        def address():
            if process.poll() is not None:
                sys.exit(f"prometheus ended with {process.returncode}: {log.read_text()}")
            return re.search(r'msg="Listening on" address=(127\.0\.0\.1:\d+)', log.read_text())
        wait_for("Prometheus listening", address)
        yield address().group(1)


def query(server, expression):
    """The values of the samples; raises on an expression that does not parse."""
    try:
        answer = json.loads(fetch(f"http://{server}/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
    except urllib.error.HTTPError as error:
        sys.exit(f"{expression}\n  {error.read().decode()}")
    return [float(sample["value"][1]) for sample in answer["data"]["result"]]


def has_data(server, expression):
    return any(value == value for value in query(server, expression))


def live_names(admin):
    """Names that may stand in PromQL, as /metrics says them."""
    names = set()
    for line in fetch(f"http://{admin}/metrics").splitlines():
        if line and not line.startswith("#"):
            names.add(re.match(r"[a-zA-Z_:][a-zA-Z0-9_:]*", line).group())
    return names


def documented_names():
    """Those of the table of docs/operations.md, which leaves out `sluice_`."""
    table = (ROOT / "docs/operations.md").read_text(encoding="utf-8").split("## Metrics")[1]
    for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        for name in re.findall(r"`([a-z_]+)`", row):
            yield name if name.startswith(STARTS_WITH) else f"sluice_{name}"


def questions():
    """What Prometheus must have an answer to: (where, expression)."""
    yield from ((where, expressions.with_variables(expression)) for where, expression in expressions.in_dashboards())
    yield from ((f"alert {rule['alert']}", expressions.as_measurement(rule["expr"])) for rule in expressions.rules("alert"))
    yield from ((f"recording rule {rule['record']}", rule["record"]) for rule in expressions.rules("record"))


def check_names(admin):
    live = live_names(admin)
    recorded = {rule["record"] for rule in expressions.rules("record")}
    used = {name for _, expression in expressions.in_dashboards() for name in expressions.metric_names(expression)}
    used |= {name for kind in ("alert", "record") for rule in expressions.rules(kind) for name in expressions.metric_names(rule["expr"])}
    families = live | {re.sub("_(bucket|sum|count)$", "", name) for name in live}
    missing = sorted(used - live - recorded - {"up"}) + sorted(set(documented_names()) - families)
    if missing:
        sys.exit(f"not on a live /metrics: {', '.join(missing)}")
    if len(used) < 20:
        sys.exit(f"only {len(used)} metric names found in deploy/: the search itself must be broken")
    return len(used), len(live)


def check_rules(server):
    groups = json.loads(fetch(f"http://{server}/api/v1/rules"))["data"]["groups"]
    sick = [f"{rule['name']}: {rule.get('lastError', '')}" for group in groups for rule in group["rules"] if rule["health"] != "ok"]
    if sick:
        sys.exit("rules that fail to evaluate:\n  " + "\n  ".join(sick))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        work = pathlib.Path(directory)
        config = ROOT / "deploy/kubernetes/base/sluiced.yaml"
        grpc, admin = start_with_model(arguments, work, stack, f"--config={config}")
        _, without_model = stack.enter_context(sluiced(arguments, work, "rules", "--device=none"))
        used, live = check_names(admin)
        server = stack.enter_context(prometheus(work, [admin, without_model]))
        load = stack.enter_context(Load(arguments, grpc, work))

        unanswered = list(questions())
        asked = len(unanswered)
        while unanswered and load.failure is None and time.monotonic() < load.end:
            time.sleep(1)
            unanswered = [(where, expression) for where, expression in unanswered if not has_data(server, expression)]
        if load.failure:
            sys.exit(load.failure)
        if unanswered:
            sys.exit("no data for:\n  " + "\n  ".join(f"{where}\n    {expression}" for where, expression in unanswered))
        check_rules(server)
        load.stopped.set()
    print(f"{used} metric names, all among the {live} on /metrics; {asked} expressions with data after "
          f"{time.monotonic() - started:.0f} s, {load.done[0]} screenings of 1,000 postings and {load.done[1]} calls with 64 texts")


if __name__ == "__main__":
    main()
