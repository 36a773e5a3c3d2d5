#include "client/cpp/command/terminal.h"

#include <ostream>

#include "client/cpp/formats/terminal_text.h"

namespace sluice {

void SetLook(const char* no_color, const char* term, Terminal& terminal) {
  terminal.moves = term == nullptr || absl::string_view(term) != "dumb";
  terminal.colour = terminal.moves && (no_color == nullptr || *no_color == '\0');
}

void Tell(Terminal& terminal, absl::string_view message) {
  terminal.err << EscapeLines(message) << std::endl;
}

}  // namespace sluice
