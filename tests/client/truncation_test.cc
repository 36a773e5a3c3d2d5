#include <gtest/gtest.h>

#include "client/cpp/formats/posting_reader.h"
#include "client/cpp/formats/profile_file.h"
#include "client/cpp/formats/text_reader.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

// A file cut anywhere is an error or has fewer postings; it never crashes and never invents one.
void ExpectCutsAreHarmless(const std::string& name, const std::string& whole) {
  const TemporaryDirectory directory;
  const auto count = [&](const std::string& content) {
    int64_t postings = 0;
    const auto summary = ReadPostings({directory.Write(name, content)}, {}, [&](PostingInput input) {
      EXPECT_FALSE(input.job.id().empty());
      ++postings;
      return absl::OkStatus();
    });
    return std::pair(summary.status(), postings);
  };
  const auto [status, postings] = count(whole);
  ASSERT_TRUE(status.ok()) << status;
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    const auto [cut_status, cut_postings] = count(whole.substr(0, cut));
    EXPECT_LE(cut_postings, postings) << "cut at byte " << cut;
    if (!cut_status.ok()) {
      EXPECT_EQ(cut_status.code(), absl::StatusCode::kInvalidArgument) << "cut at byte " << cut;
    }
  }
}

constexpr char kPosting[] =
    R"({"@type":"JobPosting","title":"Ing\u00e9nieur","description":"<p>A &amp; <b>B</b></p>","identifier":"a"})";

TEST(Truncation, JsonLines) {
  ExpectCutsAreHarmless(
      "in.jsonl",
      "{\"id\":\"a\",\"title\":\"Köchin\",\"min_amount\":1.5}\n{\"id\":\"b\",\"title\":\"Cook\"}\n");
}

TEST(Truncation, JsonDocument) {
  ExpectCutsAreHarmless("in.json", std::string("{\"@graph\":[") + kPosting + ",{\"@type\":\"WebSite\"}]}");
  ExpectCutsAreHarmless("in.json",
                        "[{\"id\":\"a\",\"title\":\"Cook\"},\n{\"id\":\"b\",\"title\":\"Baker\"}]");
}

TEST(Truncation, Csv) {
  ExpectCutsAreHarmless("in.csv",
                        "\xEF\xBB\xBFid,title,min_amount\r\na,\"K\xC3\xB6"
                        "chin, \"\"1\"\"\nx\",12.5\r\nb,Cook,\r\n");
}

TEST(Truncation, Page) {
  ExpectCutsAreHarmless("in.html", std::string("<html><head><script type=\"application/ld+json\">") +
                                       kPosting + "</script></head></html>");
}

TEST(Truncation, Profile) {
  const std::string whole =
      "id: p\ntext: \"a \\u00e9\"\nrules:\n- {id: r, effect: must, terms: {any_of: [a, 'b']}}\n- id: s\n  "
      "salary: {at_least: 1e3}\n";
  ASSERT_TRUE(ParseProfile(whole, "p.yaml").ok()) << ParseProfile(whole, "p.yaml").status();
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    const auto profile = ParseProfile(whole.substr(0, cut), "p.yaml");
    if (!profile.ok()) {
      EXPECT_EQ(profile.status().code(), absl::StatusCode::kInvalidArgument) << "cut at byte " << cut;
    }
  }
}

TEST(Truncation, Texts) {
  const TemporaryDirectory directory;
  const std::string whole = "{\"text\":\"a\"}\n{\"id\":\"b\",\"text\":\"b\"}\n";
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    const auto texts = ReadTexts(directory.Write("in.jsonl", whole.substr(0, cut)), {},
                                 [](std::string, const InputPlace&) { return absl::OkStatus(); });
    if (texts.ok()) {
      EXPECT_LE(texts->texts, 2);
    }
  }
}

}  // namespace
}  // namespace sluice
