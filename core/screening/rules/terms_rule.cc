#include "absl/strings/str_cat.h"
#include "core/screening/phrases.h"
#include "core/screening/rules/rule_condition.h"

namespace sluice {
namespace {

constexpr size_t kEvidencePerRule = 3;

enum class List { kAnyOf, kAllOf, kNoneOf };

class TermsRule : public RuleCondition {
 public:
  TermsRule(const std::vector<Phrase>& phrases, std::vector<List> lists, std::vector<std::string> texts,
            const RuleCompiler& from, const TermsCondition& condition)
      : lists_(std::move(lists)),
        texts_(std::move(texts)),
        fields_(from.rule.fields),
        ignore_negated_(condition.ignore_negated),
        index_(phrases, condition.stem) {}

  std::optional<Ternary> Evaluate(PostingView& posting, absl::Time, RuleReasons* reasons) const override {
    std::vector<bool> found(lists_.size());
    bool read_any = false;
    ForEachText(posting, fields_, [&](const char* name, const ScannedText& text) {
      read_any = read_any || !text.words.empty();
      index_.Find(text, posting.budget(), [&](const PhraseHit& hit) {
        if (found[hit.phrase]) return true;
        if (ignore_negated_ && (text.DeniedFrom(hit.first_word) || text.DeniedUpTo(hit.last_word)))
          return false;
        found[hit.phrase] = true;
        if (reasons != nullptr && reasons->evidence.size() < kEvidencePerRule) {
          const Span span{name, text.words[hit.first_word].begin, text.words[hit.last_word].end};
          reasons->evidence.push_back(posting.Quote(span));
        }
        return true;
      });
    });
    if (!read_any) return Ternary::kUnknown;
    return Decide(found, reasons);
  }

 private:
  Ternary Decide(const std::vector<bool>& found, RuleReasons* reasons) const {
    bool wants_any = false, has_any = false;
    std::string missing, unwanted, first;
    for (size_t i = 0; i < lists_.size(); ++i) {
      const bool has = found[i];
      if (has && first.empty()) first = texts_[i];
      if (lists_[i] == List::kAnyOf) {
        wants_any = true;
        has_any = has_any || has;
      }
      if (lists_[i] == List::kAllOf && !has && missing.empty()) missing = texts_[i];
      if (lists_[i] == List::kNoneOf && has && unwanted.empty()) unwanted = texts_[i];
    }
    const bool any_holds = !wants_any || has_any;
    if (reasons != nullptr) {
      reasons->sentence = !unwanted.empty()  ? absl::StrCat("posting mentions \"", unwanted, "\"")
                          : !missing.empty() ? absl::StrCat("posting does not mention \"", missing, "\"")
                          : !any_holds       ? "posting mentions none of the terms"
                          : first.empty()    ? "posting mentions none of the unwanted terms"
                                             : absl::StrCat("posting mentions \"", first, "\"");
    }
    return TernaryOf(any_holds && missing.empty() && unwanted.empty());
  }

  const std::vector<List> lists_;         // of each phrase
  const std::vector<std::string> texts_;  // as the profile has them
  const std::vector<Field> fields_;
  const bool ignore_negated_;
  const PhraseIndex index_;
};

void CheckPhrase(const Phrase& phrase, const std::string& path, RuleCompiler& compiler) {
  if (phrase.parts.empty()) compiler.Violation(path, "has no letter or digit to look for");
  for (const Phrase::Part& part : phrase.parts) {
    if (part.prefix && part.word.size() < 2)
      compiler.Violation(path, "a prefix needs at least 2 characters before the *");
  }
}

}  // namespace

RuleConditionPtr CompileTerms(const TermsCondition& condition, RuleCompiler& compiler) {
  const struct {
    const char* name;
    List list;
    const std::vector<std::string>& terms;
  } lists[] = {{"any_of", List::kAnyOf, condition.any_of},
               {"all_of", List::kAllOf, condition.all_of},
               {"none_of", List::kNoneOf, condition.none_of}};
  std::vector<Phrase> phrases;
  std::vector<List> list_of;
  std::vector<std::string> texts;
  for (const auto& list : lists) {
    for (size_t i = 0; i < list.terms.size(); ++i) {
      phrases.push_back(ParsePhrase(list.terms[i]));
      list_of.push_back(list.list);
      texts.push_back(list.terms[i]);
      CheckPhrase(phrases.back(), absl::StrCat("terms.", list.name, "[", i, "]"), compiler);
    }
  }
  if (phrases.empty()) compiler.Violation("terms", "is empty; give at least one of any_of, all_of, none_of");
  if (phrases.size() > static_cast<size_t>(compiler.limits.max_terms_per_rule)) {
    compiler.Violation("terms", absl::StrCat("has ", phrases.size(), " terms; the limit is ",
                                             compiler.limits.max_terms_per_rule));
  }
  return std::make_unique<TermsRule>(phrases, std::move(list_of), std::move(texts), compiler, condition);
}

}  // namespace sluice
