#include "client/cpp/command/load_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice {
namespace {

constexpr int kMaxWords = 4096;
constexpr double kMaxMultiple = 1000;

// Each a token of its own in the usual vocabularies.
constexpr std::array<const char*, 48> kWords = {
    "the",      "team",     "of",      "engineer", "and",     "software", "in",       "system",
    "with",     "data",     "for",     "market",   "on",      "project",  "to",       "design",
    "at",       "work",     "from",    "service",  "by",      "network",  "a",        "company",
    "is",       "build",    "be",      "support",  "are",     "manage",   "will",     "learn",
    "you",      "test",     "we",      "develop",  "our",     "business", "this",     "research",
    "language", "database", "science", "security", "product", "training", "hospital", "industry"};

std::vector<double> Weights(const std::vector<TextLength>& lengths) {
  std::vector<double> weights;
  std::transform(lengths.begin(), lengths.end(), std::back_inserter(weights),
                 [](const TextLength& length) { return length.weight; });
  return weights;
}

}  // namespace

ArrivalTimes::ArrivalTimes(Arrivals arrivals, double rate, uint64_t seed)
    : arrivals_(arrivals), rate_(rate), random_(seed) {}

absl::Duration ArrivalTimes::Next() {
  const double gap = arrivals_ == Arrivals::kFixed ? 1 : std::exponential_distribution<double>(1)(random_);
  seconds_ += gap / rate_;
  return absl::Seconds(seconds_);
}

absl::StatusOr<std::vector<TextLength>> ParseTextLengths(absl::string_view text) {
  std::vector<TextLength> lengths;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits(':', 1));
    TextLength length;
    const bool read = absl::SimpleAtoi(pair.first, &length.words) &&
                      (pair.second.empty() || absl::SimpleAtod(pair.second, &length.weight));
    if (!read || length.words < 1 || length.words > kMaxWords || !(length.weight > 0) ||
        !std::isfinite(length.weight)) {
      return absl::InvalidArgumentError(absl::StrCat("'", part,
                                                     "' is not WORDS:WEIGHT, as in 16:70, with 1 to ",
                                                     kMaxWords, " words and a weight above 0"));
    }
    lengths.push_back(length);
  }
  return lengths;
}

TextMix::TextMix(const std::vector<TextLength>& lengths, uint64_t seed)
    : lengths_(lengths), random_(seed), choice_([&] {
        const std::vector<double> weights = Weights(lengths);
        return std::discrete_distribution<size_t>(weights.begin(), weights.end());
      }()) {}

std::string TextMix::Next() {
  const int words = lengths_[choice_(random_)].words;
  std::uniform_int_distribution<size_t> word(0, kWords.size() - 1);
  std::string text = kWords[word(random_)];
  for (int i = 1; i < words; ++i) absl::StrAppend(&text, " ", kWords[word(random_)]);
  return text;
}

absl::StatusOr<std::vector<double>> ParseMultiples(absl::string_view text) {
  std::vector<double> multiples;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    double multiple = 0;
    if (!absl::SimpleAtod(part, &multiple) || !(multiple > 0) || multiple > kMaxMultiple) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", part, "' is not a multiple of the rate above 0 and up to ", kMaxMultiple));
    }
    multiples.push_back(multiple);
  }
  return multiples;
}

}  // namespace sluice
