#include "client/cpp/formats/npy_writer.h"

#include <gtest/gtest.h>

#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

std::string Bytes(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float)};
}

// The bytes that NumPy itself reads as float32 [3, 2].
TEST(NpyWriter, WritesVersionOneBytes) {
  const TemporaryDirectory directory;
  auto writer = NpyWriter::Create(directory.Path("out.npy"));
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Append(Bytes({1, 2, 3, 4}), 2, 2).ok());
  ASSERT_TRUE((*writer)->Append(Bytes({5, 6}), 1, 2).ok());
  EXPECT_FALSE(directory.Has("out.npy"));
  ASSERT_TRUE((*writer)->Finish().ok());

  std::string expected("\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
                       69);
  expected.resize(127, ' ');
  expected += '\n';
  EXPECT_EQ(directory.Read("out.npy"), expected + Bytes({1, 2, 3, 4, 5, 6}));
}

TEST(NpyWriter, LeavesNothingBehindWhenAbandoned) {
  const TemporaryDirectory directory;
  {
    ASSERT_TRUE((*NpyWriter::Create(directory.Path("out.npy")))->Append(Bytes({1}), 1, 1).ok());
  }
  EXPECT_FALSE(directory.Has("out.npy"));
  EXPECT_FALSE(directory.Has("out.npy.partial"));
}

TEST(NpyWriter, RefusesRowsOfAnotherShape) {
  const TemporaryDirectory directory;
  auto writer = NpyWriter::Create(directory.Path("out.npy"));
  ASSERT_TRUE((*writer)->Append(Bytes({1, 2}), 1, 2).ok());
  EXPECT_EQ((*writer)->Append(Bytes({1, 2, 3}), 1, 3).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ((*writer)->Append(Bytes({1, 2, 3}), 1, 2).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(NpyWriter::Create(directory.Path("no/such/out.npy")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sluice
