// check_history FILE: holds a history that a test with real processes wrote to the invariants. Prints each
// violation and exits 1, 2 when the file cannot be read.
#include <cstdio>
#include <fstream>

#include "tests/history/invariant_checker.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: check_history FILE\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  const absl::StatusOr<sluice::history::History> history =
      file ? sluice::history::Read(file) : absl::NotFoundError("cannot be opened");
  if (!history.ok()) {
    std::fprintf(stderr, "%s: %s\n", argv[1], std::string(history.status().message()).c_str());
    return 2;
  }
  const std::vector<sluice::history::Violation> violations = sluice::history::Check(*history);
  std::printf("%s%zu events, %zu violations\n", sluice::history::Describe(violations).c_str(),
              history->size(), violations.size());
  return violations.empty() ? 0 : 1;
}
