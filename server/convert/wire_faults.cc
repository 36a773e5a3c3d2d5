#include "server/convert/wire_faults.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/utf8_boundary.h"
#include "server/limits.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr int kMaxDepth = 100;  // the parser's own bound

// Goes through a message's bytes as its parser does, and remembers where it is.
class FaultFinder {
 public:
  explicit FaultFinder(absl::string_view bytes)
      : bytes_(bytes),
        input_(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size())) {
    // Ours count by themselves; the stream's own bound ends groups, which no message of ours has.
    input_.SetRecursionLimit(kMaxDepth);
  }

  absl::Status Find(const Descriptor& type) {
    const bool read = Message(type, "", 0);
    if (!texts_.empty()) return WithReason(FieldErrors(texts_), "NOT_UTF8");
    const std::string at = fault_.empty() ? "" : absl::StrCat(", at ", fault_);
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          "the request is no ", type.full_name(), at, ": ",
                          read ? "it cannot be parsed" : "its bytes end or go on where they must not")),
                      "MALFORMED_REQUEST");
  }

 private:
  bool Full() const { return static_cast<int64_t>(texts_.size()) >= kMaxFieldViolations; }

  bool Fail(const std::string& path) {
    fault_ = path;
    return false;
  }

  // False where the bytes cannot be read on.
  bool Message(const Descriptor& type, const std::string& path, int depth) {
    if (depth > kMaxDepth) return Fail(path);
    std::map<int, int> elements;  // seen so far, by field number
    while (!Full()) {
      const uint32_t tag = input_.ReadTag();
      if (tag == 0) return input_.ConsumedEntireMessage() ? true : Fail(path);
      const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      const bool holds_bytes =
          WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      if (field == nullptr || !holds_bytes) {
        if (!WireFormatLite::SkipField(&input_, tag)) return Fail(path);
        continue;
      }
      std::string name = path.empty() ? field->name() : absl::StrCat(path, ".", field->name());
      if (field->is_repeated()) absl::StrAppend(&name, "[", elements[field->number()]++, "]");
      if (!Bytes(*field, name, depth)) return false;
    }
    return true;
  }

  bool Bytes(const FieldDescriptor& field, const std::string& path, int depth) {
    uint32_t length = 0;
    const bool fits = input_.ReadVarint32(&length) &&
                      length <= static_cast<uint32_t>(std::numeric_limits<int>::max()) &&
                      static_cast<int>(length) <= Left();
    if (!fits) return Fail(path);
    if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
      const CodedInputStream::Limit outer = input_.PushLimit(static_cast<int>(length));
      const bool read = Message(*field.message_type(), path, depth + 1);
      input_.PopLimit(outer);
      return read;
    }
    if (field.type() == FieldDescriptor::TYPE_STRING) {
      Text(bytes_.substr(static_cast<size_t>(input_.CurrentPosition()), length), path);
    }
    return input_.Skip(static_cast<int>(length));
  }

  void Text(absl::string_view text, const std::string& path) {
    const size_t valid = WellFormedUtf8Bytes(text);
    if (valid == text.size()) return;
    texts_.push_back({path, absl::StrCat("is not UTF-8 at byte ", valid, " of ", text.size())});
  }

  int Left() const {
    const int of_message = input_.BytesUntilLimit();
    return of_message >= 0 ? of_message : static_cast<int>(bytes_.size()) - input_.CurrentPosition();
  }

  const absl::string_view bytes_;
  CodedInputStream input_;
  std::vector<FieldViolation> texts_;
  std::string fault_;
};

}  // namespace

absl::Status WhyUnreadable(const Descriptor& type, absl::string_view bytes) {
  return FaultFinder(bytes).Find(type);
}

}  // namespace sluice
