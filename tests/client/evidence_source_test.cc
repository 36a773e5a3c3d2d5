#include "client/cpp/formats/evidence_source.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/screening/posting.h"

namespace sluice {
namespace {

v1::Evidence EvidenceAt(const std::string& field, int begin, int end) {
  v1::Evidence evidence;
  evidence.set_field(field);
  evidence.set_begin_byte(begin);
  evidence.set_end_byte(end);
  return evidence;
}

v1::Posting PostingOf(const std::string& title, const std::string& company, const std::string& location,
                      const std::string& description) {
  v1::Posting posting;
  posting.set_title(title);
  posting.set_company(company);
  posting.set_location(location);
  posting.set_description(description);
  return posting;
}

// The client counts the head of a posting's text as the server writes it.
TEST(DescriptionBegin, IsWhereTheServerPutsTheDescription) {
  const std::vector<std::string> texts = {"", "Baker", "BAKER", "Brot, GmbH", "Bonn"};
  const std::vector<std::string> descriptions = {"Bakes", "Baker\nBrot, GmbH | Bonn", " \n baker wanted",
                                                 "Bonn"};
  for (const std::string& title : texts) {
    for (const std::string& company : texts) {
      for (const std::string& location : texts) {
        for (const std::string& description : descriptions) {
          Posting posting;
          posting.title = title;
          posting.company = company;
          posting.location = location;
          posting.description = description;
          const std::string text = PostingText(posting);
          const int64_t begin = DescriptionBegin(PostingOf(title, company, location, description));
          EXPECT_EQ(begin + description.size(), text.size()) << text;
          EXPECT_EQ(text.substr(begin), description);
        }
      }
    }
  }
}

TEST(EvidenceSource, IsInTheDescriptionAlone) {
  OffsetMap map;  // "R&D" from "R&amp;D"
  map.Copy(1, 0);
  map.Replace(1, {1, 6});
  map.Copy(1, 6);
  const EvidenceSource made(PostingOf("Title", "Firm", "", "R&D"), map);  // behind 11 bytes
  const auto unpacked = EvidenceSource::Unpack(made.Pack());
  ASSERT_TRUE(unpacked.ok()) << unpacked.status();
  for (const EvidenceSource& source : {made, *unpacked}) {
    EXPECT_EQ(source.Of(EvidenceAt("text", 11, 13)), (ByteRange{0, 6}));
    EXPECT_EQ(source.Of(EvidenceAt("description", 2, 3)), (ByteRange{6, 7}));
    // In the head, over its end, past the description, without extent, in another field.
    EXPECT_EQ(source.Of(EvidenceAt("text", 0, 5)), std::nullopt);
    EXPECT_EQ(source.Of(EvidenceAt("text", 10, 13)), std::nullopt);
    EXPECT_EQ(source.Of(EvidenceAt("text", 13, 15)), std::nullopt);
    EXPECT_EQ(source.Of(EvidenceAt("text", 13, 13)), std::nullopt);
    EXPECT_EQ(source.Of(EvidenceAt("title", 0, 2)), std::nullopt);
  }
}

TEST(EvidenceSource, WhatPackDidNotMakeIsRefused) {
  EXPECT_EQ(EvidenceSource::Unpack("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(EvidenceSource::Unpack("\x05\x80").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sluice
