#include "client/cpp/formats/text_reader.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/utf8.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxLineBytes = 4 << 20;

absl::StatusOr<std::string> TextOfJsonLine(const std::string& line, const TextInputOptions& options,
                                           const InputPlace& place) {
  const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return InputError(place, "broken JSON");
  if (!object.is_object()) return InputError(place, "expected an object with \"text\"");
  for (const auto& [name, value] : object.items()) {
    if (name == "text" || name == "id" || options.ignore_unknown_columns) continue;
    return ColumnError(
        place, name,
        "unknown; texts to embed have id and text. Remove it, or give --ignore-unknown-columns.");
  }
  const auto text = object.find("text");
  if (text == object.end() || !text->is_string())
    return ColumnError(place, "text", "missing, or not a string");
  return text->get<std::string>();
}

absl::Status CheckText(const std::string& text, const InputPlace& place) {
  if (text.size() > kMaxTextBytes) {
    return InputError(
        place, absl::StrCat("text has ", text.size(), " bytes; the limit is ", kMaxTextBytes, " (256 KiB)"));
  }
  if (!IsUtf8(text)) return InputError(place, "text is not UTF-8");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int64_t> ReadTexts(const std::string& path, const TextInputOptions& options, TextSink sink) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
  const bool json = absl::StartsWith(absl::StripLeadingAsciiWhitespace(source->Prefix()), "{");
  int64_t texts = 0;
  std::string line;
  while (true) {
    const InputPlace place = source->Place();
    SLUICE_ASSIGN_OR_RETURN(const bool more, source->ReadLine(line, kMaxLineBytes));
    if (!more) break;
    if (json && absl::StripAsciiWhitespace(line).empty()) continue;
    std::string text;
    if (json) {
      SLUICE_ASSIGN_OR_RETURN(text, TextOfJsonLine(line, options, place));
    } else {
      text = std::move(line);
    }
    SLUICE_RETURN_IF_ERROR(CheckText(text, place));
    SLUICE_RETURN_IF_ERROR(sink(std::move(text), place));
    ++texts;
  }
  if (texts == 0) return InputError({path}, "holds no texts");
  return texts;
}

}  // namespace sluice
