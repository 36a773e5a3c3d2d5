// Writes the features that fit_calibration.py fits on, computed by the code that will use the coefficients:
// normalised BM25 of every profile with every posting of a split, as float32, profiles times postings.
//
//   dump_features BENCH/dev dev.bm25

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/screening/screener.h"

namespace {

std::vector<nlohmann::json> ReadLines(const std::string& path) {
  std::ifstream in(path);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  if (lines.empty()) {
    std::cerr << path << ": no lines\n";
    std::exit(2);
  }
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: dump_features SPLIT_DIRECTORY OUTPUT\n";
    return 2;
  }
  const std::string directory = argv[1];
  std::vector<sluice::Posting> postings;
  for (const nlohmann::json& item : ReadLines(directory + "/items.jsonl")) {
    sluice::Posting posting;
    posting.title = item["title"];
    posting.company = item["company"];
    posting.location = item["location"];
    posting.description = item["text"];
    postings.push_back(posting);
  }
  std::ofstream out(argv[2], std::ios::binary);
  for (const nlohmann::json& query : ReadLines(directory + "/queries.jsonl")) {
    sluice::Profile profile;
    profile.text = query["text"];
    const auto screener = sluice::Screener::Compile(profile);
    if (!screener.ok()) {
      std::cerr << query["id"] << ": " << screener.status() << "\n";
      return 1;
    }
    for (const sluice::Posting& posting : postings) {
      sluice::WorkBudget budget;
      const float bm25 = (*screener)->Summarise(posting, absl::UnixEpoch(), budget)->bm25;
      out.write(reinterpret_cast<const char*>(&bm25), sizeof(bm25));
    }
  }
  return out.flush() ? 0 : 1;
}
