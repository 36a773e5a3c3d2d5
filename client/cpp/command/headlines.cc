#include "client/cpp/command/headlines.h"

#include <optional>

#include "absl/strings/string_view.h"
#include "client/cpp/formats/varint.h"

namespace sluice {
namespace {

void AppendText(absl::string_view text, std::string& packed) {
  AppendVarint(text.size(), packed);
  packed.append(text.data(), text.size());
}

std::string TakeText(absl::string_view& packed) {
  uint64_t bytes = 0;
  TakeVarint(packed, bytes);
  const absl::string_view text = packed.substr(0, bytes);
  packed.remove_prefix(text.size());
  return std::string(text);
}

}  // namespace

void Headlines::Add(const Headline& headline) {
  std::string packed;
  for (const std::string* text : {&headline.title, &headline.company, &headline.location})
    AppendText(*text, packed);
  records_.Add(packed);
}

Headline Headlines::Find(int64_t job_index) const {
  std::optional<absl::string_view> packed = records_.Find(job_index);
  if (!packed.has_value()) return {};
  Headline headline;
  for (std::string* text : {&headline.title, &headline.company, &headline.location})
    *text = TakeText(*packed);
  return headline;
}

}  // namespace sluice
