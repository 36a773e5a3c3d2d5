#include "core/documents/parser/parser_loop.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/documents/parser/parser_protocol.h"

namespace sluice {
namespace {

// A file in memory, read as it is looked at.
class MappedFile {
 public:
  static absl::StatusOr<std::unique_ptr<MappedFile>> Map(OpenFile file) {
    struct stat found;
    if (!file.is_open() || fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
      return absl::InternalError("the request came without a regular file");
    }
    const auto size = static_cast<size_t>(found.st_size);
    if (size == 0) return std::unique_ptr<MappedFile>(new MappedFile(nullptr, 0));
    void* const start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED) {
      return WithReason(absl::ResourceExhaustedError(absl::StrCat(
                            "the file of ", size, " bytes does not fit into the parser's memory")),
                        "PARSER_MEMORY");
    }
    return std::unique_ptr<MappedFile>(new MappedFile(start, size));
  }
  ~MappedFile() {
    if (start_ != nullptr) munmap(start_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  absl::string_view bytes() const { return {static_cast<const char*>(start_), size_}; }

 private:
  MappedFile(void* start, size_t size) : start_(start), size_(size) {}
  void* const start_;
  const size_t size_;
};

class Parser {
 public:
  Parser(int socket, const OpenDocumentFunction& open) : socket_(socket), open_(open) {}

  absl::Status Answer(ParserMessage request) {
    switch (request.type) {
      case ParserMessageType::kOpen:
        return AnswerOpen(std::move(request));
      case ParserMessageType::kRead:
        return AnswerRead(request.body);
      case ParserMessageType::kDraw:
        return AnswerDraw(request.body);
      default:
        return absl::InternalError("no request");
    }
  }

 private:
  absl::Status AnswerOpen(ParserMessage request) {
    reader_.reset();  // before its bytes go
    SLUICE_ASSIGN_OR_RETURN(const OpenBody body, DecodeOpen(request.body));
    absl::StatusOr<std::unique_ptr<MappedFile>> file = MappedFile::Map(std::move(request.file));
    if (!file.ok()) return SendMessage(socket_, ParserMessageType::kError, EncodeError(file.status()));
    file_ = *std::move(file);
    absl::StatusOr<std::unique_ptr<DocumentReader>> reader = open_({.bytes = file_->bytes(),
                                                                    .format = body.format,
                                                                    .file_name = body.file_name,
                                                                    .password = body.password,
                                                                    .max_pages = body.max_pages});
    if (!reader.ok()) return SendMessage(socket_, ParserMessageType::kError, EncodeError(reader.status()));
    reader_ = *std::move(reader);
    return SendMessage(socket_, ParserMessageType::kFacts, EncodeFacts(reader_->facts()));
  }

  absl::Status AnswerRead(absl::string_view request) {
    SLUICE_ASSIGN_OR_RETURN(const ReadBody body, DecodeRead(request));
    if (reader_ == nullptr) return absl::InternalError("no document is open");
    for (int number = body.first; number < body.first + body.count; ++number) {
      const absl::StatusOr<Page> page = reader_->ReadPage(number);
      SLUICE_RETURN_IF_ERROR(page.ok()
                                 ? SendMessage(socket_, ParserMessageType::kPage,
                                               EncodePageBody({.number = number, .page = EncodePage(*page)}))
                                 : SendMessage(socket_, ParserMessageType::kPageError,
                                               EncodePageError({.number = number, .error = page.status()})));
    }
    return SendMessage(socket_, ParserMessageType::kDone, "");
  }

  absl::Status AnswerDraw(absl::string_view request) {
    SLUICE_ASSIGN_OR_RETURN(const DrawBody body, DecodeDraw(request));
    if (reader_ == nullptr) return absl::InternalError("no document is open");
    const absl::StatusOr<std::string> picture =
        reader_->DrawPage(body.number, {.max_width = body.max_width, .max_height = body.max_height});
    if (!picture.ok()) return SendMessage(socket_, ParserMessageType::kError, EncodeError(picture.status()));
    return SendMessage(socket_, ParserMessageType::kPicture, *picture);
  }

  const int socket_;
  const OpenDocumentFunction& open_;
  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<DocumentReader> reader_;
};

}  // namespace

void RunParser(int socket, const std::string& greeting, const OpenDocumentFunction& open) {
  if (!SendMessage(socket, ParserMessageType::kHello, greeting).ok()) return;
  Parser parser(socket, open);
  while (true) {
    absl::StatusOr<ParserMessage> request = ReceiveMessage(socket, absl::InfiniteDuration(), NeverCancelled);
    if (!request.ok() || !parser.Answer(*std::move(request)).ok()) return;
  }
}

}  // namespace sluice
