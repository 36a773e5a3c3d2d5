// PostingView: a posting read once for all rules; texts and attributes are made when first asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/screening/attributes/pay.h"
#include "core/screening/attributes/seniority.h"
#include "core/screening/attributes/work_place.h"
#include "core/screening/phrases.h"
#include "core/screening/posting.h"
#include "core/screening/profile.h"
#include "core/screening/verdict.h"
#include "core/screening/work_budget.h"

namespace sluice {

// For one thread; posting and budget must outlive it.
class PostingView {
 public:
  PostingView(const Posting& posting, WorkBudget& budget) : posting_(posting), budget_(budget) {}
  PostingView(const PostingView&) = delete;
  PostingView& operator=(const PostingView&) = delete;

  const Posting& posting() const { return posting_; }
  WorkBudget& budget() { return budget_; }
  const ScannedText& text();  // of PostingText
  const ScannedText& field(Field field);
  const std::optional<Pay>& pay();
  const std::optional<WorkPlaceReading>& work_place();
  const std::optional<SeniorityReading>& seniority();
  const std::vector<std::string>& countries();  // of the location
  const std::string& company();                 // NormalisedCompany of it

  // The evidence of a span, with its quote cut to 200 bytes at a character's border.
  Evidence Quote(const Span& span, std::string normalised = "");

 private:
  absl::string_view ColumnText(absl::string_view name) const;

  const Posting& posting_;
  WorkBudget& budget_;
  std::string text_string_;
  std::optional<ScannedText> text_;
  std::optional<ScannedText> fields_[4];
  std::optional<std::optional<Pay>> pay_;
  std::optional<std::optional<WorkPlaceReading>> work_place_;
  std::optional<std::optional<SeniorityReading>> seniority_;
  std::optional<std::vector<std::string>> countries_;
  std::optional<std::string> company_;
};

const char* FieldName(Field field);  // "title"

// What a person is shown of a posting's column, which may be as long as a posting: 200 bytes, and "…" when
// there is more.
std::string Shown(absl::string_view column);

}  // namespace sluice
