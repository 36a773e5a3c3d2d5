#include <fstream>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cpp/command/archive_command.h"
#include "client/cpp/command/archive_files.h"
#include "client/cpp/command/follow_batch.h"
#include "client/cpp/command/json_line.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr int64_t kMaxContentBytes = int64_t{2} << 30;
constexpr size_t kMostLeftOutTold = 10;
constexpr int kPageDocuments = 500;
constexpr size_t kMostPasswordBytes = 256;

struct Book {
  BookFile file;
  FileDigest digest;
};

absl::StatusOr<std::string> ReadPassword(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || line.size() > kMostPasswordBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": its first line is no password of 1 to ", kMostPasswordBytes, " bytes"));
  }
  return std::string(absl::StripSuffix(line, "\r"));
}

void TellLeftOut(const std::vector<std::string>& left_out, Terminal& terminal) {
  for (size_t i = 0; i < left_out.size() && i < kMostLeftOutTold; ++i)
    Tell(terminal, "left out " + left_out[i]);
  if (left_out.size() > kMostLeftOutTold) {
    Tell(terminal, absl::StrCat("left out ", left_out.size() - kMostLeftOutTold, " more"));
  }
}

absl::StatusOr<std::map<std::string, v1::Document>> DocumentsBySource(Client& client) {
  std::map<std::string, v1::Document> documents;
  v1::ListDocumentsRequest request;
  request.set_page_size(kPageDocuments);
  do {
    SLUICE_ASSIGN_OR_RETURN(v1::ListDocumentsResponse page, client.ListDocuments(request));
    for (v1::Document& document : *page.mutable_documents()) {
      const std::string source = document.source();
      documents[source] = std::move(document);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return documents;
}

// The books of one `archive add`, from files to a batch.
class Adding {
 public:
  Adding(const ArchiveFlags& flags, CommandContext& context, Client& client)
      : flags_(flags), context_(context), client_(client), line_(context.terminal, context.clock) {}

  absl::StatusOr<ExitCode> Run(std::vector<Book> books, const std::string& password) {
    SLUICE_ASSIGN_OR_RETURN(documents_, DocumentsBySource(client_));
    std::vector<Book> wanted;
    for (Book& book : books) {
      if (!IsUnchanged(book)) wanted.push_back(std::move(book));
    }
    const size_t unchanged = books.size() - wanted.size();
    if (unchanged > 0) Tell(context_.terminal, absl::StrCat(unchanged, " unchanged, nothing to do for them"));
    if (flags_.dry_run) return DryRun(wanted);
    if (wanted.empty()) return ExitCode::kDone;
    for (const Book& book : wanted) SLUICE_RETURN_IF_ERROR(Upload(book));
    line_.Clear();
    return Submit(wanted, password);
  }

 private:
  bool IsUnchanged(const Book& book) const {
    const auto found = documents_.find(book.file.source);
    if (found == documents_.end()) return false;
    const v1::Document& there = found->second;
    bool same_labels = flags_.labels.empty() || there.labels().size() == flags_.labels.size();
    for (const auto& [key, value] : flags_.labels) {
      const auto label = there.labels().find(key);
      same_labels = same_labels && label != there.labels().end() && label->second == value;
    }
    return there.sha256() == book.digest.sha256 && there.profile() == flags_.profile && same_labels;
  }

  absl::StatusOr<ExitCode> DryRun(const std::vector<Book>& books) {
    for (const Book& book : books) {
      SLUICE_ASSIGN_OR_RETURN(const v1::Upload upload, client_.GetUpload(book.digest.sha256));
      const bool known = documents_.count(book.file.source) > 0;
      context_.terminal.out << EscapeText(book.file.source) << '\t'
                            << (!upload.complete() ? "new"
                                : known            ? "parse what changed"
                                                   : "known content")
                            << '\n';
    }
    return ExitCode::kDone;
  }

  absl::Status Upload(const Book& book) {
    std::ifstream file(book.file.path, std::ios::binary);
    const auto read = [&](int64_t offset, size_t size) -> absl::StatusOr<std::string> {
      if (context_.interruption.interrupted()) return absl::CancelledError("interrupted");
      const int64_t left = book.digest.bytes - offset;
      std::string piece(std::min(size, static_cast<size_t>(std::max<int64_t>(left, 0))), '\0');
      file.clear();
      if (!file.seekg(offset) || !file.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
        return absl::InvalidArgumentError(absl::StrCat(book.file.path, ": changed while it was read"));
      }
      line_.Show(absl::StrCat("uploading ", book.file.source, "  ", WithThousands(offset >> 10), "/",
                              WithThousands(book.digest.bytes >> 10), " KiB"));
      return piece;
    };
    const absl::Status sent = client_.UploadContent(book.digest.sha256, book.digest.bytes, read).status();
    return sent.ok() ? sent : WithMessage(sent, absl::StrCat(book.file.path, ": ", sent.message()));
  }

  absl::StatusOr<ExitCode> Submit(const std::vector<Book>& books, const std::string& password) {
    v1::NewBatch shelf;
    shelf.mutable_archive()->set_profile(flags_.profile);
    shelf.mutable_archive()->set_books_at_once(flags_.books_at_once);
    SLUICE_ASSIGN_OR_RETURN(const v1::Batch batch, client_.UploadBatch(shelf, [&](UploadSink sink) {
      for (size_t i = 0; i < books.size(); ++i) {
        SLUICE_RETURN_IF_ERROR(sink(JobOf(books[i], i, password)));
      }
      return absl::OkStatus();
    }));
    Tell(context_.terminal, absl::StrCat(batch.name(), ": ", books.size(), " documents"));
    if (!flags_.wait) return ExitCode::kDone;
    return FollowArchive(client_, batch.name(), flags_.json, context_);
  }

  v1::Job JobOf(const Book& book, size_t index, const std::string& password) const {
    v1::Job job;
    job.set_id(absl::StrCat("book-", index + 1));
    v1::NewDocument& document = *job.mutable_document();
    document.set_sha256(book.digest.sha256);
    document.set_source(book.file.source);
    document.set_password(password);
    for (const auto& [key, value] : flags_.labels) (*document.mutable_labels())[key] = value;
    return job;
  }

  const ArchiveFlags& flags_;
  CommandContext& context_;
  Client& client_;
  ProgressLine line_;
  std::map<std::string, v1::Document> documents_;
};

std::string ResultLine(const v1::JobResult& result, const std::string& source, bool json) {
  const v1::ArchivedDocument& document = result.document();
  if (json) {
    JsonLine line;
    line.BeginObject().Key("source").Text(source).Key("outcome").Text(
        v1::JobResult::Outcome_Name(result.outcome()));
    line.Key("document").Text(document.document()).Key("pages").Integer(document.pages());
    line.Key("failed_pages").Integer(document.failed_pages());
    line.Key("degraded_pages").Integer(document.degraded_pages());
    line.Key("reused_pages").Integer(document.reused_pages()).Key("error").Text(result.error().message());
    line.EndObject();
    return std::move(line).Take();
  }
  if (result.outcome() != v1::JobResult::SUCCEEDED) {
    return absl::StrCat(EscapeText(source), "\t", v1::JobResult::Outcome_Name(result.outcome()), "\t",
                        EscapeText(result.error().message()));
  }
  std::string line = absl::StrCat(EscapeText(source), "\t", document.pages(), " pages");
  if (document.unchanged()) absl::StrAppend(&line, "\tunchanged");
  if (document.failed_pages() > 0) absl::StrAppend(&line, "\tPARTIAL: ", document.failed_pages(), " failed");
  if (document.degraded_pages() > 0)
    absl::StrAppend(&line, "\t", document.degraded_pages(), " lack something");
  return line;
}

}  // namespace

absl::StatusOr<ExitCode> FollowArchive(Client& client, const std::string& batch, bool json,
                                       CommandContext& context) {
  SLUICE_ASSIGN_OR_RETURN(const FollowedBatch followed, FollowBatch(client, {.name = batch, .results = false},
                                                                    context.terminal, context.clock));
  bool partial = false;
  SLUICE_RETURN_IF_ERROR(client.StreamResults(batch, 0, [&](const v1::JobResult& result) {
    std::string source = result.id();
    if (result.has_document() && !result.document().document().empty()) {
      SLUICE_ASSIGN_OR_RETURN(const v1::Document document, client.GetDocument(result.document().document()));
      source = document.source();
    }
    partial = partial || result.document().failed_pages() > 0;
    context.terminal.out << ResultLine(result, source, json) << '\n';
    return absl::OkStatus();
  }));
  const ExitCode code = ExitCodeOf(followed.batch.state());
  return code == ExitCode::kDone && partial ? ExitCode::kSomeJobsFailed : code;
}

absl::StatusOr<ExitCode> RunArchiveAdd(const ArchiveFlags& flags, CommandContext& context) {
  SLUICE_ASSIGN_OR_RETURN(const FoundFiles found, FindBookFiles(flags.names));
  SLUICE_ASSIGN_OR_RETURN(const std::string password, ReadPassword(flags.password_file));
  TellLeftOut(found.left_out, context.terminal);
  std::vector<Book> books;
  bool all = true;
  for (const BookFile& file : found.files) {
    absl::StatusOr<FileDigest> digest = DigestOfFile(file.path, kMaxContentBytes);
    if (digest.ok()) {
      books.push_back({file, *std::move(digest)});
    } else {
      Tell(context.terminal, absl::StrCat("sluice: ", digest.status().message()));
      all = false;
    }
  }
  ExitCode code = ExitCode::kDone;
  if (!books.empty()) {
    SLUICE_ASSIGN_OR_RETURN(Client* const client, context.connect());
    SLUICE_ASSIGN_OR_RETURN(code, Adding(flags, context, *client).Run(std::move(books), password));
  }
  return code == ExitCode::kDone && !all ? ExitCode::kSomeJobsFailed : code;
}

}  // namespace sluice
