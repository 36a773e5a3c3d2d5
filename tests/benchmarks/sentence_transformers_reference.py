#!/usr/bin/env python3
"""Texts a second of sentence-transformers on a JSON lines corpus, to hold encoder_benchmark's figures against; writes
the corpus's token ids for it.

  sentence_transformers_reference.py --model DIR --corpus items.jsonl --tokens tokens.txt [--texts N] [--threads N]
"""
import argparse
import json
import time

import torch
from sentence_transformers import SentenceTransformer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--tokens", required=True, help="file to write, one text a line")
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    model = SentenceTransformer(args.model, device="cpu", model_kwargs={"dtype": torch.float32})
    with open(args.corpus, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for _, line in zip(range(args.texts), lines)]
    ids = [model.tokenizer(text, truncation=True, max_length=model.max_seq_length)["input_ids"] for text in texts]
    with open(args.tokens, "w", encoding="ascii") as out:
        out.writelines(" ".join(map(str, text)) + "\n" for text in ids)

    model.encode(texts[:64], batch_size=args.batch)
    for _ in range(args.rounds):
        begin = time.perf_counter()
        model.encode(texts, batch_size=args.batch)
        seconds = time.perf_counter() - begin
        print(f"sentence-transformers fp32 batch {args.batch}: {len(texts) / seconds:.1f} texts/s, "
              f"{sum(map(len, ids)) / seconds:.0f} tokens/s", flush=True)


if __name__ == "__main__":
    main()
