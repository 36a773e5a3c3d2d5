#include <re2/re2.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

constexpr int kLargestLiteralProgram = 128;  // instructions

// Behind the "(?" at `at`: the end of a group that only sets flags or is not captured, or npos. A named
// group, whose end is not its name's, is none.
size_t EndOfFlags(absl::string_view pattern, size_t at) {
  const size_t end = pattern.find_first_not_of("imsU-", at + 2);
  const bool ends = end != absl::string_view::npos && (pattern[end] == ':' || pattern[end] == ')');
  return ends ? end : absl::string_view::npos;
}

// Whether all that the pattern matches is written out in it: literals and word borders, and alternatives of
// them in at most one group. Such a program has few states, about one a letter, which are made once and
// remembered: it reads a byte at one look whatever its size. Any other may make new ones at every byte: two
// groups in a row already match as many texts as their alternatives multiplied.
bool IsOfLiteralsOnly(absl::string_view pattern) {
  int groups = 0;
  for (size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    const char next = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
    if (c == '\\') {
      const bool border = next == 'b' || next == 'B';
      if (!border && !absl::ascii_ispunct(static_cast<unsigned char>(next))) return false;
      ++at;
    } else if (c == '(') {
      if (next == '?') at = EndOfFlags(pattern, at);
      if (at == absl::string_view::npos) return false;
      if (pattern[at] != ')' && ++groups > 1) return false;
    } else if (absl::string_view(".*+?[]{}").find(c) != absl::string_view::npos) {
      return false;
    }
  }
  return true;
}

re2::RE2::Options OptionsOf(const RegexCondition& condition, int64_t memory_bytes) {
  re2::RE2::Options options;
  options.set_case_sensitive(condition.case_sensitive);
  options.set_max_mem(memory_bytes);
  options.set_log_errors(false);
  return options;
}

// A pattern may take memory for the states it remembers. Many share what one profile has, because many plans
// may be under way; a program that does not fit gets twice as much until it does.
std::unique_ptr<re2::RE2> CompilePattern(const RegexCondition& condition, const RuleCompiler& compiler) {
  const int64_t most = compiler.limits.max_pattern_memory_bytes;
  int64_t memory = std::clamp(
      compiler.limits.max_patterns_memory_bytes / std::max(1, compiler.patterns.count), most / 16, most);
  while (true) {
    auto pattern = std::make_unique<re2::RE2>(condition.pattern, OptionsOf(condition, memory));
    if (pattern->error_code() != re2::RE2::ErrorPatternTooLarge || memory == most) return pattern;
    memory = std::min(2 * memory, most);
  }
}

// RE2 matches in time linear in the text, but for what a byte costs: up to one step for each instruction of
// the pattern's program. So much is charged before it is begun, for nothing can stop it halfway.
class RegexRule : public RuleCondition {
 public:
  RegexRule(std::unique_ptr<re2::RE2> pattern, std::vector<Field> fields, int64_t steps_per_byte)
      : pattern_(std::move(pattern)), fields_(std::move(fields)), steps_per_byte_(steps_per_byte) {}

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    bool read_any = false, matched = false;
    ForEachText(posting, fields_, [&](const char* name, const ScannedText& text) {
      read_any = read_any || !text.original.empty();
      if (matched) return;
      const re2::StringPiece whole(text.original.data(), text.original.size());
      if (!posting.budget().Spend(static_cast<int64_t>(whole.size()) * steps_per_byte_)) return;
      re2::StringPiece match;
      matched =
          pattern_->Match(whole, 0, whole.size(), re2::RE2::UNANCHORED, &match, reasons == nullptr ? 0 : 1);
      if (!matched || reasons == nullptr) return;
      const int begin = static_cast<int>(match.data() - whole.data());
      reasons->evidence.push_back(posting.Quote({name, begin, begin + static_cast<int>(match.size())}));
    });
    if (!read_any) return Ternary::kUnknown;
    if (reasons != nullptr)
      reasons->sentence = matched ? "posting matches the pattern" : "posting does not match the pattern";
    return TernaryOf(matched);
  }

 private:
  const std::unique_ptr<re2::RE2> pattern_;
  const std::vector<Field> fields_;
  const int64_t steps_per_byte_;
};

// The program's instructions, or 0 after a violation.
int CheckedSize(const re2::RE2& pattern, RuleCompiler& compiler) {
  const ProfileLimits& limits = compiler.limits;
  if (!pattern.ok() && pattern.error_code() != re2::RE2::ErrorPatternTooLarge) {
    compiler.Violation("regex.pattern", absl::StrCat("is no RE2 pattern: ", pattern.error()));
    return 0;
  }
  const int size = pattern.ok() ? std::max(1, pattern.ProgramSize()) : limits.max_pattern_instructions + 1;
  compiler.patterns.instructions += size;
  if (size > limits.max_pattern_instructions) {
    compiler.Violation("regex.pattern",
                       absl::StrCat(pattern.ok() ? absl::StrCat("becomes ", size) : "becomes too many",
                                    " instructions; the limit is ", limits.max_pattern_instructions,
                                    ". Repeat fewer times, or name fewer kinds of letters"));
    return 0;
  }
  return size;
}

}  // namespace

RuleConditionPtr CompileRegex(const RegexCondition& condition, RuleCompiler& compiler) {
  if (condition.pattern.empty()) {
    compiler.Violation("regex.pattern", "is empty");
    return nullptr;
  }
  if (condition.pattern.size() > static_cast<size_t>(compiler.limits.max_pattern_bytes)) {
    compiler.Violation("regex.pattern",
                       absl::StrCat("has ", condition.pattern.size(), " bytes; the limit is ",
                                    compiler.limits.max_pattern_bytes));
    return nullptr;
  }
  // Compiling takes time by the instruction as well.
  if (compiler.patterns.instructions >= compiler.limits.max_profile_instructions) {
    compiler.Violation(
        "regex.pattern",
        absl::StrCat("is too much: the patterns before it become ", compiler.patterns.instructions,
                     " instructions; the limit of a profile is ", compiler.limits.max_profile_instructions));
    return nullptr;
  }
  std::unique_ptr<re2::RE2> pattern = CompilePattern(condition, compiler);
  const int size = CheckedSize(*pattern, compiler);
  if (size == 0) return nullptr;
  const bool literals = size <= kLargestLiteralProgram && IsOfLiteralsOnly(condition.pattern);
  return std::make_unique<RegexRule>(std::move(pattern), compiler.rule.fields, literals ? 1 : size);
}

}  // namespace sluice
