#!/usr/bin/env python3
"""Runs the tests of a build. One of real processes that fails runs once more by itself, so that a busy machine is told
from a defect: ./dev test

  run_tests.py BUILD [ctest arguments…]    the exit code is ctest's, of both runs together
  run_tests.py --flaky BUILD…              names what the last runs of these builds found flaky

Only tests with the label `process` get the second run, which starts when all others have ended. One that passes then is
*flaky*: it does not fail the run, and the outputs of both runs are kept in BUILD/flaky/TEST/. The arguments --repeat and
--stop-on-failure ask something else of ctest: with them nothing runs twice.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

LABEL = "process"
TESTS_FAILED = 8  # ctest's exit code when it ran the tests and nothing else is wrong
SUMMARY = re.compile(r"^(\d+)% tests passed, (\d+) tests failed out of (\d+)\s*$")
FAILED_TEST = re.compile(r"^\t *\d+ - (.+) \([^()]+\)\s*$")
KEPT_BYTES = 64 << 20  # of a test's output; ctest keeps 1 KiB of what passed and 300 KiB of what failed


def ctest(build, *arguments):
    sizes = [f"--test-output-size-{of}" for of in ("passed", "failed")]
    return ["ctest", "--test-dir", str(build), "--output-on-failure", sizes[0], str(KEPT_BYTES), sizes[1], str(KEPT_BYTES),
            *map(str, arguments)]


def run(command):
    """Shows the output as it comes, but for its end from ctest's summary on. Returns the exit code and that end."""
    end = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            line = line.decode(errors="replace")
            if SUMMARY.match(line):  # a test may print such a line, too: only the last one is the summary
                sys.stdout.write("".join(end))
                end = [line]
            elif end:
                end.append(line)
            else:
                sys.stdout.write(line)
                sys.stdout.flush()
    sys.stdout.flush()
    return process.returncode, end


def corrected(end, passed):
    """The end of ctest's output as if the tests named in `passed` had not failed."""
    lines, left = [], 0
    for line in end:
        if (summary := SUMMARY.match(line)):
            failed, total = int(summary[2]) - len(passed), int(summary[3])
            percent = round((total - failed) * 100 / total)
            line = f"{min(percent, 99) if failed else percent}% tests passed, {failed} tests failed out of {total}\n"
            left = failed
        found = FAILED_TEST.match(line)
        if found and found[1] in passed:
            continue
        if not left and line.startswith(("The following tests FAILED:", "Errors while running CTest")):
            continue
        lines.append(line)
    return lines


def outputs(junit):
    """What each test printed, and whether it passed."""
    cases = xml.etree.ElementTree.parse(junit).getroot().iter("testcase")
    return {case.get("name"): (case.findtext("system-out") or "", case.get("status") == "run") for case in cases}


def failed_log(build):
    """ctest writes a line NUMBER:NAME for each test that failed in the last run; --rerun-failed reads them."""
    return build / "Testing/Temporary/LastTestsFailed.log"


def labelled(build):
    shown = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"], check=True,
                           stdout=subprocess.PIPE).stdout
    return {test["name"] for test in json.loads(shown)["tests"] for of in test.get("properties", [])
            if of["name"] == "LABELS" and LABEL in of["value"]}


def may_run_again(build):
    """Name to number, of the tests that failed in the last run."""
    lines = failed_log(build).read_text(encoding="utf-8").splitlines()
    may = labelled(build)
    return {name: number for number, _, name in (line.partition(":") for line in lines) if name in may}


def keep(build, name, first, second):
    folder = build / "flaky" / name
    folder.mkdir(parents=True)
    (folder / "first.txt").write_text(first, encoding="utf-8")
    (folder / "second.txt").write_text(second, encoding="utf-8")


def say_flaky(builds):
    folders = [folder for build in builds for folder in sorted((build / "flaky").glob("*"))]
    if folders:
        print("\nflaky: failed, then passed when run alone. Each is a defect to mend next:")
    for folder in folders:
        print(f"  {folder.name}: {folder / 'first.txt'} {folder / 'second.txt'}")
    sys.stdout.flush()


def run_again(build, numbers, first):
    """The names of those that passed; what all of them printed is shown."""
    print(f"\nOnce more, alone: {', '.join(numbers)}", flush=True)
    log = failed_log(build)
    before = log.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        junit = pathlib.Path(folder, "second.xml")
        run(ctest(build, "-I", ",".join(["0,0,0", *numbers.values()]), "-j", 1, "--output-junit", junit))
        second = outputs(junit)
    passed = {name for name in numbers if second.get(name, ("", False))[1]}
    for name in passed:
        keep(build, name, first[name][0], second[name][0])
    # As the first run left it but for these: for who goes on with ctest --rerun-failed.
    log.write_text("".join(f"{line}\n" for line in before if line.partition(":")[2] not in passed), encoding="utf-8")
    return passed


def test(build, arguments):
    """Returns the exit code."""
    shutil.rmtree(build / "flaky", ignore_errors=True)
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--output-junit", "--repeat"):
        options.add_argument(flag)
    options.add_argument("--stop-on-failure", action="store_true")
    asked, _ = options.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        junit = pathlib.Path(build, asked.output_junit or pathlib.Path(folder, "first.xml"))
        code, end = run(ctest(build, "--output-junit", junit, *arguments))
        # Without a summary no test ran, and the log of failures is an older run's.
        runs_once = code != TESTS_FAILED or not end or asked.repeat or asked.stop_on_failure
        numbers = {} if runs_once else may_run_again(build)
        passed = run_again(build, numbers, outputs(junit)) if numbers else set()
    end = corrected(end, passed) if passed else end
    sys.stdout.write("\n" * bool(numbers) + "".join(end))
    say_flaky([build])
    return 0 if passed and SUMMARY.match(end[0])[2] == "0" else code


def main():
    sys.stdout.reconfigure(errors="backslashreplace")  # tests print what the terminal may not know
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    if sys.argv[1] == "--flaky":
        say_flaky([pathlib.Path(build) for build in sys.argv[2:]])
        return 0
    return test(pathlib.Path(sys.argv[1]), sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
