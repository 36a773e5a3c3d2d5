// Library rules: what every engine of LibraryStore decides alike, as pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/store/library_store.h"

namespace sluice {

inline constexpr int kMostPagesPerCall = 64;
inline constexpr int64_t kMostPageBytesRead = 4 << 20;
inline constexpr int kMostPagesOfDocument = 65'535;  // what an engine can number
inline constexpr int64_t kMostSourceBytes = 1024;

// Of a document: 26 characters of [0-9a-v]. The same source of the same tenant is the same document, whatever
// its bytes: a new edition replaces the old one.
std::string DocumentId(absl::string_view tenant, absl::string_view source);

// --- checks: INVALID_ARGUMENT with the field, else OK

absl::Status CheckEdition(const EditionHead& head);
absl::Status CheckPages(const std::vector<StoredPage>& pages);
absl::Status CheckRead(int first_page, int limit);
absl::Status CheckQuery(const DocumentQuery& query);

// --- refusals

absl::Status NoSuchDocument(absl::string_view id);
absl::Status NoDraft(const DraftKey& job);
absl::Status PagesMissing(int pages, int there);

// Documents are listed by source: where the next page begins. INVALID_ARGUMENT (field "page_token") for what
// was not made for this query.
std::string EncodeListToken(const DocumentQuery& query, absl::string_view last_source);
absl::StatusOr<std::string> DecodeListToken(const DocumentQuery& query);

// Labels as one text, and back; equal labels give equal texts.
std::string EncodeLabels(const std::map<std::string, std::string>& labels);
absl::StatusOr<std::map<std::string, std::string>> DecodeLabels(absl::string_view text);
bool HasLabels(const std::map<std::string, std::string>& labels,
               const std::map<std::string, std::string>& wanted);

}  // namespace sluice
