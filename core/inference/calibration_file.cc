#include "core/inference/calibration_file.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/base/whole_file.h"
#include "core/hardware/tier.h"
#include "core/inference/json_file.h"

namespace sluice {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr int kCalibrationFormat = 1;
constexpr int kMostThreads = 1 << 16;
constexpr int64_t kMostTokens = 1 << 30;
constexpr size_t kMaxCurvePoints = 1024;

// Reads what WriteCalibration wrote, and remembers the first thing that it did not write so.
class CalibrationReader {
 public:
  const absl::Status& status() const { return status_; }

  // A null value where it is missing.
  const nlohmann::json& Member(const nlohmann::json& object, const char* name) {
    static const nlohmann::json& missing = *new nlohmann::json();
    const auto member = object.is_object() ? object.find(name) : object.end();
    if (member != object.end()) return *member;
    Fail(name, "is missing");
    return missing;
  }

  double Amount(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = Member(object, name);
    if (value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0)
      return value.get<double>();
    Fail(name, "is no amount");
    return 0;
  }

  int64_t Count(const nlohmann::json& object, const char* name, int64_t least, int64_t most) {
    const double value = Amount(object, name);
    const bool fits = value == std::floor(value) && value >= static_cast<double>(least) &&
                      value <= static_cast<double>(most);
    if (fits) return static_cast<int64_t>(value);
    Fail(name, absl::StrCat("is not a whole number from ", least, " to ", most));
    return least;
  }

  std::string Text(const nlohmann::json& object, const char* name) {
    const nlohmann::json& value = Member(object, name);
    if (value.is_string()) return value.get<std::string>();
    Fail(name, "is not a text");
    return "";
  }

  Precision ReadPrecision(const nlohmann::json& object, const char* name) {
    const std::string text = Text(object, name);
    for (const Precision precision :
         {Precision::kFp32, Precision::kBf16, Precision::kFp16, Precision::kInt8}) {
      if (text == PrecisionName(precision)) return precision;
    }
    Fail(name, "names no precision");
    return Precision::kFp32;
  }

  CalibrationKey Key(const nlohmann::json& root) {
    CalibrationKey key;
    const nlohmann::json& kept = Member(root, "key");
    if (!kept.is_object()) Fail("key", "is no object");
    for (const auto& [name, value] : kept.items()) key[name] = value.is_string() ? value : "";
    return key;
  }

  std::vector<CurvePoint> Curve(const nlohmann::json& json) {
    std::vector<CurvePoint> points;
    const nlohmann::json& curve = Member(json, "curve");
    if (!curve.is_array() || curve.size() > kMaxCurvePoints) {
      Fail("curve", "is no list of points");
      return points;
    }
    for (const nlohmann::json& point : curve) {
      points.push_back({.tokens = Count(point, "tokens", 1, kMostTokens),
                        .text_tokens = Count(point, "text_tokens", 1, kMostTokens),
                        .seconds = Amount(point, "seconds")});
    }
    return points;
  }

  EncoderCalibration Calibration(const nlohmann::json& json) {
    EncoderCalibration calibration{
        .variant = {ReadPrecision(json, "precision"), Text(json, "kernels")},
        .tokens_per_second = Amount(json, "tokens_per_second"),
        .cost = {.seconds_per_pass = Amount(json, "seconds_per_pass"),
                 .seconds_per_token = Amount(json, "seconds_per_token"),
                 .seconds_per_squared_token = Amount(json, "seconds_per_squared_token")},
        .curve = Curve(json),
        .reason = Text(json, "reason"),
        .remembered = true};
    Division& division = calibration.division;
    division.replicas = static_cast<int>(Count(json, "replicas", 1, kMaxReplicas));
    division.threads = static_cast<int>(Count(json, "threads", 1, kMostThreads));
    division.wider = static_cast<int>(Count(json, "wider_replicas", 0, division.replicas - 1));
    return calibration;
  }

 private:
  void Fail(absl::string_view name, absl::string_view what) {
    status_.Update(absl::InvalidArgumentError(absl::StrCat(name, " ", what)));
  }

  absl::Status status_;
};

OrderedJson ToJson(const EncoderCalibration& calibration) {
  OrderedJson curve = OrderedJson::array();
  for (const CurvePoint& point : calibration.curve) {
    curve.push_back(
        {{"tokens", point.tokens}, {"text_tokens", point.text_tokens}, {"seconds", point.seconds}});
  }
  return {{"precision", PrecisionName(calibration.variant.precision)},
          {"kernels", calibration.variant.kernels},
          {"replicas", calibration.division.replicas},
          {"threads", calibration.division.threads},
          {"wider_replicas", calibration.division.wider},
          {"tokens_per_second", calibration.tokens_per_second},
          {"seconds_per_pass", calibration.cost.seconds_per_pass},
          {"seconds_per_token", calibration.cost.seconds_per_token},
          {"seconds_per_squared_token", calibration.cost.seconds_per_squared_token},
          {"curve", std::move(curve)},
          {"reason", calibration.reason}};
}

// What differs, for people; "" where nothing does.
std::string Difference(const CalibrationKey& kept, const CalibrationKey& present) {
  for (const auto& [name, value] : present) {
    const auto before = kept.find(name);
    if (before == kept.end()) return absl::StrCat(name, " was not known");
    if (before->second != value)
      return absl::StrCat(name, " was '", before->second, "' and is '", value, "'");
  }
  return kept.size() == present.size() ? "" : "it depends on something else";
}

absl::StatusOr<EncoderCalibration> Understand(const nlohmann::json& root, const CalibrationKey& key) {
  CalibrationReader reader;
  if (reader.Count(root, "format", 0, 1 << 30) != kCalibrationFormat)
    return absl::InvalidArgumentError("it is no calibration, or one of another format");
  const CalibrationKey kept = reader.Key(root);
  SLUICE_RETURN_IF_ERROR(reader.status());
  if (const std::string difference = Difference(kept, key); !difference.empty())
    return absl::FailedPreconditionError(difference);
  EncoderCalibration calibration = reader.Calibration(reader.Member(root, "calibration"));
  SLUICE_RETURN_IF_ERROR(reader.status());
  return calibration;
}

}  // namespace

absl::StatusOr<EncoderCalibration> ReadCalibration(const std::string& path, const CalibrationKey& key) {
  SLUICE_ASSIGN_OR_RETURN(const JsonFile file, JsonFile::Load(path));
  absl::StatusOr<EncoderCalibration> calibration = Understand(file.root(), key);
  if (calibration.ok()) return calibration;
  return absl::Status(calibration.status().code(), absl::StrCat(path, ": ", calibration.status().message()));
}

absl::Status WriteCalibration(const std::string& path, const CalibrationKey& key,
                              const EncoderCalibration& calibration) {
  const OrderedJson root = {
      {"format", kCalibrationFormat}, {"key", key}, {"calibration", ToJson(calibration)}};
  return WriteWholeFile(path, root.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

std::optional<EncoderCalibration> Recall(const CalibrationMemory& memory) {
  if (memory.path.empty() || memory.measure_anew) return std::nullopt;
  absl::StatusOr<EncoderCalibration> remembered = ReadCalibration(memory.path, memory.key);
  if (remembered.ok()) return *std::move(remembered);
  if (!absl::IsNotFound(remembered.status()))
    Log(LogLevel::kInfo, "the encoder is measured anew: ", remembered.status().message());
  return std::nullopt;
}

void Remember(const CalibrationMemory& memory, const EncoderCalibration& calibration) {
  if (memory.path.empty()) return;
  if (absl::Status written = WriteCalibration(memory.path, memory.key, calibration); !written.ok())
    Log(LogLevel::kWarning, "the calibration is not remembered: ", written.message());
}

}  // namespace sluice
