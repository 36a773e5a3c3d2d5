#!/usr/bin/env python3
"""Connections of every broken kind, then a client as any other: it is answered, and the server has forgotten them.

  broken_connections.py --bin DIR [--count 10000] [--descriptors 1024] [--bomb-mib 1024] [KIND…]

Each kind is tried by count / kinds connections, 32 at a time; then so many connections stay open at once that the
server must refuse some. It speaks HTTP/2 by hand, for no client library would do this. Prints how long the client
waited, and the memory and descriptors that the server holds once it is idle. At last the server's socket is removed: who
cannot be reached any more ends by itself with exit 1.
"""
import argparse
import concurrent.futures
import os
import resource
import socket
import struct
import sys
import tempfile
import time
import zlib

from slow_reader import ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, frame
from sluice_process import Server, Sluice, await_true, memory_mib, screen_arguments, write_jobs

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW_UPDATE = 8
INITIAL_WINDOW_SIZE = 4


def number(value, bits):
    """An HPACK integer whose first byte has `bits` for it."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([value])
    out, value = [limit], value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def header_block(method, *extra):
    headers = [(":method", "POST"), (":scheme", "http"), (":path", f"/sluice.v1.{method}"), (":authority", "localhost"),
               ("content-type", "application/grpc"), ("te", "trailers"), *extra]
    return b"".join(b"\x00" + number(len(name), 7) + name.encode() + number(len(value), 7) + value.encode()
                    for name, value in headers)


class Http2:
    """One connection that keeps to the server's windows."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.initial_window = self.window = 65535
        self.stream_windows = {}
        self.ended = set()
        self.answer = b""  # the last header block that came
        self.buffer = b""
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def open(self, stream, block, flags=0):
        self.stream_windows[stream] = self.initial_window
        self.socket.sendall(frame(HEADERS, END_HEADERS | flags, stream, block))

    def send(self, stream, payload):
        """False when the server ended the stream or the connection before all was taken."""
        at = 0
        while at < len(payload):
            size = min(self.window, self.stream_windows[stream], 16384, len(payload) - at)
            if size > 0:
                self.socket.sendall(frame(DATA, 0, stream, payload[at:at + size]))
                self.window -= size
                self.stream_windows[stream] -= size
                at += size
            elif not self.read_frame():
                return False
            if stream in self.ended:
                return False
        return True

    def read_frame(self):
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                part = self.socket.recv(65536)
            except ConnectionError:
                part = b""
            if not part:
                return False
            self.buffer += part
        size = int.from_bytes(self.buffer[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
        if kind == SETTINGS and not flags & ACK:
            for i in range(0, size, 6):
                if struct.unpack(">H", payload[i:i + 2])[0] == INITIAL_WINDOW_SIZE:
                    self.grow(struct.unpack(">I", payload[i + 2:i + 6])[0])
            self.socket.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.socket.sendall(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE and stream == 0:
            self.window += struct.unpack(">I", payload)[0]
        elif kind == WINDOW_UPDATE and stream in self.stream_windows:
            self.stream_windows[stream] += struct.unpack(">I", payload)[0]
        elif kind == HEADERS:
            self.answer = payload
        if kind == RST_STREAM or kind == HEADERS and flags & END_STREAM:
            self.ended.add(stream)
        return True

    def grow(self, window):
        for stream in self.stream_windows:
            self.stream_windows[stream] += window - self.initial_window
        self.initial_window = window

    def await_end(self, stream):
        """The trailers, or what came last."""
        while stream not in self.ended and self.read_frame():
            pass
        return self.answer


def message(payload, flag=0):
    return struct.pack(">BI", flag, len(payload)) + payload


def plain(port, first):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(first)


def connect_and_close(port):
    plain(port, b"")


def half_a_preface(port):
    plain(port, PREFACE[:11])


def garbage(port):
    plain(port, bytes(range(256)) * 16)


def tls_hello(port):
    plain(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))


def reset_by_peer(port):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0) +
                           frame(HEADERS, END_HEADERS, 1, header_block("BatchService/CreateBatch")))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def oversize_metadata(port):
    with Http2(port) as connection:
        connection.open(1, header_block("ServerService/GetServer", ("x-much", "m" * 12000)), END_STREAM)
        connection.await_end(1)


def reset_streams(port):
    with Http2(port) as connection:
        block = header_block("BatchService/CreateBatch")
        for stream in range(1, 401, 2):
            connection.socket.sendall(frame(HEADERS, END_HEADERS, stream, block) +
                                      frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))


BOMBS = {}


def make_bombs(mebibytes):
    for encoding, window_bits in (("gzip", 31), ("deflate", 15)):
        zeros = zlib.compressobj(9, zlib.DEFLATED, window_bits)
        BOMBS[encoding] = b"".join([*(zeros.compress(bytes(1 << 20)) for _ in range(mebibytes)), zeros.flush()])


def compressed_bomb(port, encoding="gzip"):
    with Http2(port) as connection:
        connection.open(1, header_block("BatchService/CreateBatch", ("grpc-encoding", encoding)))
        if connection.send(1, message(BOMBS[encoding], 1)):
            connection.socket.sendall(frame(DATA, END_STREAM, 1))
        trailers = connection.await_end(1)
        if trailers and b"12" not in trailers:  # UNIMPLEMENTED
            sys.exit(f"a compressed message was not refused: {trailers}")


def deflate_bomb(port):
    compressed_bomb(port, "deflate")


def oversized_message(port):
    with Http2(port) as connection:
        connection.open(1, header_block("BatchService/CreateBatch"))
        connection.send(1, message(bytes(5 << 20)))
        connection.await_end(1)


def cut_upload(port):
    with Http2(port) as connection:
        connection.open(1, header_block("BatchService/UploadBatch"))
        connection.send(1, message(bytes(1 << 20))[:1 << 19])


KINDS = {kind.__name__: kind for kind in (
    connect_and_close, half_a_preface, garbage, tls_hello, reset_by_peer, oversize_metadata, reset_streams,
    compressed_bomb, deflate_bomb, oversized_message, cut_upload)}


def attempt(kind, port):
    try:
        kind(port)
    except OSError:
        pass  # the server may cut it at any point


def hold_more_than_are_taken(server, descriptors):
    """More connections at once than there are descriptors; those beyond the bound are refused and counted."""
    held = []
    for _ in range(descriptors + 20):
        held.append(socket.create_connection(("127.0.0.1", server.port), timeout=60))
    await_true(lambda: server.metric("sluice_connections_refused_total", port="grpc") >= 20 + 256, 60, "refusals")
    if server.page("/readyz")[0] != 200:
        sys.exit("full of connections, the server is not ready")
    for connection in held:
        connection.close()
    await_true(lambda: server.metric("sluice_connections", port="grpc") == 0, 60, "the end of closed connections")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--binary", default="sluiced")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--descriptors", type=int, default=1024)
    parser.add_argument("--bomb-mib", type=int, default=1024)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    arguments = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    make_bombs(arguments.bomb_mib)
    with tempfile.TemporaryDirectory() as work:
        server = Server(f"{arguments.bin}/{arguments.binary}", f"{work}/data")
        limit = f"ulimit -n {arguments.descriptors}; exec \"$@\""
        server.command = ["bash", "-c", limit, "sluiced", *server.command]
        sluice = Sluice(f"{arguments.bin}/sluice", server.port)
        write_jobs(f"{work}/jobs.jsonl", 50)
        server.start()
        sluice.run(*screen_arguments(f"{work}/jobs.jsonl", "rules_only"))
        before = memory_mib(server.process.pid)
        for name in arguments.kinds:
            began = time.monotonic()
            tries = range(arguments.count // len(arguments.kinds))
            with concurrent.futures.ThreadPoolExecutor(32) as threads:
                list(threads.map(lambda _: attempt(KINDS[name], server.port), tries))
            print(f"{name}: {time.monotonic() - began:.1f} s, {memory_mib(server.process.pid):.0f} MiB, peak "
                  f"{memory_mib(server.process.pid, 'VmHWM'):.0f}")
        hold_more_than_are_taken(server, arguments.descriptors)
        began = time.monotonic()
        sluice.run("batches", "ls")
        waited = time.monotonic() - began
        sluice.run(*screen_arguments(f"{work}/jobs.jsonl", "rules_only"))
        idle = time.monotonic()
        await_true(lambda: memory_mib(server.process.pid) <= before + 64, 60, "memory that was given back")
        after = memory_mib(server.process.pid)
        print(f"a client was answered in {waited:.3f} s; memory {before:.0f} MiB before, {after:.0f} MiB "
              f"{time.monotonic() - idle:.0f} s after; {server.metric('process_open_fds'):.0f} descriptors")
        server.stop()
        lose_the_socket(arguments, work)


def lose_the_socket(arguments, work):
    """As a cleaner of old files does it: nobody can connect any more, and only a new start helps."""
    server = Server(f"{arguments.bin}/{arguments.binary}", f"{work}/lost")
    server.command = [word for word in server.command if not word.startswith("--listen=")]
    server.command.append(f"--listen=unix:{work}/socket")
    server.start()
    began = time.monotonic()
    os.unlink(f"{work}/socket")
    await_true(lambda: server.page("/readyz")[0] != 200, 60, "the end of readiness")
    unready = time.monotonic() - began
    if server.process.wait(120) != 1:
        sys.exit(f"a server that cannot be reached ended with {server.process.returncode}")
    print(f"without its socket the server was not ready after {unready:.1f} s and exited with 1 after "
          f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
