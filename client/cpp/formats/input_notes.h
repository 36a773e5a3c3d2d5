// InputNotes: what was left out of a person's files, or read in another way than it was written, and where.
// It is no error; a command shows it on standard error beside its results.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/cpp/formats/input_place.h"

namespace sluice {

// Bounded however much is left out: the first kMaxShown notes are kept, as lines; the others are counted by
// field. A value. Not thread-safe.
class InputNotes {
 public:
  static constexpr size_t kMaxShown = 10;
  static constexpr size_t kMaxCountedFields = 16;

  // `field` as the file names it, "" where none is meant. `reason` says what was wrong and what was done:
  // "'lots' is no amount; left out". Both may quote the file: they are made fit for a terminal.
  void Add(const InputPlace& place, absl::string_view field, absl::string_view reason);

  // What was noted of a part of the input goes behind what was noted before.
  void Append(const InputNotes& part);

  int64_t total() const { return total_; }

  // A line each, without line ends: "jobs.html:12: field 'baseSalary': 'lots' is no amount; left out". The
  // last one counts what is not shown: "and 7 more notes: baseSalary (5), datePosted (2)".
  std::vector<std::string> Lines() const;

 private:
  struct Note {
    std::string field;
    std::string line;
  };

  void Keep(Note note);
  void Count(const std::string& field, int64_t notes);

  std::vector<Note> shown_;
  std::map<std::string, int64_t> not_shown_;  // field -> notes
  int64_t of_other_fields_ = 0;               // not shown, of fields beyond kMaxCountedFields
  int64_t total_ = 0;
};

// "'text'" on one line, fit for a terminal, cut to a few words: for messages that quote a file.
std::string QuotedForTerminal(absl::string_view text);

}  // namespace sluice
