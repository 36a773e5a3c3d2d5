// The library's schema.
//
// A page is named inside the file by one integer, edition << kPageBits | number, so that an edition's pages
// lie together and one comparison bounds them; page results alike by their set.
#pragma once

#include <cstdint>

#include "core/store/sqlite/open_database.h"

namespace sluice {

inline constexpr int kPageBits = 16;
constexpr int64_t PageRow(int64_t owner, int64_t number) {
  return (owner << kPageBits) | number;
}
constexpr int NumberOfRow(int64_t row) {
  return static_cast<int>(row & ((int64_t{1} << kPageBits) - 1));
}

// States of an edition, stored.
#define SLUICE_DRAFT "1"
#define SLUICE_VISIBLE "2"
#define SLUICE_GONE "3"
inline constexpr int64_t kDraft = 1;
inline constexpr int64_t kVisible = 2;
inline constexpr int64_t kGone = 3;  // for every reader; its rows are still to be removed

extern const DatabaseKind kLibraryDatabase;

}  // namespace sluice
