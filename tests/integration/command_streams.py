#!/usr/bin/env python3
"""What the sluice command does to its standard streams, its outputs and its terminal, as a shell sets them up.

  command_streams.py --bin DIR
"""
import argparse
import json
import os
import pathlib
import pty
import resource
import signal
import subprocess
import sys
import tempfile
import threading

from sluice_process import Server, Sluice, await_true, json_lines, write_jobs, PROFILE

JOBS = 2000  # their verdicts are more than a pipe holds
RESULTS = ["batches", "results", "NAME", "--json"]


def check(condition, what):
    if not condition:
        sys.exit(f"command_streams: {what}")


def close_descriptors(*descriptors):
    return lambda: [os.close(descriptor) for descriptor in descriptors]


def ignore(*signals):
    return lambda: [signal.signal(each, signal.SIG_IGN) for each in signals]


class Streams:
    def __init__(self, binaries, work):
        self.work = pathlib.Path(work)
        self.binaries = binaries
        self.server = Server(f"{binaries}/sluiced", self.work / "data")
        self.sluice = Sluice(f"{binaries}/sluice", self.server.port)
        self.jobs = self.work / "jobs.jsonl"

    def command(self, arguments):
        return [*self.sluice.command, *(self.name if argument == "NAME" else str(argument) for argument in arguments)]

    def screen(self, *more):
        return ["screen", f"--profile={PROFILE}", f"--jobs={self.jobs}", "--gate=rules_only", *more]

    def run(self, arguments, **how):
        return subprocess.run(self.command(arguments), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=60, **how)

    def start(self):
        write_jobs(self.jobs, JOBS)
        self.server.start()
        self.sluice.run(*self.screen())
        self.name = self.sluice.batches()[0]["name"]

    def names(self, folder):
        return sorted(path.name for path in folder.iterdir())

    # --- standard output -------------------------------------------------------------------------------------

    def output_that_takes_nothing(self):
        commands = [["--help"], ["--version"], ["screen", "--help"], ["hardware"], ["hardware", "--json"],
                    ["batches", "ls"], ["batches", "ls", "--json"], ["batches", "get", "NAME"],
                    ["batches", "watch", "NAME"], ["batches", "results", "NAME"], RESULTS, self.screen(),
                    ["load", "--rate=5", "--duration=0.2"]]
        for arguments in commands:
            with open("/dev/full", "wb") as full:
                done = self.run(arguments, stdout=full)
            check(done.returncode == 1 and "standard output: No space left on device" in done.stderr,
                  f"{arguments} into /dev/full: {done}")
            done = self.run(arguments, preexec_fn=close_descriptors(1))
            check(done.returncode == 1 and "standard output: Bad file descriptor" in done.stderr,
                  f"{arguments} without standard output: {done}")
        for arguments in (["--help"], ["--version"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([f"{self.binaries}/sluiced", *arguments], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
            check(done.returncode == 1 and "standard output" in done.stderr, f"sluiced {arguments}: {done}")

    def reader_that_went_away(self):
        for arguments in (["--help"], ["batches", "ls"], RESULTS):
            for ignored in (False, True):
                reading, writing = os.pipe()
                os.close(reading)
                done = self.run(arguments, stdout=writing, preexec_fn=ignore(signal.SIGPIPE) if ignored else None)
                os.close(writing)
                if ignored:
                    check(done.returncode == 1 and "standard output: Broken pipe" in done.stderr,
                          f"{arguments} into a broken pipe: {done}")
                else:
                    quiet = "sluice:" not in done.stderr and "verdicts" not in done.stderr
                    check(done.returncode == -signal.SIGPIPE and quiet, f"{arguments} whose reader went: {done}")

    def missing_descriptors(self):
        """What is opened in their place must not be taken for them."""
        for missing in ((2,), (0,), (0, 2)):
            out = self.work / "out.jsonl"
            done = subprocess.run(self.command(self.screen(f"--output={out}")), stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, preexec_fn=close_descriptors(*missing), timeout=60)
            check(done.returncode == 0, f"without {missing}: {done}")
            check(len(out.read_text().splitlines()) == JOBS == len(json_lines(out.read_text())),
                  f"without {missing} the output is not what it should be")
            out.unlink()
        out = self.work / "out.jsonl"
        done = subprocess.run(self.command(self.screen(f"--output={out}")), preexec_fn=close_descriptors(0, 1, 2),
                              timeout=60)
        check(done.returncode == 1, f"without all three: {done}")
        check(len(json_lines(out.read_text())) == JOBS, "without all three the output is not whole")
        out.unlink()

    def limited_files(self):
        """As by `ulimit -f`."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        folder = self.work / "limited"
        folder.mkdir()
        done = self.run(self.screen(f"--output={folder}/out.jsonl"), stdout=subprocess.DEVNULL, preexec_fn=limit)
        check(done.returncode == 1 and "out.jsonl: File too large" in done.stderr, f"--output over the limit: {done}")
        check(self.names(folder) == [], f"over the limit stays {self.names(folder)}")
        with open(self.work / "printed", "wb") as out:
            done = self.run(RESULTS, stdout=out, preexec_fn=limit)
        check(done.returncode == 1 and "standard output: File too large" in done.stderr, f"over the limit: {done}")

    # --- --output ---------------------------------------------------------------------------------------------

    def output_through_standard_output(self):
        done = self.run(self.screen("--output=/dev/stdout", "--top=3"), stdout=subprocess.PIPE)
        check(done.returncode == 0, f"--output=/dev/stdout: {done.returncode} {done.stderr}")
        lines = done.stdout.splitlines()
        verdicts = [json.loads(line) for line in lines if line.startswith("{")]
        check(len(verdicts) == JOBS and len(lines) == JOBS + 3, f"{len(lines)} lines through a pipe")
        redirected = self.work / "redirected"
        with open(redirected, "wb") as out:
            done = self.run(self.screen("--output=/dev/stdout", "--top=3"), stdout=out)
        check(done.returncode == 0 and len(redirected.read_text().splitlines()) == JOBS + 3,
              f"--output=/dev/stdout into a file: {done}")
        with open(redirected, "ab") as out:
            done = self.run(self.screen(f"--output={redirected}"), stdout=out)
        check(done.returncode == 2 and "is where standard output goes" in done.stderr, f"{done}")

    def output_into_a_fifo(self):
        fifo = self.work / "fifo"
        os.mkfifo(fifo)
        read = []
        reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
        reader.start()
        done = self.run(self.screen(f"--output={fifo}"), stdout=subprocess.DEVNULL)
        reader.join()
        check(done.returncode == 0 and len(json_lines(read[0])) == JOBS, f"into a FIFO: {done}")
        check(fifo.is_fifo(), "the FIFO was replaced")

    def half_an_output_does_not_stay(self):
        """One that waits for its reader, ended by one signal, by two, and by a reader that goes."""
        folder = self.work / "results"
        folder.mkdir()
        out = folder / "out.jsonl"
        # Different ones: two of a kind, one right behind the other, may arrive as one.
        for signals in ((signal.SIGINT, signal.SIGTERM), (signal.SIGHUP, signal.SIGINT), ()):
            reading, writing = os.pipe()
            process = subprocess.Popen(self.command([*RESULTS, f"--output={out}"]), stdout=writing,
                                       stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            os.close(writing)
            await_true(lambda: self.names(folder), 30, "a partial file")
            os.read(reading, 1)  # it writes, and goes on until the pipe is full
            for each in signals:
                process.send_signal(each)
            os.close(reading) if not signals else None
            code = process.wait(30)
            check(code == (130 if signals else -signal.SIGPIPE), f"after {signals}: {code}")
            check(self.names(folder) == [], f"after {signals} stays {self.names(folder)}")
            os.close(reading) if signals else None

    def ignored_signals(self):
        """As nohup, and as a shell's background."""
        reading, writing = os.pipe()
        process = subprocess.Popen(self.command(RESULTS), stdout=writing, stderr=subprocess.DEVNULL,
                                   preexec_fn=ignore(signal.SIGHUP, signal.SIGINT))
        os.close(writing)
        os.read(reading, 1)
        for each in (signal.SIGHUP, signal.SIGINT, signal.SIGHUP):
            process.send_signal(each)
        with os.fdopen(reading, "rb") as rest:
            rest.read()
        check(process.wait(30) == 0, "signals that are ignored ended it")

    def why_nothing_is_left(self):
        """The examples, which are of January 2026, as of today."""
        done = self.run(self.screen("--top=1"), stdout=subprocess.DEVNULL)
        check("vetoes     'recent' 2,000, " in done.stderr, f"which rules vetoed: {done.stderr}")
        check("rule 'recent' leaves 0 of 2,000 postings. The newest is from 2026-01-15" in done.stderr
              and "--as-of=2026-01-15" in done.stderr, f"what to look at: {done.stderr}")
        done = self.run(self.screen("--top=1", "--as-of=2026-01-15"), stdout=subprocess.DEVNULL)
        check("vetoes     " in done.stderr and "hint" not in done.stderr, f"as of their day: {done.stderr}")

    # --- the terminal -----------------------------------------------------------------------------------------

    def on_a_terminal(self, **environment):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(self.command(self.screen("--top=2")), stdin=theirs, stdout=theirs, stderr=theirs,
                                   env={**{key: value for key, value in os.environ.items() if key != "NO_COLOR"},
                                        "TERM": "xterm", **environment})
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:  # the other side is closed
            pass
        os.close(ours)
        check(process.wait(30) == 0, f"on a terminal: {text}")
        return text

    def colour_and_bar(self):
        check(b"\x1b[1m" in self.on_a_terminal(), "no style on a terminal")
        check(b"\x1b[1m" in self.on_a_terminal(NO_COLOR=""), "an empty NO_COLOR counts")
        plain = self.on_a_terminal(NO_COLOR="1")
        check(b"\x1b" not in plain and b"\rphase " in plain, f"with NO_COLOR: {plain}")
        dumb = self.on_a_terminal(TERM="dumb")
        check(b"\x1b" not in dumb and b"\r" not in dumb.replace(b"\r\n", b""), f"on a dumb terminal: {dumb}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        streams = Streams(arguments.bin, work)
        streams.start()
        for step in (streams.output_that_takes_nothing, streams.reader_that_went_away, streams.missing_descriptors,
                     streams.limited_files, streams.output_through_standard_output, streams.output_into_a_fifo,
                     streams.why_nothing_is_left, streams.half_an_output_does_not_stay,
                     streams.ignored_signals, streams.colour_and_bar):
            step()
            print(f"{step.__name__}: as it should be", flush=True)
        streams.server.stop()


if __name__ == "__main__":
    main()
