"""A real sluiced and the sluice command, for tests that treat them badly."""
import atexit
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROFILE = ROOT / "examples/profile.yaml"
POSTINGS = ROOT / "examples/postings.jsonl"
FAKE_ENCODER = "sluiced_with_fake_encoder"
TINY_MODEL = ROOT / "tests/golden/tiny_tokenizer"  # all that the fake encoder needs
# As a grandchild, so that the traced process is ours. Not with --seccomp-bpf: strace 6.1 then counts wrongly.
STRACE = ["strace", "-D", "-f", "-qqq", "-o", "/dev/null"]
BATCH_NAME = re.compile(r"batches/[0-9a-v]{20}")


def free_port():
    """Below those that the system gives to who asks for any: nobody else gets it while our server is down."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def memory_mib(pid, key="VmRSS"):
    """Resident memory, with "VmHWM" its peak, with "Pss" pages shared with others in proportion; 0 once the process is
    gone."""
    try:
        with open(f"/proc/{pid}/{'smaps_rollup' if key == 'Pss' else 'status'}", encoding="ascii", errors="replace") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(f"{key}:"))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return 0.0


def await_true(condition, seconds, what):
    """What `condition` gave once it was true."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return value


def why_no_strace():
    """Why strace cannot inject faults here, or nothing."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run([*STRACE, "-e", "inject=getppid:error=EIO", "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"strace cannot trace here: {tried.stderr.strip()}"


# For whatever measures: every text is encoded, however often it comes.
CACHES_OFF = "--embedding-cache-mib=0"


class Server:
    """One data directory and port, on which the process is started again and again."""

    def __init__(self, binary, data, model="", port=0, flags=(), notes=None):
        """`notes` is the directory of the ready file and the log; the data directory by default."""
        self.data = pathlib.Path(data)
        self.data.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.ready_file = pathlib.Path(notes or data) / "ready.json"
        self.log_file = pathlib.Path(notes or data) / "sluiced.log"
        self.command = [str(binary), f"--listen=127.0.0.1:{self.port}", "--admin=127.0.0.1:0", f"--data={data}",
                        f"--ready-file={self.ready_file}", f"--log-file={self.log_file}",
                        f"--model={model}" if model else "--device=none", *flags]
        self.process = None

    def launch(self, inject=""):
        """Does not wait. `inject` is strace's: as in "fdatasync:signal=SIGKILL:when=3" (calls count by thread)."""
        self.ready_file.unlink(missing_ok=True)
        self.started = time.monotonic()
        tracer = [*STRACE, "-e", f"trace={inject.split(':')[0]}", "-e", f"inject={inject}"] if inject else []
        self.process = subprocess.Popen(tracer + self.command, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)

    def is_ready(self):
        return self.ready_file.exists() and self.ready_file.stat().st_size > 0

    def start(self, inject=""):
        """Returns how many seconds it took."""
        self.launch(inject)
        while not self.is_ready():
            if self.process.poll() is not None:
                sys.exit(f"sluiced ended with {self.process.returncode} at start: {self.process.stderr.read()}")
            if time.monotonic() - self.started > 60:
                sys.exit("sluiced was not ready after 60 s")
            time.sleep(0.005)
        return time.monotonic() - self.started

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            sys.exit(f"sluiced ended with {self.process.returncode} on SIGTERM")

    def page(self, path):
        """Status and text of a page of the admin port; (0, "") when nobody answers."""
        try:
            address = json.loads(self.ready_file.read_text())["admin"]
            with urllib.request.urlopen(f"http://{address}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name, **labels):
        """The sum over all labels but those that are given."""
        lines = [line for line in self.page("/metrics")[1].splitlines() if re.match(rf"{name}[{{ ]", line)]
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(label in line for label in wanted))


class Sluice:
    """The sluice command against one server."""

    def __init__(self, binary, port):
        self.command = [str(binary), f"--server=127.0.0.1:{port}"]

    def start(self, *arguments):
        """Output goes to files, so that nobody needs to read while it runs."""
        return Call([*self.command, *map(str, arguments)])

    def run(self, *arguments, check=True):
        done = subprocess.run([*self.command, *map(str, arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            sys.exit(f"sluice {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def load(self, *arguments):
        """The steps of one `sluice load`, by name."""
        return {step["step"]: step for step in json_lines(self.run("load", "--json", *arguments).stdout)}

    def batches(self):
        listed = json_lines(self.run("batches", "ls", "--json").stdout)
        for batch in listed:
            batch["done"] = sum(batch[outcome] for outcome in ("succeeded", "failed", "cancelled", "expired"))
        return listed

    def batch(self, name):
        return next(batch for batch in self.batches() if batch["name"] == name)

    def results(self, name):
        """Also of a batch with failed jobs, which the command's exit code 1 says."""
        done = self.run("batches", "results", name, "--json", check=False)
        if done.returncode not in (0, 1):
            sys.exit(f"the results of {name}: exit {done.returncode}: {done.stderr[-2000:]}")
        return json_lines(done.stdout)

    def await_end(self, name, seconds):
        finished = time.monotonic() + seconds
        while True:
            batch = self.batch(name)
            if batch["state"] not in ("pending", "running", "cancelling"):
                return batch
            if time.monotonic() > finished:
                sys.exit(f"not finished after {seconds:.0f} s: {batch}")
            time.sleep(0.05)


class Call:
    """A sluice command that runs beside the test."""

    def __init__(self, command):
        self.arguments = command[2:]
        self.out, self.err = (open(os.memfd_create(name), "w+b") for name in ("out", "err"))
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)

    def ended(self):
        return self.process.poll() is not None

    def text(self, stream):
        stream.seek(0)
        return stream.read().decode()

    def close(self):
        """Exit code, output, errors."""
        result = (self.process.wait(), self.text(self.out), self.text(self.err))
        self.out.close()
        self.err.close()
        return result


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def screen_arguments(jobs, gate, profile=PROFILE):
    """Only flags that every version has: `./dev bench compare` calls older ones, too. So for a server's flags above."""
    return ["screen", f"--profile={profile}", f"--jobs={jobs}", "--as-of=2026-01-15", f"--gate={gate}", "--json"]


def write_jobs(path, count, prefix="p"):
    """The example's postings, again and again under new ids."""
    rows = json_lines(POSTINGS.read_text(encoding="utf-8"))
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            out.write(json.dumps(dict(rows[i % len(rows)], id=f"{prefix}{i:07d}"), ensure_ascii=False) + "\n")


def decision(result):
    if "verdict" not in result:
        return (result["outcome"], result.get("error", {}).get("message"))
    return (result["verdict"], round(result["phase1"], 9), result.get("phase2"))


def same(one, other):
    """The verdict and phase one to the last digit; phase two within what a start that measured another precision as the
    faster one may change."""
    if other is None or one[:2] != other[:2] or len(one) != len(other):
        return False
    if len(one) < 3 or one[2] is None or other[2] is None:
        return one == other
    return abs(one[2] - other[2]) <= 0.01


def quarantined(results):
    """The decision on each job under which the server was killed twice while it ran alone. They are right: who killed it,
    the server cannot know."""
    return {result["id"]: decision(result) for result in results
            if "ran alone" in result.get("error", {}).get("message", "")}


def faults(found, expected):
    """What is wrong with a batch's results, given the decision expected of each id; empty when nothing is."""
    ids = [result["id"] for result in found]
    wrong = {
        "lost": sorted(set(expected) - set(ids)),
        "unknown": sorted(set(ids) - set(expected)),
        "twice": sorted({id for id in ids if ids.count(id) > 1}) if len(set(ids)) < len(ids) else [],
        "decided differently": [result["id"] for result in found
                                if not same(decision(result), expected.get(result["id"]))],
    }
    sequences = sorted(result["sequence"] for result in found)
    wrong["sequence"] = [] if sequences == list(range(1, len(found) + 1)) else sequences
    return {name: what for name, what in wrong.items() if what}
