#include "client/cpp/command/archive_command.h"

#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/command/archive_text.h"
#include "client/cpp/formats/output_file.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr int kPageDocuments = 200;

// Every document that has the labels, in the order of their sources, until `sink` returns an error.
absl::Status EachDocument(Client& client, const std::map<std::string, std::string>& labels,
                          absl::FunctionRef<absl::Status(const v1::Document&)> sink) {
  v1::ListDocumentsRequest request;
  request.set_page_size(kPageDocuments);
  for (const auto& [key, value] : labels) (*request.mutable_labels())[key] = value;
  do {
    SLUICE_ASSIGN_OR_RETURN(const v1::ListDocumentsResponse page, client.ListDocuments(request));
    for (const v1::Document& document : page.documents()) SLUICE_RETURN_IF_ERROR(sink(document));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

// A document by its name, or by its source.
absl::StatusOr<std::string> NameOf(Client& client, const std::string& given) {
  if (absl::StartsWith(given, "documents/")) return given;
  std::string name;
  SLUICE_RETURN_IF_ERROR(EachDocument(client, {}, [&](const v1::Document& document) {
    if (document.source() == given) name = document.name();
    return absl::OkStatus();
  }));
  if (!name.empty()) return name;
  return WithReason(absl::NotFoundError(absl::StrCat("there is no document with the source ", given,
                                                     "; sluice archive ls lists them")),
                    "DOCUMENT_NOT_FOUND");
}

absl::StatusOr<ExitCode> List(Client& client, const ArchiveFlags& flags, Terminal& terminal) {
  SLUICE_RETURN_IF_ERROR(EachDocument(client, flags.labels, [&](const v1::Document& document) {
    terminal.out << (flags.json ? DocumentJson(document) : DocumentLine(document)) << '\n';
    return absl::OkStatus();
  }));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> Show(Client& client, const ArchiveFlags& flags, Terminal& terminal) {
  for (const std::string& given : flags.names) {
    SLUICE_ASSIGN_OR_RETURN(const std::string name, NameOf(client, given));
    SLUICE_ASSIGN_OR_RETURN(const v1::Document document, client.GetDocument(name));
    terminal.out << (flags.json ? DocumentJson(document) + "\n" : DocumentText(document));
  }
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> ShowPage(Client& client, const ArchiveFlags& flags, Terminal& terminal) {
  if (flags.names.size() != 1) return absl::InvalidArgumentError("archive page takes one document");
  std::unique_ptr<OutputFile> picture;
  if (!flags.picture.empty()) {
    SLUICE_ASSIGN_OR_RETURN(picture, OutputFile::Create(flags.picture, /*inputs=*/{}));
  }
  SLUICE_ASSIGN_OR_RETURN(const std::string name, NameOf(client, flags.names.front()));
  v1::GetPageRequest request;
  request.set_name(absl::StrCat(name, "/pages/", flags.page));
  if (picture != nullptr) request.mutable_picture();
  SLUICE_ASSIGN_OR_RETURN(const v1::DocumentPage page, client.GetPage(request));
  if (picture != nullptr) {
    SLUICE_RETURN_IF_ERROR(picture->Write(page.picture()));
    SLUICE_RETURN_IF_ERROR(picture->Finish());
  }
  v1::Document document;
  document.set_name(name);
  terminal.out << (flags.json ? PageJson(document, page) + "\n" : PageForPeople(page, flags.boxes));
  return page.has_error() ? ExitCode::kSomeJobsFailed : ExitCode::kDone;
}

absl::StatusOr<ExitCode> Retry(Client& client, const ArchiveFlags& flags, CommandContext& context) {
  ExitCode all = ExitCode::kDone;
  for (const std::string& given : flags.names) {
    v1::RetryDocumentRequest request;
    SLUICE_ASSIGN_OR_RETURN(*request.mutable_name(), NameOf(client, given));
    SLUICE_ASSIGN_OR_RETURN(const v1::RetryDocumentResponse retried, client.RetryDocument(request));
    Tell(context.terminal, absl::StrCat(retried.pages(), " pages are read again by ", retried.batch()));
    if (!flags.wait) continue;
    SLUICE_ASSIGN_OR_RETURN(const ExitCode one, FollowArchive(client, retried.batch(), flags.json, context));
    if (one != ExitCode::kDone) all = one;
  }
  return all;
}

absl::StatusOr<ExitCode> Remove(Client& client, const ArchiveFlags& flags, Terminal& terminal) {
  for (const std::string& given : flags.names) {
    SLUICE_ASSIGN_OR_RETURN(const std::string name, NameOf(client, given));
    SLUICE_RETURN_IF_ERROR(client.DeleteDocument(name));
    terminal.out << EscapeText(given) << " removed" << std::endl;
  }
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> Set(Client& client, const ArchiveFlags& flags, Terminal& terminal) {
  for (const std::string& given : flags.names) {
    v1::UpdateDocumentRequest request;
    SLUICE_ASSIGN_OR_RETURN(*request.mutable_name(), NameOf(client, given));
    if (flags.title.has_value()) request.set_title(*flags.title);
    for (const auto& [key, value] : flags.labels) (*request.mutable_labels()->mutable_labels())[key] = value;
    SLUICE_ASSIGN_OR_RETURN(const v1::Document document, client.UpdateDocument(request));
    terminal.out << DocumentLine(document) << '\n';
  }
  return ExitCode::kDone;
}

// The same names and numbers as the server's (server/convert/archive_convert.h).
ExitCode ShowProfiles(Terminal& terminal) {
  terminal.out << "quality    1 book at once (default)\n"
                  "fast       3 books at once\n"
                  "quick      4 books at once\n"
                  "text-only  3 books at once\n";
  return ExitCode::kDone;
}

absl::Status ExportOne(Client& client, const std::string& name, const std::string& format,
                       absl::FunctionRef<absl::Status(absl::string_view)> write) {
  SLUICE_ASSIGN_OR_RETURN(const v1::Document document, client.GetDocument(name));
  if (format == "md") {
    SLUICE_RETURN_IF_ERROR(write(absl::StrCat("<!-- ", EscapeText(document.source()), " -->\n\n")));
  }
  v1::GetPageRequest request;
  for (int number = 1; number <= document.pages(); ++number) {
    request.set_name(absl::StrCat(name, "/pages/", number));
    SLUICE_ASSIGN_OR_RETURN(const v1::DocumentPage page, client.GetPage(request));
    SLUICE_RETURN_IF_ERROR(write(format == "md" ? PageMarkdown(page) : PageJson(document, page) + "\n"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Export(Client& client, const ArchiveFlags& flags, Terminal& terminal) {
  std::unique_ptr<OutputFile> output;
  if (!flags.output.empty()) {
    SLUICE_ASSIGN_OR_RETURN(output, OutputFile::Create(flags.output, /*inputs=*/{}));
  }
  const auto write = [&](absl::string_view text) {
    if (output != nullptr) return output->Write(text);
    terminal.out << text;
    return absl::OkStatus();
  };
  for (const std::string& given : flags.names) {
    SLUICE_ASSIGN_OR_RETURN(const std::string name, NameOf(client, given));
    SLUICE_RETURN_IF_ERROR(ExportOne(client, name, flags.format, write));
  }
  if (output != nullptr) SLUICE_RETURN_IF_ERROR(output->Finish());
  return ExitCode::kDone;
}

}  // namespace

absl::StatusOr<ExitCode> RunArchive(const ArchiveFlags& flags, CommandContext& context) {
  using Action = ArchiveFlags::Action;
  if (flags.action == Action::kProfiles) return ShowProfiles(context.terminal);
  if (flags.action == Action::kAdd) return RunArchiveAdd(flags, context);
  SLUICE_ASSIGN_OR_RETURN(Client* const client, context.connect());
  switch (flags.action) {
    case Action::kAdd:
    case Action::kProfiles:
      break;
    case Action::kList:
      return List(*client, flags, context.terminal);
    case Action::kShow:
      return Show(*client, flags, context.terminal);
    case Action::kPage:
      return ShowPage(*client, flags, context.terminal);
    case Action::kRetry:
      return Retry(*client, flags, context);
    case Action::kRemove:
      return Remove(*client, flags, context.terminal);
    case Action::kSet:
      return Set(*client, flags, context.terminal);
    case Action::kExport:
      return Export(*client, flags, context.terminal);
  }
  return absl::InternalError("unknown action");
}

}  // namespace sluice
