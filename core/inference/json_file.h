// JsonFile: a small JSON file of a model directory, read with errors that name file and key. Private to this
// folder: it brings nlohmann's header along.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A value; no exception leaves it.
class JsonFile {
 public:
  // NOT_FOUND when there is no such file, FAILED_PRECONDITION when it cannot be opened or read,
  // INVALID_ARGUMENT when it is larger than 4 MiB or not JSON. All name the file.
  static absl::StatusOr<JsonFile> Load(const std::string& path);

  const std::string& path() const { return path_; }
  const nlohmann::json& root() const { return root_; }

  // False also for null and when the root is not an object.
  bool Has(const char* key) const;

  // INVALID_ARGUMENT names file and key when the value is missing or of another type.
  absl::StatusOr<int64_t> Integer(const char* key) const;
  absl::StatusOr<double> Number(const char* key) const;
  absl::StatusOr<std::string> String(const char* key) const;

  // INVALID_ARGUMENT "<path>: <key> <what>".
  absl::Status Wrong(absl::string_view key, absl::string_view what) const;

 private:
  JsonFile(std::string path, nlohmann::json root) : path_(std::move(path)), root_(std::move(root)) {}

  std::string path_;
  nlohmann::json root_;
};

}  // namespace sluice
