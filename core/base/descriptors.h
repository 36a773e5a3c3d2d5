// File descriptors: the three standard ones kept in place, and bytes written to one until all are.
#pragma once

#include <system_error>

#include "absl/strings/string_view.h"

namespace sluice {

// Gives descriptors 0, 1 and 2 a place holder where a process was started without them, so that no file or
// connection opened later gets such a number and what is printed for people. Reading 0 and writing 1 go on to
// fail as on a closed descriptor; what is written to 2 is lost. For a main function to call first.
void OccupyStandardDescriptors();

// Writes all of `bytes`, waiting for room, also where the descriptor does not block. Blocks. Zero when all
// were written; else the system's error, with some of them written perhaps.
std::error_code WriteAll(int descriptor, absl::string_view bytes);

}  // namespace sluice
