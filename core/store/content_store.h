// ContentStore: documents' bytes, each once, by their SHA-256.
//
// The rules, which tests/contract/content_store_contract.h holds every implementation to:
//  * A content is complete or not there. Its bytes were checked against its digest, and are synced before
//    anybody is told that it is there.
//  * An upload goes on where it was cut: also after the process died, from what was synced. Two uploads of
//  one
//    content at once are one: the second finds the offset of the first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/open_file.h"
#include "core/store/done.h"

namespace sluice {

struct ContentState {
  bool complete = false;
  int64_t bytes = 0;   // of the whole content; 0 where nothing is known of it
  int64_t offset = 0;  // how many of them are here
};

struct ContentPiece {
  std::string digest;  // 64 lower-case hexadecimal digits
  int64_t bytes = 0;   // of the whole content
  int64_t offset = 0;  // of `piece`
  std::string piece;   // at most 4 MiB
};

struct ContentStats {
  int64_t contents = 0;
  int64_t bytes = 0;  // with those of uploads
  int64_t uploads = 0;
};

// Thread-safe. No call blocks: `done` is called exactly once on the content store's own thread and must not
// block. Every call may fail with UNAVAILABLE (STORE_FAILED, DISK_FULL) and RESOURCE_EXHAUSTED (STORE_BUSY).
class ContentStore {
 public:
  virtual ~ContentStore() = default;

  virtual void GetState(std::string digest, Done<ContentState> done) = 0;
  // Writes a piece; the last one checks and seals the content. Answers the state after it. A piece that lies
  // wholly before the present offset, or a content that is complete, changes nothing: the state says where to
  // go on. INVALID_ARGUMENT: fields "digest", "size" (another than the upload's; or over max_content_bytes,
  // RESOURCE_EXHAUSTED with reason CONTENT_TOO_LARGE), "offset" (behind the present one: a gap);
  // DIGEST_MISMATCH: the bytes are not those of the digest, the upload is removed.
  virtual void Write(ContentPiece piece, Done<ContentState> done) = 0;
  // NOT_FOUND unless complete. Reading stays good after Remove.
  virtual void Open(std::string digest, Done<std::shared_ptr<const OpenFile>> done) = 0;
  // Idempotent. Content or upload.
  virtual void Remove(std::string digest, Done<void> done) = 0;

  // Complete contents that nobody has opened, written or asked after for `age`, at most `limit`.
  virtual void ListOlderThan(absl::Duration age, int limit, Done<std::vector<std::string>> done) = 0;
  // Removes uploads that got nothing for `age`; answers how many.
  virtual void RemoveStaleUploads(absl::Duration age, Done<int> done) = 0;
  virtual void Stats(Done<ContentStats> done) = 0;
};

}  // namespace sluice
