#include "core/documents/parser/pdfium_api.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

std::vector<std::string> Places() {
  std::vector<std::string> places;
  if (const char* told = std::getenv("SLUICE_PDFIUM"); told != nullptr && *told != '\0') {
    return {std::string(told)};
  }
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return places;
  const std::filesystem::path root = program.parent_path().parent_path();
  for (const char* directory : {"lib/sluice", "lib"})
    places.push_back((root / directory / "libpdfium.so").string());
  return places;
}

absl::Status NoPdfium(absl::Status status) {
  return WithReason(std::move(status), "NO_PDFIUM");
}

}  // namespace

std::string PdfiumApi::Find() {
  std::error_code error;
  for (const std::string& place : Places()) {
    if (std::filesystem::is_regular_file(place, error)) return place;
  }
  return "";
}

absl::StatusOr<std::unique_ptr<PdfiumApi>> PdfiumApi::Load(const std::string& path) {
  const std::string file = path.empty() ? Find() : path;
  if (file.empty()) {
    return NoPdfium(
        absl::NotFoundError(absl::StrCat("PDFium is not there: looked for ", absl::StrJoin(Places(), " and "),
                                         "; name the library by --pdfium or SLUICE_PDFIUM")));
  }
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return NoPdfium(absl::FailedPreconditionError(absl::StrCat("PDFium cannot be loaded: ", dlerror())));
  }
  auto api = std::make_unique<PdfiumApi>();
#define SLUICE_PDFIUM_LOOK_UP(name, result, parameters)                                           \
  api->name = reinterpret_cast<result(*) parameters>(dlsym(library, #name));                      \
  if (api->name == nullptr) {                                                                     \
    return NoPdfium(                                                                              \
        absl::FailedPreconditionError(absl::StrCat(file, " has no " #name ": use pypdfium2's"))); \
  }
  SLUICE_PDFIUM_FUNCTIONS(SLUICE_PDFIUM_LOOK_UP)
#undef SLUICE_PDFIUM_LOOK_UP
  api->FPDF_InitLibrary();
  return api;
}

}  // namespace sluice
