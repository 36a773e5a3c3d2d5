#!/usr/bin/env python3
"""Makes examples/postings.jsonl: 1,000 postings of the labelled screening benchmark in the columns job scrapers write.

    examples/make_examples.py BENCHMARK_SPLIT_DIRECTORY > examples/postings.jsonl

The directory holds items.jsonl and qrels.jsonl. Every posting that the benchmark relates to one of the QUERIES is
taken, so that examples/profile.yaml has something to find; the rest is every so many-th of the others. The choice is
a function of the input alone.
"""
import json
import pathlib
import sys

POSTINGS = 1000
QUERIES = {"dq098", "dq106", "dq109"}  # database people, whom examples/profile.yaml describes


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def choose(items, related):
    others = [item for item in items if item["id"] not in related]
    wanted = POSTINGS - (len(items) - len(others))
    spread = {others[i * len(others) // wanted]["id"] for i in range(wanted)}
    return [item for item in items if item["id"] in related or item["id"] in spread]


def main():
    split = pathlib.Path(sys.argv[1])
    related = {pair["iid"] for pair in read_lines(split / "qrels.jsonl") if pair["qid"] in QUERIES}
    for item in choose(read_lines(split / "items.jsonl"), related):
        posting = {
            "id": item["id"],
            "title": item["title"],
            "company": item["company"],
            "location": item["location"],
            "date_posted": item["posted_at"],
            "description": item["text"],
        }
        print(json.dumps(posting, ensure_ascii=False))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
