#include "core/documents/parser/png_image.h"

#include <png.h>

#include <csetjmp>
#include <vector>

namespace sluice {
namespace {

constexpr int kFastCompression = 3;

void Append(png_structp png, png_bytep bytes, size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(bytes), size);
}

}  // namespace

absl::StatusOr<std::string> PngOfBgrx(ImageSize size, const std::function<const uint8_t*(int y)>& row) {
  std::string image;
  std::vector<uint8_t> line(static_cast<size_t>(size.width) * 3);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  // libpng leaves an error by a jump: nothing with a destructor is made below.
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    return absl::InternalError("the picture cannot be written as PNG");
  }
  png_set_write_fn(png, &image, Append, nullptr);
  png_set_compression_level(png, kFastCompression);
  png_set_IHDR(png, info, static_cast<png_uint_32>(size.width), static_cast<png_uint_32>(size.height), 8,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int y = 0; y < size.height; ++y) {
    const uint8_t* const from = row(y);
    for (size_t x = 0; x < static_cast<size_t>(size.width); ++x) {
      line[3 * x] = from[4 * x + 2];
      line[3 * x + 1] = from[4 * x + 1];
      line[3 * x + 2] = from[4 * x];
    }
    png_write_row(png, line.data());
  }
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return image;
}

}  // namespace sluice
