#include "core/metrics/service_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::set<std::string> Scrape(const prometheus::Registry& registry) {
  return absl::StrSplit(prometheus::TextSerializer().Serialize(registry.Collect()), '\n', absl::SkipEmpty());
}

// What a scrape says a family is: "name type".
std::vector<std::string> Families(const prometheus::Registry& registry) {
  std::vector<std::string> families;
  for (const std::string& line : Scrape(registry)) {
    if (absl::StartsWith(line, "# TYPE ")) families.push_back(line.substr(7));
  }
  return families;
}

// A dashboard is not empty before the first job: every family has a series from the start, and only these
// exist.
TEST(ServiceMetrics, EveryFamilyIsThereBeforeUse) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  metrics.SetBuild({{"version", "0.1.0"}});
  metrics.SetHardware({{"processor", "x"}});
  metrics.RpcMethod("sluice.v1.BatchService", "CreateBatch", "unary");
  EXPECT_THAT(
      Families(registry),
      UnorderedElementsAre(
          "sluice_jobs_total counter", "sluice_queue_jobs gauge", "sluice_queue_tokens gauge",
          "sluice_queue_wait_seconds histogram", "sluice_queue_dropped_total counter",
          "sluice_microbatch_jobs histogram", "sluice_microbatch_tokens histogram",
          "sluice_encode_seconds histogram", "sluice_embedding_cache_lookups_total counter",
          "sluice_embedding_cache_bytes gauge", "sluice_embedding_cache_evicted_total counter",
          "sluice_embedding_cache_dropped_total counter", "sluice_tokens_total counter",
          "sluice_padding_tokens_total counter", "sluice_job_seconds histogram",
          "sluice_stage_seconds histogram", "sluice_gate_jobs_total counter",
          "sluice_device_fallback_total counter", "sluice_admission_refused_total counter",
          "sluice_saturation_ratio gauge", "sluice_backlog_seconds gauge", "sluice_phase_one_workers gauge",
          "sluice_device_utilization_ratio gauge", "sluice_build_info gauge", "sluice_hardware_info gauge",
          "sluice_fenced_results_total counter", "sluice_connections gauge",
          "sluice_connections_refused_total counter", "sluice_document_pages_total counter",
          "grpc_server_started_total counter", "grpc_server_handled_total counter",
          "grpc_server_handling_seconds histogram"));
}

// Zero until something happens, and for a machine without an encoder for ever.
TEST(ServiceMetrics, EverySeriesStartsAtZero) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  metrics.RpcMethod("s", "M", "unary");
  for (const std::string& line : Scrape(registry)) {
    if (absl::StartsWith(line, "#")) continue;
    EXPECT_TRUE(absl::EndsWith(line, " 0")) << line;
  }
}

// The labels of each family, in full: a changed label breaks people's dashboards and alerts.
TEST(ServiceMetrics, LabelsAreExact) {
  prometheus::Registry registry;
  const ServiceMetrics metrics(registry);
  const std::set<std::string> lines = Scrape(registry);
  for (const char* line :
       {R"(sluice_jobs_total{kind="screen",outcome="succeeded"} 0)",
        R"(sluice_jobs_total{kind="embed",outcome="expired"} 0)",
        R"(sluice_queue_jobs{kind="embed"} 0)",
        R"(sluice_connections{port="grpc"} 0)",
        R"(sluice_connections_refused_total{port="admin"} 0)",
        R"(sluice_queue_tokens{class="interactive"} 0)",
        R"(sluice_queue_wait_seconds_count{class="bulk"} 0)",
        R"(sluice_microbatch_jobs_bucket{le="24"} 0)",
        R"(sluice_embedding_cache_lookups_total{result="hit"} 0)",
        R"(sluice_embedding_cache_lookups_total{result="joined"} 0)",
        R"(sluice_microbatch_tokens_bucket{le="16384"} 0)",
        R"(sluice_encode_seconds_count{device="cpu",precision="fp32"} 0)",
        R"(sluice_tokens_total{device="cpu"} 0)",
        R"(sluice_padding_tokens_total{device="cpu"} 0)",
        R"(sluice_job_seconds_count{kind="screen"} 0)",
        R"(sluice_stage_seconds_count{stage="screen_plan"} 0)",
        R"(sluice_gate_jobs_total{decision="gated"} 0)",
        R"(sluice_device_fallback_total{from="batch",reason="RESOURCE_EXHAUSTED",to="half_batch"} 0)",
        R"(sluice_admission_refused_total{reason="QUEUE_FULL"} 0)",
        R"(sluice_admission_refused_total{reason="OTHER"} 0)",
        R"(sluice_document_pages_total{outcome="reused"} 0)",
        "sluice_saturation_ratio 0",
        "sluice_backlog_seconds 0",
        "sluice_phase_one_workers 0",
        R"(sluice_device_utilization_ratio{device="cpu"} 0)",
        "sluice_fenced_results_total 0"}) {
    EXPECT_THAT(lines, Contains(line));
  }
}

// The struct's arrays are indexed by the parts' enums: each entry is the series of that name, no other.
TEST(ServiceMetrics, ArraysFollowTheFixedLabelSets) {
  prometheus::Registry registry;
  const ServiceMetrics metrics(registry);
  metrics.pipeline().kinds.at(JobKind::kEmbed).jobs_total.at(OutcomeKind::kCancelled)->Increment(7);
  metrics.pipeline().gate_jobs_total[0]->Increment(3);
  metrics.scheduler().queue_tokens[1]->Set(512);
  const std::set<std::string> lines = Scrape(registry);
  EXPECT_THAT(lines, Contains(R"(sluice_jobs_total{kind="embed",outcome="cancelled"} 7)"));
  EXPECT_THAT(lines, Contains(R"(sluice_gate_jobs_total{decision="vetoed"} 3)"));
  EXPECT_THAT(lines, Contains(R"(sluice_queue_tokens{class="bulk"} 512)"));
}

// Two replicas of one device share the device's series; another device or precision has its own.
TEST(ServiceMetrics, ReplicasOfOneDeviceShareSeries) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  const ReplicaMetrics first = metrics.Replica("cuda:0", "fp16");
  EXPECT_EQ(first.encode_seconds, metrics.Replica("cuda:0", "fp16").encode_seconds);
  EXPECT_NE(first.encode_seconds, metrics.Replica("cuda:0", "fp32").encode_seconds);
  EXPECT_EQ(first.tokens_total, metrics.Replica("cuda:0", "fp32").tokens_total);
  EXPECT_NE(first.tokens_total, metrics.Replica("cuda:1", "fp16").tokens_total);
}

// Codes are spelt as go-grpc-middleware spells them and stand in the order of grpc::StatusCode.
TEST(ServiceMetrics, RpcCodesAreIndexedByStatusCode) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  const RpcMethodMetrics method =
      metrics.RpcMethod("sluice.v1.BatchService", "StreamResults", "server_stream");
  method.started_total->Increment();
  method.handled_total[8]->Increment();
  method.handled_total[14]->Increment(2);
  const std::string labels =
      R"(grpc_method="StreamResults",grpc_service="sluice.v1.BatchService",grpc_type="server_stream"} )";
  const std::set<std::string> lines = Scrape(registry);
  EXPECT_THAT(lines, Contains(absl::StrCat("grpc_server_started_total{", labels, "1")));
  EXPECT_THAT(lines, Contains(absl::StrCat(R"(grpc_server_handled_total{grpc_code="ResourceExhausted",)",
                                           labels, "1")));
  EXPECT_THAT(lines,
              Contains(absl::StrCat(R"(grpc_server_handled_total{grpc_code="Unavailable",)", labels, "2")));
}

// Reasons cannot grow the number of series: what is not known is OTHER.
TEST(ServiceMetrics, UnknownReasonsAreCountedAsOther) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  metrics.CountRefusal("QUEUE_FULL");
  metrics.CountRefusal("made up");
  metrics.CountFallback("batch", "half_batch", "RESOURCE_EXHAUSTED");
  metrics.CountFallback("cuda:0", "cpu", "made up");
  const std::set<std::string> lines = Scrape(registry);
  EXPECT_THAT(lines, Contains(R"(sluice_admission_refused_total{reason="QUEUE_FULL"} 1)"));
  EXPECT_THAT(lines, Contains(R"(sluice_admission_refused_total{reason="OTHER"} 1)"));
  EXPECT_THAT(
      lines,
      Contains(
          R"(sluice_device_fallback_total{from="batch",reason="RESOURCE_EXHAUSTED",to="half_batch"} 1)"));
  EXPECT_THAT(lines, Contains(R"(sluice_device_fallback_total{from="cuda:0",reason="OTHER",to="cpu"} 1)"));
  EXPECT_THAT(lines, Not(Contains(testing::HasSubstr("made up"))));
}

TEST(ServiceMetrics, InfoMetricsCarryFactsAsLabels) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  metrics.SetBuild({{"version", "0.1.0"}, {"compiler", "gcc"}});
  metrics.SetHardware({{"tier", "cpu"}});
  const std::set<std::string> lines = Scrape(registry);
  EXPECT_THAT(lines, Contains(R"(sluice_build_info{compiler="gcc",version="0.1.0"} 1)"));
  EXPECT_THAT(lines, Contains(R"(sluice_hardware_info{tier="cpu"} 1)"));
}

}  // namespace
}  // namespace sluice
