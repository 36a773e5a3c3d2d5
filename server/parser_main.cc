// sluice-parser: reads documents for sluiced, in a process of its own. Not for people: sluiced starts it.
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "core/documents/parser/open_document.h"
#include "core/documents/parser/parser_loop.h"
#include "core/documents/parser/parser_sandbox.h"

namespace {

constexpr int kSocket = 3;
constexpr int kExitUsage = 2;

// Its parent may be gone before this takes hold.
bool DieWithParent(int64_t parent) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  return getppid() == parent;
}

void CloseBeyondSocket() {
#ifdef __linux__
  if (close_range(kSocket + 1, ~0U, 0) == 0) return;
#endif
  const auto most = static_cast<int>(sysconf(_SC_OPEN_MAX));
  for (int descriptor = kSocket + 1; descriptor < most; ++descriptor) close(descriptor);
}

}  // namespace

int main(int argc, char** argv) {
  std::string pdfium;
  int64_t memory_mib = 1024;
  int64_t parent = 0;
  bool understood = true;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--pdfium=")) {
      pdfium = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--max-memory-mib=")) {
      understood = understood && absl::SimpleAtoi(argument, &memory_mib);
    } else if (absl::ConsumePrefix(&argument, "--parent=")) {
      understood = understood && absl::SimpleAtoi(argument, &parent);
    } else {
      understood = false;
    }
  }
  if (!understood || parent == 0 || fcntl(kSocket, F_GETFD) < 0) {
    std::cerr << "sluice-parser: sluiced starts this program; it does nothing by itself\n";
    return kExitUsage;
  }
  if (!DieWithParent(parent)) return EXIT_FAILURE;
  CloseBeyondSocket();
  const absl::StatusOr<std::unique_ptr<sluice::PdfiumApi>> api = sluice::PdfiumApi::Load(pdfium);
  if (!api.ok()) {
    std::cerr << "sluice-parser: " << api.status().message() << "\n";
    return kExitUsage;
  }
  const sluice::Formats formats(**api);
  const std::string refused = sluice::EnterSandbox({.max_memory_bytes = memory_mib << 20});
  sluice::RunParser(kSocket, refused,
                    [&formats](const sluice::OpenRequest& request) { return formats.Open(request); });
  // Nothing is left to be done, and libraries' destructors may ask for what the sandbox refuses.
  _exit(EXIT_SUCCESS);
}
