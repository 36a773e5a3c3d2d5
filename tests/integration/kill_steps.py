#!/usr/bin/env python3
"""Kills sluiced at every write and sync of a batch's life, under clients that never stop.

  kill_steps.py --bin DIR [--kills 100] [--clients 3] [--seed 1]

Clients submit small batches, follow them, check each result and delete most of them, all at once, while the server is
killed and started again on the same data directory: at its N-th fdatasync, its N-th write, its N-th truncation (by
strace; N goes up until a whole batch's life has passed) and at random moments. The server is the real one with an
encoder that costs nothing. What clients were told must hold:
  - a batch that was acknowledged is there until its deletion was acknowledged, and then it is gone for good;
  - a submission, however often its client tried it, made one batch or none, never a part of one;
  - every posting has one result, with the decision of an undisturbed run, under sequence numbers without a gap;
  - all of it is the same after a drain and another start.
"""
import argparse
import collections
import itertools
import random
import sys
import tempfile
import time

from sluice_process import (BATCH_NAME, FAKE_ENCODER, TINY_MODEL, Server, Sluice, decision, faults, json_lines,
                            quarantined, screen_arguments, why_no_strace, write_jobs)

JOBS = 12
GATE = "all"
GRACE_SECONDS = 180
KEPT_EVERY = 4  # of a client's batches one in so many is not deleted but compared at the end
DONE, SOME_FAILED, BAD_INPUT, UNREACHABLE = range(4)


def fail(message):
    sys.exit(f"FAILED: {message}")


class Promises:
    """What clients were told."""

    def __init__(self):
        self.acknowledged = {}  # batch name → the submission it was told to
        self.deleted = set()
        self.unanswered = 0

    def accept(self, name, submission):
        known = self.acknowledged.setdefault(name, submission)
        if known != submission:
            fail(f"{name} was told to {submission} and to {known}")


class Client:
    """Submits one batch after the other; every call may meet a dead server."""

    def __init__(self, number, world, max_rounds):
        self.number, self.max_rounds = number, max_rounds
        self.sluice, self.promises, self.expected, self.work = world
        self.rounds = 0
        self.submit()

    def turn(self):
        """Goes on with the next call when the last one ended."""
        if self.call is not None and self.call.ended():
            self.step(*self.call.close())

    def submit(self):
        self.submission = f"c{self.number}r{self.rounds:04d}-"
        jobs = f"{self.work}/jobs-{self.number}.jsonl"
        write_jobs(jobs, JOBS, prefix=self.submission)
        self.name = None
        self.step = self.submitted
        self.call = self.sluice.start(*screen_arguments(jobs, GATE))

    def submitted(self, code, out, err):
        if told := BATCH_NAME.search(err):
            self.name = told.group()
            self.promises.accept(self.name, self.submission)
        if code in (DONE, SOME_FAILED):
            self.check(out)
        elif code != UNREACHABLE:
            fail(f"{self.submission}: exit {code}: {err}")
        elif self.name:
            self.follow()
        else:
            self.promises.unanswered += 1
            self.next_round()

    def follow(self):
        self.step = self.followed
        self.call = self.sluice.start("batches", "results", self.name, "--json")

    def followed(self, code, out, err):
        if code in (DONE, SOME_FAILED):
            self.check(out)
        elif code == UNREACHABLE:
            self.follow()
        else:
            fail(f"{self.name} of {self.submission} was acknowledged, but: exit {code}: {err}")

    def check(self, out):
        results = json_lines(out)
        if wrong := faults(results, expected_of(self.submission, self.expected, results)):
            fail(f"{self.name} of {self.submission}: {wrong}")
        if (self.number + self.rounds) % KEPT_EVERY == 0:
            self.next_round()
        else:
            self.delete()

    def delete(self):
        self.step = self.deleted
        self.call = self.sluice.start("batches", "delete", self.name)

    def deleted(self, code, out, err):
        if code == UNREACHABLE:
            self.delete()
        elif code == DONE or (code == BAD_INPUT and "no batch" in err.lower()):  # a try whose answer was lost did it
            self.promises.deleted.add(self.name)
            self.next_round()
        else:
            fail(f"deleting {self.name}: exit {code}: {err}")

    def next_round(self):
        self.rounds += 1
        self.call = None
        if self.rounds < self.max_rounds:
            self.submit()


def expected_of(submission, expected, results):
    return {f"{submission}{i:07d}": what for i, what in enumerate(expected)} | quarantined(results)


class Killer:
    """Says how the next process dies: at a step, or after some seconds."""

    def __init__(self, generator, strace):
        self.generator = generator
        steps = [("fdatasync", 1), ("pwrite64", 7), ("fdatasync", 1), ("ftruncate", 1)] if strace else []
        self.kinds = itertools.cycle([*steps, ("random moment", 0)])
        self.next_step = collections.Counter()
        self.counts = collections.Counter()
        self.deepest = collections.Counter()

    def choose(self):
        """What strace injects, and seconds until SIGKILL, whatever happens."""
        self.kind, stride = next(self.kinds)
        if stride == 0:
            return "", self.generator.uniform(0.02, 1.0)
        self.next_step[self.kind] += 1 if stride == 1 else self.generator.randint(1, 2 * stride - 1)
        return f"{self.kind}:signal=SIGKILL:when={self.next_step[self.kind]}", 5.0

    def died(self, by_hand):
        self.counts["random moment" if by_hand else self.kind] += 1
        self.deepest[self.kind] = max(self.deepest[self.kind], self.next_step[self.kind])
        if by_hand:  # whole lives went by without a step of that number
            self.next_step[self.kind] = 0


def run_and_kill(server, clients, killer, kills, new_client):
    """Beside the clients that never stop, each process gets a fresh one, which does not wait to try again: when its
    batch's life is over, the process outlived its step."""
    for _ in range(kills):
        inject, seconds = killer.choose()
        server.launch(inject)
        fresh = None
        while server.process.poll() is None and time.monotonic() - server.started < seconds:
            if fresh is None and server.is_ready():
                fresh = new_client(max_rounds=1)
                clients.append(fresh)
            take_turns(clients)
            if inject and fresh is not None and fresh.call is None:
                break
        by_hand = server.process.poll() is None
        server.kill()
        if server.process.returncode != -9:
            fail(f"sluiced ended with {server.process.returncode}: {server.process.stderr.read()}")
        killer.died(by_hand)


def take_turns(clients):
    for client in clients:
        client.turn()
    clients[:] = [client for client in clients if client.call is not None]
    time.sleep(0.005)


def finish(server, clients):
    """Lets every client end its round on a server that lives."""
    server.start()
    for client in clients:
        client.max_rounds = 0
    until = time.monotonic() + GRACE_SECONDS
    while clients:
        take_turns(clients)
        if time.monotonic() > until:
            running = [(client.submission, client.call.arguments) for client in clients]
            fail(f"still running {GRACE_SECONDS} s after the last kill: {running}")


def check_all(sluice, promises, expected):
    """The results of every batch that is left, by name."""
    listed = [batch["name"] for batch in sluice.batches()]
    left = set(promises.acknowledged) - promises.deleted
    if lost := left - set(listed):
        fail(f"acknowledged and lost: {lost}")
    if back := promises.deleted & set(listed):
        fail(f"deleted and there again: {back}")
    everything, names = {}, {}
    for name in listed:
        sluice.await_end(name, 60)
        everything[name] = sluice.results(name)
        submission = everything[name][0]["id"][:-7]
        if (other := names.setdefault(submission, name)) != name:
            fail(f"{submission} made two batches, {name} and {other}")
        if wrong := faults(everything[name], expected_of(submission, expected, everything[name])):
            fail(f"{name} of {submission}: {wrong}")
    return everything


def undisturbed(binary, work):
    """The decision of each posting, in order."""
    server = Server(f"{binary}/{FAKE_ENCODER}", f"{work}/calm", TINY_MODEL)
    server.start()
    write_jobs(f"{work}/calm.jsonl", JOBS)
    out = Sluice(f"{binary}/sluice", server.port).run(*screen_arguments(f"{work}/calm.jsonl", GATE)).stdout
    server.stop()
    return [decision(result) for result in sorted(json_lines(out), key=lambda result: result["id"])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    if without := why_no_strace():
        print(f"only kills at random moments: {without}", flush=True)

    with tempfile.TemporaryDirectory() as work:
        expected = undisturbed(arguments.bin, work)
        server = Server(f"{arguments.bin}/{FAKE_ENCODER}", f"{work}/killed", TINY_MODEL)
        sluice = Sluice(f"{arguments.bin}/sluice", server.port)
        promises = Promises()
        killer = Killer(random.Random(arguments.seed), strace=not without)
        started = time.monotonic()
        numbers = itertools.count()

        def new_client(max_rounds):
            return Client(next(numbers), (sluice, promises, expected, work), max_rounds)

        clients = [new_client(max_rounds=sys.maxsize) for _ in range(arguments.clients)]
        run_and_kill(server, clients, killer, arguments.kills, new_client)
        killed_for = time.monotonic() - started
        finish(server, clients)
        found = check_all(sluice, promises, expected)
        server.stop()
        server.start()
        if check_all(sluice, promises, expected) != found:
            fail("a drain and another start changed results")
        server.stop()
        print(f"killed {sum(killer.counts.values())} times in {killed_for:.0f} s, {dict(killer.counts)}, deepest step "
              f"{dict(killer.deepest)}; {len(promises.acknowledged)} batches acknowledged, {len(promises.deleted)} of "
              f"them deleted, {promises.unanswered} submissions without an answer, {len(found)} batches at the end; "
              f"nothing lost, nothing twice, all decided as without kills; {time.monotonic() - started:.0f} s in all")
        if not promises.acknowledged or not promises.deleted:
            fail("no client ever got an answer: nothing was tried")


if __name__ == "__main__":
    main()
