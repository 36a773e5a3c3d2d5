#include "client/cpp/formats/foreign_format.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

struct Magic {
  // `text` may hold NULs.
  template <size_t kBytes>
  constexpr Magic(const char (&text)[kBytes], absl::string_view name_in, absl::string_view advice_in)
      : bytes(text, kBytes - 1), name(name_in), advice(advice_in) {}

  absl::string_view bytes;
  absl::string_view name;
  absl::string_view advice;
};

constexpr absl::string_view kTable = "write it as CSV or JSON lines first";
constexpr absl::string_view kDocument = "write its text to a text file first";
constexpr absl::string_view kUnpack = "unpack it first";
constexpr absl::string_view kNoText = "only text is read here";

constexpr Magic kMagics[] = {{"PAR1", "a Parquet file", kTable},
                             {"PARE", "an encrypted Parquet file", kTable},
                             {"ARROW1", "an Arrow (Feather) file", kTable},
                             {"FEA1", "a Feather file", kTable},
                             {"\xFF\xFF\xFF\xFF", "an Arrow stream", kTable},
                             {"Obj\x01", "an Avro file", kTable},
                             {"ORC\x08", "an ORC file", kTable},
                             {"ORC\x0A", "an ORC file", kTable},
                             {"SQLite format 3\0", "an SQLite database", kTable},
                             {"\x89HDF\r\n\x1A\n", "an HDF5 file", kTable},
                             {"\x93NUMPY", "a NumPy file", kTable},
                             {"\x80\x02", "a Python pickle", kTable},
                             {"\x80\x03", "a Python pickle", kTable},
                             {"\x80\x04", "a Python pickle", kTable},
                             {"\x80\x05", "a Python pickle", kTable},
                             {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Excel or Word file (.xls, .doc)",
                              "save it as CSV (UTF-8) first"},
                             {"<stata_dta>", "a Stata file", kTable},
                             {"$FL2", "an SPSS file", kTable},
                             {"\x1F\x8B", "gzip-compressed", "unpack it first (gunzip)"},
                             {"\x28\xB5\x2F\xFD", "zstd-compressed", "unpack it first (unzstd)"},
                             {"\xFD"
                              "7zXZ\0",
                              "xz-compressed", "unpack it first (unxz)"},
                             {"\x04\x22\x4D\x18", "lz4-compressed", "unpack it first (unlz4)"},
                             {"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", kUnpack},
                             {"Rar!\x1A\x07", "a RAR archive", kUnpack},
                             {"%PDF-", "a PDF document", kDocument},
                             {"%!PS", "a PostScript document", kDocument},
                             {"{\\rtf", "an RTF document", kDocument},
                             {"\x89PNG\r\n\x1A\n", "a PNG picture", kNoText},
                             {"\xFF\xD8\xFF", "a JPEG picture", kNoText},
                             {"GIF8", "a GIF picture", kNoText},
                             {"\x7F"
                              "ELF",
                              "a program", kNoText},
                             {"bplist00", "a binary property list", kTable},
                             {"version https://git-lfs.github.com/spec/",
                              "a Git LFS pointer, not the file itself", "fetch it first (git lfs pull)"},
                             {"\xFF\xFE\0\0", "UTF-32 text", "save it as UTF-8 first"},
                             {"\0\0\xFE\xFF", "UTF-32 text", "save it as UTF-8 first"}};

std::string Said(absl::string_view name, absl::string_view advice) {
  return absl::StrCat("is ", name, "; ", advice);
}

// "BZh9" and a block or the end; alone, the four letters could begin a text.
bool IsBzip2(absl::string_view prefix) {
  constexpr size_t kLevelBytes = 4;
  if (!absl::StartsWith(prefix, "BZh") || prefix.size() < kLevelBytes) return false;
  const absl::string_view block = prefix.substr(kLevelBytes);
  return absl::StartsWith(block, "1AY&SY") || absl::StartsWith(block, "\x17\x72\x45\x38\x50\x90");
}

// Office's files are ZIP archives; their first entries tell which.
std::optional<std::string> ZipFormat(absl::string_view prefix) {
  if (!absl::StartsWith(prefix, "PK\x03\x04") && !absl::StartsWith(prefix, "PK\x05\x06")) return std::nullopt;
  if (absl::StrContains(prefix, "opendocument.spreadsheet"))
    return Said("a LibreOffice spreadsheet (.ods)", "save it as CSV first");
  if (absl::StrContains(prefix, "opendocument.text")) return Said("a LibreOffice document (.odt)", kDocument);
  if (absl::StrContains(prefix, "xl/"))
    return Said("an Excel workbook (.xlsx)", "save it as CSV (UTF-8) first");
  if (absl::StrContains(prefix, "word/")) return Said("a Word document (.docx)", kDocument);
  if (absl::StrContains(prefix, "[Content_Types].xml"))
    return Said("an Office file", "save it as CSV (UTF-8) first");
  return Said("a ZIP archive", "unpack it first (unzip)");
}

// A page written as XML is a page.
std::optional<std::string> XmlFormat(absl::string_view prefix) {
  if (!absl::StartsWith(prefix, "<?xml") || absl::StrContains(absl::AsciiStrToLower(prefix), "<html"))
    return std::nullopt;
  if (absl::StrContains(prefix, "<rss")) return Said("an RSS feed (XML)", kTable);
  if (absl::StrContains(prefix, "<feed")) return Said("an Atom feed (XML)", kTable);
  if (absl::StrContains(prefix, "<Workbook")) return Said("an XML spreadsheet", "save it as CSV first");
  return Said("XML", kTable);
}

// Text may hold a stray control character or NUL; one in eight is no text.
bool IsBinary(absl::string_view prefix) {
  constexpr size_t kLookedAt = 4096, kOneOf = 8;
  const absl::string_view begin = prefix.substr(0, kLookedAt);
  const auto controls = std::count_if(begin.begin(), begin.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f' && byte != 0x1B) ||
           byte == 0x7F;
  });
  return static_cast<size_t>(controls) * kOneOf > begin.size();
}

}  // namespace

std::optional<std::string> ForeignFormat(absl::string_view prefix) {
  for (const Magic& magic : kMagics) {
    if (absl::StartsWith(prefix, magic.bytes)) return Said(magic.name, magic.advice);
  }
  constexpr size_t kTarMagicAt = 257;
  if (prefix.size() > kTarMagicAt && absl::StartsWith(prefix.substr(kTarMagicAt), "ustar"))
    return Said("a tar archive", kUnpack);
  if (IsBzip2(prefix)) return Said("bzip2-compressed", "unpack it first (bunzip2)");
  if (std::optional<std::string> zip = ZipFormat(prefix); zip.has_value()) return zip;
  if (std::optional<std::string> xml = XmlFormat(prefix); xml.has_value()) return xml;
  if (IsBinary(prefix)) return Said("binary data in a format that is not known", kNoText);
  return std::nullopt;
}

}  // namespace sluice
