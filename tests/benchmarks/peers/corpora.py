"""The texts that every engine gets, with their token counts and reference vectors: corpora.py MODEL FOLDER TEXTS

Writes NAME.txt (a text a line), NAME.f32 (sentence-transformers, fp32, one text at a time) and corpora.json. TEXTS is the
number of mixed texts; there are four times as many short ones and half as many long ones.
  short   title, company and place of a posting, about 20 tokens
  mixed   pieces of postings, about 180 tokens, from 60 to the model's limit
  long    at the model's limit: every text is longer and is cut there
"""
import json
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def postings():
    with open(ROOT / "examples/postings.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def short(rows, count):
    return [f"{row['title']} wanted at {row['company']} in {row['location']}, {row['date_posted'][:4]}"
            for row in rows[:count]]


def mixed(rows, count):
    """From 0.3 to 1.5 of a description, the rest from the next one."""
    chance = random.Random(7)
    texts = []
    for one, other in zip(rows[:count], rows[1:]):
        words = one["description"].split()
        texts.append(" ".join((words + other["description"].split())[:int(len(words) * chance.uniform(0.3, 1.5))]))
    return texts


def long(rows, count):
    return [" ".join(row["description"] for row in rows[i:i + 3]) for i in range(count)]


def write(directory, folder, count):
    from sentence_transformers import SentenceTransformer
    rows = postings()
    corpora = {"short": short(rows, 4 * count), "mixed": mixed(rows, count), "long": long(rows, max(1, count // 2))}
    reference = SentenceTransformer(directory, device="cpu")
    written = {"dimensions": reference.get_embedding_dimension(), "corpora": {}}
    for name, texts in corpora.items():
        texts = [" ".join(text.split()) for text in texts]
        (folder / f"{name}.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        reference.encode(texts, batch_size=1, normalize_embeddings=True).astype("float32").tofile(folder / f"{name}.f32")
        tokens = [len(ids) for ids in reference.tokenizer(texts, truncation=True,
                                                          max_length=reference.max_seq_length)["input_ids"]]
        written["corpora"][name] = {"tokens": tokens}
    (folder / "corpora.json").write_text(json.dumps(written))


if __name__ == "__main__":
    write(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]))
