#include "core/base/open_file.h"

#include <unistd.h>

namespace sluice {

void OpenFile::Close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace sluice
