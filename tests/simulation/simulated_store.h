// SimulatedStore: a real BatchStore on a machine that can die, with an observer that reads every change back.
//
// In memory it stands for a store that many servers share: it outlives them, and only the way to it fails. On
// SQLite it lives and dies with its one server: what is left is the file as it was at that moment, also in
// the middle of a commit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/base/executor.h"
#include "core/store/batch_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/simulation/recording_store.h"
#include "tests/simulation/world.h"

struct sqlite3;

namespace sluice {

enum class StoreEngine { kInMemory, kSqlite };

class SimulatedStore final : private StoreListener {
 public:
  static constexpr int kMaxAttempts = StageRow{}.attempts;

  // `on_ready` is told as a StoreListener is, `on_death` when the machine died of itself.
  SimulatedStore(World& world, StoreEngine engine, std::function<void()> on_ready,
                 std::function<void()> on_death);
  ~SimulatedStore() override;

  RecordingStore& calls() { return *recording_; }
  // Grows whenever the machine starts again: calls on their way to an earlier life never arrive.
  int64_t life() const { return life_; }
  bool dead() const { return dead_; }
  bool on_disk() const { return engine_kind_ == StoreEngine::kSqlite; }

  // The file stays as it is now; nobody hears of what was under way.
  void Die();
  // After a death, or as a process that ends and starts again in order.
  void Restart();

  // SQLite: no page can be added from here on.
  void SetDiskFull(bool full);

  // Asks for every job's place, in one moment (I10).
  void CheckPlaces();
  // Reads the batch and all its outcomes again, from the first.
  void ReadAgain(const std::string& batch_id);
  // Whether the last reading of the batch said so; false when there was none.
  bool SeenTerminal(const std::string& batch_id) const { return terminal_.contains(batch_id); }

 private:
  class Turns;
  static int OnDatabaseOpened(sqlite3* database, char** error, const void* api);
  static int OnCommit(void* self);

  void OnReady() override;
  void OnOutcomes(const std::string& batch_id) override;

  void MakeFile();
  void Open();
  bool DiesBeforeAnswer();
  void LookAtChanges();
  void Look(const std::string& batch_id);
  void ReadOn(const BatchKey& name);
  // Of what an earlier process left.
  history::Restarted CheckFile();

  World& world_;
  const StoreEngine engine_kind_;
  const std::function<void()> on_ready_;
  const std::function<void()> on_death_;
  ScratchDirectory directory_;
  std::string path_;
  int64_t life_ = 0;
  bool dead_ = false;
  bool closing_ = false;
  sqlite3* database_ = nullptr;

  std::unique_ptr<Turns> turns_;
  std::unique_ptr<BatchStore> engine_;
  std::unique_ptr<RecordingStore> recording_;

  std::set<std::string> changed_;
  bool look_scheduled_ = false;
  std::map<std::string, int64_t> read_;  // by batch: the last sequence number read
  std::set<std::string> terminal_;
};

}  // namespace sluice
