#include "core/inference/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "tests/core/inference/tiny_bert.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Safetensors : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SafetensorsFile>> Open(const std::string& bytes) {
    path_ = TestDirectory("file") + "/model.safetensors";
    WriteFile(path_, bytes);
    return SafetensorsFile::Open(path_);
  }

  // INVALID_ARGUMENT that names the file and says `mention`.
  void ExpectMalformed(const std::string& bytes, const std::string& mention) {
    const absl::Status status = Open(bytes).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
    EXPECT_THAT(std::string(status.message()), HasSubstr(mention));
  }

  std::string path_;
};

TEST_F(Safetensors, ReadsTensorsInPlace) {
  const auto file =
      Open(SafetensorsBytes({{"a", {{2, 2}, {1, 2, 3, 4}}}, {"b", {{1}, {0.5}, "BF16"}}})).value();
  const TensorView* const a = file->Find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->type, TensorType::kF32);
  EXPECT_THAT(a->shape, ElementsAre(2, 2));
  EXPECT_EQ(a->bytes, 16);
  float last = 0;
  std::memcpy(&last, a->data + 12, 4);
  EXPECT_EQ(last, 4);
  EXPECT_EQ(file->Find("b")->type, TensorType::kBf16);
  EXPECT_EQ(file->Find("b")->bytes, 2);
  EXPECT_EQ(file->Find("__metadata__"), nullptr);
  EXPECT_EQ(file->Find("c"), nullptr);
}

TEST_F(Safetensors, NamesAFileThatIsNotThere) {
  const absl::Status status = SafetensorsFile::Open("no/such/model.safetensors").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no/such/model.safetensors"));
  EXPECT_EQ(SafetensorsFile::Open(TestDirectory("dir")).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Safetensors, RefusesABrokenHeader) {
  ExpectMalformed("", "0 bytes");
  ExpectMalformed("1234567", "7 bytes");
  ExpectMalformed(std::string(8, '\xff') + "{}", "claims 18446744073709551615 bytes");
  ExpectMalformed(std::string("\x09\0\0\0\0\0\0\0{}      ", 16), "claims 9 bytes; the file has 8");
  ExpectMalformed(SafetensorsBytes("{\"a\":", ""), "not a JSON object");
  ExpectMalformed(SafetensorsBytes("[]", ""), "not a JSON object");
  ExpectMalformed(SafetensorsBytes(std::string(100'000, '['), ""), "not a JSON object");
  ExpectMalformed(SafetensorsBytes("{\"\xff\": 1}", ""), "not a JSON object");
}

// Every way an entry can lie about the data, by the tensor's name.
TEST_F(Safetensors, RefusesEntriesThatLie) {
  const std::string data(16, '\0');
  const auto entry = [&](const std::string& fields) {
    return SafetensorsBytes("{\"w\": {" + fields + "}}", data);
  };
  const std::string mention = "tensor 'w': ";
  ExpectMalformed(SafetensorsBytes(R"({"w": 3})", data), mention + "its entry is not an object");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [4])"), mention + "its entry lacks");
  ExpectMalformed(entry(R"("dtype": "F4", "shape": [4], "data_offsets": [0, 16])"), "dtype F4 is not known");
  ExpectMalformed(entry(R"("dtype": 7, "shape": [4], "data_offsets": [0, 16])"), "dtype 7 is not known");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [-4], "data_offsets": [0, 16])"), "not a list of sizes");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [4.5], "data_offsets": [0, 16])"), "not a list of sizes");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": 4, "data_offsets": [0, 16])"), "not a list of sizes");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [4], "data_offsets": [16, 0])"), "begin <= end");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [4], "data_offsets": [0, 8, 16])"), "begin <= end");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [4], "data_offsets": [-1, 15])"), "begin <= end");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [5], "data_offsets": [0, 20])"), "ends at byte 20");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [3], "data_offsets": [0, 16])"),
                  "does not take the 16 bytes");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [4294967296, 4294967296, 4], "data_offsets": [0, 16])"),
                  "does not take the 16 bytes");
  ExpectMalformed(entry(R"("dtype": "F32", "shape": [4], "data_offsets": [0, 18446744073709551615])"),
                  "begin <= end");
}

// Tensors cover the data exactly once.
TEST_F(Safetensors, RefusesOverlapsGapsAndRests) {
  const auto two = [](const std::string& first, const std::string& second) {
    return SafetensorsBytes(R"({"a": {"dtype": "U8", "shape": [8], "data_offsets": )" + first +
                                R"(}, "b": {"dtype": "U8", "shape": [8], "data_offsets": )" + second + "}}",
                            std::string(20, 'x'));
  };
  ExpectMalformed(two("[0, 8]", "[4, 12]"), "tensor 'b' overlaps");
  ExpectMalformed(two("[0, 8]", "[0, 8]"), "overlaps");
  ExpectMalformed(two("[0, 8]", "[10, 18]"), "tensor 'b' leaves a gap");
  ExpectMalformed(two("[0, 8]", "[8, 16]"), "bytes after the last tensor");
}

}  // namespace
}  // namespace sluice
