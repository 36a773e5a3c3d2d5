// Config: everything `sluiced` can be told, from flags, environment and file, in one checked value.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/admission/admission.h"
#include "core/base/log.h"
#include "core/batching/codel.h"
#include "core/hardware/tier.h"
#include "core/inference/encoder.h"

namespace sluice {

struct Config {
  std::string listen = "127.0.0.1:7070";  // gRPC: host:port (0: any free one) or unix:/path
  std::string admin = "127.0.0.1:7090";   // /metrics, /healthz, /readyz
  std::string data;                       // directory; made when missing
  std::string model;                      // Hugging Face directory; "" only with device none
  std::string store = "sqlite";
  TierRequest tier;
  std::optional<Precision> precision;  // nothing: chosen by measurement
  bool measure_anew = false;           // and not what is remembered in the data directory
  int phase_one_workers = 0;           // 0: one a core
  int parse_workers = 0;               // processes that read documents; 0: by cores and memory
  std::string parser;                  // their program; "": beside this one
  std::string pdfium;                  // PDFium's library; "": where the parser finds it
  AdmissionLimits door;        // with max_memory_bytes INT64_MAX for a share of what the process may have
  int max_connections = 4096;  // to the gRPC port
  absl::Duration call_wait_target = CodelOptions().target;
  absl::Duration reader_timeout = absl::Minutes(1);  // of a stream of results or progress; >= 1 s
  absl::Duration upload_timeout = absl::Minutes(1);  // of each message of an upload; >= 1 s
  absl::Duration retention = absl::Hours(24 * 30);
  int64_t embedding_cache_bytes = 256 << 20;  // 0: off
  absl::Duration drain_timeout = absl::Seconds(40);
  LogOptions log;
  std::string ready_file;
  bool self_test = false;  // instead of a server; needs no data directory
  bool reflection = false;
  bool insecure_i_know = false;
};

// What one setting was given, and where: "--replicas", "SLUICE_REPLICAS", "sluice.yaml:3: replicas".
struct SettingValue {
  std::string value;
  std::string where;
};
using SettingValues = std::map<std::string, SettingValue>;  // by setting name

// One thing that can be set. The same table makes the flags, the variables (SLUICE_ and the name in upper
// case) and the file's keys; names are as in the file, with underscores, and a flag has dashes in their
// place.
struct Setting {
  const char* name;
  const char* doc;
  bool is_switch;  // a flag that needs no value
  absl::Status (*apply)(const std::string& value, Config& config);
};
const std::vector<Setting>& AllSettings();

// INVALID_ARGUMENT "<where>: <what is wrong>".
absl::Status ApplySettings(const SettingValues& values, Config& config);

// What no single setting can tell: a data directory is there, a non-loopback address is meant.
absl::Status ValidateConfig(const Config& config);

// True for localhost, 127.0.0.0/8, [::1] and unix sockets.
bool IsLoopback(absl::string_view address);

}  // namespace sluice
