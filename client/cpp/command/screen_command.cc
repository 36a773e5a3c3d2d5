#include "client/cpp/command/screen_command.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/command/ranked_results.h"
#include "client/cpp/formats/evidence_source.h"
#include "client/cpp/formats/job_places.h"
#include "client/cpp/formats/output_file.h"
#include "client/cpp/formats/posting_reader.h"
#include "client/cpp/formats/profile_file.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr int kMaxHeadlineColumns = 80;
constexpr size_t kMaxColumnsNamed = 30;
// Room for a request's own framing below gRPC's limit on what is received.
constexpr size_t kCreateBatchBytes = kMaxCreateBatchBytes - 4096;
// Markup and columns left out make requests smaller than their files, though hardly this much.
constexpr uint64_t kHopelessBytes = 4 * kMaxCreateBatchBytes;

// Of the files that are there; what is wrong with another is said when it is read.
uint64_t BytesOf(const std::vector<std::string>& files) {
  uint64_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

v1::NewBatch MakeNewBatch(const ScreenFlags& flags, const v1::Profile& profile) {
  v1::NewBatch batch;
  *batch.mutable_screen()->mutable_profile() = profile;
  *batch.mutable_screen()->mutable_gate() = flags.gate;
  batch.set_request_id(MakeRequestId());
  if (flags.as_of.has_value()) {
    batch.mutable_as_of()->set_seconds(
        absl::ToUnixSeconds(absl::FromCivil(*flags.as_of, absl::UTCTimeZone())));
  }
  return batch;
}

void TellNotes(const PostingInputSummary& summary, Terminal& terminal) {
  for (const std::string& bad : summary.bad.Lines()) Tell(terminal, bad);
  for (const std::string& note : summary.notes.Lines()) Tell(terminal, note);
  if (summary.ignored_columns.empty()) return;
  std::vector<std::string> named;
  for (const auto& [name, postings] : summary.ignored_columns) {
    if (named.size() == kMaxColumnsNamed) break;
    named.push_back(absl::StrCat(EscapeName(name), " (", WithThousands(postings), ")"));
  }
  const size_t more = summary.ignored_columns.size() - named.size();
  const char* const at_least = summary.ignored_under_other_names > 0 ? "at least " : "";
  Tell(terminal, absl::StrCat("columns left out: ", absl::StrJoin(named, ", "),
                              more == 0 ? "" : absl::StrCat(" and ", at_least, more, " more")));
}

class Submission {
 public:
  Submission(const ScreenFlags& flags, CommandContext& context) : flags_(flags), context_(context) {}

  // Reads, opens the output, connects and submits. Input errors come before any connection, where the
  // postings fit one CreateBatch; an output that cannot be opened comes before anything is screened for it.
  absl::StatusOr<v1::Batch> Submit() {
    SLUICE_ASSIGN_OR_RETURN(profile_, ReadProfileFile(flags_.profile));
    v1::CreateBatchRequest request;
    *request.mutable_batch() = MakeNewBatch(flags_, profile_.profile);
    SLUICE_ASSIGN_OR_RETURN(const bool fits, ReadInto(request));
    SLUICE_RETURN_IF_ERROR(OpenOutput());
    SLUICE_ASSIGN_OR_RETURN(client_, context_.connect());
    absl::StatusOr<v1::Batch> batch =
        fits ? client_->CreateBatch(std::move(request)) : Upload(std::move(*request.mutable_batch()));
    if (!batch.ok()) {
      return WithInputPlaces(batch.status(), profile_, [this](int64_t job) { return places_.Of(job); });
    }
    TellNotes(summary_, context_.terminal);
    context_.terminal.err << SourcesLeftOutText(sent_.evidence_sources) << std::flush;
    return batch;
  }

  Client& client() { return *client_; }
  const SentPostings& sent() const { return sent_; }
  int64_t bad_rows() const { return summary_.bad.total(); }
  OutputFile* output() const { return output_.get(); }

 private:
  absl::Status OpenOutput() {
    if (flags_.output.empty()) return absl::OkStatus();
    std::vector<std::string> inputs = flags_.jobs;
    inputs.push_back(flags_.profile);
    SLUICE_ASSIGN_OR_RETURN(output_, OutputFile::Create(flags_.output, inputs));
    return absl::OkStatus();
  }

  void Remember(const PostingInput& input) {
    const v1::Posting& posting = input.job.posting();
    places_.Add(input.place);
    const bool writes_json = flags_.json || !flags_.output.empty();
    if (writes_json) {
      sent_.evidence_sources.Add(EvidenceSource(posting, input.description_map).Pack());
    }
    if (flags_.json) return;  // no table
    sent_.headlines.Add({FitColumns(posting.title(), kMaxHeadlineColumns),
                         FitColumns(posting.company(), kMaxHeadlineColumns),
                         FitColumns(posting.location(), kMaxHeadlineColumns)});
  }

  // Whether all postings fit into the request; reading stops once they do not, and files that are far too
  // large are not begun.
  absl::StatusOr<bool> ReadInto(v1::CreateBatchRequest& request) {
    if (BytesOf(flags_.jobs) > kHopelessBytes) return false;
    size_t bytes = request.ByteSizeLong();
    bool fits = true;
    absl::StatusOr<PostingInputSummary> summary =
        ReadPostings(flags_.jobs, InputOptions(), [&](PostingInput input) {
          constexpr size_t kFieldBytes = 8;  // tag and length of a job in the request
          bytes += input.job.ByteSizeLong() + kFieldBytes;
          fits = bytes <= kCreateBatchBytes;
          if (!fits) return absl::OutOfRangeError("more than a CreateBatch takes");
          Remember(input);
          *request.add_jobs() = std::move(input.job);
          return absl::OkStatus();
        });
    if (!fits) {
      request.clear_jobs();
      return false;
    }
    if (!summary.ok()) return summary.status();
    summary_ = *std::move(summary);
    return true;
  }

  absl::StatusOr<v1::Batch> Upload(v1::NewBatch batch) {
    ProgressLine line(context_.terminal, context_.clock);
    return client_->UploadBatch(std::move(batch), [&](UploadSink sink) -> absl::Status {
      Forget();
      constexpr int64_t kJobsBetweenLines = 1000;
      SLUICE_ASSIGN_OR_RETURN(
          summary_, ReadPostings(flags_.jobs, InputOptions(), [&](PostingInput input) {
            Remember(input);
            if (places_.size() % kJobsBetweenLines == 0) {
              line.Show(absl::StrCat("uploading  ", WithThousands(places_.size()), " postings"));
            }
            return sink(std::move(input.job));
          }));
      return absl::OkStatus();
    });
  }

  void Forget() {
    places_ = JobPlaces();
    sent_ = SentPostings();
  }

  PostingInputOptions InputOptions() const {
    return {.ignore_unknown_columns = flags_.ignore_unknown_columns, .skip_bad = flags_.skip_bad};
  }

  const ScreenFlags& flags_;
  CommandContext& context_;
  std::unique_ptr<OutputFile> output_;
  Client* client_ = nullptr;
  ProfileFile profile_;
  JobPlaces places_;
  SentPostings sent_;
  PostingInputSummary summary_;
};

}  // namespace

absl::StatusOr<ExitCode> RunScreen(const ScreenFlags& flags, CommandContext& context) {
  Submission submission(flags, context);
  SLUICE_ASSIGN_OR_RETURN(const v1::Batch batch, submission.Submit());
  const absl::StatusOr<v1::Batch> ended = FollowAndPrintRanked(
      submission.client(),
      {.batch = batch.name(), .top = flags.top, .output = submission.output(), .json = flags.json},
      submission.sent(), context.terminal, context.clock);
  if (ended.ok()) {
    const ExitCode code = ExitCodeOf(ended->state());
    return code == ExitCode::kDone && submission.bad_rows() > 0 ? ExitCode::kSomeJobsFailed : code;
  }
  // The batch is durable: whatever went wrong here, its results are not lost. They are printed once it is
  // done.
  const bool printing_failed = IsOutputError(ended.status()) || !context.terminal.out;
  return WithMessage(
      ended.status(),
      absl::StrCat(ended.status().message(), "\nthe batch ", printing_failed ? "is done" : "goes on",
                   "; see its results with: ", context.resume_prefix, " batches results ", batch.name()));
}

}  // namespace sluice
