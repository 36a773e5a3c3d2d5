// OutputFile: what a command writes under a name that a person gave.
//
// A regular file is written beside its name, in a file of its own that nobody else can have put there, and
// takes the name once it is whole and on the disk: the name never holds half a result. A file that it
// replaces passes on its permissions. What is no regular file (a device, a FIFO, a socket, /dev/stdout) is
// written to as it is. Links are followed and stay.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/output_target.h"

namespace sluice {

// Not thread-safe. Blocks: on the disk, on whoever reads, and to open a FIFO until somebody does.
class OutputFile {
 public:
  // `inputs` are the files that the command reads: none of them may be its output. INVALID_ARGUMENT as
  // ResolveOutput, and when it cannot be opened. Nothing has changed under `name` then.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& name,
                                                            const std::vector<std::string>& inputs);
  // Before Finish it leaves no regular file.
  ~OutputFile();

  // An output error (IsOutputError) when it cannot be written. What is written may wait for more of it.
  absl::Status Write(absl::string_view bytes);

  // The last call: all of it is written, and a regular file is on the disk under its name.
  absl::Status Finish();

 private:
  OutputFile(OutputTarget target, std::string partial, int descriptor);
  absl::Status Flush();
  absl::Status Error(absl::string_view reason) const;
  bool replaces() const { return target_.kind == OutputTarget::Kind::kFile; }

  const OutputTarget target_;
  const std::string partial_;  // "" where the output is no regular file
  int descriptor_ = -1;
  std::string waiting_;
};

// DATA_LOSS "<name>: <reason>", by which IsOutputError knows that an output was lost, not what a server said.
absl::Status OutputError(absl::string_view name, absl::string_view reason);
bool IsOutputError(const absl::Status& status);

// Removes the files of all outputs that are not finished: for a process that ends at once. Thread-safe.
void RemoveUnfinishedOutputs();

}  // namespace sluice
