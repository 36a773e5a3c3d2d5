// Terminal: where a command writes to, and what can be shown there.
#pragma once

#include <ostream>

namespace sluice {

struct Terminal {
  std::ostream& out;             // results
  std::ostream& err;             // progress, notes, errors
  bool out_is_terminal = false;  // a table for people with colour; plain lines otherwise
  bool err_is_terminal = false;  // a progress bar that moves; a line now and then otherwise
  int columns = 100;
};

}  // namespace sluice
