#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/descriptors.h"
#include "core/base/error_details.h"
#include "core/base/escape_text.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "server/application.h"
#include "server/config/config_sources.h"
#include "server/drain_deadline.h"
#include "server/library_logs.h"
#include "server/process_limits.h"
#include "server/self_test.h"
#include "server/signals.h"

namespace sluice {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
// Of a drain, behind its timeout: for the last calls, and then for all that would not end.
constexpr absl::Duration kDrainGrace = absl::Seconds(2);

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int Fail(const absl::Status& status, int exit_code) {
  std::cerr << EscapeLines(absl::StrCat("sluiced: ", status.message(), "\n"));
  return exit_code;
}

// What a person has to mend first: starting again would change nothing.
constexpr absl::string_view kToMend[] = {"MODEL_UNUSABLE",        "DEVICE_UNUSABLE", "DATA_UNUSABLE",
                                         "DATA_DIRECTORY_IN_USE", "SCHEMA_TOO_NEW",  "DISK_FULL",
                                         "LIMIT_TOO_LOW"};

int FailToStart(const absl::Status& status) {
  const bool to_mend = std::count(std::begin(kToMend), std::end(kToMend), ReasonOf(status)) > 0;
  return Fail(status, to_mend || absl::IsInvalidArgument(status) ? kExitUsage : kExitFailure);
}

// What was printed has arrived, or that is a failure.
int EndOutput(int exit_code) {
  if (std::cout.flush()) return exit_code;
  return Fail(absl::DataLossError("standard output cannot be written"), kExitFailure);
}

int SelfTest(const Config& config, EncoderSource& source) {
  EndAtSignals();
  const absl::StatusOr<bool> passed = RunSelfTest(config, DetectHardware(), source, std::cout);
  if (!passed.ok()) return FailToStart(passed.status());
  return EndOutput(*passed ? EXIT_SUCCESS : kExitFailure);
}

int Run(const std::vector<std::string>& arguments) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok()) return Fail(line.status(), kExitUsage);
  if (line->answer.has_value()) {
    std::cout << *line->answer;
    return EndOutput(EXIT_SUCCESS);
  }
  const absl::StatusOr<Config> config = LoadConfig(*line, Variable);
  if (!config.ok()) return Fail(config.status(), kExitUsage);
  if (absl::Status log = ConfigureLog(config->log); !log.ok()) return Fail(log, kExitFailure);
  RouteLibraryLogs();

  const std::unique_ptr<EncoderSource> source = MakeEncoderSource();
  if (config->self_test) return SelfTest(*config, *source);
  std::optional<DrainDeadline> deadline;  // outlives the application: its destructor waits for what runs
  absl::StatusOr<std::unique_ptr<Application>> application =
      Application::Start(*config, *source, Clock::Real(), RequestTermination);
  if (!application.ok()) return FailToStart(application.status());
  WaitForTermination([&] { (*application)->Backup(); });
  deadline.emplace(config->drain_timeout + kDrainGrace, kExitFailure);
  (*application)->Drain();
  const bool failed = (*application)->store_failed() || (*application)->lost();
  return failed ? kExitFailure : EXIT_SUCCESS;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  sluice::OccupyStandardDescriptors();
  sluice::SwitchAbseilDeadlockDetectionOff();
  sluice::BlockSignals();
  sluice::RaiseDescriptorLimit();
  sluice::SetUpAllocator();
  return sluice::Run({argv + 1, argv + argc});
}
