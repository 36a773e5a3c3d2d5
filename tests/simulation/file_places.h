// Where a SQLite store's file has each job, read by SQL rather than through the engine.
#pragma once

#include <string>
#include <vector>

#include "tests/history/history.h"

namespace sluice {

// One for each batch that is not being removed. A job that waits for its plan counts only while the plan task
// is there to end its wait. The file must be nobody's: give it a copy.
std::vector<history::Places> PlacesInFile(const std::string& path);

}  // namespace sluice
