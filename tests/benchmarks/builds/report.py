"""The table and the JSON of a comparison. Pure."""
import statistics

import paired
from figures import Spread


class Result:
    """A figure's values of both builds, round by round; or why there are none."""

    def __init__(self, measure, figure):
        self.measure, self.figure, self.values, self.failure = measure, figure, ([], []), ""

    def add(self, place, value):
        """Of OLD (0) or NEW (1)."""
        self.values[place].append(value)

    def ratios(self):
        """NEW/OLD of each round."""
        return [new / old for old, new in zip(*self.values)]


def row(result, percent):
    figure = result.figure
    name = f"| {figure.name} | {figure.unit} |"
    if result.failure:
        return f"{name} | | | failed: {' '.join(result.failure.split())} |"
    old, new = (Spread(values).text(figure.form) for values in result.values)
    ratios = result.ratios()
    low, high, _ = paired.median_spread(ratios)
    ratio = f"{statistics.median(ratios):.3f} ({low:.3f}–{high:.3f})"
    return f"{name} {old} | {new} | {ratio} | {paired.verdict(figure, ratios, percent)} |"


def table(about, results, percent):
    """Markdown."""
    old, new = about["builds"]
    lines = [f"{about['processor']}; {about['date']}; {about['rounds']} rounds; the host took {about['stolen']:.1%} for others",
             "", f"OLD: {old['label']}; {old['setup']}", "", f"NEW: {new['label']}; {new['setup']}", ""]
    if old["setup"] != new["setup"]:
        lines += ["**The builds run the model differently: figures of encoding compare that choice, too.**", ""]
    lines += ["| figure | unit | OLD | NEW | NEW/OLD | verdict |", "|---" * 6 + "|"]
    return "\n".join([*lines, *(row(result, percent) for result in results)])


def as_json(about, results, percent):
    return {**about, "figures": [of_result(result, percent) for result in results]}


def of_result(result, percent):
    plain = {"measure": result.measure, "name": result.figure.name, "unit": result.figure.unit,
             "more_is_better": result.figure.more_is_better, "old": result.values[0], "new": result.values[1]}
    if result.failure:
        return {**plain, "failure": result.failure}
    ratios = result.ratios()
    low, high, sure = paired.median_spread(ratios)
    return {**plain, "ratio": {"median": statistics.median(ratios), "low": low, "high": high, "sure": sure},
            "verdict": paired.verdict(result.figure, ratios, percent)}
