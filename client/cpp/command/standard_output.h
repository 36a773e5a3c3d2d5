// StandardOutput: the stream that a command's results go to, which knows whether they arrived.
#pragma once

#include <functional>
#include <ostream>
#include <streambuf>
#include <string>
#include <system_error>
#include <utility>

namespace sluice {

// Keeps text until there is enough of it and writes whole lines, so that another writer to the same
// descriptor cannot cut one. The first write that fails is remembered, and the stream is bad from then on.
// Nothing is written by the destructor: whoever does not flush does not want to know. Not thread-safe.
class StandardOutput final : private std::streambuf {
 public:
  struct Options {
    int descriptor = 1;
    bool line_by_line = false;     // for a terminal: every line is written as soon as it is whole
    std::function<void()> failed;  // called once, within the write that failed; must not throw
  };

  explicit StandardOutput(Options options) : options_(std::move(options)), stream_(this) {}

  std::ostream& stream() { return stream_; }
  // Why the first write failed; zero when none did. Lives as long as this.
  const std::error_code& error() const { return error_; }

 private:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;
  bool WriteWaiting(size_t bytes);

  const Options options_;
  std::ostream stream_;
  std::string waiting_;
  std::error_code error_;
};

}  // namespace sluice
