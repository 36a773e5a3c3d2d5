#include "tests/simulation/simulated_store.h"

#include <sqlite3.h>

#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "tests/core/store/store_file.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/simulation/file_places.h"

namespace sluice {
namespace {

constexpr int kNeverQuarantined = 1000;  // faults here blame no job

constexpr int64_t kUnlimitedPages = 1'073'741'823;

constexpr const char* kSuspects =
    "SELECT (SELECT count(*) FROM ready WHERE suspicion > 0) + (SELECT count(*) FROM lease WHERE suspicion > "
    "0)";

int64_t SuspectsIn(sqlite3* database) {
  sqlite3_stmt* query = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(database, kSuspects, -1, &query, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(query), SQLITE_ROW);
  const int64_t suspects = sqlite3_column_int64(query, 0);
  sqlite3_finalize(query);
  return suspects;
}

// Whose database is being opened: SQLite gives its extensions no argument.
thread_local SimulatedStore* opening = nullptr;

}  // namespace

// The store's executor: what is handed in runs together, a little later.
class SimulatedStore::Turns final : public Executor {
 public:
  explicit Turns(World& world) : world_(world) {}

  bool TrySchedule(Closure closure) override {
    queue_.push_back(std::move(closure));
    if (scheduled_) return true;
    scheduled_ = true;
    world_.timeline.After(world_.dice.Between(absl::Microseconds(20), absl::Milliseconds(1)),
                          [this, generation = generation_] { Run(generation); });
    return true;
  }
  void Drop() {
    queue_.clear();
    ++generation_;
    scheduled_ = false;
  }

 private:
  void Run(int64_t generation) {
    if (generation != generation_) return;
    scheduled_ = false;
    std::deque<Closure> turns = std::exchange(queue_, {});
    for (Closure& turn : turns) {
      if (generation == generation_) std::move(turn)();
    }
  }

  World& world_;
  std::deque<Closure> queue_;
  int64_t generation_ = 0;
  bool scheduled_ = false;
};

SimulatedStore::SimulatedStore(World& world, StoreEngine engine, std::function<void()> on_ready,
                               std::function<void()> on_death)
    : world_(world),
      engine_kind_(engine),
      on_ready_(std::move(on_ready)),
      on_death_(std::move(on_death)),
      path_(directory_.File("batches0.db")),
      turns_(std::make_unique<Turns>(world)) {
  if (on_disk()) MakeFile();
  Open();
}

// With the same salt each time, so that a seed's batches have the same names.
void SimulatedStore::MakeFile() {
  EXPECT_TRUE(OpenSqliteBatchStore({.path = path_}, world_.clock).ok());
  RunSql(path_, "UPDATE meta SET value = 1 WHERE name = 'salt'");
}

SimulatedStore::~SimulatedStore() {
  closing_ = true;
  recording_->Cut();
  turns_->Drop();
  engine_->SetListener(nullptr);
}

void SimulatedStore::Open() {
  ++life_;
  dead_ = false;
  if (on_disk()) {
    opening = this;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&SimulatedStore::OnDatabaseOpened));
    SqliteBatchStoreOptions sqlite = {.path = path_,
                                      .max_deaths_alone = kNeverQuarantined,
                                      .max_plan_deaths_alone = kNeverQuarantined,
                                      .stages = &SteppedStages(),
                                      .executor = turns_.get()};
    absl::StatusOr<std::unique_ptr<EmbeddedStore>> opened = OpenSqliteBatchStore(sqlite, world_.clock);
    if (!opened.ok()) {  // goes on with an empty one, and the report says so
      world_.store_lost = opened.status();
      sqlite.path = path_ = absl::StrCat(path_, ".again");
      opened = OpenSqliteBatchStore(sqlite, world_.clock);
    }
    sqlite3_reset_auto_extension();
    opening = nullptr;
    engine_ = std::move(opened).value();
    // A process dies here, never the machine's power: what is written is kept, and syncing would only take
    // time.
    sqlite3_exec(database_, "PRAGMA synchronous = OFF", nullptr, nullptr, nullptr);
  } else {
    engine_ = std::make_unique<InMemoryBatchStore>(
        InMemoryBatchStore::Options{.stages = &SteppedStages(), .executor = turns_.get()}, world_.clock);
  }
  engine_->SetListener(this);
  recording_ = std::make_unique<RecordingStore>(*engine_, world_, [this] { return DiesBeforeAnswer(); });
}

int SimulatedStore::OnDatabaseOpened(sqlite3* database, char**, const void*) {
  if (opening == nullptr) return SQLITE_OK;
  opening->database_ = database;
  sqlite3_commit_hook(database, &SimulatedStore::OnCommit, opening);
  return SQLITE_OK;
}

// Inside COMMIT, before anything of it is in the log as committed.
int SimulatedStore::OnCommit(void* self) {
  auto& store = *static_cast<SimulatedStore*>(self);
  const bool lives = !store.dead_ && !store.closing_ && store.recording_ != nullptr;
  if (lives && store.world_.faults.Fires(FaultSite::kCrashBeforeCommit)) {
    store.Die();
    store.on_death_();
  }
  return 0;
}

bool SimulatedStore::DiesBeforeAnswer() {
  if (!on_disk() || dead_ || closing_ || !world_.faults.Fires(FaultSite::kCrashBeforeAnswer)) return false;
  Die();
  on_death_();
  return true;
}

void SimulatedStore::Die() {
  if (dead_) return;
  dead_ = true;
  recording_->Cut();
  if (!on_disk()) return;
  path_ = directory_.File(absl::StrCat("batches", life_, ".db"));
  CopyStoreFile(sqlite3_db_filename(database_, "main"), path_);
}

void SimulatedStore::Restart() {
  closing_ = true;
  turns_->Drop();
  engine_->SetListener(nullptr);
  engine_.reset();
  closing_ = false;
  changed_.clear();
  look_scheduled_ = false;
  if (on_disk()) {
    history::Restarted restarted = CheckFile();
    Open();
    restarted.suspects_after = SuspectsIn(database_);
    world_.history.push_back(restarted);
  } else {
    Open();
  }
  for (const auto& [id, content] : world_.contents) OnOutcomes(id);
}

void SimulatedStore::SetDiskFull(bool full) {
  if (!on_disk() || dead_) return;
  const std::string limit = absl::StrCat("PRAGMA max_page_count = ", full ? 1 : kUnlimitedPages);
  // Never less than the file has: 1 means no more than now.
  sqlite3_exec(database_, limit.c_str(), nullptr, nullptr, nullptr);
}

// --- the observer

void SimulatedStore::OnReady() {
  if (!dead_) on_ready_();
}

void SimulatedStore::OnOutcomes(const std::string& batch_id) {
  changed_.insert(batch_id);
  if (look_scheduled_) return;
  look_scheduled_ = true;
  world_.timeline.After(absl::Microseconds(10), [this, life = life_] {
    if (life != life_ || dead_) return;
    look_scheduled_ = false;
    LookAtChanges();
  });
}

void SimulatedStore::LookAtChanges() {
  for (const std::string& id : std::exchange(changed_, {})) Look(id);
}

void SimulatedStore::Look(const std::string& batch_id) {
  const auto content = world_.contents.find(batch_id);
  if (content == world_.contents.end()) return;
  const BatchKey name{content->second.batch.tenant, batch_id};
  recording_->GetBatch(name, [this, batch_id](const absl::StatusOr<Batch>& batch) {
    if (batch.ok() && IsTerminal(batch->state)) terminal_.insert(batch_id);
  });
  ReadOn(name);
}

void SimulatedStore::ReadOn(const BatchKey& name) {
  recording_->ReadOutcomes(name, read_[name.id], 256,
                           [this, name](const absl::StatusOr<std::vector<Outcome>>& page) {
                             if (!page.ok() || page->empty()) return;
                             read_[name.id] = std::max(read_[name.id], page->back().sequence);
                             ReadOn(name);
                           });
}

void SimulatedStore::ReadAgain(const std::string& batch_id) {
  read_[batch_id] = 0;
  Look(batch_id);
}

void SimulatedStore::CheckPlaces() {
  if (on_disk() || dead_) return;  // SQLite's own statistics derive one place from the others: see the file
  auto places = std::make_shared<history::Places>();
  // Handed in together, these run with nothing between them.
  for (const std::string& tenant : world_.tenants) {
    recording_->ListBatches(tenant, 1000, "", [places](const absl::StatusOr<BatchPage>& page) {
      if (!page.ok()) return;
      for (const Batch& batch : page->batches) {
        if (IsTerminal(batch.state)) continue;
        places->jobs += batch.counts.jobs;
        places->done += batch.counts.done();
      }
    });
  }
  recording_->Stats([this, places](const absl::StatusOr<StoreStats>& stats) {
    if (!stats.ok()) return;
    for (const auto& [kind, jobs] : stats->kinds) {
      places->waiting_or_ready += jobs.ready_jobs;
      places->leased += jobs.leased_jobs;
    }
    world_.history.push_back(*places);
  });
}

history::Restarted SimulatedStore::CheckFile() {
  if (!world_.store_lost.ok()) return {};  // a file that began anew may not even have its tables yet
  const std::string copy = directory_.File("places.db");
  CopyStoreFile(path_, copy);
  for (const history::Places& places : PlacesInFile(copy)) world_.history.push_back(places);
  return {.died = dead_,
          .leased = SqlInt(copy, "SELECT count(*) FROM lease WHERE suspicion = 0"),
          .suspects = SqlInt(copy, kSuspects)};
}

}  // namespace sluice
