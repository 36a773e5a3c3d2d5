// The archive's messages checked, and turned into the store's and the parser's values, and back.
#pragma once

#include <array>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/documents/page.h"
#include "core/documents/parser/document_reader.h"
#include "core/store/library_store.h"
#include "sluice/v1/archive.pb.h"
#include "sluice/v1/library.pb.h"

namespace sluice {

// An archive profile: what a shelf is done by that says no more than its name.
struct ArchiveProfile {
  const char* name;
  int books_at_once;
};
inline constexpr std::array<ArchiveProfile, 4> kArchiveProfiles = {
    {{"quality", 1}, {"fast", 3}, {"quick", 4}, {"text-only", 3}}};  // the first is the default
// Null for a name of none; "" is the default's.
const ArchiveProfile* FindArchiveProfile(absl::string_view name);

// FAILED_PRECONDITION, reason NO_PARSER.
absl::Status NoParserError();

// INVALID_ARGUMENT with every violation, paths from the message's own fields.
absl::Status CheckArchiveSpec(const v1::ArchiveSpec& spec);
// With its source.
absl::Status CheckDocument(const v1::NewDocument& document);
absl::Status CheckTitle(absl::string_view title);
absl::Status CheckLabels(const google::protobuf::Map<std::string, std::string>& labels);
absl::Status CheckContentDigest(absl::string_view sha256);

// "documents/{id}" to the id, "documents/{id}/pages/{number}" to both; INVALID_ARGUMENT, field "name".
absl::StatusOr<std::string> DocumentIdFromName(absl::string_view name);
struct PageName {
  std::string document_id;
  int number = 0;
};
absl::StatusOr<PageName> PageFromName(absl::string_view name);
std::string DocumentName(absl::string_view id);

// 0 is the default; INVALID_ARGUMENT, fields "picture.…".
absl::StatusOr<PictureSize> PictureFromProto(const v1::PictureSize& picture);

void DocumentToProto(const StoredDocument& document, v1::Document* proto);
// What GetDocument tells beside: of one page of the document after another.
void AddPageToProto(const StoredPage& stored, v1::Document* proto);
// DATA_LOSS for a stored page that cannot be read.
absl::Status PageToProto(const StoredDocument& document, const StoredPage& stored, v1::DocumentPage* proto);

}  // namespace sluice
