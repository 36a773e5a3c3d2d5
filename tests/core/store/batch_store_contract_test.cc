#include "tests/contract/batch_store_contract.h"

#include "core/store/sqlite/sqlite_batch_store.h"
#include "tests/core/store/store_file.h"
#include "tests/fakes/in_memory_batch_store.h"

namespace sluice {
namespace {

std::unique_ptr<BatchStore> OpenSqlite(const Clock& clock, const ScratchDirectory& directory) {
  SqliteBatchStoreOptions options;
  options.path = directory.File("batches.db");
  options.stages = &SteppedStages();
  absl::StatusOr<std::unique_ptr<EmbeddedStore>> store = OpenSqliteBatchStore(options, clock);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

std::unique_ptr<BatchStore> OpenInMemory(const Clock& clock, const ScratchDirectory&) {
  return std::make_unique<InMemoryBatchStore>(InMemoryBatchStore::Options{.stages = &SteppedStages()}, clock);
}

// What a killed process leaves is what its files hold while it lives.
std::unique_ptr<BatchStore> RestartSqlite(std::unique_ptr<BatchStore> dead, const Clock& clock,
                                          const ScratchDirectory& directory) {
  const std::string path = directory.File("batches.db");
  const std::string left = directory.File("left.db");
  CopyStoreFile(path, left);
  dead.reset();
  CopyStoreFile(left, path);
  return OpenSqlite(clock, directory);
}

std::unique_ptr<BatchStore> ReopenSqlite(std::unique_ptr<BatchStore> ended, const Clock& clock,
                                         const ScratchDirectory& directory) {
  ended.reset();
  return OpenSqlite(clock, directory);
}

std::unique_ptr<BatchStore> RestartInMemory(std::unique_ptr<BatchStore> dead, const Clock&,
                                            const ScratchDirectory&) {
  static_cast<InMemoryBatchStore&>(*dead).Restart(/*died=*/true);
  return dead;
}

std::unique_ptr<BatchStore> ReopenInMemory(std::unique_ptr<BatchStore> ended, const Clock&,
                                           const ScratchDirectory&) {
  static_cast<InMemoryBatchStore&>(*ended).Restart(/*died=*/false);
  return ended;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, BatchStoreContract,
                         testing::Values(StoreFactory{"Sqlite", OpenSqlite, RestartSqlite, ReopenSqlite}));
INSTANTIATE_TEST_SUITE_P(InMemory, BatchStoreContract,
                         testing::Values(StoreFactory{"InMemory", OpenInMemory, RestartInMemory,
                                                      ReopenInMemory}));

}  // namespace
}  // namespace sluice
