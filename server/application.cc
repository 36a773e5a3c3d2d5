#include "server/application.h"

#include <grpcpp/impl/codegen/service_type.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error_details.h"
#include "core/base/log.h"
#include "core/base/notification.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/base/thread_pool.h"
#include "core/inference/cache_metrics.h"
#include "core/metrics/process_metrics.h"
#include "core/metrics/service_metrics.h"
#include "core/pipeline/pipeline.h"
#include "core/results/result_feed.h"
#include "core/store/sqlite/directory_sync.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "core/store/sqlite/sqlite_embedding_cache.h"
#include "server/archive.h"
#include "server/calibration_key.h"
#include "server/convert/proto_archive_codec.h"
#include "server/convert/proto_embed_codec.h"
#include "server/convert/proto_screen_codec.h"
#include "server/front_door.h"
#include "server/grpc_server.h"
#include "server/http/admin_server.h"
#include "server/memory_upkeep.h"
#include "server/model.h"
#include "server/model_start.h"
#include "server/process_limits.h"
#include "server/ready_file.h"
#include "server/rpc/batch_service.h"
#include "server/rpc/embedding_service.h"
#include "server/rpc/library_service.h"
#include "server/rpc/refusals.h"
#include "server/rpc/server_service.h"
#include "server/store_events.h"

namespace sluice {
namespace {

constexpr absl::Duration kUpkeepInterval = absl::Seconds(1);
constexpr absl::Duration kLeastCacheAge = absl::Hours(1);  // ages are looked at about so often
// What calls that still run get when all other work is done: the rest of the drain, within these bounds.
constexpr absl::Duration kLeastCallsTime = absl::Seconds(1);
constexpr absl::Duration kMostCallsTime = absl::Seconds(10);
// Then callers get a moment to hear that the server goes, and gRPC one to send what it has.
constexpr absl::Duration kQuiet = absl::Milliseconds(100);
constexpr absl::Duration kMostUnrest = absl::Milliseconds(500);
constexpr absl::Duration kLastSends = absl::Milliseconds(250);

class WholeApplication final : public Application {
 public:
  WholeApplication(Config config, EncoderSource& source, const Clock& clock, std::function<void()> on_failed)
      : config_(std::move(config)), source_(source), clock_(clock), on_failed_(std::move(on_failed)) {}

  ~WholeApplication() override {
    if (store_ != nullptr) store_->SetListener(nullptr);
    end_upkeep_.Notify();
    upkeep_.Join();
    if (feed_ != nullptr) feed_->Close();  // ends streams, for which the gRPC server would wait
  }

  absl::Status Start() {
    SLUICE_ASSIGN_OR_RETURN(max_connections_, ConnectionsWithin(config_.max_connections, DescriptorLimit()));
    SLUICE_RETURN_IF_ERROR(ChooseHardware());
    SLUICE_RETURN_IF_ERROR(CheckThreadsAndMemory(facts_.hardware.cores));
    SLUICE_RETURN_IF_ERROR(StartExecutors());
    SLUICE_RETURN_IF_ERROR(OpenStore());
    SLUICE_RETURN_IF_ERROR(StartArchive());
    OpenCache();
    SLUICE_RETURN_IF_ERROR(LoadModel());
    SLUICE_RETURN_IF_ERROR(StartWork());
    SLUICE_RETURN_IF_ERROR(StartServers());
    ready_.store(true);  // before the upkeep looks: what it gives up must not become ready again
    upkeep_ = Thread("upkeep", [this] { KeepUp(); });
    if (!config_.ready_file.empty()) {
      SLUICE_RETURN_IF_ERROR(WriteReadyFile(config_.ready_file, grpc_address(), admin_address()));
    }
    Log(LogLevel::kInfo, "ready: gRPC on ", grpc_address(), ", admin on ", admin_address());
    return absl::OkStatus();
  }

  const std::string& grpc_address() const override { return grpc_server_->address(); }
  const std::string& admin_address() const override { return admin_server_->address(); }

  void Drain() override {
    if (drained_) return;
    drained_ = true;
    const absl::Duration end = clock_.MonotonicNow() + config_.drain_timeout;
    Log(LogLevel::kInfo, "draining: no new batches; running work has ",
        absl::FormatDuration(config_.drain_timeout));
    ready_.store(false);
    grpc_server_->BeginDrain();
    door_->BeginDrain();
    if (model_ != nullptr) ForgetAWrongCalibration(*model_, CalibrationFile());
    const bool in_time = pipeline_->Drain(config_.drain_timeout);
    EndCalls(end);
    Log(in_time ? LogLevel::kInfo : LogLevel::kWarning,
        in_time ? "drained: all running work is committed or given back"
                : "drained: some work did not end in time; its leases go back when they run out");
  }

  bool store_failed() const override { return door_->store_failed(); }
  bool lost() const override { return grpc_server_->lost(); }

  void Backup() override {
    const std::string directory = BackupDirectory();
    if (absl::Status made = MakeDirectory(directory); !made.ok()) {
      return Log(LogLevel::kError, "no backup: ", made.message());
    }
    const std::string stamp = absl::FormatTime("%Y%m%dT%H%M%E3SZ", clock_.WallNow(), absl::UTCTimeZone());
    const std::string path = (std::filesystem::path(directory) / (stamp + ".db")).string();
    store_->Backup(path, [path](const absl::Status& status) {
      if (status.ok()) return Log(LogLevel::kInfo, "backup complete: ", path);
      Log(LogLevel::kError, "no backup: ", status.message());
    });
  }

 private:
  absl::Status ChooseHardware() {
    facts_.hardware = DetectHardware();
    absl::StatusOr<TierChoice> tier = ChooseTier(facts_.hardware, source_.Devices(), config_.tier);
    if (!tier.ok()) return WithReason(tier.status(), "DEVICE_UNUSABLE");
    facts_.tier = *std::move(tier);
    facts_.version = SLUICE_VERSION;
    facts_.start_time = clock_.WallNow();
    facts_.libraries = source_.Libraries();
    facts_.libraries["grpc"] = GrpcVersion();
    return absl::OkStatus();
  }

  std::string BackupDirectory() const { return (std::filesystem::path(config_.data) / "backups").string(); }

  int PhaseOneWorkers() const {
    return config_.phase_one_workers > 0 ? config_.phase_one_workers : std::min(facts_.hardware.cores, 256);
  }

  absl::Status StartExecutors() {
    // Batches are checked apart from interactive calls, and all their work gives way to those.
    SLUICE_ASSIGN_OR_RETURN(front_executor_, ThreadPool::Create({.name = "front", .num_threads = 2}));
    SLUICE_ASSIGN_OR_RETURN(
        intake_executor_,
        ThreadPool::Create({.name = "intake", .num_threads = 2, .priority = ThreadPriority::kBackground}));
    SLUICE_ASSIGN_OR_RETURN(work_executor_, ThreadPool::Create({.name = "work",
                                                                .num_threads = PhaseOneWorkers(),
                                                                .priority = ThreadPriority::kBackground}));
    return absl::OkStatus();
  }

  absl::Status OpenStore() {
    SLUICE_RETURN_IF_ERROR(MakeDirectory(config_.data));
    const std::string path = (std::filesystem::path(config_.data) / "batches.db").string();
    absl::StatusOr<std::unique_ptr<EmbeddedStore>> store = OpenSqliteBatchStore({.path = path}, clock_);
    if (!store.ok() && absl::StrContains(store.status().message(), path)) return store.status();
    if (!store.ok()) {
      return WithReason(
          absl::Status(store.status().code(), absl::StrCat(path, ": ", store.status().message())),
          ReasonOf(store.status()));
    }
    store_ = *std::move(store);
    RemovePartialBackups(BackupDirectory());
    process_metrics_ = std::make_unique<ProcessMetrics>(config_.data);
    return absl::OkStatus();
  }

  // Leaves archive_ null where there is no parser that works: everything else is served.
  absl::Status StartArchive() {
    absl::StatusOr<std::unique_ptr<Archive>> archive =
        OpenArchive({.data = config_.data,
                     .parser = config_.parser,
                     .pdfium = config_.pdfium,
                     .parse_workers = config_.parse_workers,
                     .cores = facts_.hardware.cores,
                     .memory_bytes = facts_.hardware.memory_bytes},
                    clock_);
    if (archive.ok()) {
      archive_ = *std::move(archive);
      if (absl::Status dropped = DropAbandonedDrafts(*archive_->library, *store_); !dropped.ok()) {
        Log(LogLevel::kWarning, "abandoned drafts stay in the library: ", dropped.message());
      }
      return absl::OkStatus();
    }
    const bool no_parser = ReasonOf(archive.status()) == "PARSER_UNUSABLE";
    const bool asked_for = !config_.parser.empty() || !config_.pdfium.empty();
    if (!no_parser || asked_for) return archive.status();
    Log(LogLevel::kWarning, "no archive: ", archive.status().message());
    return absl::OkStatus();
  }

  ArchiveParts ArchiveWork() const {
    if (archive_ == nullptr) return {};
    return {.parser = archive_->parser.get(),
            .library = archive_->library.get(),
            .contents = archive_->contents.get(),
            .codec = &archive_codec_};
  }

  // Leaves cache_ null when it is off, or cannot be had: then everything is encoded.
  void OpenCache() {
    if (config_.embedding_cache_bytes == 0 || facts_.tier.tier == Tier::kEmergency) return;
    const std::string path = (std::filesystem::path(config_.data) / "cache.db").string();
    absl::StatusOr<std::unique_ptr<EmbeddingCache>> cache =
        OpenSqliteEmbeddingCache({.path = path,
                                  .max_bytes = config_.embedding_cache_bytes,
                                  .max_age = std::max(config_.retention, kLeastCacheAge),
                                  .observer = &cache_metrics_},
                                 clock_);
    if (!cache.ok()) return Log(LogLevel::kWarning, "no embedding cache: ", cache.status().message());
    cache_ = *std::move(cache);
  }

  // What computes vectors.
  std::string Software() const {
    return absl::StrCat("sluice ", facts_.version, ", ",
                        absl::StrJoin(source_.Libraries(), ", ", absl::PairFormatter(" ")));
  }

  // Leaves model_ null in the emergency tier.
  absl::Status LoadModel() {
    SLUICE_ASSIGN_OR_RETURN(StartedModel started, StartModel(ModelRequest(), source_,
                                                             {.executor = front_executor_.get(),
                                                              .clock = &clock_,
                                                              .metrics = &metrics_,
                                                              .scheduler = {.codel = CallWait()},
                                                              .cache = cache_.get(),
                                                              .software = Software()}));
    model_ = std::move(started.model);
    facts_.tier = std::move(started.tier);
    Log(model_ == nullptr ? LogLevel::kWarning : LogLevel::kInfo, "tier ", TierName(facts_.tier.tier), ": ",
        facts_.tier.reason);
    if (model_ == nullptr) {
      Log(LogLevel::kWarning,
          "postings that an earlier plan let go on to a model stay queued until there is one");
      return absl::OkStatus();
    }
    facts_.has_model = true;
    facts_.model = model_->description();
    facts_.replicas = model_->Replicas();
    facts_.calibration = model_->calibration();
    return absl::OkStatus();
  }

  EncoderRequest ModelRequest() const {
    EncoderRequest request = {.model_directory = config_.model,
                              .tier = facts_.tier,
                              .fixed_replicas = config_.tier.replicas > 0,
                              .bf16_instructions = HasBf16Instructions(facts_.hardware),
                              .precision = config_.precision};
    request.memory = {.path = CalibrationFile(),
                      .key = KeyOfStart(facts_.version, facts_.hardware, request),
                      .measure_anew = config_.measure_anew};
    return request;
  }

  std::string CalibrationFile() const {
    return (std::filesystem::path(config_.data) / "calibration.json").string();
  }

  CodelOptions CallWait() const {
    CodelOptions options;
    const double intervals = absl::FDivDuration(options.interval, options.target);
    return {.target = config_.call_wait_target, .interval = config_.call_wait_target * intervals};
  }

  absl::Status StartWork() {
    SLUICE_ASSIGN_OR_RETURN(
        feed_, ResultFeed::Create({.max_subscriptions = config_.door.max_streams}, *store_, *store_));
    PipelineOptions options;
    options.phase_one_workers = PhaseOneWorkers();
    options.retention = config_.retention;
    if (model_ != nullptr) {
      options.model_digest = model_->description().model_digest;
      options.max_tokens = model_->description().max_tokens;
      options.credit_target_tokens = model_->CreditTargetTokens();
    }
    SLUICE_ASSIGN_OR_RETURN(
        pipeline_, Pipeline::Create(options, {.queue = store_.get(),
                                              .upkeep = store_.get(),
                                              .screen_codec = &screen_codec_,
                                              .embed_codec = &embed_codec_,
                                              .scheduler = model_ == nullptr ? nullptr : &model_->scheduler(),
                                              .tokenizer = model_ == nullptr ? nullptr : &model_->tokenizer(),
                                              .archive = ArchiveWork(),
                                              .executor = work_executor_.get(),
                                              .clock = &clock_,
                                              .metrics = &metrics_}));
    events_ = std::make_unique<StoreEvents>(*pipeline_, *feed_, changes_, metrics_);
    store_->SetListener(events_.get());
    pipeline_->OnReady();  // what came before there was a listener
    return absl::OkStatus();
  }

  absl::Status StartServers() {
    AdmissionLimits limits = config_.door;
    if (limits.max_memory_bytes == INT64_MAX && facts_.hardware.memory_bytes > 0)
      limits.max_memory_bytes = facts_.hardware.memory_bytes / 100 * 92;
    facts_.max_queued_jobs = limits.max_queued_jobs;
    memory_ = std::make_unique<MemoryUpkeep>(limits.max_memory_bytes,
                                             MemoryUpkeep::OfThisProcess(limits.max_memory_bytes, clock_));
    door_ = std::make_unique<FrontDoor>(limits, *store_, facts_.has_model, [this] { end_upkeep_.Notify(); });
    RefreshDoor();
    batch_service_ =
        std::make_unique<BatchService>(BatchServiceParts{.rpc = {metrics_, clock_, refusals_, calls_},
                                                         .catalog = store_.get(),
                                                         .results = store_.get(),
                                                         .feed = feed_.get(),
                                                         .changes = &changes_,
                                                         .door = door_.get(),
                                                         .executor = intake_executor_.get(),
                                                         .reader_timeout = config_.reader_timeout,
                                                         .upload_timeout = config_.upload_timeout,
                                                         .has_model = facts_.has_model,
                                                         .has_parser = archive_ != nullptr});
    embedding_service_ = std::make_unique<EmbeddingService>(
        EmbeddingServiceParts{.rpc = {metrics_, clock_, refusals_, calls_},
                              .embedder = model_ == nullptr ? nullptr : &model_->embedder(),
                              .load = [this] { return model_->PresentLoad(); },
                              .max_waiting_texts = model_ == nullptr ? 0 : model_->max_waiting_texts(),
                              .dimensions = facts_.model.dimensions,
                              .model = facts_.model.model_name,
                              .door = door_.get()});
    const ArchiveParts archive = ArchiveWork();
    library_service_ =
        std::make_unique<LibraryService>(LibraryServiceParts{.rpc = {metrics_, clock_, refusals_, calls_},
                                                             .library = archive.library,
                                                             .contents = archive.contents,
                                                             .parser = archive.parser,
                                                             .catalog = store_.get(),
                                                             .door = door_.get(),
                                                             .upload_timeout = config_.upload_timeout});
    server_service_ =
        std::make_unique<ServerService>(facts_, *door_, RpcShared{metrics_, clock_, refusals_, calls_});
    ShowFacts();
    SLUICE_ASSIGN_OR_RETURN(admin_server_, AdminServer::Create({.address = config_.admin,
                                                                .metrics = metrics_.Connections("admin")},
                                                               AdminPages()));
    SLUICE_ASSIGN_OR_RETURN(
        grpc_server_, GrpcServer::Create({.address = config_.listen,
                                          .reflection = config_.reflection,
                                          .memory_quota_bytes = TransportQuota(limits.max_memory_bytes),
                                          .max_connections = max_connections_,
                                          .metrics = metrics_.Connections("grpc"),
                                          .on_lost = [this] { GiveUp("the gRPC port cannot be reached"); }},
                                         {batch_service_.get(), embedding_service_.get(),
                                          library_service_.get(), server_service_.get()}));
    return absl::OkStatus();
  }

  void ShowFacts() {
    metrics_.SetBuild({{"version", facts_.version}});
    metrics_.SetHardware({{"tier", TierName(facts_.tier.tier)},
                          {"cores", absl::StrCat(facts_.hardware.cores)},
                          {"processor", facts_.hardware.processor}});
  }

  AdminServer::Pages AdminPages() {
    return {.metrics =
                [this] {
                  std::vector<prometheus::MetricFamily> families = registry_.Collect();
                  for (prometheus::MetricFamily& family : process_metrics_->Collect()) {
                    families.push_back(std::move(family));
                  }
                  return prometheus::TextSerializer().Serialize(families);
                },
            .ready = [this] { return ready_.load() && !store_failed() && grpc_server_->reachable(); }};
  }

  // gRPC's own shutdown would end calls with CANCELLED and not a word: it finds none.
  void EndCalls(absl::Duration drain_end) {
    feed_->Close();
    changes_.Close();
    calls_.Close();
    const absl::Duration left = drain_end - clock_.MonotonicNow();
    calls_.AwaitQuiet(absl::ZeroDuration(), std::clamp(left, kLeastCallsTime, kMostCallsTime));
    calls_.EndAll();
    calls_.AwaitQuiet(kQuiet, kMostUnrest);
    grpc_server_->Shutdown(kLastSends);
  }

  void KeepUp() {
    while (!end_upkeep_.WaitFor(kUpkeepInterval)) RefreshDoor();
    if (!store_failed()) return;
    pipeline_->CutDrain();
    GiveUp("the store failed");
  }

  void RefreshDoor() { door_->Refresh(pipeline_->JobsPerSecond(), memory_->Measure()); }

  void GiveUp(absl::string_view what) {
    Log(LogLevel::kError, what, ": ending; the next start recovers all that was acknowledged");
    const bool draining = !ready_.exchange(false);
    if (!draining && on_failed_) on_failed_();
  }

  // In the order of construction; destroyed from the last to the first.
  const Config config_;
  EncoderSource& source_;
  const Clock& clock_;
  int max_connections_ = 0;
  const std::function<void()> on_failed_;
  prometheus::Registry registry_;
  ServiceMetrics metrics_{registry_};
  CacheMetricsFeed cache_metrics_{metrics_.embedding_cache()};
  const Refusals refusals_{metrics_, SystemRandom()};
  OpenCalls calls_{clock_};
  ServerFacts facts_;
  const ProtoScreenCodec screen_codec_;
  const ProtoEmbedCodec embed_codec_;
  const ProtoArchiveCodec archive_codec_;
  BatchChanges changes_;
  std::unique_ptr<ProcessMetrics> process_metrics_;
  std::unique_ptr<ThreadPool> front_executor_;
  std::unique_ptr<ThreadPool> intake_executor_;
  std::unique_ptr<ThreadPool> work_executor_;
  std::unique_ptr<StoreEvents> events_;
  Notification end_upkeep_;  // by the end of this, or of the store
  std::unique_ptr<EmbeddedStore> store_;
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<EmbeddingCache> cache_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<ResultFeed> feed_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<MemoryUpkeep> memory_;
  std::unique_ptr<FrontDoor> door_;
  std::unique_ptr<BatchService> batch_service_;
  std::unique_ptr<EmbeddingService> embedding_service_;
  std::unique_ptr<LibraryService> library_service_;
  std::unique_ptr<ServerService> server_service_;
  std::atomic<bool> ready_ = false;
  std::unique_ptr<GrpcServer> grpc_server_;
  std::unique_ptr<AdminServer> admin_server_;  // asks the gRPC server, so it ends before it
  bool drained_ = false;
  Thread upkeep_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Application>> Application::Start(Config config, EncoderSource& source,
                                                                const Clock& clock,
                                                                std::function<void()> on_failed) {
  auto application =
      std::make_unique<WholeApplication>(std::move(config), source, clock, std::move(on_failed));
  if (absl::Status started = application->Start(); !started.ok()) return started;
  return application;
}

}  // namespace sluice
