#include "core/pipeline/archive_book.h"

#include <numeric>

#include "core/base/error_details.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<int> Pages(int first, int last) {
  std::vector<int> pages(static_cast<size_t>(last - first + 1));
  std::iota(pages.begin(), pages.end(), first);
  return pages;
}

ArchiveDocument Book(std::string source = "manuals/policy.PDF") {
  return {.content = std::string(64, 'a'), .source = std::move(source)};
}

StoredDocument Edition(const ArchiveSpec& spec, const ArchiveDocument& document) {
  StoredDocument stored;
  stored.head.content = document.content;
  stored.head.options = EditionOptions(spec, document);
  stored.head.source = document.source;
  return stored;
}

TEST(ArchiveBook, ATaskIsThirtyTwoPagesAndTheLastOneWhatIsLeft) {
  const BookPlan plan = PlanBook(70, {});
  EXPECT_THAT(plan.ranges, ElementsAre(0, 1, 2));
  EXPECT_EQ(plan.reused, 0);
  const ParseTask last = TaskOfRange(2, 70, {});
  EXPECT_EQ(last.first_page, 65);
  EXPECT_EQ(last.last_page, 70);
}

TEST(ArchiveBook, OnlyRangesWithAPageThatHasNoResultAreRead) {
  std::vector<int> known = Pages(1, 64);
  known.erase(known.begin() + 40);  // page 41
  const BookPlan plan = PlanBook(70, known);
  EXPECT_THAT(plan.ranges, ElementsAre(1, 2));
  EXPECT_EQ(plan.reused, 63);
}

TEST(ArchiveBook, ABookWhosePagesAreAllThereNeedsNoTask) {
  const BookPlan plan = PlanBook(33, Pages(1, 33));
  EXPECT_THAT(plan.ranges, IsEmpty());
  EXPECT_EQ(plan.reused, 33);
}

TEST(ArchiveBook, TheLargestBookFitsOneFanOut) {
  const BookPlan plan = PlanBook(20'000, {});
  EXPECT_EQ(plan.ranges.size(), 625u);
  EXPECT_LE(EncodePlan(plan).size(), 64u << 10);
}

TEST(ArchiveBook, PlansAndTasksComeBackAsTheyWere) {
  const BookPlan plan = PlanBook(100, {1, 2});
  EXPECT_EQ(*DecodeBookPlan(EncodePlan(plan)), plan);
  const ParseTask task = TaskOfRange(1, 100, {std::string(64, 'b'), "", "pdf", "secret"});
  EXPECT_EQ(*DecodeTask(EncodeTask(task)), task);
}

TEST(ArchiveBook, BytesThatAreNeitherAreDataLoss) {
  const std::string plan = EncodePlan(PlanBook(100, {}));
  const std::string task = EncodeTask(TaskOfRange(0, 100, {}));
  for (size_t size = 0; size < plan.size(); ++size) {
    EXPECT_EQ(DecodeBookPlan(plan.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
  }
  for (size_t size = 0; size < task.size(); ++size) {
    EXPECT_EQ(DecodeTask(task.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_FALSE(DecodeBookPlan(plan + "x").ok());
  EXPECT_FALSE(DecodeTask(EncodeTask({.first_page = 0, .last_page = 3})).ok());
  EXPECT_FALSE(DecodeTask(EncodeTask({.first_page = 1, .last_page = 33})).ok());
}

TEST(ArchiveBook, TheEndingCountsOnlyWhereNoFormatWasAskedFor) {
  EXPECT_EQ(InputOf(Book()).ending, "pdf");
  EXPECT_EQ(InputOf(Book("v1.2/notes")).ending, "") << "a folder's dot is none of the file's";
  EXPECT_EQ(InputOf(Book("a.verylongending")).ending, "");
  ArchiveDocument told = Book();
  told.format = "text";
  EXPECT_EQ(InputOf(told).ending, "");
  EXPECT_NE(PagesKey(InputOf(told)).options, PagesKey(InputOf(Book())).options);
  EXPECT_EQ(PagesKey(InputOf(Book("a.pdf"))).options, PagesKey(InputOf(Book("b/c.pdf"))).options);
}

// Pages read with a password must not be found by whoever has the file alone.
TEST(ArchiveBook, WhatWasReadWithAPasswordIsKeyedByIt) {
  ArchiveDocument opened = Book();
  opened.password = "secret";
  const std::string with = PagesKey(InputOf(opened)).options;
  EXPECT_NE(with, PagesKey(InputOf(Book())).options);
  EXPECT_THAT(with, testing::Not(HasSubstr("secret")));
}

TEST(ArchiveBook, AnEditionIsUnchangedWhereContentOptionsTitleAndLabelsAre) {
  const ArchiveSpec quality{.profile = "quality"};
  const StoredDocument there = Edition(quality, Book());
  EXPECT_TRUE(IsUnchanged(there, quality, Book()));
  EXPECT_FALSE(IsUnchanged(there, {.profile = "fast"}, Book()));
  ArchiveDocument changed = Book();
  changed.content = std::string(64, 'b');
  EXPECT_FALSE(IsUnchanged(there, quality, changed));
  ArchiveDocument titled = Book();
  titled.title = "Policy";
  EXPECT_FALSE(IsUnchanged(there, quality, titled));
  ArchiveDocument labelled = Book();
  labelled.labels = {{"year", "2026"}};
  EXPECT_FALSE(IsUnchanged(there, quality, labelled));
  StoredDocument partial = there;
  partial.state = DocumentState::kPartial;
  EXPECT_FALSE(IsUnchanged(partial, quality, Book())) << "its failed pages are tried again";
}

TEST(ArchiveBook, ATitleIsTheOneGivenElseOnesOwnElseTheDocuments) {
  const DocumentFacts facts{.title = "Debian Policy Manual"};
  ArchiveDocument given = Book();
  given.title = "Given";
  EXPECT_EQ(TitleOf(given, facts, nullptr), "Given");
  EXPECT_EQ(TitleOf(Book(), facts, nullptr), "Debian Policy Manual");
  EXPECT_EQ(TitleOf(Book(), {}, nullptr), "policy.PDF");

  StoredDocument before = Edition({}, Book());
  before.head.facts = EncodeFacts({.title = "Old title"});
  before.head.title = "Old title";
  EXPECT_EQ(TitleOf(Book(), facts, &before), "Debian Policy Manual") << "a new edition names itself";
  before.head.title = "By hand";
  EXPECT_EQ(TitleOf(Book(), facts, &before), "By hand");
}

TEST(ArchiveBook, LabelsStayUnlessNewOnesAreGiven) {
  StoredDocument before;
  before.head.labels = {{"shelf", "a"}};
  EXPECT_EQ(LabelsOf(Book(), &before), before.head.labels);
  ArchiveDocument labelled = Book();
  labelled.labels = {{"shelf", "b"}};
  EXPECT_EQ(LabelsOf(labelled, &before), labelled.labels);
}

TEST(ArchiveBook, AContentThatIsGoneIsSaidToBeMissing) {
  const absl::Status gone = ContentError("abc", absl::NotFoundError("x"));
  EXPECT_EQ(gone.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(gone), "CONTENT_MISSING");
  EXPECT_EQ(ContentError("abc", absl::UnavailableError("x")).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace sluice
