// Token ids for the encoder benchmarks, made ahead so that tokenizing is not in the figures.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sluice {

// One text a line, ids separated by spaces, as sentence_transformers_reference.py writes them.
inline std::vector<std::vector<int32_t>> ReadTokenLines(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::vector<int32_t>> texts;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::vector<int32_t> ids;
    for (int32_t id = 0; words >> id;) ids.push_back(id);
    if (!ids.empty()) texts.push_back(std::move(ids));
  }
  return texts;
}

}  // namespace sluice
