// read_pages: documents to pages in this process, for measuring the readers alone: pages a second, and the
// results in the archive benchmark's formats.
//
//   read_pages --pdfium=LIBRARY --out=DIRECTORY [--no-outline] FILES…
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/documents/book_structure.h"
#include "core/documents/parser/open_document.h"

namespace sluice {
namespace {

struct Arguments {
  std::string pdfium;
  std::string out;
  bool outline = true;
  std::vector<std::string> files;
};

Arguments Parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--pdfium=")) {
      arguments.pdfium = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--out=")) {
      arguments.out = std::string(argument);
    } else if (argument == "--no-outline") {
      arguments.outline = false;
    } else {
      arguments.files.emplace_back(argument);
    }
  }
  return arguments;
}

const char* SourceName(PageSource source) {
  static constexpr const char* kNames[] = {"text", "full", "regions", "blank"};
  return kNames[static_cast<int>(source) - 1];
}

struct Tally {
  int pages = 0;
  double read_seconds = 0;
  double structure_seconds = 0;
};

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }

 private:
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

void WriteResults(const Page& page, const std::string& book, std::ofstream& text, std::ofstream& headings) {
  text << nlohmann::json{{"book", book},
                         {"page", page.number},
                         {"text", PageText(page, true)},
                         {"ocr", SourceName(page.decision.source)},
                         {"reason", page.decision.reason}}
              .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
       << "\n";
  for (const Block& block : page.blocks) {
    if (block.kind != BlockKind::kHeading) continue;
    std::string title;
    for (const Line& line : block.lines) absl::StrAppend(&title, title.empty() ? "" : " ", line.text);
    headings << nlohmann::json{{"book", book},
                               {"page", page.number},
                               {"title", title},
                               {"level", block.level}}
                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
             << "\n";
  }
}

bool ReadOne(const Formats& formats, const Arguments& arguments, const std::string& file, std::ofstream& text,
             std::ofstream& headings, Tally& tally) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const Stopwatch reading;
  const auto reader = formats.Open({.bytes = bytes, .format = "", .file_name = file, .password = ""});
  if (!reader.ok()) {
    std::cerr << file << ": " << reader.status() << "\n";
    return false;
  }
  DocumentFacts facts = (*reader)->facts();
  if (!arguments.outline) facts.outline.clear();
  std::vector<Page> pages;
  for (int number = 1; number <= facts.pages; ++number) {
    absl::StatusOr<Page> page = (*reader)->ReadPage(number);
    if (page.ok()) {
      pages.push_back(*std::move(page));
    } else {
      std::cerr << file << ": " << page.status() << "\n";
    }
  }
  tally.read_seconds += reading.Seconds();
  const Stopwatch structuring;
  BookStructure book(facts);
  for (const Page& page : pages) book.Observe(page);
  book.Conclude();
  for (Page& page : pages) book.Apply(page);
  tally.structure_seconds += structuring.Seconds();
  tally.pages += static_cast<int>(pages.size());
  const std::string name = std::filesystem::path(file).stem().string();
  for (const Page& page : pages) WriteResults(page, name, text, headings);
  return true;
}

int Run(const Arguments& arguments) {
  const absl::StatusOr<std::unique_ptr<PdfiumApi>> pdfium = PdfiumApi::Load(arguments.pdfium);
  if (!pdfium.ok()) {
    std::cerr << pdfium.status() << "\n";
    return 2;
  }
  const Formats formats(**pdfium);
  std::ofstream text(arguments.out + "/text.jsonl");
  std::ofstream headings(arguments.out + "/headings.jsonl");
  Tally tally;
  bool all = true;
  for (const std::string& file : arguments.files) {
    all = ReadOne(formats, arguments, file, text, headings, tally) && all;
  }
  std::cout << tally.pages << " pages; " << tally.pages / tally.read_seconds << " pages/s read, "
            << tally.pages / (tally.read_seconds + tally.structure_seconds) << " with structure\n";
  return all ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Run(sluice::Parse(argc, argv));
}
