// OpenFileContentStore: contents as files.
//
//   DIRECTORY/ab/abcdef…          a content, named by its digest
//   DIRECTORY/uploads/abcdef….N   what came of one that shall have N bytes
//
// One thread, `contents`, does all of it. A content's file is never written again once it has its name. A
// file's time of modification is when it was last asked after.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/store/content_store.h"

namespace sluice {

struct FileContentStoreOptions {
  std::string directory;                         // made when missing
  int64_t max_content_bytes = int64_t{2} << 30;  // 1..2^40
  int64_t min_free_bytes = 64 << 20;             // that an upload leaves on the disk; 0..2^40
  int max_waiting_calls = 256;                   // beyond: STORE_BUSY; 1..2^20
  // What the directory's disk has left; the system's word where there is none.
  std::function<absl::StatusOr<int64_t>()> free_bytes;
};

// UNAVAILABLE (DATA_UNUSABLE) names the directory and the cause. `clock` must outlive the store.
absl::StatusOr<std::unique_ptr<ContentStore>> OpenFileContentStore(FileContentStoreOptions options,
                                                                   const Clock& clock);

}  // namespace sluice
