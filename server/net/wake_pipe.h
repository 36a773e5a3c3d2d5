// WakePipe: ends the wait of a thread that polls descriptors.
#pragma once

#include <unistd.h>

#include "server/net/socket_address.h"

namespace sluice {

// Wake is thread-safe, the rest is the polling thread's. Neither blocks.
class WakePipe {
 public:
  WakePipe() {
    if (pipe(ends_) != 0) ends_[0] = ends_[1] = -1;
    for (const int end : ends_) PrepareDescriptor(end);
  }
  WakePipe(const WakePipe&) = delete;
  WakePipe& operator=(const WakePipe&) = delete;
  ~WakePipe() {
    for (const int end : ends_) close(end);
  }

  bool ok() const { return ends_[0] >= 0; }  // false: no descriptor was left
  void Wake() { (void)!write(ends_[1], "", 1); }
  int descriptor() const { return ends_[0]; }  // readable once woken

 private:
  int ends_[2];
};

}  // namespace sluice
