// Terminal: where a command writes to, and what can be shown there.
#pragma once

#include <ostream>

#include "absl/strings/string_view.h"
#include "client/cpp/formats/terminal_text.h"

namespace sluice {

struct Terminal {
  std::ostream& out;             // results
  std::ostream& err;             // progress, notes, errors
  bool out_is_terminal = false;  // a table for people with colour; plain lines otherwise
  bool err_is_terminal = false;  // a progress bar that moves; a line now and then otherwise
  int columns = 100;
};

// Puts a note or an error on terminal.err, with a newline behind it. Whatever it quotes cannot steer the
// terminal.
inline void Tell(Terminal& terminal, absl::string_view message) {
  terminal.err << EscapeLines(message) << std::endl;
}

}  // namespace sluice
