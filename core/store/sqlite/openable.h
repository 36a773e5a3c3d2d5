// What keeps a file from being opened, in words: SQLite says "disk I/O error" where a directory is read-only.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// OK when SQLite can open the file `path`, or make it, and its log beside it. Else UNAVAILABLE, reason
// DATA_UNUSABLE, which names the path and the cause: it is no regular file, or the system refuses. A missing
// file is made, empty. Call before SQLite has the file: closing another descriptor drops its lock.
absl::Status CheckOpenable(const std::string& path);

// UNAVAILABLE (DATA_UNUSABLE): "cannot WHAT PATH: CAUSE", and for a matter of rights whose path it is and who
// asks. `error` is an errno.
absl::Status CannotUse(absl::string_view what, const std::string& path, int error);

// What a file is that is none that can be read and written: "a directory", "a FIFO". "" for a regular file
// and where there is none. Links are followed.
std::string OddKindOf(const std::string& path);

// Of the process that has the file locked: " and is process 4711"; "" where the system does not say. Of
// this process's own locks it says nothing, and drops them.
std::string LockHolderOf(const std::string& path);

}  // namespace sluice
