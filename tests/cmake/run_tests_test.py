#!/usr/bin/env python3
"""What run_tests.py makes of tests that fail once, always, or must not run twice."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

RUN_TESTS = pathlib.Path(__file__).resolve().parents[2] / "cmake/run_tests.py"
ONCE = 'if [ -e $0.failed ]; then echo the second time; exit 0; fi; touch $0.failed; echo the first time; exit 1'
SUMMARY = re.compile(r"^\d+% tests passed, .*$", re.M)


class RunTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name, "build")
        self.build.mkdir()

    def add(self, name, script, **properties):
        """A test of the build: a script that notes in the file `order` when it starts and ends."""
        file = self.build / f"{name}.sh"
        file.write_text(f"echo {name} >> order; trap 'echo end of {name} >> order' EXIT\n{script}\n")
        lines = f'add_test({name} "sh" "{file}")\n'
        lines += "".join(f'set_tests_properties({name} PROPERTIES {key} "{value}")\n' for key, value in properties.items())
        with open(self.build / "CTestTestfile.cmake", "a", encoding="utf-8") as listed:
            listed.write(lines)

    def run_tests(self, *arguments, **variables):
        (self.build / "order").write_text("")
        done = subprocess.run([sys.executable, RUN_TESTS, self.build, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env={**os.environ, **variables})
        self.code, self.out = done.returncode, done.stdout
        self.order = (self.build / "order").read_text().splitlines()

    def kept(self, name):
        return [(self.build / "flaky" / name / run).read_text() for run in ("first.txt", "second.txt")]

    def assert_ended(self, code, summary):
        """The last line that looks like ctest's summary, and the exit code."""
        self.assertEqual((self.code, SUMMARY.findall(self.out)[-1]), (code, summary), self.out)

    def test_a_process_test_that_passes_when_run_alone_does_not_fail_the_run_and_is_named(self):
        self.add("good", "exit 0")
        self.add("once", ONCE, LABELS="model;process")
        self.run_tests("-j2")
        self.assert_ended(0, "100% tests passed, 0 tests failed out of 2")
        listed = self.out[self.out.index("\nflaky: "):]
        self.assertIn(str(self.build / "flaky/once/first.txt"), listed)
        self.assertEqual(self.kept("once"), ["the first time\n", "the second time\n"])
        self.assertNotIn("The following tests FAILED", self.out)
        self.assertEqual(self.order.count("good"), 1)

    def test_one_that_always_fails_runs_twice_and_fails_the_run(self):
        self.add("good", "exit 0")
        self.add("always", "exit 1", LABELS="process")
        self.run_tests()
        self.assert_ended(8, "50% tests passed, 1 tests failed out of 2")
        self.assertEqual(self.order.count("always"), 2)
        self.assertNotIn("flaky", self.out)

    def test_a_unit_test_gets_no_second_run(self):
        self.add("unit", ONCE, LABELS="model")
        self.run_tests()
        self.assert_ended(8, "0% tests passed, 1 tests failed out of 1")
        self.assertEqual(self.order.count("unit"), 1)

    def test_what_is_flaky_is_named_beside_what_failed_and_only_the_latter_is_left_to_rerun(self):
        self.add("once", ONCE, LABELS="process")
        self.add("unit", "exit 1")
        self.run_tests()
        self.assert_ended(8, "50% tests passed, 1 tests failed out of 2")
        self.assertIn("/flaky/once/", self.out)
        failed = self.out[self.out.index("The following tests FAILED"):]
        self.assertRegex(failed, r"- unit \(Failed\)")
        self.assertNotRegex(failed, r"- once \(")
        self.run_tests("--rerun-failed")
        self.assertEqual(self.order, ["unit", "end of unit"])

    def test_second_runs_come_one_by_one_when_all_others_have_ended(self):
        self.add("one", "sleep 0.1; exit 1", LABELS="process")
        self.add("other", "sleep 0.1; exit 1", LABELS="process")
        self.add("good", "sleep 0.3")
        self.run_tests("-j3")
        again = self.order[6:]
        self.assertEqual(sorted(again[::2]), ["one", "other"])
        self.assertEqual(again[1::2], [f"end of {name}" for name in again[::2]])

    # ctest itself keeps 1 KiB of what a test printed that passed.
    def test_both_outputs_are_kept_whole(self):
        self.add("once", f"yes a long line | head -n 100000; {ONCE}", LABELS="process")
        self.run_tests()
        self.assertEqual([text.count("a long line\n") for text in self.kept("once")], [100000, 100000])

    def test_what_a_test_prints_never_ends_the_run(self):
        self.add("speaks", "printf 'na\\303\\257ve \\377 \\001\\n'; exit 1", LABELS="process")
        self.run_tests(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        self.assert_ended(8, "0% tests passed, 1 tests failed out of 1")
        self.assertEqual(self.order.count("speaks"), 2)

    def test_one_that_is_skipped_the_second_time_did_not_pass(self):
        self.add("skips", ONCE.replace("exit 0", "exit 77"), LABELS="process", SKIP_RETURN_CODE=77)
        self.run_tests()
        self.assert_ended(8, "0% tests passed, 1 tests failed out of 1")
        self.assertNotIn("flaky", self.out)

    def test_one_that_hangs_gets_its_second_run_too(self):
        self.add("hangs", ONCE.replace("exit 1", "exec sleep 60"), LABELS="process", TIMEOUT=1)
        self.run_tests()
        self.assert_ended(0, "100% tests passed, 0 tests failed out of 1")
        self.assertIn("/flaky/hangs/", self.out)

    def test_arguments_are_ctests(self):
        self.add("once", ONCE, LABELS="process")
        self.add("other", "exit 1")
        self.run_tests("-R", "^once$", "--output-junit", "results.xml")
        self.assert_ended(0, "100% tests passed, 0 tests failed out of 1")
        self.assertTrue((self.build / "results.xml").exists())
        self.run_tests("-N")
        self.assertEqual((self.code, self.order), (0, []))
        self.assertIn("Total Tests: 2", self.out)

    def test_who_repeats_a_test_to_see_it_fail_sees_it_fail(self):
        self.add("once", ONCE, LABELS="process")
        self.run_tests("--repeat", "until-fail:5")
        self.assertEqual((self.code, self.order.count("once")), (8, 1))

    def test_where_no_test_is_found_those_that_failed_before_do_not_run(self):
        self.add("always", "exit 1", LABELS="process")
        self.run_tests()
        self.run_tests("-R", "none", "--no-tests=error")
        self.assertNotEqual(self.code, 0)
        self.assertEqual(self.order, [])

    def test_a_test_that_prints_a_summary_of_its_own_changes_nothing(self):
        self.add("nested", "echo '100% tests passed, 0 tests failed out of 7'; echo after it; exit 1")
        self.add("once", ONCE, LABELS="process")
        self.run_tests("-j1")
        self.assert_ended(8, "50% tests passed, 1 tests failed out of 2")
        self.assertIn("after it", self.out)

    def test_what_was_flaky_in_the_last_run_is_forgotten_with_it(self):
        self.add("once", ONCE, LABELS="process")
        self.run_tests()
        named = subprocess.run([sys.executable, RUN_TESTS, "--flaky", self.build / "none", self.build],
                               stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn("/flaky/once/", named)
        self.run_tests()
        self.assert_ended(0, "100% tests passed, 0 tests failed out of 1")
        self.assertNotIn("flaky", self.out)


if __name__ == "__main__":
    unittest.main()
