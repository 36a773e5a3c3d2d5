"""A build to measure, from what a person names: a revision, the work tree, or a directory with binaries."""
import os
import pathlib
import shutil
import subprocess

PROGRAMS = ("sluiced", "sluice")
STDERR = 2


class Unbuildable(Exception):
    """Why there is no such build."""


class Build:
    def __init__(self, label, binaries):
        self.label, self.binaries = label, pathlib.Path(binaries)

    def program(self, name):
        return self.binaries / name


def holds_programs(directory):
    return all(os.access(directory / "bin" / name, os.X_OK) for name in PROGRAMS)


def git(repository, *arguments):
    """Its output, or None where it fails."""
    done = subprocess.run(["git", "-C", str(repository), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def must(command, **where):
    """What it prints goes to stderr: stdout is for the table."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=STDERR, **where)
    if done.returncode != 0:
        raise Unbuildable(f"`{' '.join(map(str, command))}` ended with {done.returncode}")


class Checkout:
    """The sources of `repository`, and below its build/compare/ a work tree of each revision that was asked for. They
    are kept, built, for the next run."""

    def __init__(self, repository):
        self.repository = pathlib.Path(repository)

    def build(self, name):
        """Raises Unbuildable."""
        if name in ("", "."):
            return self.of_work_tree()
        directory = pathlib.Path(name)
        if holds_programs(directory):
            return Build(name, directory.resolve() / "bin")
        commit = git(self.repository, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}")
        if commit is None:
            raise Unbuildable(f"'{name}' is neither a revision nor a directory with bin/sluiced and bin/sluice")
        tree = self.tree_of(commit)
        return Build(f"{name} ({commit[:8]})" if not commit.startswith(name) else name, compiled(tree))

    def of_work_tree(self):
        commit = git(self.repository, "rev-parse", "--short=8", "HEAD") or "no commit"
        changed = "" if git(self.repository, "status", "--porcelain") == "" else " and changes"
        return Build(f"work tree ({commit}{changed})", compiled(self.repository))

    def tree_of(self, commit):
        tree = self.repository / "build/compare" / commit
        # Without a .git of its own git would answer for the repository around it.
        if not (tree / ".git").exists() or git(tree, "rev-parse", "HEAD") != commit or git(tree, "diff", "HEAD") != "":
            shutil.rmtree(tree, ignore_errors=True)
            tree.parent.mkdir(parents=True, exist_ok=True)
            must(["git", "-C", self.repository, "worktree", "prune"])
            must(["git", "-C", self.repository, "worktree", "add", "--quiet", "--force", "--detach", tree, commit])
        return tree


def compiled(tree):
    """The directory with the programs of these sources, as they are installed: optimised, without the tests."""
    # As ./dev configures, or the compiler's cache would know nothing of these files.
    flags = [f"-DSLUICE_WERROR={'ON' if os.environ.get('CI') else 'OFF'}"]
    if "LIBTORCH_DIR" in os.environ:
        flags.append(f"-DLIBTORCH_DIR={os.environ['LIBTORCH_DIR']}")
    if shutil.which("ccache"):
        flags.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    # So that a file compiled in one tree is found in the cache by the next one.
    around = {**os.environ, "CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1"}
    must(["cmake", "--preset", "package", "--log-level=WARNING", *flags], cwd=tree, env=around)
    must(["cmake", "--build", "build/package", "-j", os.environ.get("SLUICE_JOBS") or os.cpu_count(), "--target",
          *PROGRAMS], cwd=tree, env=around)
    return tree / "build/package/bin"
