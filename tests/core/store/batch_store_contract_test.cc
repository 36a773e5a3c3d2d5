#include "tests/contract/batch_store_contract.h"

#include "core/store/sqlite/sqlite_batch_store.h"
#include "tests/fakes/in_memory_batch_store.h"

namespace sluice {
namespace {

std::unique_ptr<BatchStore> OpenSqlite(const Clock& clock, int max_attempts,
                                       const ScratchDirectory& directory) {
  SqliteBatchStoreOptions options;
  options.path = directory.File("batches.db");
  options.max_attempts = max_attempts;
  absl::StatusOr<std::unique_ptr<BatchStore>> store = OpenSqliteBatchStore(options, clock);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

std::unique_ptr<BatchStore> OpenInMemory(const Clock& clock, int max_attempts, const ScratchDirectory&) {
  return std::make_unique<InMemoryBatchStore>(InMemoryBatchStore::Options{.max_attempts = max_attempts},
                                              clock);
}

// A store destroyed under a session that was not closed leaves what a killed process leaves.
std::unique_ptr<BatchStore> RestartSqlite(std::unique_ptr<BatchStore> dead, const Clock& clock,
                                          int max_attempts, const ScratchDirectory& directory) {
  dead.reset();
  return OpenSqlite(clock, max_attempts, directory);
}

std::unique_ptr<BatchStore> RestartInMemory(std::unique_ptr<BatchStore> dead, const Clock&, int,
                                            const ScratchDirectory&) {
  static_cast<InMemoryBatchStore&>(*dead).RestartAfterDeath();
  return dead;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, BatchStoreContract,
                         testing::Values(StoreFactory{"Sqlite", OpenSqlite, RestartSqlite}));
INSTANTIATE_TEST_SUITE_P(InMemory, BatchStoreContract,
                         testing::Values(StoreFactory{"InMemory", OpenInMemory, RestartInMemory}));

}  // namespace
}  // namespace sluice
