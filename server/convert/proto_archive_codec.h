// ProtoArchiveCodec: archive batches in the store are the messages of sluice.v1.
#pragma once

#include <string>

#include "core/pipeline/archive_codec.h"

namespace sluice {

class ProtoArchiveCodec final : public ArchiveCodec {
 public:
  absl::StatusOr<ArchiveSpec> DecodeArchiveSpec(absl::string_view spec) const override;
  absl::StatusOr<ArchiveDocument> DecodeDocument(absl::string_view payload) const override;
  std::string EncodeArchived(const ArchivedDocument& archived) const override;
};

}  // namespace sluice
