#include "client/cpp/formats/offset_map.h"

#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// "R & D" from "R &amp;\n <b>D</b>", with "!" put in at the end.
OffsetMap SomeMap() {
  OffsetMap map;
  map.Copy(2, 0);
  map.Replace(1, {2, 7});
  map.Replace(1, {7, 9});
  map.Copy(1, 12);
  map.Insert(1);
  return map;
}

TEST(OffsetMap, CopiedBytesMapToThemselves) {
  const OffsetMap map = OffsetMap::Identity(10);
  EXPECT_EQ(map.Map({0, 10}), (ByteRange{0, 10}));
  EXPECT_EQ(map.Map({3, 4}), (ByteRange{3, 4}));
  EXPECT_EQ(map.text_bytes(), 10);
  EXPECT_EQ(map.source_end(), 10);
}

// A replaced piece counts whole, however little of it is asked for; a copied one to the byte.
TEST(OffsetMap, MapsToTheSmallestRangeThatHoldsAll) {
  const OffsetMap map = SomeMap();
  EXPECT_EQ(map.Map({0, 1}), (ByteRange{0, 1}));
  EXPECT_EQ(map.Map({2, 3}), (ByteRange{2, 7}));
  EXPECT_EQ(map.Map({1, 3}), (ByteRange{1, 7}));
  EXPECT_EQ(map.Map({3, 4}), (ByteRange{7, 9}));
  EXPECT_EQ(map.Map({4, 5}), (ByteRange{12, 13}));
  EXPECT_EQ(map.Map({2, 5}), (ByteRange{2, 13}));
}

// What was put in has no source: it widens no range, and alone has an empty one where it stands.
TEST(OffsetMap, WhatWasPutInIsNowhere) {
  const OffsetMap map = SomeMap();
  EXPECT_EQ(map.Map({5, 6}), (ByteRange{13, 13}));
  EXPECT_EQ(map.Map({4, 6}), (ByteRange{12, 13}));
}

TEST(OffsetMap, RangesAreCutToTheText) {
  const OffsetMap map = SomeMap();
  EXPECT_EQ(map.Map({-5, 100}), (ByteRange{0, 13}));
  EXPECT_EQ(map.Map({4, 2}), (ByteRange{2, 2}));
  EXPECT_EQ(map.Map({50, 60}), (ByteRange{13, 13}));
  EXPECT_EQ(OffsetMap().Map({0, 5}), ByteRange());
}

TEST(OffsetMap, NothingOfTheTextIsNothingOfTheSource) {
  OffsetMap map;  // of "R&", from "R&amp;"
  map.Copy(1, 0);
  map.Replace(1, {1, 6});
  EXPECT_EQ(map.Map({0, 0}), (ByteRange{0, 0}));
  EXPECT_EQ(map.Map({1, 1}), (ByteRange{1, 1}));
  EXPECT_EQ(map.Map({2, 2}), (ByteRange{6, 6}));
}

// HTML moves text out of tables: the source then goes back.
TEST(OffsetMap, PiecesNeedNotFollowTheSource) {
  OffsetMap map;
  map.Copy(3, 20);
  map.Copy(3, 5);
  EXPECT_EQ(map.Map({0, 3}), (ByteRange{20, 23}));
  EXPECT_EQ(map.Map({4, 6}), (ByteRange{6, 8}));
  EXPECT_EQ(map.Map({2, 4}), (ByteRange{5, 23}));
}

TEST(OffsetMap, PiecesThatGoOnAreOne) {
  OffsetMap pieces;
  pieces.Copy(4, 0);
  pieces.Replace(1, {4, 5});
  pieces.Copy(5, 5);
  EXPECT_EQ(pieces, OffsetMap::Identity(10));
}

TEST(OffsetMap, APartSaysWhatTheWholeSays) {
  const OffsetMap whole = SomeMap();
  for (int64_t begin = 0; begin <= whole.text_bytes(); ++begin) {
    for (int64_t end = begin; end <= whole.text_bytes(); ++end) {
      OffsetMap part;
      part.Append(whole, {begin, end});
      ASSERT_EQ(part.text_bytes(), end - begin);
      for (int64_t byte = begin; byte < end; ++byte) {
        const ByteRange source = whole.Map({byte, byte + 1});
        const ByteRange found = part.Map({byte - begin, byte - begin + 1});
        if (source.size() > 0) {
          EXPECT_EQ(found, source) << "byte " << byte << " of [" << begin << ", " << end << ")";
        }
      }
    }
  }
}

// Two steps, such as HTML within HTML, map as one.
TEST(OffsetMap, StepsCompose) {
  OffsetMap first;  // "a<b" from "a&lt;b"
  first.Copy(1, 0);
  first.Replace(1, {1, 5});
  first.Copy(1, 5);
  OffsetMap second;  // "a-b" from "a<b"
  second.Copy(1, 0);
  second.Insert(1);
  second.Replace(1, {1, 3});
  const OffsetMap both = second.After(first);
  EXPECT_EQ(both.Map({0, 1}), (ByteRange{0, 1}));
  EXPECT_EQ(both.Map({1, 2}).size(), 0);
  EXPECT_EQ(both.Map({2, 3}), (ByteRange{1, 6}));
  EXPECT_EQ(OffsetMap::Identity(3).After(first), first);
}

TEST(OffsetMap, TruncateForgetsTheEnd) {
  OffsetMap map = SomeMap();
  map.Truncate(4);
  EXPECT_EQ(map.text_bytes(), 4);
  EXPECT_EQ(map.Map({0, 6}), (ByteRange{0, 9}));
  map.Truncate(0);
  EXPECT_EQ(map, OffsetMap());
}

TEST(OffsetMap, PacksIntoFewBytesAndBack) {
  OffsetMap backwards;
  backwards.Copy(300, 1'000'000);
  backwards.Replace(2, {7, 15});
  for (const OffsetMap& map : {OffsetMap(), OffsetMap::Identity(200'000), SomeMap(), backwards}) {
    const auto unpacked = OffsetMap::Unpack(map.Pack());
    ASSERT_TRUE(unpacked.ok()) << unpacked.status();
    EXPECT_EQ(*unpacked, map);
  }
  EXPECT_LE(OffsetMap::Identity(5000).Pack().size(), 3);
}

TEST(OffsetMap, WhatPackDidNotMakeIsRefused) {
  const std::string packed = SomeMap().Pack();
  EXPECT_EQ(OffsetMap::Unpack(packed.substr(0, packed.size() - 1)).status().code(),
            absl::StatusCode::kInvalidArgument);
  for (const std::string& bytes :
       {std::string("\x80"), std::string("\x03\x01", 2), std::string(30, '\xFF'),
        absl::StrCat(std::string(9, '\xFF'), "\x01", std::string(9, '\xFF'), "\x01")}) {
    EXPECT_EQ(OffsetMap::Unpack(bytes).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(MappedText, GrowsWithItsMap) {
  MappedText text;
  text.Copy("R", 0);
  text.Replace("&", {1, 6});
  text.Insert("\n");
  MappedText more;
  more.Append(text.text(), text.map(), {1, 3});
  EXPECT_EQ(more.text(), "&\n");
  EXPECT_EQ(more.map().Map({0, 1}), (ByteRange{1, 6}));
  more.RemoveTrailing('\n');
  EXPECT_EQ(more.text(), "&");
  EXPECT_EQ(more.map().text_bytes(), 1);
}

}  // namespace
}  // namespace sluice
