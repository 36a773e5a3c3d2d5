// JsonLine: JSON written as it is said, into one string, without a tree of values in between.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace sluice {

// The caller keeps to the grammar: in an object a Key before every value. A value; not thread-safe.
//
//   JsonLine line;
//   line.BeginObject().Key("id").Text("a").Key("scores").BeginArray().Real(0.5).EndArray().EndObject();
//   line.Take();  // {"id":"a","scores":[0.5]}
class JsonLine {
 public:
  JsonLine& BeginObject() { return Begin('{'); }
  JsonLine& EndObject() { return End('}'); }
  JsonLine& BeginArray() { return Begin('['); }
  JsonLine& EndArray() { return End(']'); }

  // `name` is written as it is: ASCII without quotes, backslashes and control characters.
  JsonLine& Key(absl::string_view name);

  // What is not UTF-8 is replaced by U+FFFD, byte by byte. What steers a terminal (terminal_text.h) is
  // written as an escape, which reads back as it was.
  JsonLine& Text(absl::string_view text);
  JsonLine& Integer(int64_t number);
  // The shortest decimal that reads back as `number`, always with a point or an exponent; null when it is not
  // finite.
  JsonLine& Real(double number);
  JsonLine& Boolean(bool value);
  JsonLine& Null();

  std::string Take() && { return std::move(out_); }

 private:
  JsonLine& Begin(char bracket);
  JsonLine& End(char bracket);
  JsonLine& Raw(absl::string_view value);
  void Separate();

  std::string out_;
  bool needs_comma_ = false;
};

}  // namespace sluice
