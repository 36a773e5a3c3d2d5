// Batches: creation, idempotence, uploads, tenants, listing, cancel, delete.
#include "tests/contract/batch_store_contract.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(BatchStoreContract, CreatedBatchIsReadBackAsItWasGiven) {
  NewBatch batch = Screen();
  batch.as_of = absl::FromUnixSeconds(1'700'000'000);
  batch.expires_after = absl::Hours(2);
  batch.priority = 7;
  const Batch created = Create(batch, 3);
  const Batch read = Get(created.id);
  EXPECT_EQ(read.id, created.id);
  EXPECT_THAT(read.id, testing::MatchesRegex("[0-9a-v]{20}"));
  EXPECT_EQ(read.kind, JobKind::kScreen);
  EXPECT_EQ(read.state, BatchState::kPending);
  EXPECT_EQ(read.counts, (BatchCounts{.jobs = 3}));
  EXPECT_EQ(read.spec, "spec");
  EXPECT_EQ(read.plan, "");
  EXPECT_FALSE(read.plan_applied);
  EXPECT_EQ(read.as_of, batch.as_of);
  EXPECT_EQ(read.create_time, clock_.WallNow());
  EXPECT_EQ(read.expire_time, clock_.WallNow() + absl::Hours(2));
  EXPECT_EQ(read.end_time, absl::InfiniteFuture());
  EXPECT_EQ(read.last_sequence, 0);
  EXPECT_EQ(read.priority, 7);
}

TEST_P(BatchStoreContract, IdsSortByCreation) {
  std::string last;
  for (int i = 0; i < 40; ++i) {
    const Batch batch = Create(Embed(), 1);
    EXPECT_LT(last, batch.id);
    last = batch.id;
  }
}

TEST_P(BatchStoreContract, JobsAreReadInOrderOfSubmissionWhateverTheirState) {
  const Batch batch = Create(Embed(), 5);
  Commit(Claim(Session(), 1)[0]);
  const auto jobs = store_.Jobs(batch.id, 1, 3);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  ASSERT_THAT(*jobs, SizeIs(3));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ((*jobs)[i].index, i + 1);
    EXPECT_EQ((*jobs)[i].id, absl::StrCat("job", i + 1));
    EXPECT_EQ((*jobs)[i].payload, absl::StrCat("payload of job", i + 1));
  }
  EXPECT_THAT(*store_.Jobs(batch.id, 0, 256), SizeIs(5));
  EXPECT_THAT(*store_.Jobs(batch.id, 5, 256), IsEmpty());
}

// However large the payloads, a page of them is: whoever pages through many batches at once can bound what
// that takes.
TEST_P(BatchStoreContract, APageOfJobsIsBoundedInBytes) {
  std::vector<NewJob> jobs;
  for (int i = 0; i < 12; ++i) jobs.push_back({absl::StrCat("job", i), std::string(256 << 10, 'x')});
  const Batch batch = store_.Create(Embed(), jobs).value();
  std::vector<size_t> pages;
  for (int64_t first = 0; pages.empty() || pages.back() > 0; first += static_cast<int64_t>(pages.back())) {
    pages.push_back(store_.Jobs(batch.id, first, 256)->size());
  }
  EXPECT_THAT(pages, testing::ElementsAre(4, 4, 4, 0));
}

TEST_P(BatchStoreContract, PayloadsAndResultsMayHoldAnyBytes) {
  const std::string bytes("\0\xff\x80 payload\0", 13);
  const Batch batch = store_.Create(Embed(), {{"a", bytes}}).value();
  const Claimed claim = Claim(Session())[0];
  EXPECT_EQ(claim.payload, bytes);
  LeasedStep ended = Ended(claim);
  OutcomeIn(ended).result = bytes;
  ASSERT_TRUE(store_.Commit({ended}).ok());
  EXPECT_EQ(store_.Outcomes(batch.id)->at(0).result, bytes);
}

TEST_P(BatchStoreContract, BatchWithoutJobsIsInvalid) {
  const absl::Status status = store_.Create(Embed(), {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldsOf(status), ElementsAre("jobs"));
}

// The field names the second of the two, and nothing of the batch stays.
TEST_P(BatchStoreContract, DuplicateJobIdNamesTheJobAndLeavesNothing) {
  std::vector<NewJob> jobs = Jobs(4);
  jobs[3].id = "job1";
  const absl::Status status = store_.Create(Embed(), jobs).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldsOf(status), ElementsAre("jobs[3].id"));
  EXPECT_THAT(store_.List(10)->batches, IsEmpty());
  EXPECT_THAT(Claim(Session()), IsEmpty());
}

TEST_P(BatchStoreContract, JobIdHas1To256Bytes) {
  EXPECT_THAT(FieldsOf(store_.Create(Embed(), {{"", "x"}}).status()), ElementsAre("jobs[0].id"));
  EXPECT_THAT(FieldsOf(store_.Create(Embed(), {{std::string(257, 'a'), "x"}}).status()),
              ElementsAre("jobs[0].id"));
  EXPECT_TRUE(store_.Create(Embed(), {{std::string(256, 'a'), "x"}}).ok());
}

TEST_P(BatchStoreContract, SameRequestIdAndDigestAnswersTheBatchAsItIsNow) {
  NewBatch batch = Embed();
  batch.request_id = "r1";
  batch.digest = "d1";
  const Batch first = Create(batch, 2);
  Commit(Claim(Session(), 1)[0]);
  const Batch again = Create(batch, 2);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.state, BatchState::kRunning);
  EXPECT_EQ(again.counts.succeeded, 1);
  EXPECT_THAT(store_.List(10)->batches, SizeIs(1));
}

TEST_P(BatchStoreContract, RequestIdWithAnotherDigestIsRefused) {
  NewBatch batch = Embed();
  batch.request_id = "r1";
  batch.digest = "d1";
  Create(batch, 2);
  batch.digest = "d2";
  const absl::Status status = store_.Create(batch, Jobs(2)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ID_REUSED");
  EXPECT_EQ(ReasonOf(store_.Begin(batch).status()), "REQUEST_ID_REUSED");
}

TEST_P(BatchStoreContract, RequestIdsOfTwoTenantsDoNotMeet) {
  NewBatch batch = Embed();
  batch.request_id = "r1";
  batch.digest = "d1";
  const Batch first = Create(batch, 1);
  batch.tenant = "other";
  batch.digest = "d2";
  EXPECT_NE(Create(batch, 1).id, first.id);
}

TEST_P(BatchStoreContract, AnotherTenantsBatchIsNotFoundByAnyCall) {
  NewBatch batch = Embed();
  batch.tenant = "a";
  const std::string id = Create(batch, 1).id;
  const std::string upload = store_.Begin(batch)->id;
  ASSERT_TRUE(store_.Append(upload, Jobs(1), "a").ok());
  EXPECT_TRUE(store_.Get(id, "a").ok());
  EXPECT_TRUE(store_.Outcomes(id, 0, 10, "a").ok());
  for (const std::string tenant : {"", "b"}) {
    EXPECT_EQ(store_.Append(upload, Jobs(1, "more"), tenant).code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Seal(upload, "", tenant).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Abandon(upload, tenant).code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Outcomes(id, 0, 10, tenant).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Ranked(id, 10, "", tenant).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Get(id, tenant).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Cancel(id, tenant).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Delete(id, tenant).code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(store_.List(10, "", tenant)->batches, IsEmpty());
  }
  EXPECT_EQ(store_.Seal(upload, "", "a")->counts.jobs, 1);
}

TEST_P(BatchStoreContract, AWorkerReadsItsBatchWithoutNamingATenant) {
  NewBatch batch = Embed();
  batch.tenant = "a";
  const std::string id = Create(batch, 1).id;
  EXPECT_EQ(store_.ReadBatch(id)->tenant, "a");
  EXPECT_EQ(store_.ReadBatch(id)->spec, "spec");
  EXPECT_EQ(store_.ReadBatch("00000000000000000000").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(BatchStoreContract, UnknownBatchIsNotFound) {
  for (const std::string id :
       {"", "nonsense", "00000000000000000000", "0000000001vvvvvvvvvv", "ZZZZZZZZZZZZZZZZZZZZ"}) {
    EXPECT_EQ(store_.Get(id).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Outcomes(id).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Ranked(id, 10).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Jobs(id).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Append(id, Jobs(1)).code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Seal(id).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Abandon(id).code(), absl::StatusCode::kNotFound);
  }
}

TEST_P(BatchStoreContract, ListIsNewestFirstInPagesWithoutTexts) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Create(Embed(), 1).id);
  std::vector<std::string> listed;
  std::string token;
  do {
    const BatchPage page = store_.List(2, token).value();
    EXPECT_LE(page.batches.size(), 2u);
    for (const Batch& batch : page.batches) {
      EXPECT_EQ(batch.spec, "");
      listed.push_back(batch.id);
    }
    token = page.next_page_token;
  } while (!token.empty());
  EXPECT_THAT(listed, ElementsAre(ids[4], ids[3], ids[2], ids[1], ids[0]));
}

TEST_P(BatchStoreContract, FullLastPageHasNoToken) {
  Create(Embed(), 1);
  Create(Embed(), 1);
  EXPECT_EQ(store_.List(2)->next_page_token, "");
}

// A token is opaque, and good for the call, tenant and batch that made it only.
TEST_P(BatchStoreContract, ForeignPageTokensAreInvalid) {
  const Batch a = Create(Embed(), 2);
  const Batch b = Create(Embed(), 2);
  for (const Claimed& claim : Claim(Session())) Commit(claim);
  const std::string list_token = store_.List(1)->next_page_token;
  const std::string ranked_token = store_.Ranked(a.id, 1)->next_page_token;
  ASSERT_NE(list_token, "");
  ASSERT_NE(ranked_token, "");
  std::string bent = list_token;
  bent[2] = bent[2] == 'A' ? 'B' : 'A';
  for (const std::string& token : {std::string("x"), std::string("!!"), ranked_token, bent}) {
    const absl::Status status = store_.List(1, token).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << token;
    EXPECT_THAT(FieldsOf(status), ElementsAre("page_token"));
  }
  EXPECT_THAT(FieldsOf(store_.List(1, list_token, "other").status()), ElementsAre("page_token"));
  EXPECT_THAT(FieldsOf(store_.Ranked(a.id, 1, list_token).status()), ElementsAre("page_token"));
  EXPECT_THAT(FieldsOf(store_.Ranked(b.id, 1, ranked_token).status()), ElementsAre("page_token"));
  EXPECT_TRUE(store_.Ranked(a.id, 1, ranked_token).ok());
}

TEST_P(BatchStoreContract, LimitsOutOfRangeAreInvalid) {
  const std::string id = Create(Embed(), 1).id;
  for (const int limit : {0, 257}) {
    EXPECT_EQ(store_.Outcomes(id, 0, limit).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(store_.Jobs(id, 0, limit).status().code(), absl::StatusCode::kInvalidArgument);
  }
  for (const int size : {0, 1001})
    EXPECT_EQ(store_.List(size).status().code(), absl::StatusCode::kInvalidArgument);
}

// --- uploads
// ---------------------------------------------------------------------------------------------------------

TEST_P(BatchStoreContract, UploadIsInvisibleUntilSealedThenComplete) {
  const Batch upload = store_.Begin(Embed()).value();
  EXPECT_EQ(upload.state, BatchState::kUploading);
  ASSERT_TRUE(store_.Append(upload.id, Jobs(3, "a")).ok());
  ASSERT_TRUE(store_.Append(upload.id, Jobs(2, "b")).ok());
  const SessionId session = Session();
  EXPECT_THAT(Claim(session), IsEmpty());
  EXPECT_THAT(store_.List(10)->batches, IsEmpty());
  EXPECT_EQ(store_.Stats()->kinds[JobKind::kEmbed].ready_jobs, 0);

  const Batch sealed = store_.Seal(upload.id).value();
  EXPECT_EQ(sealed.id, upload.id);
  EXPECT_EQ(sealed.state, BatchState::kPending);
  EXPECT_EQ(sealed.counts.jobs, 5);
  EXPECT_EQ(sealed.spec, "spec");
  EXPECT_THAT(store_.List(10)->batches, SizeIs(1));
  EXPECT_THAT(IndicesOf(Claim(session)), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(store_.Jobs(upload.id)->at(3).id, "b0");
}

TEST_P(BatchStoreContract, SealedScreenUploadStartsAsOnePlanTask) {
  const Batch upload = store_.Begin(Screen()).value();
  ASSERT_TRUE(store_.Append(upload.id, Jobs(3)).ok());
  ASSERT_TRUE(store_.Seal(upload.id).ok());
  EXPECT_THAT(IndicesOf(Claim(Session())), ElementsAre(kNoJob));
}

TEST_P(BatchStoreContract, SealedUploadTakesNoMoreJobs) {
  const Batch upload = store_.Begin(Embed()).value();
  ASSERT_TRUE(store_.Append(upload.id, Jobs(1)).ok());
  ASSERT_TRUE(store_.Seal(upload.id).ok());
  EXPECT_EQ(store_.Append(upload.id, Jobs(1, "more")).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Seal(upload.id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Abandon(upload.id).code(), absl::StatusCode::kNotFound);
}

TEST_P(BatchStoreContract, EmptyUploadCannotBeSealed) {
  const Batch upload = store_.Begin(Embed()).value();
  EXPECT_EQ(store_.Seal(upload.id).status().code(), absl::StatusCode::kInvalidArgument);
}

// Also across parts, and the part that holds it adds nothing.
TEST_P(BatchStoreContract, DuplicateIdAcrossPartsIsInvalid) {
  const Batch upload = store_.Begin(Embed()).value();
  ASSERT_TRUE(store_.Append(upload.id, Jobs(3)).ok());
  const absl::Status status = store_.Append(upload.id, {{"new", ""}, {"job2", ""}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldsOf(status), ElementsAre("jobs[1].id"));
  EXPECT_EQ(store_.Seal(upload.id)->counts.jobs, 3);
}

TEST_P(BatchStoreContract, AbandonedUploadIsGone) {
  const Batch upload = store_.Begin(Embed()).value();
  ASSERT_TRUE(store_.Append(upload.id, Jobs(3)).ok());
  ASSERT_TRUE(store_.Abandon(upload.id).ok());
  EXPECT_EQ(store_.Get(upload.id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Seal(upload.id).status().code(), absl::StatusCode::kNotFound);
}

// Whoever sent it speaks to a process that is gone.
TEST_P(BatchStoreContract, AnOpenUploadDoesNotOutliveItsProcess) {
  for (const bool died : {true, false}) {
    const Batch upload = store_.Begin(Embed()).value();
    ASSERT_TRUE(store_.Append(upload.id, Jobs(3)).ok());
    const std::string sealed = Create(Embed(), 2).id;
    died ? Die() : EndAndStartAgain();
    EXPECT_EQ(store_.Append(upload.id, Jobs(1, "more")).code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Seal(upload.id).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Get(upload.id).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store_.Sweep(absl::InfiniteDuration(), absl::ZeroDuration())->abandoned_uploads, 0);
    EXPECT_EQ(Get(sealed).counts.jobs, 2);
  }
}

TEST_P(BatchStoreContract, OpenUploadCanBeNeitherCancelledNorDeleted) {
  const Batch upload = store_.Begin(Embed()).value();
  EXPECT_EQ(store_.Cancel(upload.id).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_.Delete(upload.id).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(BatchStoreContract, SecondUploadOfASealedRequestAnswersTheFirst) {
  NewBatch batch = Embed();
  batch.request_id = "r1";
  batch.digest = "d1";
  const Batch first = store_.Begin(batch).value();
  ASSERT_TRUE(store_.Append(first.id, Jobs(2)).ok());
  ASSERT_TRUE(store_.Seal(first.id).ok());
  const Batch again = store_.Begin(batch).value();
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.state, BatchState::kPending);
}

// The digest of a stream is only known at its end: then, too, one batch stays.
TEST_P(BatchStoreContract, DigestGivenAtTheSealFindsTheEarlierBatch) {
  NewBatch batch = Embed();
  batch.request_id = "r1";
  const auto upload = [&](absl::string_view digest) {
    const Batch begun = store_.Begin(batch).value();
    EXPECT_TRUE(store_.Append(begun.id, Jobs(2)).ok());
    return store_.Seal(begun.id, std::string(digest));
  };
  const Batch first = upload("d1").value();
  EXPECT_EQ(upload("d1")->id, first.id);
  EXPECT_EQ(ReasonOf(upload("d2").status()), "REQUEST_ID_REUSED");
  EXPECT_THAT(store_.List(10)->batches, SizeIs(1));
  EXPECT_EQ(store_.Stats()->kinds[JobKind::kEmbed].ready_jobs, 2);
}

TEST_P(BatchStoreContract, OldUploadsAreSweptAndYoungOnesKept) {
  const Batch old_upload = store_.Begin(Embed()).value();
  clock_.Advance(absl::Hours(1));
  const Batch young = store_.Begin(Embed()).value();
  const SweepReply reply = store_.Sweep(absl::InfiniteDuration(), absl::Minutes(30)).value();
  EXPECT_EQ(reply.abandoned_uploads, 1);
  EXPECT_EQ(store_.Get(old_upload.id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store_.Get(young.id).ok());
}

}  // namespace
}  // namespace sluice
