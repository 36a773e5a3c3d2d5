// Work place: remote, hybrid or on site, from the structured field or the text. Pure.
#pragma once

#include <optional>

#include "core/screening/attributes/span.h"
#include "core/screening/phrases.h"
#include "core/screening/posting.h"
#include "core/screening/profile.h"

namespace sluice {

// What the work place may be: `is_remote` false leaves hybrid and on site open unless the text says.
struct WorkPlaceReading {
  bool remote = false;
  bool hybrid = false;
  bool onsite = false;
  Span span;

  bool FullyRemote() const { return remote && !hybrid && !onsite; }
  bool MayBe(WorkPlace place) const {
    return place == WorkPlace::kRemote ? remote : place == WorkPlace::kHybrid ? hybrid : onsite;
  }
};

// `is_remote` wins. In the text a denial ("not a remote position") counts before "hybrid", that before
// "remote" and "on-site"; words that are something else ("remote sensing", "hybrid cars", "on-site canteen")
// do not count. nullopt: the posting does not say.
std::optional<WorkPlaceReading> ReadWorkPlace(const Posting& posting, const ScannedText& text,
                                              const ScannedText& location);

}  // namespace sluice
