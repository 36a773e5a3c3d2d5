#include "server/convert/proto_archive_codec.h"

#include "core/base/status_macros.h"
#include "server/convert/archive_convert.h"
#include "server/convert/stored_message.h"
#include "sluice/v1/archive.pb.h"

namespace sluice {

absl::StatusOr<ArchiveSpec> ProtoArchiveCodec::DecodeArchiveSpec(absl::string_view spec) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::ArchiveSpec proto, ParseStored<v1::ArchiveSpec>(spec));
  SLUICE_RETURN_IF_ERROR(CheckArchiveSpec(proto));
  const ArchiveProfile& profile = *FindArchiveProfile(proto.profile());
  return ArchiveSpec{
      .profile = profile.name,
      .books_at_once = proto.books_at_once() > 0 ? proto.books_at_once() : profile.books_at_once};
}

absl::StatusOr<ArchiveDocument> ProtoArchiveCodec::DecodeDocument(absl::string_view payload) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::NewDocument proto, ParseStored<v1::NewDocument>(payload));
  return ArchiveDocument{.content = proto.sha256(),
                         .source = proto.source(),
                         .title = proto.title(),
                         .labels = {proto.labels().begin(), proto.labels().end()},
                         .password = proto.password(),
                         .format = proto.format()};
}

std::string ProtoArchiveCodec::EncodeArchived(const ArchivedDocument& archived) const {
  v1::ArchivedDocument proto;
  proto.set_document(DocumentName(archived.document_id));
  proto.set_pages(archived.pages);
  proto.set_failed_pages(archived.failed_pages);
  proto.set_degraded_pages(archived.degraded_pages);
  proto.set_blank_pages(archived.blank_pages);
  proto.set_reused_pages(archived.reused_pages);
  proto.set_unchanged(archived.unchanged);
  return proto.SerializeAsString();
}

}  // namespace sluice
