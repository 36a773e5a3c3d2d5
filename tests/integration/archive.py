#!/usr/bin/env python3
"""Documents through a real server and the real command: added, shown, added again, killed in the middle, removed.

  archive.py --bin DIR
"""
import argparse
import json
import os
import pathlib
import tempfile

from sluice_process import FAKE_ENCODER, TINY_MODEL, Server, Sluice, await_true


def pdf(pages):
    """A PDF with one line of text for each page's title and body, and an outline of the titles."""
    objects = []

    def add(body):
        objects.append(body)
        return len(objects)

    catalog, tree, outline = add(None), add(None), add(None)
    font = add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    kids, entries = [], []
    for title, body in pages:
        text = f"BT /F1 18 Tf 72 700 Td ({title}) Tj ET BT /F1 10 Tf 72 660 Td ({body}) Tj ET"
        stream = add(f"<< /Length {len(text)} >>\nstream\n{text}\nendstream")
        kids.append(add(f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R "
                        f"/Resources << /Font << /F1 {font} 0 R >> >> >>"))
        entries.append((title, kids[-1]))
    first = len(objects) + 1
    for i, (title, page) in enumerate(entries):
        beside = f"/Next {first + i + 1} 0 R " if i + 1 < len(entries) else ""
        beside += f"/Prev {first + i - 1} 0 R " if i else ""
        add(f"<< /Title ({title}) /Parent {outline} 0 R {beside}/Dest [{page} 0 R /Fit] >>")
    objects[catalog - 1] = f"<< /Type /Catalog /Pages {tree} 0 R /Outlines {outline} 0 R >>"
    objects[tree - 1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>"
    objects[outline - 1] = f"<< /Type /Outlines /First {first} 0 R /Last {len(objects)} 0 R /Count {len(entries)} >>"
    out, places = b"%PDF-1.5\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    return out + f"trailer << /Size {len(objects) + 1} /Root {catalog} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()


def book(name, pages):
    return pdf([(f"Chapter {number} of {name}", f"The body of page {number}, which says {name}{number}.")
                for number in range(1, pages + 1)])


class Shelf:
    def __init__(self, binaries, work):
        self.work = work
        self.books = work / "books"
        self.books.mkdir()
        self.server = Server(binaries / FAKE_ENCODER, work / "data", model=TINY_MODEL)
        self.server.start()
        self.sluice = Sluice(binaries / "sluice", self.server.port)

    def add(self, name, content):
        (self.books / name).write_bytes(content)

    def archive(self, *arguments, code=0):
        ended = self.sluice.run("archive", *map(str, arguments), check=False)
        assert ended.returncode == code, (arguments, ended.returncode, ended.stdout, ended.stderr)
        return ended

    def source(self, name):
        return str(self.books / name)

    def page(self, name, number):
        return json.loads(self.archive("page", self.source(name), number, "--json").stdout)

    def documents(self):
        return [json.loads(line) for line in self.archive("ls", "--json").stdout.splitlines()]


def parsers_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
        int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() if int(task.name) != pid
        for child in (task / "children").read_text().split()]


def test_books_become_pages(shelf):
    """A directory becomes documents; what is no document, or is damaged, is said, and the rest goes on."""
    shelf.add("one.pdf", book("one", 3))
    shelf.add("notes.md", b"# Notes\n\nFirst words.\n\n## Deeper\n\nMore words.\n")
    shelf.add("damaged.pdf", b"%PDF-1.5\nnothing of a PDF follows")
    shelf.add("empty.pdf", b"")
    shelf.add("picture.pdf", b"\x89PNG\r\n\x1a\n" + bytes(100))
    shelf.add(".hidden.pdf", book("hidden", 1))
    shelf.add("program.exe", b"MZ")
    ended = shelf.archive("add", shelf.books, "--label", "shelf=test", code=1)
    for said in ("damaged.pdf", "empty.pdf: is empty", "a PNG picture", ".hidden.pdf: hidden", "program.exe: no document"):
        assert said in ended.stdout + ended.stderr, (said, ended.stdout, ended.stderr)
    documents = shelf.documents()
    assert [pathlib.Path(document["source"]).name for document in documents] == ["notes.md", "one.pdf"], documents
    assert all(document["state"] == "COMPLETE" for document in documents)
    page = shelf.page("one.pdf", 2)
    assert "The body of page 2, which says one2." in page["text"], page
    assert [block["kind"] for block in page["blocks"]] == ["HEADING", "PARAGRAPH"], page
    shown = json.loads(shelf.archive("show", shelf.source("notes.md"), "--json").stdout)
    assert [(heading["level"], heading["title"]) for heading in shown["headings"]] == [(1, "Notes"), (2, "Deeper")]
    markdown = shelf.archive("export", shelf.source("one.pdf")).stdout
    assert "# Chapter 3 of one" in markdown and "<!-- page 3 -->" in markdown, markdown


def test_a_page_has_a_picture(shelf):
    picture = shelf.work / "page.png"
    shelf.archive("page", shelf.source("one.pdf"), 1, "--picture", picture)
    assert picture.read_bytes().startswith(b"\x89PNG"), "no PNG"
    ended = shelf.archive("page", shelf.source("notes.md"), 1, "--picture", shelf.work / "none.png", code=4)
    assert "NO_PICTURE" in ended.stderr, ended.stderr
    shelf.archive("page", shelf.source("one.pdf"), 4, code=2)


def test_adding_again_does_nothing(shelf):
    before = shelf.sluice.batches()
    for name in ("damaged.pdf", "empty.pdf", "picture.pdf"):
        (shelf.books / name).unlink()
    ended = shelf.archive("add", shelf.books)
    assert "2 unchanged" in ended.stderr, ended.stderr
    assert shelf.sluice.batches() == before, "a batch was made"
    assert shelf.archive("add", "--dry-run", shelf.books).stdout == ""


def test_a_new_edition_replaces_the_old(shelf):
    shelf.add("one.pdf", book("uno", 4))
    shelf.archive("add", shelf.books)
    assert "uno4" in shelf.page("one.pdf", 4)["text"]
    assert len(shelf.documents()) == 2


def test_the_same_book_twice_is_not_read_twice(shelf):
    shelf.add("same.pdf", book("uno", 4))
    ended = shelf.archive("add", "--json", shelf.books)
    assert json.loads(ended.stdout)["reused_pages"] == 4, ended.stdout


def test_a_killed_server_goes_on(shelf):
    """Killed while a shelf is added: after the next start every book is whole, no page is missing or twice."""
    for number in range(6):
        shelf.add(f"long{number}.pdf", book(f"long{number}", 150))
    shelf.archive("add", "--no-wait", "--profile=fast", shelf.books)
    children = parsers_of(shelf.server.process.pid)
    shelf.server.kill()
    for child in children:
        await_true(lambda: not os.path.exists(f"/proc/{child}"), 20, "the parsers ended with the server")
    shelf.server.start()
    name = shelf.sluice.batches()[0]["name"]
    shelf.sluice.await_end(name, 120)
    documents = {pathlib.Path(document["source"]).name: document for document in shelf.documents()}
    for number in range(6):
        assert documents[f"long{number}.pdf"]["pages"] == 150, documents
        exported = shelf.archive("export", "--format=jsonl", shelf.source(f"long{number}.pdf")).stdout
        pages = [json.loads(line) for line in exported.splitlines()]
        assert [page["page"] for page in pages] == list(range(1, 151))
        assert all(f"says long{number}{page['page']}." in page["text"] for page in pages)


def test_what_is_removed_is_gone(shelf):
    shelf.archive("rm", shelf.source("long0.pdf"))
    assert shelf.archive("show", shelf.source("long0.pdf"), code=2)
    for name in ("library.db", "library.db-wal"):
        path = shelf.work / "data" / name
        assert not path.exists() or b"says long01." not in path.read_bytes(), f"text of a removed book in {name}"


TESTS = [test_books_become_pages, test_a_page_has_a_picture, test_adding_again_does_nothing,
         test_a_new_edition_replaces_the_old, test_the_same_book_twice_is_not_read_twice, test_a_killed_server_goes_on,
         test_what_is_removed_is_gone]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    assert os.environ.get("SLUICE_PDFIUM"), "SLUICE_PDFIUM names no library"
    with tempfile.TemporaryDirectory() as work:
        shelf = Shelf(arguments.bin.resolve(), pathlib.Path(work))
        for test in TESTS:
            test(shelf)
            print("ok", test.__name__, flush=True)
        shelf.server.stop()


if __name__ == "__main__":
    main()
