// WriteWholeFile: a small file that others read is there in full or not at all.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Writes PATH.new and renames it; a link is followed to the file that it names. What is no regular file (a
// FIFO, a device) is written to as it is, never replaced. UNAVAILABLE names the path and the cause; then PATH
// is as before and PATH.new is gone. Blocks for the file system and for room in a FIFO, not for a FIFO's
// reader to come; syncs nothing. Thread-safe for different paths.
absl::Status WriteWholeFile(const std::string& path, absl::string_view contents);

}  // namespace sluice
