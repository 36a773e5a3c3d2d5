#!/usr/bin/env python3
"""What a precision does to rankings: texts and queries encoded by two servers, and how far their nearest ten agree.

  precision_quality.py --bin DIR --model DIR --items items.jsonl --queries queries.jsonl [--qrels qrels.jsonl]
                       [--precisions fp32,int8]

Items and queries are JSON lines with "id" and "text". With judgements ({"qid", "iid", "topic"}, 2 and more is a match) it
also prints recall@10: the share of a query's matches, of at most ten, among its ten nearest items. Needs numpy.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from sluice_process import CACHES_OFF, Server, json_lines  # noqa: E402

NEAREST = 10


def encode(binaries, server, texts, folder):
    given, vectors = folder / "texts.jsonl", folder / "vectors.npy"
    given.write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts)),
                     encoding="utf-8")
    subprocess.run([binaries / "sluice", f"--server=127.0.0.1:{server.port}", "embed", f"--input={given}",
                    f"--output={vectors}", "--truncate=end"], check=True, stdin=subprocess.DEVNULL)
    return np.load(vectors)


def nearest_items(binaries, model, precision, items, queries):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        server = Server(binaries / "sluiced", folder / "data", model=model, flags=[CACHES_OFF, f"--precision={precision}"])
        server.start()
        try:
            item_vectors = encode(binaries, server, [item["text"] for item in items], folder)
            query_vectors = encode(binaries, server, [query["text"] for query in queries], folder)
        finally:
            server.stop()
    return np.argsort(-query_vectors @ item_vectors.T, axis=1, kind="stable")[:, :NEAREST]


def recall(nearest, items, queries, judgements):
    matches = {}
    for judgement in judgements:
        if judgement["topic"] >= 2:
            matches.setdefault(judgement["qid"], set()).add(judgement["iid"])
    shares = [len(matches[query["id"]] & {items[i]["id"] for i in found}) / min(NEAREST, len(matches[query["id"]]))
              for query, found in zip(queries, nearest) if query["id"] in matches]
    return float(np.mean(shares))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--items", required=True, type=pathlib.Path)
    parser.add_argument("--queries", required=True, type=pathlib.Path)
    parser.add_argument("--qrels", type=pathlib.Path)
    parser.add_argument("--precisions", default="fp32,int8")
    args = parser.parse_args()
    items, queries, judgements = (json_lines(path.read_text(encoding="utf-8")) if path else []
                                  for path in (args.items, args.queries, args.qrels))
    precisions = args.precisions.split(",")
    reference = None
    for precision in precisions:
        nearest = nearest_items(args.bin, args.model, precision, items, queries)
        if judgements:
            print(f"{precision}: recall@{NEAREST} {recall(nearest, items, queries, judgements):.4f}")
        if reference is None:
            reference = nearest
            continue
        shared = [len(set(a) & set(b)) / NEAREST for a, b in zip(reference, nearest)]
        print(f"{precision}: {np.mean(shared):.4f} of the nearest {NEAREST} in {precisions[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
