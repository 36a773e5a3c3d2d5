#include "client/cpp/command/embed_command.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/formats/npy_writer.h"
#include "client/cpp/formats/terminal_text.h"
#include "client/cpp/formats/text_reader.h"
#include "core/base/error_details.h"
#include "core/base/notification.h"
#include "core/base/status_macros.h"
#include "core/base/thread_pool.h"

namespace sluice {
namespace {

// Below gRPC's usual limit on a received message.
constexpr size_t kMaxCallBytes = 3 << 20;

struct EmbedCall {
  v1::EmbedRequest request;
  size_t bytes = 0;
  std::vector<int64_t> lines;  // of each text
  absl::StatusOr<v1::EmbedResponse> response = absl::UnknownError("not called");
  Notification done;
};

// "texts[3]" of a call said as the line it came from.
absl::Status WithLines(const absl::Status& status, const std::string& file, const EmbedCall& call) {
  std::string message;
  for (const FieldViolation& violation : FieldViolationsOf(status)) {
    absl::string_view field = violation.field;
    size_t index = 0;
    const bool is_text = absl::ConsumePrefix(&field, "texts[") &&
                         absl::SimpleAtoi(field.substr(0, field.find(']')), &index) &&
                         index < call.lines.size();
    absl::StrAppend(&message, message.empty() ? "" : "\n",
                    is_text ? PlaceText({file, call.lines[index]}) : violation.field, ": ",
                    EscapeText(violation.description));
  }
  return message.empty() ? status : WithMessage(status, message);
}

class Embedding {
 public:
  Embedding(const EmbedFlags& flags, CommandContext& context, Client& client, NpyWriter& writer,
            ThreadPool& pool)
      : flags_(flags),
        client_(client),
        writer_(writer),
        line_(context.terminal, context.clock),
        pool_(pool) {}
  // Calls that still run point into this.
  ~Embedding() {
    for (const auto& call : in_flight_) call->done.Wait();
  }

  absl::Status Add(std::string text, const InputPlace& place) {
    const bool full = next_ != nullptr && (next_->request.texts_size() == kTextsPerCall ||
                                           next_->bytes + text.size() > kMaxCallBytes);
    if (full) SLUICE_RETURN_IF_ERROR(Send());
    if (next_ == nullptr) next_ = std::make_unique<EmbedCall>();
    next_->bytes += text.size();
    next_->lines.push_back(place.line);
    next_->request.add_texts(std::move(text));
    return absl::OkStatus();
  }

  absl::Status Finish() {
    if (next_ != nullptr) SLUICE_RETURN_IF_ERROR(Send());
    while (!in_flight_.empty()) SLUICE_RETURN_IF_ERROR(TakeOldest());
    return writer_.Finish();
  }

  int64_t truncated() const { return truncated_; }

 private:
  absl::Status Send() {
    if (in_flight_.size() == kCallsInFlight) SLUICE_RETURN_IF_ERROR(TakeOldest());
    EmbedCall* call = next_.get();
    call->request.set_truncation(flags_.truncation);
    call->request.set_encoding(v1::FLOAT32);
    if (!pool_.TrySchedule([this, call] {
          call->response = client_.Embed(call->request);
          call->done.Notify();
        })) {
      return absl::InternalError("no thread for an Embed call");
    }
    in_flight_.push_back(std::move(next_));
    return absl::OkStatus();
  }

  absl::Status TakeOldest() {
    const std::unique_ptr<EmbedCall> call = std::move(in_flight_.front());
    call->done.Wait();
    in_flight_.pop_front();
    if (!call->response.ok()) return WithLines(call->response.status(), flags_.input, *call);
    SLUICE_RETURN_IF_ERROR(
        writer_.Append(call->response->vectors(), call->request.texts_size(), call->response->dimensions()));
    truncated_ += std::count(call->response->truncated().begin(), call->response->truncated().end(), true);
    line_.Show(absl::StrCat("embedding  ", WithThousands(writer_.rows()), " texts"));
    return absl::OkStatus();
  }

  const EmbedFlags& flags_;
  Client& client_;
  NpyWriter& writer_;
  ProgressLine line_;
  ThreadPool& pool_;
  std::unique_ptr<EmbedCall> next_;
  std::deque<std::unique_ptr<EmbedCall>> in_flight_;
  int64_t truncated_ = 0;
};

}  // namespace

absl::StatusOr<ExitCode> RunEmbed(const EmbedFlags& flags, CommandContext& context) {
  const TextInputOptions input{.ignore_unknown_columns = flags.ignore_unknown_columns};
  // Once through the file without a server: nothing is embedded of an input that is broken further down.
  SLUICE_ASSIGN_OR_RETURN(
      const TextInputSummary summary,
      ReadTexts(flags.input, input, [](std::string, const InputPlace&) { return absl::OkStatus(); }));
  for (const std::string& note : summary.notes.Lines()) Tell(context.terminal, note);
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> output,
                          OutputFile::Create(flags.output, {flags.input}));
  NpyWriter writer(std::move(output), summary.texts);
  SLUICE_ASSIGN_OR_RETURN(Client* const client, context.connect());
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ThreadPool> pool,
                          ThreadPool::Create({.name = "embed", .num_threads = kCallsInFlight}));
  int64_t truncated = 0;
  {
    Embedding embedding(flags, context, *client, writer, *pool);
    SLUICE_RETURN_IF_ERROR(ReadTexts(flags.input, input, [&](std::string text, const InputPlace& place) {
                             return embedding.Add(std::move(text), place);
                           }).status());
    SLUICE_RETURN_IF_ERROR(embedding.Finish());
    truncated = embedding.truncated();
  }
  Tell(context.terminal,
       absl::StrCat(WithThousands(writer.rows()), " texts to ", flags.output, " [", writer.rows(), ", ",
                    writer.columns(), "], ", WithThousands(truncated), " cut at the model's limit"));
  return ExitCode::kDone;
}

}  // namespace sluice
