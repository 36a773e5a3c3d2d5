#include "core/metrics/process_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "core/metrics/process_usage_linux.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Scrape(const ProcessMetrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.Collect());
}

// The names are those every Prometheus client library uses, so that common dashboards work.
TEST(ProcessMetrics, ExportsTheCommonNames) {
  const ProcessMetrics metrics("", [] {
    return ProcessUsage{.cpu_seconds = 1.5,
                        .start_time_seconds = 1000,
                        .resident_memory_bytes = 4096,
                        .virtual_memory_bytes = 8192,
                        .open_fds = 7,
                        .max_fds = 1024,
                        .threads = 3};
  });
  const std::string scrape = Scrape(metrics);
  EXPECT_THAT(scrape, HasSubstr("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n"));
  EXPECT_THAT(scrape,
              HasSubstr("# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1000\n"));
  EXPECT_THAT(scrape, HasSubstr("\nprocess_resident_memory_bytes 4096\n"));
  EXPECT_THAT(scrape, HasSubstr("\nprocess_virtual_memory_bytes 8192\n"));
  EXPECT_THAT(scrape, HasSubstr("\nprocess_open_fds 7\n"));
  EXPECT_THAT(scrape, HasSubstr("\nprocess_max_fds 1024\n"));
  EXPECT_THAT(scrape, HasSubstr("\nprocess_threads 3\n"));
  EXPECT_THAT(scrape, Not(HasSubstr("sluice_data")));
}

// What the platform does not tell is left out: a zero would be a claim.
TEST(ProcessMetrics, LeavesOutWhatIsUnknown) {
  const ProcessMetrics metrics("", [] { return ProcessUsage{.cpu_seconds = 1.0}; });
  EXPECT_EQ(metrics.Collect().size(), 1u);
}

TEST(ProcessMetrics, ShowsTheDiskOfTheDataDirectory) {
  const std::string scrape = Scrape(ProcessMetrics(testing::TempDir(), [] { return ProcessUsage{}; }));
  EXPECT_THAT(scrape, HasSubstr("\nsluice_data_free_bytes "));
  EXPECT_THAT(scrape, HasSubstr("\nsluice_data_size_bytes "));
}

TEST(ProcessMetrics, AMissingDataDirectoryShowsNoDisk) {
  EXPECT_TRUE(ProcessMetrics("/no/such/directory", [] { return ProcessUsage{}; }).Collect().empty());
}

#if defined(__linux__)
// The command may hold spaces and parentheses; the fields are counted from its last one (proc(5)).
TEST(ProcessUsage, ParsesStatAroundAnAwkwardCommand) {
  const ProcessUsage usage = ParseProcessStat(
      "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9 0 1234 1000000 25 18446744073709551615",
      "cpu 1 2 3\nbtime 1700000000\nprocesses 5\n", {.clock_ticks_per_second = 100, .page_bytes = 4096});
  EXPECT_EQ(usage.cpu_seconds, 3.0);
  EXPECT_EQ(usage.start_time_seconds, 1700000012.34);
  EXPECT_EQ(usage.threads, 9);
  EXPECT_EQ(usage.virtual_memory_bytes, 1000000);
  EXPECT_EQ(usage.resident_memory_bytes, 25 * 4096);
}

TEST(ProcessUsage, MalformedStatTellsNothing) {
  for (const char* stat : {"", "42", "42 (a) S 1 2"}) {
    const ProcessUsage usage = ParseProcessStat(stat, "", {});
    EXPECT_FALSE(usage.cpu_seconds.has_value()) << stat;
    EXPECT_FALSE(usage.threads.has_value()) << stat;
  }
}

// This very process: alive, with memory, descriptors and at least one thread.
TEST(ProcessUsage, ReadsThisProcess) {
  const ProcessUsage usage = ReadProcessUsage();
  EXPECT_GE(usage.cpu_seconds.value(), 0.0);
  EXPECT_GT(usage.start_time_seconds.value(), 1.6e9);
  EXPECT_GT(usage.resident_memory_bytes.value(), 100'000);
  EXPECT_GE(usage.virtual_memory_bytes.value(), usage.resident_memory_bytes.value());
  EXPECT_GE(usage.open_fds.value(), 3);
  EXPECT_GE(usage.threads.value(), 1);
}
#endif

}  // namespace
}  // namespace sluice
