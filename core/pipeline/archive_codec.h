// ArchiveCodec: how the opaque bytes of an archive batch in the store become core's values, and back. The
// server implements it over its protos, so that core knows none.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A shelf: what its documents have in common.
struct ArchiveSpec {
  std::string profile;    // one of the archive profiles' names
  int books_at_once = 1;  // 1..64
};

// A job of the shelf, checked when the batch was created.
struct ArchiveDocument {
  std::string content;                        // SHA-256, 64 lower-case hexadecimal digits
  std::string source;                         // never ""
  std::string title;                          // "": as it is, or as the document says
  std::map<std::string, std::string> labels;  // empty: as they are
  std::string password;
  std::string format;  // "": as its bytes say
};

// What became of it.
struct ArchivedDocument {
  std::string document_id;
  int pages = 0;
  int failed_pages = 0;
  int degraded_pages = 0;
  int blank_pages = 0;
  int reused_pages = 0;
  bool unchanged = false;
};

// Thread-safe and stateless. A decode failure is INVALID_ARGUMENT (bytes that this server did not write:
// DATA_LOSS).
class ArchiveCodec {
 public:
  virtual ~ArchiveCodec() = default;
  virtual absl::StatusOr<ArchiveSpec> DecodeArchiveSpec(absl::string_view spec) const = 0;
  virtual absl::StatusOr<ArchiveDocument> DecodeDocument(absl::string_view payload) const = 0;
  virtual std::string EncodeArchived(const ArchivedDocument& archived) const = 0;
};

}  // namespace sluice
