// OutputTarget: what the name that a person gave for an output stands for, and whether it may be written.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice {

struct OutputTarget {
  enum class Kind {
    kFile,        // a regular file, there or not: replaced once it is whole
    kStream,      // a character device or a FIFO: opened and written to
    kSocket,      // connected and written to
    kDescriptor,  // one of ours, as in /dev/stdout: written to where it stands
  };
  // Of the file that is replaced.
  struct Owner {
    mode_t mode = 0;  // permissions alone
    uid_t user = 0;
    gid_t group = 0;
  };

  Kind kind = Kind::kFile;
  std::string name;  // as it was given
  std::string path;  // with the symbolic links at its end followed, so that writing keeps them
  int descriptor = -1;
  std::optional<Owner> owner;  // of a file that is there
};

// Looks at `name` and changes nothing. INVALID_ARGUMENT, naming it and what to do: it is one of `inputs`,
// under whatever name, or lies within one that is a directory; it is where standard output or error goes; it
// is a directory or a block device; it may not be written; its links lead nowhere or in a circle.
absl::StatusOr<OutputTarget> ResolveOutput(const std::string& name, const std::vector<std::string>& inputs);

}  // namespace sluice
