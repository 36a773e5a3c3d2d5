#include "core/inference/json_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr size_t kMaxBytes = 4 << 20;

// NOT_FOUND is for what is not there: a caller that can do without a file must not do without one that is.
absl::Status CannotBeRead(const std::string& path, int error) {
  const std::string message = absl::StrCat(path, ": ", std::generic_category().message(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::FailedPreconditionError(message);
}

}  // namespace

absl::StatusOr<JsonFile> JsonFile::Load(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_type type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::fifo)  // to open it would wait for somebody who writes
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a FIFO, not a file"));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return CannotBeRead(path, errno);
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return CannotBeRead(path, errno);
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is larger than ", kMaxBytes, " bytes"));
  }
  auto root = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return absl::InvalidArgumentError(absl::StrCat(path, ": is not JSON"));
  return JsonFile(path, std::move(root));
}

bool JsonFile::Has(const char* key) const {
  return root_.is_object() && root_.contains(key) && !root_.find(key)->is_null();
}

absl::StatusOr<int64_t> JsonFile::Integer(const char* key) const {
  if (!Has(key)) return Wrong(key, "is missing");
  const nlohmann::json& value = *root_.find(key);
  const bool too_large =
      value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
  if (!value.is_number_integer() || too_large) return Wrong(key, "is not an integer");
  return value.get<int64_t>();
}

absl::StatusOr<double> JsonFile::Number(const char* key) const {
  if (!Has(key)) return Wrong(key, "is missing");
  const nlohmann::json& value = *root_.find(key);
  if (!value.is_number()) return Wrong(key, "is not a number");
  return value.get<double>();
}

absl::StatusOr<std::string> JsonFile::String(const char* key) const {
  if (!Has(key)) return Wrong(key, "is missing");
  const nlohmann::json& value = *root_.find(key);
  if (!value.is_string()) return Wrong(key, "is not a string");
  return value.get<std::string>();
}

absl::Status JsonFile::Wrong(absl::string_view key, absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(path_, ": ", key, key.empty() ? "" : " ", what));
}

}  // namespace sluice
