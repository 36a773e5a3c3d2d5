// ResultReader: the recorded outcomes of a batch, by sequence number or by score.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/store/batch.h"
#include "core/store/done.h"

namespace sluice {

// Thread-safe; calls answer as batch_store.h says, NOT_FOUND as in batch_catalog.h.
class ResultReader {
 public:
  virtual ~ResultReader() = default;

  // Outcomes with sequence > after_sequence in order: at most `limit` (1..256), and no more once their
  // results have kMostBytesRead. None: there are no more yet. OUT_OF_RANGE when after_sequence >
  // last_sequence.
  virtual void ReadOutcomes(BatchKey name, int64_t after_sequence, int limit,
                            Done<std::vector<Outcome>> done) = 0;
  // By score, highest first, ties by job id; a page may end before `page_size`, by its bytes
  // (RankedPageBytes). FAILED_PRECONDITION (reason BATCH_NOT_FINISHED) unless terminal.
  virtual void ReadRanked(BatchKey name, int page_size, std::string page_token, Done<RankedPage> done) = 0;
};

}  // namespace sluice
