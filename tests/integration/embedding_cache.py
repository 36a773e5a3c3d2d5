#!/usr/bin/env python3
"""Embeds texts of which most are equal, with the cache and without, over restarts and a damaged file.

  embedding_cache.py --bin DIR

The server is the real one with an encoder that costs nothing. What must hold: each text is encoded once in the life of
the cache, vectors are the same to the bit, and off means off: no file, no look-up, every text encoded.
"""
import argparse
import json
import pathlib
import sys
import tempfile

from sluice_process import CACHES_OFF, FAKE_ENCODER, TINY_MODEL, Server, Sluice, await_true

# As many as the client puts into one call: a smaller call is more urgent, and joins no larger one.
DIFFERENT, TIMES = 64, 4


def check(what, found, expected):
    if found != expected:
        sys.exit(f"FAILED: {what}: {found}, expected {expected}")


def lookups(server):
    return {result: int(server.metric("sluice_embedding_cache_lookups_total", result=result))
            for result in ("hit", "miss", "joined")}


def encoded_texts(server):
    return int(server.metric("sluice_microbatch_jobs_sum"))


def cached_bytes(server):
    return server.metric("sluice_embedding_cache_bytes")


def text(number):
    """In two words that the tiny tokenizer knows."""
    return " ".join("senior" if number >> bit & 1 else "engineer" for bit in range(8))


class Embedding:
    def __init__(self, binaries, work):
        self.binaries, self.work = binaries, pathlib.Path(work)
        self.texts = self.work / "texts.jsonl"
        with open(self.texts, "w", encoding="utf-8") as out:
            for i in range(DIFFERENT * TIMES):
                out.write(json.dumps({"text": text(i % DIFFERENT)}) + "\n")

    def server(self, name, *flags):
        return Server(f"{self.binaries}/{FAKE_ENCODER}", self.work / name, TINY_MODEL, flags=flags)

    def embed(self, server):
        """The file of vectors, with its header."""
        output = self.work / "vectors.npy"
        Sluice(f"{self.binaries}/sluice", server.port).run("embed", f"--input={self.texts}", f"--output={output}")
        return output.read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        embedding = Embedding(arguments.bin, work)
        off = embedding.server("off", CACHES_OFF)
        off.start()
        vectors = embedding.embed(off)
        check("look-ups of a server without a cache", lookups(off), {"hit": 0, "miss": 0, "joined": 0})
        check("texts it encoded", encoded_texts(off), DIFFERENT * TIMES)
        off.stop()
        check("its files", [path.name for path in off.data.glob("cache.db*")], [])

        on = embedding.server("on")
        on.start()
        check("vectors with a cache are those without", embedding.embed(on) == vectors, True)
        check("texts encoded of the first time", encoded_texts(on), DIFFERENT)
        check("texts missed", lookups(on)["miss"], DIFFERENT)
        check("texts looked up", sum(lookups(on).values()), DIFFERENT * TIMES)
        on.stop()

        on.start()
        # The server is ready before it has read what the file holds.
        await_true(lambda: cached_bytes(on) > 0, 30, "the cache's file was not read")
        check("vectors after a restart are the same", embedding.embed(on) == vectors, True)
        check("texts encoded after a restart", encoded_texts(on), 0)
        check("texts missed after a restart", lookups(on)["miss"], 0)
        on.kill()

        file = on.data / "cache.db"
        damaged = bytearray(file.read_bytes())
        damaged[200:] = b"x" * (len(damaged) - 200)
        file.write_bytes(damaged)
        on.start()
        check("vectors over a damaged file are the same", embedding.embed(on) == vectors, True)
        check("vectors over the file made anew are the same", embedding.embed(on) == vectors, True)
        check("texts encoded over a damaged file", encoded_texts(on), DIFFERENT)
        on.stop()
    print(f"embedding cache: {DIFFERENT} of {DIFFERENT * TIMES} texts encoded, none after a restart, all of them without it")


if __name__ == "__main__":
    main()
