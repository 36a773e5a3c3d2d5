#include <algorithm>

#include "absl/strings/match.h"
#include "core/base/sha256.h"
#include "core/documents/page.h"

namespace sluice {
namespace {

bool IsFurniture(BlockKind kind) {
  return kind == BlockKind::kRunningHead || kind == BlockKind::kPageNumber;
}

constexpr absl::string_view kSoftHyphen = "\xc2\xad";
constexpr absl::string_view kHyphen = "\xe2\x80\x90";

void DropHyphen(std::string& text) {
  for (const absl::string_view hyphen : {absl::string_view("-"), kSoftHyphen, kHyphen}) {
    if (absl::EndsWith(text, hyphen)) return text.resize(text.size() - hyphen.size());
  }
}

void AppendBlock(const Block& block, std::string& text) {
  for (size_t i = 0; i < block.lines.size(); ++i) {
    text += block.lines[i].text;
    if (i + 1 == block.lines.size()) break;
    if (block.lines[i].joins_next) {
      DropHyphen(text);
    } else {
      text += '\n';
    }
  }
}

}  // namespace

void Box::Extend(const Box& other) {
  left = std::min(left, other.left);
  top = std::min(top, other.top);
  right = std::max(right, other.right);
  bottom = std::max(bottom, other.bottom);
}

std::string PageText(const Page& page, bool furniture) {
  std::string text;
  for (const Block& block : page.blocks) {
    if (block.lines.empty() || (!furniture && IsFurniture(block.kind))) continue;
    if (!text.empty()) text += "\n\n";
    AppendBlock(block, text);
  }
  return text;
}

std::string BodyKey(const Page& page) {
  Sha256 digest;
  digest.Update(PageText(page, /*furniture=*/false));
  return digest.Finish();
}

}  // namespace sluice
