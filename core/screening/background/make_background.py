#!/usr/bin/env python3
"""Writes background_table.cc: how many of a collection's postings have each term, for BM25's idf.

  make_background.py items.jsonl > background_table.cc

Each line of items.jsonl has a `text`. Needs snowballstemmer. Words, stop words and stems are those of
core/text/words.h (ScoringWords); terms of a single posting are left out: an unknown term's idf is close to theirs.
"""
import json
import re
import sys
from collections import Counter

import snowballstemmer

WORD = re.compile(r"[^\W_](?:[^\W_]|[+#])*(?:[.'-](?:[^\W_]|[+#])+)*")
STOP = set("a an and are as at be by for from has have i in is it its of on or that the their they this to was we with "
           "you your will our my not other such using use used work job role who may can".split())


def main():
    stem = snowballstemmer.stemmer("english").stemWord
    documents, words, having = 0, 0, Counter()
    for line in open(sys.argv[1], encoding="utf-8"):
        tokens = [stem(w) for w in WORD.findall(json.loads(line)["text"].lower()) if w not in STOP]
        documents, words = documents + 1, words + len(tokens)
        having.update(set(tokens))
    kept = sorted((t, n) for t, n in having.items() if n >= 2)
    entries = [f'{{"{t}", {n}}},' for t, n in sorted(kept, key=lambda x: x[0].encode())]
    lines, line = [], "   "
    for entry in entries:
        if len(line) + len(entry) + 1 > 109:
            lines, line = lines + [line], "   "
        line += " " + entry
    print(f"""// Made by make_background.py from the screening benchmark's dev split, derived from O*NET (US Department of
// Labor/ETA, CC BY 4.0, modified) and ESCO (European Union, Decision 2011/833/EU, modified). Do not edit.
#include "core/screening/background/background.h"

namespace sluice {{

// clang-format off
constexpr BackgroundTerm kTerms[] = {{
{chr(10).join(lines + [line])}
}};
// clang-format on

const Background& ShippedBackground() {{
  static constexpr Background kBackground{{{documents}, {words / documents!r}, kTerms, std::size(kTerms)}};
  return kBackground;
}}

}}  // namespace sluice""")


if __name__ == "__main__":
    main()
