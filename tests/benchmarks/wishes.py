"""Profiles with which every posting is encoded."""
import re


def write_wishes(profile, path):
    """The profile less its must and must_not rules: then everything goes on to the model."""
    blocks = re.split(r"(?m)^(?=  - id: |[a-z_]+:)", profile.read_text(encoding="utf-8"))
    path.write_text("".join(block for block in blocks if "\n    effect: must" not in block), encoding="utf-8")
    return path
