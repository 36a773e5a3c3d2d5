#include "server/config/config.h"

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/store/cache.h"

namespace sluice {
namespace {

template <typename T, size_t N>
using Choices = std::array<std::pair<const char*, T>, N>;

template <typename T, size_t N>
absl::Status Choose(const std::string& value, const Choices<T, N>& choices, T& target) {
  for (const auto& [name, choice] : choices) {
    if (value == name) {
      target = choice;
      return absl::OkStatus();
    }
  }
  const std::string names = absl::StrJoin(
      choices, ", ", [](std::string* out, const auto& choice) { absl::StrAppend(out, choice.first); });
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is none of ", names));
}

template <typename T>
absl::Status ReadNumber(const std::string& value, int64_t least, int64_t most, T& target) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(value, &number)) {
    return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not a whole number"));
  }
  if (number < least || number > most) {
    return absl::InvalidArgumentError(absl::StrCat(number, " is out of range, ", least, " to ", most));
  }
  target = static_cast<T>(number);
  return absl::OkStatus();
}

absl::Status ReadSwitch(const std::string& value, bool& target) {
  if (absl::SimpleAtob(value, &target)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is neither true nor false"));
}

absl::Status ReadDuration(const std::string& value, absl::Duration least, absl::Duration most,
                          absl::Duration& target) {
  absl::Duration duration;
  if (!absl::ParseDuration(value, &duration)) {
    return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not a duration, such as 40s or 720h"));
  }
  if (duration < least || duration > most) {
    return absl::InvalidArgumentError(absl::StrCat(value, " is out of range, ", absl::FormatDuration(least),
                                                   " to ", absl::FormatDuration(most)));
  }
  target = duration;
  return absl::OkStatus();
}

absl::Status ReadAddress(const std::string& value, bool unix_too, std::string& target) {
  if (unix_too && absl::StartsWith(value, "unix:")) {
    if (value.size() <= 5) return absl::InvalidArgumentError("unix: needs a path");
    target = value;
    return absl::OkStatus();
  }
  const size_t colon = value.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(value.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not host:port",
                                                   unix_too ? " or unix:/path" : "", ", port 0 to 65535"));
  }
  target = value;
  return absl::OkStatus();
}

absl::Status ReadDevice(const std::string& value, Config& config) {
  static constexpr Choices<DeviceRequest, 5> kDevices = {{{"auto", DeviceRequest::kAuto},
                                                          {"cuda", DeviceRequest::kCuda},
                                                          {"mps", DeviceRequest::kMps},
                                                          {"cpu", DeviceRequest::kCpu},
                                                          {"none", DeviceRequest::kNone}}};
  return Choose(value, kDevices, config.tier.device);
}

absl::Status ReadPrecision(const std::string& value, Config& config) {
  using Choice = std::optional<Precision>;
  static constexpr Choices<Choice, 5> kPrecisions = {{{"auto", std::nullopt},
                                                      {"fp32", Precision::kFp32},
                                                      {"bf16", Precision::kBf16},
                                                      {"fp16", Precision::kFp16},
                                                      {"int8", Precision::kInt8}}};
  return Choose(value, kPrecisions, config.precision);
}

absl::Status ReadCalibration(const std::string& value, Config& config) {
  static constexpr Choices<bool, 2> kChoices = {{{"auto", false}, {"fresh", true}}};
  return Choose(value, kChoices, config.measure_anew);
}

absl::Status ReadLogLevel(const std::string& value, Config& config) {
  static constexpr Choices<LogLevel, 4> kLevels = {{{"debug", LogLevel::kDebug},
                                                    {"info", LogLevel::kInfo},
                                                    {"warning", LogLevel::kWarning},
                                                    {"error", LogLevel::kError}}};
  return Choose(value, kLevels, config.log.level);
}

absl::Status ReadLogFormat(const std::string& value, Config& config) {
  static constexpr Choices<bool, 2> kFormats = {{{"text", false}, {"json", true}}};
  return Choose(value, kFormats, config.log.json);
}

absl::Status ReadStore(const std::string& value, Config& config) {
  if (value != "sqlite") return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not sqlite"));
  config.store = value;
  return absl::OkStatus();
}

template <typename T, T AdmissionLimits::* Limit>
absl::Status ReadBound(const std::string& value, Config& config) {
  return ReadNumber(value, 1, 1'000'000'000, config.door.*Limit);
}

// Given in MiB, at least `least`.
template <int64_t AdmissionLimits::* Limit, int64_t least>
absl::Status ReadMebibytes(const std::string& value, Config& config) {
  int64_t mebibytes = 0;
  SLUICE_RETURN_IF_ERROR(ReadNumber(value, least, int64_t{1} << 40, mebibytes));
  config.door.*Limit = mebibytes << 20;
  return absl::OkStatus();
}

absl::Status ReadCacheSize(const std::string& value, Config& config) {
  int64_t mebibytes = 0;
  SLUICE_RETURN_IF_ERROR(ReadNumber(value, 0, int64_t{1} << 24, mebibytes));
  constexpr int64_t kLeast = kLeastEmbeddingCacheBytes >> 20;
  if (mebibytes > 0 && mebibytes < kLeast) {
    return absl::InvalidArgumentError(
        absl::StrCat(mebibytes, " is too small: 0 for none, or at least ", kLeast));
  }
  config.embedding_cache_bytes = mebibytes << 20;
  return absl::OkStatus();
}

template <std::string Config::* Member>
absl::Status ReadString(const std::string& value, Config& config) {
  config.*Member = value;
  return absl::OkStatus();
}

}  // namespace

const std::vector<Setting>& AllSettings() {
  static const auto& settings = *new std::vector<Setting>{
      {"listen", "gRPC address: HOST:PORT (port 0: any free one) or unix:/PATH [127.0.0.1:7070]", false,
       [](const std::string& v, Config& c) { return ReadAddress(v, true, c.listen); }},
      {"admin", "address of /metrics, /healthz and /readyz [127.0.0.1:7090]", false,
       [](const std::string& v, Config& c) { return ReadAddress(v, false, c.admin); }},
      {"data", "directory of the batches; made when missing", false, ReadString<&Config::data>},
      {"model", "Hugging Face directory of the encoder", false, ReadString<&Config::model>},
      {"store", "sqlite [sqlite]", false, ReadStore},
      {"device", "auto, cuda, mps, cpu, or none: rules only, no model [auto]", false, ReadDevice},
      {"precision", "auto, fp32, bf16, fp16 or int8 [auto: by measurement]", false, ReadPrecision},
      {"calibration", "auto: measured once and remembered in --data; fresh: measured anew [auto]", false,
       ReadCalibration},
      {"replicas", "encoders [0: the tier's]", false,
       [](const std::string& v, Config& c) { return ReadNumber(v, 0, 64, c.tier.replicas); }},
      {"max_batch_jobs", "jobs in a micro-batch [0: the tier's]", false,
       [](const std::string& v, Config& c) { return ReadNumber(v, 0, 4096, c.tier.max_batch_jobs); }},
      {"max_batch_tokens", "tokens in a micro-batch [0: the tier's]", false,
       [](const std::string& v, Config& c) { return ReadNumber(v, 0, 1 << 20, c.tier.max_batch_tokens); }},
      {"emergency_max_cores", "so many cores or fewer: rules only [0: never]", false,
       [](const std::string& v, Config& c) { return ReadNumber(v, 0, 1024, c.tier.emergency_max_cores); }},
      {"phase_one_workers", "threads of rules and tokenizing [0: one a core]", false,
       [](const std::string& v, Config& c) { return ReadNumber(v, 0, 256, c.phase_one_workers); }},
      {"parse_workers", "processes that read documents [0: by cores and memory]", false,
       [](const std::string& v, Config& c) { return ReadNumber(v, 0, 64, c.parse_workers); }},
      {"parser", "the program sluice-parser [beside this one]", false, ReadString<&Config::parser>},
      {"pdfium", "the library libpdfium.so [in ../lib/sluice or ../lib; $SLUICE_PDFIUM]", false,
       ReadString<&Config::pdfium>},
      {"max_queued_jobs", "jobs not done, in all; beyond, batches are refused [4000000]", false,
       ReadBound<int64_t, &AdmissionLimits::max_queued_jobs>},
      {"max_queued_jobs_per_tenant", "the same of a tenant [2000000]", false,
       ReadBound<int64_t, &AdmissionLimits::max_queued_jobs_per_tenant>},
      {"min_free_disk_mib", "free disk of the data directory below which batches are refused [512]", false,
       ReadMebibytes<&AdmissionLimits::min_free_disk_bytes, 0>},
      {"max_memory_mib", "memory beyond which nothing is taken in [0: 92 % of what the process may have]",
       false,
       [](const std::string& v, Config& c) {
         return v == "0" ? absl::OkStatus() : ReadMebibytes<&AdmissionLimits::max_memory_bytes, 0>(v, c);
       }},
      {"max_bytes_in_flight_mib", "requests being taken in, together [256]", false,
       ReadMebibytes<&AdmissionLimits::max_bytes_in_flight, 1>},
      {"max_uploads", "uploads open at once [64]", false, ReadBound<int, &AdmissionLimits::max_uploads>},
      {"max_streams", "streams open at once: of progress, and as many of results [4096]", false,
       ReadBound<int, &AdmissionLimits::max_streams>},
      {"max_calls", "interactive calls at once [1024]", false, ReadBound<int, &AdmissionLimits::max_calls>},
      {"max_connections",
       "connections to the gRPC port; fewer where the limit on open files asks for it [4096]", false,
       [](const std::string& v, Config& c) { return ReadNumber(v, 1, 1'000'000, c.max_connections); }},
      {"call_wait_target", "wait of small interactive calls that is fine to stand [200ms]", false,
       [](const std::string& v, Config& c) {
         return ReadDuration(v, absl::Milliseconds(1), absl::Minutes(1), c.call_wait_target);
       }},
      {"reader_timeout", "how long a reader of results or progress may take nothing before it is cut [1m]",
       false,
       [](const std::string& v, Config& c) {
         return ReadDuration(v, absl::Seconds(1), absl::Hours(24), c.reader_timeout);
       }},
      {"upload_timeout", "how long each message of an upload may take to come before it is abandoned [1m]",
       false,
       [](const std::string& v, Config& c) {
         return ReadDuration(v, absl::Seconds(1), absl::Hours(24), c.upload_timeout);
       }},
      {"retention", "how long finished batches are kept [720h]", false,
       [](const std::string& v, Config& c) {
         return ReadDuration(v, absl::ZeroDuration(), absl::Hours(24 * 3650), c.retention);
       }},
      {"embedding_cache_mib", "disk for vectors of texts seen before [256; 0: none, all is encoded]", false,
       ReadCacheSize},
      {"drain_timeout", "how long running work may take to end after SIGTERM [40s]", false,
       [](const std::string& v, Config& c) {
         return ReadDuration(v, absl::ZeroDuration(), absl::Hours(1), c.drain_timeout);
       }},
      {"log_level", "debug, info, warning or error [info]", false, ReadLogLevel},
      {"log_file", "file to log to [standard error]", false,
       [](const std::string& v, Config& c) {
         c.log.file = v;
         return absl::OkStatus();
       }},
      {"log_format", "text or json [text]", false, ReadLogFormat},
      {"ready_file", "file that holds the bound addresses, as JSON, once ready", false,
       ReadString<&Config::ready_file>},
      {"self_test", "check every device and precision against fp32 on the processor, print a table and end",
       true, [](const std::string& v, Config& c) { return ReadSwitch(v, c.self_test); }},
      {"reflection", "offer gRPC reflection", true,
       [](const std::string& v, Config& c) { return ReadSwitch(v, c.reflection); }},
      {"insecure_i_know", "listen beyond loopback although nothing is encrypted or authenticated", true,
       [](const std::string& v, Config& c) { return ReadSwitch(v, c.insecure_i_know); }},
  };
  return settings;
}

absl::Status ApplySettings(const SettingValues& values, Config& config) {
  for (const Setting& setting : AllSettings()) {
    const auto given = values.find(setting.name);
    if (given == values.end()) continue;
    const absl::Status applied = setting.apply(given->second.value, config);
    if (!applied.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(given->second.where, ": ", applied.message()));
    }
  }
  return absl::OkStatus();
}

bool IsLoopback(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const absl::string_view host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" || absl::StartsWith(host, "127.");
}

absl::Status ValidateConfig(const Config& config) {
  if (config.self_test) {
    return config.model.empty() ? absl::InvalidArgumentError("--self-test needs --model: a model directory")
                                : absl::OkStatus();
  }
  if (config.data.empty())
    return absl::InvalidArgumentError("--data is missing: give a directory for the batches");
  if (config.model.empty() && config.tier.device != DeviceRequest::kNone) {
    return absl::InvalidArgumentError(
        "--model is missing: give a model directory, or --device=none to screen by rules only");
  }
  for (const auto& [flag, address] :
       {std::pair("--listen", &config.listen), std::pair("--admin", &config.admin)}) {
    if (IsLoopback(*address) || config.insecure_i_know) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(flag, "=", *address,
                     " is not a loopback address, and nothing here is encrypted or authenticated: bind to "
                     "127.0.0.1, or add --insecure-i-know on a network you trust"));
  }
  return absl::OkStatus();
}

}  // namespace sluice
