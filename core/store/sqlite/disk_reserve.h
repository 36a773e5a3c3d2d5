// DiskReserve: room that a file beside the store keeps, so that what frees room works on a full disk. Even to
// delete, a database has to write first.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

// A value: copies speak of the same file, and one of them is used. Not thread-safe. Calls ask the file system
// and may wait for it.
class DiskReserve {
 public:
  // `bytes` 0: there is none. Takes what an earlier process left at `path`, and nothing else.
  DiskReserve(std::string path, int64_t bytes);

  // Takes the room if the disk has it; whether it is held. What is wrong but a full disk is logged once.
  bool Take();
  // Gives the room to the disk. False: none was held.
  bool Release();

  bool held() const { return held_; }
  // Released and not taken again since: what is free now is for what frees room.
  bool spent() const { return spent_; }

 private:
  bool Fill();
  bool GiveUp(int error);

  std::string path_;
  int64_t bytes_;
  bool held_ = false;
  bool spent_ = false;
  bool unusable_ = false;
};

// As a store at `path` names it.
std::string DiskReserveOf(const std::string& path);

}  // namespace sluice
