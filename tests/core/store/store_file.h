// StoreFile: a batches.db as a test looks at it from outside: its bytes, its tables, a copy as a crash would
// leave it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// Copies the file and all that stands beside it while a store has it open: what a killed process would leave.
void CopyStoreFile(const std::string& from, const std::string& to);

std::string FileBytes(const std::string& path);

// Whether `bytes` occur anywhere in the file or its log.
bool FileHolds(const std::string& path, absl::string_view bytes);

// Runs SQL on a file that no store has open. Fails the test on an error.
void RunSql(const std::string& path, const std::string& sql);
int64_t SqlInt(const std::string& path, const std::string& sql);

// I2, I3, I8 to I10 in the tables themselves, and SQLite's own check, on a copy of the file.
void CheckFile(const std::string& path, const std::string& copy);

}  // namespace sluice
