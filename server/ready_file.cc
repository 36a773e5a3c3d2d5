#include "server/ready_file.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/base/whole_file.h"

namespace sluice {

absl::Status WriteReadyFile(const std::string& path, const std::string& grpc_address,
                            const std::string& admin_address) {
  const std::string addresses =
      nlohmann::ordered_json{{"grpc", grpc_address}, {"admin", admin_address}}.dump() + "\n";
  const absl::Status written = WriteWholeFile(path, addresses);
  if (written.ok()) return written;
  return absl::Status(written.code(), absl::StrCat("--ready-file: ", written.message()));
}

}  // namespace sluice
