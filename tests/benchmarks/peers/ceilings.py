"""What this processor's matrix products reach through LibTorch (oneDNN, MKL), at the shapes of MiniLM's layers.

The greatest of what the operators reach that a program could call: no encoder whose time goes into matrix products of
that precision can be faster.
"""
import time

import torch

ROWS = 4096
SHAPES = ((384, 1152), (384, 384), (384, 1536), (1536, 384))  # QKV, output, FFN-1, FFN-2


def linear(dtype):
    def product(inputs, outputs):
        x, weight = torch.rand(ROWS, inputs).to(dtype), torch.rand(outputs, inputs).to(dtype)
        return lambda: torch.nn.functional.linear(x, weight)
    return product


def prepacked(dtype):
    def product(inputs, outputs):
        x, weight = torch.rand(ROWS, inputs).to(dtype), torch.rand(outputs, inputs).to(dtype)
        packed = torch.ops.mkldnn._reorder_linear_weight(weight.to_mkldnn(), ROWS)
        return lambda: torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
    return product


def int8_signed(inputs, outputs):
    x = torch.randint(-127, 127, (ROWS, inputs), dtype=torch.int8)
    weight = torch.randint(-127, 127, (outputs, inputs), dtype=torch.int8)
    return lambda: torch._int_mm(x, weight.t())


def int8_prepacked(inputs, outputs):
    x = torch.randint(0, 127, (ROWS, inputs), dtype=torch.uint8)
    weight = torch.randint(-127, 127, (outputs, inputs), dtype=torch.int8)
    packed = torch.ops.onednn.qlinear_prepack(weight, [ROWS, inputs])
    scales, zeros = torch.full((outputs,), 0.01), torch.zeros(outputs, dtype=torch.int64)
    return lambda: torch.ops.onednn.qlinear_pointwise(x, 0.01, 0, packed, scales, zeros, None, 1.0, 0, torch.float32,
                                                      "none", [], "")


OPERATORS = {
    "fp32": (linear(torch.float32), prepacked(torch.float32)),
    "bf16": (linear(torch.bfloat16), prepacked(torch.bfloat16)),
    "int8": (int8_signed, int8_prepacked),
}


def best_seconds(product, repeats=8):
    product()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times)


def rate(operator):
    """Operations a second over a layer's products; 0 where this build or processor cannot."""
    try:
        took = sum(best_seconds(operator(*shape)) for shape in SHAPES)
    except (RuntimeError, NotImplementedError, AttributeError):
        return 0
    return sum(2 * ROWS * inputs * outputs for inputs, outputs in SHAPES) / took


class Ceilings:
    """An engine's shape, for the worker: answers with operations a second by precision."""

    def __init__(self, threads):
        torch.set_num_threads(threads)
        self.layouts, self.setup = [], f"torch {torch.__version__}"

    def answer(self, precisions):
        with torch.no_grad():
            return {precision: max(map(rate, OPERATORS[precision])) for precision in precisions}
