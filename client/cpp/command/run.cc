#include "client/cpp/command/run.h"

#include <memory>
#include <ostream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/client.h"
#include "client/cpp/command/archive_command.h"
#include "client/cpp/command/batches_command.h"
#include "client/cpp/command/command_line.h"
#include "client/cpp/command/embed_command.h"
#include "client/cpp/command/hardware_command.h"
#include "client/cpp/command/load_command.h"
#include "client/cpp/command/local_server.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/command/screen_command.h"
#include "client/cpp/formats/input_place.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

// The server a command talks to: one that runs, or one of its own.
class Connection {
 public:
  Connection(const CommandLine& line, Terminal& terminal, const Clock& clock, Interruption& interruption)
      : line_(line), terminal_(terminal), clock_(clock), interruption_(interruption) {}
  ~Connection() { interruption_.Use(nullptr); }

  absl::StatusOr<Client*> Connect() {
    ClientOptions options{.address = line_.server};
    if (line_.local) {
      SLUICE_RETURN_IF_ERROR(StartLocalServer());
      options.address = local_->address();
    }
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(std::move(options));
    if (!client.ok()) {
      return WithMessage(client.status(),
                         absl::StrCat(client.status().message(),
                                      "; start sluiced, name another with --server, or use --local"));
    }
    client_ = *std::move(client);
    interruption_.Use(client_.get());
    return client_.get();
  }

 private:
  absl::Status StartLocalServer() {
    SLUICE_ASSIGN_OR_RETURN(const LocalServerOptions options, DefaultLocalServerOptions());
    ProgressLine progress(terminal_, clock_);
    SLUICE_ASSIGN_OR_RETURN(local_,
                            LocalServer::Start(options, clock_, interruption_, [&](absl::Duration waited) {
                              progress.Show(absl::StrCat("starting the server  ", DurationText(waited)));
                            }));
    return absl::OkStatus();
  }

  const CommandLine& line_;
  Terminal& terminal_;
  const Clock& clock_;
  Interruption& interruption_;
  std::unique_ptr<LocalServer> local_;
  std::unique_ptr<Client> client_;  // after the server, so that it goes first
};

std::string ResumePrefix(const CommandLine& line) {
  if (line.local) return "sluice --local";
  return line.server == CommandLine().server ? "sluice" : absl::StrCat("sluice --server=", line.server);
}

absl::StatusOr<ExitCode> Run(const CommandLine& line, CommandContext& context) {
  struct Dispatch {
    CommandContext& context;
    absl::StatusOr<ExitCode> operator()(const ScreenFlags& flags) { return RunScreen(flags, context); }
    absl::StatusOr<ExitCode> operator()(const EmbedFlags& flags) { return RunEmbed(flags, context); }
    absl::StatusOr<ExitCode> operator()(const BatchesFlags& flags) { return RunBatches(flags, context); }
    absl::StatusOr<ExitCode> operator()(const HardwareFlags& flags) { return RunHardware(flags, context); }
    absl::StatusOr<ExitCode> operator()(const LoadFlags& flags) { return RunLoad(flags, context); }
    absl::StatusOr<ExitCode> operator()(const ArchiveFlags& flags) { return RunArchive(flags, context); }
  };
  return std::visit(Dispatch{context}, line.command);
}

ExitCode Report(const absl::Status& status, Terminal& terminal) {
  std::string message = absl::StrCat("sluice: ", status.message());
  if (const std::string reason = ReasonOf(status); !reason.empty())
    absl::StrAppend(&message, " (", reason, ")");
  if (const auto delay = RetryDelayOf(status); delay.has_value())
    absl::StrAppend(&message, "; try again in ", DurationText(*delay));
  Tell(terminal, message);
  return ExitCodeOf(status);
}

bool OutputIsLost(Terminal& terminal) {
  return !terminal.out.flush();
}

std::string LostOutputText(const Terminal& terminal) {
  const bool known = terminal.out_error != nullptr && *terminal.out_error;
  return absl::StrCat("sluice: standard output: ",
                      known ? terminal.out_error->message() : "cannot be written");
}

// The exit code of a command, once what is wrong was told. What it printed has arrived, or that is wrong,
// too.
ExitCode Conclude(const absl::StatusOr<ExitCode>& code, Terminal& terminal) {
  if (!OutputIsLost(terminal)) return code.ok() ? *code : Report(code.status(), terminal);
  const bool reader_went = terminal.out_error != nullptr && *terminal.out_error == std::errc::broken_pipe;
  if (reader_went && terminal.quiet_about_broken_pipes) return ExitCode::kOutputLost;
  Tell(terminal, LostOutputText(terminal));
  const ExitCode otherwise = code.ok() ? *code : Report(code.status(), terminal);
  // A lost output interrupts what goes on for its sake.
  const bool lost_alone = otherwise == ExitCode::kDone || otherwise == ExitCode::kInterrupted;
  return lost_alone ? ExitCode::kOutputLost : otherwise;
}

absl::StatusOr<ExitCode> ParseAndRun(const std::vector<std::string>& arguments, Terminal& terminal,
                                     const Clock& clock, Interruption& interruption) {
  SLUICE_ASSIGN_OR_RETURN(const ParsedCommandLine parsed, ParseCommandLine(arguments));
  if (const auto* text = std::get_if<std::string>(&parsed)) {
    terminal.out << *text;
    return ExitCode::kDone;
  }
  const auto& line = std::get<CommandLine>(parsed);
  Connection connection(line, terminal, clock, interruption);
  const auto connect = [&] { return connection.Connect(); };
  CommandContext context{terminal, clock, connect, interruption, ResumePrefix(line)};
  return Run(line, context);
}

}  // namespace

ExitCode RunCommand(const std::vector<std::string>& arguments, Terminal& terminal, const Clock& clock,
                    Interruption& interruption) {
  return Conclude(ParseAndRun(arguments, terminal, clock, interruption), terminal);
}

}  // namespace sluice
