#include "client/cpp/formats/npy_writer.h"

#include <gtest/gtest.h>

#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

std::string Bytes(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float)};
}

NpyWriter Writer(const TemporaryDirectory& directory, int64_t rows) {
  return NpyWriter(OutputFile::Create(directory.Path("out.npy"), {}).value(), rows);
}

// The bytes that NumPy itself reads as float32 [3, 2].
TEST(NpyWriter, WritesVersionOneBytes) {
  const TemporaryDirectory directory;
  NpyWriter writer = Writer(directory, 3);
  ASSERT_TRUE(writer.Append(Bytes({1, 2, 3, 4}), 2, 2).ok());
  ASSERT_TRUE(writer.Append(Bytes({5, 6}), 1, 2).ok());
  EXPECT_FALSE(directory.Has("out.npy"));
  ASSERT_TRUE(writer.Finish().ok());

  std::string expected("\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
                       69);
  expected.resize(127, ' ');
  expected += '\n';
  EXPECT_EQ(directory.Read("out.npy"), expected + Bytes({1, 2, 3, 4, 5, 6}));
}

TEST(NpyWriter, RefusesRowsOfAnotherShape) {
  const TemporaryDirectory directory;
  NpyWriter writer = Writer(directory, 2);
  ASSERT_TRUE(writer.Append(Bytes({1, 2}), 1, 2).ok());
  EXPECT_EQ(writer.Append(Bytes({1, 2, 3}), 1, 3).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(writer.Append(Bytes({1, 2, 3}), 1, 2).code(), absl::StatusCode::kInvalidArgument);
}

// The header, written first, must not be wrong.
TEST(NpyWriter, RefusesAnotherNumberOfRowsThanItSaid) {
  const TemporaryDirectory directory;
  {
    NpyWriter writer = Writer(directory, 2);
    ASSERT_TRUE(writer.Append(Bytes({1, 2}), 1, 2).ok());
    const absl::Status status = writer.Finish();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "the input changed while it was read: it had 2 texts, then 1");
  }
  EXPECT_FALSE(directory.Has("out.npy"));
}

}  // namespace
}  // namespace sluice
