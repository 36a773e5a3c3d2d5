#include "core/inference/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's own limit

struct TypeEntry {
  TensorType type;
  const char* name;
  int64_t bytes;
};
constexpr std::array<TypeEntry, 10> kTypes = {{{TensorType::kF64, "F64", 8},
                                               {TensorType::kF32, "F32", 4},
                                               {TensorType::kF16, "F16", 2},
                                               {TensorType::kBf16, "BF16", 2},
                                               {TensorType::kI64, "I64", 8},
                                               {TensorType::kI32, "I32", 4},
                                               {TensorType::kI16, "I16", 2},
                                               {TensorType::kI8, "I8", 1},
                                               {TensorType::kU8, "U8", 1},
                                               {TensorType::kBool, "BOOL", 1}}};

const TypeEntry& EntryOf(TensorType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(),
                       [&](const TypeEntry& entry) { return entry.type == type; });
}

absl::Status Wrong(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::Status SystemError(absl::string_view path, int error) {
  const std::string message = absl::StrCat(path, ": ", std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

absl::StatusOr<absl::string_view> MapFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return SystemError(path, errno);
  const absl::Cleanup close_file = [file] { close(file); };
  struct stat facts = {};
  if (fstat(file, &facts) != 0) return SystemError(path, errno);
  if (!S_ISREG(facts.st_mode)) return Wrong(path, "is not a regular file");
  const auto size = static_cast<size_t>(facts.st_size);
  if (size < kLengthBytes) return Wrong(path, absl::StrCat("is ", size, " bytes; a header alone takes more"));
  void* const data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) return SystemError(path, errno);
  return absl::string_view(static_cast<const char*>(data), size);
}

uint64_t LittleEndian64(absl::string_view bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// A non-negative integer of a JSON value, or nothing.
std::optional<int64_t> Count(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto count = value.get<uint64_t>();
  if (count > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return static_cast<int64_t>(count);
}

std::optional<std::vector<int64_t>> Counts(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<int64_t> counts;
  for (const Json& element : value) {
    const std::optional<int64_t> count = Count(element);
    if (!count.has_value()) return std::nullopt;
    counts.push_back(*count);
  }
  return counts;
}

// The bytes a tensor of this shape takes, or nothing when that overflows.
std::optional<int64_t> BytesOf(const std::vector<int64_t>& shape, int64_t element_bytes) {
  int64_t bytes = element_bytes;
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  }
  return bytes;
}

// `error` says what is wrong with the entry of a tensor when there is no result.
std::optional<TensorView> ParseEntry(const Json& entry, absl::string_view data, std::string& error) {
  if (!entry.is_object()) return error = "its entry is not an object", std::nullopt;
  const auto type = entry.find("dtype");
  const auto shape_value = entry.find("shape");
  const auto offsets_value = entry.find("data_offsets");
  if (type == entry.end() || shape_value == entry.end() || offsets_value == entry.end()) {
    return error = "its entry lacks dtype, shape or data_offsets", std::nullopt;
  }
  const std::string type_name = type->is_string() ? type->get<std::string>() : type->dump();
  const auto known =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return type_name == t.name; });
  if (known == kTypes.end()) return error = absl::StrCat("dtype ", type_name, " is not known"), std::nullopt;

  auto shape = Counts(*shape_value);
  if (!shape.has_value()) return error = "its shape is not a list of sizes", std::nullopt;
  const auto offsets = Counts(*offsets_value);
  if (!offsets.has_value() || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1]) {
    return error = "its data_offsets are not [begin, end] with begin <= end", std::nullopt;
  }
  const int64_t begin = (*offsets)[0];
  const int64_t end = (*offsets)[1];
  if (static_cast<uint64_t>(end) > data.size()) {
    return error = absl::StrCat("it ends at byte ", end, " of the data, which has ", data.size()),
           std::nullopt;
  }
  const std::optional<int64_t> bytes = BytesOf(*shape, known->bytes);
  if (!bytes.has_value() || *bytes != end - begin) {
    return error = absl::StrCat("its shape [", absl::StrJoin(*shape, ","), "] of ", type_name,
                                " does not take the ", end - begin, " bytes of its data_offsets"),
           std::nullopt;
  }
  return TensorView{known->type, std::move(*shape), reinterpret_cast<const std::byte*>(data.data()) + begin,
                    *bytes};
}

}  // namespace

const char* TensorTypeName(TensorType type) {
  return EntryOf(type).name;
}
int64_t TensorTypeBytes(TensorType type) {
  return EntryOf(type).bytes;
}

absl::StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(const absl::string_view bytes, MapFile(path));
  auto file = std::unique_ptr<SafetensorsFile>(new SafetensorsFile(path, bytes));
  SLUICE_RETURN_IF_ERROR(file->ReadHeader());
  return file;
}

SafetensorsFile::~SafetensorsFile() {
  munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

const TensorView* SafetensorsFile::Find(absl::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

absl::Status SafetensorsFile::ReadHeader() {
  const uint64_t header_bytes = LittleEndian64(bytes_);
  const absl::string_view rest = bytes_.substr(kLengthBytes);
  if (header_bytes > rest.size() || header_bytes > kMaxHeaderBytes) {
    return Wrong(path_, absl::StrCat("its header claims ", header_bytes, " bytes; the file has ", rest.size(),
                                     " after the length, and the limit is ", kMaxHeaderBytes));
  }
  const absl::string_view text = rest.substr(0, header_bytes);
  const absl::string_view data = rest.substr(header_bytes);
  const Json header = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return Wrong(path_, "its header is not a JSON object");

  std::vector<std::pair<const TensorView*, std::string>> by_offset;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    std::string error;
    std::optional<TensorView> tensor = ParseEntry(entry, data, error);
    if (!tensor.has_value()) return Wrong(path_, absl::StrCat("tensor '", name, "': ", error));
    by_offset.emplace_back(&(tensors_[name] = std::move(*tensor)), name);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first->data, a.first->bytes) < std::pair(b.first->data, b.first->bytes);
  });
  const auto* expected = reinterpret_cast<const std::byte*>(data.data());
  for (const auto& [tensor, name] : by_offset) {
    if (tensor->data != expected) {
      return Wrong(path_, absl::StrCat("tensor '", name, "' ",
                                       tensor->data < expected ? "overlaps" : "leaves a gap to",
                                       " the one before it"));
    }
    expected = tensor->data + tensor->bytes;
  }
  if (expected != reinterpret_cast<const std::byte*>(data.data()) + data.size()) {
    return Wrong(path_, "there are bytes after the last tensor");
  }
  return absl::OkStatus();
}

}  // namespace sluice
