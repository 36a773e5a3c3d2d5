#!/usr/bin/env python3
"""What figures.py makes of rounds."""
import array
import json
import pathlib
import tempfile
import unittest

import figures


def row(name, seconds, kind="peer", precision="fp32", least_cosine=1.0):
    return {"name": name, "kind": kind, "precision": precision, "seconds": seconds, "chosen": "batch 8",
            "cosine": (least_cosine, 1.0)}


class Cosines(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, *floats):
        path = pathlib.Path(self.folder.name, name)
        path.write_bytes(array.array("f", floats).tobytes())
        return path

    def test_least_and_mean_over_rows_whatever_their_length(self):
        least, mean = figures.cosines(self.file("ours", 2, 0, 0, 3), self.file("theirs", 1, 0, 1, 0), 2)
        self.assertEqual((least, mean), (0, 0.5))

    def test_a_missing_row_is_an_error_and_no_average_of_the_rest(self):
        with self.assertRaises(ValueError):
            figures.cosines(self.file("ours", 1, 0), self.file("theirs", 1, 0, 1, 0), 2)


class Summary(unittest.TestCase):
    # Rounds slow down together on a busy machine: the ratio of a round is of that round's times.
    def test_ratios_are_taken_round_by_round_against_the_peer_with_the_best_median(self):
        rows = [row("ours", [1, 10, 2], kind="sluice"), row("slow", [4, 40, 8]), row("best", [2, 20, 4])]
        figures.summarise(rows, [10, 30], 0, [])
        self.assertEqual((rows[0]["ratio"].least, rows[0]["ratio"].greatest), (2, 2))
        self.assertEqual(rows[1]["ratio"].median, 0.5)
        self.assertEqual(rows[0]["texts_per_second"].median, 1)
        self.assertEqual(rows[0]["tokens_per_second"].greatest, 40)

    # Sluice is no peer of its own, and int8 that is off is no measure for fp32.
    def test_the_best_that_agrees_is_not_always_the_best(self):
        rows = [row("ours", [1], kind="sluice"), row("int8", [2], precision="int8", least_cosine=0.99), row("fp32", [3])]
        figures.summarise(rows, [10], 0, [])
        self.assertEqual((rows[0]["ratio"].median, rows[0]["ratio_agreeing"].median), (2, 3))

    def test_the_share_is_of_the_same_rounds_ceiling_of_that_precision(self):
        rows = [row("fp32", [1, 2]), row("int8", [1, 1], precision="int8")]
        figures.summarise(rows, [10], 100, [{"fp32": 200}, {"fp32": 100}])
        self.assertEqual((rows[0]["share"].least, rows[0]["share"].greatest), (50, 50))
        self.assertNotIn("share", rows[1])

    def test_what_was_not_measured_stands_last_with_its_reason(self):
        rows = [{"name": "gone", "kind": "peer", "precision": "bf16", "seconds": [], "reason": "no bf16"}, row("there", [1])]
        figures.summarise(rows, [10], 0, [])
        lines = figures.table(rows).splitlines()
        self.assertTrue(lines[-1].startswith("| gone | not measured: no bf16 |"))
        self.assertEqual({line.count("|") for line in lines}, {9})


class Operations(unittest.TestCase):
    # notes on MiniLM: 23 million operations a token at length 181, 21.2 of them in the linear layers.
    def test_of_minilm(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "config.json").write_text(
                json.dumps({"num_hidden_layers": 6, "hidden_size": 384, "intermediate_size": 1536}))
            self.assertAlmostEqual(figures.model_operations(folder, [181, 181]) / 362 / 1e6, 22.9, places=1)


if __name__ == "__main__":
    unittest.main()
