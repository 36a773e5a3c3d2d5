"""What the rounds come to: medians, ratios, agreement, and the table."""
import array
import json
import math
import operator
import pathlib
import statistics


class Spread:
    """The median of a few figures, and from where to where they go."""

    def __init__(self, figures):
        figures = sorted(figures)
        self.median, self.least, self.greatest = statistics.median(figures), figures[0], figures[-1]

    def text(self, form="{:.1f}"):
        return f"{form.format(self.median)} ({form.format(self.least)}–{form.format(self.greatest)})"


def read_floats(path):
    floats = array.array("f")
    floats.frombytes(pathlib.Path(path).read_bytes())
    return floats


def _dot(a, b):
    return math.fsum(map(operator.mul, a, b))


def cosine(a, b):
    return _dot(a, b) / math.sqrt(_dot(a, a) * _dot(b, b))


def cosines(vectors_file, reference_file, dimensions):
    """(least, mean) over the rows of two files of raw float32 rows."""
    ours, theirs = read_floats(vectors_file), read_floats(reference_file)
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} floats where the reference has {len(theirs)}")
    found = []
    for begin in range(0, len(ours), dimensions):
        a, b = ours[begin:begin + dimensions], theirs[begin:begin + dimensions]
        found.append(cosine(a, b))
    return min(found), statistics.fmean(found)


def model_operations(directory, tokens):
    """Multiplications and additions that BERT's matrix products take for texts of so many tokens each."""
    config = json.loads((pathlib.Path(directory) / "config.json").read_text())
    layers, hidden, inner = (config[key] for key in ("num_hidden_layers", "hidden_size", "intermediate_size"))
    linear = 2 * hidden * (4 * hidden + 2 * inner)
    return sum(layers * (linear * count + 4 * hidden * count * count) for count in tokens)


AGREES = 0.999  # the least cosine to fp32, on every text, of an engine that agrees


def best_peer(rows, least_cosine=-1.0):
    """The fastest of those that are not Sluice, by median; None without any."""
    peers = [row for row in rows if row["kind"] == "peer" and row.get("seconds") and row["cosine"][0] >= least_cosine]
    return min(peers, key=lambda row: statistics.median(row["seconds"]), default=None)


def summarise(rows, tokens, operations, ceilings):
    """Adds to each measured row texts_per_second, tokens_per_second, ratios and share, as Spreads by round."""
    bests = {"ratio": best_peer(rows), "ratio_agreeing": best_peer(rows, AGREES)}
    for row in rows:
        if not row.get("seconds"):
            continue
        seconds = row["seconds"]
        row["texts_per_second"] = Spread([len(tokens) / s for s in seconds])
        row["tokens_per_second"] = Spread([sum(tokens) / s for s in seconds])
        for name, best in bests.items():
            if best is not None:
                row[name] = Spread([theirs / ours for ours, theirs in zip(seconds, best["seconds"])])
        tops = [ceiling.get(row["precision"], 0) for ceiling in ceilings]
        if tops and all(tops):
            row["share"] = Spread([100 * operations / s / top for s, top in zip(seconds, tops)])


HEADER = f"""| engine | threads, batch | texts/s | tokens/s | to the best peer | to the best that agrees with fp32 | \
% of the ceiling | cosine, least / mean |
{'|---' * 8}|"""


def ratio_text(row, name, best):
    return "best" if row is best else row[name].text("{:.2f}") if name in row else ""


def table_row(row, best, best_agreeing):
    name = f"**{row['name']}**" if row["kind"] == "sluice" else row["name"]
    if not row.get("seconds"):
        return f"| {name} | not measured: {row['reason']} |" + " |" * 6
    share = f"{row['precision']}: {row['share'].text('{:.0f}')}" if "share" in row else row["precision"]
    least, mean = row["cosine"]
    return (f"| {name} | {row['chosen']} | {row['texts_per_second'].text()} | {row['tokens_per_second'].median:.0f} | "
            f"{ratio_text(row, 'ratio', best)} | {ratio_text(row, 'ratio_agreeing', best_agreeing)} | {share} | "
            f"{least:.5f} / {mean:.5f} |")


def table(rows):
    """Markdown, the fastest first, what was not measured last."""
    bests = best_peer(rows), best_peer(rows, AGREES)
    ordered = sorted(rows, key=lambda row: statistics.median(row["seconds"]) if row.get("seconds") else math.inf)
    return "\n".join([HEADER, *(table_row(row, *bests) for row in ordered)])


def ceilings_text(ceilings):
    """The rounds' ceilings of each precision."""
    parts = []
    for precision in ceilings[0] if ceilings else ():
        figures = [ceiling[precision] / 1e12 for ceiling in ceilings]
        if all(figures):
            parts.append(f"{precision} {Spread(figures).text('{:.2f}')}")
    return f"matrix products, T operations/s: {', '.join(parts)}" if parts else "matrix products: not measured"
