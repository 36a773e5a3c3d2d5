#include "tests/simulation/file_places.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr const char* kPlaces = R"sql(
SELECT batch, jobs,
  (SELECT count(*) FROM ready WHERE ready.batch = b.batch AND job & 0xffffff <= jobs)
  + (SELECT count(*) FROM fan_out WHERE job >> 24 = b.batch),
  (SELECT count(*) FROM lease WHERE job >> 24 = b.batch AND job & 0xffffff <= jobs),
  (SELECT count(*) FROM outcome WHERE outcome.batch = b.batch),
  (SELECT count(*) FROM job WHERE job.batch = b.batch
     AND job NOT IN (SELECT job FROM ready UNION SELECT job FROM lease UNION SELECT job FROM outcome
                     UNION SELECT job FROM fan_out))
  * ((b.batch << 24) + jobs + 1 IN (SELECT job FROM ready UNION SELECT job FROM lease))
FROM batch b WHERE state BETWEEN 2 AND 9
)sql";

}  // namespace

std::vector<history::Places> PlacesInFile(const std::string& path) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  sqlite3_stmt* query = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(database, kPlaces, -1, &query, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  std::vector<history::Places> all;
  while (sqlite3_step(query) == SQLITE_ROW) {
    history::Places places;
    places.batch = absl::StrCat("number ", sqlite3_column_int64(query, 0));
    places.jobs = sqlite3_column_int64(query, 1);
    places.waiting_or_ready = sqlite3_column_int64(query, 2) + sqlite3_column_int64(query, 5);
    places.leased = sqlite3_column_int64(query, 3);
    places.done = sqlite3_column_int64(query, 4);
    all.push_back(std::move(places));
  }
  sqlite3_finalize(query);
  sqlite3_close(database);
  return all;
}

}  // namespace sluice
