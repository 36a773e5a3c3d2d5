#include "tests/core/store/store_file.h"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"

namespace sluice {
namespace {

// The first column of the first row, as text.
std::string Sql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  std::string first;
  char* error = nullptr;
  const auto keep_first = [](void* out, int columns, char** values, char**) {
    auto& text = *static_cast<std::string*>(out);
    if (text.empty() && columns > 0 && values[0] != nullptr) text = values[0];
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), keep_first, &first, &error), SQLITE_OK)
      << error << " in " << sql;
  sqlite3_free(error);
  sqlite3_close(database);
  return first;
}

}  // namespace

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void CopyStoreFile(const std::string& from, const std::string& to) {
  for (const std::string suffix : {"", "-wal", ".ended"}) {
    std::filesystem::remove(to + suffix);
    if (std::filesystem::exists(from + suffix)) std::filesystem::copy_file(from + suffix, to + suffix);
  }
}

bool FileHolds(const std::string& path, absl::string_view bytes) {
  const std::string needle(bytes);
  return FileBytes(path).find(needle) != std::string::npos ||
         FileBytes(path + "-wal").find(needle) != std::string::npos;
}

void RunSql(const std::string& path, const std::string& sql) {
  Sql(path, sql);
}
int64_t SqlInt(const std::string& path, const std::string& sql) {
  return std::stoll("0" + Sql(path, sql));
}

void CheckFile(const std::string& path, const std::string& copy) {
  CopyStoreFile(path, copy);
  EXPECT_EQ(Sql(copy, "PRAGMA integrity_check"), "ok");
  const auto none = [&](const char* what, const std::string& sql) {
    EXPECT_EQ(SqlInt(copy, "SELECT count(*) FROM (" + sql + ")"), 0) << what;
  };
  none("I10: a job in two places",
       "SELECT job FROM (SELECT job FROM ready UNION ALL SELECT job FROM lease UNION ALL SELECT job FROM "
       "outcome UNION ALL SELECT job FROM fan_out) "
       "GROUP BY job HAVING count(*) > 1");
  none("I10: a ready or leased job or task that is not stored",
       "SELECT job FROM (SELECT job, stage FROM ready UNION ALL SELECT job, stage FROM lease) "
       "WHERE stage <> 1 AND job NOT IN (SELECT job FROM job) AND job NOT IN (SELECT task FROM task)");
  none("I10: a plan task that is not in its slot",
       "SELECT job FROM (SELECT job, stage FROM ready UNION ALL SELECT job, stage FROM lease) AS placed "
       "JOIN batch ON batch.batch = job >> 24 WHERE stage = 1 AND job & 0xffffff <> jobs + 1");
  // A job's tasks stay for readers when the job is done, open ones as they were.
  none("I10: an open task that is nowhere, or an ended one that is somewhere",
       "SELECT task FROM task WHERE job NOT IN (SELECT job FROM outcome) AND "
       "(end = 0) <> (task IN (SELECT job FROM ready UNION SELECT job FROM lease))");
  none("I10: a ready or leased task of a job that is done",
       "SELECT task FROM task WHERE job IN (SELECT job FROM outcome) AND "
       "task IN (SELECT job FROM ready UNION SELECT job FROM lease)");
  none("I18: a job that waits for more or fewer tasks than are open",
       "SELECT job FROM fan_out WHERE open <> "
       "(SELECT count(*) FROM task WHERE task.job = fan_out.job AND end = 0)");
  none("I18: a job that goes on with open tasks",
       "SELECT job FROM task WHERE end = 0 AND job NOT IN (SELECT job FROM fan_out UNION SELECT job FROM "
       "outcome)");
  none("I10: a job of an ended batch that waits for tasks",
       "SELECT job FROM fan_out JOIN batch ON batch.batch = job >> 24 WHERE ending <> 0 OR state >= 5");
  none("what a batch that is gone has left",
       "SELECT 1 FROM (SELECT task AS row FROM task UNION ALL SELECT job FROM artifact UNION ALL "
       "SELECT job FROM fan_out UNION ALL SELECT job FROM job) WHERE row >> 24 NOT IN (SELECT batch FROM "
       "batch)");
  none("I10: a job without a plan that is nowhere",
       "SELECT 1 FROM job JOIN batch USING (batch) WHERE kind <> 1 AND state > 1 AND job NOT IN (SELECT job "
       "FROM ready UNION SELECT job FROM lease UNION SELECT job FROM outcome UNION SELECT job FROM fan_out)");
  none("I10: a waiting job whose plan task is nowhere",
       "SELECT 1 FROM job JOIN batch USING (batch) WHERE kind = 1 AND state BETWEEN 2 AND 9 AND job NOT IN "
       "(SELECT job FROM ready UNION SELECT job FROM lease UNION SELECT job FROM outcome) AND (batch << 24) "
       "+ jobs "
       "+ 1 NOT IN "
       "(SELECT job FROM ready UNION SELECT job FROM lease)");
  // Not of a batch that is being purged, a piece at a time.
  none("I3: counts that differ from the outcomes",
       "SELECT batch FROM batch WHERE state <> 10 AND ("
       "last_seq <> (SELECT count(*) FROM outcome WHERE outcome.batch = batch.batch) "
       "OR succeeded <> (SELECT count(*) FROM outcome WHERE outcome.batch = batch.batch AND kind = 1) "
       "OR jobs <> (SELECT count(*) FROM job WHERE job.batch = batch.batch))");
  none("I7: a ready job of a batch that is ending",
       "SELECT job FROM ready JOIN batch USING (batch) WHERE ending <> 0 OR state >= 5");
  none("I8: a lease with a fence beyond the counter",
       "SELECT job FROM lease WHERE fence > (SELECT value FROM meta WHERE name = 'fence')");
}

}  // namespace sluice
