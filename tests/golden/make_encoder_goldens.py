#!/usr/bin/env python3
"""Writes the encoder's golden vectors: token ids and sentence-transformers fp32 vectors of 500 texts.

  make_encoder_goldens.py --model DIR --corpus items.jsonl --output tests/golden/encoder_goldens.bin

Needs torch, sentence-transformers and numpy. The corpus is JSON lines with a `text`; 420 of its texts are taken by a
fixed seed, beside 40 of their first sentences, 20 texts longer than the model's limit and 20 written below.

Format, little-endian: int32 texts, int32 dimensions, int32 lengths[texts], int32 ids[sum of lengths],
float32 vectors[texts][dimensions].
"""
import argparse
import json
import random

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

WRITTEN = [
    "", " ", "a", "!", "Nurse", "C++", "42", "remote", "Software engineer", "senior data scientist, Berlin",
    "Wir suchen eine Pflegefachkraft (m/w/d) in Vollzeit.", "東京でソフトウェアエンジニアを募集しています。",
    "Требуется бухгалтер со знанием 1С.", "مطلوب مهندس برمجيات", "👩‍💻 we are hiring 🚀", "naïve café résumé",
    "https://example.com/jobs?id=1&lang=en", "Salary: $120,000 – $150,000 a year", "x" * 120, "the " * 50,
]


def choose_texts(corpus):
    generator = random.Random(20260115)
    postings = [json.loads(line)["text"] for line in open(corpus, encoding="utf-8")]
    generator.shuffle(postings)
    sentences = [text.split("\n")[2].split(". ")[0] for text in postings[420:460]]
    long = [" ".join(postings[460 + 3 * i : 463 + 3 * i]) for i in range(20)]
    return postings[:420] + sentences + long + WRITTEN


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--model", "--corpus", "--output"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()

    model = SentenceTransformer(args.model, device="cpu", model_kwargs={"dtype": torch.float32})
    texts = choose_texts(args.corpus)
    assert len(texts) == 500
    ids = [model.tokenize([text])["input_ids"][0].tolist() for text in texts]
    assert max(map(len, ids)) == model.max_seq_length, "some text must reach the limit"
    vectors = model.encode(texts, batch_size=32, convert_to_numpy=True).astype("<f4")
    with open(args.output, "wb") as out:
        np.array(vectors.shape, dtype="<i4").tofile(out)
        np.array([len(text) for text in ids], dtype="<i4").tofile(out)
        np.concatenate([np.array(text, dtype="<i4") for text in ids]).tofile(out)
        vectors.tofile(out)
    print(f"{len(texts)} texts, {sum(map(len, ids))} tokens, {vectors.shape[1]} dimensions")


if __name__ == "__main__":
    main()
