#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cpp/client.h"
#include "core/base/thread.h"
#include "tests/client/command_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

using CommandOutputTest = CommandTest;

// NO_COLOR takes every escape sequence away, a dumb terminal also the bar, which would not stay on its line.
TEST_F(CommandOutputTest, TerminalsWithoutColourGetNone) {
  on_terminal_ = true;
  Serve();
  no_color_ = "1";
  EXPECT_EQ(Run(Screen({"--top=1"})), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(),
            " rank  score  verdict posting and reasons\n"
            "    1  0.875  accept  Baker · Brot, GmbH · Köln\n"
            "                      matches: bake; satisfies pay\n");
  EXPECT_THAT(err_.str(), HasSubstr("\rphase one ["));
  EXPECT_THAT(err_.str(), Not(HasSubstr("\x1b")));

  no_color_ = nullptr;
  term_ = "dumb";
  EXPECT_EQ(Run(Screen({"--top=1"})), ExitCode::kDone) << err_.str();
  EXPECT_THAT(out_.str(), StartsWith(" rank  score  verdict posting"));
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(err_.str(), Not(HasSubstr("\r")));

  no_color_ = "";  // as if it were not set
  term_ = "xterm";
  EXPECT_EQ(Run(Screen({"--top=1"})), ExitCode::kDone) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\x1b[32m"));
}

// Output that nobody gets is no success, whatever the command.
TEST_F(CommandOutputTest, AnOutputThatIsLostIsAnError) {
  Serve();
  ASSERT_EQ(Run(Screen()), ExitCode::kDone) << err_.str();
  const std::vector<std::vector<std::string>> commands = {{"--help"},
                                                          {"screen", "--help"},
                                                          {"--version"},
                                                          {"hardware"},
                                                          {"hardware", "--json"},
                                                          {"batches", "ls"},
                                                          {"batches", "ls", "--json"},
                                                          {"batches", "get", "b1"},
                                                          {"batches", "watch", "b1"},
                                                          {"batches", "results", "b1"},
                                                          {"batches", "results", "b1", "--json"},
                                                          {"batches", "cancel", "b1"},
                                                          Screen(),
                                                          Screen({"--json"})};
  for (const std::vector<std::string>& command : commands) {
    EXPECT_EQ(RunWithoutOutput(command, std::errc::no_space_on_device, false), ExitCode::kOutputLost)
        << absl::StrJoin(command, " ");
    EXPECT_THAT(err_.str(), HasSubstr("sluice: standard output: No space left on device\n"))
        << absl::StrJoin(command, " ");
  }
  EXPECT_EQ(RunWithoutOutput({"batches", "ls"}, std::errc::broken_pipe, false), ExitCode::kOutputLost);
  EXPECT_EQ(err_.str(), "sluice: standard output: Broken pipe\n");
  // As of `| head -1`.
  EXPECT_EQ(RunWithoutOutput({"batches", "ls"}, std::errc::broken_pipe, true), ExitCode::kOutputLost);
  EXPECT_EQ(err_.str(), "");
  // What went wrong besides is said, too, and is the exit code.
  EXPECT_EQ(RunWithoutOutput({"batches", "get", "none"}, std::errc::no_space_on_device, false),
            ExitCode::kBadInput);
  EXPECT_EQ(err_.str(), "sluice: batches/none does not exist\n");
}

TEST_F(CommandOutputTest, OutputHoldsEveryVerdict) {
  Serve();
  EXPECT_EQ(Run(Screen({"--top=1", "--output=" + directory_.Path("o.jsonl")})), ExitCode::kDone)
      << err_.str();
  EXPECT_THAT(absl::StrSplit(out_.str(), '\n', absl::SkipEmpty()), testing::BeginEndDistanceIs(1));
  const std::string written = directory_.Read("o.jsonl");
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(written, '\n', absl::SkipEmpty())), SizeIs(3));
  EXPECT_EQ(Run(Screen({"--output=" + directory_.Path("no/o.jsonl")})), ExitCode::kBadInput);
}

// Nothing is screened for an output that cannot be, and no input is lost to it.
TEST_F(CommandOutputTest, AnOutputThatIsAnInputIsRefusedBeforeAnythingIsScreened) {
  Serve();
  for (const char* input : {"jobs.csv", "p.yaml"}) {
    EXPECT_EQ(Run(Screen({"--output=" + directory_.Path(input)})), ExitCode::kBadInput);
    EXPECT_THAT(err_.str(), HasSubstr("is the input"));
  }
  EXPECT_EQ(Run(Screen({"--output=" + directory_.Path("no/o.jsonl")})), ExitCode::kBadInput);
  EXPECT_EQ(server_->num_batches(), 0);
  EXPECT_EQ(directory_.Read("jobs.csv"), kJobs);
  EXPECT_EQ(directory_.Read("p.yaml"), kProfile);

  const std::string texts = directory_.Write("texts", "a\n");
  EXPECT_EQ(Run({"embed", "--input=" + texts, "--output=" + directory_.Path("./texts")}),
            ExitCode::kBadInput);
  EXPECT_EQ(directory_.Read("texts"), "a\n");
  EXPECT_EQ(server_->Calls("Embed"), 0);
}

TEST_F(CommandOutputTest, AFullOutputIsAnError) {
  Serve();
  EXPECT_EQ(Run(Screen({"--output=/dev/full"})), ExitCode::kOutputLost);
  EXPECT_THAT(
      err_.str(),
      HasSubstr(
          "sluice: /dev/full: No space left on device\nthe batch is done; see its results with: sluice "));
  EXPECT_EQ(Run({"batches", "results", "b1", "--output=/dev/full"}), ExitCode::kOutputLost);
  EXPECT_EQ(Run({"embed", "--input=" + directory_.Write("texts", "a\n"), "--output=/dev/full"}),
            ExitCode::kOutputLost);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

// The header of a matrix comes first, so that nothing needs to be sought.
TEST_F(CommandOutputTest, EmbedWritesIntoAFifo) {
  Serve();
  const std::string fifo = directory_.Path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::string read;
  Thread reader("reader", [&] { read = directory_.Read("fifo"); });
  EXPECT_EQ(Run({"embed", "--input=" + directory_.Write("texts", "a\nbb\n"), "--output=" + fifo}),
            ExitCode::kDone)
      << err_.str();
  reader.Join();
  ASSERT_EQ(read.size(), 128 + 2 * 3 * sizeof(float));
  EXPECT_THAT(read, HasSubstr("'shape': (2, 3)"));
}

TEST_F(CommandOutputTest, OutputHoldsEveryResultOfAnEmbedBatch) {
  Serve();
  auto client = Client::Connect({.address = server_->address()});
  ASSERT_TRUE(client.ok()) << client.status();
  v1::CreateBatchRequest request;
  for (const char* id : {"x", "y"}) request.add_jobs()->set_id(id);
  ASSERT_TRUE((*client)->CreateBatch(request).ok());
  ASSERT_EQ(Run({"batches", "results", "b1", "--json", "--output=" + directory_.Path("o.jsonl")}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\"id\":\"y\""));
  EXPECT_EQ(directory_.Read("o.jsonl"), out_.str());
}

// In whatever form the results come: why nothing is left is said beside them.
TEST_F(CommandOutputTest, TheSummaryNamesTheRulesThatRejectedEverything) {
  Serve({.verdict = [](const v1::Job& job, int) {
    v1::Verdict verdict;
    verdict.set_decision(v1::Verdict::REJECT);
    v1::RuleResult& rule = *verdict.add_rules();
    rule.set_rule_id("recent");
    rule.set_state(v1::RuleResult::VIOLATED);
    rule.set_vetoes(true);
    v1::Evidence& evidence = *rule.add_evidence();
    evidence.set_field("date_posted");
    evidence.set_normalised(job.id() == "b" ? "2025-01-15" : "2024-12-31");
    return verdict;
  }});
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--json"}, {"--top=1"}, {"--output=" + directory_.Path("o.jsonl")}}) {
    ASSERT_EQ(Run(Screen(more)), ExitCode::kDone) << err_.str();
    EXPECT_THAT(err_.str(),
                HasSubstr("vetoes     'recent' 3\n"
                          "hint       rule 'recent' leaves 0 of 3 postings. The newest is from 2025-01-15"));
    EXPECT_THAT(err_.str(), HasSubstr("--as-of=2025-01-15"));
    EXPECT_THAT(out_.str(), Not(HasSubstr("hint")));
  }
  ASSERT_EQ(Run({"batches", "results", "b1"}), ExitCode::kDone) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("--as-of=2025-01-15"));
}

constexpr char kHostile[] = "\x1b]0;owned\x07\u009B31m\u202E";

std::string WithHostile(const char* before, const char* after) {
  return absl::StrCat(before, kHostile, after);
}

// Keys, values and ids of files, names of files and what a server says: none of it reaches the terminal as it
// is, whoever wrote it, in whatever message or line.
class HostileInputTest : public CommandTest {
 protected:
  void ExpectPlain(const std::vector<std::string>& arguments, ExitCode code) {
    EXPECT_EQ(Run(arguments), code) << err_.str();
    EXPECT_FALSE(err_.str().empty());
    for (const std::string& text : {out_.str(), err_.str()}) {
      for (const char* raw : {"\x1b", "\x07", "\u009B", "\u202E"})
        EXPECT_THAT(text, Not(HasSubstr(raw))) << absl::StrJoin(arguments, " ");
    }
  }
};

TEST_F(HostileInputTest, PostingsDoNotSteerTheTerminal) {
  Serve();
  jobs_ = WithHostile("id,title,", "\n1,Cook,x\n");
  ExpectPlain(Screen(), ExitCode::kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("column '\\x1b]0;owned\\x07\\u009b31m\\u202e': unknown. Rename it"));
  ExpectPlain(Screen({"--ignore-unknown-columns"}), ExitCode::kDone);
  jobs_ = WithHostile("id,title,min_amount\n1,Cook,", "\n");
  ExpectPlain(Screen(), ExitCode::kDone);
  jobs_ = absl::StrCat("id,title\n\"", kHostile, "\",a\n\"", kHostile, "\",b\n");
  ExpectPlain(Screen(), ExitCode::kBadInput);
  ExpectPlain(Screen({"--skip-bad"}), ExitCode::kSomeJobsFailed);
  jobs_ = R"({"id":"1","title":"x","\u001b]0;owned\u0007\u009b31m\u202e":1})";
  ExpectPlain(Screen(), ExitCode::kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("\\u202e': unknown"));
  jobs_ = WithHostile("{\"id\": ", "}\n");
  ExpectPlain(Screen(), ExitCode::kBadInput);
  jobs_ = absl::StrCat("id,title\n\"", kHostile, "\",\"", kHostile, "\"\n");
  ExpectPlain(Screen({"--json"}), ExitCode::kDone);
  ExpectPlain(Screen({"--top=1"}), ExitCode::kDone);
}

TEST_F(HostileInputTest, ProfilesDoNotSteerTheTerminal) {
  Serve();
  profile_ = "text: x\n\"\\e]0;owned\\a\\u009b31m\\u202e\": 1\n";
  ExpectPlain(Screen(), ExitCode::kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("unknown key '\\x1b]0;"));
  profile_ = "text: x\nrules:\n  - {id: a, effect: \"\\e]0;owned\\a\", salary: {at_least: 1}}\n";
  ExpectPlain(Screen(), ExitCode::kBadInput);
  profile_ = WithHostile("text: x\n", ": 1\n");
  ExpectPlain(Screen(), ExitCode::kBadInput);
}

TEST_F(HostileInputTest, NamesAndServersDoNotSteerTheTerminal) {
  Serve();
  const std::string none = directory_.Path(kHostile);
  ExpectPlain({"screen", "--profile=" + none, "--jobs=x"}, ExitCode::kBadInput);
  ExpectPlain(Screen({"--output=" + none + "/out"}), ExitCode::kBadInput);
  ExpectPlain({"embed", "--input=" + directory_.Write("t", "a\n"), "--output=" + none}, ExitCode::kDone);
  ExpectPlain({"batches", "get", kHostile}, ExitCode::kBadInput);
  ExpectPlain({WithHostile("--", "=1")}, ExitCode::kBadInput);
  Serve({.failures = {{"CreateBatch", {{grpc::StatusCode::RESOURCE_EXHAUSTED, kHostile}}}}});
  ExpectPlain(Screen(), ExitCode::kRefused);
}

// A title of nothing but marks is a line like others.
TEST_F(CommandOutputTest, MarksDoNotFloodTheTable) {
  Serve();
  jobs_ = "id,title\n1,e";
  for (int i = 0; i < 50'000; ++i) jobs_ += "\u0301";
  ASSERT_EQ(Run(Screen()), ExitCode::kDone) << err_.str();
  EXPECT_LT(out_.str().size(), 1000u);
}

TEST_F(CommandOutputTest, EmbedThatFailsLeavesNoFile) {
  Serve({.failures = {{"Embed", {{grpc::StatusCode::INVALID_ARGUMENT, "no"}}}}});
  EXPECT_EQ(Run({"embed", "--input=" + directory_.Write("texts", "a\nb\n"),
                 "--output=" + directory_.Path("o.npy")}),
            ExitCode::kBadInput);
  EXPECT_THAT(directory_.Names(), testing::UnorderedElementsAre("texts"));
}

TEST_F(CommandOutputTest, ColumnsLeftOutAreSaidOnce) {
  Serve();
  jobs_ = "id,site,title\n1,x,Cook\n2,x,Baker\n";
  EXPECT_EQ(Run(Screen()), ExitCode::kDone);
  EXPECT_THAT(err_.str(), HasSubstr("columns left out: site (2)\n"));
  jobs_.clear();
  for (int i = 0; i < 40; ++i)
    absl::StrAppend(&jobs_, "{\"id\":\"", i, "\",\"title\":\"T\",\"x", i, "\":1}\n");
  EXPECT_EQ(Run(Screen({"--ignore-unknown-columns"})), ExitCode::kDone);
  EXPECT_THAT(err_.str(), HasSubstr(" and 10 more\n"));
}

TEST_F(CommandOutputTest, AnUnknownColumnIsSaidInSentences) {
  Serve();
  jobs_ = "id,title,bm25\n1,Cook,1\n";
  EXPECT_EQ(Run(Screen()), ExitCode::kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("column 'bm25': unknown. Rename it, remove it, or give --ignore"));
  jobs_ = "id,titlle\n1,Cook\n";
  EXPECT_EQ(Run(Screen()), ExitCode::kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("column 'titlle': unknown; did you mean 'title'? Rename it"));
}

}  // namespace
}  // namespace sluice
