#include "core/text/string_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

TEST(StringTrieTest, FindsTheLongestKeyThatTheTextStartsWith) {
  const StringTrie trie({{"a", 0}, {"abc", 1}, {"abcde", 2}, {"b", 3}});
  const auto match = trie.LongestMatch("abcdx");
  EXPECT_EQ(match.length, 3u);
  EXPECT_EQ(match.value, 1);
  EXPECT_EQ(trie.LongestMatch("xabc").length, 0u);
  EXPECT_EQ(trie.LongestMatch("").length, 0u);
}

// From a node on, the text counts from behind the node's path, and the path alone is no match.
TEST(StringTrieTest, MatchesFromANodeOn) {
  const StringTrie trie({{"##", 0}, {"##s", 1}, {"s", 2}});
  const auto continuing = trie.Walk("##");
  ASSERT_TRUE(continuing.has_value());
  EXPECT_EQ(trie.LongestMatch("s", *continuing).value, 1);
  EXPECT_EQ(trie.LongestMatch("t", *continuing).length, 0u);
  EXPECT_FALSE(trie.Walk("#s").has_value());
}

TEST(StringTrieTest, FindsWholeKeysOnly) {
  const StringTrie trie({{"engine", 7}, {"engineer", 8}});
  EXPECT_EQ(trie.Find("engine"), 7);
  EXPECT_EQ(trie.Find("engin"), std::nullopt);
  EXPECT_EQ(trie.Find("engineers"), std::nullopt);
}

TEST(StringTrieTest, AnEmptyTrieMatchesNothing) {
  const StringTrie trie({});
  EXPECT_EQ(trie.LongestMatch(absl::string_view("\0a", 2)).length, 0u);
  EXPECT_EQ(trie.Find("a"), std::nullopt);
}

// Keys over all bytes, NUL and 0xFF included: the trie and a search through all prefixes agree.
TEST(StringTrieTest, AgreesWithAMap) {
  std::mt19937 random(1);
  std::map<std::string, int32_t> keys;
  const auto random_text = [&random](size_t max_length) {
    std::string text(1 + random() % max_length, '\0');
    for (char& c : text) c = static_cast<char>(random() % 4 == 0 ? random() % 256 : random() % 3 * 127);
    return text;
  };
  for (int i = 0; i < 5000; ++i) keys.emplace(random_text(6), i);
  const StringTrie trie({keys.begin(), keys.end()});
  for (const auto& [key, value] : keys) ASSERT_EQ(trie.Find(key), value);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_text(10);
    size_t length = text.size();
    while (length > 0 && keys.count(text.substr(0, length)) == 0) --length;
    const auto match = trie.LongestMatch(text);
    ASSERT_EQ(match.length, length);
    ASSERT_EQ(match.value, length > 0 ? keys[text.substr(0, length)] : -1);
  }
}

}  // namespace
}  // namespace sluice
