#!/usr/bin/env python3
"""What is said of two builds, by the rounds they were measured in."""
import pathlib
import random
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "peers"), str(HERE.parent.parent / "integration")]
import measures  # noqa: E402
import paired  # noqa: E402
import report  # noqa: E402
from measures import Figure  # noqa: E402
from subjects import Failed, Subject  # noqa: E402

RATE = Figure("rate", "texts/s", True)
SECONDS = Figure("seconds", "s", False)
MEMORY = Figure("memory", "MiB", False, of_speed=False)


class Spreads(unittest.TestCase):
    def test_few_rounds_are_never_sure(self):
        for rounds in range(1, paired.LEAST_ROUNDS):
            self.assertEqual(paired.median_spread([2.0] * rounds), (2, 2, False))
        self.assertEqual(paired.median_spread([2.0] * paired.LEAST_ROUNDS), (2, 2, True))

    def test_with_more_rounds_outliers_on_both_sides_are_left_out(self):
        self.assertEqual(paired.median_spread([1, 2, 3, 4, 5])[:2], (1, 5))
        self.assertEqual(paired.median_spread([8, 1, 2, 3, 4, 5, 6, 7])[:2], (2, 7))

    # Whatever the distribution: here one with a long tail.
    def test_the_true_median_lies_within_as_often_as_is_claimed(self):
        chance = random.Random(4)
        for rounds in (5, 8, 13, 20):
            hits = 0
            for _ in range(2000):
                low, high, _ = paired.median_spread([chance.lognormvariate(0, 1) for _ in range(rounds)])
                hits += low <= 1 <= high
            self.assertGreater(hits / 2000, paired.SURE - 0.02, rounds)


class Verdicts(unittest.TestCase):
    def test_a_rate_that_falls_is_slower_and_a_time_that_falls_is_faster(self):
        falls, rises = [0.9] * 8, [1.1] * 8
        self.assertEqual([paired.verdict(RATE, ratios, 3) for ratios in (falls, rises)], ["slower", "faster"])
        self.assertEqual([paired.verdict(SECONDS, ratios, 3) for ratios in (falls, rises)], ["faster", "slower"])
        self.assertEqual([paired.verdict(MEMORY, ratios, 3) for ratios in (falls, rises)], ["less", "more"])

    def test_all_of_the_spread_within_the_tolerance_is_within_it(self):
        self.assertEqual(paired.verdict(RATE, [0.975, 0.98, 0.985, 1.0, 1.01], 3), "within 3 %")
        self.assertEqual(paired.verdict(RATE, [0.975, 0.98, 0.985, 1.0, 1.01], 1), "spread too wide to tell")

    def test_where_chance_could_have_done_it_nothing_is_said(self):
        for ratios in ([0.8, 0.9, 0.95, 1.1, 1.2], [0.9, 0.92, 0.94, 0.95, 1.01], [0.96, 0.98, 1.0, 1.02, 1.04],
                       [0.5] * 4):
            self.assertEqual(paired.verdict(RATE, ratios, 3), "spread too wide to tell", ratios)

    def test_one_bad_round_of_eight_changes_nothing(self):
        self.assertEqual(paired.verdict(RATE, [1.0] * 7 + [0.4], 3), "within 3 %")
        self.assertEqual(paired.verdict(RATE, [0.9] * 7 + [1.4], 3), "slower")

    def test_a_loss_is_beyond_the_percentage_and_beyond_its_spread(self):
        self.assertTrue(paired.is_loss(RATE, [0.9] * 8, 5))
        self.assertFalse(paired.is_loss(RATE, [0.9] * 8, 15))
        self.assertFalse(paired.is_loss(RATE, [0.7, 0.8, 0.9, 1.0, 1.1], 5))
        self.assertTrue(paired.is_loss(SECONDS, [1.2] * 8, 5))
        self.assertFalse(paired.is_loss(MEMORY, [0.8] * 8, 5))
        self.assertFalse(paired.is_loss(RATE, [0.5] * 4, 5))

    # The same build twice on a machine whose speed moves by a tenth: whoever compares it is not told of a loss.
    def test_no_loss_is_made_of_noise(self):
        chance = random.Random(2)
        told = sum(paired.verdict(RATE, [chance.gauss(1, 0.1) for _ in range(8)], 3) in ("slower", "faster")
                   for _ in range(1000))
        self.assertLess(told / 1000, 1 - paired.SURE)

    def test_both_builds_go_first_equally_often(self):
        self.assertEqual(paired.orders(4), [(0, 1), (1, 0), (0, 1), (1, 0)])

    def test_a_machine_that_gets_slower_steadily_does_so_for_both(self):
        for order in paired.orders(2):
            seconds = ([], [])
            for at, place in enumerate(paired.turns(order, halves=True)):
                seconds[place].append(1 + 0.1 * at)
            self.assertAlmostEqual(sum(seconds[0]), sum(seconds[1]))
            self.assertEqual(paired.turns(order, halves=False), order)


class Reports(unittest.TestCase):
    ABOUT = {"processor": "p", "date": "d", "rounds": 5, "stolen": 0.0,
             "builds": [{"label": "a", "setup": "int8"}, {"label": "b", "setup": "int8"}]}

    def result(self, old, new, figure=RATE):
        result = report.Result("measure", figure)
        for place, values in enumerate((old, new)):
            for value in values:
                result.add(place, value)
        return result

    # A machine that gets twice as slow in the middle of a run: each ratio is of one round's values.
    def test_ratios_are_taken_round_by_round(self):
        result = self.result([100, 100, 50, 50, 50], [110, 110, 55, 55, 55])
        line = report.row(result, 3)
        self.assertIn("| 50 (50–100) | 55 (55–110) | 1.100 (1.100–1.100) | faster |", line)
        of_json = report.of_result(result, 3)
        self.assertEqual((of_json["verdict"], of_json["old"][0], round(of_json["ratio"]["median"], 6)), ("faster", 100, 1.1))

    def test_what_failed_has_its_reason_and_no_ratio(self):
        result = self.result([100], [])
        result.failure = "NEW: `sluice embed` ended with 3"
        self.assertIn("failed: NEW: `sluice embed` ended with 3", report.row(result, 3))
        self.assertNotIn("verdict", report.of_result(result, 3))
        rows = report.table(self.ABOUT, [result, self.result([1] * 5, [1] * 5)], 3).splitlines()[-4:]
        self.assertEqual({row.count("|") for row in rows}, {7})

    def test_builds_that_run_the_model_differently_are_said_to(self):
        differ = {**self.ABOUT, "builds": [{"label": "a", "setup": "int8"}, {"label": "b", "setup": "fp32"}]}
        self.assertIn("run the model differently", report.table(differ, [], 3))
        self.assertNotIn("run the model differently", report.table(self.ABOUT, [], 3))


class Stub:
    """A subject whose answers are given."""

    def __init__(self, name, **answers):
        self.name = name
        for method, answer in answers.items():
            setattr(self, method, lambda *_, answer=answer: answer)


class Honesty(unittest.TestCase):
    def test_vectors_that_are_not_the_other_builds_are_no_figure(self):
        embedding = measures.Embedding("mixed", ["text"], pathlib.Path("/none"), 1)
        embedding.count = 2
        embedding.turn(Stub("OLD", embed=(1, [[1.0, 0.0], [0.0, 1.0]])))
        embedding.turn(Stub("NEW", embed=(1, [[1.0, 0.01], [0.0, 1.0]])))
        with self.assertRaisesRegex(Failed, "vectors of one text differ"):
            embedding.turn(Stub("NEW", embed=(1, [[1.0, 0.0], [1.0, 0.0]])))

    def test_calls_that_were_not_answered_are_no_figure(self):
        step = {"due": 9, "refused": {"count": 0}, "failed": {"count": 0}, "not_sent": 0, "reasons": {}}
        for key, value in (("refused", {"count": 1}), ("failed", {"count": 1}), ("not_sent", 1)):
            subject = Subject.__new__(Subject)
            subject.generator_sluice = Stub("", load={"1x": {**step, key: value}})
            with self.assertRaisesRegex(Failed, "of 9 calls 1 "):
                subject.load()
            subject.generator_sluice = Stub("", load={"1x": step})
            self.assertEqual(subject.load(), {"1x": step})

    def test_a_posting_that_was_not_encoded_is_no_figure(self):
        hundred = measures.Hundred.__new__(measures.Hundred)
        hundred.file = hundred.profile = "file"
        all_but_one = [{"phase2": 0.5}] * 99 + [{"phase2": None}]
        with self.assertRaisesRegex(Failed, "99 of 100"):
            hundred.screen(Stub("NEW", screen=(1, all_but_one)))

    def test_verdicts_that_are_missing_or_there_twice_are_no_figure(self):
        lines = "\n".join('{"id": "%d", "verdict": "ACCEPT"}' % i for i in (1, 1, 2))
        subject = Subject.__new__(Subject)
        subject.run = lambda *_: type("Done", (), {"stdout": lines})
        for count in (2, 3, 4):
            with self.assertRaisesRegex(Failed, f"3 verdicts, 2 of them different, for {count} postings"):
                subject.screen([], count)


if __name__ == "__main__":
    unittest.main()
