#include "core/store/stage.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice {

const StageTable& StageTable::BuiltIn() {
  static const StageTable* const table =
      new StageTable({std::begin(kBuiltInKinds), std::end(kBuiltInKinds)},
                     {std::begin(kBuiltInStages), std::end(kBuiltInStages)});
  return *table;
}

StageTable::StageTable(std::vector<KindRow> kinds, std::vector<StageRow> stages)
    : kinds_(std::move(kinds)), stages_(std::move(stages)) {}

const KindRow* StageTable::Find(JobKind kind) const {
  const auto found =
      std::find_if(kinds_.begin(), kinds_.end(), [kind](const KindRow& row) { return row.kind == kind; });
  return found == kinds_.end() ? nullptr : &*found;
}

const StageRow* StageTable::Find(Stage stage) const {
  const auto found =
      std::find_if(stages_.begin(), stages_.end(), [stage](const StageRow& row) { return row.id == stage; });
  return found == stages_.end() ? nullptr : &*found;
}

const StageRow& StageTable::At(Stage stage) const {
  return *Find(stage);
}

const StageRow& StageTable::FirstOf(JobKind kind) const {
  return At(Find(kind)->first);
}

int StageTable::OrderOf(Stage stage) const {
  return static_cast<int>(Find(stage) - stages_.data());
}

bool StageTable::HasSteps(JobKind kind) const {
  return std::count_if(stages_.begin(), stages_.end(), [kind](const StageRow& row) {
           return row.kind == kind && row.scope != StageScope::kBatch;
         }) > 1;
}

const char* JobKindName(JobKind kind) {
  const KindRow* const row = StageTable::BuiltIn().Find(kind);
  return row == nullptr ? "unknown" : row->name;
}

bool IsInRate(JobKind kind) {
  const KindRow* const row = StageTable::BuiltIn().Find(kind);
  return row == nullptr || row->in_rate;
}

const char* StageName(Stage stage) {
  const StageRow* const row = StageTable::BuiltIn().Find(stage);
  return row == nullptr ? "unknown" : row->name;
}

}  // namespace sluice
