// ServiceMetrics: every metric Sluice exports, its name, help, labels and buckets, in one place.
//
// Each part is handed the small struct it feeds and never looks a name up. Everything is initialised to zero
// when made, so that a dashboard is not empty before the first job. Units are seconds, bytes and tokens.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/store/batch.h"

namespace sluice {

// Labels are fixed sets, in these orders; the enums of the parts index them.
inline constexpr std::array<const char*, 4> kMetricOutcomes = {"succeeded", "failed", "cancelled", "expired"};
inline constexpr std::array<const char*, 2> kMetricClasses = {"interactive", "bulk"};
inline constexpr std::array<const char*, 3> kMetricGateDecisions = {"vetoed", "gated", "passed"};
inline constexpr std::array<const char*, 15> kMetricRefusalReasons = {
    "QUEUE_FULL",       "QUEUE_OVERLOADED", "TENANT_QUEUE_FULL", "DEADLINE_TOO_SHORT", "DISK_LOW",
    "DISK_FULL",        "MEMORY_LOW",       "TOO_MANY_BYTES",    "TOO_MANY_CALLS",     "TOO_MANY_UPLOADS",
    "TOO_MANY_STREAMS", "STORE_BUSY",       "SERVER_BUSY",       "DRAINING",           "OTHER"};
inline constexpr std::array<const char*, 2> kMetricPorts = {"grpc", "admin"};
inline constexpr std::array<const char*, 3> kMetricLookupResults = {"hit", "miss", "joined"};
inline constexpr std::array<const char*, 5> kMetricPageOutcomes = {"ok", "degraded", "blank", "failed",
                                                                   "reused"};
inline constexpr std::array<const char*, 3> kMetricDropReasons = {"cancelled", "deadline", "overloaded"};
inline constexpr std::array<const char*, 3> kMetricFallbackReasons = {"RESOURCE_EXHAUSTED", "INTERNAL",
                                                                      "OTHER"};

struct SchedulerMetrics {
  std::array<prometheus::Gauge*, 2> queue_tokens;            // by class
  std::array<prometheus::Histogram*, 2> queue_wait_seconds;  // by class
  prometheus::Histogram* microbatch_jobs;
  prometheus::Histogram* microbatch_tokens;
  std::array<std::array<prometheus::Counter*, 3>, 2> dropped_total;  // [class][reason]
};

struct EmbeddingCacheMetrics {
  std::array<prometheus::Counter*, 3> lookups_total;  // by result
  prometheus::Gauge* bytes;
  prometheus::Counter* evicted_total;
  prometheus::Counter* dropped_total;
};

struct ConnectionMetrics {
  prometheus::Gauge* open = nullptr;
  prometheus::Counter* refused_total = nullptr;
};

struct ReplicaMetrics {
  prometheus::Histogram* encode_seconds;
  prometheus::Counter* tokens_total;
  prometheus::Counter* padding_tokens_total;
  prometheus::Gauge* device_utilization_ratio;
};

struct PipelineMetrics {
  struct OfKind {
    std::map<OutcomeKind, prometheus::Counter*> jobs_total;
    prometheus::Gauge* queue_jobs;
    prometheus::Histogram* job_seconds;  // claim to recorded outcome
  };
  std::map<JobKind, OfKind> kinds;                        // all of the table's
  std::map<Stage, prometheus::Histogram*> stage_seconds;  // alike
  std::array<prometheus::Counter*, 3> gate_jobs_total;    // by decision
  prometheus::Gauge* phase_one_workers;
  prometheus::Gauge* backlog_seconds;
  prometheus::Gauge* saturation_ratio;
  prometheus::Counter* fenced_results_total;
  std::array<prometheus::Counter*, 5> document_pages_total;  // by outcome
};

struct RpcMethodMetrics {
  prometheus::Counter* started_total;
  prometheus::Histogram* handling_seconds;
  prometheus::Counter* handled_total[17];  // by grpc::StatusCode
};

// Thread-safe. `registry` must outlive it.
class ServiceMetrics {
 public:
  // The pipeline's are of the kinds and stages of `stages`.
  explicit ServiceMetrics(prometheus::Registry& registry, const StageTable& stages = StageTable::BuiltIn());

  const SchedulerMetrics& scheduler() const { return scheduler_; }
  const PipelineMetrics& pipeline() const { return pipeline_; }
  const EmbeddingCacheMetrics& embedding_cache() const { return embedding_cache_; }

  // `port` is one of kMetricPorts.
  ConnectionMetrics Connections(absl::string_view port);

  // `device` as in "cpu" or "cuda:0"; the same arguments give the same series.
  ReplicaMetrics Replica(absl::string_view device, absl::string_view precision);

  // `type` is "unary", "client_stream", "server_stream" or "bidi_stream". Call once a method, at start.
  RpcMethodMetrics RpcMethod(absl::string_view service, absl::string_view method, absl::string_view type);

  // `reason` is one of the fixed sets below; unknown ones are counted as "OTHER". `from` and `to` are steps
  // of the cascade as in "batch" or "cpu", named by the code and never by a request.
  void CountRefusal(absl::string_view reason);
  void CountFallback(absl::string_view from, absl::string_view to, absl::string_view reason);

  // Info metrics: value 1, facts as labels.
  void SetBuild(const std::map<std::string, std::string>& facts);
  void SetHardware(const std::map<std::string, std::string>& facts);

 private:
  prometheus::Registry& registry_;
  SchedulerMetrics scheduler_;
  PipelineMetrics pipeline_;
  EmbeddingCacheMetrics embedding_cache_;
  std::map<std::string, prometheus::Counter*, std::less<>> refusals_;
};

}  // namespace sluice
