#include "client/cpp/command/hardware_command.h"

#include <google/protobuf/util/json_util.h>

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cpp/command/local_server.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

std::string BytesText(int64_t bytes) {
  if (bytes >= int64_t{1} << 30) return absl::StrFormat("%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  if (bytes >= 1 << 20) return absl::StrFormat("%.0f MiB", static_cast<double>(bytes) / (1 << 20));
  return absl::StrFormat("%.0f KiB", static_cast<double>(bytes) / (1 << 10));
}

std::string ReplicaText(const v1::Replica& replica) {
  return absl::StrCat("replica    ", replica.device(), ", ", replica.precision(), ", ", replica.threads(),
                      replica.threads() == 1 ? " thread" : " threads", ", micro-batches of at most ",
                      replica.max_batch_jobs(), " jobs and ", WithThousands(replica.max_batch_tokens()),
                      " tokens\n");
}

std::string CalibrationText(const v1::Calibration& calibration) {
  std::string text = absl::StrCat("measured   ", calibration.reason(),
                                  calibration.remembered() ? " (remembered)" : "", "\n");
  if (calibration.seconds_per_token() > 0) {
    absl::StrAppend(
        &text, absl::StrFormat("cost       %.3f ms a micro-batch, %.2f us a token, %.3f ns a token squared\n",
                               1e3 * calibration.seconds_per_pass(), 1e6 * calibration.seconds_per_token(),
                               1e9 * calibration.seconds_per_squared_token()));
  }
  if (calibration.curve_size() > 0)
    absl::StrAppend(&text, "curve      tokens  texts of        ms  tokens/s of a replica\n");
  for (const v1::CalibrationPoint& point : calibration.curve()) {
    absl::StrAppend(
        &text, absl::StrFormat("           %6d  %8d  %8.2f  %8.0f\n", point.tokens(), point.text_tokens(),
                               1e3 * point.seconds(), static_cast<double>(point.tokens()) / point.seconds()));
  }
  return text;
}

std::string LimitsText(const v1::Limits& limits) {
  return absl::StrCat(
      "limits     posting ", BytesText(limits.max_posting_bytes()), ", text ",
      BytesText(limits.max_text_bytes()), ", CreateBatch ", BytesText(limits.max_create_batch_bytes()), ", ",
      WithThousands(limits.max_jobs_per_batch()), " jobs a batch, ", limits.max_texts_per_embed(),
      " texts an Embed call, ", WithThousands(limits.max_queued_jobs()), " jobs queued, ", limits.max_rules(),
      " rules\n");
}

}  // namespace

std::string ServerText(const v1::Server& server) {
  std::string text =
      absl::StrCat("server     ", server.version(), server.draining() ? " (draining)" : "", "\n");
  const v1::Host& host = server.host();
  absl::StrAppend(&text, "host       ", host.processor(), ", ", host.cores(), " cores, ",
                  BytesText(host.memory_bytes()), "\n");
  if (host.features_size() > 0)
    absl::StrAppend(&text, "features   ", absl::StrJoin(host.features(), " "), "\n");
  for (const v1::Device& device : server.devices()) {
    absl::StrAppend(&text, "device     ", device.type(), ":", device.index(), " ", device.name(), ", ",
                    BytesText(device.memory_bytes()), "\n");
  }
  absl::StrAppend(&text, "tier       ", server.tier(), ": ", server.tier_reason(), "\n");
  for (const v1::Replica& replica : server.replicas()) absl::StrAppend(&text, ReplicaText(replica));
  if (server.has_model()) {
    const v1::Model& model = server.model();
    absl::StrAppend(&text, "model      ", model.name(), ", ", model.dimensions(), " dimensions, ",
                    model.max_tokens(), " tokens, ", model.digest(), "\n");
  } else {
    absl::StrAppend(&text, "model      none: rules decide alone\n");
  }
  if (server.has_calibration()) absl::StrAppend(&text, CalibrationText(server.calibration()));
  absl::StrAppend(&text, LimitsText(server.limits()));
  const std::map<std::string, std::string> libraries(server.libraries().begin(), server.libraries().end());
  if (!libraries.empty())
    absl::StrAppend(&text, "libraries  ", absl::StrJoin(libraries, ", ", absl::PairFormatter(" ")), "\n");
  return text;
}

namespace {

absl::StatusOr<ExitCode> RunSelfTest(const std::string& model) {
  SLUICE_ASSIGN_OR_RETURN(const std::string binary, FindServerBinary());
  std::vector<std::string> arguments = {"--self-test"};
  if (!model.empty()) arguments.push_back("--model=" + model);
  SLUICE_ASSIGN_OR_RETURN(const int code, RunToItsEnd(binary, arguments));
  return static_cast<ExitCode>(code);  // 0, 1 and 2 mean the same in both
}

}  // namespace

absl::StatusOr<ExitCode> RunHardware(const HardwareFlags& flags, CommandContext& context) {
  if (flags.self_test) return RunSelfTest(flags.model);
  SLUICE_ASSIGN_OR_RETURN(Client* const client, context.connect());
  SLUICE_ASSIGN_OR_RETURN(const v1::Server server, client->GetServer());
  if (!flags.json) {
    context.terminal.out << EscapeLines(ServerText(server)) << std::flush;
    return ExitCode::kDone;
  }
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(server, &json, options).ok()) {
    return absl::InternalError("the server's answer cannot be written as JSON");
  }
  context.terminal.out << json << std::endl;
  return ExitCode::kDone;
}

}  // namespace sluice
