"""The machine that figures were taken on."""
import os
import pathlib
import re

FEATURES = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "bf16", "i8mm")


def _field(name):
    found = re.search(rf"^{name}\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found.group(1) if found else ""


def features():
    """Of FEATURES, those that the processor has."""
    have = set((_field("flags") or _field("Features")).split())
    return [name for name in FEATURES if name in have]


def has_bf16():
    """Without these instructions libraries emulate bf16, or quietly take another precision."""
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(features())


def processor():
    known = features()
    return (f"{_field('model name') or 'unknown processor'}, {len(os.sched_getaffinity(0))} cores, "
            f"{' '.join(known) or 'no vector extensions known'}{'' if 'amx_bf16' in known else ', no AMX'}")


class StolenTime:
    """What the host took of this machine's processor time for others since this was made."""

    def __init__(self):
        self._ticks = self._now()

    @staticmethod
    def _now():
        return [int(ticks) for ticks in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]

    def share(self):
        spent = [now - before for now, before in zip(self._now(), self._ticks)]
        return spent[7] / max(1, sum(spent))
