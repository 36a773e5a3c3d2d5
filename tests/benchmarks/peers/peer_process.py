"""An engine's process, as worker.py and sluice_peer.cc describe it, from the side that asks."""
import hashlib
import json
import os
import pathlib
import selectors
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 600  # exporting, quantising
RUN_SECONDS = 600


class Unavailable(Exception):
    """Why an engine has no figures."""


class Worker:
    """Starts at once; ask only after await_ready. Whatever it cannot do raises Unavailable."""

    def __init__(self, command, log, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(log, "w"),
                                        text=True, env=environment)
        self.answers = selectors.DefaultSelector()
        self.answers.register(self.process.stdout, selectors.EVENT_READ)
        self.about = {}

    def await_ready(self):
        """Fills `about`: layouts, batches, setup, and a precision where the engine chose it."""
        self.about = self.next_answer(START_SECONDS)
        return self

    def next_answer(self, seconds):
        if not self.answers.select(seconds):
            self.process.kill()
            raise Unavailable(f"no answer within {seconds} s")
        line = self.process.stdout.readline()
        if not line:
            raise Unavailable(f"its process ended with {self.process.wait()}")
        answer = json.loads(line)
        if "unavailable" in answer:
            raise Unavailable(answer["unavailable"])
        return answer

    def ask(self, *words):
        try:
            self.process.stdin.write("\t".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Unavailable(f"its process ended with {self.process.wait()}") from None
        return self.next_answer(RUN_SECONDS)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def say(text):
    print(text, file=sys.stderr, flush=True)


def exports_of(model, peers):
    """Where the model is kept as other libraries want it."""
    digest = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    return peers / "exports" / digest[:12]


def environment(threads, exports):
    """So that no library takes more threads than the others, or asks the network for a model."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads),
            "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1", "TORCHINDUCTOR_CACHE_DIR": str(exports / "inductor")}


def worker_command(python, engine, model, exports, threads):
    return [python, HERE / "worker.py", engine, model, exports, str(threads)]
