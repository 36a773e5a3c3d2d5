#include "client/cpp/command/screen_command.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/command/headlines.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/command/ranked_results.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_reader.h"
#include "client/cpp/formats/profile_file.h"
#include "client/cpp/formats/utf8.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr int kMaxHeadlineColumns = 80;
// Room for a request's own framing below gRPC's limit on what is received.
constexpr size_t kCreateBatchBytes = kMaxCreateBatchBytes - 4096;
// Markup and columns left out make requests smaller than their files, though hardly this much.
constexpr uint64_t kHopelessBytes = 4 * kMaxCreateBatchBytes;

// What is remembered of the postings once they are sent.
struct SentPostings {
  Headlines headlines;
  std::vector<int64_t> lines;       // of each job
  std::vector<int64_t> first_jobs;  // of each file that had any
  std::vector<std::string> file_names;

  void Add(const v1::Job& job, const InputPlace& place) {
    if (file_names.empty() || file_names.back() != place.file) {
      file_names.push_back(place.file);
      first_jobs.push_back(static_cast<int64_t>(lines.size()));
    }
    lines.push_back(place.line);
    const v1::Posting& posting = job.posting();
    headlines.Add(job.id(), {FitColumns(posting.title(), kMaxHeadlineColumns),
                             FitColumns(posting.company(), kMaxHeadlineColumns),
                             FitColumns(posting.location(), kMaxHeadlineColumns)});
  }

  std::optional<InputPlace> PlaceOf(int64_t job) const {
    if (job < 0 || job >= static_cast<int64_t>(lines.size())) return std::nullopt;
    const auto after = std::upper_bound(first_jobs.begin(), first_jobs.end(), job);
    return InputPlace{file_names[after - first_jobs.begin() - 1], lines[job]};
  }
};

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
  for (const std::string& note : summary.notes) terminal.err << note << "\n";
  if (summary.ignored_columns.empty()) return;
  terminal.err << "columns left out:";
  const char* separator = " ";
  for (const auto& [name, postings] : summary.ignored_columns) {
    terminal.err << separator << FitColumns(name, kMaxHeadlineColumns) << " (" << WithThousands(postings)
                 << ")";
    separator = ", ";
  }
  terminal.err << std::endl;
}

class Submission {
 public:
  Submission(const ScreenFlags& flags, CommandContext& context) : flags_(flags), context_(context) {}

  // Reads, connects and submits. Input errors come before any connection, where the postings fit one
  // CreateBatch.
  absl::StatusOr<v1::Batch> Submit() {
    SLUICE_ASSIGN_OR_RETURN(profile_, ReadProfileFile(flags_.profile));
    v1::CreateBatchRequest request;
    *request.mutable_batch() = MakeNewBatch(flags_, profile_.profile);
    SLUICE_ASSIGN_OR_RETURN(const bool fits, ReadInto(request));
    SLUICE_ASSIGN_OR_RETURN(client_, context_.connect());
    absl::StatusOr<v1::Batch> batch =
        fits ? client_->CreateBatch(std::move(request)) : Upload(std::move(*request.mutable_batch()));
    if (!batch.ok()) {
      return WithInputPlaces(batch.status(), profile_, [this](int64_t job) { return sent_.PlaceOf(job); });
    }
    TellNotes(summary_, context_.terminal);
    return batch;
  }

  Client& client() { return *client_; }
  const Headlines& headlines() const { return sent_.headlines; }

 private:
  // Whether all postings fit into the request; reading stops once they do not, and files that are far too
  // large are not begun.
  absl::StatusOr<bool> ReadInto(v1::CreateBatchRequest& request) {
    if (BytesOf(flags_.jobs) > kHopelessBytes) return false;
    size_t bytes = request.ByteSizeLong();
    bool fits = true;
    absl::StatusOr<PostingInputSummary> summary =
        ReadPostings(flags_.jobs, InputOptions(), [&](v1::Job job, const InputPlace& place) {
          constexpr size_t kFieldBytes = 8;  // tag and length of a job in the request
          bytes += job.ByteSizeLong() + kFieldBytes;
          fits = bytes <= kCreateBatchBytes;
          if (!fits) return absl::OutOfRangeError("more than a CreateBatch takes");
          sent_.Add(job, place);
          *request.add_jobs() = std::move(job);
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
      sent_ = SentPostings();
      constexpr size_t kJobsBetweenLines = 1000;
      SLUICE_ASSIGN_OR_RETURN(
          summary_, ReadPostings(flags_.jobs, InputOptions(), [&](v1::Job job, const InputPlace& place) {
            sent_.Add(job, place);
            if (sent_.lines.size() % kJobsBetweenLines == 0) {
              line.Show(absl::StrCat("uploading  ", WithThousands(sent_.lines.size()), " postings"));
            }
            return sink(std::move(job));
          }));
      return absl::OkStatus();
    });
  }

  PostingInputOptions InputOptions() const {
    return {.ignore_unknown_columns = flags_.ignore_unknown_columns};
  }

  const ScreenFlags& flags_;
  CommandContext& context_;
  Client* client_ = nullptr;
  ProfileFile profile_;
  SentPostings sent_;
  PostingInputSummary summary_;
};

}  // namespace

absl::StatusOr<ExitCode> RunScreen(const ScreenFlags& flags, CommandContext& context) {
  Submission submission(flags, context);
  SLUICE_ASSIGN_OR_RETURN(const v1::Batch batch, submission.Submit());
  const absl::StatusOr<v1::Batch> ended = FollowAndPrintRanked(
      submission.client(),
      {.batch = batch.name(), .top = flags.top, .output = flags.output, .json = flags.json},
      submission.headlines(), context.terminal, context.clock);
  if (ended.ok()) return ExitCodeOf(ended->state());
  // The batch is durable: whatever went wrong here, its results are not lost.
  return WithMessage(ended.status(),
                     absl::StrCat(ended.status().message(), "\nthe batch goes on; see its results with: ",
                                  context.resume_prefix, " batches results ", batch.name()));
}

}  // namespace sluice
