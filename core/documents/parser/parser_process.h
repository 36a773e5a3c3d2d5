// ParserProcess: one sluice-parser as the server holds it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/open_file.h"
#include "core/documents/parser/parser_protocol.h"

namespace sluice {

struct ParserProgram {
  std::string path;                             // of sluice-parser
  std::string pdfium;                           // of the library; "": where the program finds it
  int64_t max_memory_bytes = int64_t{1} << 30;  // of address space, 64 MiB..2^40
};

// One thread's. Every call blocks, but never beyond its deadline. Destruction kills the process and waits for
// its end.
class ParserProcess {
 public:
  // UNAVAILABLE (PARSER_UNUSABLE) when it cannot be started, or does not say hello in time.
  static absl::StatusOr<std::unique_ptr<ParserProcess>> Start(const ParserProgram& program);
  ~ParserProcess();
  ParserProcess(const ParserProcess&) = delete;
  ParserProcess& operator=(const ParserProcess&) = delete;

  // What of the sandbox the system refused; "" when it is all in force.
  const std::string& greeting() const { return greeting_; }
  pid_t pid() const { return pid_; }

  absl::Status Send(ParserMessageType type, absl::string_view body, int descriptor = -1);
  // As ReceiveMessage.
  absl::StatusOr<ParserMessage> Receive(absl::Duration timeout, absl::FunctionRef<bool()> cancelled);

  // Kills it and says how it ended: "was ended by signal 11 (SIGSEGV)". Idempotent.
  std::string End();

  int64_t ResidentBytes() const;  // 0 where the system does not tell
  absl::Duration CpuTime() const;

 private:
  ParserProcess(pid_t pid, OpenFile socket) : pid_(pid), socket_(std::move(socket)) {}

  const pid_t pid_;
  OpenFile socket_;
  std::string greeting_;
  std::string ended_;
  absl::Duration cpu_time_at_end_;
};

}  // namespace sluice
