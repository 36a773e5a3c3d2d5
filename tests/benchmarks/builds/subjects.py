"""A build's server and its `sluice`, as the comparison drives them."""
import array
import contextlib
import json
import math
import os
import pathlib
import re
import shutil
import time

from sluice_process import CACHES_OFF, Server, Sluice, await_true, json_lines, memory_mib

IDLE_SHARE = 0.05  # of a core, below which a process counts as idle
IDLE_SECONDS = 0.1
WAIT_SECONDS = 60


class Failed(Exception):
    """Why a turn has no figure. What a build refuses or gets wrong it must not gain by."""


@contextlib.contextmanager
def failing():
    """What would end a script is a turn's failure here."""
    try:
        yield
    except SystemExit as ended:
        raise Failed(str(ended.code)) from None


def cpu_seconds(pid):
    """What the process has used up to now."""
    after_name = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")


def is_idle(pid):
    before = cpu_seconds(pid)
    time.sleep(IDLE_SECONDS)
    return cpu_seconds(pid) - before <= IDLE_SHARE * IDLE_SECONDS


class Subject:
    """One of the two builds. Its server starts anew each round, in a data directory of its own that holds nothing but
    what the first start measured of the encoder, so that every round meets the same store and the same choice."""

    def __init__(self, name, build, generator, folder, options):
        self.name, self.build, self.folder, self.options = name, build, folder / name, options
        self.generator = generator  # the program that sends calls: the same for both builds
        self.calibration = self.folder / "calibration.json"
        self.starts, self.server, self.setup = 0, None, ""
        self.folder.mkdir()

    def start(self):
        self.starts += 1
        data = self.folder / f"data{self.starts}"
        data.mkdir()
        if self.calibration.exists():
            shutil.copy(self.calibration, data)
        self.server = Server(self.build.program("sluiced"), data, self.options.model,
                             flags=[CACHES_OFF, *self.options.server_flag])
        with failing():
            self.server.start()
        self.sluice = Sluice(self.build.program("sluice"), self.server.port)
        self.generator_sluice = Sluice(self.generator, self.server.port)

    def stop(self):
        """Also where the start failed."""
        server, self.server = self.server, None
        if server is None:
            return
        try:
            with failing():
                server.stop()
        finally:
            server.kill()
            shutil.rmtree(server.data, ignore_errors=True)

    def calibrate(self):
        """A first start, which measures the encoder; nothing else may run meanwhile."""
        self.start()
        self.setup = self.replicas()
        remembered = self.server.data / "calibration.json"
        if remembered.exists():
            shutil.copy(remembered, self.calibration)
        self.stop()

    def replicas(self):
        """How the server runs the model, in words."""
        server = json.loads(self.run("hardware", "--json").stdout)
        replicas = [f"{replica.get('precision', '?')} on {replica.get('threads', '?')} threads"
                    for replica in server.get("replicas", [])]
        return f"{len(replicas)} replicas: {', '.join(replicas)}" if replicas else "no model"

    def await_idle(self):
        """Until it has worked off what it took, whatever its metrics call that."""
        await_true(lambda: is_idle(self.server.process.pid), WAIT_SECONDS, f"{self.name}'s server came to rest")

    def run(self, *arguments):
        with failing():
            return self.sluice.run(*arguments)

    def load(self, *arguments):
        """The steps of one `sluice load` of NEW's, by name; every call of each was answered."""
        with failing():
            steps = self.generator_sluice.load(*arguments)
        for name, step in steps.items():
            unanswered = {what: step[what]["count"] for what in ("refused", "failed")} | {"not sent": step["not_sent"]}
            if any(unanswered.values()):
                counts = ", ".join(f"{count} {what}" for what, count in unanswered.items() if count)
                raise Failed(f"of {step['due']} calls {counts} {step['reasons'] or ''} ({name})")
        return steps

    def embed(self, texts, count):
        """(seconds, vectors)."""
        output = self.folder / f"{texts.stem}.npy"
        output.unlink(missing_ok=True)
        begin = time.perf_counter()
        self.run("embed", f"--input={texts}", f"--output={output}")
        seconds = time.perf_counter() - begin
        rows = vectors(output)
        if len(rows) != count:
            raise Failed(f"{len(rows)} vectors for {count} texts")
        return seconds, rows

    def screen(self, arguments, count):
        """(seconds, verdicts)."""
        begin = time.perf_counter()
        done = self.run(*arguments)
        seconds = time.perf_counter() - begin
        verdicts = [line for line in json_lines(done.stdout) if "verdict" in line]
        different = len({verdict["id"] for verdict in verdicts})
        if not len(verdicts) == different == count:
            raise Failed(f"{len(verdicts)} verdicts, {different} of them different, for {count} postings")
        return seconds, verdicts

    def memory(self, key):
        return memory_mib(self.server.process.pid, key)


def vectors(npy):
    """The rows of a NumPy file of float32; each is finite and not zero."""
    content = npy.read_bytes()
    begin = 10 + int.from_bytes(content[8:10], "little")
    shape = re.search(rb"'shape': \((\d+), (\d+)\)", content[:begin])
    if shape is None:
        raise Failed(f"{npy.name} is no matrix")
    count, dimensions = int(shape[1]), int(shape[2])
    floats = array.array("f", content[begin:])
    if len(floats) != count * dimensions:
        raise Failed(f"{len(floats)} floats in {npy.name} where its header says {count} x {dimensions}")
    rows = [floats[row * dimensions:(row + 1) * dimensions] for row in range(count)]
    if not all(0 < math.fsum(map(abs, row)) < math.inf for row in rows):
        raise Failed(f"a vector in {npy.name} is zero or not finite")
    return rows
