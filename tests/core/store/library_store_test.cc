// The rules of library_store.h, held by the store in SQLite.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error_details.h"
#include "core/store/await.h"
#include "core/store/library_rules.h"
#include "core/store/sqlite/sqlite_library_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/scratch_directory.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

StoredPage PageOf(int number, const std::string& text) {
  return {.number = number, .page = text, .raw_key = std::string(32, 'r'), .body_key = std::string(32, 'b')};
}

StoredPage FailedPage(int number) {
  return {.number = number,
          .error_code = absl::StatusCode::kInternal,
          .error_reason = "PARSER_CRASHED",
          .error_message = "page 2, twice"};
}

class LibraryStoreTest : public testing::Test {
 protected:
  LibraryStoreTest() { Open(); }

  void Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<LibraryStore>> store =
        OpenSqliteLibraryStore({.path = directory_.File("library.db")}, clock_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  static EditionHead Head(const std::string& source, const std::string& content = "content", int pages = 2) {
    return {.content = content,
            .options = "o",
            .profile = "quality",
            .source = source,
            .title = "Title of it",
            .labels = {{"shelf", "a"}},
            .facts = "facts",
            .pages = pages};
  }
  static DocumentKey Key(const std::string& source) { return {"", DocumentId("", source)}; }

  absl::Status Begin(const DraftKey& job, const EditionHead& head) {
    return AwaitStore<void>(
        [&](auto done) { store_->BeginDraft(Key(head.source), job, head, std::move(done)); });
  }
  absl::Status Put(const DraftKey& job, std::vector<StoredPage> pages) {
    return AwaitStore<void>([&](auto done) { store_->PutDraftPages(job, pages, std::move(done)); });
  }
  absl::StatusOr<StoredDocument> Publish(const DraftKey& job) {
    return AwaitStore<StoredDocument>([&](auto done) { store_->PublishDraft(job, 1, std::move(done)); });
  }
  absl::StatusOr<StoredDocument> Add(const DraftKey& job, const EditionHead& head,
                                     std::vector<StoredPage> pages) {
    EXPECT_TRUE(Begin(job, head).ok());
    EXPECT_TRUE(Put(job, std::move(pages)).ok());
    return Publish(job);
  }
  absl::StatusOr<StoredDocument> Get(const std::string& source) {
    return AwaitStore<StoredDocument>([&](auto done) { store_->GetDocument(Key(source), std::move(done)); });
  }
  std::vector<std::string> Texts(const std::string& source) {
    const auto pages = AwaitStore<std::vector<StoredPage>>(
        [&](auto done) { store_->ReadPages(Key(source), 1, 64, std::move(done)); });
    std::vector<std::string> texts;
    if (!pages.ok()) return {std::string(pages.status().message())};
    for (const StoredPage& page : *pages) texts.push_back(page.page);
    return texts;
  }
  DocumentList List(DocumentQuery query) {
    return *AwaitStore<DocumentList>([&](auto done) { store_->ListDocuments(query, std::move(done)); });
  }
  absl::StatusOr<std::string> Delete(const std::string& source) {
    return AwaitStore<std::string>([&](auto done) { store_->DeleteDocument(Key(source), std::move(done)); });
  }
  absl::Status PutResults(const std::string& content, std::vector<StoredPage> pages) {
    return AwaitStore<void>(
        [&](auto done) { store_->PutResults({content, "parse", "o"}, pages, std::move(done)); });
  }
  std::vector<int> Results(const std::string& content) {
    return *AwaitStore<std::vector<int>>(
        [&](auto done) { store_->ListResults({content, "parse", "o"}, 1, 100, std::move(done)); });
  }
  // What the database's files hold, byte for byte.
  std::string Bytes() const {
    std::string bytes;
    for (const char* name : {"library.db", "library.db-wal"}) {
      std::ifstream file(directory_.File(name), std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(file), {});
    }
    return bytes;
  }

  ScratchDirectory directory_;
  SimulatedClock clock_;
  std::unique_ptr<LibraryStore> store_;
};

TEST_F(LibraryStoreTest, ADocumentIsVisibleWithAllItsPagesAtOnce) {
  ASSERT_TRUE(Begin({"b", 0}, Head("book")).ok());
  ASSERT_TRUE(Put({"b", 0}, {PageOf(1, "one")}).ok());
  EXPECT_EQ(Get("book").status().code(), absl::StatusCode::kNotFound);
  const absl::Status early = Publish({"b", 0}).status();
  EXPECT_EQ(early.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(early), "PAGES_MISSING");
  ASSERT_TRUE(Put({"b", 0}, {PageOf(2, "two")}).ok());
  const absl::StatusOr<StoredDocument> document = Publish({"b", 0});
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->head.labels, (std::map<std::string, std::string>{{"shelf", "a"}}));
  EXPECT_EQ(document->counts.reused, 1);
  EXPECT_THAT(Texts("book"), ElementsAre("one", "two"));
}

TEST_F(LibraryStoreTest, TheOldEditionStaysUntilTheNewOneIsWhole) {
  ASSERT_TRUE(Add({"b", 0}, Head("book"), {PageOf(1, "one"), PageOf(2, "two")}).ok());
  ASSERT_TRUE(Begin({"c", 0}, Head("book", "newer")).ok());
  ASSERT_TRUE(Put({"c", 0}, {PageOf(1, "uno")}).ok());
  EXPECT_THAT(Texts("book"), ElementsAre("one", "two"));
  Open();  // a crash
  EXPECT_THAT(Texts("book"), ElementsAre("one", "two"));
  ASSERT_TRUE(Put({"c", 0}, {PageOf(2, "due")}).ok());
  ASSERT_TRUE(Publish({"c", 0}).ok());
  EXPECT_THAT(Texts("book"), ElementsAre("uno", "due"));
}

TEST_F(LibraryStoreTest, WhoeverRepeatsAJobFindsItsDraftAndItsEdition) {
  ASSERT_TRUE(Begin({"b", 0}, Head("book")).ok());
  ASSERT_TRUE(Put({"b", 0}, {PageOf(1, "one")}).ok());
  ASSERT_TRUE(Begin({"b", 0}, Head("book")).ok());
  ASSERT_TRUE(Put({"b", 0}, {PageOf(2, "two")}).ok());
  ASSERT_TRUE(Publish({"b", 0}).ok());
  EXPECT_TRUE(Publish({"b", 0}).ok()) << "the answer was lost";
  EXPECT_EQ(Publish({"b", 1}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LibraryStoreTest, ADraftOfAnotherContentBeginsAnew) {
  ASSERT_TRUE(Begin({"b", 0}, Head("book")).ok());
  ASSERT_TRUE(Put({"b", 0}, {PageOf(1, "one"), PageOf(2, "two")}).ok());
  ASSERT_TRUE(Begin({"b", 0}, Head("book", "other")).ok());
  EXPECT_EQ(ReasonOf(Publish({"b", 0}).status()), "PAGES_MISSING");
}

TEST_F(LibraryStoreTest, ADroppedDraftLeavesNoTrace) {
  ASSERT_TRUE(Begin({"b", 0}, Head("book")).ok());
  ASSERT_TRUE(Put({"b", 0}, {PageOf(1, "secret text")}).ok());
  ASSERT_TRUE(Begin({"kept", 0}, Head("other")).ok());
  EXPECT_THAT(
      *AwaitStore<std::vector<std::string>>([&](auto done) { store_->DraftBatches(std::move(done)); }),
      ElementsAre("b", "kept"));
  ASSERT_TRUE(AwaitStore<void>([&](auto done) { store_->DropDraftsOf("b", std::move(done)); }).ok());
  EXPECT_EQ(ReasonOf(Put({"b", 0}, {PageOf(2, "two")})), "NO_DRAFT");
  EXPECT_TRUE(Put({"kept", 0}, {PageOf(1, "one")}).ok());
  ASSERT_TRUE(AwaitStore<void>([&](auto done) { store_->DropDraftsOf("kept", std::move(done)); }).ok());
  EXPECT_EQ(ReasonOf(Put({"kept", 0}, {PageOf(2, "two")})), "NO_DRAFT");
}

TEST_F(LibraryStoreTest, AFailedPageMakesADocumentPartialAndSaysWhy) {
  const absl::StatusOr<StoredDocument> document =
      Add({"b", 0}, Head("book"), {PageOf(1, "one"), FailedPage(2)});
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->state, DocumentState::kPartial);
  EXPECT_EQ(document->counts.failed, 1);
  const auto pages = *AwaitStore<std::vector<StoredPage>>(
      [&](auto done) { store_->ReadPages(Key("book"), 2, 1, std::move(done)); });
  ASSERT_THAT(pages, SizeIs(1));
  EXPECT_EQ(pages[0].error_reason, "PARSER_CRASHED");
}

TEST_F(LibraryStoreTest, DeletingRemovesEveryByteAndSaysWhichContentIsFree) {
  ASSERT_TRUE(PutResults("content", {PageOf(1, "parsed secret")}).ok());
  ASSERT_TRUE(Add({"b", 0}, Head("book"), {PageOf(1, "page secret"), PageOf(2, "two")}).ok());
  ASSERT_TRUE(Add({"b", 1}, Head("same bytes"), {PageOf(1, "x"), PageOf(2, "y")}).ok());
  EXPECT_EQ(*Delete("same bytes"), "") << "another document uses the content";
  EXPECT_THAT(Results("content"), ElementsAre(1));
  EXPECT_THAT(Bytes(), HasSubstr("page secret"));
  EXPECT_EQ(*Delete("book"), "content");
  EXPECT_THAT(Results("content"), IsEmpty());
  EXPECT_THAT(Bytes(), Not(HasSubstr("secret")));
  EXPECT_THAT(Bytes(), Not(HasSubstr("Title of it")));
  EXPECT_EQ(ReasonOf(Delete("book").status()), "DOCUMENT_NOT_FOUND");
}

TEST_F(LibraryStoreTest, ResultsAreKeyedByContentStageAndOptionsAndFailedOnesAreNoneToReuse) {
  ASSERT_TRUE(PutResults("content", {PageOf(1, "one"), FailedPage(2), PageOf(3, "three")}).ok());
  EXPECT_THAT(Results("content"), ElementsAre(1, 3));
  EXPECT_THAT(Results("other"), IsEmpty());
  ASSERT_TRUE(PutResults("content", {PageOf(2, "two")}).ok());
  EXPECT_THAT(Results("content"), ElementsAre(1, 2, 3));
  ASSERT_TRUE(
      AwaitStore<void>([&](auto done) { store_->ForgetContents({"content"}, std::move(done)); }).ok());
  EXPECT_THAT(Results("content"), IsEmpty());
}

TEST_F(LibraryStoreTest, DocumentsAreListedBySourcePageByPageAndByLabels) {
  for (const char* source : {"c", "a", "b"}) {
    EditionHead head = Head(source);
    if (head.source == "b") head.labels = {{"shelf", "b"}};
    ASSERT_TRUE(Add({source, 0}, head, {PageOf(1, "1"), PageOf(2, "2")}).ok());
  }
  DocumentQuery query{.page_size = 2};
  DocumentList list = List(query);
  ASSERT_THAT(list.documents, SizeIs(2));
  EXPECT_EQ(list.documents[0].head.source, "a");
  query.page_token = list.next_page_token;
  list = List(query);
  ASSERT_THAT(list.documents, SizeIs(1));
  EXPECT_EQ(list.documents[0].head.source, "c");
  EXPECT_EQ(list.next_page_token, "");
  EXPECT_THAT(List({.labels = {{"shelf", "b"}}}).documents, SizeIs(1));
  query.labels = {{"shelf", "b"}};
  const auto foreign =
      AwaitStore<DocumentList>([&](auto done) { store_->ListDocuments(query, std::move(done)); });
  EXPECT_EQ(foreign.status().code(), absl::StatusCode::kInvalidArgument) << "a token of another query";
}

TEST_F(LibraryStoreTest, TitleAndLabelsChangeAloneAndAnotherTenantSeesNothing) {
  ASSERT_TRUE(Add({"b", 0}, Head("book"), {PageOf(1, "one"), PageOf(2, "two")}).ok());
  const auto renamed = AwaitStore<StoredDocument>(
      [&](auto done) { store_->UpdateDocument(Key("book"), "Renamed", std::nullopt, std::move(done)); });
  EXPECT_EQ(renamed->head.title, "Renamed");
  EXPECT_THAT(renamed->head.labels, SizeIs(1));
  const auto foreign = AwaitStore<StoredDocument>(
      [&](auto done) { store_->GetDocument({"other", Key("book").id}, std::move(done)); });
  EXPECT_EQ(foreign.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LibraryStoreTest, WhatACallMayNotAskIsSaidByField) {
  EXPECT_EQ(Begin({"b", 0}, Head("")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Begin({"b", 0}, Head("book", "content", 0)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PutResults("c", std::vector<StoredPage>(65, PageOf(1, "x"))).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(LibraryRules, ADocumentsIdIsOfTenantAndSourceAlone) {
  EXPECT_EQ(DocumentId("", "a"), DocumentId("", "a"));
  EXPECT_NE(DocumentId("", "a"), DocumentId("", "b"));
  EXPECT_NE(DocumentId("x", "ya"), DocumentId("xy", "a"));
  EXPECT_EQ(DocumentId("", "a").size(), 26u);
}

TEST(LibraryRules, LabelsComeBackAsTheyWereAndNothingElseIsLabels) {
  const std::map<std::string, std::string> labels = {{"a", "1:2"}, {"b", ""}};
  EXPECT_EQ(*DecodeLabels(EncodeLabels(labels)), labels);
  EXPECT_EQ(DecodeLabels("9:a").status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace sluice
