// UnsyncedDisk: a disk in memory under SQLite that tells what was written from what was synced, so that a
// test can cut the power or make one operation fail. A killed process loses nothing that it wrote, since the
// kernel still has it; only a disk like this one shows whether a commit waited for its sync.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

class UnsyncedDisk {
 public:
  // From here on SQLite opens its files here, under the paths it asks for, until destruction. One at a time;
  // close every connection first.
  UnsyncedDisk();
  ~UnsyncedDisk();
  UnsyncedDisk(const UnsyncedDisk&) = delete;
  UnsyncedDisk& operator=(const UnsyncedDisk&) = delete;

  // Operations are writes, truncations and syncs, counted from 1 over all files.
  int64_t operations() const;
  int64_t syncs() const;

  // Power goes before operation `number`. What was synced is kept; of what was not, every stretch of 512
  // bytes is kept or lost by a coin drawn from `seed`, so writes are dropped, torn and reordered. From then
  // on every operation fails.
  void CutBefore(int64_t number, unsigned seed);
  // The sync with that number fails and what it should have made durable may be lost.
  void FailSync(int64_t number);
  // The write with that number of operation finds the disk full, once.
  void FillBefore(int64_t number);

  // From now on the files may hold so many bytes together, and the real file `beside`, if there is one,
  // counts.
  void Bound(int64_t bytes, std::string beside);
  int64_t bytes() const;

  // Whether the cut or failure that was asked for has happened.
  bool struck() const;

  // Puts what a disk would hold after the cut into real files of the same paths.
  void Save() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
