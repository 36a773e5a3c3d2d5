// JobPlaces: where each job of a batch stood in its files, by the job's number, in about a byte a job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cpp/formats/input_place.h"

namespace sluice {

// Not thread-safe. Keeps file and line, not the column.
class JobPlaces {
 public:
  // Of the next job: the first one's number is 0.
  void Add(const InputPlace& place);

  // Absent for a number that no job has.
  std::optional<InputPlace> Of(int64_t job) const;

  int64_t size() const { return size_; }

 private:
  struct File {
    int64_t first_job = 0;
    std::string name;
  };
  struct Mark {
    size_t position = 0;  // in steps_, behind the marked job's
    int64_t line = 0;
  };

  std::vector<File> files_;
  std::string steps_;        // lines from each job to the next, packed
  std::vector<Mark> marks_;  // of every kJobsBetweenMarks-th job
  int64_t last_line_ = 0;
  int64_t size_ = 0;
};

}  // namespace sluice
