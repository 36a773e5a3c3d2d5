#include "core/store/batch_store.h"

#include <utility>

namespace sluice {

void BatchStore::Backup(std::string /*path*/, DoneStatus done) {
  std::move(done)(absl::UnimplementedError("this store is backed up by its engine's own tools"));
}

}  // namespace sluice
