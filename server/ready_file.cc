#include "server/ready_file.h"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace sluice {

absl::Status WriteReadyFile(const std::string& path, const std::string& grpc_address,
                            const std::string& admin_address) {
  const std::string unfinished = path + ".new";
  {
    std::ofstream file(unfinished, std::ios::trunc);
    file << nlohmann::ordered_json{{"grpc", grpc_address}, {"admin", admin_address}}.dump() << "\n";
    file.close();
    if (!file)
      return absl::UnavailableError(absl::StrCat("--ready-file: ", unfinished, " cannot be written"));
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(absl::StrCat("--ready-file: ", path, " cannot be written"));
  }
  return absl::OkStatus();
}

}  // namespace sluice
