#include "client/cpp/command/ranked_results.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/command/verdict_json.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr int kPageResults = 256;
constexpr int kTableRows = 20;

// A file that appears under its name only once it is whole; without a path, nothing.
class ResultFile {
 public:
  explicit ResultFile(std::string path) : path_(std::move(path)) {
    if (wanted()) stream_.open(Partial(), std::ios::binary | std::ios::trunc);
  }
  ~ResultFile() {
    if (wanted() && !finished_) std::remove(Partial().c_str());
  }

  bool wanted() const { return !path_.empty(); }
  void Add(const v1::JobResult& result) {
    if (wanted()) stream_ << ResultJson(result) << '\n';
  }
  absl::Status Check() const { return wanted() && !stream_ ? Error() : absl::OkStatus(); }
  absl::Status Finish() {
    if (!wanted()) return absl::OkStatus();
    stream_.close();
    if (!stream_ || std::rename(Partial().c_str(), path_.c_str()) != 0) return Error();
    finished_ = true;
    return absl::OkStatus();
  }

 private:
  std::string Partial() const { return path_ + ".partial"; }
  absl::Status Error() const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", std::strerror(errno)));
  }

  const std::string path_;
  std::ofstream stream_;
  bool finished_ = false;
};

// Calls `take` for every result, best first, until it says it has enough.
absl::Status ForEachRanked(Client& client, const std::string& batch,
                           absl::FunctionRef<bool(const v1::JobResult&)> take) {
  v1::ListResultsRequest request;
  request.set_name(batch);
  request.set_page_size(kPageResults);
  request.set_order_by("score");
  do {
    SLUICE_ASSIGN_OR_RETURN(const v1::ListResultsResponse page, client.ListResults(request));
    for (const v1::JobResult& result : page.results()) {
      if (!take(result)) return absl::OkStatus();
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace

absl::Status PrintRankedResults(Client& client, const RankedResultsOptions& options,
                                const Headlines& headlines, Terminal& terminal) {
  ResultFile file(options.output);
  SLUICE_RETURN_IF_ERROR(file.Check());
  const TableStyle style{terminal.out_is_terminal, terminal.columns};
  const int most = options.top.value_or(options.json ? std::numeric_limits<int>::max() : kTableRows);
  if (!options.json) terminal.out << TableHeader(style);
  int shown = 0;
  SLUICE_RETURN_IF_ERROR(ForEachRanked(client, options.batch, [&](const v1::JobResult& result) {
    file.Add(result);
    if (shown < most && options.json) {
      terminal.out << ResultJson(result) << '\n';
    } else if (shown < most) {
      const auto headline = headlines.find(result.id());
      terminal.out << TableRow(result, headline == headlines.end() ? Headline() : headline->second, style);
    }
    return ++shown < most || file.wanted();
  }));
  terminal.out << std::flush;
  return file.Finish();
}

}  // namespace sluice
