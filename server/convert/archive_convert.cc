#include "server/convert/archive_convert.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "google/rpc/status.pb.h"
#include "server/convert/batches_convert.h"
#include "server/convert/status_convert.h"
#include "server/convert/time_convert.h"
#include "server/limits.h"

namespace sluice {
namespace {

constexpr absl::string_view kDocumentPrefix = "documents/";
constexpr absl::string_view kPagePart = "/pages/";
constexpr size_t kDigestDigits = 64;
constexpr size_t kMaxDocumentIdBytes = 64;
constexpr int kDefaultPictureWidth = 1000;
constexpr int kDefaultPictureHeight = 1400;
constexpr int kMostFailedShown = 100;
constexpr int kMostHeadings = 2000;

using Violations = std::vector<FieldViolation>;

void CheckBytes(absl::string_view field, absl::string_view value, int64_t limit, Violations& violations) {
  const auto bytes = static_cast<int64_t>(value.size());
  if (bytes > limit) {
    violations.push_back({std::string(field), absl::StrCat("is ", bytes, " bytes, limit ", limit)});
  }
}

void Add(const absl::Status& status, Violations& violations) {
  const Violations found = FieldViolationsOf(status);
  violations.insert(violations.end(), found.begin(), found.end());
}

bool HasControls(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

void BoxToProto(const Box& box, v1::PageBox* proto) {
  proto->set_left(box.left);
  proto->set_top(box.top);
  proto->set_right(box.right);
  proto->set_bottom(box.bottom);
}

void BlockToProto(const Block& block, v1::PageBlock* proto) {
  proto->set_kind(static_cast<v1::PageBlock::Kind>(block.kind));
  proto->set_level(block.level);
  BoxToProto(block.box, proto->mutable_box());
  for (const Line& line : block.lines) {
    v1::PageLine* const added = proto->add_lines();
    added->set_text(line.text);
    BoxToProto(line.box, added->mutable_box());
  }
}

absl::Status ErrorOf(const StoredPage& page) {
  return WithReason(absl::Status(page.error_code, page.error_message), page.error_reason);
}

bool IsFailed(const StoredPage& page) {
  return page.error_code != absl::StatusCode::kOk;
}

}  // namespace

const ArchiveProfile* FindArchiveProfile(absl::string_view name) {
  if (name.empty()) return &kArchiveProfiles.front();
  const auto* const found =
      std::find_if(kArchiveProfiles.begin(), kArchiveProfiles.end(),
                   [name](const ArchiveProfile& profile) { return profile.name == name; });
  return found == kArchiveProfiles.end() ? nullptr : found;
}

absl::Status NoParserError() {
  return WithReason(
      absl::FailedPreconditionError("this server has no parser and takes no documents: its log says why"),
      "NO_PARSER");
}

absl::Status CheckArchiveSpec(const v1::ArchiveSpec& spec) {
  Violations violations;
  if (FindArchiveProfile(spec.profile()) == nullptr) {
    const auto name = [](std::string* out, const ArchiveProfile& profile) { out->append(profile.name); };
    violations.push_back({"profile", absl::StrCat("\"", spec.profile(), "\" is none of ",
                                                  absl::StrJoin(kArchiveProfiles, ", ", name))});
  }
  if (spec.books_at_once() < 0 || spec.books_at_once() > kMaxBooksAtOnce) {
    violations.push_back({"books_at_once", absl::StrCat("is ", spec.books_at_once(), ", must be from 0 to ",
                                                        kMaxBooksAtOnce)});
  }
  return FieldErrors(violations);
}

absl::Status CheckContentDigest(absl::string_view sha256) {
  const bool digits = std::all_of(sha256.begin(), sha256.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
  });
  if (sha256.size() == kDigestDigits && digits) return absl::OkStatus();
  return FieldError("sha256", "must be 64 lower-case hexadecimal digits");
}

absl::Status CheckTitle(absl::string_view title) {
  Violations violations;
  CheckBytes("title", title, kMaxTitleBytes, violations);
  return FieldErrors(violations);
}

absl::Status CheckLabels(const google::protobuf::Map<std::string, std::string>& labels) {
  Violations violations;
  if (static_cast<int64_t>(labels.size()) > kMaxLabels) {
    violations.push_back({"labels", absl::StrCat("are ", labels.size(), ", limit ", kMaxLabels)});
  }
  for (const auto& [key, value] : labels) {
    if (key.empty()) violations.push_back({"labels", "have one without a key"});
    CheckBytes("labels", key, kMaxLabelKeyBytes, violations);
    CheckBytes(absl::StrCat("labels[", key.substr(0, kMaxLabelKeyBytes), "]"), value, kMaxLabelValueBytes,
               violations);
    if (static_cast<int64_t>(violations.size()) >= kMaxFieldViolations) break;
  }
  return FieldErrors(violations);
}

absl::Status CheckDocument(const v1::NewDocument& document) {
  Violations violations;
  Add(CheckContentDigest(document.sha256()), violations);
  if (document.source().empty()) violations.push_back({"source", "is empty"});
  CheckBytes("source", document.source(), kMaxSourceBytes, violations);
  if (HasControls(document.source())) violations.push_back({"source", "has control characters"});
  Add(CheckTitle(document.title()), violations);
  Add(CheckLabels(document.labels()), violations);
  CheckBytes("password", document.password(), kMaxPasswordBytes, violations);
  const bool known = document.format().empty() || std::find(kDocumentFormats.begin(), kDocumentFormats.end(),
                                                            document.format()) != kDocumentFormats.end();
  if (!known) {
    violations.push_back({"format", absl::StrCat("\"", document.format().substr(0, 32), "\" is none of ",
                                                 absl::StrJoin(kDocumentFormats, ", "))});
  }
  return FieldErrors(violations);
}

std::string DocumentName(absl::string_view id) {
  return absl::StrCat(kDocumentPrefix, id);
}

absl::StatusOr<std::string> DocumentIdFromName(absl::string_view name) {
  absl::string_view id = name;
  const bool prefixed = absl::ConsumePrefix(&id, kDocumentPrefix);
  const bool plain = id.find_first_not_of("0123456789abcdefghijklmnopqrstuv") == absl::string_view::npos;
  if (!prefixed || id.empty() || id.size() > kMaxDocumentIdBytes || !plain) {
    return FieldError("name", "is not of the form documents/{id}");
  }
  return std::string(id);
}

absl::StatusOr<PageName> PageFromName(absl::string_view name) {
  const absl::Status wrong = FieldError("name", "is not of the form documents/{id}/pages/{number}");
  const size_t part = name.find(kPagePart);
  if (part == absl::string_view::npos) return wrong;
  const absl::StatusOr<std::string> id = DocumentIdFromName(name.substr(0, part));
  PageName page;
  if (!id.ok() || !absl::SimpleAtoi(name.substr(part + kPagePart.size()), &page.number) || page.number < 1 ||
      page.number > kMaxDocumentPages) {
    return wrong;
  }
  page.document_id = *id;
  return page;
}

absl::StatusOr<PictureSize> PictureFromProto(const v1::PictureSize& picture) {
  const auto side = [](int32_t given, int preset) { return given == 0 ? preset : static_cast<int>(given); };
  const PictureSize size{.max_width = side(picture.max_width(), kDefaultPictureWidth),
                         .max_height = side(picture.max_height(), kDefaultPictureHeight)};
  SLUICE_RETURN_IF_ERROR(CheckRange("picture.max_width", size.max_width, kMinPictureSide, kMaxPictureSide));
  SLUICE_RETURN_IF_ERROR(CheckRange("picture.max_height", size.max_height, kMinPictureSide, kMaxPictureSide));
  return size;
}

void DocumentToProto(const StoredDocument& document, v1::Document* proto) {
  proto->set_name(DocumentName(document.key.id));
  proto->set_source(document.head.source);
  proto->set_title(document.head.title);
  for (const auto& [key, value] : document.head.labels) (*proto->mutable_labels())[key] = value;
  proto->set_state(document.state == DocumentState::kPartial ? v1::Document::PARTIAL
                                                             : v1::Document::COMPLETE);
  proto->set_sha256(document.head.content);
  if (const absl::StatusOr<DocumentFacts> facts = DecodeFacts(document.head.facts); facts.ok()) {
    proto->set_format(facts->format);
  }
  proto->set_profile(document.head.profile);
  proto->set_pages(document.head.pages);
  proto->set_failed_pages(document.counts.failed);
  proto->set_degraded_pages(document.counts.degraded);
  proto->set_blank_pages(document.counts.blank);
  proto->set_reused_pages(document.counts.reused);
  TimeToProto(document.create_time, proto->mutable_create_time());
  TimeToProto(document.update_time, proto->mutable_update_time());
  proto->set_batch(BatchName(document.job.batch_id));
}

void AddPageToProto(const StoredPage& stored, v1::Document* proto) {
  for (const absl::string_view reason : absl::StrSplit(stored.degraded, ',', absl::SkipEmpty())) {
    ++(*proto->mutable_degraded())[std::string(reason)];
  }
  if (IsFailed(stored)) {
    if (proto->failed_size() == kMostFailedShown) return;
    v1::PageError* const failed = proto->add_failed();
    failed->set_page(stored.number);
    return StatusToProto(ErrorOf(stored), failed->mutable_error());
  }
  const absl::StatusOr<Page> page = DecodePage(stored.page);
  if (!page.ok()) return;
  for (const Block& block : page->blocks) {
    if (block.kind != BlockKind::kHeading || proto->headings_size() == kMostHeadings) continue;
    v1::Heading* const heading = proto->add_headings();
    heading->set_level(block.level);
    heading->set_page(stored.number);
    const auto text = [](std::string* out, const Line& line) { out->append(line.text); };
    heading->set_title(absl::StrJoin(block.lines, " ", text));
  }
}

absl::Status PageToProto(const StoredDocument& document, const StoredPage& stored, v1::DocumentPage* proto) {
  proto->set_name(absl::StrCat(DocumentName(document.key.id), kPagePart, stored.number));
  proto->set_number(stored.number);
  if (IsFailed(stored)) {
    StatusToProto(ErrorOf(stored), proto->mutable_error());
    return absl::OkStatus();
  }
  SLUICE_ASSIGN_OR_RETURN(const Page page, DecodePage(stored.page));
  proto->set_label(page.label);
  proto->set_width(page.width);
  proto->set_height(page.height);
  proto->set_text(PageText(page, /*furniture=*/false));
  for (const Block& block : page.blocks) BlockToProto(block, proto->add_blocks());
  v1::PageDecision* const decision = proto->mutable_decision();
  decision->set_source(static_cast<v1::PageDecision::Source>(page.decision.source));
  decision->set_reason(page.decision.reason);
  decision->set_score(page.decision.score);
  for (const std::string& reason : page.degraded) proto->add_degraded(reason);
  proto->set_language(page.language);
  return absl::OkStatus();
}

}  // namespace sluice
