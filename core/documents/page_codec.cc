#include <utility>

#include "core/base/error_details.h"
#include "core/documents/page.h"
#include "core/documents/wire_bytes.h"

namespace sluice {
namespace {

constexpr uint8_t kPageFormat = 1;
constexpr uint8_t kFactsFormat = 1;

// The least bytes that one of each takes: what a count is checked against.
constexpr size_t kLeastLine = 4 * sizeof(float) + sizeof(uint32_t) + sizeof(float) + sizeof(uint8_t);
constexpr size_t kLeastBlock = sizeof(uint8_t) + sizeof(int32_t) + 4 * sizeof(float) + sizeof(uint32_t);
constexpr size_t kLeastText = sizeof(uint32_t);
constexpr size_t kLeastEntry = 2 * sizeof(int32_t) + sizeof(uint32_t) + sizeof(float);

constexpr uint8_t kBold = 1;
constexpr uint8_t kItalic = 2;
constexpr uint8_t kMonospace = 4;
constexpr uint8_t kJoinsNext = 8;

void Write(ByteWriter& writer, const Box& box) {
  writer.Number(box.left);
  writer.Number(box.top);
  writer.Number(box.right);
  writer.Number(box.bottom);
}

Box ReadBox(ByteReader& reader) {
  Box box;
  box.left = reader.Number<float>();
  box.top = reader.Number<float>();
  box.right = reader.Number<float>();
  box.bottom = reader.Number<float>();
  return box;
}

void Write(ByteWriter& writer, const Line& line) {
  Write(writer, line.box);
  writer.Text(line.text);
  writer.Number(line.font_size);
  writer.Number(static_cast<uint8_t>((line.bold ? kBold : 0) | (line.italic ? kItalic : 0) |
                                     (line.monospace ? kMonospace : 0) | (line.joins_next ? kJoinsNext : 0)));
}

Line ReadLine(ByteReader& reader) {
  Line line;
  line.box = ReadBox(reader);
  line.text = reader.Text();
  line.font_size = reader.Number<float>();
  const auto flags = reader.Number<uint8_t>();
  line.bold = (flags & kBold) != 0;
  line.italic = (flags & kItalic) != 0;
  line.monospace = (flags & kMonospace) != 0;
  line.joins_next = (flags & kJoinsNext) != 0;
  return line;
}

void Write(ByteWriter& writer, const Block& block) {
  writer.Number(static_cast<uint8_t>(block.kind));
  writer.Number(static_cast<int32_t>(block.level));
  Write(writer, block.box);
  writer.Number(static_cast<uint32_t>(block.lines.size()));
  for (const Line& line : block.lines) Write(writer, line);
}

// False for a kind that there is not.
bool ReadBlock(ByteReader& reader, Block& block) {
  const auto kind = reader.Number<uint8_t>();
  if (kind < static_cast<uint8_t>(BlockKind::kParagraph) ||
      kind > static_cast<uint8_t>(BlockKind::kPageNumber)) {
    return false;
  }
  block.kind = static_cast<BlockKind>(kind);
  block.level = reader.Number<int32_t>();
  block.box = ReadBox(reader);
  const uint32_t lines = reader.Count(kLeastLine);
  block.lines.reserve(lines);
  for (uint32_t line = 0; line < lines; ++line) block.lines.push_back(ReadLine(reader));
  return true;
}

bool ReadDecision(ByteReader& reader, PageDecision& decision) {
  const auto source = reader.Number<uint8_t>();
  if (source < static_cast<uint8_t>(PageSource::kText) || source > static_cast<uint8_t>(PageSource::kBlank)) {
    return false;
  }
  decision.source = static_cast<PageSource>(source);
  decision.reason = reader.Text();
  decision.score = reader.Number<float>();
  return true;
}

bool ReadPage(ByteReader& reader, Page& page) {
  page.number = reader.Number<int32_t>();
  page.width = reader.Number<float>();
  page.height = reader.Number<float>();
  page.rotation = reader.Number<int32_t>();
  const uint32_t blocks = reader.Count(kLeastBlock);
  page.blocks.resize(blocks);
  for (Block& block : page.blocks) {
    if (!ReadBlock(reader, block)) return false;
  }
  if (!ReadDecision(reader, page.decision)) return false;
  const uint32_t degraded = reader.Count(kLeastText);
  for (uint32_t reason = 0; reason < degraded; ++reason) page.degraded.push_back(reader.Text());
  page.language = reader.Text();
  page.label = reader.Text();
  page.raw_key = reader.Text();
  return reader.ok() && reader.at_end();
}

absl::Status NotOurs(absl::string_view what) {
  return WithReason(absl::DataLossError(what), "DAMAGED_RECORD");
}

}  // namespace

std::string EncodePage(const Page& page) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(kPageFormat);
  writer.Number(static_cast<int32_t>(page.number));
  writer.Number(page.width);
  writer.Number(page.height);
  writer.Number(static_cast<int32_t>(page.rotation));
  writer.Number(static_cast<uint32_t>(page.blocks.size()));
  for (const Block& block : page.blocks) Write(writer, block);
  writer.Number(static_cast<uint8_t>(page.decision.source));
  writer.Text(page.decision.reason);
  writer.Number(page.decision.score);
  writer.Number(static_cast<uint32_t>(page.degraded.size()));
  for (const std::string& reason : page.degraded) writer.Text(reason);
  writer.Text(page.language);
  writer.Text(page.label);
  writer.Text(page.raw_key);
  return bytes;
}

absl::StatusOr<Page> DecodePage(absl::string_view bytes) {
  ByteReader reader(bytes);
  Page page;
  if (reader.Number<uint8_t>() != kPageFormat || !ReadPage(reader, page)) {
    return NotOurs("these bytes are no page of this release");
  }
  return page;
}

std::string EncodeFacts(const DocumentFacts& facts) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(kFactsFormat);
  writer.Text(facts.format);
  writer.Number(static_cast<int32_t>(facts.pages));
  writer.Text(facts.title);
  writer.Text(facts.author);
  writer.Number(static_cast<uint32_t>(facts.outline.size()));
  for (const OutlineEntry& entry : facts.outline) {
    writer.Number(static_cast<int32_t>(entry.level));
    writer.Text(entry.title);
    writer.Number(static_cast<int32_t>(entry.page));
    writer.Number(entry.top);
  }
  return bytes;
}

absl::StatusOr<DocumentFacts> DecodeFacts(absl::string_view bytes) {
  ByteReader reader(bytes);
  DocumentFacts facts;
  const auto format = reader.Number<uint8_t>();
  facts.format = reader.Text();
  facts.pages = reader.Number<int32_t>();
  facts.title = reader.Text();
  facts.author = reader.Text();
  facts.outline.resize(reader.Count(kLeastEntry));
  for (OutlineEntry& entry : facts.outline) {
    entry.level = reader.Number<int32_t>();
    entry.title = reader.Text();
    entry.page = reader.Number<int32_t>();
    entry.top = reader.Number<float>();
  }
  if (format != kFactsFormat || !reader.ok() || !reader.at_end()) {
    return NotOurs("these bytes are no facts of a document of this release");
  }
  return facts;
}

}  // namespace sluice
