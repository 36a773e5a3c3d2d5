#include "server/convert/embeddings_convert.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/limits.h"

namespace sluice {
namespace {

void AppendLittleEndian(uint32_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// IEEE 754 binary32 to binary16, round to nearest, ties to even.
uint16_t HalfBits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude >= 0x7F800000) return sign | (magnitude > 0x7F800000 ? 0x7E00 : 0x7C00);
  if (magnitude >= 0x477FF000) return sign | 0x7C00;  // rounds beyond 65504
  if (magnitude < 0x38800000) {                       // below 2^-14: subnormal, in steps of 2^-24
    const float steps = std::nearbyint(std::bit_cast<float>(magnitude) * 16777216.0f);
    return sign | static_cast<uint16_t>(steps);
  }
  const uint32_t rounded = magnitude + 0x0FFF + ((magnitude >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded - 0x38000000) >> 13);
}

int64_t VectorBytes(int64_t dimensions, v1::VectorEncoding encoding) {
  switch (encoding) {
    case v1::BINARY:
      return (dimensions + 7) / 8;
    case v1::INT8:
      return dimensions;
    case v1::FLOAT16:
      return dimensions * 2;
    default:
      return dimensions * 4;
  }
}

std::string EncodeBits(absl::Span<const float> vectors, int dimensions) {
  const size_t row_bytes = (static_cast<size_t>(dimensions) + 7) / 8;
  const size_t rows = dimensions == 0 ? 0 : vectors.size() / dimensions;
  std::string out(rows * row_bytes, '\0');
  for (size_t i = 0; i < rows * dimensions; ++i) {
    const size_t row = i / dimensions;
    const size_t column = i % dimensions;
    if (vectors[i] > 0) out[row * row_bytes + column / 8] |= static_cast<char>(1 << (column % 8));
  }
  return out;
}

}  // namespace

int64_t CountTexts(grpc::ByteBuffer& request) {
  using google::protobuf::internal::WireFormatLite;
  grpc::ProtoBufferReader reader(&request);
  if (!reader.status().ok()) return 0;
  google::protobuf::io::CodedInputStream in(&reader);
  constexpr uint32_t kText =
      WireFormatLite::MakeTag(v1::EmbedRequest::kTextsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  int64_t texts = 0;
  while (const uint32_t tag = in.ReadTag()) {
    if (!WireFormatLite::SkipField(&in, tag)) break;
    texts += tag == kText ? 1 : 0;
  }
  return texts;
}

absl::StatusOr<Truncation> TruncationFromProto(v1::Truncation truncation, absl::string_view field) {
  switch (truncation) {
    case v1::TRUNCATION_ERROR:
      return Truncation::kError;
    case v1::TRUNCATION_END:
      return Truncation::kEnd;
    case v1::TRUNCATION_START:
      return Truncation::kStart;
    case v1::TRUNCATION_UNSPECIFIED:
      return FieldError(field, "is unset; give TRUNCATION_ERROR, TRUNCATION_END or TRUNCATION_START");
    default:
      return FieldError(field, absl::StrCat("has the unknown value ", truncation));
  }
}

absl::StatusOr<EmbedCall> EmbedCallFromProto(const v1::EmbedRequest& request) {
  if (request.texts().empty()) return FieldError("texts", "is empty; give 1 or more");
  if (request.texts_size() > kMaxTextsPerEmbed) {
    return FieldError("texts",
                      absl::StrCat("has ", request.texts_size(), " texts, limit ", kMaxTextsPerEmbed));
  }
  if (!v1::VectorEncoding_IsValid(request.encoding())) {
    return FieldError("encoding", absl::StrCat("has the unknown value ", request.encoding()));
  }
  EmbedCall call;
  SLUICE_ASSIGN_OR_RETURN(call.truncation, TruncationFromProto(request.truncation(), "truncation"));
  for (int i = 0; i < request.texts_size(); ++i) {
    const int64_t bytes = static_cast<int64_t>(request.texts(i).size());
    if (bytes > kMaxTextBytes) {
      return FieldError(absl::StrCat("texts[", i, "]"),
                        absl::StrCat("is ", bytes, " bytes, limit ", kMaxTextBytes));
    }
    call.texts.push_back(request.texts(i));
  }
  return call;
}

absl::Status CheckAnswerBytes(int64_t texts, int dimensions, v1::VectorEncoding encoding) {
  constexpr int64_t kBesides = 4 << 10;  // the model's name and the fields' frames
  constexpr int64_t kBesidesAText = 6;   // its tokens and whether it was cut
  const int64_t bytes_a_text = VectorBytes(dimensions, encoding) + kBesidesAText;
  const int64_t fit = (kMaxAnswerBytes - kBesides) / bytes_a_text;
  if (texts <= fit) return absl::OkStatus();
  return FieldError("texts", absl::StrCat("has ", texts, " texts, whose vectors of ", dimensions,
                                          " dimensions do not fit into an answer of ", kMaxAnswerBytes,
                                          " bytes: send at most ", fit, ", or ask for a smaller encoding"));
}

void EmbedAnswerToProto(const EmbedAnswer& answer, int dimensions, const std::string& model,
                        v1::VectorEncoding encoding, v1::EmbedResponse* response) {
  const v1::VectorEncoding used = encoding == v1::VECTOR_ENCODING_UNSPECIFIED ? v1::FLOAT32 : encoding;
  response->set_vectors(EncodeVectors(answer.vectors, dimensions, used));
  response->set_dimensions(dimensions);
  response->set_encoding(used);
  response->mutable_tokens()->Add(answer.tokens.begin(), answer.tokens.end());
  response->mutable_truncated()->Add(answer.truncated.begin(), answer.truncated.end());
  response->set_model(model);
}

std::string EncodeVectors(absl::Span<const float> vectors, int dimensions, v1::VectorEncoding encoding) {
  std::string out;
  switch (encoding) {
    case v1::BINARY:
      return EncodeBits(vectors, dimensions);
    case v1::INT8:
      for (float x : vectors)
        out.push_back(static_cast<char>(std::lround(std::clamp(x, -1.0f, 1.0f) * 127.0f)));
      return out;
    case v1::FLOAT16:
      out.reserve(vectors.size() * 2);
      for (float x : vectors) AppendLittleEndian(HalfBits(x), 2, out);
      return out;
    default:
      if constexpr (std::endian::native == std::endian::little) {
        return std::string(reinterpret_cast<const char*>(vectors.data()), vectors.size() * sizeof(float));
      }
      out.reserve(vectors.size() * 4);
      for (float x : vectors) AppendLittleEndian(std::bit_cast<uint32_t>(x), 4, out);
      return out;
  }
}

}  // namespace sluice
