// StartDocumentParser: a DocumentParser of several processes.
//
// A thread for each process, `parser-0` and on, takes calls from one queue: pictures for viewers first, then
// in the order in which they came. A process keeps its last document open. It is started anew when it died or
// was killed, after many pages, and when it has grown.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/documents/parser/document_parser.h"
#include "core/documents/parser/parser_process.h"

namespace sluice {

enum class ParserRestart { kPages, kMemory, kCrash, kDeadline, kCancelled };
inline constexpr std::array<const char*, 5> kParserRestartNames = {"pages", "memory", "crash", "deadline",
                                                                   "cancelled"};

struct DocumentParserOptions {
  ParserProgram program;
  int workers = 1;                                  // processes, 1..64
  int max_waiting_calls = 256;                      // 1..2^16
  int max_pages = 20'000;                           // of a document, 1..65535
  absl::Duration page_deadline = absl::Minutes(1);  // of each page, and of opening; > 0
  int recycle_after_pages = 500;                    // 1..2^20
  int64_t recycle_after_growth_bytes = 300 << 20;   // of resident memory, 1 MiB..2^40
};

// Of all processes so far. Thread-safe to ask for.
struct ParserUsage {
  std::array<int64_t, 5> restarts{};  // by ParserRestart
  absl::Duration cpu_time;
  int64_t resident_bytes = 0;  // of those that run, together
};

class ProcessDocumentParser : public DocumentParser {
 public:
  virtual ParserUsage Usage() const = 0;
  // What of the sandbox the system refused; "" when it is all in force.
  virtual const std::string& sandbox_gaps() const = 0;
};

// Starts the first process, to know that it works. UNAVAILABLE (PARSER_UNUSABLE) says why it does not.
// Destruction ends the calls under way with CANCELLED and kills the processes.
absl::StatusOr<std::unique_ptr<ProcessDocumentParser>> StartDocumentParser(
    const DocumentParserOptions& options);

}  // namespace sluice
