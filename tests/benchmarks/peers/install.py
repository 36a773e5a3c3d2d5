"""The peers, each group apart, so that one that cannot be installed leaves the others: its reason becomes its row.

Everything lives under one folder: venv/ with all libraries but infinity-emb, which wants older ones of its own, and
infinity/. pins.txt and pins_infinity.txt fix every version, also of what they bring along.
"""
import os
import pathlib
import shlex
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
TORCH = "torch==2.13.0"
GROUPS = {
    "sentence-transformers": ("venv", ["sentence-transformers"]),
    "openvino": ("venv", ["onnx", "openvino", "nncf"]),
    "onnxruntime": ("venv", ["onnx", "onnxruntime"]),
    "ctranslate2": ("venv", ["ctranslate2"]),
    "infinity": ("infinity", ["infinity-emb[torch,server]"]),
}
PINS = {"venv": HERE / "pins.txt", "infinity": HERE / "pins_infinity.txt"}


def pip(python, *arguments):
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = [line for line in done.stdout.splitlines() if line.startswith("ERROR")] or done.stdout.splitlines()[-1:]
    return "" if done.returncode == 0 else " ".join(said)[:300] or f"pip ended with {done.returncode}"


def environment(folder, name):
    """Its Python, with torch in it; raises RuntimeError with what pip said."""
    python = folder / name / "bin/python"
    if not python.exists():
        venv.create(folder / name, with_pip=True)
    if (problem := pip(python, *shlex.split(os.environ.get("SLUICE_PIP_ARGS", "")), TORCH)):
        raise RuntimeError(f"{TORCH}: {problem}")
    return python


def install_group(folder, group):
    """Nothing, or why it cannot be had."""
    name, packages = GROUPS[group]
    pins = PINS[name].read_text()
    done = folder / f"{group}.installed"
    if done.exists() and done.read_text() == pins:
        return ""
    print(f"installing {group} into {folder / name}", file=sys.stderr, flush=True)
    try:
        problem = pip(environment(folder, name), "-c", str(PINS[name]), *packages)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        return str(error)
    if not problem:
        done.write_text(pins)
    return problem


def install(folder, groups):
    """By group: nothing, or why it cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    return {group: install_group(folder, group) for group in groups}


def main():
    """install.py GROUP…: into .deps/peers."""
    problems = install(HERE.parents[2] / ".deps/peers", sys.argv[1:] or GROUPS)
    for group, problem in problems.items():
        if problem:
            print(f"{group} cannot be installed: {problem}", file=sys.stderr)
    return int(any(problems.values()))


if __name__ == "__main__":
    sys.exit(main())
