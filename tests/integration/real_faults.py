#!/usr/bin/env python3
"""What a machine does to a server, done to a real one: a pause longer than its lease, syncs that fail, a full disk, a
damaged file, a client that dies while it uploads.

  real_faults.py --bin DIR [TestCase[.test_name] …]

Needs strace for failing syncs, and the right to mount a small tmpfs for the full disk; says what it skips without.
"""
import argparse
import errno
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from sluice_process import (BATCH_NAME, FAKE_ENCODER, TINY_MODEL, Server, Sluice, await_true, decision, faults,
                            screen_arguments, why_no_strace, write_jobs)

BIN = pathlib.Path()
DONE, SOME_FAILED, BAD_INPUT, UNREACHABLE, REFUSED = range(5)
CUT = 130  # the server ended the stream of results
MIB = 1 << 20
MIN_FREE = 512 * MIB  # docs/limits.md: free disk
LEASE_SECONDS = 15


class RealFaults(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="sluice-faults-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)

    def make_server(self, data):
        server = Server(BIN / FAKE_ENCODER, data, TINY_MODEL)
        self.addCleanup(lambda: server.process and server.process.poll() is None and server.kill())
        return server, Sluice(BIN / "sluice", server.port)

    def screen(self, count):
        jobs = self.work / f"jobs-{count}.jsonl"
        if not jobs.exists():
            write_jobs(jobs, count)
        return screen_arguments(jobs, "all")

    def undisturbed(self, count):
        server, sluice = self.make_server(self.work / "calm")
        server.start()
        sluice.run(*self.screen(count))
        expected = {result["id"]: decision(result) for result in sluice.results(sluice.batches()[0]["name"])}
        server.stop()
        return expected

    def await_start(self, server):
        """Whether it is ready, or ended."""
        await_true(lambda: server.is_ready() or server.process.poll() is not None, 30, "a start or an end")
        return server.process.poll() is None

    def start_in_the_middle(self, server, sluice, count):
        """A batch with some outcomes, and more to come."""
        server.start()
        client = sluice.start(*self.screen(count))
        self.addCleanup(lambda: (client.process.kill(), client.close()))
        await_true(lambda: server.metric("sluice_jobs_total") > count / 10, 60, "the first outcomes")
        return sluice.batches()[0]["name"]


class Pause(RealFaults):
    def test_a_pause_longer_than_the_lease_loses_and_repeats_nothing(self):
        count = 6000
        expected = self.undisturbed(count)
        server, sluice = self.make_server(self.work / "paused")
        name = self.start_in_the_middle(server, sluice, count)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(LEASE_SECONDS + 5)
        server.process.send_signal(signal.SIGCONT)
        self.assertEqual(sluice.await_end(name, 60)["state"], "succeeded")
        self.assertEqual(faults(sluice.results(name), expected), {})
        self.assertIn("is lost; its work is dropped and claimed again", server.log_file.read_text())
        print(f"fenced results: {server.metric('sluice_fenced_results_total'):.0f}", file=sys.stderr)
        server.stop()


class FailingSync(RealFaults):
    def setUp(self):
        super().setUp()
        if without := why_no_strace():
            self.skipTest(without)

    def test_a_directory_that_cannot_be_synced_ends_the_start(self):
        server, _ = self.make_server(self.work / "unsynced")
        server.launch(inject="fsync:error=EIO")  # of directories; SQLite's files are synced by fdatasync
        self.assertEqual(server.process.wait(60), 1)
        self.assertIn("cannot sync the directory", server.process.stderr.read() + server.log_file.read_text())

    def test_nothing_is_acknowledged_any_more_and_the_process_ends(self):
        count = 12
        expected = self.undisturbed(count)
        server, sluice = self.make_server(self.work / "failing")
        server.start()
        server.stop()
        kept, served = [], 0
        for step in range(3, 30):
            server.launch(inject=f"fdatasync:error=EIO:when={step}+")
            if not self.await_start(server):
                self.assertEqual(server.process.wait(), 1)  # it was the opening's own
                continue
            served += 1
            told = []
            while True:
                call = sluice.run(*self.screen(count), check=False)
                told += BATCH_NAME.findall(call.stderr)[:1]
                if call.returncode != DONE:
                    break
            self.assertIn(call.returncode, (UNREACHABLE, CUT), call.stderr)
            late = sluice.run(*self.screen(count), check=False)
            self.assertIn(late.returncode, (UNREACHABLE, CUT), late.stderr)
            self.assertEqual(BATCH_NAME.findall(late.stderr), [])
            self.assertNotEqual(server.page("/readyz")[0], 200)
            self.assertEqual(server.process.wait(60), 1)
            self.assertIn("the store failed: ending", server.log_file.read_text())
            kept += told

            server.start()
            self.assertLessEqual(set(kept), {batch["name"] for batch in sluice.batches()})
            for name in kept:
                sluice.await_end(name, 30)
                self.assertEqual(faults(sluice.results(name), expected), {})
            server.stop()
            if served == 4:
                break
        self.assertTrue(kept)
        self.assertNotIn("died with work in flight", server.log_file.read_text())

    def test_a_start_whose_first_sync_fails_ends_with_a_message(self):
        server, _ = self.make_server(self.work / "failing")
        server.launch(inject="fdatasync:error=EIO:when=1+")
        self.assertEqual(server.process.wait(60), 1)
        self.assertIn("batches.db", server.process.stderr.read())


class FullDisk(RealFaults):
    def setUp(self):
        super().setUp()
        self.disk = self.work / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MIN_FREE + 64 * MIB}", "tmpfs", self.disk],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        self.filler = self.disk / "filler"

    def fill(self, leaving=0):
        with open(self.filler, "ab") as file:
            block = 16 * MIB
            while block >= 512:
                free = shutil.disk_usage(self.disk).free - leaving
                block = min(block, free) if free > 0 else 0
                try:
                    if block > 0:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    block //= 2

    def await_room(self, sluice):
        """The door looks at the disk every second."""
        await_true(lambda: sluice.run(*self.screen(12), check=False).returncode == DONE, 30, "the door sees the room")

    def assert_refused_whole(self, sluice, screen):
        known = sluice.batches()
        refused = sluice.run(*screen, check=False)
        self.assertEqual(refused.returncode, REFUSED, refused.stderr)
        self.assertIn("bytes free", refused.stderr)
        self.assertEqual(sluice.batches(), known)

    def test_what_does_not_fit_is_refused_whole_and_taken_once_there_is_room(self):
        count = 3000  # beyond 4 MiB: an upload
        server, sluice = self.make_server(self.disk / "data")
        server.start()
        self.fill(leaving=MIN_FREE - MIB)
        await_true(lambda: server.metric("sluice_data_free_bytes") < MIN_FREE, 30, "the figure of the free disk")
        await_true(lambda: sluice.run(*self.screen(12), check=False).returncode == REFUSED, 30, "the door sees it")
        self.assert_refused_whole(sluice, self.screen(count))
        self.assert_refused_whole(sluice, self.screen(12))
        self.assertGreater(server.metric("sluice_admission_refused_total"), 1)
        self.filler.unlink()
        self.await_room(sluice)
        sluice.run(*self.screen(count))
        self.assertEqual(len(sluice.results(sluice.batches()[0]["name"])), count)
        server.stop()

    def test_a_disk_that_fills_under_a_batch_holds_it_up_and_no_more(self):
        count = 20000
        expected = self.undisturbed(count)
        server, sluice = self.make_server(self.disk / "data")
        name = self.start_in_the_middle(server, sluice, count)
        self.fill()
        other = sluice.start(*self.screen(12))
        time.sleep(3)
        self.assertEqual(server.page("/readyz")[0], 200)
        self.assertLess(server.metric("sluice_jobs_total"), count)
        self.filler.unlink()
        code, _, err = other.close()  # the log of the store may have had room for it
        self.assertIn(code, (DONE, REFUSED, UNREACHABLE), err)
        self.assertEqual(sluice.await_end(name, 60)["state"], "succeeded")
        self.assertEqual(faults(sluice.results(name), expected), {})
        self.await_room(sluice)
        server.stop()


class DamagedFile(RealFaults):
    def setUp(self):
        super().setUp()
        self.server, self.sluice = self.make_server(self.work / "data")
        self.server.start()
        self.sluice.run(*self.screen(600))
        self.name = self.sluice.batches()[0]["name"]
        self.expected = {result["id"]: decision(result) for result in self.sluice.results(self.name)}
        self.server.stop()
        self.file = self.work / "data/batches.db"

    def assert_it_fails_in_order(self):
        """It ends by itself with 1, or serves what it still can: SQLite keeps no sums of its pages, so that damage
        within a value is not seen."""
        self.server.launch()
        if self.await_start(self.server):
            try:
                subprocess.run([*self.sluice.command, "batches", "results", self.name], timeout=5, capture_output=True)
            except subprocess.TimeoutExpired:
                pass
            self.server.process.send_signal(signal.SIGTERM)  # also while it ends by itself
        self.assertIn(self.server.process.wait(60), (0, 1))
        if self.server.process.returncode == 1:
            self.assertIn("damaged", self.server.process.stderr.read() + self.server.log_file.read_text())

    def test_random_bytes_in_its_middle(self):
        seed = random.SystemRandom().randrange(1 << 30)
        generator = random.Random(seed)
        whole = self.file.read_bytes()
        for case in range(3):
            with self.subTest(seed=seed, case=case):
                start = generator.randrange(4096, len(whole) - 4096)
                length = generator.randrange(1, 64 * 1024)
                damage = generator.randbytes(min(length, len(whole) - start))
                self.file.write_bytes(whole[:start] + damage + whole[start + len(damage):])
                self.assert_it_fails_in_order()

    def test_a_cut(self):
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:len(whole) // 2])
        self.server.launch()
        self.assertEqual(self.server.process.wait(60), 1)
        self.assertRegex(self.server.process.stderr.read(), "batches.db.*damaged")


class CutUpload(RealFaults):
    def test_a_client_that_dies_while_it_uploads_leaves_nothing(self):
        server, sluice = self.make_server(self.work / "data")
        server.start()
        client = sluice.start(*self.screen(20000))
        files = [server.data / "batches.db", server.data / "batches.db-wal"]
        await_true(lambda: sum(file.stat().st_size for file in files) > 4 * MIB, 30, "the first parts on the disk")
        client.process.kill()
        client.close()
        self.assertEqual(sluice.batches(), [])
        server.kill()
        server.start()
        self.assertEqual(sluice.batches(), [])
        server.stop()


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    arguments, tests = parser.parse_known_args()
    BIN = pathlib.Path(arguments.bin).resolve()
    unittest.main(argv=[sys.argv[0], *tests], verbosity=2)


if __name__ == "__main__":
    main()
