#include "client/cpp/formats/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/foreign_format.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::HasSubstr;

class ByteSourceTest : public testing::Test {
 protected:
  // All of it, or the error.
  absl::StatusOr<std::string> Read(absl::string_view content) {
    auto source = ByteSource::Open(directory_.Write("in", content));
    if (!source.ok()) return source.status();
    std::string all;
    for (int byte = (*source)->Next(); byte != ByteSource::kEnd; byte = (*source)->Next())
      all.push_back(static_cast<char>(byte));
    if (!(*source)->status().ok()) return (*source)->status();
    return all;
  }

  std::string OpenError(const std::string& path, absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    const absl::Status status = ByteSource::Open(path).status();
    EXPECT_EQ(status.code(), code) << status;
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
};

std::string Utf16(absl::string_view ascii, bool big, bool mark) {
  std::string out = !mark ? "" : big ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : ascii) out.append(big ? std::string{'\0', c} : std::string{c, '\0'});
  return out;
}

TEST_F(ByteSourceTest, Utf16IsGivenAsUtf8WithOrWithoutItsMark) {
  const std::string text = absl::StrCat("id,title\r\n", std::string(200'000, 'x'), "\n1,Cook\n");
  for (const bool big : {false, true}) {
    for (const bool mark : {false, true}) {
      const auto read = Read(Utf16(text, big, mark));
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(*read, text);
    }
  }
  // K, o umlaut, and a character beyond 16 bits.
  EXPECT_EQ(*Read(absl::string_view("\xFF\xFEK\0\xF6\0\x3D\xD8\x00\xDE", 10)), "K\u00F6\U0001F600");
}

TEST_F(ByteSourceTest, BrokenUtf16IsSaidToBeSo) {
  for (const absl::string_view text :
       {absl::string_view("\xFF\xFEi\0\x3D\xD8", 6), absl::string_view("\xFF\xFEi\0d", 5),
        absl::string_view("\xFF\xFE\x00\xDEi\0", 6)}) {
    EXPECT_THAT(std::string(Read(text).status().message()), HasSubstr("broken UTF-16"));
  }
}

TEST_F(ByteSourceTest, LinesThatEndWithACarriageReturnAloneAreLines) {
  EXPECT_EQ(*Read("a,b\r1,2\r"), "a,b\n1,2\n");
  EXPECT_EQ(*Read("a,b\r\n1,2\r\n"), "a,b\r\n1,2\r\n");
}

TEST_F(ByteSourceTest, WhatWasPutBackComesOnceMoreOnItsLine) {
  auto source = ByteSource::OfText("ab\ncd\n", "in");
  std::string taken;
  for (int i = 0; i < 5; ++i) taken.push_back(static_cast<char>(source->Next()));
  source->PutBack(absl::string_view(taken).substr(1));
  EXPECT_EQ(source->line(), 1);
  std::string line;
  ASSERT_TRUE(*source->ReadLine(line, 100));
  EXPECT_EQ(line, "b");
  ASSERT_TRUE(*source->ReadLine(line, 100));
  EXPECT_EQ(line, "cd");
}

TEST_F(ByteSourceTest, ALineThatIsTooLongIsPassedOver) {
  auto source = ByteSource::OfText("aaaa\nb\n", "in");
  std::string line;
  EXPECT_EQ(source->ReadLine(line, 3).status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(*source->ReadLine(line, 3));
  EXPECT_EQ(line, "b");
}

// What the system said, with the path.
TEST_F(ByteSourceTest, PathsThatDoNotOpenAreSaidAsTheSystemSaysThem) {
  EXPECT_THAT(OpenError(directory_.Path("none"), absl::StatusCode::kNotFound),
              HasSubstr("none: no such file"));
  EXPECT_THAT(OpenError("-", absl::StatusCode::kNotFound), HasSubstr("standard input is not read"));
  std::filesystem::create_symlink(directory_.Path("loop"), directory_.Path("loop"));
  EXPECT_THAT(OpenError(directory_.Path("loop")), HasSubstr("loop: Too many levels of symbolic links"));
  std::filesystem::create_symlink("gone.csv", directory_.Path("dangling"));
  EXPECT_THAT(OpenError(directory_.Path("dangling"), absl::StatusCode::kNotFound),
              HasSubstr("dangling: a symbolic link to gone.csv, which is not there"));
  EXPECT_THAT(OpenError(directory_.Write("file", "x") + "/below"), HasSubstr("Not a directory"));
  EXPECT_THAT(OpenError(directory_.Path("")), HasSubstr("is a directory"));
  EXPECT_THAT(OpenError(directory_.Path(std::string(300, 'x'))), HasSubstr("File name too long"));
  ASSERT_EQ(mkfifo(directory_.Path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(OpenError(directory_.Path("fifo")), HasSubstr("not a regular file"));
}

TEST_F(ByteSourceTest, OtherFormatsAreRefusedByTheirNames) {
  const std::string tail(64, '\0');
  const std::pair<std::string, const char*> kCases[] = {
      {"PAR1\x15\x04" + tail, "a Parquet file"},
      {"ARROW1" + tail, "an Arrow"},
      {"Obj\x01\x04" + tail, "an Avro file"},
      {std::string("SQLite format 3\0", 16) + tail, "an SQLite database"},
      {"\x1F\x8B\x08" + tail, "gzip-compressed; unpack it first (gunzip)"},
      {"BZh91AY&SY" + tail, "bzip2-compressed"},
      {"\xFD"
       "7zXZ" +
           tail,
       "xz-compressed"},
      {"\x28\xB5\x2F\xFD" + tail, "zstd-compressed"},
      {"PK\x03\x04" + tail + "[Content_Types].xml" + tail + "xl/workbook.xml", "an Excel workbook (.xlsx)"},
      {"PK\x03\x04" + tail + "word/document.xml", "a Word document"},
      {"PK\x03\x04" + tail + "mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
       "a LibreOffice spreadsheet"},
      {"PK\x03\x04" + tail + "jobs.csv", "a ZIP archive"},
      {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + tail, "an old Excel or Word file"},
      {"%PDF-1.7\n%\xE2\xE3\n", "a PDF document"},
      {"{\\rtf1\\ansi Jobs}", "an RTF document"},
      {"\x89PNG\r\n\x1A\n" + tail, "a PNG picture"},
      {"\x93NUMPY\x01" + tail, "a NumPy file"},
      {"\x80\x04\x95" + tail, "a Python pickle"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"},
      {"<?xml version=\"1.0\"?><rss version=\"2.0\"><channel/></rss>", "an RSS feed"},
      {std::string("\xFF\xFE\0\0i\0\0\0", 8), "UTF-32"},
      {std::string(300, '\x01'), "binary data"}};
  for (const auto& [content, name] : kCases) {
    EXPECT_THAT(OpenError(directory_.Write("in", content)), HasSubstr(name));
  }
}

TEST(ForeignFormat, TextIsNone) {
  for (const char* text :
       {"", "id,title\n", "{\"title\":\"x\"}", "PARIS is a town", "BZh is no word", "Objects\n",
        "<?xml version=\"1.0\"?><!DOCTYPE html><html/>", "ORC slayer wanted"}) {
    EXPECT_FALSE(ForeignFormat(text).has_value()) << text;
  }
  // One stray NUL makes no binary.
  EXPECT_FALSE(ForeignFormat(absl::string_view("id,title\n1,Ja\0va\n", 17)).has_value());
}

}  // namespace
}  // namespace sluice
