#!/usr/bin/env python3
"""What a machine does to a server, done to a real one: a pause longer than its lease, syncs that fail, a full disk, a
damaged file, a data directory that is taken away, a client that dies while it uploads.

  real_faults.py --bin DIR [TestCase[.test_name] …]

Needs strace for failing syncs, and the right to mount a small tmpfs for the full disk; says what it skips without.
"""
import argparse
import errno
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
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

    def make_server(self, data, notes=None):
        server = Server(BIN / FAKE_ENCODER, data, TINY_MODEL, notes=notes)
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


class ExceededQuota(RealFaults):
    def setUp(self):
        super().setUp()
        if without := why_no_strace():
            self.skipTest(without)

    def test_is_as_a_full_disk_and_goes_on_when_it_is_raised(self):
        server, sluice = self.make_server(self.work / "quota")
        server.start()
        server.stop()
        server.start(inject="pwrite64:error=EDQUOT:when=60..75")  # of each thread; one screening writes more
        for _ in range(8):
            sluice.run(*self.screen(12), check=False)
            self.assertIsNone(server.process.poll(), server.log_file.read_text())
        sluice.run(*self.screen(12))
        self.assertEqual(server.page("/readyz")[0], 200)
        for batch in sluice.batches():
            self.assertEqual(sluice.await_end(batch["name"], 30)["state"], "succeeded")
        server.stop()


class FileAtItsLimit(RealFaults):
    def test_is_a_failed_store_with_its_cause_and_no_death(self):
        server, sluice = self.make_server(self.work / "data", notes=self.work)
        server.start()
        sluice.run(*self.screen(12))
        size = (server.data / "batches.db-wal").stat().st_size
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, size))
        codes = {sluice.run(*self.screen(600), check=False).returncode for _ in range(2)}
        self.assertLessEqual(codes, {UNREACHABLE, CUT})
        self.assertEqual(server.process.wait(20), 1)
        self.assertRegex(server.log_file.read_text(), "batches.db: disk I/O error .*: File too large")


class FullDisk(RealFaults):
    def setUp(self):
        super().setUp()
        self.disk = self.work / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MIN_FREE + 128 * MIB}", "tmpfs", self.disk],
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


    def test_room_is_made_by_deleting_and_cancelling_where_there_is_none(self):
        server, sluice = self.make_server(self.disk / "data")
        name = self.start_in_the_middle(server, sluice, 20000)
        self.fill()
        sluice.run("batches", "cancel", name)
        self.assertEqual(sluice.await_end(name, 60)["state"], "cancelled")
        used = sum(file.stat().st_size for file in server.data.glob("batches.db*"))
        sluice.run("batches", "delete", name)
        self.assertEqual(sluice.batches(), [])
        left = sum(file.stat().st_size for file in server.data.glob("batches.db*") if file.suffix != ".reserve")
        self.assertLess(left, used / 10)
        server.stop()

    def test_a_backup_that_does_not_fit_is_not_begun(self):
        server, sluice = self.make_server(self.disk / "data", notes=self.work)
        server.start()
        sluice.run(*self.screen(600))
        self.fill()
        server.process.send_signal(signal.SIGUSR1)
        await_true(lambda: "no backup: " in server.log_file.read_text(), 30, "the backup's end")
        self.assertRegex(server.log_file.read_text(), "no backup: .*it needs [0-9]+ bytes")
        self.assertEqual(list((server.data / "backups").iterdir()), [])
        server.stop()

    def test_a_start_on_a_full_disk_serves_who_frees_room(self):
        server, sluice = self.make_server(self.disk / "data", notes=self.work)
        server.start()
        sluice.run(*self.screen(3000))
        name = sluice.batches()[0]["name"]
        server.stop()
        self.fill()
        server.start()
        sluice.run("batches", "delete", name)
        self.assertEqual(sluice.batches(), [])
        server.stop()


class LostDirectory(RealFaults):
    """What is written into a file that is no longer at its path is lost: nothing of it is acknowledged."""

    def setUp(self):
        super().setUp()
        self.data = self.work / "data"
        self.server, self.sluice = self.make_server(self.data, notes=self.work)
        self.server.start()
        self.sluice.run(*self.screen(12))

    def assert_it_gives_up(self, path):
        call = self.sluice.run(*self.screen(12), check=False)
        self.assertIn(call.returncode, (UNREACHABLE, CUT), call.stderr)
        self.assertEqual(BATCH_NAME.findall(call.stderr), [])
        self.assert_it_ends(path)

    def assert_it_ends(self, path):
        started = time.monotonic()
        self.assertEqual(self.server.process.wait(20), 1)
        print(f"ended after {time.monotonic() - started:.2f} s", file=sys.stderr)
        log = self.server.log_file.read_text()
        self.assertIn(str(path), log)
        self.assertIn("the store failed: ending", log)

    def test_it_is_deleted(self):
        shutil.rmtree(self.data)
        self.assert_it_gives_up(self.data / "batches.db")
        self.assertFalse(self.data.exists())

    def test_it_is_renamed_and_comes_back(self):
        acknowledged = {batch["name"] for batch in self.sluice.batches()}
        moved = self.work / "moved"
        self.data.rename(moved)
        self.assert_it_gives_up(self.data / "batches.db")
        moved.rename(self.data)
        self.server.start()
        self.assertLessEqual(acknowledged, {batch["name"] for batch in self.sluice.batches()})
        self.server.stop()

    def test_it_is_deleted_and_nobody_calls(self):
        shutil.rmtree(self.data)
        self.assert_it_ends(self.data / "batches.db")

    def test_only_the_log_of_the_store_is_deleted(self):
        (self.data / "batches.db-wal").unlink()
        self.assert_it_gives_up(self.data / "batches.db-wal")

    def files(self):
        return {file: file.read_bytes() for file in self.data.rglob("*") if file.is_file()}

    def test_another_takes_its_place(self):
        shutil.copytree(self.data, self.work / "other")
        self.data.rename(self.work / "moved")
        (self.work / "other").rename(self.data)
        there = self.files()
        self.assert_it_gives_up(self.data / "batches.db")
        self.assertEqual(self.files(), there)

    def test_it_is_deleted_in_the_middle_of_a_batch(self):
        client = self.sluice.start(*self.screen(20000))
        self.addCleanup(lambda: (client.process.kill(), client.close()))
        await_true(lambda: self.server.metric("sluice_jobs_total") > 2000, 60, "the first outcomes")
        shutil.rmtree(self.data)
        self.assert_it_ends(self.data / "batches.db")

    def test_another_file_system_hides_it(self):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.data], capture_output=True,
                                 text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.data], check=True)
        self.assert_it_gives_up(self.data / "batches.db")
        self.assertEqual(list(self.data.iterdir()), [])


class UnusableDirectory(RealFaults):
    """What a person has to mend is named with its path and cause, and is exit 2."""

    def setUp(self):
        super().setUp()
        self.data = self.work / "data"

    def assert_refused(self, *words, user=None):
        """The server as `user`, whom the machine lets do less."""
        command = [*self.server().command]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, user=user)
        self.assertEqual(ended.returncode, 2, ended.stderr)
        for word in words:
            self.assertIn(str(word), ended.stderr)
        self.assertNotIn("disk I/O error", ended.stderr)

    def server(self):
        notes = self.work / "notes"
        notes.mkdir(exist_ok=True)
        notes.chmod(0o777)
        server, _ = self.make_server(self.work / "scratch", notes=notes)
        server.command = [f"--data={self.data}" if word.startswith("--data=") else word for word in server.command]
        return server

    def test_its_path_is_a_file(self):
        self.data.write_text("file")
        self.assert_refused(self.data, "Not a directory")
        self.data = self.data / "below"
        self.assert_refused(self.work / "data", "Not a directory")

    def test_the_store_is_no_file_or_not_ours(self):
        self.data.mkdir()
        store = self.data / "batches.db"
        store.mkdir()
        self.assert_refused(store, "is a directory")
        store.rmdir()
        os.mkfifo(store)
        self.assert_refused(store, "is a FIFO")
        store.unlink()
        store.write_text("dear diary")
        self.assert_refused(store, "is not a batch store of Sluice")
        self.assertEqual(store.read_text(), "dear diary")

    def test_it_is_of_a_newer_schema(self):
        server, _ = self.make_server(self.data, notes=self.work)
        server.start()
        server.stop()
        with sqlite3.connect(self.data / "batches.db") as store:
            store.execute("PRAGMA user_version = 99")
        store.close()
        self.assert_refused(self.data / "batches.db", "has schema 99")

    def test_another_server_has_it(self):
        server, _ = self.make_server(self.data, notes=self.work)
        server.start()
        self.assert_refused(self.data / "batches.db", "another process", f"process {server.process.pid}")
        server.stop()

    def test_it_is_read_only(self):
        self.data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,ro", "tmpfs", self.data], capture_output=True,
                                 text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.data], check=True)
        self.assert_refused(self.data / "batches.db", "Read-only file system")

    def test_it_belongs_to_somebody_else(self):
        if os.getuid() != 0:
            self.skipTest("only root can start a server as somebody else")
        self.work.chmod(0o755)
        self.assert_refused("cannot make the directory", self.data, "Permission denied", user=65534)
        server, _ = self.make_server(self.data, notes=self.work)
        server.start()
        server.stop()
        self.assert_refused(self.data / "batches.db", "Permission denied", "belongs to user 0", "runs as user 65534",
                            user=65534)

    def test_it_is_full(self):
        self.data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", self.data], capture_output=True,
                                 text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.data], check=True)
        self.assert_refused(self.data / "batches.db", "the disk is full")


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

    def test_what_a_killed_server_received_of_an_upload_is_dropped_at_the_next_start(self):
        server, sluice = self.make_server(self.work / "data")
        server.start()
        empty = (server.data / "batches.db").stat().st_size
        client = sluice.start(*self.screen(20000))
        files = [server.data / "batches.db", server.data / "batches.db-wal"]
        await_true(lambda: sum(file.stat().st_size for file in files) > 24 * MIB, 30, "the first parts on the disk")
        server.kill()
        client.process.kill()
        client.close()
        self.assertGreater(sum(file.stat().st_size for file in files), 24 * MIB)
        server.start()
        self.assertIn("dropped 1 upload", server.log_file.read_text())
        await_true(lambda: sum(file.stat().st_size for file in files) < empty + MIB, 30, "their room is given back")
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
