"""infinity-emb as its users run it: a server of its own, called over HTTP with 64 texts a call and 4 calls in flight."""
import atexit
import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import numpy

TEXTS_A_CALL = 64
CALLS_IN_FLIGHT = 4
START_SECONDS = 120
DTYPES = {"fp32": "float32", "bf16": "bfloat16"}


class Infinity:
    batches = False  # fixed when the server starts

    def __init__(self, model, precision):
        program = pathlib.Path(sys.prefix).parent / "infinity/bin/infinity_emb"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name = model.directory.name
        self.batch = 32
        self.process = subprocess.Popen(
            [program, "v2", "--model-id", str(model.directory), "--engine=torch", "--device=cpu", f"--dtype={DTYPES[precision]}",
             f"--batch-size={self.batch}", "--host=127.0.0.1", f"--port={self.port}", "--no-bettertransformer"],
            env={**os.environ, "OMP_NUM_THREADS": str(model.threads), "DO_NOT_TRACK": "1",
                 "INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr, cwd=model.exports)
        atexit.register(self.process.kill)
        self.await_ready()
        self.layouts = [f"server, batch {self.batch}"]
        self.setup = "infinity-emb over HTTP, calls of 64, 4 in flight"

    def await_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"infinity_emb ended with {self.process.returncode} at start")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"infinity_emb was not ready after {START_SECONDS} s")

    def call(self, texts):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        body = json.dumps({"model": self.name, "input": texts, "encoding_format": "base64"})
        connection.request("POST", "/embeddings", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"infinity_emb answered {response.status}: {response.read()[:200]}")
        rows = sorted(json.load(response)["data"], key=lambda row: row["index"])
        return [numpy.frombuffer(base64.b64decode(row["embedding"]), numpy.float32) for row in rows]

    def encode(self, texts, _layout, _batch):
        calls = [texts[i:i + TEXTS_A_CALL] for i in range(0, len(texts), TEXTS_A_CALL)]
        with concurrent.futures.ThreadPoolExecutor(CALLS_IN_FLIGHT) as threads:
            return numpy.array([row for rows in threads.map(self.call, calls) for row in rows], numpy.float32)
