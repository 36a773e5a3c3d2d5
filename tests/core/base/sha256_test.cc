#include "core/base/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/escaping.h"

namespace sluice {
namespace {

constexpr char kEmptyDigest[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kAbcDigest[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

// The examples published with FIPS 180-4.
TEST(Sha256HexTest, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256Hex(""), kEmptyDigest);
  EXPECT_EQ(Sha256Hex("abc"), kAbcDigest);
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Bytes are bytes: a NUL neither ends the input nor is skipped.
TEST(Sha256HexTest, CountsNulBytes) {
  EXPECT_EQ(Sha256Hex(absl::string_view("\0", 1)),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

// Where the input is cut does not matter.
TEST(Sha256Test, PiecesGiveTheDigestOfTheWhole) {
  std::string text;
  for (int i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 7));
  for (size_t cut = 0; cut <= text.size(); cut += 13) {
    Sha256 digest;
    digest.Update(absl::string_view(text).substr(0, cut));
    digest.Update("");
    digest.Update(absl::string_view(text).substr(cut));
    EXPECT_EQ(digest.FinishHex(), Sha256Hex(text)) << "cut at " << cut;
  }
}

TEST(Sha256Test, StartsAnewAfterFinish) {
  Sha256 digest;
  digest.Update("something else");
  digest.Finish();
  EXPECT_EQ(digest.FinishHex(), kEmptyDigest);
  digest.Update("abc");
  EXPECT_EQ(absl::BytesToHexString(digest.Finish()), kAbcDigest);
}

TEST(Sha256Test, MovesWithWhatItHasSeen) {
  Sha256 first;
  first.Update("ab");
  Sha256 second = std::move(first);
  second.Update("c");
  EXPECT_EQ(second.FinishHex(), kAbcDigest);
}

}  // namespace
}  // namespace sluice
