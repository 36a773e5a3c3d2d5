// StoreTables: what the store's thread asks of the tables that its calls work on, whatever they hold.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/store/batch.h"

namespace sluice {

// What others must hear of after the commit.
struct Changes {
  bool ready = false;                                        // there may be something to claim
  std::set<int64_t> batches;                                 // with new outcomes, a plan or another state
  std::set<int64_t> ended_batches;                           // of those
  std::vector<int64_t> purging;                              // numbers of what is to be removed
  std::map<std::pair<JobKind, OutcomeKind>, int64_t> ended;  // jobs, by the store itself
  void Merge(Changes other);
};

// The store's thread alone, inside a transaction that it holds.
class StoreTables {
 public:
  virtual ~StoreTables() = default;
  // Those since the last call.
  virtual Changes TakeChanges() = 0;
  // Removes some rows of what has this number, few enough for one short transaction; true: nothing is left.
  virtual absl::StatusOr<bool> PurgeStep(int64_t number) = 0;
  // Whether the file says that this process works on something: it is no death, if the process ends.
  virtual absl::StatusOr<bool> AnyLease() = 0;
  virtual std::string BatchId(int64_t number) const = 0;
};

}  // namespace sluice
