// Terminal: where a command writes to, and what can be shown there.
#pragma once

#include <iosfwd>
#include <system_error>

#include "absl/strings/string_view.h"

namespace sluice {

struct Terminal {
  std::ostream& out;             // results
  std::ostream& err;             // progress, notes, errors
  bool out_is_terminal = false;  // a table for people; plain lines otherwise
  bool err_is_terminal = false;  // a progress bar that moves; a line now and then otherwise
  int columns = 100;
  bool colour = true;  // and other styles, where it is a terminal
  bool moves = true;   // can write over a line; a progress bar needs it

  // Why writing to `out` failed, where that is known; must outlive it.
  const std::error_code* out_error = nullptr;
  // A reader that went away is nothing to tell: the process ends by SIGPIPE, as other tools do.
  bool quiet_about_broken_pipes = false;
};

// What the variables NO_COLOR and TERM ask for; nullptr for one that is not set. Pure.
void SetLook(const char* no_color, const char* term, Terminal& terminal);

// Puts a note or an error on terminal.err, with a newline behind it. Whatever it quotes cannot steer the
// terminal.
void Tell(Terminal& terminal, absl::string_view message);

}  // namespace sluice
