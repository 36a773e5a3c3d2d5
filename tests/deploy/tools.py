"""The outside programs that judge deploy/: where ./dev put them, or why a test is skipped."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOLS = pathlib.Path(os.environ.get("SLUICE_TOOLS", ROOT / ".deps/tools"))
PYTHON = TOOLS / "venv/bin/python"
HADOLINT = TOOLS / "venv/bin/hadolint"
KUBECTL = TOOLS / "venv/bin/kubectl"
PROMTOOL = TOOLS / "prometheus/promtool"
PROMETHEUS = TOOLS / "prometheus/prometheus"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE for these tests


def enter():
    """Goes on in the tools' own Python; ends the test as skipped when a tool is missing."""
    missing = [str(tool) for tool in (PYTHON, HADOLINT, KUBECTL, PROMTOOL, PROMETHEUS) if not tool.exists()]
    if missing:
        print(f"SKIPPED: missing {', '.join(missing)}; ./dev test fetches them where it can")
        sys.exit(SKIPPED)
    if pathlib.Path(sys.prefix) != PYTHON.parent.parent:
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
