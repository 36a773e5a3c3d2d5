#include "core/inference/packed_batch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/inference/row_ladder.h"

namespace sluice {
namespace {

absl::Status CheckText(const EncoderDescription& encoder, size_t index, absl::Span<const int32_t> text) {
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat("text ", index, " has no tokens"));
  if (text.size() > static_cast<size_t>(encoder.max_tokens)) {
    return absl::InvalidArgumentError(absl::StrCat("text ", index, " has ", text.size(),
                                                   " tokens; the model takes at most ", encoder.max_tokens));
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] >= 0 && text[i] < encoder.vocabulary_size) continue;
    return absl::InvalidArgumentError(absl::StrCat("text ", index, " has the id ", text[i], " at token ", i,
                                                   "; the vocabulary is [0, ", encoder.vocabulary_size, ")"));
  }
  return absl::OkStatus();
}

}  // namespace

PackedBatch PackTexts(absl::Span<const absl::Span<const int32_t>> texts) {
  PackedBatch batch;
  batch.order.resize(texts.size());
  std::iota(batch.order.begin(), batch.order.end(), 0);
  std::stable_sort(batch.order.begin(), batch.order.end(),
                   [&](int64_t a, int64_t b) { return texts[a].size() < texts[b].size(); });
  for (const absl::Span<const int32_t> text : texts) batch.tokens += static_cast<int64_t>(text.size());
  const int64_t rows = RowsOnLadder(batch.tokens);
  batch.ids.reserve(rows);
  batch.positions.reserve(rows);
  for (size_t i = 0; i < batch.order.size(); ++i) {
    const absl::Span<const int32_t> text = texts[batch.order[i]];
    const auto length = static_cast<int64_t>(text.size());
    if (batch.groups.empty() || batch.groups.back().length != length) {
      batch.groups.push_back({.first_row = static_cast<int64_t>(batch.ids.size()),
                              .first_text = static_cast<int64_t>(i),
                              .texts = 0,
                              .length = length});
    }
    ++batch.groups.back().texts;
    batch.ids.insert(batch.ids.end(), text.begin(), text.end());
    for (int64_t position = 0; position < length; ++position) batch.positions.push_back(position);
  }
  batch.ids.resize(rows, 0);
  batch.positions.resize(rows, 0);
  return batch;
}

absl::Status CheckTexts(const EncoderDescription& encoder, absl::Span<const absl::Span<const int32_t>> texts,
                        absl::Span<const float> vectors) {
  if (texts.empty()) return absl::InvalidArgumentError("there are no texts to encode");
  if (vectors.size() != texts.size() * static_cast<size_t>(encoder.dimensions)) {
    return absl::InvalidArgumentError(absl::StrCat("there is room for ", vectors.size(), " floats; ",
                                                   texts.size(), " vectors of ", encoder.dimensions,
                                                   " dimensions need ", texts.size() * encoder.dimensions));
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    if (absl::Status status = CheckText(encoder, i, texts[i]); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(absl::Span<const float> vectors, int dimensions) {
  const auto bad = std::find_if(vectors.begin(), vectors.end(), [](float x) { return !std::isfinite(x); });
  if (bad == vectors.end()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the vector of text ", (bad - vectors.begin()) / dimensions, " is not finite"));
}

}  // namespace sluice
