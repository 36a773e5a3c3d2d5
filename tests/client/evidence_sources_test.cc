#include "client/cpp/command/evidence_sources.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/evidence_source.h"
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
  constexpr int64_t kHead = 10;
  EXPECT_EQ(EvidenceSource(EvidenceAt("text", 10, 12), kHead, map), (ByteRange{0, 6}));
  EXPECT_EQ(EvidenceSource(EvidenceAt("description", 2, 3), kHead, map), (ByteRange{6, 7}));
  // In the head, over its end, past the description, without extent, in another field.
  EXPECT_EQ(EvidenceSource(EvidenceAt("text", 0, 5), kHead, map), std::nullopt);
  EXPECT_EQ(EvidenceSource(EvidenceAt("text", 9, 12), kHead, map), std::nullopt);
  EXPECT_EQ(EvidenceSource(EvidenceAt("text", 12, 14), kHead, map), std::nullopt);
  EXPECT_EQ(EvidenceSource(EvidenceAt("text", 12, 12), kHead, map), std::nullopt);
  EXPECT_EQ(EvidenceSource(EvidenceAt("title", 0, 2), kHead, map), std::nullopt);
}

// Of jobs of all sizes, some with descriptions larger than a block of memory.
TEST(EvidenceSources, AreFoundByJob) {
  EvidenceSources sources;
  constexpr int kJobs = 2000;
  const auto map_of = [](int job) {
    OffsetMap map;
    const int pieces = job % 500 == 7 ? 400'000 : job % 40;
    for (int i = 0; i < pieces; ++i) map.Copy(1, 3 * i + job);
    return map;
  };
  for (int job = 0; job < kJobs; ++job) sources.Add(PostingOf("T", "", "", "d"), map_of(job));
  EXPECT_EQ(sources.kept(), kJobs);
  for (const int job : {0, 1, 7, 8, 15, 16, 507, 508, 1007, 1507, 1999}) {
    const auto found = sources.Find(job);
    ASSERT_TRUE(found.has_value()) << "job " << job;
    const auto range = found->Of(EvidenceAt("text", 2, 3));  // behind "T\n"
    if (job % 40 == 0) {
      EXPECT_EQ(range, std::nullopt);
    } else {
      EXPECT_EQ(range, (ByteRange{job, job + 1})) << "job " << job;
    }
  }
  EXPECT_FALSE(sources.Find(kJobs).has_value());
  EXPECT_FALSE(sources.Find(-1).has_value());
}

// Once one does not fit, neither it nor those after it are kept: jobs are known by their order.
TEST(EvidenceSources, AreBounded) {
  EvidenceSources sources(/*max_bytes=*/10);
  const v1::Posting posting = PostingOf("", "", "", "d");
  sources.Add(posting, OffsetMap::Identity(1));
  sources.Add(posting, OffsetMap::Identity(1));
  OffsetMap long_map;
  for (int i = 0; i < 10; ++i) long_map.Copy(1, 2 * i);
  sources.Add(posting, long_map);
  sources.Add(posting, OffsetMap::Identity(1));
  EXPECT_EQ(sources.kept(), 2);
  EXPECT_EQ(sources.left_out(), 2);
  EXPECT_TRUE(sources.Find(1).has_value());
  EXPECT_FALSE(sources.Find(2).has_value());
  EXPECT_FALSE(sources.Find(3).has_value());
}

}  // namespace
}  // namespace sluice
