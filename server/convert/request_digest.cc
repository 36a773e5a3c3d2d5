#include "server/convert/request_digest.h"

#include <bit>
#include <cstdint>
#include <vector>

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr uint64_t kEndOfMessage = 0;  // no field has this number
constexpr size_t kBufferBytes = 4096;

class Walk {
 public:
  explicit Walk(Sha256& sha256) : sha256_(sha256) { buffer_.reserve(kBufferBytes); }
  ~Walk() { sha256_.Update(buffer_); }

  void AddMessage(const Message& message, absl::string_view skipped_field) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);  // set ones, in the order of their numbers
    for (const FieldDescriptor* field : fields) {
      if (absl::string_view(field->name()) == skipped_field) continue;
      const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
      AddNumber(static_cast<uint64_t>(field->number()));
      AddNumber(static_cast<uint64_t>(count));
      for (int i = 0; i < count; ++i) AddValue(message, field, i);
    }
    AddNumber(kEndOfMessage);
  }

 private:
  void AddNumber(uint64_t number) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
    AddBytes(absl::string_view(bytes, sizeof(bytes)));
  }

  void AddString(const std::string& text) {
    AddNumber(text.size());
    AddBytes(text);
  }

  // Most pieces are a few bytes: handed on one by one, they would cost more than their digest.
  void AddBytes(absl::string_view bytes) {
    if (buffer_.size() + bytes.size() > kBufferBytes) {
      sha256_.Update(buffer_);
      buffer_.clear();
    }
    if (bytes.size() > kBufferBytes) return sha256_.Update(bytes);
    buffer_.append(bytes.data(), bytes.size());
  }

  // -0.0 and 0.0 differ here, as they do on the wire.
  void AddDouble(double number) { AddNumber(std::bit_cast<uint64_t>(number)); }

  void AddValue(const Message& message, const FieldDescriptor* field, int i) {
    const Reflection& get = *message.GetReflection();
    const bool many = field->is_repeated();
    std::string scratch;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return AddNumber(static_cast<uint64_t>(
            int64_t{many ? get.GetRepeatedInt32(message, field, i) : get.GetInt32(message, field)}));
      case FieldDescriptor::CPPTYPE_INT64:
        return AddNumber(static_cast<uint64_t>(many ? get.GetRepeatedInt64(message, field, i)
                                                    : get.GetInt64(message, field)));
      case FieldDescriptor::CPPTYPE_UINT32:
        return AddNumber(many ? get.GetRepeatedUInt32(message, field, i) : get.GetUInt32(message, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return AddNumber(many ? get.GetRepeatedUInt64(message, field, i) : get.GetUInt64(message, field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return AddDouble(many ? get.GetRepeatedDouble(message, field, i) : get.GetDouble(message, field));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return AddDouble(many ? get.GetRepeatedFloat(message, field, i) : get.GetFloat(message, field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return AddNumber((many ? get.GetRepeatedBool(message, field, i) : get.GetBool(message, field)) ? 1
                                                                                                       : 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return AddNumber(static_cast<uint64_t>(
            int64_t{many ? get.GetRepeatedEnumValue(message, field, i) : get.GetEnumValue(message, field)}));
      case FieldDescriptor::CPPTYPE_STRING:
        return AddString(many ? get.GetRepeatedStringReference(message, field, i, &scratch)
                              : get.GetStringReference(message, field, &scratch));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return AddMessage(many ? get.GetRepeatedMessage(message, field, i) : get.GetMessage(message, field),
                          "");
    }
  }

  Sha256& sha256_;
  std::string buffer_;
};

}  // namespace

void RequestDigest::Add(const Message& message, const char* skipped_field) {
  Walk(sha256_).AddMessage(message, skipped_field);
}

}  // namespace sluice
