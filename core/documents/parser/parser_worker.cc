#include "core/documents/parser/parser_worker.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

// Typed errors of the worker's own: the process is lost, and what it was at may be to blame.
bool IsLoss(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  return reason == "PARSER_CRASHED" || reason == "PAGE_DEADLINE";
}

absl::Status ForPage(const absl::Status& loss, int number) {
  return WithReason(absl::Status(loss.code(), absl::StrCat("page ", number, ", twice: ", loss.message())),
                    ReasonOf(loss));
}

}  // namespace

absl::Status ParserWorker::StartProcess() {
  if (process_ != nullptr) return absl::OkStatus();
  if (closed_.load()) return absl::CancelledError("the parser is closed");
  SLUICE_ASSIGN_OR_RETURN(process_, ParserProcess::Start(options_.program));
  sandbox_gaps_ = process_->greeting();
  opened_.reset();
  pages_ = 0;
  first_bytes_ = process_->ResidentBytes();
  return absl::OkStatus();
}

// A process that dies over opening is tried once more: it may have been grown, or killed by the system for
// another's memory.
absl::StatusOr<DocumentFacts> ParserWorker::Open(const DocumentSource& source,
                                                 const CancellationToken& cancellation) {
  absl::StatusOr<DocumentFacts> facts = OpenOnce(source, cancellation);
  if (facts.ok() || !IsLoss(facts.status())) return facts;
  return OpenOnce(source, cancellation);
}

absl::StatusOr<DocumentFacts> ParserWorker::OpenOnce(const DocumentSource& source,
                                                     const CancellationToken& cancellation) {
  struct stat file;
  if (source.file == nullptr || fstat(source.file->get(), &file) != 0) {
    return absl::InternalError("the document's file is not open");
  }
  Opened wanted{.device = file.st_dev,
                .inode = file.st_ino,
                .format = source.format,
                .file_name = source.file_name,
                .password = source.password};
  RecycleIfDue();
  if (process_ != nullptr && opened_ == wanted) return facts_;
  SLUICE_RETURN_IF_ERROR(StartProcess());
  opened_.reset();
  const std::string body = EncodeOpen({.format = source.format,
                                       .file_name = source.file_name,
                                       .password = source.password,
                                       .max_pages = options_.max_pages});
  if (!process_->Send(ParserMessageType::kOpen, body, source.file->get()).ok()) {
    return Lose(absl::UnavailableError("it took no request"));
  }
  SLUICE_ASSIGN_OR_RETURN(const ParserMessage reply, Receive(cancellation));
  if (reply.type == ParserMessageType::kError) return DecodeError(reply.body);
  absl::StatusOr<DocumentFacts> facts = DecodeFacts(reply.body);
  if (reply.type != ParserMessageType::kFacts || !facts.ok()) return Lose(absl::InternalError("its answer"));
  facts_ = *std::move(facts);
  opened_ = std::move(wanted);
  return facts_;
}

absl::StatusOr<DocumentFacts> ParserWorker::Describe(const DocumentSource& source,
                                                     const CancellationToken& cancellation) {
  return Open(source, cancellation);
}

absl::Status ParserWorker::ReadPages(const DocumentSource& source, PageRange range,
                                     const CancellationToken& cancellation,
                                     const std::function<void(ReadPageEnd)>& on_page) {
  int next = range.first;
  const int end = range.first + range.count;
  while (next < end) {
    absl::Status read = ReadRun(source, {.first = next, .count = end - next}, cancellation, on_page, next);
    if (read.ok()) return read;
    // Which page it was is known: those before it have come.
    if (!IsLoss(read) || !opened_before_loss_) return read;
    const int blamed = next++;
    absl::StatusOr<Page> alone = ReadAlone(source, blamed, cancellation);
    if (absl::IsCancelled(alone.status())) return alone.status();
    if (!alone.ok() && IsLoss(alone.status())) alone = ForPage(alone.status(), blamed);
    on_page({.number = blamed, .page = std::move(alone)});
  }
  return absl::OkStatus();
}

// Hands over pages from range.first on; `next` is the first that has not come.
absl::Status ParserWorker::ReadRun(const DocumentSource& source, PageRange range,
                                   const CancellationToken& cancellation,
                                   const std::function<void(ReadPageEnd)>& on_page, int& next) {
  opened_before_loss_ = false;
  SLUICE_ASSIGN_OR_RETURN(const DocumentFacts facts, Open(source, cancellation));
  opened_before_loss_ = true;
  if (!process_->Send(ParserMessageType::kRead, EncodeRead({.first = range.first, .count = range.count}))
           .ok()) {
    return Lose(absl::UnavailableError("it took no request"));
  }
  const int end = range.first + range.count;
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(const ParserMessage reply, Receive(cancellation));
    if (reply.type == ParserMessageType::kDone && next == end) return absl::OkStatus();
    ReadPageEnd read{.number = next, .page = absl::InternalError("")};
    if (reply.type == ParserMessageType::kPage) {
      const absl::StatusOr<PageBody> body = DecodePageBody(reply.body);
      if (!body.ok() || body->number != next) return Lose(absl::InternalError("its answer"));
      read.page = DecodePage(body->page);
      if (!read.page.ok() || read.page->number != next) return Lose(absl::InternalError("its answer"));
    } else if (reply.type == ParserMessageType::kPageError) {
      const absl::StatusOr<PageErrorBody> body = DecodePageError(reply.body);
      if (!body.ok() || body->number != next) return Lose(absl::InternalError("its answer"));
      read.page = body->error;
    } else {
      return Lose(absl::InternalError("its answer"));
    }
    if (next >= end) return Lose(absl::InternalError("its answer"));
    ++next;
    ++pages_;
    on_page(std::move(read));
  }
}

absl::StatusOr<Page> ParserWorker::ReadAlone(const DocumentSource& source, int number,
                                             const CancellationToken& cancellation) {
  absl::StatusOr<Page> alone = absl::InternalError("not read");
  int next = number;
  absl::Status read = ReadRun(
      source, {.first = number, .count = 1}, cancellation,
      [&alone](ReadPageEnd end) { alone = std::move(end.page); }, next);
  if (!read.ok()) return read;
  return alone;
}

absl::StatusOr<std::string> ParserWorker::DrawPage(const DocumentSource& source, int number, PictureSize size,
                                                   const CancellationToken& cancellation) {
  absl::StatusOr<std::string> picture = DrawOnce(source, number, size, cancellation);
  if (picture.ok() || !IsLoss(picture.status())) return picture;
  picture = DrawOnce(source, number, size, cancellation);
  if (!picture.ok() && IsLoss(picture.status())) return ForPage(picture.status(), number);
  return picture;
}

absl::StatusOr<std::string> ParserWorker::DrawOnce(const DocumentSource& source, int number, PictureSize size,
                                                   const CancellationToken& cancellation) {
  SLUICE_ASSIGN_OR_RETURN(const DocumentFacts facts, Open(source, cancellation));
  const std::string body =
      EncodeDraw({.number = number, .max_width = size.max_width, .max_height = size.max_height});
  if (!process_->Send(ParserMessageType::kDraw, body).ok()) {
    return Lose(absl::UnavailableError("it took no request"));
  }
  SLUICE_ASSIGN_OR_RETURN(ParserMessage reply, Receive(cancellation));
  if (reply.type == ParserMessageType::kError) return DecodeError(reply.body);
  if (reply.type != ParserMessageType::kPicture) return Lose(absl::InternalError("its answer"));
  ++pages_;
  return std::move(reply.body);
}

absl::StatusOr<ParserMessage> ParserWorker::Receive(const CancellationToken& cancellation) {
  absl::StatusOr<ParserMessage> message =
      process_->Receive(options_.page_deadline, [&] { return closed_.load() || cancellation.cancelled(); });
  if (!message.ok()) return Lose(message.status());
  return message;
}

// Ends the process, of which nothing more can be expected, and says what that means.
absl::Status ParserWorker::Lose(const absl::Status& why) {
  if (absl::IsCancelled(why)) {
    EndProcess(ParserRestart::kCancelled);
    return why;
  }
  if (absl::IsDeadlineExceeded(why)) {
    EndProcess(ParserRestart::kDeadline);
    return WithReason(absl::DeadlineExceededError(
                          absl::StrCat("it took longer than ", absl::FormatDuration(options_.page_deadline))),
                      "PAGE_DEADLINE");
  }
  const std::string how = process_->End();
  EndProcess(ParserRestart::kCrash);
  return WithReason(absl::InternalError(absl::StrCat("the parser's process ", how)), "PARSER_CRASHED");
}

void ParserWorker::EndProcess(ParserRestart why) {
  if (process_ == nullptr) return;
  process_->End();
  const absl::Duration cpu_time = process_->CpuTime();
  process_.reset();
  opened_.reset();
  MutexLock lock(mutex_);
  ++usage_.restarts[static_cast<size_t>(why)];
  usage_.cpu_time += cpu_time;
  usage_.resident_bytes = 0;
  running_cpu_time_ = absl::ZeroDuration();
}

void ParserWorker::RecycleIfDue() {
  if (process_ == nullptr) return;
  const int64_t resident = process_->ResidentBytes();
  if (pages_ >= options_.recycle_after_pages) return EndProcess(ParserRestart::kPages);
  if (resident - first_bytes_ > options_.recycle_after_growth_bytes)
    return EndProcess(ParserRestart::kMemory);
  const absl::Duration cpu_time = process_->CpuTime();
  MutexLock lock(mutex_);
  usage_.resident_bytes = resident;
  running_cpu_time_ = cpu_time;
}

ParserUsage ParserWorker::Usage() const {
  MutexLock lock(mutex_);
  ParserUsage usage = usage_;
  usage.cpu_time += running_cpu_time_;
  return usage;
}

}  // namespace sluice
