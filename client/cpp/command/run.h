// RunCommand: the `sluice` command but for the process around it.
#pragma once

#include <string>
#include <vector>

#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/interruption.h"
#include "client/cpp/command/terminal.h"
#include "core/base/clock.h"

namespace sluice {

// `arguments` without the program's name. Reports its errors on terminal.err and never throws. terminal.out
// is flushed and looked at last, whatever the command: what could not be written is an error.
ExitCode RunCommand(const std::vector<std::string>& arguments, Terminal& terminal, const Clock& clock,
                    Interruption& interruption);

}  // namespace sluice
