// CommandTest: runs the `sluice` command against a FakeBatchServer, on files of its own.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <streambuf>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "client/cpp/command/run.h"
#include "tests/client/temporary_file.h"
#include "tests/fakes/fake_batch_server.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {

inline constexpr char kProfile[] = "text: I bake.\nrules:\n  - id: pay\n    salary: {at_least: 1}\n";
inline constexpr char kJobs[] =
    "id,title,company,location,description\na,Cook,Acme,Bonn,Cooks\nb,Baker,\"Brot, "
    "GmbH\",Köln,Bakes\nc,Clerk,,,Files\n";

// The baker fits, the cook may, whoever else does not.
inline v1::Verdict TestVerdict(const v1::Job& job, int) {
  v1::Verdict verdict;
  const bool baker = job.id() == "b";
  verdict.set_decision(baker             ? v1::Verdict::ACCEPT
                       : job.id() == "a" ? v1::Verdict::REVIEW
                                         : v1::Verdict::REJECT);
  verdict.set_decided_by(baker ? v1::Verdict::PHASE_TWO : v1::Verdict::PHASE_ONE);
  verdict.set_score(baker ? 0.875 : job.id() == "a" ? 0.25 : 0.0625);
  verdict.set_phase1(0.5);
  if (baker) verdict.set_phase2(0.875);
  verdict.add_reasons(baker ? "matches: bake" : "not encoded: under the gate");
  if (baker) verdict.add_reasons("satisfies pay");
  return verdict;
}

// The command, in this process, against a server over real gRPC. Streams are kept as texts.
class CommandTest : public testing::Test {
 protected:
  void Serve(FakeBatchServer::Script script = {}) {
    if (!script.verdict) script.verdict = TestVerdict;
    server_ = std::make_unique<FakeBatchServer>(std::move(script));
  }

  ExitCode Run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    if (server_ != nullptr) arguments.insert(arguments.begin(), "--server=" + server_->address());
    Terminal terminal{out_, err_, on_terminal_, on_terminal_, 80};
    SetLook(no_color_, term_, terminal);
    return RunCommand(arguments, terminal, clock_, interruption_);
  }

  // With a standard output that takes nothing.
  ExitCode RunWithoutOutput(std::vector<std::string> arguments, std::errc why, bool quiet) {
    err_.str("");
    if (server_ != nullptr) arguments.insert(arguments.begin(), "--server=" + server_->address());
    class : public std::streambuf {
    } nothing;  // overflow fails
    std::ostream out(&nothing);
    const std::error_code error = std::make_error_code(why);
    Terminal terminal{out, err_};
    terminal.out_error = &error;
    terminal.quiet_about_broken_pipes = quiet;
    return RunCommand(arguments, terminal, clock_, interruption_);
  }

  std::vector<std::string> Screen(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"screen", "--profile=" + directory_.Write("p.yaml", profile_),
                                          "--jobs=" + directory_.Write("jobs.csv", jobs_)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<FakeBatchServer> server_;
  SimulatedClock clock_;
  Interruption interruption_;
  std::string profile_ = kProfile;
  std::string jobs_ = kJobs;
  bool on_terminal_ = false;
  const char* no_color_ = nullptr;
  const char* term_ = "xterm";
  std::ostringstream out_, err_;
};

}  // namespace sluice
