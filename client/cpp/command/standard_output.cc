#include "client/cpp/command/standard_output.h"

#include "absl/strings/string_view.h"
#include "core/base/descriptors.h"

namespace sluice {
namespace {

constexpr size_t kWaitingBytes = 64 << 10;

}  // namespace

StandardOutput::int_type StandardOutput::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char byte = traits_type::to_char_type(c);
  return xsputn(&byte, 1) == 1 ? c : traits_type::eof();
}

std::streamsize StandardOutput::xsputn(const char* text, std::streamsize size) {
  if (error_) return 0;
  waiting_.append(text, static_cast<size_t>(size));
  if (!options_.line_by_line && waiting_.size() < kWaitingBytes) return size;
  const size_t newline = waiting_.rfind('\n');
  if (newline == std::string::npos) return size;
  return WriteWaiting(newline + 1) ? size : 0;
}

int StandardOutput::sync() {
  return WriteWaiting(waiting_.size()) ? 0 : -1;
}

bool StandardOutput::WriteWaiting(size_t bytes) {
  if (error_) return false;
  error_ = WriteAll(options_.descriptor, absl::string_view(waiting_).substr(0, bytes));
  waiting_.erase(0, bytes);
  if (!error_) return true;
  if (options_.failed) options_.failed();
  return false;
}

}  // namespace sluice
