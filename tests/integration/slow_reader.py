#!/usr/bin/env python3
"""A client that stops reading a stream of results, or of progress: it is cut, not buffered for, and its place is given back; a drain does
not wait for it.

  slow_reader.py --bin DIR [--jobs 5000]

The reader speaks HTTP/2 by hand and never widens the window that it starts with, so that what it holds is known to the
byte; a client library would take in what nobody reads.
"""
import argparse
import socket
import struct
import sys
import tempfile

from sluice_process import Server, Sluice, await_true, screen_arguments, write_jobs

DATA, HEADERS, RST_STREAM, SETTINGS, PING, ACK = 0, 1, 3, 4, 6, 1
END_HEADERS, END_STREAM = 4, 1
WINDOW = 65535  # HTTP/2's own
INITIAL_WINDOW_SIZE = 4


def literal(text):
    """An HPACK string, not compressed."""
    assert len(text) < 127
    return bytes([len(text)]) + text.encode()


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Reader:
    """One call of a batch's stream, whose frames are read only when asked for."""

    def __init__(self, port, method, batch, window):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        headers = b"".join(b"\x00" + literal(name) + literal(value) for name, value in [
            (":method", "POST"), (":scheme", "http"), (":path", f"/sluice.v1.BatchService/{method}"),
            (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers")])
        request = b"\x0a" + literal(batch)  # StreamResultsRequest.name, WatchBatchRequest.name
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, window)) +
                            frame(HEADERS, END_HEADERS, 1, headers) +
                            frame(DATA, END_STREAM, 1, b"\x00" + struct.pack(">I", len(request)) + request))

    def read(self, size):
        parts = b""
        while len(parts) < size:
            part = self.socket.recv(size - len(parts))
            if not part:
                sys.exit("the server closed the connection")
            parts += part
        return parts

    def read_to_the_end(self, most=None):
        """Bytes of results that came, and the trailers; none of them once `most` bytes came."""
        received, blocks = 0, []
        while most is None or received < most:
            size = struct.unpack(">I", b"\x00" + self.read(3))[0]
            kind, flags, stream = struct.unpack(">BBI", self.read(6))
            payload = self.read(size)
            if kind == SETTINGS and not flags & ACK:
                self.socket.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                self.socket.sendall(frame(PING, ACK, 0, payload))
            elif stream == 1 and kind == DATA:
                received += size
            elif stream == 1 and kind == HEADERS:
                blocks.append(payload)
            if stream == 1 and (kind == RST_STREAM or kind == HEADERS and flags & END_STREAM):
                return received, blocks[-1] if blocks else b""
        return received, b""


def cut_three(server, method, batch, window, message):
    """More readers than there are places, one after the other: each place comes back."""
    for cut in range(1, 4):
        reader = Reader(server.port, method, batch, window)
        await_true(lambda: server.metric("grpc_server_handled_total", grpc_method=method, grpc_code="Aborted") >= cut,
                   60, f"the end of {method} {cut}")
        received, trailers = reader.read_to_the_end()
        if received > window:
            sys.exit(f"{received} bytes came, the window was {window}")
        for wanted in (message, b"grpc-status\x0210"):  # ABORTED
            if wanted not in trailers:
                sys.exit(f"{wanted} is not in the trailers {trailers}")
        reader.socket.close()
    print(f"{method}: cut three times with ABORTED after at most {window} bytes")


def drain_beside(server, batch):
    """A drain ends while a reader takes nothing, and that one hears why."""
    reader = Reader(server.port, "StreamResults", batch, WINDOW)
    reader.read_to_the_end(most=WINDOW)
    server.stop()
    received, trailers = reader.read_to_the_end()
    for wanted in (b"the server is shutting down", b"grpc-status\x0214"):  # UNAVAILABLE
        if received or wanted not in trailers:
            sys.exit(f"{wanted} is not in the trailers {trailers} after {received} bytes")
    print("StreamResults: a drain ended it with UNAVAILABLE")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--jobs", type=int, default=5000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        write_jobs(f"{work}/jobs.jsonl", arguments.jobs)
        server = Server(f"{arguments.bin}/sluiced", f"{work}/data", flags=["--reader-timeout=1s", "--max-streams=2"])
        sluice = Sluice(f"{arguments.bin}/sluice", server.port)
        server.start()
        sluice.run(*screen_arguments(f"{work}/jobs.jsonl", "rules_only"))
        name = sluice.batches()[0]["name"]

        cut_three(server, "StreamResults", name, WINDOW, b"no result was read for 1s")
        cut_three(server, "WatchBatch", name, 8, b"no progress was read for 1s")  # less than one message
        server.stop()

        patient = Server(f"{arguments.bin}/sluiced", f"{work}/data", flags=["--drain-timeout=1s"])
        patient.start()
        drain_beside(patient, name)


if __name__ == "__main__":
    main()
