#!/usr/bin/env python3
"""A comparison from end to end, of the built tree with itself and with what is worse: compare_test.py --bin DIR

The server is the real one with an encoder that costs nothing, so that a round takes seconds; what its figures are worth
is not asked here.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "integration"))
from sluice_process import FAKE_ENCODER, TINY_MODEL  # noqa: E402

BINARIES = pathlib.Path()
FIGURES = ["embed, mixed texts", "embed, short texts", "screen, rules only", "screen 100, all encoded",
           "durable batches, 8 callers", "durable batch at 1/4 load, p50", "Embed at half load, p50",
           "Embed at half load, p99", "idle server, resident", "idle server, PSS"]


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.built = self.build("built")

    def build(self, name, **scripts):
        """A directory with the built programs, each of which a script may stand before."""
        binaries = self.folder / name / "bin"
        binaries.mkdir(parents=True)
        for program, built in (("sluice", "sluice"), ("sluiced", FAKE_ENCODER)):
            lines = ["#!/bin/sh", scripts.get(program, ""), f'exec "{BINARIES / built}" "$@"', ""]
            (binaries / program).write_text("\n".join(lines))
            (binaries / program).chmod(0o755)
        return binaries.parent

    def compare(self, old, new, *flags):
        done = subprocess.run([sys.executable, HERE / "compare.py", old, new, f"--model={TINY_MODEL}", "--seconds=0.1",
                               f"--json={self.folder / 'figures.json'}", *flags], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=240)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in self.out.splitlines() if line.startswith("| ")]
        self.verdicts = {row[0]: row[-1] for row in rows[1:]}

    def test_every_figure_of_a_build_and_itself_has_a_row_and_its_rounds(self):
        self.compare(self.built, self.built, "--rounds=2")
        self.assertEqual(self.code, 0, self.err)
        # Two rounds are too few for another word.
        self.assertEqual(self.verdicts, dict.fromkeys(FIGURES, "spread too wide to tell"))
        figures = json.loads((self.folder / "figures.json").read_text())["figures"]
        self.assertEqual([figure["name"] for figure in figures], FIGURES)
        for figure in figures:
            self.assertEqual([len(figure[of]) for of in ("old", "new")], [2, 2], figure)
            self.assertGreater(min(figure["old"] + figure["new"]), 0, figure)

    def test_a_loss_that_is_asked_for_is_exit_code_1(self):
        slow = self.build("slow", sluice="sleep 0.6")
        self.compare(self.built, slow, "--only=rules_only", "--rounds=5", "--max-loss=10")
        self.assertEqual((self.code, self.verdicts), (1, {"screen, rules only": "slower"}), self.out + self.err)
        self.assertIn("screen, rules only: the loss is beyond 10 %", self.err)
        self.compare(slow, self.built, "--only=rules_only", "--rounds=5", "--max-loss=10")
        self.assertEqual((self.code, self.verdicts), (0, {"screen, rules only": "faster"}), self.out + self.err)

    def test_a_turn_that_fails_is_no_figure_and_exit_code_2(self):
        fails = self.build("fails", sluice=f'[ "$2" = screen ] && [ $(date +%N >> {self.folder}/n; wc -l < {self.folder}/n) = 2 ]'
                                           ' && exit 1')
        self.compare(self.built, fails, "--only=rules_only,idle", "--rounds=3")
        self.assertEqual(self.code, 2, self.out)
        self.assertRegex(self.verdicts["screen, rules only"], "failed: NEW: .*ended with 1")
        self.assertEqual(self.verdicts["idle server, resident"], "spread too wide to tell")

    def test_what_is_refused_is_no_figure(self):
        self.compare(self.built, self.built, "--only=rules_only", "--rounds=1", "--server-flag=--max-queued-jobs=5")
        self.assertEqual(self.code, 2, self.out)
        self.assertRegex(self.verdicts["screen, rules only"], "failed: OLD: .*ended with 4")

    def test_a_server_that_does_not_start_is_exit_code_2_with_its_last_words(self):
        broken = self.build("broken", sluiced="echo no such flag >&2; exit 2")
        self.compare(self.built, broken, "--only=idle", "--rounds=1")
        self.assertEqual((self.code, self.out), (2, ""))
        self.assertIn("sluiced ended with 2 at start: no such flag", self.err)

    def test_mistakes_are_told_before_anything_runs(self):
        for flags, message in ((["--only=mixed,nonesuch"], "no figure nonesuch"), (["--rounds=0"], "--rounds: at least one"),
                               (["--max-loss=3", "--rounds=4"], "at least 5 rounds"), (["--seconds=0"], "0.1 to 60")):
            self.compare(self.built, self.built, *flags)
            self.assertEqual(self.code, 2)
            self.assertIn(message, self.err)


if __name__ == "__main__":
    BINARIES = pathlib.Path(sys.argv.pop(sys.argv.index("--bin") + 1)).resolve()
    sys.argv.remove("--bin")
    unittest.main()
