"""One engine in a process of its own, driven line by line: worker.py ENGINE MODEL EXPORTS THREADS

Says {"layouts": …, "batches": …, "setup": …} (batches: whether it wants to be told a size), or {"unavailable": why}; then answers each line
LAYOUT<tab>BATCH<tab>TEXTS_FILE<tab>VECTORS_FILE with {"seconds": …}, from text to vector. A text is a line, vectors are
raw float32. The engine "ceilings" answers a line of precisions with operations a second. What libraries print to standard output goes to standard error.
"""
import json
import os
import sys
import time
import traceback

import ceilings
import engines
import infinity


def reason(error):
    traceback.print_exc()
    return {"unavailable": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}


def make(name, model):
    if name.startswith("infinity-"):
        return infinity.Infinity(model, name.removeprefix("infinity-"))
    if name == "ceilings":
        return ceilings.Ceilings(model.threads)
    return engines.ENGINES[name](model)


def answer(engine, line):
    layout, batch, texts_file, vectors_file = line.rstrip("\n").split("\t")
    with open(texts_file, encoding="utf-8") as lines:
        texts = lines.read().splitlines()
    start = time.perf_counter()
    vectors = engine.encode(texts, layout, int(batch))
    seconds = time.perf_counter() - start
    vectors.tofile(vectors_file)
    return {"seconds": seconds}


def main():
    name, directory, exports, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(what):
        print(json.dumps(what), file=answers)

    try:
        engine = make(name, engines.Model(directory, exports, int(threads)))
    except Exception as error:  # whatever a library raises is the table's reason
        return say(reason(error))
    say({"layouts": engine.layouts, "batches": getattr(engine, "batches", True), "setup": engine.setup})
    for line in sys.stdin:
        try:
            say(engine.answer(line.split()) if name == "ceilings" else answer(engine, line))
        except Exception as error:
            say(reason(error))
    return None


if __name__ == "__main__":
    main()
