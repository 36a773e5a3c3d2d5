// CalibrationFile: a calibration kept on disk, so that the next start need not measure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/inference/encoder_calibration.h"

namespace sluice {

// Everything that a calibration depends on, by name: model, processor, cores, libraries, what was asked for.
using CalibrationKey = std::map<std::string, std::string>;

// Where a calibration is remembered, and under what. Without a path nothing is.
struct CalibrationMemory {
  std::string path;
  CalibrationKey key;
  bool measure_anew = false;  // what is remembered is not looked at, only replaced
};

// NOT_FOUND: there is no such file. FAILED_PRECONDITION: it is of another key; names what differs.
// INVALID_ARGUMENT: it is damaged, or of another format.
absl::StatusOr<EncoderCalibration> ReadCalibration(const std::string& path, const CalibrationKey& key);

// Replaces the file in one step. UNAVAILABLE names what could not be written.
absl::Status WriteCalibration(const std::string& path, const CalibrationKey& key,
                              const EncoderCalibration& calibration);

// What is remembered, or nothing, with a line in the log where a file was there and could not be used.
std::optional<EncoderCalibration> Recall(const CalibrationMemory& memory);

// A failure is a line in the log: the next start measures again.
void Remember(const CalibrationMemory& memory, const EncoderCalibration& calibration);

}  // namespace sluice
