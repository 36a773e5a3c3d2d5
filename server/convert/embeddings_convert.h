// Embed requests checked and turned into calls; vectors encoded for the wire.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/inference/embedder.h"
#include "core/text/token_sequence.h"
#include "sluice/v1/embeddings.pb.h"

namespace sluice {

// The texts of an EmbedRequest, counted without decoding it: all up to where its bytes make no sense.
// `request` is read and stays as it is.
int64_t CountTexts(grpc::ByteBuffer& request);

// INVALID_ARGUMENT naming `field` when unset or unknown.
absl::StatusOr<Truncation> TruncationFromProto(v1::Truncation truncation, absl::string_view field);

// INVALID_ARGUMENT names the field: texts (none, too many), texts[i] (too large),
// truncation, encoding. Deadline and cancellation are left to the caller.
absl::StatusOr<EmbedCall> EmbedCallFromProto(const v1::EmbedRequest& request);

// INVALID_ARGUMENT (field "texts") when the answer would be more than kMaxAnswerBytes; says how many texts
// fit.
absl::Status CheckAnswerBytes(int64_t texts, int dimensions, v1::VectorEncoding encoding);

void EmbedAnswerToProto(const EmbedAnswer& answer, int dimensions, const std::string& model,
                        v1::VectorEncoding encoding, v1::EmbedResponse* response);

// `vectors` is [n, dimensions] row-major; so is the answer, little-endian whatever the machine. FLOAT16
// rounds to nearest even; INT8 is round(127 x), clamped; BINARY fills each row up to whole bytes with zeros.
std::string EncodeVectors(absl::Span<const float> vectors, int dimensions, v1::VectorEncoding encoding);

}  // namespace sluice
