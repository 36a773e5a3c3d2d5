// Directories that last: what was created, renamed or removed is on the disk once its directory is.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace sluice {

// Syncs the directory that holds `path`. Blocks for the disk. UNAVAILABLE when it cannot.
absl::Status SyncDirectoryOf(const std::string& path);

// Makes the directory `path` and those above it, where they are missing, on the disk too. UNAVAILABLE names
// what is in the way and the cause, with the reason DATA_UNUSABLE or DISK_FULL but for a sync that fails.
absl::Status MakeDirectory(const std::string& path);

}  // namespace sluice
