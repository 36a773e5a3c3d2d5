#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "client/cpp/command/hardware_command.h"
#include "client/cpp/command/ranked_results.h"
#include "core/base/thread.h"
#include "tests/client/command_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST_F(CommandTest, ScreenInAPipePrintsPlainRankedLines) {
  Serve();
  EXPECT_EQ(Run(Screen()), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(),
            "1\t0.8750\taccept\tb\tBaker\tBrot, GmbH\tKöln\tmatches: bake; satisfies pay\n"
            "2\t0.2500\treview\ta\tCook\tAcme\tBonn\tnot encoded: under the gate\n"
            "3\t0.0625\treject\tc\tClerk\t\t\tnot encoded: under the gate\n");
  EXPECT_THAT(
      err_.str(),
      HasSubstr(
          "verdicts   1 accept, 1 review, 1 reject\n"
          "gate       3 of 3 postings encoded: 0 vetoed by rules, 0 under the gate (volume, threshold 0.35); "
          "0 % of the model's work saved\n"
          "phase one  0.00 s\nphase two  0.00 s\nin all     2.0 s on the server\n"
          "batch      batches/b1 (succeeded)\n"));
  EXPECT_THAT(err_.str() + out_.str(), Not(HasSubstr("\x1b")));
}

TEST_F(CommandTest, ScreenOnATerminalPrintsATable) {
  on_terminal_ = true;
  Serve();
  EXPECT_EQ(Run(Screen({"--top=2"})), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(),
            "\x1b[2m rank  score  verdict posting and reasons\x1b[0m\n"
            "    1  0.875  \x1b[32maccept \x1b[0m \x1b[1mBaker · Brot, GmbH · Köln\x1b[0m\n"
            "                      \x1b[2mmatches: bake; satisfies pay\x1b[0m\n"
            "    2  0.250  \x1b[33mreview \x1b[0m \x1b[1mCook · Acme · Bonn\x1b[0m\n"
            "                      \x1b[2mnot encoded: under the gate\x1b[0m\n");
  EXPECT_THAT(err_.str(), HasSubstr("phase one ["));
}

TEST_F(CommandTest, JsonLinesCarryThePromisedNames) {
  Serve();
  EXPECT_EQ(Run(Screen({"--json"})), ExitCode::kDone) << err_.str();
  const std::vector<std::string> lines = absl::StrSplit(out_.str(), '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(
      lines[0],
      R"({"id":"b","rank":1,"verdict":"accept","score":0.875,"phase1":0.5,"phase2":0.875,)"
      R"("reasons":["matches: bake","satisfies pay"],"decided_by":"phase2","bm25":0.0,"cosine":null,"windows":0,)"
      R"("rules":[],"terms":[],"sequence":2})");
  EXPECT_TRUE(nlohmann::json::parse(lines[1]).at("phase2").is_null());
}

// Evidence from a description says also where it stood in the file's own one, markup and all; evidence from
// elsewhere does not.
TEST_F(CommandTest, EvidenceIsFoundInTheFile) {
  constexpr char kHtml[] = "<p>We use <b>C&#43;&#43;</b> &amp; SQL.</p>";
  jobs_ = absl::StrCat("id,title,description\na,Dev,Plain SQL\nb,Dev,\"", kHtml, "\"\n");
  Serve({.verdict = [](const v1::Job& job, int) {
    v1::Verdict verdict;
    v1::RuleResult& rule = *verdict.add_rules();
    v1::Evidence& title = *rule.add_evidence();
    title.set_field("text");
    title.set_end_byte(3);
    v1::Evidence& read = *rule.add_evidence();
    const std::string text = absl::StrCat(job.posting().title(), "\n", job.posting().description());
    const std::string quote = job.id() == "a" ? "SQL" : "C++ & SQL";
    read.set_field("text");
    read.set_begin_byte(static_cast<int>(text.find(quote)));
    read.set_end_byte(static_cast<int>(text.find(quote) + quote.size()));
    return verdict;
  }});
  ASSERT_EQ(Run(Screen({"--json", "--output=" + directory_.Path("o.jsonl")})), ExitCode::kDone) << err_.str();
  EXPECT_EQ(directory_.Read("o.jsonl"), out_.str());
  const std::vector<std::string> lines = absl::StrSplit(out_.str(), '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(2));
  const auto evidence_of = [&](int line) {
    return nlohmann::json::parse(lines[line]).at("rules").at(0).at("evidence");
  };
  EXPECT_EQ(evidence_of(0)[1].at("source_begin_byte"), 6);
  EXPECT_EQ(evidence_of(0)[1].at("source_end_byte"), 9);
  EXPECT_FALSE(evidence_of(1)[0].contains("source_begin_byte"));
  const int begin = evidence_of(1)[1].at("source_begin_byte"), end = evidence_of(1)[1].at("source_end_byte");
  EXPECT_EQ(std::string(kHtml).substr(begin, end - begin), "C&#43;&#43;</b> &amp; SQL");

  // Another call knows nothing of the file.
  ASSERT_EQ(Run({"batches", "results", "b1", "--json"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("end_byte"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("source_begin_byte")));
}

TEST(SourcesLeftOutText, IsSaidInOneLine) {
  JobRecords sources(/*max_bytes=*/2 << 20);
  sources.Add(std::string(1 << 20, 'x'));
  EXPECT_EQ(SourcesLeftOutText(sources), "");
  for (int i = 0; i < 1234; ++i) sources.Add(std::string(1 << 20, 'x'));
  EXPECT_EQ(
      SourcesLeftOutText(sources),
      "source offsets of evidence: kept for the first 1 postings, left out for 1,234 (at most 2 MiB of them "
      "are kept)\n");
}

// Verdicts are large: what is printed in full is not streamed before, and still is counted.
TEST_F(CommandTest, NoVerdictIsReadTwice) {
  Serve({.failed_job = "c"});
  constexpr char kCounts[] = "verdicts   1 accept, 1 review, 0 reject, 1 failed\n";
  EXPECT_EQ(Run(Screen({"--json"})), ExitCode::kSomeJobsFailed);
  EXPECT_THAT(err_.str(), HasSubstr(kCounts));
  EXPECT_THAT(err_.str(), HasSubstr("failed     c: the script says so"));
  EXPECT_EQ(Run(Screen({"--top=1", "--output=" + directory_.Path("o.jsonl")})), ExitCode::kSomeJobsFailed);
  EXPECT_THAT(err_.str(), HasSubstr(kCounts));
  EXPECT_EQ(server_->Calls("StreamResults"), 0);

  EXPECT_EQ(Run(Screen({"--json", "--top=1"})), ExitCode::kSomeJobsFailed);
  EXPECT_THAT(err_.str(), HasSubstr(kCounts));
  EXPECT_EQ(server_->Calls("StreamResults"), 1);
}

// More results than a page: all of them, once, in order.
TEST_F(CommandTest, RankedPagesFollowOneAnother) {
  Serve({.verdict = [](const v1::Job&, int index) {
    v1::Verdict verdict;
    verdict.set_decision(v1::Verdict::REJECT);
    verdict.set_score(1.0 / (index + 1));
    return verdict;
  }});
  constexpr int kJobs = 600;
  jobs_ = "id,title\n";
  for (int i = 0; i < kJobs; ++i) absl::StrAppend(&jobs_, i, ",T\n");
  EXPECT_EQ(Run(Screen({"--json"})), ExitCode::kDone) << err_.str();
  const std::vector<std::string> lines = absl::StrSplit(out_.str(), '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(kJobs));
  for (int i = 0; i < kJobs; ++i) {
    const nlohmann::json line = nlohmann::json::parse(lines[i]);
    EXPECT_EQ(line.at("id"), std::to_string(i));
    EXPECT_EQ(line.at("rank"), i + 1);
  }
  EXPECT_EQ(server_->Calls("ListResults"), 3);
}

TEST_F(CommandTest, WhatIsSubmittedIsWhatWasWritten) {
  Serve();
  ASSERT_EQ(Run(Screen({"--gate=fixed", "--threshold=0.25", "--preference=speed", "--as-of=2026-01-15"})),
            ExitCode::kDone);
  const v1::NewBatch batch = server_->NewBatchOf("batches/b1");
  EXPECT_EQ(batch.as_of().seconds(), 1'768'435'200);
  EXPECT_EQ(batch.screen().gate().threshold(), 0.25);
  EXPECT_EQ(batch.screen().profile().text(), "I bake.");
  EXPECT_EQ(server_->JobsOf("batches/b1")[1].posting().company(), "Brot, GmbH");
}

// Over 4 MiB the command uploads by itself, and the whole input arrives.
TEST_F(CommandTest, LargeInputsAreUploaded) {
  Serve();
  constexpr int kJobs = 6000;
  jobs_ = "id,title,description\n";
  for (int i = 0; i < kJobs; ++i) absl::StrAppend(&jobs_, i, ",T,", std::string(800, 'x'), "\n");
  EXPECT_EQ(Run(Screen({"--top=1"})), ExitCode::kDone) << err_.str();
  EXPECT_EQ(server_->Calls("CreateBatch"), 0);
  EXPECT_EQ(server_->Calls("UploadBatch"), 1);
  EXPECT_EQ(server_->JobsOf("batches/b1").size(), size_t{kJobs});
}

// An error in the last of many lines, found while uploading: nothing is left on the server.
TEST_F(CommandTest, NothingIsAcceptedInPart) {
  Serve();
  jobs_ = "id,title,description\n";
  for (int i = 0; i < 6000; ++i) absl::StrAppend(&jobs_, i, ",T,", std::string(800, 'x'), "\n");
  jobs_ += "5,T,duplicate\n";
  EXPECT_EQ(Run(Screen()), ExitCode::kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("jobs.csv:6002: column 'id': '5' was there before"));
  EXPECT_EQ(server_->num_batches(), 0);

  jobs_ = "id,title\n1,Cook\n1,Cook\n";
  EXPECT_EQ(Run(Screen()), ExitCode::kBadInput);
  EXPECT_EQ(server_->Calls("CreateBatch"), 0);
}

// The batch is made without the bad rows, standard output stays what a program expects, and the exit code
// tells.
TEST_F(CommandTest, SkipBadGoesOnNamesTheRowsAndExitsWithOne) {
  Serve();
  jobs_ = absl::StrCat(kJobs, "d\n");
  EXPECT_EQ(Run(Screen({"--json"})), ExitCode::kBadInput);
  EXPECT_EQ(server_->num_batches(), 0);
  EXPECT_EQ(Run(Screen({"--json", "--skip-bad"})), ExitCode::kSomeJobsFailed);
  EXPECT_THAT(err_.str(), HasSubstr("jobs.csv:5: row has 1 fields, the header 5\n1 bad row left out\n"));
  const std::vector<std::string> lines = absl::StrSplit(out_.str(), '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(3));
  for (const std::string& line : lines) EXPECT_TRUE(nlohmann::json::accept(line));

  // Read twice, said once: it is known only while uploading that the input is too large for one call.
  jobs_ = "id,title,description\nbad\n";
  for (int i = 0; i < 6000; ++i) absl::StrAppend(&jobs_, i, ",T,", std::string(800, 'x'), "\n");
  EXPECT_EQ(Run(Screen({"--skip-bad", "--top=1"})), ExitCode::kSomeJobsFailed);
  EXPECT_EQ(server_->JobsOf("batches/b2").size(), 6000);
  EXPECT_THAT(err_.str(), HasSubstr("\n1 bad row left out\n"));
}

TEST_F(CommandTest, ExitCodes) {
  // 3 comes after 2: what is wrong with the input is said without a server.
  EXPECT_EQ(Run({"--server=127.0.0.1:1", "screen", "--profile=" + directory_.Path("none.yaml"), "--jobs=x"}),
            ExitCode::kBadInput);
  EXPECT_EQ(Run({"screen"}), ExitCode::kBadInput);

  Serve({.failed_job = "a"});
  EXPECT_EQ(Run(Screen()), ExitCode::kSomeJobsFailed);
  EXPECT_THAT(err_.str(), HasSubstr("failed     a: the script says so"));
  EXPECT_THAT(out_.str(), HasSubstr("failed\ta\tCook"));

  Serve({.failures = {{"CreateBatch", {{grpc::StatusCode::RESOURCE_EXHAUSTED, "the queue is full"}}}}});
  EXPECT_EQ(Run(Screen()), ExitCode::kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("sluice: the queue is full"));

  Serve();
  EXPECT_EQ(Run({"batches", "get", "nosuch"}), ExitCode::kBadInput);
}

TEST_F(CommandTest, AnUnreachableServerIsExitCodeThree) {
  profile_ = kProfile;
  std::vector<std::string> arguments = Screen();
  arguments.insert(arguments.begin(), "--server=127.0.0.1:1");
  EXPECT_EQ(Run(arguments), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("no Sluice server at 127.0.0.1:1"));
  EXPECT_THAT(err_.str(), HasSubstr("--local"));
}

TEST_F(CommandTest, ProfileErrorsNameFileAndLine) {
  Serve();
  profile_ = "text: x\nrulez: []\n";
  EXPECT_EQ(Run(Screen()), ExitCode::kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("p.yaml:2:1: unknown key 'rulez'; did you mean 'rules'?"));
}

// Ctrl-C: the batch goes on, and the person is told how to see it.
TEST_F(CommandTest, InterruptionSaysHowToResume) {
  Serve({.never_ends = true});
  Thread interrupter("interrupter", [this] {
    server_->streaming().Wait();
    interruption_.Interrupt();
  });
  EXPECT_EQ(Run(Screen()), ExitCode::kInterrupted);
  EXPECT_THAT(err_.str(), HasSubstr("sluice --server=" + server_->address() + " batches results batches/b1"));
  EXPECT_EQ(server_->Calls("CancelBatch"), 0);
}

TEST_F(CommandTest, Batches) {
  Serve();
  ASSERT_EQ(Run(Screen()), ExitCode::kDone);
  EXPECT_EQ(Run({"batches", "ls"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "batches/b1\tscreen\tsucceeded\t3/3\t2026-01-15T10:00:00Z\n");
  EXPECT_EQ(Run({"batches", "get", "b1", "--json"}), ExitCode::kDone);
  EXPECT_EQ(nlohmann::json::parse(out_.str()).at("plan").at("survivors"), 3);
  EXPECT_EQ(Run({"batches", "watch", "b1"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), StartsWith("batches/b1\tscreen\tsucceeded"));
  EXPECT_EQ(Run({"batches", "results", "b1", "--top=1"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1\t0.8750\taccept\tb\t\t\t\tmatches: bake; satisfies pay\n");
  EXPECT_EQ(Run({"batches", "cancel", "b1"}), ExitCode::kDone);
  EXPECT_EQ(Run({"batches", "delete", "b1"}), ExitCode::kDone);
  EXPECT_EQ(server_->num_batches(), 0);
}

TEST_F(CommandTest, Hardware) {
  Serve();
  EXPECT_EQ(Run({"hardware"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("server     9.9.9\n"));
  EXPECT_THAT(out_.str(), HasSubstr("tier       cpu: no accelerator found\n"));
  EXPECT_THAT(out_.str(), HasSubstr("model      none"));
  EXPECT_EQ(Run({"hardware", "--json"}), ExitCode::kDone);
  EXPECT_EQ(nlohmann::json::parse(out_.str()).at("tier_reason"), "no accelerator found");
}

// The curve of a calibration as a short table, in milliseconds.
TEST(ServerText, ShowsTheCalibration) {
  v1::Server server;
  v1::Calibration& calibration = *server.mutable_calibration();
  calibration.set_reason("int8: 31000 tokens/s");
  calibration.set_remembered(true);
  calibration.set_seconds_per_pass(0.0005);
  calibration.set_seconds_per_token(3e-5);
  calibration.set_seconds_per_squared_token(4e-9);
  v1::CalibrationPoint& point = *calibration.add_curve();
  point.set_tokens(2048);
  point.set_text_tokens(256);
  point.set_seconds(0.064);
  const std::string text = ServerText(server);
  EXPECT_THAT(text, HasSubstr("measured   int8: 31000 tokens/s (remembered)\n"));
  EXPECT_THAT(text, HasSubstr("0.500 ms a micro-batch, 30.00 us a token, 4.000 ns a token squared\n"));
  EXPECT_THAT(text, HasSubstr("             2048       256     64.00     32000\n"));
  EXPECT_THAT(ServerText(v1::Server()), Not(HasSubstr("measured")));
}

// More texts than a call takes, in the order of the lines, whichever call answers first.
TEST_F(CommandTest, EmbedKeepsTheOrder) {
  Serve();
  std::string texts;
  constexpr int kTexts = 333;
  for (int i = 0; i < kTexts; ++i) texts += std::string(i % 150, 'x') + "\n";
  EXPECT_EQ(
      Run({"embed", "--input=" + directory_.Write("texts", texts), "--output=" + directory_.Path("o.npy")}),
      ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(server_->Calls("Embed"), 6);
  const std::string npy = directory_.Read("o.npy");
  ASSERT_EQ(npy.size(), 128 + kTexts * 3 * sizeof(float));
  EXPECT_THAT(npy, HasSubstr("'shape': (333, 3)"));
  for (int i = 0; i < kTexts; ++i) {
    float length = 0;
    std::memcpy(&length, npy.data() + 128 + i * 3 * sizeof(float), sizeof(length));
    ASSERT_EQ(length, i % 150) << "row " << i;
  }
  EXPECT_THAT(err_.str(), HasSubstr("[333, 3], 98 cut at the model's limit"));
}

}  // namespace
}  // namespace sluice
