// BenchmarkDirectory: a directory below the current one, on whose disk a benchmark writes; gone at the end.
#pragma once

#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Ends the process where it cannot be made.
class BenchmarkDirectory {
 public:
  BenchmarkDirectory() {
    if (mkdtemp(name_) != nullptr) return;
    std::fprintf(stderr, "cannot make a directory here\n");
    std::exit(1);
  }
  ~BenchmarkDirectory() { std::filesystem::remove_all(name_); }
  BenchmarkDirectory(const BenchmarkDirectory&) = delete;
  BenchmarkDirectory& operator=(const BenchmarkDirectory&) = delete;

  std::string Path(absl::string_view file) const { return absl::StrCat(name_, "/", file); }

 private:
  char name_[32] = "benchmark.XXXXXX";
};

}  // namespace sluice
