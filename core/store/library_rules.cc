#include "core/store/library_rules.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/store/page_token.h"

namespace sluice {
namespace {

constexpr char kBase32Hex[] = "0123456789abcdefghijklmnopqrstuv";
constexpr size_t kIdCharacters = 26;  // 130 bits

std::string Base32Hex(absl::string_view bytes, size_t characters) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<uint8_t>(byte);
    held += 8;
    for (; held >= 5 && text.size() < characters; held -= 5) {
      text += kBase32Hex[(bits >> (held - 5)) & 31];
    }
  }
  return text;
}

// A text after its length, so that no two lists of texts read the same.
void AppendCounted(absl::string_view text, std::string& target) {
  absl::StrAppend(&target, text.size(), ":", text);
}

bool TakeCounted(absl::string_view& from, std::string& text) {
  const size_t colon = from.find(':');
  size_t size = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(from.substr(0, colon), &size) ||
      size > from.size() - colon - 1) {
    return false;
  }
  text = std::string(from.substr(colon + 1, size));
  from.remove_prefix(colon + 1 + size);
  return true;
}

uint64_t ScopeOf(const DocumentQuery& query) {
  std::string scope;
  AppendCounted(query.tenant, scope);
  return Fingerprint(scope + EncodeLabels(query.labels));
}

}  // namespace

std::string DocumentId(absl::string_view tenant, absl::string_view source) {
  std::string named;
  AppendCounted(tenant, named);
  AppendCounted(source, named);
  Sha256 digest;
  digest.Update(named);
  return Base32Hex(digest.Finish(), kIdCharacters);
}

absl::Status CheckEdition(const EditionHead& head) {
  if (head.content.empty()) return FieldError("content", "must not be empty");
  SLUICE_RETURN_IF_ERROR(CheckRange("source", static_cast<int64_t>(head.source.size()), 1, kMostSourceBytes));
  return CheckRange("pages", head.pages, 1, kMostPagesOfDocument);
}

absl::Status CheckPages(const std::vector<StoredPage>& pages) {
  SLUICE_RETURN_IF_ERROR(CheckRange("pages", static_cast<int64_t>(pages.size()), 0, kMostPagesPerCall));
  for (size_t i = 0; i < pages.size(); ++i) {
    SLUICE_RETURN_IF_ERROR(
        CheckRange(absl::StrCat("pages[", i, "].number"), pages[i].number, 1, kMostPagesOfDocument));
  }
  return absl::OkStatus();
}

absl::Status CheckRead(int first_page, int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRange("first_page", first_page, 1, kMostPagesOfDocument + 1));
  return CheckRange("limit", limit, 1, kMostPagesPerCall);
}

absl::Status CheckQuery(const DocumentQuery& query) {
  return CheckRange("page_size", query.page_size, 1, 1000);
}

absl::Status NoSuchDocument(absl::string_view id) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no document ", id)), "DOCUMENT_NOT_FOUND");
}

absl::Status NoDraft(const DraftKey& job) {
  return WithReason(
      absl::NotFoundError(absl::StrCat("job ", job.job_index, " of batch ", job.batch_id, " has no draft")),
      "NO_DRAFT");
}

absl::Status PagesMissing(int pages, int there) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("the draft has ", there, " of its ", pages, " pages")),
      "PAGES_MISSING");
}

std::string EncodeListToken(const DocumentQuery& query, absl::string_view last_source) {
  return absl::WebSafeBase64Escape(absl::StrCat(ScopeOf(query), ":", last_source));
}

absl::StatusOr<std::string> DecodeListToken(const DocumentQuery& query) {
  std::string text;
  uint64_t scope = 0;
  const bool decoded = absl::WebSafeBase64Unescape(query.page_token, &text);
  const size_t colon = decoded ? text.find(':') : std::string::npos;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(0, colon), &scope) ||
      scope != ScopeOf(query)) {
    return FieldError("page_token", "is not of this call: start without one");
  }
  return text.substr(colon + 1);
}

std::string EncodeLabels(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    AppendCounted(key, text);
    AppendCounted(value, text);
  }
  return text;
}

absl::StatusOr<std::map<std::string, std::string>> DecodeLabels(absl::string_view text) {
  std::map<std::string, std::string> labels;
  while (!text.empty()) {
    std::string key, value;
    if (!TakeCounted(text, key) || !TakeCounted(text, value)) {
      return WithReason(absl::DataLossError("a document's labels cannot be read"), "DAMAGED_RECORD");
    }
    labels[key] = value;
  }
  return labels;
}

bool HasLabels(const std::map<std::string, std::string>& labels,
               const std::map<std::string, std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&labels](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

}  // namespace sluice
