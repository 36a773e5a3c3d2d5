#!/usr/bin/env python3
"""Prints the coefficients of Gelu() in core/inference/cpu/vector_math.h and what they are worth. Needs numpy.

gelu(x) = x (1/2 + t P(t^2 - c^2 / 2)) with t = x within [-c, c]. P is the polynomial of so many coefficients that keeps
the greatest error of gelu itself least on [-c, c] (Lawson's reweighted least squares), among those that reach 1/2 at c:
a value far out is then itself, or 0. `--check` compares with the header.
"""
import argparse
import math
import pathlib
import re
import sys

import numpy as np

COEFFICIENTS = 8
BOUND = 4.2  # where c (1 - Phi(c)), lost by clamping, meets the error within
HEADER = pathlib.Path(__file__).parents[2] / "core/inference/cpu/vector_math.h"


def normal_distribution(x):
    return 0.5 * np.vectorize(math.erfc)(-x / math.sqrt(2))


def fit():
    x = BOUND / 2 * (1 - np.cos(np.pi * np.linspace(0, 1, 4001)))[1:]
    u = 2 * (x / BOUND) ** 2 - 1
    # P = 1 / (2 c) + (u - 1) R, for whatever R, is 1 / (2 c) at u = 1.
    fixed = x * 0.5 / BOUND
    terms = np.polynomial.chebyshev.chebvander(u, COEFFICIENTS - 2) * (x * (u - 1))[:, None]
    wanted = normal_distribution(x) - 0.5 - fixed
    weights = np.ones_like(x)
    for _ in range(500):
        scale = np.sqrt(weights) * x
        r = np.linalg.lstsq(terms * scale[:, None], wanted * scale, rcond=None)[0]
        error = np.abs((terms @ r - wanted) * x)
        weights *= error / error.max() + 1e-3
        weights /= weights.sum()
    p = np.polynomial.Chebyshev(r).convert(kind=np.polynomial.Polynomial) * np.polynomial.Polynomial([-1, 1])
    return (p + 0.5 / BOUND).coef / (BOUND**2 / 2) ** np.arange(COEFFICIENTS)


def gelu_in_float(coefficients, x):
    t = np.clip(x, np.float32(-BOUND), np.float32(BOUND))
    u = t * t - np.float32(BOUND**2 / 2)
    p = np.full_like(t, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        p = p * u + np.float32(coefficient)
    return x * (t * p + np.float32(0.5))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 where the header has others")
    args = parser.parse_args()
    coefficients = fit().astype(np.float32)
    texts = [f"{coefficient:.9g}F" for coefficient in coefficients]
    x = np.linspace(-20, 20, 400_001, dtype=np.float32)
    exact = x.astype(np.float64) * normal_distribution(x.astype(np.float64))
    print(", ".join(texts))
    print(f"greatest error within 20 of zero, in fp32: {np.abs(gelu_in_float(coefficients, x) - exact).max():.2g}")
    if args.check:
        numbers = re.findall(r"-?[0-9.]+(?:e-?[0-9]+)?(?=F\b)", HEADER.read_text(encoding="utf-8"))
        missing = [c for c in coefficients if not any(math.isclose(c, float(n), rel_tol=1e-4) for n in numbers)]
        if missing:
            sys.exit(f"not in {HEADER.name}: {missing}")


if __name__ == "__main__":
    main()
