#!/usr/bin/env python3
"""What becomes of the names that `bench compare` is given, in a repository whose build writes two scripts."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from checkout import Checkout, Unbuildable

PRESETS = {"version": 6, "configurePresets": [{"name": "package", "generator": "Ninja",
                                               "binaryDir": "${sourceDir}/build/package"}]}
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(stand_in NONE)
foreach(name IN ITEMS sluiced sluice)
  add_custom_target(${name} COMMAND ${CMAKE_COMMAND} -E make_directory bin
                            COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/program bin/${name})
endforeach()
"""


class Checkouts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.repository = pathlib.Path(folder.name, "repository")
        self.repository.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        (self.repository / ".gitignore").write_text("/build/\n")
        (self.repository / "CMakePresets.json").write_text(json.dumps(PRESETS))
        (self.repository / "CMakeLists.txt").write_text(CMAKE)
        self.first = self.commit("first")
        self.second = self.commit("second")
        self.checkout = Checkout(self.repository)

    def git(self, *arguments):
        return subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=self.repository,
                              check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def commit(self, text):
        (self.repository / "program").write_text(f"#!/bin/sh\necho {text}\n")
        (self.repository / "program").chmod(0o755)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", text)
        return self.git("rev-parse", "HEAD")

    def says(self, build):
        return {subprocess.run([build.program(name)], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
                for name in ("sluice", "sluiced")}

    def test_a_revision_is_built_in_a_work_tree_of_its_own(self):
        self.git("tag", "v1", self.first)
        for name in ("v1", self.first, "main~1"):
            self.assertEqual(self.says(self.checkout.build(name)), {"first"}, name)
        self.assertEqual([path.name for path in (self.repository / "build/compare").iterdir()], [self.first])
        self.assertEqual(self.checkout.build("v1").label, f"v1 ({self.first[:8]})")
        self.assertEqual(self.checkout.build(self.first[:7]).label, self.first[:7])
        self.assertEqual(self.git("status", "--porcelain"), "")

    def test_it_is_kept_and_made_anew_where_its_sources_were_touched(self):
        self.checkout.build(self.first)
        tree = self.repository / "build/compare" / self.first
        (tree / "kept").touch()
        self.checkout.build(self.first)
        self.assertTrue((tree / "kept").exists())
        (tree / "program").write_text("#!/bin/sh\necho touched\n")
        self.assertEqual(self.says(self.checkout.build(self.first)), {"first"})

    def test_it_is_made_anew_where_the_build_folder_was_removed(self):
        self.checkout.build(self.first)
        shutil.rmtree(self.repository / "build")
        self.assertEqual(self.says(self.checkout.build(self.first)), {"first"})

    def test_a_point_and_nothing_are_the_work_tree_with_its_changes(self):
        self.assertEqual(self.checkout.build(".").label, f"work tree ({self.second[:8]})")
        (self.repository / "program").write_text("#!/bin/sh\necho changed\n")
        build = self.checkout.build("")
        self.assertEqual((self.says(build), build.label), ({"changed"}, f"work tree ({self.second[:8]} and changes)"))

    def test_a_directory_with_binaries_is_taken_as_it_is(self):
        binaries = self.repository.parent / "elsewhere/bin"
        binaries.mkdir(parents=True)
        for name in ("sluice", "sluiced"):
            (binaries / name).write_text("#!/bin/sh\necho elsewhere\n")
            (binaries / name).chmod(0o755)
        self.assertEqual(self.says(self.checkout.build(str(binaries.parent))), {"elsewhere"})

    def test_what_is_neither_is_named(self):
        for name in ("no-such-branch", "--all", str(self.repository.parent)):
            with self.assertRaisesRegex(Unbuildable, "neither a revision nor a directory with bin/sluiced and bin/sluice"):
                self.checkout.build(name)

    def test_a_revision_that_does_not_build_is_no_build(self):
        (self.repository / "CMakeLists.txt").write_text("message(FATAL_ERROR broken)\n")
        broken = self.commit("broken")
        with self.assertRaisesRegex(Unbuildable, "cmake .*ended with 1"):
            self.checkout.build(broken)


if __name__ == "__main__":
    unittest.main()
