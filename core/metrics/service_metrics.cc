#include "core/metrics/service_metrics.h"

#include <algorithm>

#include "absl/types/span.h"

namespace sluice {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

// A wait is good below a few milliseconds, is bounded by the scheduler's ageing (2 s) and is trouble beyond
// 30 s.
constexpr double kWaitBuckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                   0.25,   0.5,   1,      2.5,   5,    10,    30};
// A boundary at each tier's cap (6, 12, 24), so that full micro-batches are told from nearly full ones.
constexpr double kMicrobatchJobsBuckets[] = {1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 64};
// Powers of two from one short text to beyond the largest tier's budget, 16,384.
constexpr double kMicrobatchTokensBuckets[] = {32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
// From a small pass on a GPU to a large one on a few slow cores.
constexpr double kEncodeBuckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                     0.1,    0.25,  0.5,    1,     2.5,  5,     10};
// From one rules-only job to the plan of a batch of a million.
constexpr double kJobBuckets[] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                  1,     2.5,   5,    10,    30,   60,  300,  1800};
// go-grpc-middleware's defaults, widened: a GetBatch takes less than 5 ms, a WatchBatch lasts as long as its
// batch.
constexpr double kRpcBuckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                  0.5,   1,      2.5,   5,    10,    60,   300, 1800};

struct MetricSpec {
  const char* name;
  const char* help;
  absl::Span<const double> buckets = {};
};

constexpr MetricSpec kJobs = {"sluice_jobs_total", "Jobs with a recorded outcome."};
constexpr MetricSpec kQueueJobs = {"sluice_queue_jobs", "Jobs accepted and not done."};
constexpr MetricSpec kQueueTokens = {"sluice_queue_tokens", "Tokens waiting for a micro-batch."};
constexpr MetricSpec kQueueWait = {
    "sluice_queue_wait_seconds",
    "Time that a text waited in the scheduler before its micro-batch was formed.", kWaitBuckets};
constexpr MetricSpec kMicrobatchJobs = {"sluice_microbatch_jobs", "Texts in a micro-batch.",
                                        kMicrobatchJobsBuckets};
constexpr MetricSpec kMicrobatchTokens = {"sluice_microbatch_tokens", "Tokens in a micro-batch.",
                                          kMicrobatchTokensBuckets};
constexpr MetricSpec kDropped = {"sluice_queue_dropped_total",
                                 "Texts that left the scheduler's queue without being encoded."};
constexpr MetricSpec kCacheLookups = {
    "sluice_embedding_cache_lookups_total",
    "Texts looked up before they are encoded: found, not found, or equal to one being encoded."};
constexpr MetricSpec kCacheBytes = {"sluice_embedding_cache_bytes",
                                    "What the embedding cache holds on disk."};
constexpr MetricSpec kCacheEvicted = {"sluice_embedding_cache_evicted_total",
                                      "Vectors that left the cache for newer ones, or for their age."};
constexpr MetricSpec kCacheDropped = {"sluice_embedding_cache_dropped_total",
                                      "Vectors that were not kept: they came too fast, or the disk refused."};
constexpr MetricSpec kEncode = {"sluice_encode_seconds", "Time of one forward pass.", kEncodeBuckets};
constexpr MetricSpec kTokens = {"sluice_tokens_total", "Tokens encoded, padding not counted."};
constexpr MetricSpec kPaddingTokens = {"sluice_padding_tokens_total", "Padding computed beside real tokens."};
constexpr MetricSpec kJobSeconds = {"sluice_job_seconds",
                                    "Time of a job from its claim to its recorded outcome.", kJobBuckets};
constexpr MetricSpec kStageSeconds = {"sluice_stage_seconds", "Time of one run of a stage.", kJobBuckets};
constexpr MetricSpec kGateJobs = {"sluice_gate_jobs_total", "Postings decided by the gate."};
constexpr MetricSpec kFallbacks = {"sluice_device_fallback_total", "Steps down the fallback cascade."};
constexpr MetricSpec kRefusals = {"sluice_admission_refused_total", "Requests refused at the front door."};
constexpr MetricSpec kConnections = {"sluice_connections", "Connections that are open."};
constexpr MetricSpec kConnectionsRefused = {"sluice_connections_refused_total",
                                            "Connections closed because as many were open as may be."};
constexpr MetricSpec kSaturation = {"sluice_saturation_ratio",
                                    "How busy the replicas are, 0 to 1: scale out near 1."};
constexpr MetricSpec kBacklog = {"sluice_backlog_seconds", "Time that the jobs accepted so far still need."};
constexpr MetricSpec kPhaseOneWorkers = {"sluice_phase_one_workers", "Closures a plan task is split over."};
constexpr MetricSpec kFencedResults = {"sluice_fenced_results_total",
                                       "Results dropped because their lease had gone to another attempt."};
constexpr MetricSpec kDocumentPages = {"sluice_document_pages_total",
                                       "Pages of documents: read and good, lacking something, blank, failed; "
                                       "or found as they had been read before."};
constexpr MetricSpec kDeviceUtilization = {"sluice_device_utilization_ratio",
                                           "Share of time that the device ran a forward pass, 0 to 1."};
constexpr MetricSpec kBuild = {"sluice_build_info", "What this server was built from; always 1."};
constexpr MetricSpec kHardware = {"sluice_hardware_info", "What this server runs on; always 1."};
// The names and labels of go-grpc-middleware, so that existing dashboards fit.
constexpr MetricSpec kRpcStarted = {"grpc_server_started_total", "RPCs started on the server."};
constexpr MetricSpec kRpcHandled = {"grpc_server_handled_total",
                                    "RPCs completed on the server, whatever the outcome."};
constexpr MetricSpec kRpcSeconds = {"grpc_server_handling_seconds", "Time that the server spent on an RPC.",
                                    kRpcBuckets};

// In the order of grpc::StatusCode, spelt as go-grpc-middleware does.
constexpr const char* kGrpcCodes[] = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

Counter* MakeCounter(prometheus::Registry& registry, const MetricSpec& spec, const Labels& labels = {}) {
  return &prometheus::BuildCounter().Name(spec.name).Help(spec.help).Register(registry).Add(labels);
}

Gauge* MakeGauge(prometheus::Registry& registry, const MetricSpec& spec, const Labels& labels = {}) {
  return &prometheus::BuildGauge().Name(spec.name).Help(spec.help).Register(registry).Add(labels);
}

Histogram* MakeHistogram(prometheus::Registry& registry, const MetricSpec& spec, const Labels& labels = {}) {
  return &prometheus::BuildHistogram().Name(spec.name).Help(spec.help).Register(registry).Add(
      labels, Histogram::BucketBoundaries(spec.buckets.begin(), spec.buckets.end()));
}

// One series for each value of a label that has a fixed set of them.
template <typename Make, typename Metric, size_t n>
void MakeEach(prometheus::Registry& registry, Make make, const MetricSpec& spec, const char* label,
              const std::array<const char*, n>& values, std::array<Metric*, n>& metrics) {
  std::transform(values.begin(), values.end(), metrics.begin(),
                 [&](const char* value) { return make(registry, spec, Labels{{label, value}}); });
}

SchedulerMetrics MakeSchedulerMetrics(prometheus::Registry& registry) {
  SchedulerMetrics metrics;
  MakeEach(registry, MakeGauge, kQueueTokens, "class", kMetricClasses, metrics.queue_tokens);
  MakeEach(registry, MakeHistogram, kQueueWait, "class", kMetricClasses, metrics.queue_wait_seconds);
  metrics.microbatch_jobs = MakeHistogram(registry, kMicrobatchJobs);
  metrics.microbatch_tokens = MakeHistogram(registry, kMicrobatchTokens);
  for (size_t c = 0; c < kMetricClasses.size(); ++c) {
    for (size_t reason = 0; reason < kMetricDropReasons.size(); ++reason) {
      metrics.dropped_total[c][reason] = MakeCounter(
          registry, kDropped, {{"class", kMetricClasses[c]}, {"reason", kMetricDropReasons[reason]}});
    }
  }
  return metrics;
}

PipelineMetrics MakePipelineMetrics(prometheus::Registry& registry, const StageTable& stages) {
  PipelineMetrics metrics;
  for (const KindRow& row : stages.kinds()) {
    PipelineMetrics::OfKind& kind = metrics.kinds[row.kind];
    for (size_t outcome = 0; outcome < kMetricOutcomes.size(); ++outcome) {
      kind.jobs_total[static_cast<OutcomeKind>(outcome + 1)] =
          MakeCounter(registry, kJobs, {{"kind", row.name}, {"outcome", kMetricOutcomes[outcome]}});
    }
    kind.queue_jobs = MakeGauge(registry, kQueueJobs, {{"kind", row.name}});
    kind.job_seconds = MakeHistogram(registry, kJobSeconds, {{"kind", row.name}});
  }
  for (const StageRow& row : stages.stages()) {
    metrics.stage_seconds[row.id] = MakeHistogram(registry, kStageSeconds, {{"stage", row.name}});
  }
  MakeEach(registry, MakeCounter, kGateJobs, "decision", kMetricGateDecisions, metrics.gate_jobs_total);
  metrics.phase_one_workers = MakeGauge(registry, kPhaseOneWorkers);
  metrics.backlog_seconds = MakeGauge(registry, kBacklog);
  metrics.saturation_ratio = MakeGauge(registry, kSaturation);
  metrics.fenced_results_total = MakeCounter(registry, kFencedResults);
  MakeEach(registry, MakeCounter, kDocumentPages, "outcome", kMetricPageOutcomes,
           metrics.document_pages_total);
  return metrics;
}

EmbeddingCacheMetrics MakeEmbeddingCacheMetrics(prometheus::Registry& registry) {
  EmbeddingCacheMetrics metrics;
  MakeEach(registry, MakeCounter, kCacheLookups, "result", kMetricLookupResults, metrics.lookups_total);
  metrics.bytes = MakeGauge(registry, kCacheBytes);
  metrics.evicted_total = MakeCounter(registry, kCacheEvicted);
  metrics.dropped_total = MakeCounter(registry, kCacheDropped);
  return metrics;
}

}  // namespace

ServiceMetrics::ServiceMetrics(prometheus::Registry& registry, const StageTable& stages)
    : registry_(registry),
      scheduler_(MakeSchedulerMetrics(registry)),
      pipeline_(MakePipelineMetrics(registry, stages)),
      embedding_cache_(MakeEmbeddingCacheMetrics(registry)) {
  for (const char* reason : kMetricRefusalReasons) {
    refusals_[reason] = MakeCounter(registry_, kRefusals, {{"reason", reason}});
  }
  for (const char* reason : kMetricFallbackReasons) {
    MakeCounter(registry_, kFallbacks, {{"from", "batch"}, {"to", "half_batch"}, {"reason", reason}});
  }
  for (const char* port : kMetricPorts) Connections(port);
  // Every machine has this device, and it is where the cascade ends, so its zero is true on all of them.
  Replica("cpu", "fp32");
}

ConnectionMetrics ServiceMetrics::Connections(absl::string_view port) {
  const Labels labels = {{"port", std::string(port)}};
  return {.open = MakeGauge(registry_, kConnections, labels),
          .refused_total = MakeCounter(registry_, kConnectionsRefused, labels)};
}

ReplicaMetrics ServiceMetrics::Replica(absl::string_view device, absl::string_view precision) {
  const Labels of_device = {{"device", std::string(device)}};
  const Labels of_both = {{"device", std::string(device)}, {"precision", std::string(precision)}};
  ReplicaMetrics metrics;
  metrics.encode_seconds = MakeHistogram(registry_, kEncode, of_both);
  metrics.tokens_total = MakeCounter(registry_, kTokens, of_device);
  metrics.padding_tokens_total = MakeCounter(registry_, kPaddingTokens, of_device);
  metrics.device_utilization_ratio = MakeGauge(registry_, kDeviceUtilization, of_device);
  return metrics;
}

RpcMethodMetrics ServiceMetrics::RpcMethod(absl::string_view service, absl::string_view method,
                                           absl::string_view type) {
  Labels labels = {{"grpc_service", std::string(service)},
                   {"grpc_method", std::string(method)},
                   {"grpc_type", std::string(type)}};
  RpcMethodMetrics metrics;
  metrics.started_total = MakeCounter(registry_, kRpcStarted, labels);
  metrics.handling_seconds = MakeHistogram(registry_, kRpcSeconds, labels);
  for (size_t code = 0; code < std::size(kGrpcCodes); ++code) {
    labels["grpc_code"] = kGrpcCodes[code];
    metrics.handled_total[code] = MakeCounter(registry_, kRpcHandled, labels);
  }
  return metrics;
}

void ServiceMetrics::CountRefusal(absl::string_view reason) {
  const auto known = refusals_.find(std::string(reason));
  (known != refusals_.end() ? known : refusals_.find("OTHER"))->second->Increment();
}

void ServiceMetrics::CountFallback(absl::string_view from, absl::string_view to, absl::string_view reason) {
  const bool known = std::find(kMetricFallbackReasons.begin(), kMetricFallbackReasons.end(), reason) !=
                     kMetricFallbackReasons.end();
  MakeCounter(registry_, kFallbacks,
              {{"from", std::string(from)},
               {"to", std::string(to)},
               {"reason", known ? std::string(reason) : std::string("OTHER")}})
      ->Increment();
}

void ServiceMetrics::SetBuild(const std::map<std::string, std::string>& facts) {
  MakeGauge(registry_, kBuild, facts)->Set(1);
}

void ServiceMetrics::SetHardware(const std::map<std::string, std::string>& facts) {
  MakeGauge(registry_, kHardware, facts)->Set(1);
}

}  // namespace sluice
