#!/usr/bin/env python3
"""Checks the rules of the layout that no compiler checks. Prints file:line of each breach and exits 1.

  * a folder includes only folders that stand below it (ALLOWED)
  * core knows no gRPC, Protobuf or server; Torch headers stay in core/inference/torch
  * no sleeping, no wall clock and no absl::Mutex in core
  * every test source is named by a CMakeLists.txt
  * tests in C++ that start processes or open sockets carry the label `process`
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# folder -> folders it may include besides itself
ALLOWED = {
    "core/base": [],
    "core/metrics": ["core/base", "core/store"],
    "core/hardware": ["core/base"],
    "core/text": ["core/base"],
    "core/batching": ["core/base", "core/metrics"],
    "core/inference": ["core/base", "core/metrics", "core/hardware", "core/text", "core/batching", "core/store"],
    "core/screening": ["core/base", "core/text"],
    "core/documents": ["core/base", "core/text"],
    "core/admission": ["core/base", "core/batching"],
    "core/store": ["core/base"],
    "core/results": ["core/base", "core/store"],
    "core/pipeline": ["core/base", "core/metrics", "core/text", "core/batching", "core/screening", "core/documents", "core/store"],
    "server": ["core", "proto"],
    "client": ["core/base", "proto"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')
TORCH = re.compile(r"^(torch|ATen|c10)/")
RPC = re.compile(r"^(grpc|grpcpp|google/protobuf|google/rpc|sluice/v1)/|\.pb\.h$")
FORBIDDEN_IN_CORE = [
    (re.compile(r"\b(sleep_for|sleep_until|absl::SleepFor|usleep|nanosleep)\b"), "sleeps: wait on a condition or take a Clock"),
    (re.compile(r"\babsl::Now\(|system_clock::now|steady_clock::now"), "reads a clock: take a Clock"),
    (re.compile(r"\babsl::(Mutex|MutexLock|Notification|CondVar)\b"), "absl's mutex has false races under TSan: core/base/mutex.h"),
]
PROCESSES = re.compile(r"\bfork\(\)|\bposix_spawn|\bpopen\(|\bsocket\(|CreateChannel|GrpcServer::Create|AdminServer|"
                       r"LocalServer::Start|fake_batch_server\.h")
SLUICE_TEST = re.compile(r"sluice_test\(([^)]*)\)")
# gRPC takes deadlines on the monotonic clock, too: server/rpc/deadline.h, client/cpp/deadline.h.
FORBIDDEN_BESIDE_GRPC = [
    (re.compile(r"\babsl::Now\(|system_clock::now"), "reads the wall clock: one that is set would move what is waited for"),
]
CLOCK_OWNERS = {"core/base/clock.cc"}


def folder_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "core" else parts[0]


def may_include(folder, target):
    if target == folder or target.startswith(folder + "/"):
        return True
    return any(target == allowed or target.startswith(allowed + "/") for allowed in ALLOWED.get(folder, []))


def check_source(path, breaches):
    folder = folder_of(path)
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            target = found.group(1)
            if TORCH.match(target) and not path.startswith("core/inference/torch/"):
                breaches.append(f"{path}:{number}: Torch header outside core/inference/torch")
            if folder.startswith("core/") and (RPC.search(target) or target.startswith("server/")):
                breaches.append(f"{path}:{number}: core must not know {target}")
            if target.split("/")[0] in ("core", "server", "client", "tests"):
                owner = folder_of(target)
                if not may_include(folder, owner):
                    breaches.append(f"{path}:{number}: {folder} must not include {target}")
        forbidden = FORBIDDEN_IN_CORE if folder.startswith("core/") else []
        if folder in ("server", "client"):
            forbidden = FORBIDDEN_BESIDE_GRPC
        if path not in CLOCK_OWNERS and not line.lstrip().startswith("//"):
            for pattern, reason in forbidden:
                if pattern.search(line):
                    breaches.append(f"{path}:{number}: {reason}")


def check_labels(path, breaches):
    """Of the test programs that a CMakeLists.txt names; a folder may label all of its tests at once."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if "set_property(TEST ${tests} APPEND PROPERTY LABELS process)" in text:
        return
    for found in SLUICE_TEST.finditer(text):
        words = found.group(1).split()
        if "LABELS" in words and "process" in words[words.index("LABELS"):]:
            continue
        for word in words:
            source = (ROOT / path).parent / word
            if word.endswith(".cc") and source.exists() and PROCESSES.search(source.read_text(encoding="utf-8")):
                number = text.count("\n", 0, found.start()) + 1
                breaches.append(f"{path}:{number}: {word} starts processes or opens sockets: move it to a test with LABELS process")


def main():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    breaches = []
    for path in listed:
        if path.endswith((".h", ".cc")) and path.startswith(("core/", "server/", "client/")):
            check_source(path, breaches)
    registered = "\n".join((ROOT / path).read_text() for path in listed if path.endswith("CMakeLists.txt"))
    for path in listed:
        if path.startswith("tests/") and path.endswith("_test.cc") and pathlib.PurePath(path).name not in registered:
            breaches.append(f"{path}:1: no CMakeLists.txt names this test")
    for path in listed:
        if path.startswith("tests/") and path.endswith("CMakeLists.txt"):
            check_labels(path, breaches)
    print("\n".join(breaches) if breaches else f"{len(listed)} files, no breach")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
