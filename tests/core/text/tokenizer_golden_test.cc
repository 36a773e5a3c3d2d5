// Ids equal to the reference tokenizer's on the strings of tests/golden/tokenizer.jsonl.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "core/base/sha256.h"
#include "core/text/tokenizer.h"

namespace sluice {
namespace {

constexpr char kGoldenFile[] = "tests/golden/tokenizer.jsonl";
constexpr size_t kMinCases = 3000;

std::string TextOf(const nlohmann::json& golden) {
  if (golden.contains("text")) return golden["text"];
  const std::string unit = golden["repeat"];
  std::string text;
  for (int i = 0; i < golden["times"]; ++i) text += unit;
  return text;
}

TEST(TokenizerGoldenTest, IdsEqualTheReference) {
  const char* const model = std::getenv("SLUICE_MODEL");
  if (model == nullptr || *model == '\0')
    GTEST_SKIP() << "SLUICE_MODEL is not set: the goldens need the model";
  const std::string directory = model;
  const auto tokenizer = LoadTokenizer(directory);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();

  std::ifstream goldens(kGoldenFile);
  std::string line;
  ASSERT_TRUE(std::getline(goldens, line)) << kGoldenFile;
  std::ifstream file(directory + "/tokenizer.json", std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_EQ(nlohmann::json::parse(line)["tokenizer_json_sha256"], Sha256Hex(content))
      << "the goldens were made for another tokenizer.json";

  size_t cases = 0;
  for (; std::getline(goldens, line); ++cases) {
    const nlohmann::json golden = nlohmann::json::parse(line);
    const std::string text = TextOf(golden);
    const auto encoded = (*tokenizer)->Encode(text, std::numeric_limits<int>::max(), Truncation::kError);
    ASSERT_TRUE(encoded.ok()) << encoded.status();
    EXPECT_EQ(encoded->ids, golden["ids"].get<std::vector<int32_t>>())
        << golden["kind"] << ": " << absl::Utf8SafeCHexEscape(text.substr(0, 200));
  }
  EXPECT_GE(cases, kMinCases);
}

}  // namespace
}  // namespace sluice
