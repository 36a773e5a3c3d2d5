#!/usr/bin/env python3
"""Fits core/screening/calibration.cc on the benchmark's dev split and reports on another one.

  dump_features BENCH/dev dev.bm25; dump_features BENCH/check check.bm25
  fit_calibration.py BENCH dev.bm25 check.bm25 --model MODEL_DIR [--cache DIR]

Features are those of the code (dump_features.cc); cosines come from sentence-transformers. Batches are drawn as the
benchmark's eval.py draws them: one profile, N postings, 15 % of them matches where there are enough, a match being
grade 2 or 3. Everything is fitted on dev with N = 20, 50, 100, 200, 500; nothing is chosen on the other split.
Needs numpy, scikit-learn, sentence-transformers.
"""
import argparse
import hashlib
import json
import os

import numpy as np
from sklearn.linear_model import LogisticRegression

FIT_SIZES, REPORT_SIZES = (20, 50, 100, 200, 500), (20, 50, 200, 1000)
MOST_SHIFT, ROUNDS = 2.5, 50


def read(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def cosines(args, split, items, queries):
    file = os.path.join(args.cache, split + "-cosine.npy") if args.cache else None
    if file and os.path.exists(file):
        return np.load(file)
    from sentence_transformers import SentenceTransformer
    model = SentenceTransformer(args.model, device="cpu")
    embed = lambda rows: model.encode([r["text"] for r in rows], batch_size=16, normalize_embeddings=True)
    made = (embed(queries) @ embed(items).T).astype(np.float32)
    if file:
        np.save(file, made)
    return made


class Split:
    def __init__(self, args, name, features):
        items, queries = read(f"{args.bench}/{name}/items.jsonl"), read(f"{args.bench}/{name}/queries.jsonl")
        item, query = {x["id"]: i for i, x in enumerate(items)}, {x["id"]: i for i, x in enumerate(queries)}
        self.topic = np.zeros((len(queries), len(items)), np.int8)
        for row in read(f"{args.bench}/{name}/qrels.jsonl"):
            self.topic[query[row["qid"]], item[row["iid"]]] = row["topic"]
        self.bm25 = np.fromfile(features, np.float32).reshape(self.topic.shape).astype(float)
        self.cosine = cosines(args, name, items, queries).astype(float)

    def batches(self, size, seed):
        made = []
        for q in range(len(self.topic)):
            draw = np.random.default_rng([seed, size, q])
            matches, others = np.nonzero(self.topic[q] >= 2)[0], np.nonzero(self.topic[q] < 2)[0]
            n = min(len(matches), max(1, round(.15 * size)))
            ix = np.concatenate([draw.choice(matches, n, replace=False), draw.choice(others, size - n, replace=False)])
            bm25 = self.bm25[q][ix]
            spread = bm25.std()
            z = (bm25 - bm25.mean()) / spread if spread > 0 else 0 * bm25
            made.append({"one": np.c_[z, bm25], "two": np.c_[z, bm25, self.cosine[q][ix]], "y": self.topic[q][ix] >= 2})
        return made


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def prior_shift(log_odds, training):
    """core/screening/calibration.cc's PriorShift."""
    shift = 0.
    for _ in range(ROUNDS):
        prior = np.clip(sigmoid(log_odds + shift).mean(), 1e-6, 1 - 1e-6)
        following = np.clip(np.log(prior / (1 - prior)) - training, -MOST_SHIFT, MOST_SHIFT)
        if abs(following - shift) < 1e-6:
            return following
        shift = following
    return shift


def average_precision(p, y):
    hit = y[np.argsort(-p, kind="stable")]
    return (hit * np.cumsum(hit) / (np.arange(len(hit)) + 1)).sum() / max(1, hit.sum())


def calibration_error(p, y):
    bins = np.digitize(p, np.linspace(0, 1, 11)[1:-1])
    return sum(abs(p[bins == b].mean() - y[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any())


def f1(p, y, cut):
    accepted = p >= cut
    return 2 * (accepted & y).sum() / max(1, accepted.sum() + y.sum())


def volume_threshold(size):
    return .15 if size < 20 else .20 if size < 50 else .25 if size <= 100 else .35 if size < 200 else .40


class Model:
    def __init__(self, batches):
        stack = lambda key: np.concatenate([b[key] for b in batches])
        y = stack("y")
        self.fits = {k: LogisticRegression(max_iter=5000, C=10).fit(stack(k), y) for k in ("one", "two")}
        self.training = np.log(y.mean() / (1 - y.mean()))

    def log_odds(self, batch, phase):
        return self.fits[phase].decision_function(batch[phase])

    def shift(self, batch):
        return prior_shift(self.log_odds(batch, "one"), self.training)

    def probabilities(self, batch, phase, shifted=True):
        return sigmoid(self.log_odds(batch, phase) + (self.shift(batch) if shifted else 0))

    def coefficients(self):
        one, two = self.fits["one"], self.fits["two"]
        return [one.intercept_[0], *one.coef_[0], two.intercept_[0], *two.coef_[0], self.training]


def report(model, split, cuts, seed):
    print("   N  phase       AP  balacc     F1    ECE  ECE pooled prior | gate passes  recall")
    for size in REPORT_SIZES:
        batches = split.batches(size, seed)
        for phase in ("one", "two"):
            p = [model.probabilities(b, phase) for b in batches]
            rows = []
            for b, q in zip(batches, p):
                accepted, y = q >= cuts[phase], b["y"]
                rows.append([average_precision(q, y), (accepted[y].mean() + (~accepted[~y]).mean()) / 2, f1(q, y, cuts[phase])])
            y = np.concatenate([b["y"] for b in batches])
            ece = calibration_error(np.concatenate(p), y)
            pooled = calibration_error(np.concatenate([model.probabilities(b, phase, False) for b in batches]), y)
            line = f"{size:5d}  {phase:5s}" + "".join(f"{v * 100:8.1f}" for v in np.mean(rows, axis=0))
            line += f"{ece * 100:7.2f}{pooled * 100:19.2f} |"
            if phase == "one":
                passing = [q >= volume_threshold(size) for q in p]
                line += f"{np.mean([k.mean() for k in passing]) * 100:11.1f} {np.mean([k[b['y']].mean() for k, b in zip(passing, batches)]) * 100:7.1f}"
            print(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("dev_features")
    parser.add_argument("check_features")
    parser.add_argument("--model", default=os.environ.get("SLUICE_MODEL", ""))
    parser.add_argument("--cache", default="")
    args = parser.parse_args()
    dev, check = Split(args, "dev", args.dev_features), Split(args, "check", args.check_features)
    training = [b for size in FIT_SIZES for b in dev.batches(size, 1)]
    model = Model(training)
    cuts = {}
    for phase in ("one", "two"):
        p = [model.probabilities(b, phase) for b in training]
        grid = np.arange(.05, .96, .01)
        cuts[phase] = max(grid, key=lambda cut: np.mean([f1(q, b["y"], cut) for q, b in zip(p, training)]))
        recall = lambda cut: np.mean([(q >= cut)[b["y"]].mean() for q, b in zip(p, training)])
        print(f"phase {phase}: best F1 on dev at {cuts[phase]:.2f}; share of matches at or above .10/.15/.20/.30: "
              + " ".join(f"{recall(c) * 100:.0f}" for c in (.10, .15, .20, .30)))
    values = [f"{v:.4f}" for v in model.coefficients()]
    print("\nconstexpr Calibration kShipped{\"1-" + hashlib.sha256(",".join(values).encode()).hexdigest()[:8] + "\", " + ", ".join(values) + "};\n")
    for name, split in (("dev (fitted on)", dev), ("check", check)):
        print(name)
        report(model, split, cuts, 2)


if __name__ == "__main__":
    main()
