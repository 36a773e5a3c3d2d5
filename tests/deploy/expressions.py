"""Every PromQL expression under deploy/, and what it reads."""
import json
import re

import yaml

from tools import ROOT

DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
RULES = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))

STRING = re.compile(r'"[^"]*"')
NO_METRIC = re.compile(r"\{[^}]*\}|\[[^]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
NAME = re.compile(r"(?<![a-zA-Z0-9_:.])[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\(|[a-zA-Z0-9_:])")
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "inf", "nan"}
COMPARISON = re.compile(r"(==|!=|>=|<=|(?<![=!<>])>(?!=)|<(?!=))")


def panels(dashboard):
    """Every panel that is not a row, also those inside collapsed rows."""
    for panel in dashboard["panels"]:
        yield from panel.get("panels", [])
        if panel["type"] != "row":
            yield panel


def rules(kind):
    for path in RULES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from (rule for rule in group["rules"] if kind in rule)


def in_dashboards():
    """(where, expression) with the variables still in it. An annotation is an event and has no data in between: of it, the
    expression that measures it."""
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']} {target['refId']}", target["expr"]
        for annotation in dashboard["annotations"]["list"]:
            yield f"{path.name}: annotation {annotation['name']}", as_measurement(annotation["expr"])


def with_variables(expression, interval="30s"):
    """As Grafana sends it with every server chosen."""
    return expression.replace("$__rate_interval", interval).replace("$instance", ".*")


def metric_names(expression):
    bare = NO_METRIC.sub(" ", STRING.sub('""', with_variables(expression)))
    return {name for name in NAME.findall(bare) if name.lower() not in WORDS}


def as_measurement(expression):
    """An alert's or annotation's expression that answers 0 or 1 whenever it has the data to decide, instead of nothing when
    all is well."""
    pieces = re.split(r'("[^"]*"|\{[^}]*\})', expression)
    pieces[::2] = [COMPARISON.sub(r"\1 bool ", piece) for piece in pieces[::2]]
    return re.sub(r"\babsent\s*\(", "(", "".join(pieces))
