#include "client/cpp/formats/profile_file.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/spelling.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Aliases let a small file stand for a huge one.
constexpr int64_t kMaxNodes = 100'000;

// No tag, or one that YAML itself gives to texts, numbers, lists and maps. What another one asks for (a file,
// a secret, binary data) would not be done.
bool IsPlainTag(absl::string_view tag) {
  if (tag.empty() || tag == "?" || tag == "!") return true;
  constexpr absl::string_view kNames[] = {"str", "int", "float", "bool", "null", "map", "seq"};
  return absl::ConsumePrefix(&tag, "tag:yaml.org,2002:") &&
         std::find(std::begin(kNames), std::end(kNames), tag) != std::end(kNames);
}

class ProfileFiller {
 public:
  ProfileFiller(const std::string& file, ProfileFile& out) : file_(file), out_(out) {}

  absl::Status FillMessage(const YAML::Node& node, const std::string& path, Message& message);

 private:
  InputPlace PlaceOf(const YAML::Node& node) const {
    const YAML::Mark mark = node.Mark();
    if (mark.is_null()) return {file_, 1, 1};
    return {file_, mark.line + 1, mark.column + 1};
  }
  absl::Status Error(const YAML::Node& node, absl::string_view path, absl::string_view message) const {
    return InputError(PlaceOf(node), absl::StrCat(path, path.empty() ? "" : ": ", message));
  }
  absl::Status CheckNode(const YAML::Node& node, absl::string_view path);
  absl::Status UnknownKey(const YAML::Node& key, const std::string& path, const Descriptor& type) const;
  absl::Status CheckFree(const YAML::Node& key, const std::string& path, const FieldDescriptor& field,
                         const Message& message) const;
  absl::Status FillField(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                         Message& message);
  absl::Status FillList(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                        Message& message);
  absl::Status FillScalar(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                          Message& message);
  absl::StatusOr<const EnumValueDescriptor*> EnumValue(const YAML::Node& node, const std::string& path,
                                                       const EnumDescriptor& type) const;

  const std::string& file_;
  ProfileFile& out_;
  int64_t nodes_ = 0;
};

std::string Joined(const std::string& path, absl::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
}

absl::Status ProfileFiller::CheckNode(const YAML::Node& node, absl::string_view path) {
  if (!IsPlainTag(node.Tag())) {
    return Error(node, path,
                 absl::StrCat("unknown tag '", EscapeName(node.Tag()),
                              "'; values of a profile have none, so leave it out"));
  }
  if (++nodes_ <= kMaxNodes) return absl::OkStatus();
  return Error(node, "", absl::StrCat("profile has more than ", kMaxNodes, " values"));
}

absl::Status ProfileFiller::UnknownKey(const YAML::Node& key, const std::string& path,
                                       const Descriptor& type) const {
  std::vector<absl::string_view> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  std::string nearest = DidYouMean(key.Scalar(), names);
  if (nearest.empty()) nearest = absl::StrCat("; known are ", absl::StrJoin(names, ", "));
  return Error(key, path, absl::StrCat("unknown key '", EscapeName(key.Scalar()), "'", nearest));
}

absl::Status ProfileFiller::CheckFree(const YAML::Node& key, const std::string& path,
                                      const FieldDescriptor& field, const Message& message) const {
  const auto seen = out_.places.find(Joined(path, field.name()));
  if (seen != out_.places.end()) {
    return Error(key, path,
                 absl::StrCat("key '", field.name(), "' was there before, in line ", seen->second.line));
  }
  const auto* oneof = field.real_containing_oneof();
  if (oneof == nullptr) return absl::OkStatus();
  const FieldDescriptor* other = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
  if (other == nullptr) return absl::OkStatus();
  const auto other_place = out_.places.find(Joined(path, other->name()));
  return Error(key, path,
               absl::StrCat("a second ", oneof->name(), " '", field.name(), "'; '", other->name(),
                            "' is in line ", other_place->second.line, ", and there can be only one"));
}

absl::Status ProfileFiller::FillMessage(const YAML::Node& node, const std::string& path, Message& message) {
  SLUICE_RETURN_IF_ERROR(CheckNode(node, path));
  const Descriptor& type = *message.GetDescriptor();
  if (!node.IsMap()) return Error(node, path, "expected keys and values");
  for (const auto& entry : node) {
    const YAML::Node& key = entry.first;
    if (!key.IsScalar()) return Error(key, path, "a key must be a plain name");
    SLUICE_RETURN_IF_ERROR(CheckNode(key, path));
    const FieldDescriptor* field = type.FindFieldByName(key.Scalar());
    if (field == nullptr) return UnknownKey(key, path, type);
    SLUICE_RETURN_IF_ERROR(CheckFree(key, path, *field, message));
    const std::string field_path = Joined(path, field->name());
    // A value without text of its own (an empty one) has no useful mark; its key has.
    out_.places[field_path] = PlaceOf(entry.second.IsNull() ? key : entry.second);
    if (entry.second.IsNull()) return Error(key, field_path, "has no value; leave the key out instead");
    SLUICE_RETURN_IF_ERROR(FillField(entry.second, field_path, *field, message));
  }
  return absl::OkStatus();
}

absl::Status ProfileFiller::FillField(const YAML::Node& node, const std::string& path,
                                      const FieldDescriptor& field, Message& message) {
  if (field.is_repeated()) return FillList(node, path, field, message);
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return FillMessage(node, path, *message.GetReflection()->MutableMessage(&message, &field));
  }
  return FillScalar(node, path, field, message);
}

absl::Status ProfileFiller::FillList(const YAML::Node& node, const std::string& path,
                                     const FieldDescriptor& field, Message& message) {
  SLUICE_RETURN_IF_ERROR(CheckNode(node, path));
  if (!node.IsSequence()) return Error(node, path, "expected a list, such as [one, two]");
  for (size_t i = 0; i < node.size(); ++i) {
    const YAML::Node element = node[i];
    const std::string element_path = absl::StrCat(path, "[", i, "]");
    out_.places[element_path] = PlaceOf(element);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      SLUICE_RETURN_IF_ERROR(
          FillMessage(element, element_path, *message.GetReflection()->AddMessage(&message, &field)));
    } else {
      SLUICE_RETURN_IF_ERROR(FillScalar(element, element_path, field, message));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<const EnumValueDescriptor*> ProfileFiller::EnumValue(const YAML::Node& node,
                                                                    const std::string& path,
                                                                    const EnumDescriptor& type) const {
  const std::string name =
      absl::AsciiStrToUpper(absl::StrReplaceAll(node.Scalar(), {{"-", "_"}, {" ", "_"}}));
  std::vector<std::string> known;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    if (type.value(i)->name() == name) return type.value(i);
    known.push_back(absl::AsciiStrToLower(type.value(i)->name()));
  }
  return Error(node, path,
               absl::StrCat("'", EscapeName(node.Scalar()), "' is not one of ", absl::StrJoin(known, ", ")));
}

// Sets a singular field or adds to a repeated one.
template <typename Value>
void Put(Message& message, const FieldDescriptor& field, Value value,
         void (Reflection::*set)(Message*, const FieldDescriptor*, Value) const,
         void (Reflection::*add)(Message*, const FieldDescriptor*, Value) const) {
  (message.GetReflection()->*(field.is_repeated() ? add : set))(&message, &field, std::move(value));
}

absl::Status ProfileFiller::FillScalar(const YAML::Node& node, const std::string& path,
                                       const FieldDescriptor& field, Message& message) {
  SLUICE_RETURN_IF_ERROR(CheckNode(node, path));
  if (!node.IsScalar()) return Error(node, path, "expected a single value");
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      Put<std::string>(message, field, node.Scalar(), &Reflection::SetString, &Reflection::AddString);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM: {
      SLUICE_ASSIGN_OR_RETURN(const EnumValueDescriptor* value, EnumValue(node, path, *field.enum_type()));
      Put<const EnumValueDescriptor*>(message, field, value, &Reflection::SetEnum, &Reflection::AddEnum);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!YAML::convert<bool>::decode(node, value)) return Error(node, path, "expected true or false");
      Put<bool>(message, field, value, &Reflection::SetBool, &Reflection::AddBool);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      if (!YAML::convert<double>::decode(node, value) || !std::isfinite(value))
        return Error(node, path, "expected a number");
      Put<double>(message, field, value, &Reflection::SetDouble, &Reflection::AddDouble);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      if (!YAML::convert<int32_t>::decode(node, value)) return Error(node, path, "expected a whole number");
      Put<int32_t>(message, field, value, &Reflection::SetInt32, &Reflection::AddInt32);
      return absl::OkStatus();
    }
    default:
      return absl::InternalError(
          absl::StrCat("field ", field.full_name(), " has a type that profiles do not read"));
  }
}

// "batch.screen.profile.rules[2]" to "rules[2]"; "" for a path outside the profile.
absl::string_view InsideProfile(absl::string_view field) {
  constexpr absl::string_view kProfile = "profile.";
  const size_t found = field.find(kProfile);
  if (found == absl::string_view::npos || (found > 0 && field[found - 1] != '.')) return "";
  return field.substr(found + kProfile.size());
}

struct JobField {
  int64_t index = -1;
  absl::string_view field;  // inside the job, may be ""
};

// "jobs[17].posting.currency" to 17 and "posting.currency"; index -1 for another path.
JobField JobFieldOf(absl::string_view field) {
  constexpr absl::string_view kJobs = "jobs[";
  const size_t found = field.find(kJobs);
  const size_t close = field.find(']', found);
  JobField out;
  if (found == absl::string_view::npos || close == absl::string_view::npos) return out;
  if (!absl::SimpleAtoi(field.substr(found + kJobs.size(), close - found - kJobs.size()), &out.index))
    return {};
  out.field = field.substr(close + 1);
  absl::ConsumePrefix(&out.field, ".");
  return out;
}

// The place of `path`, or of the nearest thing around it.
InputPlace PlaceOfPath(const ProfileFile& profile, absl::string_view path) {
  while (!path.empty()) {
    const auto found = profile.places.find(path);
    if (found != profile.places.end()) return found->second;
    const size_t end = path.find_last_of(".[");
    path = path.substr(0, end == absl::string_view::npos ? 0 : end);
  }
  const auto root = profile.places.find("");
  return root == profile.places.end() ? InputPlace{} : root->second;
}

// Of what the document says last.
InputPlace LastScalar(YAML::Node node, const std::string& file) {
  constexpr int kMaxDepth = 1000;  // aliases can make a circle
  for (int depth = 0; depth < kMaxDepth && node.size() > 0; ++depth) {
    YAML::Node last;
    for (const auto& entry : node) last.reset(node.IsMap() ? entry.second : YAML::Node(entry));
    node.reset(last);
  }
  if (node.Mark().is_null()) return {file};
  return {file, node.Mark().line + 1, node.Mark().column + 1};
}

// yaml-cpp takes the end of the last line for a quote that is missing. Within quotes it does refuse a mark
// for the document's end, so one more is put there.
absl::Status CheckEnd(const std::string& yaml, const YAML::Node& root, const std::string& file) {
  try {
    if (YAML::LoadAll(yaml + "\n...\n").size() > 1)
      return InputError({file}, "holds several YAML documents ('---'); a profile is one");
  } catch (const YAML::Exception& error) {
    if (error.msg != YAML::ErrorMsg::DOC_IN_SCALAR) throw;
    return InputError(LastScalar(root, file), "broken YAML: a quoted value that begins here is never closed");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProfileFile> ParseProfile(absl::string_view yaml, const std::string& file) {
  if (static_cast<int64_t>(yaml.size()) > kMaxProfileFileBytes) {
    return InputError(
        {file}, absl::StrCat("profile has ", yaml.size(), " bytes; the limit is ", kMaxProfileFileBytes));
  }
  if (!IsWellFormedUtf8(yaml)) return InputError({file}, "profile is not UTF-8");
  ProfileFile out;
  out.places[""] = {file, 1, 1};
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    SLUICE_RETURN_IF_ERROR(CheckEnd(std::string(yaml), root, file));
    if (root.IsNull()) return InputError({file}, "profile is empty; it needs at least text");
    SLUICE_RETURN_IF_ERROR(ProfileFiller(file, out).FillMessage(root, "", out.profile));
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) return InputError({file}, absl::StrCat("broken YAML: ", error.msg));
    return InputError({file, error.mark.line + 1, error.mark.column + 1},
                      absl::StrCat("broken YAML: ", error.msg));
  }
  return out;
}

absl::StatusOr<ProfileFile> ReadProfileFile(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
  std::string yaml;
  for (int byte = source->Next(); byte != ByteSource::kEnd; byte = source->Next()) {
    if (static_cast<int64_t>(yaml.size()) > kMaxProfileFileBytes) break;
    yaml.push_back(static_cast<char>(byte));
  }
  SLUICE_RETURN_IF_ERROR(source->status());
  return ParseProfile(yaml, path);
}

absl::Status WithInputPlaces(const absl::Status& status, const ProfileFile& profile,
                             absl::FunctionRef<std::optional<InputPlace>(int64_t job)> job_place) {
  std::vector<std::string> lines;
  for (const FieldViolation& violation : FieldViolationsOf(status)) {
    std::string where = violation.field;
    const JobField job = JobFieldOf(violation.field);
    if (const absl::string_view path = InsideProfile(violation.field); !path.empty()) {
      where = absl::StrCat(PlaceText(PlaceOfPath(profile, path)), ": ", path);
    } else if (const auto place = job.index >= 0 ? job_place(job.index) : std::nullopt; place.has_value()) {
      where = absl::StrCat(PlaceText(*place), job.field.empty() ? "" : ": ", job.field);
    }
    lines.push_back(EscapeText(absl::StrCat(where, ": ", violation.description)));
  }
  if (lines.empty()) return status;
  return WithMessage(status, absl::StrJoin(lines, "\n"));
}

}  // namespace sluice
